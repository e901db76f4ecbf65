package world_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/world"
)

func builtin(t testing.TB, name string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// unshelved is the built-in hour with its shelves hardly read, for tests of something else.
func unshelved(t testing.TB) *scenario.Scenario {
	s := builtin(t, "hour")
	s.Radio.ShelfEvery = time.Hour
	return s
}

func newWorld(t testing.TB, s *scenario.Scenario, speed float64) *world.World {
	t.Helper()
	w, err := world.New(s, world.Pace{Speed: speed})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run steps w for d and gives everything that came of it.
func run(w *world.World, start time.Time, d, step time.Duration, down func(time.Time) map[string]bool) world.Events {
	var all world.Events
	for at := start; !at.After(start.Add(d)); at = at.Add(step) {
		var off map[string]bool
		if down != nil {
			off = down(at)
		}
		e := w.Step(at, off)
		all.Reads = append(all.Reads, e.Reads...)
		all.Cards = append(all.Cards, e.Cards...)
		all.Weather = append(all.Weather, e.Weather...)
		all.Troubles = append(all.Troubles, e.Troubles...)
		all.Facts = append(all.Facts, e.Facts...)
	}
	return all
}

func fold(t interface{ Fatal(...any) }, facts []world.Fact) *world.Truth {
	truth := &world.Truth{}
	for _, f := range facts {
		if err := truth.Apply(f); err != nil {
			t.Fatal(err)
		}
	}
	return truth
}

func TestASeedGivesTheSameWorldHoweverOftenItIsStepped(t *testing.T) {
	s := builtin(t, "hour")
	a := run(newWorld(t, s, 60), s.Start, time.Hour, time.Second, nil)
	b := run(newWorld(t, s, 60), s.Start, time.Hour, 47*time.Second, nil)
	end := a.Reads[len(a.Reads)-1].At
	for i, r := range b.Reads {
		if r != a.Reads[i] {
			t.Fatalf("read %d is %+v or %+v", i, a.Reads[i], r)
		}
	}
	if len(b.Reads) < len(a.Reads)*9/10 || end.Sub(s.Start) < 50*time.Minute {
		t.Errorf("%d reads or %d, up to %v", len(a.Reads), len(b.Reads), end)
	}
	for i, f := range b.Facts {
		if !reflect.DeepEqual(f, a.Facts[i]) {
			t.Fatalf("fact %d is %+v or %+v", i, a.Facts[i], f)
		}
	}
	other := *s
	other.Seed++
	c := run(newWorld(t, &other, 60), s.Start, time.Hour, time.Second, nil)
	if reflect.DeepEqual(a.Reads[:100], c.Reads[:100]) {
		t.Error("another seed gives the same reads")
	}
}

func TestUnitsAreConserved(t *testing.T) {
	s := unshelved(t)
	known := map[string]bool{world.Supplier: true, world.Customer: true, world.Hand: true}
	for _, l := range s.Locations {
		known[l.Code] = true
	}
	rapid.Check(t, func(rt *rapid.T) {
		day := *s
		day.Seed = rapid.Uint64().Draw(rt, "seed")
		speed := rapid.SampledFrom([]float64{1, 60, 300}).Draw(rt, "speed")
		w := newWorld(t, &day, speed)
		facts := run(w, s.Start, 70*time.Minute, 2*time.Minute, nil).Facts
		at := map[devices.Tag]string{}
		for _, f := range facts {
			if f.Kind != world.UnitFact {
				continue
			}
			if before, ok := at[f.Tag]; ok && before != f.From {
				rt.Fatalf("%v goes from %s but was at %s", f.Tag, f.From, before)
			} else if !ok && f.From != world.Supplier {
				rt.Fatalf("%v comes from %s", f.Tag, f.From)
			}
			if !known[f.Location] {
				rt.Fatalf("%v is at %q", f.Tag, f.Location)
			}
			at[f.Tag] = f.Location
		}
		checkStock(rt, fold(rt, facts), at)
	})
}

// checkStock compares the fold with where the units were seen to go.
func checkStock(t *rapid.T, truth *world.Truth, at map[devices.Tag]string) {
	quantity := 0
	for _, line := range truth.Stock() {
		quantity += line.Quantity
	}
	outside := len(truth.In(world.Supplier)) + len(truth.In(world.Customer)) + len(truth.In(world.Hand))
	if quantity+outside != len(at) {
		t.Fatalf("%d in stock and %d elsewhere are not the %d units", quantity, outside, len(at))
	}
}

func TestNoUnitIsReadWhereItIsNot(t *testing.T) {
	s := builtin(t, "hour")
	w := newWorld(t, s, 60)
	bays := map[string]string{}
	for _, r := range s.Readers {
		for n, bay := range r.Bays {
			bays[fmt.Sprint(r.ID, n)] = bay
		}
	}
	truth, unreadable, shelf, home := &world.Truth{}, map[devices.Tag]bool{}, 0, 0
	for at := s.Start; at.Before(s.Start.Add(time.Hour)); at = at.Add(time.Second) {
		e := w.Step(at, nil)
		for _, f := range e.Facts {
			if err := truth.Apply(f); err != nil {
				t.Fatal(err)
			}
			unreadable[f.Tag] = f.Unreadable
		}
		for _, r := range e.Reads {
			if unreadable[r.Tag] {
				t.Fatalf("%v is unreadable but was read", r.Tag)
			}
			u := truth.Units[r.Tag]
			bay := bays[fmt.Sprint(r.Device, r.Antenna)]
			if bay == "" || u.Since.After(r.At) {
				continue
			}
			shelf++
			if u.Location == bay {
				home++
			} else if u.Location[:5] != bay[:5] {
				t.Fatalf("%v lies in %s but was read in %s", r.Tag, u.Location, bay)
			}
		}
	}
	if share := float64(home) / float64(shelf); share < 0.90 || share > 0.95 {
		t.Errorf("%.3f of %d shelf reads are at home; a share of cross-reads is wanted", share, shelf)
	}
}

func TestCrossReadsAreWeaker(t *testing.T) {
	s := builtin(t, "hour")
	s.Work.Relocations, s.Work.Doors, s.Deliveries = 0, nil, nil
	all := run(newWorld(t, s, 60), s.Start, time.Hour, time.Second, nil)
	truth := fold(t, all.Facts)
	type sum struct{ n, dBm float64 }
	levels := map[devices.Tag]map[string]sum{}
	for _, r := range all.Reads {
		if slices.Contains(truth.Strays, r.Tag) {
			continue
		}
		if levels[r.Tag] == nil {
			levels[r.Tag] = map[string]sum{}
		}
		k := fmt.Sprint(r.Device, r.Antenna)
		v := levels[r.Tag][k]
		levels[r.Tag][k] = sum{v.n + 1, v.dBm + float64(r.RSSI)/100}
	}
	for tag, at := range levels {
		best := sum{}
		for _, v := range at {
			if v.n > best.n {
				best = v
			}
		}
		for k, v := range at {
			if loss := best.dBm/best.n - v.dBm/v.n; v.n > 3 && v != best && (loss < 7 || loss > 18) && best.n > 30 {
				t.Errorf("%v is read at %s %.1f dB weaker", tag, k, loss)
			}
		}
	}
}

// doorOf gives the side of each antenna: +1 inside, -1 outside.
func sides(s *scenario.Scenario) map[string]map[string]float64 {
	out := map[string]map[string]float64{}
	for _, d := range s.Doors {
		out[d.ID] = map[string]float64{
			fmt.Sprint(d.Inside.Device, d.Inside.Number):   1,
			fmt.Sprint(d.Outside.Device, d.Outside.Number): -1,
		}
	}
	return out
}

func TestTheReadsOfAPassTellItsDirection(t *testing.T) {
	for _, speed := range []float64{1, 60} {
		s := unshelved(t)
		s.Work.TurnBack = 400
		all := run(newWorld(t, s, speed), s.Start, 90*time.Minute, 10*time.Second, nil)
		side, ways := sides(s), map[world.Direction]int{}
		for _, f := range all.Facts {
			if f.Kind != world.PassFact {
				continue
			}
			ways[f.Direction]++
			for _, tag := range f.Tags {
				in, out := centroids(all.Reads, side[f.Door], tag, f)
				d := in - out
				switch {
				case f.Direction == world.In && d < 0.1, f.Direction == world.Out && d > -0.1,
					f.Direction == world.TurnedBack && (d > 0.25 || d < -0.25):
					t.Errorf("speed %v: %v passes %s %s, but its centroids are %.2f apart", speed, tag, f.Door, f.Direction, d)
				}
			}
		}
		if ways[world.In] < 3 || ways[world.Out] < 8 || ways[world.TurnedBack] == 0 {
			t.Errorf("speed %v: passes are %v", speed, ways)
		}
	}
}

// centroids gives the power-weighted mean times of a tag at either antenna, in parts of the pass.
func centroids(reads []world.Read, side map[string]float64, tag devices.Tag, pass world.Fact) (in, out float64) {
	var p, pt [2]float64
	for _, r := range reads {
		s, ok := side[fmt.Sprint(r.Device, r.Antenna)]
		if !ok || r.Tag != tag || r.At.Before(pass.Start) || r.At.After(pass.At) {
			continue
		}
		i := int(1-s) / 2
		p[i] += r.RSSI.Milliwatt()
		pt[i] += r.RSSI.Milliwatt() * float64(r.At.Sub(pass.Start)) / float64(pass.At.Sub(pass.Start))
	}
	return pt[0] / p[0], pt[1] / p[1]
}

func TestAPassHasNoSilenceThatWouldEndIt(t *testing.T) {
	for _, speed := range []float64{1, 60, 600} {
		s := unshelved(t)
		pace := world.Pace{Speed: speed}
		all := run(newWorld(t, s, speed), s.Start, 3*time.Hour, 10*time.Second, nil)
		side := sides(s)
		for _, f := range all.Facts {
			if f.Kind != world.PassFact || len(f.Tags) == 0 {
				continue
			}
			last, n := time.Time{}, map[devices.Tag]int{}
			for _, r := range all.Reads {
				if side[f.Door][fmt.Sprint(r.Device, r.Antenna)] == 0 || r.At.Before(f.Start) || r.At.After(f.At) {
					continue
				}
				if !last.IsZero() && r.At.Sub(last) > pace.Quiet() {
					t.Errorf("speed %v: %s is silent for %v in a pass", speed, f.Door, r.At.Sub(last))
				}
				last = r.At
				n[r.Tag]++
			}
			for _, tag := range f.Tags {
				if n[tag] < 4 {
					t.Errorf("speed %v: %v is read %d times in a pass of %d", speed, tag, n[tag], len(f.Tags))
				}
			}
		}
	}
}

func TestNothingPassesWhileAReaderOfTheDoorIsDown(t *testing.T) {
	s := unshelved(t)
	off := map[string]bool{"r700-d1": true, "uhf-d2-out": true, "pad-qa": true}
	w := newWorld(t, s, 60)
	first := run(w, s.Start, time.Hour, time.Second, func(time.Time) map[string]bool { return off })
	for _, f := range first.Facts {
		if f.Kind == world.PassFact || f.Kind == world.VisitFact {
			t.Fatalf("happened in spite of it: %+v", f)
		}
	}
	later := run(w, s.Start.Add(time.Hour), 3*time.Hour, time.Second, nil)
	truth := fold(t, append(first.Facts, later.Facts...))
	if len(truth.Passes) < 10 || len(truth.Visits) != 3 || len(truth.In(world.Hand)) != 0 {
		t.Errorf("%d passes, %d visits, %d in hand", len(truth.Passes), len(truth.Visits), len(truth.In(world.Hand)))
	}
}

func TestAPassThatAReaderMissedIsRepeated(t *testing.T) {
	s := unshelved(t)
	w := newWorld(t, s, 60)
	broke := 0
	down := func(at time.Time) map[string]bool {
		// Down for two seconds of every ten minutes.
		if at.Sub(s.Start)%(5*time.Minute) < 2*time.Second && at.Sub(s.Start) < time.Hour {
			broke++
			return map[string]bool{"r700-d1": true, "uhf-d2-in": true, "pad-qa": true}
		}
		return nil
	}
	facts := run(w, s.Start, 4*time.Hour, time.Second, down).Facts
	truth := fold(t, facts)
	repeated := 0
	for _, p := range truth.Passes {
		repeated += min(p.Repeat, 1)
	}
	if broke == 0 || repeated < 5 {
		t.Errorf("%d passes of %d were repeated", repeated, len(truth.Passes))
	}
	checkMovedOnce(t, facts)
}

// checkMovedOnce makes sure that however often a load passed, its units went through the door once.
func checkMovedOnce(t *testing.T, facts []world.Fact) {
	t.Helper()
	moved := map[devices.Tag]map[string]int{}
	for _, f := range facts {
		if f.Kind == world.UnitFact && (f.Location == world.Customer || f.Location == "SZ1-DOCK") {
			if moved[f.Tag] == nil {
				moved[f.Tag] = map[string]int{}
			}
			moved[f.Tag][f.Location]++
		}
	}
	to := map[world.Direction]string{world.In: "SZ1-DOCK", world.Out: world.Customer}
	for _, f := range facts {
		for _, tag := range f.Tags {
			if place := to[f.Direction]; place != "" && moved[tag][place] != 1 {
				t.Errorf("%v went %s through %s %d times", tag, f.Direction, f.Door, moved[tag][place])
			}
		}
	}
}

func TestTheStockComesToRestAfterTheEnd(t *testing.T) {
	for _, speed := range []float64{1, 60} {
		s := unshelved(t)
		w := newWorld(t, s, speed)
		all := run(w, s.Start, 2*time.Hour, 10*time.Second, nil)
		truth := fold(t, all.Facts)
		if n := len(truth.In(world.Hand)) + len(truth.In("SZ1-DOCK")); n != 0 {
			t.Errorf("speed %v: %d units are not put away", speed, n)
		}
		later := run(w, s.Start.Add(2*time.Hour), time.Hour, 10*time.Second, nil)
		for _, f := range later.Facts {
			if f.Kind != world.ExcursionFact {
				t.Fatalf("speed %v: after the end: %+v", speed, f)
			}
		}
		if len(later.Reads) == 0 || len(later.Weather) == 0 {
			t.Error("shelves and rooms are not read after the end")
		}
	}
}

func TestTheOpenDoorOfTheColdRoomMakesOneExcursion(t *testing.T) {
	s := builtin(t, "day")
	s.Radio.ShelfEvery = time.Hour // the shelves do not matter here
	all := run(newWorld(t, s, 60), s.Start, 14*time.Hour, time.Minute, nil)
	x := fold(t, all.Facts).Excursions
	if len(x) != 1 || x[0].Limit != "high" || !x[0].Over {
		t.Fatalf("excursions are %+v", x)
	}
	from, to := x[0].Start.Format("15:04"), x[0].At.Format("15:04")
	if from < "08:44" || from > "08:52" || to < "09:32" || to > "09:55" || x[0].Worst < 9000 || x[0].Worst > unit.Milli(14000) {
		t.Errorf("excursion from %s to %s up to %s °C", from, to, x[0].Worst)
	}
	if len(all.Troubles) != 6 {
		t.Errorf("troubles are %+v", all.Troubles)
	}
}

func TestADayKeepsTheWarehouseAtWork(t *testing.T) {
	s := builtin(t, "day")
	w := newWorld(t, s, 600)
	all := run(w, s.Start, 5*24*time.Hour, time.Minute, nil)
	truth := fold(t, all.Facts)
	stock := 0
	for _, l := range truth.Stock() {
		stock += l.Quantity
	}
	if stock < 1200 || stock > 3200 || len(truth.Passes) < 150 {
		t.Errorf("after five days %d units, %d passes", stock, len(truth.Passes))
	}
	t.Logf("after five days: %d units in stock, %d sent out, %d passes, %d reads", stock, len(truth.In(world.Customer)), len(truth.Passes), len(all.Reads))
}

func TestReadersAreNotAskedForMoreThanTheyCan(t *testing.T) {
	for _, speed := range []float64{1, 60, 600} {
		s := builtin(t, "day")
		w := newWorld(t, s, speed)
		length := time.Duration(20 * speed * float64(time.Second))
		n := len(run(w, s.Start.Add(0), length, time.Second, nil).Reads)
		if perSecond := float64(n) / 20; perSecond > 3000 {
			t.Errorf("at speed %v the readers make %.0f reads a second", speed, perSecond)
		}
	}
}
