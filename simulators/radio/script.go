package radio

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// script plans who moves when: the ways of all bodies of a shift.
type script struct {
	scene
	rng    *rand.Rand
	site   *site
	names  *maker
	bodies []*body
	free   []float64 // by door, when the last pass there is over
	spots  []spot
	lifted []bool // by door, whether a forklift carried the last load
	came   []bool // by door, whether that load came in
}

// spot is where a pallet stands for a time.
type spot struct {
	at   vec
	when span
}

func (p *script) between(low, high float64) float64 { return low + (high-low)*p.rng.Float64() }

// spread draws evenly on a logarithmic scale.
func (p *script) spread(low, high float64) float64 {
	return low * math.Exp(p.rng.Float64()*math.Log(high/low))
}

// write plans n passes and what goes on beside them; it gives when the shift ends.
func (p *script) write(n int) (ends float64, err error) {
	doors := len(p.site.doors)
	p.free, p.lifted, p.came = make([]float64, doors), make([]bool, doors), make([]bool, doors)
	var standing []*body
	for door := range p.site.doors {
		p.free[door] = p.between(3, 12)
		for range p.standing[0] + p.rng.IntN(p.standing[1]-p.standing[0]+1) {
			b, err := p.standAt(door)
			if err != nil {
				return 0, err
			}
			standing = append(standing, b)
		}
	}
	for n > 0 {
		b, err := p.passage(p.next(), n)
		if err != nil {
			return 0, err
		}
		n -= len(b.spans)
	}
	ends = slices.Max(p.free) + p.between(8, 20)
	for _, b := range standing {
		b.legs[0].lasts = ends + 2
	}
	if err := p.beside(ends); err != nil {
		return 0, err
	}
	slices.SortStableFunc(p.bodies, func(a, b *body) int { return cmp.Compare(a.begin(), b.begin()) })
	return ends, nil
}

// next is the door of the next load.
func (p *script) next() int {
	if p.alone {
		door := p.rng.IntN(len(p.free))
		p.free[door] = slices.Max(p.free)
		return door
	}
	return slices.Index(p.free, slices.Min(p.free))
}

// newBody loads a pallet with that many cases, or with nothing where low is negative.
func (p *script) newBody(door int, low, high int) (*body, error) {
	b := &body{door: door, kind: "forklift"}
	p.bodies = append(p.bodies, b)
	if low < 0 {
		return b, nil
	}
	cases := int(math.Round(p.spread(float64(low), float64(high))))
	l, err := newLoad(p.rng, p.names, p.ware(), cases)
	b.load, b.lift = l, 0.15+l.half.z
	return b, err
}

func (p *script) ware() ware {
	sum := 0.0
	for _, w := range p.wares {
		sum += w
	}
	draw := p.rng.Float64() * sum
	for i, w := range p.wares {
		if draw < w {
			return wares[i]
		}
		draw -= w
	}
	return wares[0]
}

func (p *script) standAt(door int) (*body, error) {
	b, err := p.newBody(door, p.standTags[0], p.standTags[1])
	b.stray = "standing"
	b.legs = []leg{{at: -1, lasts: math.Inf(1), from: p.spot(door, span{-1, math.Inf(1)})}}
	return b, err
}

// spotNear is how near to the wall a load may stand: the way there must not lead back through a door's zone.
const spotNear = 1.8

// spot finds a place up to 6 m from a door's middle, beside the lanes where it is nearer than 4 m to the wall.
func (p *script) spot(door int, when span) vec {
	var at vec
	for range 30 {
		round, far := degrees(p.between(-75, 75)), p.between(spotNear, 6)
		at = vec{p.site.doors[door] + far*math.Sin(round), far * math.Cos(round), 0}
		if at.y >= spotNear && p.vacant(at, when) {
			break
		}
		at = vec{p.site.doors[door] + p.between(-3, 3), p.between(5, 6), 0}
	}
	p.spots = append(p.spots, spot{at, when})
	return at
}

func (p *script) vacant(at vec, when span) bool {
	for _, x := range p.site.doors {
		if math.Abs(at.x-x) < 1.1 && at.y < 4 {
			return false
		}
	}
	for _, s := range p.spots {
		if s.when.from < when.to && when.from < s.when.to && s.at.sub(at).length() < 1.3 {
			return false
		}
	}
	return true
}

// course is a load's way in points.
type course struct {
	lane, deep vec // in the hall before the door, and outside behind it
	inner      vec // where it comes from or goes to in the hall
	far        vec // beyond reach in the hall
	cruise     float64
}

func (p *script) course(door int, hand bool) course {
	x := p.site.doors[door]
	lane := x + min(max(0.25*p.rng.NormFloat64(), -0.5), 0.5)
	c := course{
		lane: vec{lane, p.between(2.2, 3.5), 0}, deep: vec{lane, -p.between(4, 9), 0},
		far: vec{x + p.between(-7, 7), p.between(9.5, 12), 0}, cruise: p.between(1, 3),
	}
	if hand {
		c.cruise = p.between(0.5, 1.5)
	}
	c.inner = c.far
	return c
}

// passage plans a load that passes a door, at most left times (once, and again where it turned back).
func (p *script) passage(door, left int) (*body, error) {
	b, err := p.newBody(door, p.tags[0], p.tags[1])
	if err != nil {
		return nil, err
	}
	hand := p.rng.Float64() < p.hand
	b.carrier = carrier{vec{0, b.load.half.y + 0.1 + forkliftBox.y, 0}, forkliftBox}
	if hand {
		b.kind, b.carrier = "hand", carrier{vec{0, b.load.half.y + 0.6, 0}, personBox}
	}
	c := p.course(door, hand)
	in, gap := p.rng.IntN(2) == 0, p.spread(p.gap[0], p.gap[1])
	enters := p.free[door] + gap
	w := &walker{accel: map[bool]float64{true: 0.6, false: 0.9}[hand]}
	if in {
		p.comeIn(w, c, door, left, enters)
	} else {
		p.goOut(w, c, door, left, enters)
	}
	b.way = w.way
	x := p.site.doors[door]
	b.spans = b.spells(func(t float64) bool { return b.inZone(x, t) })
	by := enters - b.spans[0].from
	b.shift(by)
	for i := range b.spans {
		b.spans[i].from += by
		b.spans[i].to += by
	}
	p.empty(door, gap)
	p.free[door], p.lifted[door], p.came[door] = b.spans[len(b.spans)-1].to, !hand, in
	return b, nil
}

func (p *script) comeIn(w *walker, c course, door, left int, enters float64) {
	stay := -1.0
	if p.rng.Float64() < p.staged {
		stay = max(40, p.stay*p.rng.ExpFloat64())
		c.inner = p.spot(door, span{enters, enters + stay})
	}
	w.at = c.deep
	w.wait(0.5)
	if !p.through(w, c, c.deep, c.lane, left) {
		return
	}
	w.drive(c.inner, c.cruise, 0)
	if stay > 0 {
		w.wait(stay)
		w.drive(c.far, c.cruise, c.cruise)
	}
}

func (p *script) goOut(w *walker, c course, door, left int, enters float64) {
	w.at, w.v = c.far, c.cruise
	if p.rng.Float64() < p.staged {
		stay := max(40, p.stay*p.rng.ExpFloat64())
		c.inner = p.spot(door, span{enters - stay, enters})
		w.drive(c.inner, c.cruise, 0)
		w.wait(stay)
	}
	w.drive(c.lane, c.cruise, 0.6*c.cruise)
	if !p.through(w, c, c.lane, c.deep, left) {
		w.drive(c.inner, c.cruise, 0)
		return
	}
	if p.staged > 0 {
		w.wait(p.between(32, 300)) // in the trailer
	}
}

// through takes a load through the door, with what may happen there; it reports whether it arrived.
func (p *script) through(w *walker, c course, from, to vec, left int) bool {
	side := math.Copysign(1, from.y)
	if p.rng.Float64() < p.turns {
		p.halt(w, c, side*p.between(-0.5, 0.95), p.between(0.5, 4))
		again := left > 1 && p.rng.Float64() < 0.6
		w.drive(from, 0.8*c.cruise, 0)
		if !again {
			return false
		}
		w.wait(p.between(8, 60))
	}
	if p.rng.Float64() < p.stops {
		p.halt(w, c, side*p.between(-1, 1), p.between(5, 30))
		if p.rng.IntN(3) == 0 {
			w.drive(from, 0.8*c.cruise, 0)
			return false
		}
	}
	// People do not keep their speed.
	for _, y := range []float64{1.5 * side, -1.5 * side} {
		if (w.at.y-y)*side > 0.2 {
			speed := c.cruise * p.between(0.7, 1.1)
			w.drive(vec{from.x, y, 0}, speed, speed)
		}
	}
	w.drive(to, c.cruise, map[bool]float64{true: 0.6 * c.cruise, false: 0}[to == c.lane])
	return true
}

func (p *script) halt(w *walker, c course, y, lasts float64) {
	w.drive(vec{c.lane.x, y, 0}, c.cruise, 0)
	w.wait(lasts)
}

// empty lets the forklift of the last pass come back without a load in the gap before the next one, if that is long enough.
func (p *script) empty(door int, gap float64) {
	if !p.lifted[door] || gap < 9 || p.rng.Float64() > p.returns {
		return
	}
	at := p.free[door] + p.between(2, gap-6)
	p.unladen(door, p.came[door], at, forkliftBox, p.between(1.5, 3))
}

// unladen plans somebody without goods who is at the threshold at a moment.
func (p *script) unladen(door int, outwards bool, at float64, who vec, speed float64) {
	b, _ := p.newBody(door, -1, -1)
	b.carrier.half = who
	c := p.course(door, false)
	from, to := c.deep, c.lane
	if outwards {
		from, to = c.lane, c.deep
	}
	w := &walker{accel: 1, at: from, v: speed}
	w.drive(to, speed, speed)
	b.way = w.way
	b.shift(at - math.Abs(from.y)/speed)
}

// beside plans the loads that drive by and the people who walk through.
func (p *script) beside(ends float64) error {
	for door, x := range p.site.doors {
		for t := p.wait(p.passing); t < ends; t += p.wait(p.passing) {
			if err := p.drivesBy(door, x, t); err != nil {
				return err
			}
		}
		for t := p.wait(p.walkers); t < ends; t += p.wait(p.walkers) {
			p.unladen(door, p.rng.IntN(2) == 0, t, personBox, p.between(0.8, 1.6))
		}
	}
	return nil
}

// wait draws the time to the next of what happens so often a minute.
func (p *script) wait(often float64) float64 { return p.rng.ExpFloat64() * 60 / often }

func (p *script) drivesBy(door int, x, t float64) error {
	b, err := p.newBody(door, p.standTags[0], p.standTags[1])
	if err != nil {
		return err
	}
	b.stray = "passing"
	y, along := p.between(2.1, 5.5), 1.0
	if !p.site.trailers && p.rng.IntN(3) == 0 {
		y = -p.between(2.3, 4.5)
	}
	if p.rng.IntN(2) == 0 {
		along = -1
	}
	b.carrier = carrier{vec{-along * 1.5, 0, 0}, vec{forkliftBox.y, forkliftBox.x, forkliftBox.z}}
	speed := p.between(1.2, 3)
	w := &walker{accel: 0.9, at: vec{x - 9*along, y, 0}, v: speed}
	w.drive(vec{x + 9*along, y, 0}, speed, speed)
	b.way = w.way
	b.shift(t)
	return nil
}
