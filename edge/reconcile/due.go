package reconcile

import (
	"math"
	"slices"
	"time"
)

// look tells the loads in a door's first window that are over. It reports whether one is left that is not over, or of which
// more may be learned soon.
func (m *Machine) look(door int, now instant) (pending bool) {
	d, plan := &m.doors[door], &m.plan.Doors[door]
	w := d.wins[0]
	if !plan.TwoSided() {
		return true
	}
	if now < w.due {
		return w.pending
	}
	d.dirty = true
	f := m.film(door, w)
	w.due, w.pending = now.add(plan.Quiet/2), false
	told := false
	list := m.loads(door, w, f)
	for i := range list {
		l, later := &list[i], list[i+1:]
		if !m.ready(door, w, f, l, now) || slices.ContainsFunc(later, func(o load) bool { return o.from <= l.to && !m.ready(door, w, f, &o, now) }) {
			w.due, w.pending = now.add(plan.Quiet/6), true
			if over := m.over(door, l); over > now {
				w.due = min(w.due, over)
			}
			break
		}
		final := now >= m.over(door, l).add(givenUp*plan.Quiet) || len(later) > 0 && m.ready(door, w, f, &later[0], now)
		if !m.pass(door, w, f, l, final) {
			w.pending = true
			break
		}
		w.done, told = max(w.done, l.to), true
	}
	if told {
		m.trim(door, w)
	}
	return w.pending
}

// givenUp is for how many quiet times after it is over what does not seem to be a load is looked at again.
const givenUp = 4

// ready reports whether a load is over, and either nothing in it is uncertain or it has been waited for long enough.
func (m *Machine) ready(door int, w *window, f *film, l *load, now instant) bool {
	plan := &m.plan.Doors[door]
	over := m.over(door, l)
	if now < over || l.gate != nil && l.gate.off == 0 {
		return false
	}
	if w.end < l.leave.add(plan.Quiet) && now.sub(w.arrived) < plan.Quiet+m.late(door) {
		return false // what came last is old: more of it may come
	}
	settle := time.Duration(m.par.Settle * float64(plan.Quiet))
	return now >= over.add(settle) || !m.uncertain(door, w, f, l, now)
}

// over is when a load is over, and all that was read of it has arrived.
func (m *Machine) over(door int, l *load) instant {
	return l.leave.add(m.plan.Doors[door].Quiet + m.late(door))
}

// doubtful is how little evidence for or against a tag leaves it uncertain, in log odds.
const doubtful = 2.0

// uncertain reports whether what comes next may change who was in a load, or that it turned back: it is still as near as the door, or a tag of
// which that is not clear is still heard, or was heard at another door.
func (m *Machine) uncertain(door int, w *window, f *film, l *load, now instant) bool {
	quiet := m.plan.Doors[door].Quiet
	if l.way != 0 && len(l.by) > 0 && l.stays(f, now.add(-quiet)) {
		return true
	}
	list := m.courses(door, w, f, l)
	return slices.ContainsFunc(list, func(c course) bool {
		still := now.sub(c.last) < quiet
		if still && (l.backers[c.number] || l.way == 0 && l.by[c.number] != nil) {
			return true
		}
		if c.inReads() == 0 || !still && !m.heardElsewhere(door, c.slot) {
			return false
		}
		return math.Abs(c.evidence(l)) < doubtful
	})
}

// heardElsewhere reports whether an open window of another door has a tag.
func (m *Machine) heardElsewhere(door int, slot int32) bool {
	for i := range m.doors {
		for _, w := range m.doors[i].wins {
			if i != door && w.trackOf(slot) != nil {
				return true
			}
		}
	}
	return false
}

// kept is for how many quiet times before the last load a window keeps its reads: they show what stands there.
const kept = 3

// trim drops the reads of a window that are too old to say anything of what is not told yet.
func (m *Machine) trim(door int, w *window) {
	d, plan := &m.doors[door], &m.plan.Doors[door]
	until := w.done.add(-kept * plan.Quiet)
	if until <= w.opened || d.wins[0] != w {
		return
	}
	reads, tracks := slices.Clone(w.reads), slices.Clone(w.tracks)
	old := w.opened
	m.empty(w)
	w.cut, w.end, w.peak = true, 0, 0
	w.opened = max(until+1, w.opened)
	for i := range reads {
		r := reads[i]
		if r.at <= until {
			continue
		}
		if t, ok := w.put(m, tracks[r.track].slot, &r); ok && r.known && (w.peak == 0 || t.peak > w.peak) {
			w.peak = t.peak
		}
	}
	for i := range tracks {
		if t := w.trackOf(tracks[i].slot); t != nil {
			t.told = tracks[i].told
		}
	}
	w.gates = slices.DeleteFunc(w.gates, func(g gate) bool { return g.off != 0 && g.off <= until })
	d.closed, d.dirty = max(d.closed, until), true
	d.ended = append(d.ended, ended{old, w.chunks})
	w.chunks = 0
	m.announceAll(door, w)
}

// announceAll makes a window a Pass where reads that came after the last load show one.
func (m *Machine) announceAll(door int, w *window) {
	for i := range w.tracks {
		if t := &w.tracks[i]; w.pass == "" && !m.echoes(door, t, t.last) && len(m.plan.Doors[door].Photocells) == 0 && m.leads(door, t) {
			m.begin(door, w, t.first)
		}
	}
}

// For how many quiet times after its pass a tag is still heard from near by, and is not expected in something that turns back.
const (
	echoFor  = 2
	freshFor = 10
)

// echoes reports whether a read of a tag is an echo of the pass that was told of it just before.
func (m *Machine) echoes(door int, t *track, at instant) bool {
	return m.told(t, at) < echoFor*m.plan.Doors[door].Quiet
}

// told is how long before a moment a tag's last pass was; very long where it has had none.
func (m *Machine) told(t *track, at instant) time.Duration {
	last := t.told
	if g := &m.tags[t.slot]; g.byDoor {
		last = max(last, g.moved)
	}
	if last == 0 {
		return math.MaxInt64
	}
	return at.sub(last)
}
