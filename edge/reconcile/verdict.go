package reconcile

import (
	"math"
	"slices"

	"github.com/tallydock/tallydock/devices/wire"
)

// closeWindow judges the first window of a door: which of its tags passed, in what direction, and whom that moves.
func (m *Machine) closeWindow(door int) {
	d := &m.doors[door]
	w := d.wins[0]
	m.judge(door, w)
	line := len(w.gates) > 0 && !m.plan.Doors[door].TwoSided()
	for i := range w.tracks {
		t := &w.tracks[i]
		d.closed = max(d.closed, t.last)
		if line {
			m.tags[t.slot].remember(w, t)
		} else if m.tags[t.slot].moved < t.last {
			m.lingered(door, w, t)
		}
		m.tags[t.slot].passes--
		m.touch(t.slot)
	}
	d.closed = max(d.closed, w.last)
	if w.until != 0 {
		d.closed = max(d.closed, w.until-1)
	}
	d.wins, d.dirty = slices.Delete(d.wins, 0, 1), true
	d.ended = append(d.ended, ended{w.opened, w.chunks})
	m.recycle(w)
}

// judge tells a pass for each load of a window that was not told yet. A pass that was told while it seemed to go on, and that no
// load explains, ends as turned back.
func (m *Machine) judge(door int, w *window) {
	if len(w.reads) == 0 && w.pass == "" {
		return
	}
	f := m.film(door, w)
	list := m.loads(door, w, f)
	if len(list) == 0 && w.done == 0 && w.until == 0 && !w.full && m.plan.Doors[door].TwoSided() && len(m.plan.Doors[door].Photocells) == 0 {
		if l, ok := m.alone(door, w, f); ok {
			list = append(list, l)
		}
	}
	for _, l := range list {
		m.pass(door, w, f, &l, true)
	}
	if w.pass != "" {
		m.tell(Event{Pass: &wire.Pass{
			ID: w.pass, Door: m.plan.Doors[door].ID, Direction: wire.TurnedBack, Opened: w.began.time(), Closed: w.last.time(), Confidence: 500,
		}})
	}
}

// pass tells the end of a pass, and moves its tags, if l was a load. It is false where it does not seem to be one, and more may be learned.
func (m *Machine) pass(door int, w *window, f *film, l *load, final bool) bool {
	members := m.members(door, w, f, l)
	if len(members) == 0 || !m.bearing(door, l) && (3*len(members) < len(l.backers) || 2*len(members) < len(l.by)) {
		m.weighed(door, w, f, l, "", nil)
		return true
	}
	if members = m.bear(door, w, f, l, members); len(members) == 0 {
		return true
	}
	if l.bears {
		if l.marks = m.marks(door, w, l, members); isLoad.Score(l.marks[:]) < 0 {
			if final {
				m.weighed(door, w, f, l, "", members)
			}
			return final
		}
	}
	dir, sure := m.direction(door, l)
	if w.pass == "" {
		m.begin(door, w, l.enter)
	}
	id, opened := w.pass, w.began
	m.weighed(door, w, f, l, id, members)
	w.pass = ""
	m.doors[door].learn(l)
	from, to := l.enter, l.leave
	var moved uint32
	for i := range members {
		c := &members[i]
		conf := permille(sure / (1 + math.Exp(-c.score)))
		m.tell(Event{Crossing: &Crossing{
			Tag: m.tags[c.slot].id, Door: m.plan.Doors[door].ID, Pass: id, Direction: dir, Confidence: conf,
			At: c.peakAt.time(), From: from.time(), To: to.time(), Reads: c.reads, PeakRSSI: c.shown(),
		}})
		c.told = max(c.told, to, c.lastIn)
		if m.carry(door, w, id, c, dir, conf) {
			moved++
		}
	}
	m.settleList(door, id, to, dir, members)
	m.doubt(door, id, opened, from, to, dir, members)
	end := &wire.Pass{
		ID: id, Door: m.plan.Doors[door].ID, Direction: dir, Opened: opened.time(), Closed: max(to, opened).time(),
		Tags: uint32(len(members)), Moved: moved, Confidence: permille(sure),
	}
	m.tell(Event{Pass: end})
	m.trace(door, w, f, l, end, members)
	return true
}

// bearing reports whether the reads alone say what a load was, and where it went.
func (m *Machine) bearing(door int, l *load) bool {
	return l.gate == nil && !l.alone && m.plan.Doors[door].TwoSided()
}

// bear finds the way of a load by the tags that were in it, and who was in it by that way.
func (m *Machine) bear(door int, w *window, f *film, l *load, members []course) []course {
	if !m.bearing(door, l) {
		return members
	}
	l.only = make([]int32, len(members))
	for i := range members {
		l.only[i] = members[i].number
	}
	was := l.way
	v, way := m.bearings(door, w, f, l, members)
	l.bearings, l.heading = v, way
	l.bears, l.way = true, 0
	if l.odds = through.Score(v[:]); way != 0 && l.odds > 0 {
		l.way = way
	}
	if way == 0 {
		l.odds = -2
	}
	if l.way != was {
		members = m.members(door, w, f, l)
	}
	return members
}

// decided is the weight of evidence from which a direction is told.
const decided = 0.35

// unclear is how little odds for or against a way leave it undecided, in log odds.
const unclear = 0.2

// direction tells which way a load went, and how sure that is, from 0.5 to 1.
func (m *Machine) direction(door int, l *load) (wire.Direction, float64) {
	if l.gate != nil && l.sure < 0.8 && l.gate.returns() {
		return wire.TurnedBack, 0.7
	}
	sure := 0.5 + 0.5*math.Tanh(1.2*l.sure)
	if l.bears {
		sure = 1 / (1 + math.Exp(-math.Abs(l.odds)))
	}
	switch {
	case l.bears && math.Abs(l.odds) < unclear:
		return wire.Undecided, 0.5
	case l.bears && l.way > 0:
		return wire.In, sure
	case l.bears && l.way < 0:
		return wire.Out, sure
	case l.bears:
		return wire.TurnedBack, sure
	case l.sure >= decided && l.way > 0:
		return wire.In, sure
	case l.sure >= decided && l.way < 0:
		return wire.Out, sure
	case l.way == 0 && l.alone:
		return wire.TurnedBack, 0.6
	case l.way == 0 && (l.gate == nil || len(l.by) > 0) && m.plan.Doors[door].TwoSided():
		return wire.TurnedBack, 0.8
	default:
		return wire.Undecided, 0.5
	}
}

// elsewhere reports whether a tag that was heard in the line of a door belongs to another pass: it went through another door about
// then, or through this one at another time, and here it shows less of that.
func (m *Machine) elsewhere(door int, w *window, c *course, l *load) bool {
	t := &m.tags[c.slot]
	quiet := m.plan.Doors[door].Quiet
	if power, ok := t.byOther(int32(door)); ok && w.opened <= t.moved && l.from.sub(t.moved) < quiet && c.energy < power {
		return true
	}
	if n := t.near; n != nil && n.gated != 0 && w.gates[0].on.sub(n.gated) < neighbours*quiet && n.gatedPower > w.within(c.track) {
		return true
	}
	return slices.ContainsFunc(m.doors[door].wins, func(other *window) bool {
		o := other.trackOf(c.slot)
		return o != nil && other != w && len(other.gates) > 0 && other.within(o) > w.within(c.track)
	})
}

// neighbours is for how many quiet times a tag's power in the beams counts against a later load: a conveyor brings one or two in
// that time.
const neighbours = 5

// remember keeps how well a tag was heard in the beams, for the loads that follow.
func (t *tag) remember(w *window, tr *track) {
	n := t.doors()
	if p := w.within(tr); p > 0 && (p >= n.gatedPower || w.gates[0].on.sub(n.gated) >= neighbours*6*w.pace) {
		n.gated, n.gatedPower = w.gates[0].on, p
	}
}

// within is the power that was received of a tag while something was in the beams.
func (w *window) within(t *track) float64 {
	g := w.gates[0]
	if g.off == 0 {
		g.off = w.end
	}
	sum := 0.0
	for i := range w.reads {
		if r := &w.reads[i]; w.tracks[r.track].slot == t.slot && r.at >= g.on && r.at <= g.off {
			sum += r.linear()
		}
	}
	return sum
}

// score of the photocells: they show the side at which a load came and that at which it went.
func (g gate) score() float64 {
	if g.on == 0 || g.first == g.last || g.first == middle || g.last == middle {
		return 0
	}
	if g.first == outside {
		return 2
	}
	return -2
}

// returns reports whether the load left the beams where it came.
func (g gate) returns() bool { return g.on != 0 && g.first == g.last && g.first != middle }

// carry moves a tag by the pass's decision; false where it stays where it was. A tag whose own reads spoke against the
// pass goes along with a confidence that calls for a person.
func (m *Machine) carry(door int, w *window, pass string, c *course, dir wire.Direction, conf uint16) bool {
	t := &m.tags[c.slot]
	if dir != wire.In && dir != wire.Out {
		return false
	}
	to, mv := m.target(door, dir)
	until := c.told
	if c.lastIn <= t.moved {
		return false
	}
	same := t.place == to && !t.unseen
	mv.Tag, mv.From, mv.To = t.id, m.location(t.place), m.location(to)
	mv.ReadPoint, mv.Pass = m.plan.Doors[door].ID, pass
	mv.EventTime = c.lastIn.time()
	mv.FirstRead, mv.LastRead, mv.Reads = c.first.time(), c.last.time(), c.reads
	mv.HasRSSI, mv.PeakRSSI = c.known > 0, c.peak
	mv.Confidence = conf
	n := t.doors()
	n.door, n.power = int32(door), c.energy
	m.settleAt(c.slot, to, until)
	if same {
		return false
	}
	m.tell(Event{Movement: &mv})
	return true
}

// target is where a direction brings goods, and what that step of business is.
func (m *Machine) target(door int, dir wire.Direction) (int32, wire.Movement) {
	if dir == wire.In {
		place, _ := m.plan.PlaceOf(m.plan.Doors[door].Location)
		return int32(place), wire.Movement{BizStep: wire.Receiving, Disposition: wire.InProgress}
	}
	return left, wire.Movement{BizStep: wire.Shipping, Disposition: wire.InTransit}
}

// settleAt puts a tag where a pass brought it, with no reads there yet.
func (m *Machine) settleAt(s, to int32, at instant) {
	t := &m.tags[s]
	m.delist(s)
	t.place, t.unseen, t.byDoor = to, false, true
	t.moved, t.first, t.last, t.reads = t.newest(at), at, at, 0
	t.bays = t.bays[:0]
	t.arise()
	if to >= 0 {
		t.seen = m.places[to].cover
	}
	m.enlist(s)
	m.touch(s)
}
