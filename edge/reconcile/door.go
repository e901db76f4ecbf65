package reconcile

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/site"
)

// doorState is one door at work.
type doorState struct {
	readers []string
	cells   []cell    // by photocell
	closed  instant   // reads up to here belong to windows that were judged
	begun   instant   // the moment that the last pass is named by: when it began, or a later one, so that each has an id of its own
	wins    []*window // open, by when they opened; more than one while late reads may come, or where passes follow closely
	ended   []ended   // windows closed since the last Flush
	dirty   bool

	heard unit.DBm // how well it hears what goes through it, as far as it has learned that; 0 = not yet

	list      *expecting // what should pass; nil where nothing is known of it
	listDirty bool
	doubts    []doubt // undecided passes that a tap may still settle
}

// ended is a window that is no more, as far as it is stored.
type ended struct {
	opened instant
	chunks int
}

// doorRead takes a read at a door.
func (m *Machine) doorRead(s int32, p *site.Point, r *devices.Read, at, now instant) {
	d, door := &m.doors[p.Door], int32(p.Door)
	if at <= d.closed || at <= m.tags[s].moved {
		return
	}
	si := d.sight(r, sideOf(p.Kind), at)
	if d.has(s, &si) {
		return
	}
	lies, had := m.lying(s, door, &si)
	if had {
		return
	}
	si.foreign = m.foreign(s, door, &si)
	if lies { // it opens and holds nothing; where something else passes, the verdict wants to see it too
		if w := d.find(at, m.plan.Doors[p.Door].Quiet.Microseconds()); w != nil && w.pass != "" {
			w.put(m, s, &si)
		}
		return
	}
	ended := len(d.ended)
	w := m.windowAt(p.Door, at, now)
	if len(d.ended) > ended {
		if lies, had := m.lying(s, door, &si); lies || had {
			return // the verdict on the window before has just said so
		}
	}
	t, ok := w.put(m, s, &si)
	if !ok {
		return
	}
	m.linger(s, at)
	if m.holds(w, t, &si) {
		w.last, w.arrived, d.dirty = max(w.last, at), max(w.arrived, now), true
	}
	m.announce(p.Door, w, t, &si)
	if at.sub(max(w.opened, w.began)) >= m.plan.Doors[p.Door].Longest || len(w.reads) >= maxReads {
		w.full = true
		m.closeDue(p.Door, now)
	}
}

// maxReads bounds a window: one that has so many is closed as if it had lasted for the longest time.
const maxReads = 200_000

// has reports whether an open window has had this read of a tag.
func (d *doorState) has(s int32, r *sighting) bool {
	for _, w := range d.wins {
		if t := w.trackOf(s); t != nil && t.has(r.device, r.side, r.own) {
			return true
		}
	}
	return false
}

// holds reports whether a read keeps its window open: its tag does not lie there, is about as strong as it was at most, and
// not much fainter than what passes.
func (m *Machine) holds(w *window, t *track, r *sighting) bool {
	if !r.known {
		return true
	}
	if !r.foreign && (w.peak == 0 || r.rssi > w.peak) {
		w.peak = r.rssi
	}
	if r.foreign || m.flat(t) || float64(t.top-r.level)/100 > near {
		return false
	}
	return w.pass == "" || m.rises(t) || float64(w.peak-t.peak)/100 < 2*m.par.Faint
}

// announce tells the Pass once a tag leads it.
func (m *Machine) announce(door int, w *window, t *track, r *sighting) {
	if w.pass == "" && len(m.plan.Doors[door].Photocells) == 0 && !r.foreign && !m.echoes(door, t, r.at) && m.leads(door, t) {
		m.begin(door, w, t.first)
	}
}

// begin makes a window a Pass.
func (m *Machine) begin(door int, w *window, at instant) {
	id, d := m.plan.Doors[door].ID, &m.doors[door]
	w.began, d.begun = at, max(at, d.begun+1)
	w.pass = m.plan.Occurrence(d.begun.time(), "pass", id)
	d.dirty = true
	m.tell(Event{Pass: &wire.Pass{ID: w.pass, Door: id, Opened: at.time()}})
}

// leads reports whether a tag alone shows that something passes: both sides have read it, and its strength rises and
// falls. Where strengths are missing the order of the sides has to speak. Tags that lie in reach of both sides do
// neither, so they make no pass.
func (m *Machine) leads(door int, t *track) bool {
	if t.reads < max(m.plan.Doors[door].MinReads, 4) {
		return false
	}
	if m.plan.Doors[door].TwoSided() && (t.seen[inside] == 0 || t.seen[outside] == 0) {
		return false
	}
	if t.known == 0 {
		return t.seen[inside] > 0 && t.seen[outside] > 0 && t.last > t.first
	}
	return m.rises(t)
}

// closeQuiet tells the loads that are over, and closes the windows in which nothing arrived for a while.
func (m *Machine) closeQuiet(now instant) {
	for i := range m.doors {
		if len(m.doors[i].wins) > 0 {
			m.mergeNext(i)
			if !m.interrupted(i, m.doors[i].wins[0], now) {
				m.look(i, now)
			}
			m.closeDue(i, now)
		}
	}
}

// closeDue closes, in their order, the windows of a door that are over: one has lasted for too long, or nothing has arrived
// for a while; and no late reads are to be expected.
func (m *Machine) closeDue(door int, now instant) {
	d := &m.doors[door]
	for len(d.wins) > 0 {
		w := d.wins[0]
		if m.interrupted(door, w, now) || !m.finished(door, now) {
			return
		}
		if !m.mergeNext(door) {
			m.closeWindow(door)
		}
	}
}

// mergeNext joins the first window of a door with the second, where nothing is between them.
func (m *Machine) mergeNext(door int) bool {
	d := &m.doors[door]
	if len(d.wins) < 2 {
		return false
	}
	w, next := d.wins[0], d.wins[1]
	if w.full || w.until != 0 || next.begins().sub(w.last) > m.plan.Doors[door].Quiet {
		return false
	}
	m.merge(door, w, next)
	return true
}

// begins is when the first read of a window was made.
func (w *window) begins() instant {
	at := w.opened
	for i := range w.tracks {
		at = min(at, w.tracks[i].first)
	}
	return at
}

// finished reports whether the first window of a door has come to its end, and what follows it has been seen.
func (m *Machine) finished(door int, now instant) bool {
	d, plan := &m.doors[door], &m.plan.Doors[door]
	w := d.wins[0]
	quiet := plan.Quiet + m.late(door)
	settle := time.Duration(m.par.Settle * float64(plan.Quiet))
	silent := now.sub(w.arrived)
	switch {
	case w.full:
		return true
	case w.openGate() != nil:
		return now.sub(w.openGate().on) >= plan.Longest
	case silent < quiet:
		return false
	case w.pass == "" && len(w.gates) == 0 && !plan.TwoSided():
		return true
	default:
		return silent >= quiet+settle || !m.look(door, now)
	}
}

// late is how late reads may come to a door: those that a reader stamped itself travel over a network, which may stand still
// for a moment.
func (m *Machine) late(door int) time.Duration {
	for _, id := range m.doors[door].readers {
		if dev := m.devices[id]; dev != nil && dev.skew.since != 0 {
			return m.par.Late
		}
	}
	return 0
}

// interrupted reports whether reads of a window, or of one before it, may still be on their way, because a reader of the
// door is not up or has just come back. What a broker was not acknowledged it sends again, but not at once, and what is
// fresh may come first; only a reader that stamps its reads itself can be behind one. A line that was plugged in again has
// nothing to catch up with.
func (m *Machine) interrupted(door int, w *window, now instant) bool {
	if now.sub(w.arrived) >= m.par.Hold {
		return false
	}
	return slices.ContainsFunc(m.doors[door].readers, func(id string) bool {
		dev := m.devices[id]
		if dev == nil || !dev.up {
			return true
		}
		if dev.skew.since != 0 {
			return now.sub(dev.since) < m.par.Redeliver
		}
		return dev.since > w.since && now.sub(dev.since) < m.plan.Doors[door].Quiet
	})
}

// merge joins a window with the next one, from which only reads that came late had parted it.
func (m *Machine) merge(door int, w, next *window) {
	d := &m.doors[door]
	chunks := next.chunks
	m.join(w, next)
	w.last, w.end, w.arrived = max(w.last, next.last), max(w.end, next.end), max(w.arrived, next.arrived)
	w.peak, w.full, w.until = peakOf(w, next), w.full || next.full, next.until
	w.gates = append(w.gates, next.gates...)
	w.done, w.due, w.pending = max(w.done, next.done), min(w.due, next.due), w.pending || next.pending
	if w.pass == "" {
		w.pass, w.began = next.pass, next.began
	} else if next.pass != "" {
		m.tell(Event{Pass: &wire.Pass{
			ID: next.pass, Door: m.plan.Doors[door].ID, Direction: wire.TurnedBack, Opened: next.began.time(),
			Closed: next.last.time(), Confidence: 500,
		}}) // it was the second half of the other
	}
	d.wins = slices.Delete(d.wins, 1, 2)
	d.ended, d.dirty = append(d.ended, ended{next.opened, chunks}), true
	m.recycle(next)
}

func peakOf(w, next *window) (peak unit.DBm) {
	if w.peak == 0 || next.peak != 0 && next.peak > w.peak {
		return next.peak
	}
	return w.peak
}

// maxSpare is how many used windows are kept for later.
const maxSpare = 8

func (m *Machine) recycle(w *window) {
	if len(m.spare) < maxSpare {
		m.spare = append(m.spare, w)
	}
}
