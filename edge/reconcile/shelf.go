package reconcile

import (
	"math"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/site"
)

// sparse is the pace from which a tag's signal is averaged over its last few reads instead of the whole ring, which
// would then speak of long ago.
const (
	sparse      = 2 * time.Second
	sparseReads = 4
)

// bay takes a read at a shelf or a table.
func (m *Machine) bay(s int32, p *site.Point, r *devices.Read, at instant) {
	t, place := &m.tags[s], int32(p.Place)
	if at <= t.moved || t.byDoor && at <= t.moved.add(m.par.AfterOut) {
		return
	}
	tr := t.traceOrNew(place)
	if !tr.add(r, at, m.par.Threshold, m.window(t)) {
		return
	}
	switch {
	case t.place == place && !t.unseen:
		m.refresh(s, tr, r, at)
	case t.passes > 0 && p.Kind == site.Shelf:
		m.linger(s, at) // it is in an open pass: the door decides
	case t.place == place:
		m.reappear(s, tr, at)
	case p.Kind == site.Table:
		m.put(s, tr, at, wire.Movement{BizStep: wire.Inspect, Disposition: wire.InProgress, Confidence: 1000})
	default:
		m.consider(s, tr, at)
	}
}

// refresh notes that a tag is still where it was. Only a firm read says how often it is heard there.
func (m *Machine) refresh(s int32, tr *trace, r *devices.Read, at instant) {
	t := &m.tags[s]
	cover := m.coverAt(t.place, at)
	if tr.firm == at {
		if gap := min(at.sub(t.firm), cover-t.heard); gap > m.par.Holdoff {
			t.pace = max(gap, t.pace-t.pace/10)
		}
		t.firm, t.heard = at, cover
	}
	t.last, t.seen = max(t.last, at), max(t.seen, cover)
	t.reads += max(1, r.Count)
	m.places[t.place].here.toEnd(m.tags, s)
	m.touchSeldom(s, at)
}

// linger notes a read that did not move its tag.
func (m *Machine) linger(s int32, at instant) {
	t := &m.tags[s]
	if t.listed == inLoose {
		t.last = max(t.last, at)
		m.loose.toEnd(m.tags, s)
	}
	m.touchSeldom(s, at)
}

// reappear tells that an unseen tag is seen again where it was.
func (m *Machine) reappear(s int32, tr *trace, at instant) {
	m.put(s, tr, at, wire.Movement{BizStep: wire.Observe, Disposition: wire.Accessible, Confidence: 950})
}

// consider moves a tag to the read point of tr where the mobility rule says so.
func (m *Machine) consider(s int32, tr *trace, at instant) {
	t := &m.tags[s]
	if tr.n < 2 {
		m.linger(s, at)
		return
	}
	margin, known := math.Inf(1), true
	for i := range t.bays {
		o := &t.bays[i]
		if o.place == tr.place {
			continue
		}
		lead, heard := m.lead(t, tr, o, at)
		if lead < 0 {
			m.linger(s, at)
			return
		}
		margin, known = min(margin, lead), known && heard
	}
	m.put(s, tr, at, wire.Movement{BizStep: wire.Storing, Disposition: wire.Accessible, Confidence: certainty(margin, known)})
}

// lead is by how many dB the read point of tr is ahead of that of o, after the advantage that o has; negative where o
// keeps the tag. heard is false where strengths are missing and only o's silence speaks. A tag that is at neither goes
// to the stronger.
func (m *Machine) lead(t *tag, tr, o *trace, at instant) (dB float64, heard bool) {
	if o.place != t.place && t.place >= 0 && t.trace(t.place) != nil {
		return math.Inf(1), true // only the place that has the tag defends it
	}
	advantage, k := m.advantage(t, o, at), m.window(t)
	there, ok1 := tr.mean(k)
	here, ok2 := o.mean(k)
	if !ok1 || !ok2 {
		return -advantage, false
	}
	return there - here - advantage, true
}

// window is over how many of its last reads a tag's strength is averaged.
func (m *Machine) window(t *tag) uint8 {
	if t.pace >= sparse {
		return sparseReads
	}
	return ringSize
}

// advantage is EdgeX's mobility profile, with silence in units of the tag's own pace and counted from the last read that
// was as strong as usual: a faint one may come from the place next to it.
func (m *Machine) advantage(t *tag, o *trace, at instant) float64 {
	silence, limit := at.sub(o.last), 0.0
	if o.place == t.place {
		switch {
		case t.unseen:
			return math.Inf(-1) // it has been silent for too long already
		case !m.alive(o.place):
			return m.par.Offline // its silence says nothing
		}
		silence = min(at.sub(t.firm), m.coverAt(t.place, at)-t.heard)
		limit = m.par.Threshold
	}
	pace := max(t.pace, m.par.Holdoff)
	scaled := float64(silence) / float64(time.Millisecond) * float64(m.par.Holdoff) / float64(pace)
	holdoff := float64(m.par.Holdoff) / float64(time.Millisecond)
	return min(limit, m.par.Slope*(scaled-holdoff)+m.par.Threshold)
}

// certainty is the confidence of a move with so many dB to spare.
func certainty(margin float64, heard bool) uint16 {
	if !heard {
		return 800
	}
	return permille(0.75 + 0.24*(1-math.Exp(-margin/6)))
}

// put brings a tag to the read point of tr and tells so.
func (m *Machine) put(s int32, tr *trace, at instant, mv wire.Movement) {
	t := &m.tags[s]
	mv.Tag, mv.From, mv.To = t.id, m.location(t.place), m.location(tr.place)
	mv.ReadPoint = mv.To
	mv.EventTime, mv.FirstRead, mv.LastRead = at.time(), tr.first.time(), at.time()
	mv.Reads, mv.HasRSSI, mv.PeakRSSI = tr.n, tr.have > 0, tr.peak
	t.place, t.unseen, t.byDoor = tr.place, false, false
	t.first, t.last, t.reads = tr.first, at, tr.n
	t.moved = t.newest(at)
	t.seen = m.coverAt(t.place, at)
	t.firm, t.heard = at, t.seen
	kept := *tr
	kept.firm = at
	t.bays = append(t.bays[:0], kept)
	t.arise()
	m.enlist(s)
	m.touch(s)
	m.tell(Event{Movement: &mv})
}
