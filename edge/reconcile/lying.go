package reconcile

import (
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// lie is a door beside which a tag lies: it is read there but does not pass.
type lie struct {
	door  int32
	sides uint8           // bit per side that has read it
	known bool            // level is known
	level [sides]unit.DBm // its usual strength at each side that has read it
	env   envelope        // its strength just now
	last  instant         // last read there
	pace  time.Duration   // longest silence between two reads
	empty uint8           // windows that it was in without being moved
	lies  bool            // settled: its reads open no window
}

// A tag that lies beside a door may go unread for an hour, but not for three times as long as it ever did and for four quiet
// times, before that is forgotten: it was taken away.
const (
	stale     = time.Hour
	longer    = 3
	leastAway = 4
)

// away reports whether a tag was unread for longer than if it still lay there.
func (l *lie) away(silent, quiet time.Duration) bool {
	return silent > stale || silent > max(longer*l.pace, leastAway*quiet)
}

// floor is what a tag is taken to have been at a side that has never read it.
const floor unit.DBm = -75_00

// lying reports whether the tag is known to lie beside the door, so that this read opens no pass. A tag that is much
// stronger for a while has been picked up. had is true where the read, or a later one, was had before.
func (m *Machine) lying(s, door int32, r *sighting) (lies, had bool) {
	l := m.tags[s].lie(door)
	switch {
	case l == nil:
		return false, false
	case r.at <= l.last:
		return true, true
	case !l.lies:
		return false, false
	}
	silent := r.at.sub(l.last)
	away := l.away(silent, m.plan.Doors[door].Quiet)
	l.pace = max(l.pace, silent)
	if away {
		*l = lie{door: door, last: l.last, pace: l.pace}
		m.touch(s)
		return false, false
	}
	l.last = r.at
	if l.pickedUp(m, r, m.plan.Doors[door].Quiet/6) {
		*l = lie{door: door, last: r.at}
		m.touch(s)
		return false, false
	}
	m.touchSeldom(s, r.at)
	return true, false
}

// pickedUp reports whether a read shows that the tag moves: without strengths a new side must do.
func (l *lie) pickedUp(m *Machine, r *sighting, pace time.Duration) bool {
	if !r.known || !l.known {
		return l.sides&(1<<r.side) == 0
	}
	l.env.add(r, pace)
	now := dBmOf(l.env.power[r.side])
	usual := floor
	if l.sides&(1<<r.side) != 0 {
		usual = l.level[r.side]
	}
	if l.env.n[r.side] >= 3 && float64(now-usual)/100 >= m.par.PickUp {
		return true
	}
	if l.sides&(1<<r.side) != 0 {
		l.level[r.side] += (now - usual) / 32
	}
	return false
}

func (t *tag) lie(door int32) *lie {
	if t.near == nil {
		return nil
	}
	for i := range t.near.lies {
		if l := &t.near.lies[i]; l.door == door {
			return l
		}
	}
	return nil
}

func (t *tag) lieOrNew(door int32) *lie {
	if l := t.lie(door); l != nil {
		return l
	}
	n := t.doors()
	n.lies = append(n.lies, lie{door: door})
	return &n.lies[len(n.lies)-1]
}

// arise forgets that the tag lies anywhere; the reads that said so stay answered.
func (t *tag) arise() {
	if t.near == nil {
		return
	}
	for i := range t.near.lies {
		l := &t.near.lies[i]
		*l = lie{door: l.door, last: l.last}
	}
}

// settle notes that a tag lies beside a door, from what a window read of it.
func (l *lie) settle(w *window, t *track) {
	was := l.lies && l.known
	l.lies = true
	l.saw(t)
	if t.known == 0 || was {
		return
	}
	l.known, l.env = true, t.env
	var power [sides]float64
	var n [sides]float64
	before := t.first
	for i := range w.reads {
		r := &w.reads[i]
		if w.tracks[r.track].slot != t.slot {
			continue
		}
		l.pace, before = max(l.pace, r.at.sub(before)), r.at
		if r.known {
			power[r.side] += r.linear()
			n[r.side]++
		}
	}
	for i := range power {
		if n[i] > 0 {
			l.level[i] = dBmOf(power[i] / n[i])
		}
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
		l.settle(w, t)
	} else {
		l.saw(t)
	}
}

// flat reports whether enough was read of a tag, for long enough, to say that its strength does not rise and fall: it lies
// there.
func (m *Machine) flat(t *track) bool {
	return t.known >= m.par.FlatReads && t.last.sub(t.first) >= m.par.FlatFor && t.rise() < m.par.Rise
}

// rises reports whether a tag's strength stands out as that of one that passes an antenna.
func (m *Machine) rises(t *track) bool {
	return t.known >= earlyReads && t.rise() >= m.par.Crest
}

// hearing is how well a door hears a tag just now.
type hearing struct {
	door int32
	env  envelope
}

// foreign notes a read, and reports whether another door hears the tag better at the moment.
func (m *Machine) foreign(s, door int32, r *sighting) bool {
	if !r.known || len(m.plan.Doors) < 2 {
		return false
	}
	t, pace := m.tags[s].doors(), m.plan.Doors[door].Quiet/6
	var mine *hearing
	for i := range t.heardAt {
		if t.heardAt[i].door == door {
			mine = &t.heardAt[i]
		}
	}
	if mine == nil {
		t.heardAt = append(t.heardAt, hearing{door: door})
		mine = &t.heardAt[len(t.heardAt)-1]
	}
	mine.env.add(r, pace)
	if len(t.heardAt) == 1 {
		return false
	}
	power := mine.env.now(r.at, pace)
	for i := range t.heardAt {
		if h := &t.heardAt[i]; h.door != door && h.env.now(r.at, pace) > power {
			return true
		}
	}
	return false
}
