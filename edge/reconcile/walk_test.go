package reconcile_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// stroll carries one tag slowly through a square of four antennas of one reader, two inside and two outside, as people do in a
// hall: some 150 reads, whole dBm, fades as deep as the whole rise. way is 1 in and -1 out.
func (r *rig) stroll(rng *rand.Rand, tag int, way float64) {
	const side = 4.6 // metres between two antennas
	fades := [2][6][2]float64{}
	gain := [2]float64{2 * rng.NormFloat64(), 2 * rng.NormFloat64()}
	for a := range fades {
		for k := range fades[a] {
			fades[a][k] = [2]float64{6.28 * rng.Float64(), 2 + 17*rng.Float64()}
		}
	}
	speed, across := 0.35+0.45*rng.Float64(), 1.5+1.6*rng.Float64()
	for y := 0.0; y < side; {
		for a := range fades {
			at := y // from the outer antennas, which are the second
			if way < 0 {
				at = side - y
			}
			along := at
			if a == 0 {
				along = side - at
			}
			level := -52 + gain[a] - 20*math.Log10(math.Hypot(math.Hypot(across, along), 0.8)) + rng.NormFloat64()
			for _, f := range fades[a] {
				level += 3 * math.Sin(f[0]+f[1]*at) / math.Sqrt(3)
			}
			if rng.Float64() < 1/(1+math.Exp(-(level+68)/2)) {
				r.now = r.now.Add(time.Millisecond)
				r.read("d1", uint8(1+a), tag, math.Round(level))
			}
		}
		r.wait(80 * time.Millisecond)
		y += 0.08 * speed
	}
}

func TestSlowFadingTagIsToldWithItsWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	r := newRig(t, reconcile.Defaults())
	right, walks := 0, 64
	for range walks {
		told := len(r.crossings)
		way, want := 1.0, wire.In
		if rng.IntN(2) == 0 {
			way, want = -1, wire.Out
		}
		r.stroll(rng, 1, way)
		r.wait(15 * time.Second)
		if len(r.crossings) == told+1 && r.crossings[told].Direction == want {
			right++
		}
	}
	if right < 60 {
		t.Errorf("%d of %d walks are told, once and with their way", right, walks)
	}
}

func TestTagThatLayBesideTheDoorAndWasTakenAwayCountsAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	r := newRig(t, reconcile.Defaults())
	for range 600 {
		r.now = r.now.Add(time.Millisecond)
		r.read("d1", 1, 1, -58+1.5*rng.NormFloat64())
		r.wait(time.Second)
	}
	if len(r.crossings) != 0 {
		t.Fatalf("a tag that lies there is told %d times", len(r.crossings))
	}
	r.wait(time.Minute)
	r.stroll(rng, 1, 1)
	r.wait(15 * time.Second)
	if len(r.crossings) != 1 || r.crossings[0].Direction != wire.In {
		t.Errorf("what came back is told as %+v", r.crossings)
	}
}

// Metal goods: each tag is read once or twice while the load is in the door, and never else.
func TestGoodsHeardForAMomentAreAPass(t *testing.T) {
	right, loads := 0, 20
	for seed := range loads {
		rng := rand.New(rand.NewPCG(15, uint64(seed)))
		r := newRig(t, reconcile.Defaults())
		r.walk(rng, "d1", []int{11, 12, 13, 14}, 6*time.Second, inwards) // so that the door knows how its loads are heard
		r.wait(time.Minute)
		told, from := len(r.ends), r.now
		antennas, want := []uint8{2, 1}, wire.In
		if seed%2 == 1 {
			antennas, want = []uint8{1, 2}, wire.Out
		}
		for step := range 12 {
			r.now = from.Add(time.Duration(step)*125*time.Millisecond + time.Duration(rng.IntN(40))*time.Millisecond)
			r.read("d1", antennas[step/6], 1+(step*5+step/6)%8, -64-6*rng.Float64())
		}
		r.wait(30 * time.Second)
		if len(r.ends) == told+1 && r.ends[told].Direction == want && r.ends[told].Tags == 4 { // the door asks for two reads of a tag
			right++
		}
	}
	if right < loads*8/10 {
		t.Errorf("%d of %d loads are told", right, loads)
	}
}
