package faults_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
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
	"github.com/tallydock/tallydock/edge/uplink"
	"github.com/tallydock/tallydock/edge/watch"
)

// A week at a site: goods that go to and fro between two tables, and probes of which each leaves its range once a day.
const (
	weekGoods   = 20_000 // tags; each moves about once a day
	weekProbes  = 20
	weekSamples = 8 << 20 // bytes that samples may take: fewer than a week has
)

// week is a gateway alone, in a time of its own.
type week struct {
	t      *testing.T
	dir    string
	now    atomic.Int64 // µs since 1970
	store  *store.Store
	p      *pipeline.Pipeline
	perDay int // movements
	end    func()
}

func (w *week) time() time.Time { return time.UnixMicro(w.now.Load()).UTC() }

func newWeek(t *testing.T, perDay int) *week {
	t.Helper()
	w := &week{t: t, dir: t.TempDir(), perDay: perDay}
	w.now.Store(startOfGoods.UnixMicro())
	st, _, err := store.Open(t.Context(), store.Options{Dir: w.dir, Edge: edgeID, Now: w.time, SampleBytes: weekSamples, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := site.New(site.Spec{Edge: edgeID, Tables: []site.Bay{
		{Location: "TABLE-0", Source: site.Source{Device: "table-0"}}, {Location: "TABLE-1", Source: site.Source{Device: "table-1"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	rules := watch.Spec{Occurrence: plan.Occurrence}
	for i := range weekProbes {
		id := fmt.Sprintf("probe-r%d", i)
		rules.Rules = append(rules.Rules, watch.Rule{
			ID: id + "-high", Kind: watch.High, Class: "cold_chain", Location: "COLD", Device: id, Quantity: unit.Temperature,
			Limit: 8000, Deadband: 500, OnDelay: 5 * time.Minute, Priority: alarm.High,
		})
	}
	w.store = st
	w.p, err = pipeline.New(pipeline.Config{
		Store: st, Reconcile: reconcile.New(plan, reconcile.Defaults()), Watch: watch.New(rules), Now: w.time,
		Unsynced: func() bool { return false }, Location: func(string) string { return "COLD" }, Patient: func(devices.Read) bool { return false },
		Conditions: func() []watch.Condition { return nil }, Every: time.Minute, Change: 200, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.p.Run(ctx) }()
	w.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("pipeline: %v", err)
		}
	})
	t.Cleanup(func() {
		w.end()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// moment is when the nth movement happens.
func (w *week) moment(n int) time.Time {
	return startOfGoods.Add(time.Duration(n) * (24 * time.Hour / time.Duration(w.perDay))).Truncate(time.Microsecond)
}

// goodsTag is the tag of the nth movement, and table where it is put.
func goodsTag(n int) (tag devices.Tag, table int) {
	tag, err := devices.NewTag(devices.TagEPC, fmt.Appendf(nil, "week-%06d", n%weekGoods))
	if err != nil {
		panic(err)
	}
	return tag, n / weekGoods % 2
}

// live lets so many days pass and gives how many movements there were.
func (w *week) live(days int) (movements int) {
	for minute := range days * 24 * 60 {
		at := startOfGoods.Add(time.Duration(minute) * time.Minute)
		w.now.Store(at.UnixMicro())
		for i := range weekProbes {
			w.p.Sample(devices.Sample{
				Device: fmt.Sprintf("probe-r%d", i), Quantity: unit.Temperature, Value: degrees(i, minute), HostTime: at.Add(time.Duration(i) * time.Millisecond),
			})
		}
		for ; w.moment(movements).Before(at.Add(time.Minute)); movements++ {
			tag, table := goodsTag(movements)
			w.p.Read(devices.Read{Device: fmt.Sprintf("table-%d", table), Tag: tag, HostTime: w.moment(movements).Add(time.Second), Count: 1})
		}
	}
	w.now.Store(startOfGoods.Add(time.Duration(days) * 24 * time.Hour).UnixMicro())
	return movements
}

// degrees is what a probe shows: between 4 and 6 °C, and over 8 for half an hour of each day.
func degrees(probe, minute int) unit.Milli {
	if of := (minute + 61*probe) % (24 * 60); of < 30 {
		return 9000 + unit.Milli(of*10)
	}
	return 4000 + unit.Milli((minute*7+probe*131)%2000)
}

// disk is how much a folder takes on the disk.
func disk(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return bytes
}

// hearer is what the hub makes of a week.
type hearer struct {
	w                   *week
	next                int // the movement that is due
	lost, twice         int
	raised              int
	firstSample, sample uint64
	sampleGaps          int
}

// hear takes a record; movements must come in their order, each once.
func (h *hearer) hear(r wire.Record) {
	switch {
	case r.Alarm != nil:
		h.raised++
	case r.Sample != nil:
		if h.sample == 0 {
			h.firstSample = r.Seq
		} else if r.Seq != h.sample+1 {
			h.sampleGaps++
		}
		h.sample = r.Seq
	case r.Movement != nil:
		for at := r.Movement.EventTime.Add(-time.Second); ; h.next++ {
			due := h.w.moment(h.next)
			if at.Before(due) {
				h.twice++
				return
			}
			if tag, _ := goodsTag(h.next); at.Equal(due) && r.Movement.Tag == tag {
				h.next++
				return
			}
			h.lost++
		}
	}
}

// TestWeekAlone lets a gateway live for a week without its hub, holds its disk to a bound, and then brings the hub.
func TestWeekAlone(t *testing.T) {
	demanded(t)
	days, perDay := number(t, "FAULTS_DAYS", 7), number(t, "FAULTS_MOVEMENTS", 20_000)
	w := newWeek(t, perDay)
	begun := time.Now()
	movements := w.live(days)
	if err := w.settled(movements); err != nil {
		t.Fatal(err)
	}
	lived := time.Since(begun)
	alone := w.store.Position()
	taken := disk(t, w.dir)

	h := &hearer{w: w}
	l := newLedger()
	l.heard = h.hear
	address := startBroker(t)
	hub := startPeer(t, address, l)
	begun = time.Now()
	w.uplink(address)
	mainIn := w.await(hub, begun, func(l ledger) bool { return l.ack.Upto >= alone.Head })
	allIn := w.await(hub, begun, func(l ledger) bool { return l.ack.SamplesUpto >= alone.SamplesHead })
	w.end()

	o := outcome{fault: "hub away for days", struck: days, acked: movements, lost: h.lost + movements - h.next, twice: h.twice}
	got := hub.look()
	o.note("%d main records (%d alarm transitions) and %d samples in %v of machine time, %.0f MiB on the disk", alone.Head, h.raised,
		alone.SamplesHead, lived.Round(time.Second), float64(taken)/(1<<20))
	o.note("%d samples thinned, oldest first, %d kept", alone.Thinned, alone.SamplesHead-alone.Thinned)
	o.note("drained: main in %v (%.0f records/s), with samples in %v", mainIn.Round(time.Millisecond), float64(alone.Head)/mainIn.Seconds(), allIn.Round(time.Millisecond))
	o.tell(t)
	h.check(t, alone.Thinned, alone.SamplesHead, got, days)
	if got.ack.Upto != w.store.Head() || got.ack.Epoch != 1 {
		t.Errorf("the hub has %d/%d; the outbox ends at 1/%d", got.ack.Epoch, got.ack.Upto, w.store.Head())
	}
	if most := int64(weekSamples + 200*movements + 64<<20); taken > most {
		t.Errorf("the store takes %d bytes; %d are the bound", taken, most)
	}
}

// check compares what came with the samples and the alarms that there were.
func (h *hearer) check(t *testing.T, thinned, head uint64, got ledger, days int) {
	t.Helper()
	if got.damaged > 0 || h.sampleGaps > 0 || h.sample != head || h.firstSample < thinned+1 {
		t.Errorf("%d damaged; samples %d to %d with %d gaps; want those from %d to %d", got.damaged, h.firstSample, h.sample, h.sampleGaps, thinned+1, head)
	}
	if days >= 7 && thinned == 0 {
		t.Error("no sample had to go: the bound is not tested")
	}
	if want := 2 * weekProbes * days; h.raised < want-weekProbes || h.raised > want+weekProbes {
		t.Errorf("%d alarm transitions; about %d were due", h.raised, want)
	}
}

// settled waits until all movements are in the store and the samples are within their bound.
func (w *week) settled(movements int) error {
	for limit := time.Now().Add(5 * time.Minute); ; {
		n, p := 0, w.store.Position()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := w.p.Ask(ctx, func(*reconcile.Machine) { n = 1 })
		cancel()
		if err == nil && n == 1 && int(p.Head) >= movements {
			if q := w.store.Position(); q == p {
				return nil
			}
		}
		if time.Now().After(limit) {
			return fmt.Errorf("the store never settles: %+v", p)
		}
		<-time.After(1500 * time.Millisecond) // samples are thinned once a second
	}
}

// uplink connects the gateway with the hub until the test ends.
func (w *week) uplink(address string) {
	u, err := uplink.New(uplink.Config{
		Edge: edgeID, Site: "FAULT", Broker: "tcp://" + address, User: edgeID, Password: password,
	}, w.store, func(wire.Command) {})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("uplink: %v", err)
		}
	})
}

// await waits until the hub has what is asked for, and gives how long that took.
func (w *week) await(hub *peer, begun time.Time, has func(ledger) bool) time.Duration {
	w.t.Helper()
	limit := time.After(10 * time.Minute)
	for !has(hub.look()) {
		select {
		case <-hub.tell:
		case <-time.After(50 * time.Millisecond):
		case <-limit:
			w.t.Fatalf("the hub never has all: %+v; %+v", hub.look().ack, w.store.Position())
		}
	}
	return time.Since(begun)
}
