package storetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/planner"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/view"
)

// BenchmarkConsole is how long a hub's database takes for each thing that the console asks of it, at sites and about goods,
// doors and alarms that the database has, chosen at random: half of the answers come within p50-ms, all but one of a hundred
// within p99-ms. It writes nothing.
func BenchmarkConsole(b *testing.B, db *store.DB) {
	c := &console{db: db, random: rand.New(rand.NewPCG(5, 6)), view: store.View{DB: db}, fleet: store.Fleet{DB: db}, plan: store.Planning{DB: db}}
	c.look(b)
	for _, q := range c.questions() {
		b.Run(q.name, func(b *testing.B) {
			if !q.there {
				b.Skip("the database has nothing of the kind")
			}
			took := make([]time.Duration, 0, b.N)
			for range 3 {
				if err := q.ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for range b.N {
				start := time.Now()
				if err := q.ask(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			at := func(permille int) float64 { return took[(len(took)-1)*permille/1000].Seconds() * 1e3 }
			b.ReportMetric(at(500), "p50-ms")
			b.ReportMetric(at(990), "p99-ms")
		})
	}
}

// console asks what the console asks.
type console struct {
	db     *store.DB
	random *rand.Rand
	view   store.View
	fleet  store.Fleet
	plan   store.Planning
	newest time.Time // of the samples

	sites     []string
	rows      []view.StockRow
	cursors   []view.PageFilter
	doors     []fleet.Door
	passes    []string
	alarms    []string
	proposals []string
	tags      []devices.Tag
}

// look finds what there is to ask for at some of the sites.
func (c *console) look(b *testing.B) {
	b.Helper()
	ctx := b.Context()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	sites, err := c.view.Sites(ctx)
	check(err)
	for _, s := range sites {
		c.sites = append(c.sites, s.ID)
	}
	if len(c.sites) == 0 {
		b.Skip("the database has no sites")
	}
	some := slices.Clone(c.sites)
	c.random.Shuffle(len(some), func(i, k int) { some[i], some[k] = some[k], some[i] })
	for _, site := range some[:min(8, len(some))] {
		f := view.PageFilter{Site: site, Limit: view.MaxRows}
		for range 6 {
			p, err := c.view.StockPage(ctx, f)
			check(err)
			c.rows = append(c.rows, p.Rows...)
			if f.After = p.Next; p.Next == "" {
				break
			}
			c.cursors = append(c.cursors, f)
		}
		doors, err := c.fleet.Doors(ctx, site, time.Now())
		check(err)
		c.doors = append(c.doors, doors...)
		alarms, _, err := c.fleet.Alarms(ctx, fleet.AlarmFilter{State: "all", Site: site, Limit: 50})
		check(err)
		for _, a := range alarms {
			c.alarms = append(c.alarms, a.ID)
		}
		proposals, _, err := c.plan.Proposals(ctx, planner.Filter{Site: site, Limit: 50})
		check(err)
		for _, p := range proposals {
			c.proposals = append(c.proposals, p.ID)
		}
		sensors, err := store.Series{DB: c.db}.Sensors(ctx, series.Choice{Site: site, Limit: 1})
		check(err)
		for _, s := range sensors {
			at, err := store.Series{DB: c.db}.Buckets(ctx, s, time.Unix(0, 0), time.Now().Add(24*time.Hour), series.Hour)
			check(err)
			if n := len(at); n > 0 && at[n-1].Last.At.After(c.newest) {
				c.newest = at[n-1].Last.At
			}
		}
	}
	for _, d := range c.doors[:min(20, len(c.doors))] {
		page, _, err := c.fleet.Passes(ctx, d.ID, "", 50)
		check(err)
		for _, p := range page {
			c.passes = append(c.passes, p.ID)
		}
	}
	for range min(20, len(c.rows)) {
		r := pick(c.random, c.rows)
		d, err := c.view.Stock(ctx, r.Item, r.Location)
		check(err)
		for _, t := range d.Tags {
			c.tags = append(c.tags, t.Tag)
		}
	}
}

func pick[T any](random *rand.Rand, all []T) T { return all[random.IntN(len(all))] }

type question struct {
	name  string
	there bool
	ask   func() error
}

func (c *console) questions() []question {
	ctx := context.Background()
	day := time.Now().Truncate(24 * time.Hour)
	site := func() string { return pick(c.random, c.sites) }
	return []question{
		{"sites", true, func() error {
			_, err := c.view.Sites(ctx)
			return err
		}},
		{"reach", true, func() error {
			_, err := c.view.Ground(ctx, []string{site()})
			return err
		}},
		{"snapshot/first", true, func() error {
			_, err := c.view.StockPage(ctx, view.PageFilter{Site: site()})
			return err
		}},
		{"snapshot/next", len(c.cursors) > 0, func() error {
			_, err := c.view.StockPage(ctx, pick(c.random, c.cursors))
			return err
		}},
		{"snapshot/item", len(c.rows) > 0, func() error {
			_, err := c.view.StockPage(ctx, view.PageFilter{Site: site(), Item: pick(c.random, c.rows).Item})
			return err
		}},
		{"stock/why", len(c.rows) > 0, func() error {
			r := pick(c.random, c.rows)
			_, err := c.view.Stock(ctx, r.Item, r.Location)
			return err
		}},
		{"movements/newest", true, func() error {
			_, _, err := c.view.Movements(ctx, view.MovementFilter{})
			return err
		}},
		{"movements/item", len(c.rows) > 0, func() error {
			_, _, err := c.view.Movements(ctx, view.MovementFilter{Item: pick(c.random, c.rows).Item})
			return err
		}},
		{"movements/location", len(c.rows) > 0, func() error {
			_, _, err := c.view.Movements(ctx, view.MovementFilter{Location: pick(c.random, c.rows).Location})
			return err
		}},
		{"movements/tag", len(c.tags) > 0, func() error {
			_, _, err := c.view.Movements(ctx, view.MovementFilter{Tag: pick(c.random, c.tags).String()})
			return err
		}},
		{"doors", true, func() error {
			_, err := c.fleet.Doors(ctx, site(), day)
			return err
		}},
		{"passes", len(c.doors) > 0, func() error {
			_, _, err := c.fleet.Passes(ctx, pick(c.random, c.doors).ID, "", 50)
			return err
		}},
		{"passes/next", len(c.passes) > 0, func() error {
			p, err := c.fleet.Pass(ctx, pick(c.random, c.passes))
			if err == nil {
				_, _, err = c.fleet.Passes(ctx, p.Door, p.ID, 50)
			}
			return err
		}},
		{"pass", len(c.passes) > 0, func() error {
			_, err := c.view.PassMovements(ctx, pick(c.random, c.passes))
			return err
		}},
		{"alarms/active", true, func() error {
			_, _, err := c.fleet.Alarms(ctx, fleet.AlarmFilter{Site: site(), Limit: 500})
			return err
		}},
		{"alarms/shelved", true, func() error {
			_, _, err := c.fleet.Alarms(ctx, fleet.AlarmFilter{Site: site(), State: "shelved", Limit: 500})
			return err
		}},
		{"alarms/history", true, func() error {
			_, _, err := c.fleet.Alarms(ctx, fleet.AlarmFilter{Site: site(), State: "all", Limit: 200})
			return err
		}},
		{"alarms/everywhere", true, func() error {
			_, _, err := c.fleet.Alarms(ctx, fleet.AlarmFilter{State: "all", Limit: 200})
			return err
		}},
		{"alarm", len(c.alarms) > 0, func() error {
			_, _, err := c.fleet.Alarm(ctx, pick(c.random, c.alarms))
			return err
		}},
		{"edges", true, func() error {
			_, err := c.fleet.Edges(ctx, site())
			return err
		}},
		{"series", !c.newest.IsZero(), func() error {
			r := series.NewReader(store.Series{DB: c.db}, series.Retention{}, func() time.Time { return c.newest })
			_, err := r.Query(ctx, series.Query{
				From: c.newest.Add(-4 * time.Hour), To: c.newest,
				Sensors: series.Choice{Site: site(), Quantity: unit.Temperature.String(), Limit: 24},
			})
			return err
		}},
		{"proposals", len(c.proposals) > 0, func() error {
			_, _, err := c.plan.Proposals(ctx, planner.Filter{State: planner.Proposed, Site: site(), Limit: 100})
			return err
		}},
		{"proposals/all", len(c.proposals) > 0, func() error {
			_, _, err := c.plan.Proposals(ctx, planner.Filter{Before: pick(c.random, c.proposals), Site: site(), Limit: 100})
			return err
		}},
		{"proposal", len(c.proposals) > 0, func() error {
			_, err := c.plan.Proposal(ctx, pick(c.random, c.proposals))
			return err
		}},
		{"quarantine", true, func() error {
			_, err := store.Intake{DB: c.db}.Quarantine(ctx, intake.Open)
			return err
		}},
		{"events", true, func() error {
			_, last, err := store.Events{DB: c.db}.Bounds(ctx)
			if err == nil {
				_, err = store.Events{DB: c.db}.Since(ctx, max(0, last-500), 500)
			}
			return err
		}},
	}
}

// ConsoleSize is how much a database is filled with.
type ConsoleSize struct {
	Sites, Bays, Items, Tags int // Bays of each site
	Moves                    int // of tags, after they came
}

// SmallConsole is enough for a benchmark to say something of the queries, and nothing of size.
var SmallConsole = ConsoleSize{Sites: 3, Bays: 60, Items: 400, Tags: 6000, Moves: 6000}

// Fill makes a company in an empty database: a catalogue, edges with doors, readers and probes, goods that move, passes,
// alarms, samples and proposals.
func (c ConsoleSize) Fill(t testing.TB, db *store.DB) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	random := rand.New(rand.NewPCG(8, 9))
	items, places, levels := catalog.Rows{Kind: "items"}, catalog.Rows{Kind: "locations"}, catalog.Rows{Kind: "levels"}
	for i := range c.Items {
		items.Items = append(items.Items, catalog.Item{ID: fmt.Sprintf("SKU-%05d", i), Name: catalog.Text{EN: fmt.Sprint("Item ", i), ZH: fmt.Sprint("商品 ", i)}})
	}
	var bays [][]string
	for s := range c.Sites {
		site := fmt.Sprintf("S%03d", s)
		places.Locations = append(places.Locations, catalog.Location{Code: site, Site: site, Kind: catalog.Site, Name: catalog.Text{EN: "Site " + site}})
		var mine []string
		for i := range c.Bays {
			code := fmt.Sprintf("%s-B-%04d", site, i)
			mine = append(mine, code)
			places.Locations = append(places.Locations, catalog.Location{Code: code, Site: site, Parent: site, Kind: catalog.Bay, Name: catalog.Text{EN: code}})
			levels.Levels = append(levels.Levels, catalog.Level{Item: fmt.Sprintf("SKU-%05d", random.IntN(c.Items)), Location: code, Min: 2, Max: 20})
		}
		bays = append(bays, mine)
	}
	for _, rows := range []catalog.Rows{items, places, levels} {
		_, err := store.Catalog{DB: db}.Put(ctx, rows)
		check(err)
	}
	now := time.Now().Truncate(time.Second)
	for s, mine := range bays {
		c.site(t, db, fmt.Sprintf("S%03d", s), mine, now)
	}
	c.goods(t, db, random, bays, now)
	for run := range 3 {
		var all []planner.Proposal
		for i := range c.Sites * 20 {
			all = append(all, planner.Proposal{
				ID: newID(), State: planner.Proposed, CreatedAt: now.AddDate(0, 0, run-3), Item: fmt.Sprintf("SKU-%05d", i%c.Items),
				Site: fmt.Sprintf("S%03d", i%c.Sites), Explain: planner.Explain{Demand: make([]planner.Past, 90)},
			})
		}
		seen := map[string]bool{}
		all = slices.DeleteFunc(all, func(p planner.Proposal) bool {
			again := seen[p.Item+p.Site]
			seen[p.Item+p.Site] = true
			return again
		})
		check(store.Planning{DB: db}.SaveRun(ctx, planner.Run{ID: newID(), At: now}, all))
	}
}

// site makes the fleet of a site with its past.
func (c ConsoleSize) site(t testing.TB, db *store.DB, site string, bays []string, now time.Time) {
	t.Helper()
	ctx := context.Background()
	edge := site + "-E1"
	status := wire.Status{Edge: edge, Site: site, Online: true, At: now}
	for i := range 4 {
		id := fmt.Sprintf("%s-D%d", site, i)
		status.Doors = append(status.Doors, wire.Door{ID: id, Location: bays[0], Devices: []string{id + "-r"}})
		status.Devices = append(status.Devices, wire.Device{ID: id + "-r", State: devices.Up, Location: bays[0]})
	}
	if _, _, err := (store.Intake{DB: db}).Status(ctx, status); err != nil {
		t.Fatal(err)
	}
	var samples []series.Sample
	for probe := range 6 {
		key := series.Key{Edge: edge, Device: fmt.Sprint("probe-", probe), Quantity: unit.Temperature}
		for i := range 240 {
			samples = append(samples, series.Sample{Key: key, Location: bays[0], At: now.Add(time.Duration(i-240) * time.Minute), Value: unit.Milli(4000 + i), HasValue: true})
		}
	}
	if err := (store.Series{DB: db}).Write(ctx, samples); err != nil {
		t.Fatal(err)
	}
	err := store.Intake{DB: db}.Take(ctx, func(tx intake.Tx) error {
		for i := range 200 {
			at := now.Add(time.Duration(i-200) * time.Minute)
			if err := tx.PutPass(edge, wire.Pass{
				ID: fmt.Sprintf("%s-P%d", site, i), Door: fmt.Sprintf("%s-D%d", site, i%4), Direction: wire.In, Opened: at, Closed: at.Add(time.Second), Moved: 3,
			}); err != nil {
				return err
			}
			to := alarm.Normal
			if i%10 == 0 {
				to = alarm.Unacked
			}
			if err := tx.PutAlarm(edge, 1, uint64(i)+1, wire.Alarm{
				ID: fmt.Sprintf("%s-A%d", site, i), Rule: "warm", Source: "probe-1", Location: bays[0], Quantity: unit.Temperature, Priority: alarm.High,
				From: alarm.Normal, To: to, Action: alarm.Raise, At: at,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goods brings tags to bays and moves them, some of them by passes.
func (c ConsoleSize) goods(t testing.TB, db *store.DB, random *rand.Rand, bays [][]string, now time.Time) {
	t.Helper()
	at := make([]string, c.Tags)
	n := 0
	for done := 0; done < c.Tags+c.Moves; {
		err := store.Intake{DB: db}.Take(context.Background(), func(tx intake.Tx) error {
			for range min(1000, c.Tags+c.Moves-done) {
				k, kind := n, ledger.Receive
				if n >= c.Tags {
					k, kind = random.IntN(c.Tags), ledger.Move
				}
				n++
				tag, err := devices.NewTag(devices.TagEPC, binary.BigEndian.AppendUint32([]byte{0x30, 0x14, 1, 2, 3, 4, 5, 6}, uint32(k)))
				if err != nil {
					return err
				}
				site := k % len(bays)
				from, to := at[k], pick(random, bays[site])
				if from == "" {
					from = ledger.Supplier
				}
				if from == to {
					continue
				}
				at[k] = to
				m := ledger.Movement{
					ID: newID(), Kind: kind, Source: "edge:E", EffectiveAt: now, RecordedAt: now, Key: fmt.Sprint("E/1/", n),
					Evidence: ledger.Evidence{Pass: fmt.Sprintf("S%03d-P%d", site, n%200)},
					Lines: []ledger.Line{{
						Item: fmt.Sprintf("SKU-%05d", k%c.Items), Tag: tag, From: from, FromState: ledger.Available, To: to, ToState: ledger.Available, Quantity: 1,
					}},
				}
				if err := tx.Post("E", m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		done += 1000
	}
}
