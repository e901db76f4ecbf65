package reconcile

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// advance moves the coverage of every place whose readers are alive up to now.
func (m *Machine) advance(now instant) {
	if m.ticked != 0 && now > m.ticked {
		step := min(now.sub(m.ticked), m.par.Stall)
		for i := range m.places {
			if m.alive(int32(i)) {
				m.places[i].cover += step
			}
		}
	}
	m.ticked = max(m.ticked, now)
}

// coverAt is a place's coverage at a moment since the last tick.
func (m *Machine) coverAt(place int32, at instant) time.Duration {
	cover := m.places[place].cover
	if m.ticked != 0 && at > m.ticked && m.alive(place) {
		cover += min(at.sub(m.ticked), m.par.Stall)
	}
	return cover
}

// alive reports whether all readers that look at a place are up.
func (m *Machine) alive(place int32) bool {
	for _, id := range m.plan.Places[place].Devices {
		if d := m.devices[id]; d == nil || !d.up {
			return false
		}
	}
	return true
}

// absences tells of the tags that were not seen for longer than their place allows while its readers were alive. Those
// of one Step come in the order of their tags.
func (m *Machine) absences(now instant) {
	for i := range m.places {
		p, allowed := &m.places[i], m.plan.Places[i].AbsentAfter
		if allowed <= 0 {
			continue
		}
		var lost []int32
		for s := p.here.head; s != none && p.cover-m.tags[s].seen >= allowed; s = m.tags[s].next {
			lost = append(lost, s)
		}
		slices.SortFunc(lost, func(a, b int32) int { return compareTags(&m.tags[a], &m.tags[b]) })
		for _, s := range lost {
			m.lose(s, now)
		}
	}
}

func (m *Machine) lose(s int32, now instant) {
	t := &m.tags[s]
	code := m.location(t.place)
	mv := wire.Movement{
		Tag: t.id, From: code, To: code, BizStep: wire.Observe, Disposition: wire.Unknown, ReadPoint: code,
		EventTime: now.time(), FirstRead: t.first.time(), LastRead: t.last.time(), Reads: t.reads, Confidence: 900,
	}
	if tr := t.trace(t.place); tr != nil {
		mv.HasRSSI, mv.PeakRSSI = tr.have > 0, tr.peak
	}
	t.unseen = true
	m.enlist(s)
	m.touch(s)
	m.tell(Event{Movement: &mv})
}

// forget drops tags that are on no shelf and were not read for long, and the oldest where there are too many.
func (m *Machine) forget(now instant) {
	for s := m.loose.head; s != none; s = m.loose.head {
		t := &m.tags[s]
		if m.loose.n <= m.par.MaxLoose && now.sub(max(t.last, t.moved)) < m.par.Forget {
			return
		}
		if t.passes > 0 {
			m.loose.toEnd(m.tags, s) // an open window refers to it; its turn comes when that has closed
			return
		}
		m.drop(s)
	}
}

func (m *Machine) drop(s int32) {
	t := &m.tags[s]
	m.delist(s)
	m.gone = append(m.gone, t.id)
	m.index.remove(m.tags, &t.id)
	if t.dirty {
		m.dirty = slices.DeleteFunc(m.dirty, func(d int32) bool { return d == s })
	}
	*t = tag{listed: inNone, prev: none, next: none}
	m.free = append(m.free, s)
}
