package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/output"
	"github.com/tallydock/tallydock/edge/pipeline"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/watch"
)

// lamps notes what the pipeline wants of the outputs.
type lamps struct {
	mu sync.Mutex
	on map[string]bool
	up []string
}

func (l *lamps) Want(by, name string, on bool, _ string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.on, by+" "+name)
	if on {
		l.on[by+" "+name] = true
	}
}

func (l *lamps) Health(h devices.Health) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = append(l.up, h.Device)
}

func (l *lamps) lit() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(l.on)), ", ")
}

// watched is a rig of which room A has a rule, with lamps.
func watched(t *testing.T) (*rig, *lamps) {
	l := &lamps{on: map[string]bool{}}
	return newRigWith(t, func(c *pipeline.Config, s *watch.Spec) {
		s.Rules[0].Location = "A"
		s.Rules[0].Suppress = &watch.Context{Inputs: []string{"service", "defrost"}}
		s.Rules[0].Escalation = []watch.Level{{After: time.Minute, Notify: "duty", Outputs: []string{"siren"}}}
		s.Rules = append(s.Rules, watch.Rule{
			ID: "sum", Kind: watch.High, Class: "cold_chain", Location: "A", Device: "probe", Quantity: unit.Temperature,
			Limit: 30_000, Cumulative: true, OnDelay: time.Hour, Window: 24 * time.Hour, Priority: alarm.Medium,
		})
		s.Devices = []watch.Device{{ID: "probe"}}
		s.Outputs = []watch.Output{{Name: "lamp", While: watch.Active, Priority: alarm.Quality}}
		s.Contacts = []watch.Contact{{Name: "defrost", Device: "io", Port: 1}}
		s.Calibrations = []watch.Calibration{{Device: "probe", Quantity: unit.Temperature, Offset: -300, Certificate: "K-1"}}
		c.Outputs, c.Doors = l, []string{"D1"}
		c.Lights = []output.Door{{ID: "D1", OK: []string{"green"}, Missing: []string{"amber"}, Reading: []string{"blue"}, Hold: 10 * time.Second}}
	}), l
}

// kept gives the main records.
func (r *rig) kept() []wire.Record {
	r.t.Helper()
	run, err := r.store.ReadMain(1, 1000, 1<<20)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []wire.Record
	for _, s := range run.Records {
		rec, err := wire.DecodeRecord(s.Bytes)
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

func (r *rig) excursions() (out []*wire.Excursion) {
	for _, rec := range r.kept() {
		if rec.Excursion != nil {
			out = append(out, rec.Excursion)
		}
	}
	return out
}

func (r *rig) answers() map[string]string {
	out := map[string]string{}
	for _, rec := range r.kept() {
		if a := rec.Answer; a != nil {
			out[a.Command] = a.Error
		}
	}
	return out
}

func TestExcursionNamesTheGoodsOfItsRoom(t *testing.T) {
	r, l := watched(t)
	shelve := func(tag byte) {
		for range 3 {
			r.read("a", 0, tag, -50)
			r.wait(time.Second)
		}
	}
	r.p.Health(devices.Health{Device: "probe", State: devices.Up})
	shelve(1)
	r.await(1)
	r.sample(9)
	r.until(func() bool { return len(r.excursions()) == 1 })
	if x := r.excursions()[0]; !x.Ended.IsZero() || x.Location != "A" || x.Kind != "high" || x.Worst != 8700 || len(x.Goods) != 1 || !x.Goods[0].Still ||
		!strings.Contains(x.Correction, "K-1") {
		t.Errorf("as it began %+v", x)
	}
	r.until(func() bool { return l.lit() == "alarms lamp" })
	r.wait(90 * time.Second)
	r.until(func() bool { return l.lit() == "alarms lamp, alarms siren" })
	shelve(2)
	r.sample(10)
	r.wait(time.Minute)
	r.end()
	r.boot() // all of it survives
	r.p.Health(devices.Health{Device: "probe", State: devices.Up})
	r.until(func() bool { return l.lit() == "alarms lamp, alarms siren" })
	r.sample(4)
	r.until(func() bool { return len(r.excursions()) == 2 })
	x := r.excursions()[1]
	if x.ID != r.excursions()[0].ID || x.Ended.IsZero() || x.Worst != 9700 || len(x.Goods) != 2 || x.Goods[0].Exposed <= x.Goods[1].Exposed || !x.HasMKT {
		t.Errorf("as it ended %+v", x)
	}
	r.until(func() bool { return l.lit() == "" })
	var told []string
	for _, rec := range r.kept() {
		if e := rec.Escalation; e != nil {
			told = append(told, fmt.Sprint(e.Level, e.Notify))
		}
	}
	if fmt.Sprint(told) != "[1duty]" {
		t.Errorf("escalations %q", told)
	}
}

// A room that a rule names for the first time has goods in it already.
func TestNewRuleKnowsWhatIsInItsRoom(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.read("a", 0, 1, -50)
		r.wait(time.Second)
	}
	r.await(1)
	r.end()
	r.with = func(_ *pipeline.Config, s *watch.Spec) { s.Rules[0].Location = "A" }
	r.boot()
	r.sample(9)
	r.until(func() bool { return len(r.excursions()) == 1 })
	if x := r.excursions()[0]; len(x.Goods) != 1 || !x.Goods[0].Still {
		t.Errorf("goods %+v", x.Goods)
	}
}

func TestSamplesAreKeptCorrectedAndMarked(t *testing.T) {
	unsynced := false
	var mu sync.Mutex
	r := newRigWith(t, func(c *pipeline.Config, s *watch.Spec) {
		s.Calibrations = []watch.Calibration{{Device: "probe", Quantity: unit.Temperature, Offset: -300, Certificate: "K-1"}}
		s.Rules = append(s.Rules, watch.Rule{
			ID: "stuck", Kind: watch.Stuck, Class: "device", Device: "probe", Quantity: unit.Temperature, Span: 10 * time.Minute, Priority: alarm.Quality,
		})
		c.Change, c.Unsynced = 0, func() bool { mu.Lock(); defer mu.Unlock(); return unsynced }
	})
	for range 15 {
		r.sample(5)
		r.wait(time.Minute)
	}
	mu.Lock()
	unsynced = true
	mu.Unlock()
	r.sample(6)
	r.p.Sample(devices.Sample{
		Device: "probe", Quantity: unit.Temperature, Value: 7000, Historical: true, DeviceTime: start.Add(-time.Hour), HostTime: r.time(),
	})
	var got []string
	r.until(func() bool {
		got = nil
		stored, err := r.store.ReadSamples(1, 100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stored {
			rec, err := wire.DecodeRecord(s.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %s %s", rec.Sample.Value, rec.Sample.Quality, rec.Sample.At.Sub(start)))
		}
		return len(got) == 17
	})
	for i, want := range map[int]string{0: "4.7 good 0s", 9: "4.7 good 9m0s", 14: "4.7 stuck 14m0s", 15: "5.7 clock_unsynced 15m0s", 16: "6.7 clock_unsynced -1h0m0s"} {
		if got[i] != want {
			t.Errorf("sample %d is %q, want %q", i, got[i], want)
		}
	}
}

func TestContactAndSwitchHideAnAlarm(t *testing.T) {
	r, l := watched(t)
	state := func() string {
		var s []string
		for _, a := range r.p.Standing() {
			s = append(s, a.State.String())
		}
		return strings.Join(s, " ")
	}
	r.p.GPI(devices.GPI{Device: "io", Port: 1, High: true, HostTime: r.time()})
	r.sample(9)
	r.until(func() bool { return state() == "suppressed" })
	r.p.GPI(devices.GPI{Device: "io", Port: 1, HostTime: r.time()})
	r.until(func() bool { return state() == "unacked" && l.lit() == "alarms lamp" })
	if err := r.p.Switch(t.Context(), watch.Switch{Name: "service", On: true}); err != nil {
		t.Fatal(err)
	}
	if state() != "suppressed" {
		t.Errorf("with the switch on it is %s", state())
	}
	if err := r.p.Switch(t.Context(), watch.Switch{Name: "nothing"}); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("a switch that is none: %v", err)
	}
}

func TestPersonAtTheGatewayIsAnsweredWhenItIsKept(t *testing.T) {
	r, _ := watched(t)
	r.sample(9)
	r.until(func() bool { return len(r.p.Standing()) == 1 })
	id := r.p.Standing()[0].ID
	if err := r.p.Local(t.Context(), watch.Local{Do: alarm.Acknowledge, Alarm: id}); err == nil || !strings.Contains(err.Error(), "say who") {
		t.Errorf("nobody: %v", err)
	}
	if err := r.p.Local(t.Context(), watch.Local{Do: alarm.Acknowledge, Alarm: id, Actor: "li"}); err != nil {
		t.Fatal(err)
	}
	kept := r.kept()
	if a := kept[len(kept)-1].Alarm; a == nil || a.Actor != "li" || a.To != alarm.Acked {
		t.Errorf("kept %+v", kept[len(kept)-1])
	}
	var state alarm.State
	if err := r.p.AskWatch(t.Context(), func(m *watch.Machine) { state = m.Standing()[0].State }); err != nil || state != alarm.Acked {
		t.Errorf("asked: %s, %v", state, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.p.Local(ended, watch.Local{Do: alarm.Shelve}); err != nil && !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "say who") {
		t.Errorf("nobody waits: %v", err)
	}
	r.end()
	if err := r.p.Local(t.Context(), watch.Local{Do: alarm.Acknowledge, Alarm: id, Actor: "li"}); err == nil {
		t.Error("it was done after the end")
	}
}

func TestEveryCommandOfTheHubIsAnswered(t *testing.T) {
	r, _ := watched(t)
	r.sample(9)
	r.until(func() bool { return len(r.p.Standing()) == 1 })
	id := r.p.Standing()[0].ID
	tag, err := devices.ParseTag("epc:30000001")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(id string, c wire.Command) {
		c.ID, c.Actor = id, "lin"
		r.p.Command(c)
	}
	ask("c1", wire.Command{RemoveFromService: &wire.AlarmOutOfService{Alarm: id, Reason: "probe away"}})
	ask("c2", wire.Command{Reset: &wire.AlarmReset{Alarm: id}}) // it is not latched
	ask("c3", wire.Command{ReturnToService: &wire.AlarmInService{Alarm: id}})
	ask("c4", wire.Command{Acknowledge: &wire.AlarmAcknowledge{Alarm: "gone"}})
	ask("c5", wire.Command{ResetSum: &wire.ResetSum{Rule: "sum", Source: "probe", Reason: "new load"}})
	ask("c6", wire.Command{ResetSum: &wire.ResetSum{Rule: "hot", Source: "probe", Reason: "new load"}})
	ask("c7", wire.Command{Expect: &wire.Expect{ID: "L", Door: "D1", Tags: []devices.Tag{tag}}})
	ask("c8", wire.Command{Expect: &wire.Expect{ID: "L", Door: "D9", Tags: []devices.Tag{tag}}})
	r.until(func() bool { return r.store.Done("c8") })
	got := r.answers()
	for _, rec := range r.kept() {
		if rec.Alarm != nil && rec.Alarm.Command != "" {
			got[rec.Alarm.Command] = string(rec.Alarm.Action) + " " + rec.Alarm.To.String()
		}
		if x := rec.SumReset; x != nil && (x.Rule != "sum" || x.Actor != "lin" || x.Reason != "new load") {
			t.Errorf("sum reset %+v", x)
		}
	}
	for id, want := range map[string]string{
		"c1": "remove_from_service out_of_service", "c2": "reset out_of_service", "c3": "return_to_service unacked",
		"c4": "cannot do command c4 on alarm gone", "c5": "", "c6": "rule hot sums nothing", "c7": "", "c8": `door "D9" is none`,
	} {
		if answer, ok := got[id]; !ok || !strings.Contains(answer, want) || want == "" && answer != "" {
			t.Errorf("%s is answered %q, %v; want %q", id, answer, ok, want)
		}
	}
}

func TestListsThatCannotBeKeptAreRefused(t *testing.T) {
	r, _ := watched(t)
	long := reconcile.Expected{ID: "L", Door: "D1"}
	for i := range wire.MaxExpected {
		tag, err := devices.NewTag(devices.TagEPC, fmt.Appendf(nil, "%030d", i))
		if err != nil {
			t.Fatal(err)
		}
		long.Tags = append(long.Tags, tag)
	}
	for why, e := range map[string]reconcile.Expected{
		"is none of this": {ID: "L", Door: "D9", Items: []reconcile.ExpectedItem{{GTIN: "09521234543213", Quantity: 1}}},
		"has no door":     {ID: "L"},
		"14 digits":       {ID: "L", Door: "D1", Items: []reconcile.ExpectedItem{{GTIN: "1", Quantity: 1}}},
		"too long":        long,
	} {
		if err := r.p.Expect(t.Context(), e); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	long.Tags = long.Tags[:400]
	if err := r.p.Expect(t.Context(), long); err != nil {
		t.Errorf("a list that fits: %v", err)
	}
	if err := r.p.Expect(t.Context(), reconcile.Expected{Door: "D1"}); err != nil {
		t.Errorf("no list any more: %v", err)
	}
}

func TestDoorShowsTheVerdictAndTheHubHearsTheLast(t *testing.T) {
	r, l := watched(t)
	two := func(n byte) devices.Tag {
		id, err := devices.NewTag(devices.TagEPC, []byte{0x30, 0, 0, n})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if err := r.p.Expect(t.Context(), reconcile.Expected{ID: "ASN-1", Door: "D1", Tags: []devices.Tag{two(7), two(8)}}); err != nil {
		t.Fatal(err)
	}
	r.p.Health(devices.Health{Device: "probe", State: devices.Up})
	r.p.Health(devices.Health{Device: "d", State: devices.Up})
	for _, antenna := range []uint8{2, 1} {
		for _, dBm := range []int{-75, -66, -58, -48, -40, -47, -57, -66, -75} {
			r.read("d", antenna, 7, dBm)
			r.wait(200 * time.Millisecond)
		}
	}
	r.until(func() bool { return strings.Contains(l.lit(), "door D1 blue") })
	r.until(func() bool { return strings.Contains(l.lit(), "door D1 amber") })
	var v *wire.Verdict
	r.until(func() bool {
		r.wait(time.Second)
		for _, rec := range r.kept() {
			if rec.Verdict != nil {
				v = rec.Verdict
			}
		}
		return v != nil
	})
	if v.Door != "D1" || v.List != "ASN-1" || v.Pass == "" || v.Signal != "missing" || v.Missing != 1 || v.MissingTags[0] != two(8) {
		t.Errorf("verdict %+v", v)
	}
	r.until(func() bool { return !strings.Contains(l.lit(), "blue") })
	r.wait(30 * time.Second)
	r.until(func() bool { return l.lit() == "" })
}
