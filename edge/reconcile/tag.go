package reconcile

import (
	"math"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Places that are not the plan's.
const (
	nowhere int32 = -1 // not decided yet
	left    int32 = -2 // went out by a door
)

// tag is what is known of one tag.
type tag struct {
	id     devices.Tag
	place  int32
	unseen bool          // at place, but not seen for too long
	moved  instant       // reads up to here are answered by the decision that brought it to place
	byDoor bool          // that decision was a pass
	first  instant       // first and last read at place since then
	last   instant       // of a loose tag: its last read anywhere
	seen   time.Duration // the place's cover at last
	firm   instant       // its last read at place that was about as strong as usual
	heard  time.Duration // the place's cover at firm
	reads  uint32
	pace   time.Duration // longest silence lately between two sightings at its place
	bays   []trace       // shelves that have read it since it moved
	near   *doorway      // what it has to do with doors; nil where none has read it
	passes int32         // open windows that it is in

	listed     int32 // the list it is in: a place's, inLoose or inNone
	prev, next int32
	dirty      bool
	kept       instant // the read that touchSeldom last let through
}

// doorway is what a tag has to do with doors. Most tags are at shelves, which no door reads, so it is kept apart.
type doorway struct {
	door       int32     // that of its last pass, which received so much power of it
	power      float64   //
	gated      instant   // when a beam was broken at a door that hears its line only, and how well it was heard in it
	gatedPower float64   //
	heardAt    []hearing // doors that have read it, and how well just now
	lies       []lie     // doors beside which it lies
}

// doors gives what a tag has to do with doors, to change it.
func (t *tag) doors() *doorway {
	if t.near == nil {
		t.near = &doorway{}
	}
	return t.near
}

// byOther gives the power that a door received of a tag which brought it to its place, where that was another than this one.
func (t *tag) byOther(door int32) (power float64, ok bool) {
	if !t.byDoor || t.near == nil || t.near.door == door {
		return 0, false
	}
	return t.near.power, true
}

// ringSize is how many signal strengths are kept per tag and read point.
const ringSize = 20

// trace is what one shelf read of one tag.
type trace struct {
	place int32
	n     uint32 // reads
	last  instant
	firm  instant // last read that was not much fainter than the mean
	first instant
	ring  [ringSize]unit.DBm
	have  uint8 // strengths in ring
	next  uint8
	sum   int32 // of ring
	peak  unit.DBm
}

func (t *tag) trace(place int32) *trace {
	for i := range t.bays {
		if t.bays[i].place == place {
			return &t.bays[i]
		}
	}
	return nil
}

func (t *tag) traceOrNew(place int32) *trace {
	if tr := t.trace(place); tr != nil {
		return tr
	}
	t.bays = append(t.bays, trace{place: place})
	return &t.bays[len(t.bays)-1]
}

// newest is the time of the last read that any shelf's trace holds, at least at: with the traces goes the knowledge of
// their reads, so a decision answers all of them.
func (t *tag) newest(at instant) instant {
	for i := range t.bays {
		at = max(at, t.bays[i].last)
	}
	return at
}

// add takes a read; it reports false, and changes nothing, where the read is not newer than the last. A read is firm
// unless it is fainter than the mean of the last k by faint dB or more.
func (tr *trace) add(r *devices.Read, at instant, faint float64, k uint8) bool {
	if at <= tr.last {
		return false
	}
	if tr.n == 0 {
		tr.first = at
	}
	tr.last = at
	tr.n += max(1, r.Count)
	mean, known := tr.mean(k)
	if !r.HasRSSI || !known || float64(r.RSSI)/100 > mean-faint {
		tr.firm = at
	}
	if !r.HasRSSI {
		return true
	}
	if tr.have == ringSize {
		tr.sum -= int32(tr.ring[tr.next])
	} else {
		tr.have++
	}
	if tr.have == 1 || r.RSSI > tr.peak {
		tr.peak = r.RSSI
	}
	tr.ring[tr.next] = r.RSSI
	tr.sum += int32(r.RSSI)
	tr.next = (tr.next + 1) % ringSize
	return true
}

// mean gives the mean of the last k strengths in dB, and whether there is one.
func (tr *trace) mean(k uint8) (float64, bool) {
	if tr.have == 0 {
		return 0, false
	}
	if k >= tr.have {
		return float64(tr.sum) / float64(tr.have) / 100, true
	}
	var sum int32
	for i := uint8(1); i <= k; i++ {
		sum += int32(tr.ring[(tr.next+ringSize-i)%ringSize])
	}
	return float64(sum) / float64(k) / 100, true
}

// slot finds or makes the tag's place in the table.
func (m *Machine) slot(id devices.Tag) int32 {
	if s, ok := m.index.find(m.tags, &id); ok {
		return s
	}
	t := tag{id: id, place: nowhere, listed: inNone, prev: none, next: none}
	var s int32
	if n := len(m.free); n > 0 {
		s = m.free[n-1]
		m.free = m.free[:n-1]
		m.tags[s] = t
	} else {
		s = int32(len(m.tags))
		m.tags = append(m.tags, t)
	}
	m.index.insert(m.tags, s)
	m.enlist(s)
	return s
}

func (m *Machine) touch(s int32) {
	if t := &m.tags[s]; !t.dirty {
		t.dirty = true
		m.dirty = append(m.dirty, s)
	}
}

// touchSeldom is touch for a read that may be missing after a restart: by a part of the silence after which the goods of its place
// count as unseen, as each is a write to the disk.
func (m *Machine) touchSeldom(s int32, at instant) {
	t, by := &m.tags[s], m.par.Refresh
	if t.place >= 0 && m.plan.Places[t.place].AbsentAfter > 0 {
		by = min(by, max(m.plan.Places[t.place].AbsentAfter, by)/4)
	}
	if by == 0 || at.sub(t.kept) >= by {
		t.kept = at
		m.touch(s)
	}
}

// permille rounds a share from 0 to 1 to the wire's confidence.
func permille(share float64) uint16 {
	return uint16(math.Round(1000 * min(max(share, 0), 1)))
}
