package reconcile_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// strength of a tag at distance x (metres along the way) of an antenna, 1.5 m beside the way.
func strength(x float64) float64 { return -42 - 20*math.Log10(math.Hypot(x, 1.5)*math.Hypot(x, 1.5)) }

// walk carries tags along way(share), in metres from the door's line, positive inside; antennas stand at +1 and -1 m.
func (r *rig) walk(rng *rand.Rand, device string, tags []int, took time.Duration, way func(share float64) float64) {
	begin := r.now
	for r.now.Sub(begin) < took {
		x := way(float64(r.now.Sub(begin)) / float64(took))
		for i, tag := range tags {
			lag := 0.2 * float64(i%3)
			for antenna, pos := range []float64{1: 1, 2: -1} {
				if antenna == 0 {
					continue
				}
				if s := strength(x-lag-pos) + 2*rng.NormFloat64(); s > -75 && rng.Float64() < 0.6 {
					r.now = r.now.Add(time.Millisecond)
					r.read(device, uint8(antenna), tag, s)
				}
			}
		}
		r.wait(100 * time.Millisecond)
	}
}

func inwards(s float64) float64  { return -4 + 8*s }
func outwards(s float64) float64 { return 4 - 8*s }
func turning(s float64) float64  { return -4 + 4*(1-math.Abs(2*s-1)) }

func TestPassMovesItsTags(t *testing.T) {
	pallet := []int{1, 2, 3, 4, 5}
	for name, c := range map[string]struct {
		way  func(float64) float64
		dir  wire.Direction
		move string
	}{
		"inwards":    {inwards, wire.In, ">DOCK" + receiving},
		"outwards":   {outwards, wire.Out, ">CUSTOMER" + shipping},
		"turns back": {turning, wire.TurnedBack, ""},
	} {
		t.Run(name, func(t *testing.T) {
			right := 0
			for seed := range uint64(20) {
				r := newRig(t, reconcile.Defaults())
				r.wait(10 * time.Second)
				r.walk(rand.New(rand.NewPCG(1, seed)), "d1", pallet, 4*time.Second, c.way)
				r.wait(6 * time.Second)
				if len(r.opens) != 1 || len(r.ends) != 1 || r.opens[0].ID != r.ends[0].ID {
					t.Fatalf("%d passes opened and %d closed, want one each", len(r.opens), len(r.ends))
				}
				if p := r.ends[0]; p.Direction != c.dir && c.dir != wire.TurnedBack {
					t.Errorf("seed %d: direction %s (%d permille), want %s", seed, p.Direction, p.Confidence, c.dir)
				} else if p.Direction == c.dir {
					right++
				}
				if c.move == "" {
					r.want()
					continue
				}
				if len(r.moves) != 5 || r.ends[0].Moved != 5 || r.ends[0].Tags != 5 {
					t.Fatalf("%d movements, pass %+v", len(r.moves), r.ends[0])
				}
				for _, m := range r.moves {
					if got := m.From + ">" + m.To + " " + string(m.BizStep) + " " + string(m.Disposition); got != c.move {
						t.Fatalf("got %s want %s", got, c.move)
					}
					if m.Confidence < 700 || m.Pass != r.ends[0].ID || m.ReadPoint != "D1" {
						t.Fatalf("movement %+v", m)
					}
				}
			}
			if right < 15 {
				t.Errorf("%d of 20 passes are %s", right, c.dir)
			}
		})
	}
}

func TestPassWithoutStrengthsGoesByTheOrderOfSides(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	for i := range 8 {
		antenna := uint8(2)
		if i > 3 {
			antenna = 1
		}
		r.step(reconcile.Input{Read: &devices.Read{Device: "d1", Antenna: antenna, Tag: epc(1), HostTime: r.now, Count: 1}})
		r.wait(300 * time.Millisecond)
	}
	r.wait(6 * time.Second)
	r.want(">DOCK" + receiving)
}

func TestTagAtOneSideOnlyGoesWithTheOthers(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	rng := rand.New(rand.NewPCG(1, 2))
	done := make(map[int]bool)
	r.walk(rng, "d1", []int{1, 2, 3}, 4*time.Second, func(s float64) float64 {
		if at := int(s * 10); at >= 4 && at <= 7 && !done[at] {
			done[at] = true
			r.now = r.now.Add(time.Millisecond)
			r.read("d1", 1, 9, -55)
		}
		return inwards(s)
	})
	r.wait(6 * time.Second)
	if len(r.moves) != 4 {
		t.Fatalf("%d movements, want 4", len(r.moves))
	}
}

func TestTagThatLiesBesideTheDoorStays(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	rng := rand.New(rand.NewPCG(3, 4))
	lying := func(s float64) {
		r.now = r.now.Add(time.Millisecond)
		r.read("d1", 1, 99, -62+1.5*rng.NormFloat64())
	}
	for range 600 { // it is read once a second all the time
		lying(0)
		r.wait(time.Second)
	}
	if len(r.opens) != 0 {
		t.Fatalf("a tag that lies there opened %d passes", len(r.opens))
	}
	last := -1
	r.walk(rng, "d1", []int{1, 2, 3}, 4*time.Second, func(s float64) float64 {
		if at := int(s * 4); at != last {
			last = at
			lying(s)
		}
		return outwards(s)
	})
	r.wait(6 * time.Second)
	r.want(">CUSTOMER"+shipping, ">CUSTOMER"+shipping, ">CUSTOMER"+shipping)
	r.walk(rng, "d1", []int{99}, 4*time.Second, outwards) // then it is carried out itself
	r.wait(6 * time.Second)
	r.want(">CUSTOMER" + shipping)
}

func TestTagGoesToTheDoorThatHearsItBest(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 40 {
		x := inwards(float64(i) / 40)
		for antenna, pos := range []float64{1: 1, 2: -1} {
			if antenna == 0 {
				continue
			}
			r.now = r.now.Add(time.Millisecond)
			r.read("d1", uint8(antenna), 1, strength(x-pos)+rng.NormFloat64())
			r.read("d2", uint8(3-antenna), 1, strength(x-pos)-12+rng.NormFloat64()) // the neighbour hears it the other way round
		}
		r.wait(100 * time.Millisecond)
	}
	r.wait(reconcile.Defaults().Redeliver)
	r.want(">DOCK" + receiving)
}

func TestStrayShelfReadsAfterLeavingAreIgnored(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	for range 5 {
		r.read("a", 0, 1, -55)
		r.wait(time.Second)
	}
	r.walk(rand.New(rand.NewPCG(7, 8)), "d1", []int{1}, 4*time.Second, func(s float64) float64 {
		r.now = r.now.Add(time.Millisecond)
		r.read("a", 0, 1, -70)
		r.read("b", 0, 1, -70)
		return outwards(s)
	})
	r.wait(6 * time.Second)
	r.want(">A"+storing, "A>CUSTOMER"+shipping)
	r.wait(time.Hour)
	r.want()
}

func TestPassWaitsForAReaderThatIsDown(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	rng := rand.New(rand.NewPCG(9, 1))
	r.walk(rng, "d1", []int{1}, 2*time.Second, func(s float64) float64 { return inwards(s / 2) })
	r.health(devices.Down, "d1")
	r.wait(10 * time.Minute)
	if len(r.ends) != 0 {
		t.Fatal("the pass was judged while its reader was down")
	}
	r.up("d1")
	r.wait(reconcile.Defaults().Redeliver * 3 / 4)
	if len(r.ends) != 0 {
		t.Fatal("the pass was judged before the broker could send again")
	}
	r.wait(time.Minute)
	if len(r.ends) != 1 {
		t.Fatalf("%d passes ended, %v", len(r.ends), r.ends)
	}
}

func TestPassWhoseReaderNeverComesBackIsJudgedAtLast(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	r.walk(rand.New(rand.NewPCG(9, 1)), "d1", []int{1}, 4*time.Second, inwards)
	r.health(devices.Down, "d1")
	r.wait(reconcile.Defaults().Hold + time.Second)
	r.want(">DOCK" + receiving)
}

func TestReadsThatTheBrokerSendsAgainJoinTheirPass(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	var all []devices.Read
	for i := range 100 { // ten seconds through the door
		at := start.Add(time.Duration(i) * 100 * time.Millisecond)
		for antenna, x := range map[uint8]float64{1: -1, 2: 1} {
			all = append(all, devices.Read{
				Device: "d1", Antenna: antenna, Tag: epc(1), ReaderTime: at.Add(time.Duration(antenna) * time.Millisecond),
				RSSI: unit.DBm(100 * strength(inwards(float64(i)/100)+x)), HasRSSI: true, Count: 1,
			})
		}
	}
	slices.SortFunc(all, func(a, b devices.Read) int { return a.ReaderTime.Compare(b.ReaderTime) })
	r.send(all[:60])
	disk := map[string][]byte{}
	flush(r.m, disk) // killed here; what was on its way is not acknowledged
	again := reconcile.New(dock(t), reconcile.Defaults())
	for k, v := range disk {
		if err := again.Load([]byte(k), v); err != nil {
			t.Fatal(err)
		}
	}
	again.Restarted()
	r.m = again
	r.wait(5 * time.Second)
	r.up("a", "b", "pad", "d1", "d2")
	r.send(all[150:]) // what comes fresh is first
	r.wait(reconcile.Defaults().Redeliver * 3 / 4)
	if len(r.ends) != 0 {
		t.Fatalf("judged too early: %+v", r.ends)
	}
	r.send(all[60:150])
	r.send(all[60:150]) // and once more
	r.wait(time.Minute)
	r.want(">DOCK" + receiving)
	in := 0
	for _, p := range r.ends {
		if p.Direction == wire.In && p.Tags == 1 && p.Moved == 1 {
			in++
		}
	}
	if in != 1 {
		t.Fatalf("passes %+v", r.ends)
	}
}

func TestPassDuringWhichTheNetworkStandsStillIsOne(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	var still []devices.Read // sent while the network stood still
	for i := range 40 {
		at := start.Add(time.Duration(i) * 100 * time.Millisecond)
		for antenna, x := range map[uint8]float64{1: -1, 2: 1} {
			rd := devices.Read{
				Device: "d1", Antenna: antenna, Tag: epc(1), HostTime: at, ReaderTime: at.Add(time.Duration(antenna) * time.Millisecond),
				RSSI: unit.DBm(100 * strength(inwards(float64(i)/40)+x)), HasRSSI: true, Count: 1,
			}
			if i >= 15 {
				still = append(still, rd)
				continue
			}
			r.now = at
			r.step(reconcile.Input{Read: &rd})
		}
	}
	r.wait(4500 * time.Millisecond)
	slices.SortFunc(still, func(a, b devices.Read) int { return a.ReaderTime.Compare(b.ReaderTime) })
	r.send(still)
	r.wait(6 * time.Second)
	r.want(">DOCK" + receiving)
	if len(r.ends) != 1 {
		t.Fatalf("%d passes: %+v", len(r.ends), r.ends)
	}
}

func TestPassWhoseReadsComeAfterThoseOfALaterOne(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	pass := func(tag int, began time.Time, way func(float64) float64) (all []devices.Read) {
		for i := range 40 {
			for antenna, x := range []float64{-1, 1} {
				all = append(all, devices.Read{
					Device: "d1", Antenna: uint8(antenna + 1), Tag: epc(tag), RSSI: unit.DBm(100 * strength(way(float64(i)/40)+x)), HasRSSI: true,
					ReaderTime: began.Add(time.Duration(i)*100*time.Millisecond + time.Duration(antenna)*time.Millisecond), Count: 1,
				})
			}
		}
		return all
	}
	r.send(pass(3, start.Add(time.Minute), inwards)) // the reader's clock is known from before
	r.wait(time.Minute)
	r.want(">DOCK" + receiving)
	r.health(devices.Down, "d1")
	began := r.now
	r.wait(10 * time.Second) // a pass goes on that nobody hears of
	r.up("d1")
	r.send(pass(2, r.now, outwards)) // what comes fresh is first
	r.wait(3 * time.Second)
	r.send(pass(1, began, inwards))
	r.wait(time.Minute)
	r.want(">DOCK"+receiving, ">CUSTOMER"+shipping)
}

func TestReadsBufferedByTheReaderMakeTheSamePass(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	send := func(at time.Time, antenna uint8, x float64) {
		r.step(reconcile.Input{Read: &devices.Read{
			Device: "d1", Antenna: antenna, Tag: epc(1), HostTime: r.now, ReaderTime: at, Count: 1,
			RSSI: unit.DBm(100 * strength(x)), HasRSSI: true,
		}})
	}
	send(r.now, 1, 30) // the reader's clock is known from before
	r.wait(10 * time.Minute)
	began := r.now
	r.wait(5 * time.Minute) // the broker was away; now everything comes at once
	for i := range 40 {
		at := began.Add(time.Duration(i) * 100 * time.Millisecond)
		send(at, 1, inwards(float64(i)/40)-1)
		send(at.Add(time.Millisecond), 2, inwards(float64(i)/40)+1)
	}
	r.wait(6 * time.Second)
	r.want(">DOCK" + receiving)
	if p := r.ends[len(r.ends)-1]; p.Opened.Sub(began).Abs() > 10*time.Millisecond || p.Closed.Sub(began) > 5*time.Second {
		t.Fatalf("pass from %v to %v, began %v", p.Opened, p.Closed, began)
	}
}
