package reconcile

import (
	"time"
)

// A window holds what was read without a pause. Where one load follows another closely it holds two passes, between which
// few tags are near their strongest: a valley in the count of such tags over time.

// near is how many dB below its strongest read a tag still counts as being in the door; far is the same for a load that
// comes twice, which must have gone clearly away in between.
const (
	near = 8.0
	far  = 15.0
)

// most slots of the count over time.
const maxSlots = 2048

// partDue looks now and then whether a long window holds two passes, so that the first need not wait for the end of the
// second.
func (m *Machine) partDue(door int, now instant) {
	d, plan := &m.doors[door], &m.plan.Doors[door]
	w := d.wins[len(d.wins)-1]
	if len(plan.Photocells) > 0 || w.full || w.last.sub(w.opened) < 2*plan.Quiet || now.sub(w.looked) < plan.Quiet/2 {
		return
	}
	w.looked, d.dirty = now, true
	if v := m.valley(door, w); v != 0 && now.sub(v) >= plan.Quiet/2 {
		later := m.part(door, w, v)
		later.looked = now
		m.revive(door, later)
	}
}

// revive brings a window that part has made into the state that its reads would have brought it to.
func (m *Machine) revive(door int, w *window) {
	w.last = w.opened
	for i := range w.reads {
		r := &w.reads[i]
		t := &w.tracks[r.track]
		if l := m.tags[t.slot].lie(int32(door)); (l == nil || !l.lies) && m.holds(w, t, r) {
			w.last = max(w.last, r.at)
		}
	}
	for i := range w.tracks {
		m.announce(door, w, &w.tracks[i])
	}
}

// valley finds the first moment that parts a window into two passes; 0 where it holds one.
func (m *Machine) valley(door int, w *window) instant {
	plan := &m.plan.Doors[door]
	if len(plan.Photocells) > 0 || w.end.sub(w.opened) < plan.Quiet {
		return 0
	}
	shallow, deep := m.crowd(door, w, near), m.crowd(door, w, far)
	if v := shallow.valley(plan.Quiet); v != 0 && m.strangers(door, w, v) {
		return v
	}
	return deep.valley(plan.Quiet)
}

// crowd is how many tags were in the door over time.
type crowd struct {
	from instant
	slot time.Duration
	n    []int
}

// crowd counts, for each moment of a window, the tags that are within so many dB of their strongest.
func (m *Machine) crowd(door int, w *window, within float64) crowd {
	plan := &m.plan.Doors[door]
	from := w.opened
	for i := range w.reads {
		from = min(from, w.reads[i].at)
	}
	c := crowd{from: from, slot: max(plan.Quiet/30, w.end.sub(from)/(maxSlots-1), time.Microsecond)}
	c.n = make([]int, w.end.sub(from)/c.slot+1)
	smear := int(plan.Quiet / 12 / c.slot)
	marked := make([]int, len(w.tracks)) // up to which slot a track is counted, plus one
	for _, i := range byTime(w) {
		r := &w.reads[i]
		t := &w.tracks[r.track]
		if !m.stands(door, t) || r.known && float64(t.peak-r.rssi)/100 > within {
			continue
		}
		at := int(r.at.sub(c.from) / c.slot)
		to := min(at+smear, len(c.n)-1)
		for j := max(at-smear, 0, marked[r.track]); j <= to; j++ {
			c.n[j]++
		}
		marked[r.track] = max(marked[r.track], to+1)
	}
	return c
}

// stands reports whether a tag may be one that passes: its strength rises and falls, and it is not known to lie there.
func (m *Machine) stands(door int, t *track) bool {
	if l := m.tags[t.slot].lie(int32(door)); l != nil && l.lies {
		return false
	}
	return !m.flat(t)
}

// valley finds the middle of the first long stretch in which nearly nobody is in the door, though many are before and after.
// Where few tags are, their silence must be longer to count.
func (c crowd) valley(quiet time.Duration) instant {
	left, right := make([]int, len(c.n)), make([]int, len(c.n))
	for i, high := 0, 0; i < len(c.n); i++ {
		high = max(high, c.n[i])
		left[i] = high
	}
	for i, high := len(c.n)-1, 0; i >= 0; i-- {
		high = max(high, c.n[i])
		right[i] = high
	}
	run := 0
	for i := range c.n {
		hill := min(left[i], right[i])
		if hill > 0 && 6*c.n[i] <= hill {
			run++
			continue
		}
		if run > 0 && i-run > 0 {
			need := quiet / 2
			if min(left[i-1], right[i-1]) >= 6 {
				need = quiet / 5
			}
			if time.Duration(run)*c.slot >= need {
				return c.from.add(time.Duration(i-run)*c.slot + time.Duration(run)*c.slot/2)
			}
		}
		run = 0
	}
	return 0
}

// strangers reports whether those that are in the door before a moment are others than those after it.
func (m *Machine) strangers(door int, w *window, at instant) bool {
	before, after := make([]bool, len(w.tracks)), make([]bool, len(w.tracks))
	for i := range w.reads {
		r := &w.reads[i]
		t := &w.tracks[r.track]
		if !m.stands(door, t) || r.known && float64(t.peak-r.rssi)/100 > near {
			continue
		}
		if r.at < at {
			before[r.track] = true
		} else {
			after[r.track] = true
		}
	}
	var first, second, both int
	for i := range before {
		switch {
		case before[i] && after[i]:
			both++
		case before[i]:
			first++
		case after[i]:
			second++
		}
	}
	return 2*both <= min(first, second)
}
