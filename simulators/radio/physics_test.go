package radio

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tallydock/tallydock/devices"
)

// lone is a bare tag, turned anyhow, that shades nothing.
func lone(rng *rand.Rand) *body {
	l := load{ware: ware{name: "air"}}
	g := l.label(rng, devices.Tag{}, vec{}, vec{})
	turn, up := 2*math.Pi*rng.Float64(), 2*rng.Float64()-1
	flat := math.Sqrt(1 - up*up)
	g.axis, g.own, g.deep, g.wakes = vec{flat * math.Cos(turn), flat * math.Sin(turn), up}, 1, 1, math.Pow(10, -1.9)
	l.tags = []*tag{g}
	return &body{load: l}
}

// bench is one antenna and one tag with nothing else.
type bench struct {
	site *site
	link *link
	base phasor
}

const testChannel = 866.9e6

func newBench(rng *rand.Rand) bench {
	s := newSite(rng, 1, 3, 0, EU)
	s.radiate(EU.limit())
	a := s.antennas[0][0]
	return bench{s, newLink(rng, a, lone(rng)), a.scattered(testChannel, 0)}
}

// field is what the tag takes up at an angle from the antenna's axis, upwards where height is more than 0.
func (b bench) field(angle, far, height float64) complex128 {
	a, g := b.link.a, b.link.b.load.tags[0]
	p := a.at.add(vec{math.Cos(degrees(angle)), math.Sin(degrees(angle)), 0}.by(far)).add(vec{0, 0, height})
	there := a.there(&b.base, p)
	return b.site.share(a, b.link.b, g, p, b.link.shade(p)).field(there.sum(&b.link.offs[0]), 2*math.Pi*testChannel/lightSpeed)
}

// survey gives the part of 2,000 tags that wake, and how loud the median of these answers, in dBm.
func survey(angle, far float64) (awake, median float64) {
	const n = 2000
	rng := rand.New(rand.NewPCG(1, uint64(far*100)))
	var levels []float64
	for range n {
		b := newBench(rng)
		h := b.field(angle, far, 0.4*(rng.Float64()-0.5))
		if power(h) >= b.link.b.load.tags[0].wakes {
			levels = append(levels, b.site.answer(power(h)))
		}
	}
	if len(levels) == 0 {
		return 0, hearing
	}
	slices.Sort(levels)
	return float64(len(levels)) / n, levels[len(levels)/2]
}

func TestTagsWakeLessAndAnswerWeakerFartherAway(t *testing.T) {
	tests := []struct {
		angle float64
		near  [2]float64 // least and most that wake at 1 m, in %
		far   [2]float64 // at 8 m
	}{
		{0, [2]float64{98, 100}, [2]float64{40, 95}},
		{35, [2]float64{95, 100}, [2]float64{30, 85}},
		{60, [2]float64{80, 99}, [2]float64{5, 40}},
		{90, [2]float64{60, 95}, [2]float64{1, 20}},
		{180, [2]float64{60, 95}, [2]float64{1, 20}},
	}
	for _, tt := range tests {
		was, wasLoud := 1.0, 0.0
		for _, far := range []float64{0.5, 1, 2, 4, 8, 12} {
			awake, loud := survey(tt.angle, far)
			t.Logf("%3.0f° off the axis, %4.1f m: %5.1f %% awake, the median answers with %.1f dBm", tt.angle, far, 100*awake, loud)
			if awake > was+0.03 || loud > wasLoud+1 {
				t.Errorf("%g° off the axis, %g m: more than nearer", tt.angle, far)
			}
			want := map[float64][2]float64{1: tt.near, 8: tt.far}[far]
			if want[1] > 0 && (100*awake < want[0] || 100*awake > want[1]) {
				t.Errorf("%g° off the axis, %g m: %.1f %% awake, want %v", tt.angle, far, 100*awake, want)
			}
			was, wasLoud = awake, loud
		}
	}
}

func TestFadingChangesOverHalfAWavelength(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	lambda := lightSpeed / testChannel
	alike := func(apart float64) float64 {
		var ab, aa, bb float64
		for range 3000 {
			b := newBench(rng)
			place := b.link.a.at.add(vec{1, 3 * rng.Float64(), rng.Float64()})
			p, q := b.link.a.there(&b.base, place), b.link.a.there(&b.base, place.add(vec{apart, 0, 0}))
			x, y := power(p.sum(&b.link.offs[0]))-1, power(q.sum(&b.link.offs[0]))-1
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		return ab / math.Sqrt(aa*bb)
	}
	near, far := alike(lambda/20), alike(lambda/2)
	t.Logf("correlation of the scattered power: %.2f over λ/20, %.2f over λ/2", near, far)
	if near < 0.8 || far > 0.4 {
		t.Errorf("correlation %.2f over λ/20 and %.2f over λ/2", near, far)
	}
}

func TestPhaseTurnsTwiceAWavelength(t *testing.T) {
	b := newBench(rand.New(rand.NewPCG(3, 3)))
	b.site.room, b.site.near = 0, 0
	g := b.link.b.load.tags[0]
	g.axis = vec{0, 1, 0}
	lambda := lightSpeed / testChannel
	for _, far := range []float64{0.6, 0.8, 1} {
		turned := -2 * cmplx.Phase(b.field(0, far+lambda/8, 0)/b.field(0, far, 0))
		if math.Abs(turned-math.Pi/2) > 0.35 { // the floor's echo takes its part
			t.Errorf("%g m: λ/8 farther away turns the phase by %.2f, want π/2", far, turned)
		}
	}
}

func TestGoodsAndWallsTakeTheirPart(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	s := newSite(rng, 2, 3, 20, EU)
	s.radiate(EU.limit())
	s.trailers = true
	inside := s.antennas[0][0].at
	for _, tt := range []struct {
		to   vec
		want float64
	}{
		{vec{0, 3, 1}, 0},
		{vec{0, -0.8, 1}, 0},
		{vec{0, -3, 1}, 0},
		{vec{6, 2, 1}, 0},
		{vec{3, -0.3, 1}, wallLoss},
		{vec{6, -4, 1}, trailerLoss},
		{vec{12, -1.5, 1}, wallLoss + trailerLoss},
		{vec{0, -1.5, 4}, trailerLoss},
	} {
		if got := s.walls(inside, tt.to); got != tt.want {
			t.Errorf("walls on the way to %v take %g dB, want %g", tt.to, got, tt.want)
		}
	}
	awake := map[string]float64{}
	for _, w := range wares {
		n := 0
		for range 40 {
			l, err := newLoad(rng, &maker{}, w, 40)
			if err != nil {
				t.Fatal(err)
			}
			b := &body{load: l}
			for i, g := range l.tags {
				k := newLink(rng, s.antennas[0][0], b)
				base := k.a.scattered(testChannel, 0)
				place := vec{0, 0.6, 1}
				there := k.a.there(&base, place)
				h := s.share(k.a, b, g, place.add(g.off), k.shade(place)).field(there.sum(&k.offs[i]), 18)
				if power(h) >= g.wakes {
					n++
				}
			}
		}
		awake[w.name] = float64(n) / (40 * 41)
	}
	t.Logf("part of the tags of a pallet in the door that one antenna wakes at one place: %v", awake)
	if !(awake["dry"] > 0.7 && awake["dry"] > awake["mixed"] && awake["mixed"] > awake["liquid"] && awake["liquid"] > awake["metal"]) {
		t.Errorf("awake by ware: %v", awake)
	}
}

// inventory runs rounds over n tags that hear the reader well, for so many seconds, and gives the reads and when all
// had been read.
func inventory(a air, n int, lasts float64) (reads int, all float64) {
	rng := rand.New(rand.NewPCG(5, uint64(n)))
	var tags []*reply
	for range n {
		tags = append(tags, &reply{tag: &tag{wakes: 1e-3}, field: complex(math.Pow(10, -0.9+0.8*rng.Float64()), 0)})
	}
	s := &site{eirp: 35.2}
	seen := map[*reply]bool{}
	var left []*reply
	r := round{air: a, rng: rng, floor: hearing, answer: s.answer, field: func(t *reply, _ float64) complex128 { return t.field }}
	r.heard = func(t *reply, now float64, _ complex128, _ float64) {
		reads++
		seen[t] = true
		left = slices.DeleteFunc(left, func(o *reply) bool { return o == t })
		if len(seen) == n && all == 0 {
			all = now
		}
	}
	for now, q := 0.0, 4.0; now < lasts; {
		if len(left) == 0 {
			left = slices.Clone(tags) // the other target
		}
		r.queue, r.waiting = append(r.queue[:0], left...), r.waiting[:0]
		now, q = r.run(now, lasts, q)
		now += roundPause
	}
	return reads, all
}

func TestGen2ReadsAsManyTagsAsReadersDo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		air   air
		most  float64
		least float64
	}{{"fast", fastAir(), 600, 200}, {"dense", denseAir(), 300, 120}} {
		t.Logf("%s: success %.2f ms, collision %.2f ms, empty %.2f ms", tt.name, 1e3*tt.air.success, 1e3*tt.air.collision, 1e3*tt.air.empty)
		for _, n := range []int{1, 5, 20, 50, 100, 200, 400} {
			const lasts = 20.0
			reads, all := inventory(tt.air, n, lasts)
			rate := float64(reads) / lasts
			t.Logf("%s: %3d tags: %.0f reads/s, all read once after %.2f s", tt.name, n, rate, all)
			if n >= 5 && rate < tt.least || rate > tt.most || all == 0 {
				t.Errorf("%s: %d tags: %.0f reads/s, all after %.2f s", tt.name, n, rate, all)
			}
		}
	}
}

func TestFlagsKeepAsTheirSessionSays(t *testing.T) {
	// The tag is read at 0 s with its field on until 0.1 s; was it B when a field came at that time?
	for _, tt := range []struct {
		session int
		at      float64
		want    bool
	}{
		{0, 0.05, true}, {0, 0.11, false}, {1, 0.05, true}, {1, 0.9, true}, {1, 1.1, false}, {2, 0.11, true}, {2, 3, true}, {2, 3.2, false},
	} {
		f := flags{keep1: 1, keep2: 3, powered: []float64{math.Inf(-1)}, strength: []float64{0}}
		f.wake(0, 1, 0, 0.1)
		f.counted(tt.session, 0)
		f.wake(0, 1, tt.at, tt.at+0.1)
		if f.b[tt.session] != tt.want {
			t.Errorf("session %d after %g s: B is %v", tt.session, tt.at, f.b[tt.session])
		}
	}
	// Another reader's field keeps session 0's flag.
	f := flags{powered: []float64{math.Inf(-1), math.Inf(-1)}, strength: []float64{0, 0}}
	f.wake(0, 1, 0, 0.1)
	f.counted(0, 0)
	f.wake(1, 1, 0.05, 0.2)
	f.wake(0, 1, 0.15, 0.25)
	if !f.b[0] {
		t.Error("session 0 forgot its flag in another reader's field")
	}
}
