package reconcile

import (
	"math"
	"slices"

	"github.com/tallydock/tallydock/devices/unit"
)

// course is one tag beside one load: what was read of it while the load was in the door, and before and after.
type course struct {
	*track
	number  int32 // of the track
	crosser *crosser
	lies    bool // it was known to lie beside the door
	there   bool // it is already where the load would bring it

	in     [sides]uint32 // reads while the load was in the door
	mine   uint32        // of these, those that no other door heard better
	topIn  float64       // highest level then, dBm
	rel    float64       // that, beside the load's; dB
	peakAt instant       // when that was
	lastIn instant
	energy float64 // then
	ahead  float64 // part of energy that came when and where it should, had the tag gone with the load
	still  float64 // pairs of reads whose phases are those of a tag at rest
	phases []phaseAt
	before outer // what was read of it well before and well after
	after  outer
	like   float64 // how much likelier its reads are for a tag of the load than for one that stays; log odds, their mean
	traits [traitCount]float32
	norms  [len(norms)]float32
	score  float64 // evidence
}

// phaseAt is the last phase by one antenna on one channel.
type phaseAt struct {
	antenna uint8
	device  uint16
	channel uint32
	phase   unit.Phase
}

// turn compares the phase of a read with the one before it of the same antenna and channel. That of a tag at rest stays,
// but for noise and, with some readers, half a turn; a metre a second turns it once in a sixth of a second.
func (c *course) turn(r *sighting) {
	if !r.phased {
		return
	}
	for i := range c.phases {
		p := &c.phases[i]
		if p.antenna != r.antenna || p.device != r.device || p.channel != r.channel {
			continue
		}
		by := math.Mod(math.Abs(r.phase.Degrees()-p.phase.Degrees()), 180)
		if min(by, 180-by) <= steady {
			c.still++
		}
		p.phase = r.phase
		return
	}
	c.phases = append(c.phases, phaseAt{r.antenna, r.device, r.channel, r.phase})
}

// steady is by how many degrees the phase of a tag at rest scatters.
const steady = 20.0

// outer is what was read of a tag before or after a load.
type outer struct {
	reads uint32
	sides [sides]uint32
	sum   float64 // of the levels, dBm
}

func (o *outer) add(r *sighting) {
	o.reads++
	o.sides[r.side]++
	o.sum += float64(r.level) / 100
}

// at is the share of reads by the outside, or by the inside; a half where there are none.
func (o *outer) at(out bool) float64 {
	n, k := o.sides[inside]+o.sides[outside], o.sides[inside]
	if out {
		k = o.sides[outside]
	}
	return (float64(k) + 1) / (float64(n) + 2)
}

// mean is the mean level in dBm.
func (o *outer) mean() float64 { return o.sum / float64(o.reads) }

// courses looks at all tags of a window beside a load.
func (m *Machine) courses(door int, w *window, f *film, l *load) []course {
	quiet := m.plan.Doors[door].Quiet
	out := make([]course, len(w.tracks))
	fore, _ := l.unlikely()
	for i := range w.tracks {
		c := &out[i]
		c.track, c.number, c.crosser = &w.tracks[i], int32(i), l.by[int32(i)]
		lie := m.tags[c.slot].lie(int32(door))
		c.lies = lie != nil && lie.lies
		t := &m.tags[c.slot]
		c.there = fore == inside && t.place >= 0 || fore == outside && t.place == left
	}
	reach := quiet / 6
	if l.gate != nil && !m.plan.Doors[door].TwoSided() {
		reach = min(reach, max(l.to.sub(l.from)/2, reach/4))
	}
	lo, hi := l.enter.add(-reach), l.leave.add(reach)
	far, mid := 2*reach, l.from+(l.to-l.from)/2
	for _, i := range f.order {
		r := &w.reads[i]
		c := &out[r.track]
		switch {
		case r.at >= lo && r.at <= hi:
			c.during(r)
			c.turn(r)
			if r.at < mid == (r.side == outside) == (l.way > 0) && r.side != middle {
				c.ahead += r.linear()
			}
		case r.at < lo.add(-far):
			c.before.add(r)
		case r.at > hi.add(far):
			c.after.add(r)
		}
	}
	m.pool(door, w, f, l, out)
	for i := range out {
		out[i].rel = clamp(out[i].topIn-l.level, -25, 5)
	}
	if !l.line {
		m.traits(door, w, f, l, out)
	}
	return out
}

// during takes a read that was made while the load was in the door.
func (c *course) during(r *sighting) {
	c.in[r.side] += r.count
	c.energy += r.linear()
	c.lastIn = r.at
	if !r.foreign {
		c.mine += r.count
	}
	if level := float64(r.level) / 100; c.peakAt == 0 || r.known && level > c.topIn {
		c.topIn, c.peakAt = level, r.at
	}
}

func (c *course) inReads() uint32 { return c.in[inside] + c.in[outside] + c.in[middle] }

// sureAlone is the evidence for a tag that came and went by itself.
const sureAlone = 2.0

// evidence is how much speaks for a tag's having been in the load, in units of log odds: more than 0 where it was.
func (c *course) evidence(l *load) float64 {
	switch n := c.inReads(); {
	case n == 0:
		return -5
	case l.alone && l.backers[c.number]:
		return sureAlone
	case c.lies && !l.line:
		return -5
	case c.known > 0 && !l.line:
		return evidence.Score(c.traits[:])
	case 2*c.mine < n:
		return -5
	case l.line:
		return c.inLine()
	default:
		return 1
	}
}

func clamp(v, low, high float64) float64 { return min(max(v, low), high) }

// shown gives a course's strength in the window for people; 0 where it is not known.
func (c *course) shown() unit.DBm {
	if c.known > 0 {
		return c.peak
	}
	return 0
}

// unseenNeeds is the evidence that a tag needs to have been in what broke the beams without being heard to cross: people, and
// forklifts without a load, break them too.
const unseenNeeds = 2.5

// members picks the tags that were in a load, in the order of the tags.
func (m *Machine) members(door int, w *window, f *film, l *load) []course {
	least := m.plan.Doors[door].MinReads
	need, out := 0.0, []course(nil)
	if l.gate != nil && len(l.by)+len(l.backers) == 0 && m.plan.Doors[door].TwoSided() {
		need = unseenNeeds
	}
	for _, c := range m.courses(door, w, f, l) {
		c.score = c.evidence(l)
		if c.reads < least || c.told >= c.lastIn && c.lastIn != 0 || c.score <= need || l.line && m.elsewhere(door, w, &c, l) {
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b course) int { return compareTags(&m.tags[a.slot], &m.tags[b.slot]) })
	return out
}

// inLine is the evidence at a door that hears its line only: whoever was heard in the beams, unless it was heard as well long
// before and long after, and so stands there.
func (c *course) inLine() float64 {
	const reads, stands = 4, 3.0
	still := func(o *outer) bool { return o.reads >= reads && c.topIn-o.mean() < stands }
	if c.known > 0 && still(&c.before) && still(&c.after) {
		return -1
	}
	return 2
}
