package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/api"
	"github.com/tallydock/tallydock/edge/fleet"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/watch"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const token = "a token of some length"

// road leads real machines without a store.
type road struct {
	mu        sync.Mutex
	reconcile *reconcile.Machine
	watch     *watch.Machine
	stalled   time.Duration
	busy      bool
	commands  []watch.Local
	refuses   error
	now       func() time.Time
	traces    []*reconcile.Trace
	counted   []reconcile.Counted
	expected  []reconcile.Expected
}

func (r *road) Standing() []watch.Standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watch.Standing()
}

func (r *road) Local(ctx context.Context, c watch.Local) error {
	if r.refuses != nil {
		return r.refuses
	}
	var refused error
	err := r.Ask(ctx, func(*reconcile.Machine) {
		r.commands = append(r.commands, c)
		for _, e := range r.watch.Step(watch.Input{Local: &c}, r.now()) {
			if e.Refused != nil {
				refused = e.Refused.Err
			}
		}
	})
	return errors.Join(err, refused)
}

func (r *road) Passes() []*reconcile.Trace { return r.traces }

func (r *road) Count(_ context.Context, c reconcile.Count) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.reconcile.Step(reconcile.Input{Count: &c}, r.now()) {
		if e.Counted != nil && e.Counted.Refused != "" {
			return errors.New(e.Counted.Refused)
		}
	}
	return nil
}

func (r *road) Expect(_ context.Context, e reconcile.Expected) error {
	if e.Door == "D9" {
		return errors.New("door D9 is none of this gateway's")
	}
	r.expected = append(r.expected, e)
	return nil
}

func (r *road) Counts() []reconcile.Counted { return r.counted }

func (r *road) Stalled() time.Duration { return r.stalled }

func (r *road) Ask(_ context.Context, fn func(*reconcile.Machine)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		return errors.New("the gateway is too busy to answer")
	}
	fn(r.reconcile)
	return nil
}

// box is an outbox that stands still.
type box struct{ at outbox.Position }

func (b *box) Position() outbox.Position { return b.at }

// gateway is a small gateway: shelf A with reader uhf-a1, shelf B that nobody has gone to, and a cold room with a probe.
type gateway struct {
	conf     api.Config
	rooms    api.Rooms
	road     *road
	box      *box
	link     api.Link
	unsynced bool
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	plan, err := site.New(site.Spec{Edge: "SZ1-E1", Shelves: []site.Bay{
		{Location: "SZ1-A-01", Source: site.Source{Device: "uhf-a1"}, AbsentAfter: time.Minute},
		{Location: "SZ1-B-01", Source: site.Source{Device: "uhf-b1"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{
		box:  &box{outbox.Position{Epoch: 3, EpochStart: 100, Head: 4711, Acked: 4700, SamplesHead: 9, SamplesAcked: 8, Free: 5 << 30, Need: 1 << 26}},
		link: api.Link{Connected: true, Since: noon},
	}
	g.road = &road{now: func() time.Time { return noon }, reconcile: reconcile.New(plan, reconcile.Defaults()), watch: watch.New(watch.Spec{
		Occurrence: plan.Occurrence, Devices: []watch.Device{{ID: "probe-r", Location: "SZ1-R"}},
		Rules: []watch.Rule{
			{ID: "cold-r-high", Kind: watch.High, Class: "cold_chain", Location: "SZ1-R", Device: "probe-r", Quantity: unit.Temperature, Limit: 8000, Priority: alarm.Critical},
		},
	})}
	registry := prometheus.NewRegistry()
	g.conf = api.Config{
		Listen: "127.0.0.1:0", Edge: "SZ1-E1", Site: "SZ1", Version: "1.2.3", Now: func() time.Time { return noon }, Plan: plan, Gatherer: registry,
	}
	g.rooms = api.Rooms{
		Devices: newFleet(t, registry), Road: g.road, Counter: g.road, Lists: g.road, Outbox: g.box, Hub: func() api.Link { return g.link },
		Unsynced: func() bool { return g.unsynced },
	}
	return g
}

// newFleet has one reader, which is not there.
func newFleet(t *testing.T, registry *prometheus.Registry) *fleet.Fleet {
	t.Helper()
	ports, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ports.Close() })
	sink := &devicetest.Sink{}
	f, err := fleet.New(fleet.Config{
		Devices:  []devices.Settings{{ID: "uhf-a1", Driver: "uhf", Address: "serial:" + filepath.Join(t.TempDir(), "tty<none>")}},
		Location: func(string) string { return "SZ1-A-01" }, Env: all.Env{Ports: ports}, Registerer: registry,
	}, sink)
	if err != nil {
		t.Fatal(err)
	}
	during(t, f.Run)
	sink.WaitState(t, devices.Down)
	return f
}

// during runs something until the test's end.
func during(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

// serve starts the gateway's server and gives its URL.
func (g *gateway) serve(t *testing.T) string {
	t.Helper()
	s, err := api.New(g.conf, g.rooms)
	if err != nil {
		t.Fatal(err)
	}
	during(t, s.Run)
	<-s.Ready()
	return "http://" + s.Addr()
}

// read lets a reader see tags; the nth tag ends with byte n.
func (g *gateway) read(t *testing.T, at time.Time, tags ...byte) {
	t.Helper()
	for i := range 3 {
		now := at.Add(time.Duration(i) * time.Second)
		for _, n := range tags {
			tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, n})
			if err != nil {
				t.Fatal(err)
			}
			g.road.reconcile.Step(reconcile.Input{Read: &devices.Read{Device: "uhf-a1", Tag: tag, RSSI: -5500, HasRSSI: true, HostTime: now, Count: 1}}, now)
		}
	}
}

// measure lets the probe measure a temperature.
func (g *gateway) measure(v unit.Milli, at time.Time) {
	s := devices.Sample{Device: "probe-r", Quantity: unit.Temperature, Value: v, HostTime: at}
	g.road.watch.Step(watch.Input{Sample: &s}, at)
}

// reply is an HTTP answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url string, change func(*http.Request)) reply {
	t.Helper()
	return send(t, method, url, nil, change)
}

func send(t *testing.T, method, url string, body io.Reader, change func(*http.Request)) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

func get(t *testing.T, url string) reply { t.Helper(); return ask(t, http.MethodGet, url, nil) }

// object reads an answer as JSON.
func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return v
}

// says checks fields of an object by how fmt prints them.
func says(t *testing.T, object any, want map[string]string) {
	t.Helper()
	m, ok := object.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", object)
	}
	for k, v := range want {
		if got := fmt.Sprint(m[k]); got != v {
			t.Errorf("%s is %s; want %s", k, got, v)
		}
	}
}

func items(t *testing.T, object map[string]any) []any {
	t.Helper()
	list, ok := object["items"].([]any)
	if !ok {
		t.Fatalf("no list in %v", object)
	}
	return list
}

// tapped lets reads and samples pass a tap.
func (g *gateway) tapped(t *testing.T) {
	t.Helper()
	g.rooms.Recording = recording.NewTap(nothing{}, g.conf.Now)
	tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"uhf-a1", "uhf-a1", "uhf-x"} {
		g.rooms.Recording.Read(devices.Read{Device: device, Tag: tag, HostTime: noon.Add(-time.Second), Count: 1})
	}
	g.rooms.Recording.Read(devices.Read{Device: "uhf-a1", Antenna: 3, Tag: tag, HostTime: noon, Count: 1})
	for i, v := range []unit.Milli{4400, 4200} {
		g.rooms.Recording.Sample(devices.Sample{Device: "probe-r", Quantity: unit.Temperature, Value: v, HostTime: noon.Add(time.Duration(i-2) * time.Minute)})
	}
	g.rooms.Recording.Sample(devices.Sample{Device: "probe-r", Channel: "2", Quantity: unit.Humidity, Quality: devices.NoData, HostTime: noon.Add(-time.Hour)})
}

// aTrace is a pass with three tags, of which two passed, one reads without strength, and one only lies there.
func aTrace(t *testing.T) *reconcile.Trace {
	t.Helper()
	tr := &reconcile.Trace{
		Pass: "p1", Door: "D1", Direction: wire.In, Confidence: 970, From: noon.Add(-10 * time.Second), To: noon.Add(-6 * time.Second),
		GateOn: noon.Add(-9 * time.Second), GateOff: noon.Add(-8 * time.Second),
	}
	at := func(ms int, side string, dBm int) reconcile.ReadTrace {
		return reconcile.ReadTrace{
			At: tr.From.Add(time.Duration(ms) * time.Millisecond), Device: "dock", Antenna: 1, Side: side, RSSI: unit.DBm(dBm * 100), HasRSSI: dBm != 0,
		}
	}
	for i, x := range []reconcile.TagTrace{
		{Member: true, Score: 3, Why: "goes with the others", Reads: []reconcile.ReadTrace{at(500, "outside", 0), at(1500, "inside", 0)}},
		{
			Member: true, Score: 4.2, Why: "rises and falls", Reads: []reconcile.ReadTrace{
				at(0, "outside", -70), at(900, "outside", -60), at(1500, "middle", -50), at(2500, "inside", -62),
			},
		},
		{Score: -2.5, Why: "lies beside the door", Reads: []reconcile.ReadTrace{at(100, "inside", -71), at(3900, "inside", -72)}},
	} {
		tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, byte(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		x.Tag = tag
		tr.Tags = append(tr.Tags, x)
	}
	tr.Tags[2].Reads[0].Foreign = true
	return tr
}
