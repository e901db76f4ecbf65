package reconcile_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/site"
)

var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// dock has two shelves, a table and two doors; both doors have one reader, antenna 1 inside and 2 outside.
func dock(t testing.TB) *site.Plan {
	t.Helper()
	door := func(id, device string) site.Door {
		return site.Door{
			ID: id, Location: "DOCK", Inside: []site.Source{{Device: device, Antenna: 1}},
			Outside: []site.Source{{Device: device, Antenna: 2}}, Quiet: 3 * time.Second, Longest: time.Minute, MinReads: 2,
		}
	}
	p, err := site.New(site.Spec{
		Edge: "E1",
		Shelves: []site.Bay{
			{Location: "A", Source: site.Source{Device: "a"}, AbsentAfter: 10 * time.Minute},
			{Location: "B", Source: site.Source{Device: "b"}, AbsentAfter: 10 * time.Minute},
		},
		Tables: []site.Bay{{Location: "QA", Source: site.Source{Device: "pad"}}},
		Doors:  []site.Door{door("D1", "d1"), door("D2", "d2")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rig feeds a machine and keeps what it told.
type rig struct {
	t     testing.TB
	m     *reconcile.Machine
	now   time.Time
	moves []wire.Movement
	ends  []wire.Pass
	opens []wire.Pass

	crossings []reconcile.Crossing
	verdicts  []reconcile.Verdict
	counts    []reconcile.Counted
	traces    []*reconcile.Trace
	weighed   []*reconcile.Weighed
}

func newRig(t testing.TB, par reconcile.Params) *rig {
	r := &rig{t: t, m: reconcile.New(dock(t), par), now: start}
	r.up("a", "b", "pad", "d1", "d2")
	return r
}

func (r *rig) step(in reconcile.Input) {
	for _, e := range r.m.Step(in, r.now) {
		switch {
		case e.Movement != nil:
			r.moves = append(r.moves, *e.Movement)
		case e.Crossing != nil:
			r.crossings = append(r.crossings, *e.Crossing)
		case e.Weighed != nil:
			r.weighed = append(r.weighed, e.Weighed)
		case e.Trace != nil:
			r.traces = append(r.traces, e.Trace)
		case e.Counted != nil:
			r.counts = append(r.counts, *e.Counted)
		case e.Verdict != nil:
			r.verdicts = append(r.verdicts, *e.Verdict)
		case e.Pass.Closed.IsZero():
			r.opens = append(r.opens, *e.Pass)
		default:
			r.ends = append(r.ends, *e.Pass)
		}
	}
}

func (r *rig) up(ids ...string) { r.health(devices.Up, ids...) }

func (r *rig) health(s devices.HealthState, ids ...string) {
	for _, id := range ids {
		r.step(reconcile.Input{Health: &devices.Health{Device: id, State: s, At: r.now}})
	}
}

func (r *rig) read(device string, antenna uint8, tag int, dBm float64) {
	rd := devices.Read{
		Device: device, Antenna: antenna, Tag: epc(tag), RSSI: unit.DBm(dBm * 100), HasRSSI: true, HostTime: r.now, Count: 1,
	}
	if device == "d1" { // it has a clock, d2 has none
		rd.ReaderTime = r.now
	}
	r.step(reconcile.Input{Read: &rd})
}

// send brings reads that their reader has stamped, each when it was made or, where that is past, at once.
func (r *rig) send(reads []devices.Read) {
	for _, rd := range reads {
		if rd.ReaderTime.After(r.now) {
			r.wait(rd.ReaderTime.Sub(r.now))
		}
		rd.HostTime = r.now
		r.step(reconcile.Input{Read: &rd})
	}
}

// wait lets time pass in ticks of 100 ms.
func (r *rig) wait(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(min(100*time.Millisecond, end.Sub(r.now)))
		r.step(reconcile.Input{})
	}
}

func (r *rig) want(moves ...string) {
	r.t.Helper()
	got := make([]string, len(r.moves))
	for i, m := range r.moves {
		got[i] = fmt.Sprintf("%s>%s %s %s", m.From, m.To, m.BizStep, m.Disposition)
	}
	if fmt.Sprint(got) != fmt.Sprint(moves) {
		r.t.Fatalf("movements\n got %q\nwant %q", got, moves)
	}
	r.moves = nil
}

func epc(n int) devices.Tag {
	id, err := devices.NewTag(devices.TagEPC, []byte{0x30, 1, 2, 3, 4, 5, 6, 7, 8, byte(n >> 16), byte(n >> 8), byte(n)})
	if err != nil {
		panic(err)
	}
	return id
}

const (
	storing   = " storing sellable_accessible"
	seen      = " cycle_counting sellable_accessible"
	unseen    = " cycle_counting unknown"
	receiving = " receiving in_progress"
	shipping  = " shipping in_transit"
)

func TestFirstSightMovesAfterTwoReads(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	r.read("a", 0, 1, -55)
	r.want()
	r.wait(time.Second)
	r.read("a", 0, 1, -56)
	r.want(">A" + storing)
	r.wait(time.Second)
	r.read("a", 0, 1, -56)
	r.want()
}

func TestCrossReadsDoNotFlap(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, time.Second, 30 * time.Second} {
		t.Run(every.String(), func(t *testing.T) {
			r := newRig(t, reconcile.Defaults())
			for i := range 400 {
				r.read("a", 0, 1, -55+2*math.Sin(float64(i)))
				r.wait(every / 2)
				if i > 1 && i%3 == 0 {
					r.read("b", 0, 1, -66+3*math.Sin(float64(7*i)))
				}
				r.wait(every / 2)
			}
			r.want(">A" + storing)
		})
	}
}

func TestMoveToAnotherShelfIsSeen(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, 5 * time.Second, 30 * time.Second} {
		t.Run(every.String(), func(t *testing.T) {
			r := newRig(t, reconcile.Defaults())
			for range 30 {
				r.read("a", 0, 1, -55)
				r.wait(every)
			}
			r.want(">A" + storing)
			for range 10 {
				r.read("b", 0, 1, -57)
				r.wait(every)
				if every < time.Second {
					r.wait(200 * time.Millisecond)
				}
			}
			r.want("A>B" + storing)
			for range 10 { // the old shelf still hears it faintly
				r.read("b", 0, 1, -57)
				r.read("a", 0, 1, -68)
				r.wait(every)
			}
			r.want()
		})
	}
}

func TestMissingStrengthsMoveBySilenceAlone(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	bare := func(device string) {
		r.step(reconcile.Input{Read: &devices.Read{Device: device, Tag: epc(1), HostTime: r.now, Count: 1}})
		r.wait(200 * time.Millisecond)
	}
	for range 10 {
		bare("a")
	}
	bare("b")
	bare("b")
	r.want(">A" + storing)
	for range 10 {
		bare("b")
	}
	r.want("A>B" + storing)
}

func TestAbsenceCountsOnlyReaderAliveTime(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	r.read("a", 0, 1, -55)
	r.wait(time.Second)
	r.read("a", 0, 1, -55)
	r.want(">A" + storing)
	r.wait(9 * time.Minute)
	r.health(devices.Down, "a")
	r.wait(time.Hour)
	r.health(devices.Degraded, "a")
	r.wait(time.Hour)
	r.want()
	r.up("a")
	r.wait(50 * time.Second)
	r.want()
	r.wait(20 * time.Second)
	r.want("A>A" + unseen)
	r.wait(time.Hour)
	r.want()
	r.read("a", 0, 1, -60)
	r.want("A>A" + seen)
}

func TestUnseenTagIsFoundElsewhere(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	r.read("a", 0, 1, -50)
	r.wait(time.Second)
	r.read("a", 0, 1, -50)
	r.wait(11 * time.Minute)
	r.read("b", 0, 1, -70)
	r.wait(time.Second)
	r.read("b", 0, 1, -70)
	r.want(">A"+storing, "A>A"+unseen, "A>B"+storing)
}

func TestShelfWhoseReaderIsDownGivesItsTagToAStrongRead(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	for range 5 {
		r.read("a", 0, 1, -50)
		r.wait(time.Second)
	}
	r.health(devices.Down, "a")
	for range 20 {
		r.read("b", 0, 1, -62)
		r.wait(time.Second)
	}
	r.want(">A" + storing)
	for range 30 {
		r.read("b", 0, 1, -50)
		r.wait(time.Second)
	}
	r.want("A>B" + storing)
}

func TestCardOnTheTableMovesAtOnce(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	card, _ := devices.NewTag(devices.TagUID, []byte{1, 2, 3, 4})
	for range 3 {
		r.step(reconcile.Input{Read: &devices.Read{Device: "pad", Tag: card, HostTime: r.now, Count: 1}})
		r.wait(time.Second)
	}
	r.want(">QA inspecting in_progress")
}

func TestStrangeAntennaIsCounted(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	r.read("a", 0, 1, -50)
	r.read("nobody", 0, 1, -50)
	if r.m.Strange() != 1 {
		t.Fatalf("%d strange reads, want 1", r.m.Strange())
	}
}

func TestReadsOfALateReaderKeepTheirTime(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	at := func(reader time.Time) {
		r.step(reconcile.Input{Read: &devices.Read{
			Device: "a", Tag: epc(1), HostTime: r.now, ReaderTime: reader, Count: 1, RSSI: -5000, HasRSSI: true,
		}})
	}
	ahead := 7 * time.Hour // the reader's clock is in another zone
	at(r.now.Add(ahead))
	r.wait(time.Second)
	at(r.now.Add(ahead))
	r.wait(10 * time.Second)
	read := r.now.Add(ahead) // read now, reported in a minute
	r.health(devices.Down, "a")
	r.wait(time.Minute)
	r.up("a")
	at(read)
	r.want(">A" + storing)
	r.wait(9*time.Minute + 55*time.Second)
	r.want()
	r.wait(10 * time.Second)
	if len(r.moves) != 1 || r.moves[0].LastRead.Sub(start) != 11*time.Second {
		t.Fatalf("last read %v after the start, want 11s", r.moves[0].LastRead.Sub(start))
	}
}

func TestFaintReadsDoNotKeepATagThatWasMovedNextDoor(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	for range 30 {
		r.read("a", 0, 1, -52)
		r.wait(75 * time.Second)
	}
	r.want(">A" + storing)
	for i := range 15 { // it lies on B now, and A hears it every third time from there
		r.read("b", 0, 1, -53)
		r.wait(75 * time.Second)
		if i%3 == 1 {
			r.read("a", 0, 1, -64)
		}
	}
	r.want("A>B" + storing)
}

func TestRestartDoesNotMakeAShelfHoldOnToATag(t *testing.T) {
	par := reconcile.Defaults().AtSpeed(300)
	r := newRig(t, par)
	for range 5 {
		for range 6 {
			r.read("a", 0, 1, -52)
			r.wait(75 * time.Second)
		}
		r.health(devices.Down, "a", "b")
		r.wait(time.Hour)
		r.up("a", "b")
	}
	r.want(">A" + storing)
	for range 6 {
		r.read("b", 0, 1, -53)
		r.wait(75 * time.Second)
	}
	r.want("A>B" + storing)
}
