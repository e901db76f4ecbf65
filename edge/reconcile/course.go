package reconcile

import (
	"math"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// survey is a window looked at as a whole, once it is over: when something was in the door, and the course of each tag.
type survey struct {
	from, to instant // when something was in the door
	reach    time.Duration
	median   float64 // of the peaks of those that rise, dBm
	blind    bool    // no strengths are known
	courses  []course
	reads    []sighting // by time
}

// course is one tag on its way through a window.
type course struct {
	*track
	lies  bool    // it was known to lie beside the door
	level float64 // its usual strength there, dBm, where leveled
	flat  bool    // its strength neither rises nor falls
	loud  bool    // its strengths are known
	had   bool    // level is known

	focus  [sides]sums // what was read while something was in the door, and shortly before and after
	peakIn float64     // strongest read then, dBm
	peakAt instant
	lastIn instant
	before outer // what was read of it well before and well after
	after  outer
	energy float64 // of focus
	rel    float64 // peakIn beside the median of all
	median float64
}

// sums are the power-weighted moments of one side.
type sums struct {
	power, moment float64
	reads         uint32
	peak          unit.DBm
}

// outer is what was read of a tag outside of the focus.
type outer struct {
	reads uint32
	peak  unit.DBm
	power float64
}

func (o *outer) add(r *sighting) {
	if o.reads == 0 || r.rssi > o.peak {
		o.peak = r.rssi
	}
	o.reads += r.count
	o.power += r.linear()
}

// mean is the mean power in dBm.
func (o *outer) mean() float64 { return 10*math.Log10(o.power/float64(o.reads)) - 90 }

// survey looks at a window.
func (m *Machine) survey(door int, w *window) *survey {
	s := &survey{courses: make([]course, len(w.tracks))}
	for _, i := range byTime(w) {
		s.reads = append(s.reads, w.reads[i])
	}
	s.span(m, door, w)
	for i := range w.tracks {
		t := &w.tracks[i]
		c := &s.courses[i]
		c.track, c.flat, c.loud = t, m.flat(t), t.known > 0
		if l := m.tags[t.slot].lie(int32(door)); l != nil && l.lies {
			c.lies, c.had, c.level = true, l.known, float64(l.level)/100
		}
	}
	lo, hi := s.from.add(-s.reach), s.to.add(s.reach)
	for i := range s.reads {
		r := &s.reads[i]
		c := &s.courses[r.track]
		switch {
		case r.at < lo:
			c.before.add(r)
		case r.at > hi:
			c.after.add(r)
		default:
			c.focusOn(r, s.from)
		}
	}
	s.median = s.medianPeak()
	for i := range s.courses {
		c := &s.courses[i]
		c.median, c.rel = s.median, c.peakIn-s.median
	}
	return s
}

func (c *course) focusOn(r *sighting, from instant) {
	sd := &c.focus[r.side]
	p := r.linear()
	sd.power += p
	sd.moment += p * r.at.seconds(from)
	if sd.reads == 0 || r.rssi > sd.peak {
		sd.peak = r.rssi
	}
	sd.reads += r.count
	c.energy += p
	c.lastIn = r.at
	if c.peakAt == 0 || r.known && float64(r.rssi)/100 > c.peakIn {
		c.peakIn, c.peakAt = float64(r.rssi)/100, r.at
	}
}

// span finds when something was in the door: as the photocells say, else when the tags that rise were near their strongest.
func (s *survey) span(m *Machine, door int, w *window) {
	plan := &m.plan.Doors[door]
	if w.gate.on != 0 {
		s.from, s.to = w.gate.on, w.gate.off
		if s.to < s.from {
			s.to = max(s.from, w.last)
		}
		s.reach = max(s.to.sub(s.from)/2, plan.Quiet/6)
		return
	}
	c := m.crowd(door, w, near)
	most := 0
	for _, n := range c.n {
		most = max(most, n)
	}
	s.from, s.to = w.opened, w.last
	if most > 0 {
		first := slices.IndexFunc(c.n, func(n int) bool { return 5*n >= most })
		last := len(c.n) - 1
		for 5*c.n[last] < most {
			last--
		}
		s.from, s.to = c.from.add(time.Duration(first)*c.slot), c.from.add(time.Duration(last+1)*c.slot)
	}
	s.reach = max(s.to.sub(s.from)/2, plan.Quiet/6)
}

// medianPeak is the median of what was strongest of the tags that may pass.
func (s *survey) medianPeak() float64 {
	var peaks []float64
	for i := range s.courses {
		if c := &s.courses[i]; c.loud && c.energy > 0 && !c.flat && !c.lies {
			peaks = append(peaks, c.peakIn)
		}
	}
	if len(peaks) == 0 {
		return math.Inf(-1)
	}
	slices.Sort(peaks)
	return peaks[len(peaks)/2]
}

// evidence is how much speaks for a tag's having passed, in units of log odds: more than 0 where it did.
func (c *course) evidence() float64 {
	if c.energy == 0 {
		return -5
	}
	if !c.loud {
		if c.lies {
			return -1
		}
		return 1
	}
	e := 0.5
	both := c.focus[inside].reads > 0 && c.focus[outside].reads > 0
	if both {
		e += 1
	}
	e += clamp((c.rel+15)/5, -3, 1.5)
	e += c.stood()
	if c.lies {
		e -= 2
	}
	if c.flat && c.reads >= 6 {
		e -= 2
	}
	return e
}

// stood is what a tag's strength beside that before and after says: one that passes stands out, and is gone before or after.
func (c *course) stood() float64 {
	e := 1.5
	for _, o := range []*outer{&c.before, &c.after} {
		if o.reads < 2 {
			continue
		}
		e = min(e, clamp((c.peakIn-o.mean()-8)/3, -3, 2))
	}
	if c.had {
		e = min(e, clamp((c.peakIn-c.level-9)/3, -3, 2))
	}
	return e
}

func clamp(v, low, high float64) float64 { return min(max(v, low), high) }

// balance is how the power of all tags of a pass was shared between the two sides over time.
type balance struct {
	ok                 bool
	sep                float64 // inside's mean time after outside's, in standard deviations
	begin, middle, end float64 // inside over outside in dB, in the first, the middle and the last third
	reads              [2]uint32
}

// decided is the score from which a direction is told.
const decided = 0.6

// balance adds up the tags, each with the same weight.
func (s *survey) balance(members []member) balance {
	in := make(map[int32]float64, len(members))
	for _, mb := range members {
		in[int32(slices.IndexFunc(s.courses, func(c course) bool { return c.track == mb.track }))] = 1 / mb.energy
	}
	lo, hi := s.from.add(-s.reach), s.to.add(s.reach)
	var sum, moment, square [sides]float64
	var b balance
	for i := range s.reads {
		r := &s.reads[i]
		weight, ok := in[r.track]
		if !ok || r.at < lo || r.at > hi || r.side == middle {
			continue
		}
		p, at := weight*r.linear(), r.at.seconds(s.from)
		sum[r.side] += p
		moment[r.side] += p * at
		square[r.side] += p * at * at
		b.reads[r.side] += r.count
	}
	if b.reads[inside] == 0 || b.reads[outside] == 0 {
		return b
	}
	b.ok = true
	ci, co := moment[inside]/sum[inside], moment[outside]/sum[outside]
	spread := square[inside] - sum[inside]*ci*ci + square[outside] - sum[outside]*co*co
	sigma := math.Sqrt(max(spread, 0) / (sum[inside] + sum[outside]))
	b.sep = (ci - co) / max(sigma, math.Abs(ci-co)/10, 1e-6)
	b.thirds(s, in, lo, hi, sum[inside]+sum[outside])
	return b
}

// thirds compares the sides in the three thirds of all power.
func (b *balance) thirds(s *survey, in map[int32]float64, lo, hi instant, all float64) {
	var got [3][sides]float64
	sum := 0.0
	for i := range s.reads {
		r := &s.reads[i]
		weight, ok := in[r.track]
		if !ok || r.at < lo || r.at > hi || r.side == middle {
			continue
		}
		p := weight * r.linear()
		third := min(int(3*(sum+p/2)/all), 2)
		got[third][r.side] += p
		sum += p
	}
	least := all / 300
	ratio := func(g [sides]float64) float64 {
		return 10 * math.Log10((g[inside]+least)/(g[outside]+least))
	}
	b.begin, b.middle, b.end = ratio(got[0]), ratio(got[1]), ratio(got[2])
}

// score is above 0 for inwards and below for outwards.
func (b balance) score() float64 {
	if !b.ok {
		return 0
	}
	score := 0.8*b.sep + (b.end-b.begin)/12
	if b.returns() {
		score /= 2
	}
	return score
}

// returns reports whether the load came and went at the same side.
func (b balance) returns() bool {
	return b.ok && b.begin*b.end > 0 && math.Abs(b.begin+b.end) >= 4
}

// own gives the direction that a member's own reads show.
func (mb *member) own() (wire.Direction, float64) {
	in, out := &mb.focus[inside], &mb.focus[outside]
	if in.reads == 0 || out.reads == 0 {
		return "", 0
	}
	if in.moment/in.power > out.moment/out.power {
		return wire.In, 0.5
	}
	return wire.Out, 0.5
}
