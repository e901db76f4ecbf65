package api_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/api"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/watch"
)

// TestForPeople serves the pages of a gateway that is busy, with everything that they can show, until it is interrupted:
//
//	TALLYDOCK_PAGE=127.0.0.1:7999 go test -run TestForPeople -timeout 0 ./api
func TestForPeople(t *testing.T) {
	listen := os.Getenv("TALLYDOCK_PAGE")
	if listen == "" {
		t.Skip("it is for people to look at: set TALLYDOCK_PAGE to a loopback address")
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	d := newDemo(t)
	d.conf.Listen = listen
	s, err := api.New(d.conf, d.rooms)
	if err != nil {
		t.Fatal(err)
	}
	go d.live(ctx)
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}

// demo is a gateway of a warehouse with two doors, two shelves, a table and three cold rooms. Nothing of it is a device:
// what devices would say is made up.
type demo struct {
	conf  api.Config
	rooms api.Rooms
	road  *road
	tap   *recording.Tap
	rand  *rand.Rand
	tags  []devices.Tag
	mu    sync.Mutex
	reads map[string]uint64
}

func newDemo(t *testing.T) *demo {
	t.Helper()
	antennas := func(device string, ns ...uint8) (out []site.Source) {
		for _, n := range ns {
			out = append(out, site.Source{Device: device, Antenna: n})
		}
		return out
	}
	plan, err := site.New(site.Spec{
		Edge: "SZ1-E1",
		Shelves: []site.Bay{
			{Location: "SZ1-A-01", Source: site.Source{Device: "shelf-a", Antenna: 1}, AbsentAfter: time.Minute},
			{Location: "SZ1-A-02", Source: site.Source{Device: "shelf-a", Antenna: 2}, AbsentAfter: time.Minute},
			{Location: "SZ1-B-01", Source: site.Source{Device: "shelf-b"}, AbsentAfter: time.Minute},
		},
		Tables: []site.Bay{{Location: "SZ1-QA", Source: site.Source{Device: "pad-qa"}}},
		Doors: []site.Door{
			{
				ID: "SZ1-D1", Location: "SZ1-DOCK", Inside: antennas("dock-1", 1, 2), Outside: antennas("dock-1", 3, 4),
				Quiet: 3 * time.Second, Longest: time.Minute, MinReads: 2,
			},
			{
				ID: "SZ1-D2", Location: "SZ1-DOCK", Inside: antennas("dock-2", 1), Middle: antennas("dock-2", 2), Outside: antennas("dock-2", 3),
				Quiet: 3 * time.Second, Longest: time.Minute, MinReads: 2,
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{rand: rand.New(rand.NewPCG(7, 9)), reads: map[string]uint64{}}
	d.road = &road{now: time.Now, reconcile: reconcile.New(plan, reconcile.Defaults()), watch: watch.New(d.rules(plan))}
	d.tap = recording.NewTap(nothing{}, time.Now)
	for i := range 480 {
		tag, err := epc.EncodeSGTIN96([]string{"09506000134352", "00614141123452", "06901234567892"}[i%3], 7, 1, uint64(1000+i))
		if err != nil {
			t.Fatal(err)
		}
		d.tags = append(d.tags, tag)
	}
	d.stock()
	d.measure(time.Now())
	d.road.traces = d.passes()
	d.conf = api.Config{
		Edge: "SZ1-E1", Site: "Suzhou DC 2", Version: "tallydock-edge 0.3.0 (43a798b)", Now: time.Now, Plan: plan, Gatherer: prometheus.NewRegistry(),
	}
	d.rooms = api.Rooms{
		Devices: d, Road: d.road, Counter: d.road, Lists: d.road, Recording: d.tap,
		Outbox: &box{outbox.Position{
			Epoch: 3, EpochStart: 100, Head: 48213, Acked: 48171, SamplesHead: 20110, SamplesAcked: 19876, Free: 21 << 30, Need: 64 << 20,
		}},
		Hub: func() api.Link {
			return api.Link{Since: time.Now().Add(-11 * time.Minute), Err: errors.New("dial tcp 10.4.0.2:1883: connect: connection refused"), AckedAt: time.Now().Add(-11 * time.Minute)}
		},
		Unsynced: func() bool { return false },
		Config: func() wire.ConfigStatus {
			return wire.ConfigStatus{Version: 4, Offered: 4, State: wire.ConfigConfirmed}
		},
	}
	return d
}

func (d *demo) rules(plan *site.Plan) watch.Spec {
	limit := func(id, device string, kind watch.Kind, v unit.Milli, p alarm.Priority) watch.Rule {
		return watch.Rule{
			ID: id, Kind: kind, Class: "cold_chain", Location: "SZ1-COLD-" + device[len(device)-1:], Device: device, Quantity: unit.Temperature, Limit: v, Priority: p,
		}
	}
	return watch.Spec{
		Occurrence: plan.Occurrence,
		Devices:    []watch.Device{{ID: "probe-1"}, {ID: "probe-2"}, {ID: "probe-3"}, {ID: "dock-2"}},
		Rules: []watch.Rule{
			limit("cold-1-high", "probe-1", watch.High, 8000, alarm.Critical), limit("cold-2-high", "probe-2", watch.High, 8000, alarm.High),
			limit("cold-2-low", "probe-2", watch.Low, 6000, alarm.Medium), limit("cold-3-high", "probe-3", watch.High, -15000, alarm.High),
		},
	}
}

// Snapshot implements api.Devices.
func (d *demo) Snapshot() []wire.Device {
	d.mu.Lock()
	defer d.mu.Unlock()
	ago := func(m int) time.Time { return time.Now().Add(-time.Duration(m) * time.Minute) }
	list := []wire.Device{
		{ID: "dock-1", Driver: "llrp", Location: "SZ1-DOCK", State: devices.Up, Since: ago(3000)},
		{ID: "dock-2", Driver: "llrp", Location: "SZ1-DOCK", State: devices.Degraded, Since: ago(7), Reason: "antenna 3 is not connected to the reader: antenna port 3 reports no antenna; check its cable", Lost: 18},
		{ID: "shelf-a", Driver: "uhf", Location: "SZ1-A-01", State: devices.Up, Since: ago(3000)},
		{ID: "shelf-b", Driver: "uhf", Location: "SZ1-B-01", State: devices.Down, Since: ago(42), Reason: "cannot open /dev/ttyUSB3: the device does not exist; check the cable and the name in the configuration"},
		{ID: "pad-qa", Driver: "pn532", Location: "SZ1-QA", State: devices.Up, Since: ago(200)},
		{ID: "probe-1", Driver: "modbus", Location: "SZ1-COLD-1", State: devices.Up, Since: ago(3000)},
		{ID: "probe-2", Driver: "modbus", Location: "SZ1-COLD-2", State: devices.Up, Since: ago(3000)},
		{ID: "probe-3", Driver: "mqttnode", Location: "SZ1-COLD-3", State: devices.Up, Since: ago(100)},
	}
	for i := range list {
		list[i].Reads = d.reads[list[i].ID]
	}
	return list
}

// stock lets tags lie on the shelves.
func (d *demo) stock() {
	for n := range 3 {
		now := time.Now().Add(time.Duration(n-40) * time.Second)
		for i, tag := range d.tags {
			r := devices.Read{Device: "shelf-a", Antenna: uint8(1 + i%2), Tag: tag, RSSI: -5800, HasRSSI: true, HostTime: now, Count: 1}
			if i > 400 {
				r.Device, r.Antenna = "shelf-b", 0
			}
			d.road.reconcile.Step(reconcile.Input{Read: &r}, now)
		}
	}
}

// measure makes an hour of samples, with an excursion, a probe that does not know, and a silence.
func (d *demo) measure(end time.Time) {
	for i := range 240 {
		at := end.Add(time.Duration(i-239) * 15 * time.Second)
		wave := math.Sin(float64(i) / 17)
		d.sample("probe-1", "", unit.Temperature, 4500+900*wave+d.rand.Float64()*150+5200*math.Exp(-math.Pow(float64(i-226)/9, 2)), devices.Good, at)
		d.sample("probe-1", "", unit.Humidity, 61000+4000*wave+d.rand.Float64()*900, devices.Good, at)
		d.sample("probe-2", "0000056CC39", unit.Temperature, 5100-600*wave+d.rand.Float64()*120, devices.Good, at)
		if i < 110 || i > 170 {
			d.sample("probe-3", "", unit.Temperature, -18500+500*wave+d.rand.Float64()*150, devices.Good, at)
		}
		d.sample("probe-3", "", unit.Battery, 87000-float64(i)*20, devices.Good, at)
	}
	d.sample("probe-2", "0000056CF01", unit.Temperature, 85000, devices.Sentinel, end.Add(-20*time.Minute))
	d.road.watch.Step(watch.Input{Health: &devices.Health{Device: "dock-2", State: devices.Down, Reason: "x", At: end.Add(-9 * time.Minute)}}, end)
}

func (d *demo) sample(device, channel string, q unit.Quantity, v float64, quality devices.Quality, at time.Time) {
	s := devices.Sample{Device: device, Channel: channel, Quantity: q, Value: unit.Milli(math.Round(v/100) * 100), Quality: quality, HostTime: at}
	if quality == devices.Sentinel {
		s.Reason = "ds18b20_power_on_reset"
	}
	d.tap.Sample(s)
	d.road.watch.Step(watch.Input{Sample: &s}, at)
}

// live goes on reading and measuring.
func (d *demo) live(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d.burst("shelf-a", 1, 6)
		d.burst("shelf-a", 2, 3)
		if n/200%2 == 0 {
			d.burst("dock-1", 1, d.rand.IntN(8))
			d.burst("dock-1", 2, d.rand.IntN(7))
			d.burst("dock-1", 3, d.rand.IntN(3))
			d.burst("dock-1", 4, d.rand.IntN(2))
		}
		if n%40 == 0 {
			d.burst("dock-2", 1, 1)
			d.burst("dock-2", 5, 1)
		}
		if n%100 == 0 {
			d.road.mu.Lock()
			d.sample("probe-1", "", unit.Temperature, 6200+500*math.Sin(float64(n)/3000), devices.Good, time.Now())
			d.road.mu.Unlock()
		}
	}
}

func (d *demo) burst(device string, antenna uint8, n int) {
	for range n {
		d.tap.Read(devices.Read{Device: device, Antenna: antenna, Tag: d.tags[d.rand.IntN(len(d.tags))], HostTime: time.Now(), Count: 1})
	}
	d.mu.Lock()
	d.reads[device] += uint64(n)
	d.mu.Unlock()
}

// passes makes up traces: pallets that go in and out, one that turns back, and one with very many tags.
func (d *demo) passes() []*reconcile.Trace {
	now := time.Now()
	var out []*reconcile.Trace
	for i, c := range []struct {
		way     wire.Direction
		sure    uint16
		members int
		others  int
		gate    bool
	}{
		{wire.In, 972, 24, 5, true},
		{wire.Out, 934, 8, 2, false},
		{wire.TurnedBack, 700, 12, 3, true},
		{wire.Undecided, 500, 3, 1, false},
		{wire.In, 951, 280, 20, true},
	} {
		t := d.trace(now.Add(-time.Duration(3+14*i)*time.Minute), c.way, c.members, c.others, c.gate)
		t.Pass, t.Door, t.Confidence = fmt.Sprintf("0193544c-0e80-7abc-8def-%012d", i), []string{"SZ1-D1", "SZ1-D2"}[i%2], c.sure
		out = append(out, t)
	}
	return out
}

func (d *demo) trace(from time.Time, way wire.Direction, members, others int, gate bool) *reconcile.Trace {
	t := &reconcile.Trace{Direction: way, From: from, To: from.Add(9 * time.Second)}
	if gate {
		t.GateOn, t.GateOff = from.Add(3*time.Second), from.Add(5600*time.Millisecond)
	}
	for i := range members + others {
		x := reconcile.TagTrace{Tag: d.tags[i], Member: i < members, Score: 3 + 4*d.rand.Float64(), Why: "rises and falls with the load; outside first, then inside"}
		peak := 4.2 + 0.5*d.rand.NormFloat64()
		if !x.Member {
			x.Score, x.Why = -1-3*d.rand.Float64(), "lies beside the door: as strong before and after the load as with it"
		}
		for at := d.rand.Float64(); at < 9; at += (0.12 + 0.25*d.rand.Float64()) * max(1, float64(members)/60) {
			dBm := -52 - 2.1*math.Pow(at-peak, 2) + 1.6*d.rand.NormFloat64()
			if !x.Member {
				dBm = -69 + 1.4*d.rand.NormFloat64()
			}
			if dBm < -78 {
				continue
			}
			x.Reads = append(x.Reads, reconcile.ReadTrace{
				At: from.Add(time.Duration(at * float64(time.Second))), Device: "dock-1", Antenna: 1, Side: d.side(way, at-peak), RSSI: unit.DBm(math.Round(dBm) * 100),
				HasRSSI: true, Foreign: !x.Member && d.rand.IntN(4) == 0,
			})
		}
		t.Tags = append(t.Tags, x)
	}
	return t
}

// side is where a tag is read that is so many seconds behind the door's line.
func (d *demo) side(way wire.Direction, behind float64) string {
	if way == wire.Out {
		behind = -behind
	}
	switch behind += d.rand.NormFloat64() * 0.5; {
	case way == wire.TurnedBack, behind < -0.4:
		return "outside"
	case behind < 0.4:
		return "middle"
	}
	return "inside"
}

// nothing is a Sink that keeps nothing.
type nothing struct{}

func (nothing) Read(devices.Read)     {}
func (nothing) GPI(devices.GPI)       {}
func (nothing) Sample(devices.Sample) {}
func (nothing) Health(devices.Health) {}
