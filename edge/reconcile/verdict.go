package reconcile

import (
	"math"
	"slices"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/site"
)

// member is a tag that a pass carries, with what its own reads say.
type member struct {
	*course
	dir    wire.Direction
	weight float64 // 0 to 1: how sure it is of dir
}

// closeWindow judges the first window of a door: which of its tags passed, in what direction, and whom that moves.
func (m *Machine) closeWindow(door int) {
	d := &m.doors[door]
	w := d.wins[0]
	if w.pass != "" {
		m.judge(door, w)
	}
	for i := range w.tracks {
		t := &w.tracks[i]
		d.closed = max(d.closed, t.last)
		if m.tags[t.slot].moved < t.last {
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

// judge moves the tags of a pass and tells its end. A pass whose tags all lie there, or are another door's, is none and
// ends as turned back.
func (m *Machine) judge(door int, w *window) {
	s := m.survey(door, w)
	members := m.members(door, w, s)
	dir, sure := m.direction(door, w, s, members)
	var moved uint32
	for _, mb := range members {
		conf := permille(belief(mb, dir, sure))
		m.tell(Event{Crossing: &Crossing{
			Tag: m.tags[mb.slot].id, Door: m.plan.Doors[door].ID, Pass: w.pass, Direction: dir, Confidence: conf,
			At: mb.peakAt.time(), From: s.from.time(), To: s.to.time(), Reads: mb.reads, PeakRSSI: mb.peak,
		}})
		if m.carry(door, w, mb, dir, conf) {
			moved++
		}
	}
	if len(members) == 0 {
		dir, sure = wire.TurnedBack, 0.5
	}
	m.settleList(door, w, dir, members)
	m.doubt(door, w, s, dir, members)
	m.tell(Event{Pass: &wire.Pass{
		ID: w.pass, Door: m.plan.Doors[door].ID, Direction: dir, Opened: w.began.time(), Closed: max(s.to, w.began).time(),
		Tags: uint32(len(members)), Moved: moved, Confidence: permille(sure),
	}})
}

// members picks the tags that passed, in the order of the tags.
func (m *Machine) members(door int, w *window, s *survey) []member {
	least := m.plan.Doors[door].MinReads
	var out []member
	for i := range s.courses {
		c := &s.courses[i]
		if c.track == nil || c.reads < least || c.taken || c.evidence() <= 0 || m.elsewhere(door, w, c) {
			continue
		}
		mb := member{course: c}
		mb.dir, mb.weight = mb.own()
		out = append(out, mb)
	}
	slices.SortFunc(out, func(a, b member) int { return compareTags(&m.tags[a.slot], &m.tags[b.slot]) })
	return out
}

// elsewhere reports whether another door, or another pass of this one, has received more of the tag: in a window that is
// still open, or in the pass that has just moved it. A tag that it has less of is taken away from there.
func (m *Machine) elsewhere(door int, w *window, c *course) bool {
	if t := &m.tags[c.slot]; t.byDoor && t.door != int32(door) && w.opened <= t.moved && c.power < t.power {
		return true
	}
	for i := range m.doors {
		for _, other := range m.doors[i].wins {
			o := other.trackOf(c.slot)
			if other == w || o == nil {
				continue
			}
			if i == door && !(w.gate.on != 0 && other.gate.on != 0) {
				continue // what parts two passes of a door without photocells is a clear valley
			}
			if i != door && (other.opened > w.last || other.last < w.opened) {
				continue
			}
			mine, theirs := c.power, o.power
			if i == door {
				mine, theirs = w.within(c.track), other.within(o)
			}
			if theirs > mine {
				return true
			}
			o.taken, m.doors[i].dirty = true, true
		}
	}
	return false
}

// within is the power that was received of a tag while the gate was closed by something in it.
func (w *window) within(t *track) float64 {
	off := w.gate.off
	if off == 0 {
		off = w.end
	}
	sum := 0.0
	for i := range w.reads {
		if r := &w.reads[i]; w.tracks[r.track].slot == t.slot && r.at >= w.gate.on && r.at <= off {
			sum += r.linear()
		}
	}
	return sum
}

// direction tells which way a pass went, and how sure that is, from 0.5 to 1: by what all its tags' reads show together,
// and by the order in which beams were broken.
func (m *Machine) direction(door int, w *window, s *survey, members []member) (wire.Direction, float64) {
	plan := &m.plan.Doors[door]
	b := s.balance(members)
	score := b.score() + w.gate.score()
	switch {
	case !plan.TwoSided() && w.gate.score() == 0 && plan.Way == site.OnlyIn:
		return wire.In, 0.95
	case !plan.TwoSided() && w.gate.score() == 0 && plan.Way == site.OnlyOut:
		return wire.Out, 0.95
	case len(members) == 0:
		return wire.TurnedBack, 0.5
	case math.Abs(score) >= decided:
		dir := wire.In
		if score < 0 {
			dir = wire.Out
		}
		return dir, 1 / (1 + math.Exp(-1.5*math.Abs(score)))
	case b.returns() || w.gate.returns():
		return wire.TurnedBack, 0.7
	default:
		return wire.Undecided, 0.5
	}
}

// score of the photocells: they show the side at which a load came and that at which it went.
func (g gate) score() float64 {
	if g.on == 0 || g.first == g.last || g.first == middle || g.last == middle {
		return 0
	}
	if g.first == outside {
		return 3
	}
	return -3
}

// returns reports whether the load left the beams where it came.
func (g gate) returns() bool { return g.on != 0 && g.first == g.last && g.first != middle }

// belief is the confidence of one tag's movement in a pass.
func belief(mb member, dir wire.Direction, sure float64) float64 {
	share := 1 / (1 + math.Exp(-mb.evidence()))
	switch {
	case mb.dir == dir:
		return max(sure, 0.5+0.5*mb.weight) * share
	case mb.dir == wire.In || mb.dir == wire.Out:
		return min(sure, 0.75-0.5*mb.weight) * share
	default:
		return sure * share
	}
}

// carry moves a tag by the pass's decision; false where it stays where it was. A tag whose own reads spoke against the
// pass goes along with a confidence that calls for a person.
func (m *Machine) carry(door int, w *window, mb member, dir wire.Direction, conf uint16) bool {
	t := &m.tags[mb.slot]
	if dir != wire.In && dir != wire.Out {
		return false
	}
	to, mv := m.target(door, dir)
	if w.last <= t.moved {
		return false
	}
	same := t.place == to && !t.unseen
	mv.Tag, mv.From, mv.To = t.id, m.location(t.place), m.location(to)
	mv.ReadPoint, mv.Pass = m.plan.Doors[door].ID, w.pass
	mv.EventTime = mb.lastIn.time()
	mv.FirstRead, mv.LastRead, mv.Reads = mb.first.time(), mb.last.time(), mb.reads
	mv.HasRSSI, mv.PeakRSSI = mb.known > 0, mb.peak
	mv.Confidence = conf
	t.door, t.power = int32(door), mb.power
	m.settleAt(mb.slot, to, w.last)
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
