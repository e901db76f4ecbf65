package world

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/simulators/scenario"
)

// World is a scenario in motion. It is used by one goroutine.
type World struct {
	s      *scenario.Scenario
	pace   Pace
	rng    *rand.Rand // of radio and weather
	agenda agenda
	now    time.Time
	out    Events
	down   map[string]bool

	items    []*item
	byItem   map[string]*item
	units    []*good
	antennas map[string]scenario.Antenna // bay to the antenna that looks at it
	beside   map[string][]string         // bay to the bays next to it
	doors    map[string]*door
	pads     map[string]*pad
	rooms    []*room
	totes    []*good
	turn     int // picked loads so far, for taking the doors in turn
	tote     int // totes inspected so far
	sight    time.Duration
}

// New makes the world as it is at the scenario's start. The first Step tells where everything is.
func New(s *scenario.Scenario, pace Pace) (*World, error) {
	w := &World{
		s: s, pace: pace, now: s.Start, rng: rand.New(rand.NewPCG(s.Seed, 0x7461_6c6c_7964_6f63)),
		byItem: map[string]*item{}, antennas: map[string]scenario.Antenna{}, beside: neighbours(s),
		doors: map[string]*door{}, pads: map[string]*pad{},
	}
	for _, r := range s.Readers {
		for n, bay := range r.Bays {
			w.antennas[bay] = scenario.Antenna{Device: r.ID, Number: n}
		}
	}
	w.sight = pace.ShelfEvery(s.Radio.ShelfEvery, Stock(s))
	if err := w.stockUp(); err != nil {
		return nil, err
	}
	for i := range s.Doors {
		if err := w.addDoor(s.Doors[i]); err != nil {
			return nil, err
		}
	}
	for _, p := range s.Pads {
		w.pads[p.ID] = &pad{Pad: p}
	}
	for _, r := range s.ColdRooms {
		w.addRoom(r)
	}
	w.agenda.add(s.Start, w.planDay)
	return w, nil
}

// Stock is how many tagged units the scenario starts with.
func Stock(s *scenario.Scenario) int {
	n := 0
	for _, it := range s.Items {
		n += it.Stock
	}
	return n
}

// Step runs the world up to now. Down names the devices that cannot report at this moment, or could not at some moment
// since the last Step.
func (w *World) Step(now time.Time, down map[string]bool) Events {
	w.down = down
	w.interrupt()
	for {
		a, ok := w.agenda.next(now)
		if !ok {
			break
		}
		w.now = a.at
		a.do()
	}
	out := w.out
	w.out = Events{}
	return out
}

// after plans do for d from now on.
func (w *World) after(d time.Duration, do func()) { w.agenda.add(w.now.Add(d), do) }

// dice are the chance of one decision. What people decide depends on the scenario's seed and on what is decided, not on
// what happened before, so that a day on which they waited for a reader still brings the same goods to the same bays.
func (w *World) dice(what string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(what))
	return rand.New(rand.NewPCG(w.s.Seed, h.Sum64()))
}

// between draws a duration.
func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Float64()*float64(high-low))
}

// over reports whether the scenario begins no new work any more.
func (w *World) over() bool { return !w.s.End.IsZero() && !w.now.Before(w.s.End) }

func (w *World) stockUp() error {
	for _, spec := range w.s.Items {
		it := &item{Item: spec, shelf: map[string][]*good{}}
		w.items = append(w.items, it)
		w.byItem[it.ID] = it
		for range it.Stock {
			g, err := w.make(it, "L0")
			if err != nil {
				return err
			}
			bay := it.Bays[0]
			if len(it.Bays) > 1 && w.dice("bay of "+g.tag.String()).IntN(5) == 0 {
				bay = it.Bays[1]
			}
			w.agenda.add(w.s.Start, func() { w.shelve(g, bay) })
		}
	}
	for _, t := range w.s.Totes {
		tag, err := devices.ParseTag("uid:" + t.UID)
		if err != nil {
			return fmt.Errorf("cannot make the tote's card: %w", err)
		}
		g := &good{tag: tag, item: w.byItem[t.Item], lot: t.Lot, place: Supplier}
		w.totes = append(w.totes, g)
		w.units = append(w.units, g)
		w.agenda.add(w.s.Start, func() { w.put(g, Supplier) })
	}
	return nil
}

// make makes the next unit of an item, still at its supplier.
func (w *World) make(it *item, lot string) (*good, error) {
	it.serial++
	tag, err := epc.EncodeSGTIN96(it.GTIN, w.s.Site.CompanyPrefix, filterUnit, it.serial)
	if err != nil {
		return nil, fmt.Errorf("item %s: cannot encode its tag: %w", it.ID, err)
	}
	g := &good{
		tag: tag, item: it, lot: lot, place: Supplier,
		unreadable: w.dice("make of "+tag.String()).IntN(1000) < w.s.Radio.Unreadable,
	}
	it.owned++
	w.units = append(w.units, g)
	return g, nil
}

// filterUnit is the filter value of a point-of-sale trade item in an SGTIN-96 (GS1 Tag Data Standard, table 10-1).
const filterUnit = 1
