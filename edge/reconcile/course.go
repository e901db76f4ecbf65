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
	fresh   bool // a pass has moved it a moment ago

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
	sum   float64 // of the levels, dBm
}

func (o *outer) add(r *sighting) {
	o.reads++
	o.sum += float64(r.level) / 100
}

// mean is the mean level in dBm.
func (o *outer) mean() float64 { return o.sum / float64(o.reads) }

// courses looks at all tags of a window beside a load.
func (m *Machine) courses(door int, w *window, f *film, l *load) []course {
	quiet := m.plan.Doors[door].Quiet
	out := make([]course, len(w.tracks))
	for i := range w.tracks {
		c := &out[i]
		c.track, c.number, c.crosser = &w.tracks[i], int32(i), l.by[int32(i)]
		lie := m.tags[c.slot].lie(int32(door))
		c.lies = lie != nil && lie.lies
		t := &m.tags[c.slot]
		c.there = l.way > 0 && t.place >= 0 || l.way < 0 && t.place == left
		c.fresh = m.told(c.track, l.enter) < 6*quiet
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

// evidence is how much speaks for a tag's having been in the load, in units of log odds: more than 0 where it was.
func (c *course) evidence(l *load) float64 {
	n := c.inReads()
	if n == 0 || 2*c.mine < n {
		return -5
	}
	if l.line {
		return c.inLine()
	}
	if c.known == 0 {
		if c.lies {
			return -1
		}
		return 1
	}
	if c.fresh && c.crosser == nil && !l.backers[c.number] {
		return -5 // it was in the pass before this one
	}
	if l.way == 0 && l.gate == nil {
		return c.weigh(&returning, n)
	}
	return c.weigh(&passing, n) + c.against(l)
}

// weights of evidence, in units of log odds. They were fitted by logistic regression to simulated passes (package
// simulators/radio, seeds 11 to 13, and 14 to 18 for those that turned back, every setting) and rounded; the passes that are reported on are others.
type weights struct {
	base    float64
	crossed float64 // it crossed the door with the load
	perSure float64 // of how sure that is

	perLevel  float64 // per dB beside the load's level
	perMine   float64 // of the share of reads that no other door heard better
	oneSide   float64 // one side only has read it,
	perOne    float64 // of the logarithm of the reads then
	perBoth   float64 // the same, where both sides have read a tag that did not cross
	perLike   float64 // of how much its course is like the load's,
	unlike    float64 // where it is not,
	perAhead  float64 // of how much its power came when and where it should, from -0.5 to 0.5
	perAheads float64 // and that times the logarithm of the reads

	wasThere   float64 // it was read long before,
	perBefore  float64 // per dB by which it was weaker then
	stillThere float64 // it is still read long after,
	perAfter   float64 // per dB by which it is weaker then
	perOutside float64 // of the share of reads before and after
	perOutsize float64 // and that times the logarithm of all reads
	perStill   float64 // per pair of reads whose phases say that it is at rest

	knownToLie  float64
	alreadyGone float64 // it is already where the load goes
}

var passing = weights{
	base: -2.5, crossed: 0.4, perSure: 2.6,
	perLevel: 0.17, perMine: 6.6, oneSide: -2.15, perOne: 0.25, perBoth: 0.15, perLike: 0.4, unlike: 1.45,
	wasThere: -1.6, perBefore: 0.06, stillThere: -0.55, perAfter: 0.02, perOutside: -2.9, perOutsize: 0.6, perStill: -0.1,
	knownToLie: -2.7, alreadyGone: -0.7,
}

// returning is for loads that turned back, which nothing has crossed.
var returning = weights{
	base: -0.5, crossed: 1.3, perSure: 1.7,
	perLevel: 0.18, perMine: 3.4, oneSide: -1.7, perOne: 0.25, perBoth: 0.29, perLike: 0.85, unlike: -0.6,
	wasThere: -2.4, perBefore: 0.05, stillThere: -0.8, perAfter: 0.01, perOutside: 0.85, perOutsize: -0.23, perStill: -0.1,
	knownToLie: -3.1,
}

// Bounds of what counts.
const (
	otherWay = -1.5 // it crossed the other way
	steadies = 4.0  // at most so many pairs of phases
)

// weigh is what the reads say; n is how many were made while the load was in the door.
func (c *course) weigh(k *weights, n uint32) float64 {
	many, share := math.Log(float64(n)), float64(c.mine)/float64(n)
	e := k.base + k.perLevel*c.rel + k.perMine*share + k.perLike*c.like + k.unlike*min(c.like, 0)
	both := c.in[inside] > 0 && c.in[outside] > 0
	switch {
	case !both:
		e += k.oneSide + k.perOne*many
	case c.crosser == nil:
		e += k.perBoth * many
	}
	if c.energy > 0 {
		e += (c.ahead/c.energy - 0.5) * (k.perAhead + k.perAheads*many)
	}
	if c.crosser != nil {
		e += k.crossed + k.perSure*c.crosser.sure
	}
	e += k.perStill*min(c.still, steadies) + c.before.weigh(c.topIn, k.wasThere, k.perBefore) + c.after.weigh(c.topIn, k.stillThere, k.perAfter)
	all := float64(max(c.reads, n))
	e += (1 - float64(n)/all) * (k.perOutside + k.perOutsize*math.Log(all))
	if c.lies {
		e += k.knownToLie
	}
	if c.there {
		e += k.alreadyGone
	}
	return e
}

// against is what a crossing the other way takes back.
func (c *course) against(l *load) float64 {
	if c.crosser == nil || l.way == 0 || c.crosser.way == l.way {
		return 0
	}
	return otherWay - passing.crossed - passing.perSure*c.crosser.sure
}

// weigh is what reads before or after say of a tag that had that level while the load was in the door.
func (o *outer) weigh(level, there, perDB float64) float64 {
	if o.reads == 0 {
		return 0
	}
	return min(float64(o.reads), 4) / 4 * (there + perDB*clamp(level-o.mean(), -15, 20))
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
		if c.reads < least || c.told >= c.lastIn && c.lastIn != 0 || c.score <= need || m.elsewhere(door, w, &c, l) {
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
