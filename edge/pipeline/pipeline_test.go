package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/pipeline"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/watch"
)

var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// rig is a pipeline over a real store in a folder that outlives it.
type rig struct {
	t     *testing.T
	dir   string
	store *store.Store
	p     *pipeline.Pipeline
	end   func()
	with  func(*pipeline.Config, *watch.Spec) // what a test wants otherwise; nil = nothing

	mu    sync.Mutex
	now   time.Time
	conds []watch.Condition
}

func newRig(t *testing.T) *rig { return newRigWith(t, nil) }

func newRigWith(t *testing.T, with func(*pipeline.Config, *watch.Spec)) *rig {
	r := &rig{t: t, dir: t.TempDir(), now: start, with: with}
	r.boot()
	t.Cleanup(func() { r.end() })
	return r
}

// boot opens the store and runs a pipeline, as a gateway does when it starts.
func (r *rig) boot() {
	r.t.Helper()
	st, _, err := store.Open(r.t.Context(), store.Options{Dir: r.dir, Edge: "E1", BallastBytes: -1, MinFree: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	plan, err := site.New(site.Spec{
		Edge:    "E1",
		Shelves: []site.Bay{{Location: "A", Source: site.Source{Device: "a"}, AbsentAfter: time.Minute}},
		Tables:  []site.Bay{{Location: "QA", Source: site.Source{Device: "patient"}}},
		Doors: []site.Door{{
			ID: "D1", Location: "DOCK", Inside: []site.Source{{Device: "d", Antenna: 1}},
			Outside: []site.Source{{Device: "d", Antenna: 2}}, Quiet: 3 * time.Second, Longest: time.Minute, MinReads: 2,
		}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	spec := watch.Spec{
		Rules: []watch.Rule{{
			ID: "hot", Kind: watch.High, Class: "cold_chain", Location: "R", Device: "probe", Quantity: unit.Temperature,
			Limit: 8000, Priority: alarm.Critical,
		}},
		Occurrence: plan.Occurrence,
	}
	conf := pipeline.Config{
		Store: st, Reconcile: reconcile.New(plan, reconcile.Defaults()), Now: r.time,
		Patient:  func(d devices.Read) bool { return d.Device == "patient" },
		Unsynced: func() bool { return false }, Location: func(string) string { return "R" }, Conditions: r.conditions,
		Every: time.Minute, Change: 200, Log: slog.New(slog.DiscardHandler),
	}
	if r.with != nil {
		r.with(&conf, &spec)
	}
	conf.Watch = watch.New(spec)
	p, err := pipeline.New(conf)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	r.store, r.p = st, p
	r.end = func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("pipeline: %v", err)
		}
		if err := st.Close(); err != nil {
			r.t.Errorf("store: %v", err)
		}
		r.end = func() {}
	}
}

func (r *rig) time() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) conditions() []watch.Condition {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conds
}

func (r *rig) wait(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *rig) read(device string, antenna uint8, tag byte, dBm int) {
	id, err := devices.NewTag(devices.TagEPC, []byte{0x30, 0, 0, tag})
	if err != nil {
		r.t.Fatal(err)
	}
	r.p.Read(devices.Read{
		Device: device, Antenna: antenna, Tag: id, RSSI: unit.DBm(dBm * 100), HasRSSI: true, HostTime: r.time(), Count: 1,
	})
}

func (r *rig) sample(celsius int) {
	r.p.Sample(devices.Sample{Device: "probe", Quantity: unit.Temperature, Value: unit.Milli(celsius * 1000), HostTime: r.time()})
}

// await waits until the store holds n main records and gives a sentence for each.
func (r *rig) await(n int) []string {
	r.t.Helper()
	var said []string
	r.until(func() bool { said = r.records(); return len(said) >= n })
	if len(said) != n {
		r.t.Fatalf("%d records, want %d: %q", len(said), n, said)
	}
	return said
}

func (r *rig) until(ok func() bool) {
	r.t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-r.store.Changed():
		case <-again.C:
		case <-limit.C:
			r.t.Fatalf("it did not come to that; records: %q", r.records())
		}
	}
}

func (r *rig) records() []string {
	run, err := r.store.ReadMain(1, 1000, 1<<20)
	if err != nil {
		r.t.Fatal(err)
	}
	var said []string
	for _, s := range run.Records {
		rec, err := wire.DecodeRecord(s.Bytes)
		if err != nil {
			r.t.Fatal(err)
		}
		switch {
		case rec.Movement != nil:
			said = append(said, fmt.Sprintf("%s>%s %s", rec.Movement.From, rec.Movement.To, rec.Movement.BizStep))
		case rec.Pass != nil:
			said = append(said, fmt.Sprintf("pass %q", rec.Pass.Direction))
		case rec.Alarm != nil:
			said = append(said, fmt.Sprintf("%s %s %s", rec.Alarm.Rule, rec.Alarm.Action, rec.Alarm.Command))
		}
	}
	return said
}

func TestReadsBecomeStoredMovementsOnce(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.read("a", 0, 1, -50)
		r.wait(time.Second)
	}
	if got := r.await(1); got[0] != ">A storing" {
		t.Fatalf("got %q", got)
	}
	r.end()
	r.boot()
	r.wait(time.Hour) // while it was off nothing was heard, which says nothing
	for range 3 {
		r.read("a", 0, 1, -50)
		r.wait(time.Second)
	}
	r.read("a", 0, 2, -50)
	r.wait(time.Second)
	r.read("a", 0, 2, -50)
	if got := r.await(2); got[1] != ">A storing" {
		t.Fatalf("after the restart %q", got)
	}
	var where []string
	if err := r.p.Ask(t.Context(), func(m *reconcile.Machine) {
		m.Each(func(w reconcile.Whereabouts) bool { where = append(where, w.Location); return true })
	}); err != nil || len(where) != 2 || where[0] != "A" {
		t.Fatalf("asked: %q, %v", where, err)
	}
}

func TestPassGoesOnAfterARestart(t *testing.T) {
	r := newRig(t)
	r.p.Health(devices.Health{Device: "d", State: devices.Up})
	half := func(antenna uint8) {
		for _, dBm := range []int{-70, -65, -58, -48, -45, -47, -57, -64} {
			r.read("d", antenna, 7, dBm)
			r.wait(200 * time.Millisecond)
		}
	}
	half(2)
	r.end() // in the middle of the pass
	r.boot()
	r.p.Health(devices.Health{Device: "d", State: devices.Up})
	half(1)
	r.until(func() bool { return len(r.records()) == 1 })
	r.wait(10 * time.Second)
	want := []string{`pass ""`, ">DOCK receiving", `pass "in"`}
	if got := r.await(3); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestSamplesAreThinnedAndJudged(t *testing.T) {
	r := newRig(t)
	for range 13 { // two minutes
		r.sample(5)
		r.wait(10 * time.Second)
	}
	r.sample(9)
	r.await(1)
	run, err := r.store.ReadSamples(1, 100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(run) != 4 { // at 0, 60, 120 s, and the change
		t.Fatalf("%d samples were kept, want 4", len(run))
	}
}

func TestCommandIsAnsweredAndDoneOnce(t *testing.T) {
	r := newRig(t)
	r.sample(9)
	r.await(1)
	r.until(func() bool { return len(r.p.Standing()) == 1 })
	c := wire.Command{ID: "c1", Actor: "li", Acknowledge: &wire.AlarmAcknowledge{Alarm: r.p.Standing()[0].ID}}
	r.p.Command(c)
	r.p.Command(c)
	if got := r.await(2); got[1] != "hot acknowledge c1" {
		t.Fatalf("got %q", got)
	}
	if !r.store.Done("c1") {
		t.Fatal("the command is not noted as done")
	}
	r.p.Command(wire.Command{ID: "c2", Acknowledge: &wire.AlarmAcknowledge{Alarm: "another"}})
	r.until(func() bool { return r.store.Done("c2") })
	r.await(2)
}

func TestOwnConditionsBecomeAlarms(t *testing.T) {
	r := newRig(t)
	r.mu.Lock()
	r.conds = []watch.Condition{{Rule: "gateway-low-space", Source: "E1", Class: "store", Reason: "low_space", Priority: 2, Active: true}}
	r.mu.Unlock()
	if got := r.await(1); got[0] != "gateway-low-space raise " {
		t.Fatalf("got %q", got)
	}
}

func TestStopKeepsWhatWasRead(t *testing.T) {
	r := newRig(t)
	for i := range 2000 {
		r.read("a", 0, byte(i%200), -50)
		r.wait(time.Millisecond)
	}
	r.end()
	r.boot()
	if got := r.records(); len(got) != 200 {
		t.Fatalf("%d movements were kept, want 200", len(got))
	}
}

func TestPatientReadReturnsWhenItIsDurable(t *testing.T) {
	r := newRig(t)
	for i := range 20 {
		r.read("patient", 0, byte(i), -50)
		if got := len(r.records()); got != i+1 { // no waiting here: it must be in the store when Read returns
			t.Fatalf("after read %d the store holds %d movements", i+1, got)
		}
		r.wait(time.Second)
	}
	began := time.Now()
	for range 50 { // reads that change nothing do not wait for the disk
		r.read("patient", 0, 1, -50)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("50 reads that change nothing took %s", took)
	}
}
