package watch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/watch"
)

func coldRoomOf(rules ...watch.Rule) watch.Spec {
	spec := one(rules...)
	for i := range spec.Rules {
		spec.Rules[i].Location = "R"
	}
	return spec
}

func (r *rig) move(n int, from, to string) {
	r.step(watch.Input{Movement: &wire.Movement{Tag: tag(r.t, n), From: from, To: to, EventTime: r.now}})
}

// excursions takes the excursions that were told since the last call.
func (r *rig) excursions() []watch.Excursion {
	var out []watch.Excursion
	for _, e := range r.other {
		if e.Excursion != nil {
			out = append(out, *e.Excursion)
		}
	}
	r.other = nil
	return out
}

func TestExcursionTellsWhatWasMeasured(t *testing.T) {
	r := newRigOf(t, coldRoomOf(hot()))
	r.run(10*time.Minute, 5)
	r.run(3*time.Minute, 9) // too short for an alarm, but it counts in sum
	r.run(7*time.Minute, 5)
	began := r.now
	r.run(5*time.Minute+30*time.Second, 9)
	x := r.excursions()
	if len(x) != 1 || !x[0].Begin.Equal(began) || !x[0].End.IsZero() || x[0].Outside != 5*time.Minute || x[0].Alarm != r.got[0].ID || x[0].ID == x[0].Alarm {
		t.Fatalf("at its beginning %+v", x)
	}
	r.run(10*time.Minute, 12)
	r.now = r.now.Add(30 * time.Minute) // nothing is heard; 11 minutes of it still count for the last value
	r.run(5*time.Minute, 8)
	r.run(time.Minute, 7.7) // inside, not by the deadband
	back := r.now
	r.run(time.Minute, 5)
	x = r.excursions()
	if len(x) != 1 {
		t.Fatalf("at its end %+v", x)
	}
	got := x[0]
	outside := 5*time.Minute + 30*time.Second + 10*time.Minute + 10*time.Minute + 30*time.Second + 5*time.Minute
	if got.Worst != 12000 || got.Outside != outside || got.Cumulative != outside+3*time.Minute || !got.End.Equal(back.Add(-time.Minute)) ||
		got.Gap != 19*time.Minute+30*time.Second || got.Gaps != 1 || got.Location != "R" || got.Kind != watch.High || !got.HasMKT || got.MKT <= 8000 || got.MKT >= 12000 {
		t.Errorf("at its end %+v", got)
	}
	if kept := r.m.Excursions("R"); len(kept) != 1 || kept[0].ID != got.ID {
		t.Errorf("kept %+v", kept)
	}
	if r.m.Excursions("elsewhere") != nil {
		t.Error("a room without rules has excursions")
	}
}

func TestExcursionListsWhoWasThere(t *testing.T) {
	r := newRigOf(t, coldRoomOf(hot()))
	r.move(1, "A", "R") // there all the time
	r.move(2, "A", "R") // leaves before it
	r.move(3, "A", "R") // leaves in it, before the alarm is raised
	r.move(9, "A", "B") // elsewhere
	r.run(time.Minute, 5)
	r.move(2, "R", "B")
	r.run(2*time.Minute, 9)
	r.move(3, "R", "B")
	r.run(4*time.Minute, 9)
	r.move(4, "A", "R") // comes in it
	r.move(1, "R", "R") // seen again
	r.run(10*time.Minute, 9)
	r.move(3, "B", "R") // comes again
	r.run(4*time.Minute, 9)
	r.restart(0)
	r.run(time.Minute, 5)
	x := r.excursions()
	if len(x) != 2 {
		t.Fatalf("%d excursions were told", len(x))
	}
	say := func(x watch.Excursion) (said []string) {
		for _, p := range x.Present {
			said = append(said, fmt.Sprintf("%s %s %v", p.Tag.String()[10:], p.Exposed, p.Still))
		}
		return said
	}
	if got := fmt.Sprint(say(x[0])); got != "[01 5m0s true 03 2m0s false]" {
		t.Errorf("at its beginning %s", got)
	}
	if got := fmt.Sprint(say(x[1])); got != "[01 20m0s true 04 14m0s true 03 6m0s true]" {
		t.Errorf("at its end %s", got)
	}
	if x[1].Incomplete || x[1].More != 0 {
		t.Errorf("at its end %+v", x[1])
	}
}

func TestExcursionSurvivesARestart(t *testing.T) {
	r := newRigOf(t, coldRoomOf(hot()))
	r.move(1, "A", "R")
	r.run(6*time.Minute, 9)
	began := r.excursions()[0]
	r.restart(0)
	open := r.m.Excursions("R")
	if len(open) != 1 || open[0].ID != began.ID || !open[0].End.IsZero() || len(open[0].Present) != 1 {
		t.Fatalf("after the restart %+v", open)
	}
	r.run(6*time.Minute, 9)
	r.run(time.Minute, 5)
	ended := r.excursions()
	if len(ended) != 1 || ended[0].ID != began.ID || ended[0].Outside != 12*time.Minute {
		t.Fatalf("at its end %+v", ended)
	}
	r.restart(time.Hour)
	if kept := r.m.Excursions("R"); len(kept) != 1 || kept[0].Outside != 12*time.Minute || kept[0].Present[0].Tag != tag(t, 1) {
		t.Errorf("kept over the restart %+v", kept)
	}
}

func TestSumsHaveOneExcursionFromTheirFirstViolation(t *testing.T) {
	r := newRigOf(t, coldRoomOf(watch.Rule{ID: "sum", Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: time.Hour}))
	r.every(5*time.Minute, time.Hour, 5)
	began := r.now
	r.every(5*time.Minute, 30*time.Minute, 9)
	r.every(5*time.Minute, time.Hour, 5)
	r.every(5*time.Minute, 35*time.Minute, 10)
	x := r.excursions()
	if len(x) != 1 || !x[0].Begin.Equal(began) || x[0].Outside != time.Hour || x[0].Worst != celsius(10) {
		t.Fatalf("told %+v", x)
	}
}

func TestWhatARoomRemembersIsBounded(t *testing.T) {
	r := newRigOf(t, coldRoomOf(watch.Rule{ID: "hot", Kind: watch.High, Limit: 8000}))
	for n := range watch.MaxPresent + 10 {
		r.move(n, "A", "R")
	}
	r.sample(9, devices.Good)
	x := r.excursions()
	if len(x) != 1 || len(x[0].Present) != watch.MaxTold || x[0].More != watch.MaxPresent-watch.MaxTold || !x[0].Incomplete {
		t.Fatalf("told %d, %d more, incomplete %v", len(x[0].Present), x[0].More, x[0].Incomplete)
	}
	for n := range watch.MaxPresent {
		r.now = r.now.Add(time.Millisecond)
		r.move(n, "R", "A")
	}
	keys := map[string]bool{}
	for range 3 * watch.MaxExcursions {
		r.now = r.now.Add(time.Minute)
		r.sample(5, devices.Good)
		r.now = r.now.Add(time.Minute)
		r.sample(9, devices.Good)
		r.m.Flush(func(k, _ []byte) { keys[string(k)] = true })
	}
	if kept := r.m.Excursions("R"); len(kept) != watch.MaxExcursions+1 || !kept[0].End.After(start) {
		t.Errorf("%d excursions are kept", len(kept))
	}
	if most := watch.MaxPresent + watch.MaxLeft + watch.MaxExcursions + 20; len(keys) > most {
		t.Errorf("%d values are stored, at most %d should be", len(keys), most)
	}
}

func TestPlacesOfARoomAreUsedAgain(t *testing.T) {
	r := newRigOf(t, coldRoomOf(hot()))
	keys := map[string]bool{}
	for n := range 300 {
		r.move(n, "A", "R")
		r.move(n, "R", "A")
		if n%50 == 0 {
			r.restart(0)
		}
		r.m.Flush(func(k, _ []byte) { keys[string(k)] = true })
	}
	tags := 0
	for k := range keys {
		if len(k) > 6 && k[:6] == "w/\x00r/t" {
			tags++
		}
	}
	if tags != 1 {
		t.Errorf("%d places were used for one tag at a time", tags)
	}
}
