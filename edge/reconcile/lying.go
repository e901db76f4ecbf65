package reconcile

import (
	"math"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// lie is a door beside which a tag lies: it is read there but does not pass.
type lie struct {
	door  int32
	sides uint8    // bit per side that has read it
	known bool     // level is known
	level unit.DBm // its usual strength there
	last  instant  // last read there
	above uint8    // reads in a row that were much stronger
	empty uint8    // windows that it was in without being moved
	lies  bool     // settled: its reads open no window
}

// stale is how long a tag that lies beside a door may go unread before that is forgotten.
const stale = time.Hour

// lying reports whether the tag is known to lie beside the door, so that this read opens no pass. A tag that is suddenly
// much stronger, or seen from the other side, has been picked up. known is false where the read, or a later one, was had
// before.
func (m *Machine) lying(s, door int32, r *sighting) (lies, known bool) {
	l := m.tags[s].lie(door)
	switch {
	case l == nil:
		return false, false
	case r.at <= l.last:
		return true, true
	case !l.lies:
		return false, false
	case r.at.sub(l.last) > stale:
		*l = lie{door: door, last: l.last}
		m.touch(s)
		return false, false
	}
	l.last = r.at
	m.touchSeldom(s, r.at)
	picked := l.sides&(1<<r.side) == 0 // without strengths, a new side must do
	if r.known && l.known {
		picked = float64(r.rssi-l.level)/100 >= m.par.Rise
	}
	if picked {
		l.above++
	} else {
		l.above = 0
		if r.known && l.known {
			l.level += (r.rssi - l.level) / 16
		}
	}
	if l.above < 2 {
		return true, false
	}
	*l = lie{door: door, last: r.at}
	m.touch(s)
	return false, false
}

func (t *tag) lie(door int32) *lie {
	for i := range t.lies {
		if t.lies[i].door == door {
			return &t.lies[i]
		}
	}
	return nil
}

func (t *tag) lieOrNew(door int32) *lie {
	if l := t.lie(door); l != nil {
		return l
	}
	t.lies = append(t.lies, lie{door: door})
	return &t.lies[len(t.lies)-1]
}

// arise forgets that the tag lies anywhere; the reads that said so stay answered.
func (t *tag) arise() {
	for i := range t.lies {
		t.lies[i] = lie{door: t.lies[i].door, last: t.lies[i].last}
	}
}

// settle notes that a tag lies beside a door, from what a window read of it.
func (l *lie) settle(t *track) {
	l.lies, l.above = true, 0
	l.saw(t)
	if t.known > 0 {
		l.known, l.level = true, unit.DBm(math.Round(float64(t.sumDB)/float64(t.known)))
	}
}

// saw notes which sides have read a tag that nothing moved.
func (l *lie) saw(t *track) {
	l.last = max(l.last, t.last)
	for i := range t.seen {
		if t.seen[i] > 0 {
			l.sides |= 1 << i
		}
	}
}

// lingered notes a tag that a window saw and that nothing moved. It lies there where its strength was flat, where it was
// still read to the end of a window that was closed for its length, or where that happened in several windows.
func (m *Machine) lingered(door int, w *window, t *track) {
	plan := &m.plan.Doors[door]
	l := m.tags[t.slot].lieOrNew(int32(door))
	l.empty = min(l.empty, 254) + 1
	cut := w.last.sub(w.opened) >= plan.Longest && w.last.sub(t.last) < plan.Quiet
	often := uint32(l.empty) >= m.par.StaticPasses && t.rise() < m.par.Rise
	if m.flat(t) || cut || often {
		l.settle(t)
	} else {
		l.saw(t)
	}
}

// flat reports whether enough was read of a tag to say that its strength does not rise and fall: it lies there.
func (m *Machine) flat(t *track) bool {
	return t.known >= m.par.FlatReads && t.rise() < m.par.Rise
}

// rises reports whether a tag's strength stands out as that of one that passes an antenna.
func (m *Machine) rises(t *track) bool {
	return t.known >= earlyReads && t.crest() >= m.par.Crest
}
