package reconcile

import (
	"math"
	"slices"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// vote is what one tag of a window says.
type vote struct {
	slot   int32
	c      *crossing
	dir    wire.Direction
	weight float64 // 0 to 1: how sure it is
}

// closeWindow judges the first window of a door: which of its tags passed, in what direction, and whom that moves.
func (m *Machine) closeWindow(door int) {
	d := &m.doors[door]
	w := d.wins[0]
	if w.pass != "" {
		m.judge(door, w, m.votes(door, w))
	}
	for s, c := range w.tags {
		d.closed = max(d.closed, c.last)
		if m.tags[s].moved < c.last {
			m.lingered(door, w, s, c)
		}
		m.tags[s].passes--
		m.touch(s)
	}
	d.closed = max(d.closed, w.last)
	d.wins, d.dirty = slices.Delete(d.wins, 0, 1), true
	d.ended = append(d.ended, w)
}

// judge moves the tags of a pass and tells its end. A pass whose tags all lie there, or are another door's, is none and
// ends as turned back.
func (m *Machine) judge(door int, w *window, votes []vote) {
	dir, sure := poll(votes)
	if len(votes) == 0 {
		dir, sure = wire.TurnedBack, 0.5
	}
	var moved uint32
	for _, v := range votes {
		if m.carry(door, w, v, dir, sure) {
			moved++
		}
	}
	m.tell(Event{Pass: &wire.Pass{
		ID: w.pass, Door: m.plan.Doors[door].ID, Direction: dir, Opened: w.began.time(), Closed: w.last.time(),
		Tags: uint32(len(votes)), Moved: moved, Confidence: permille(sure),
	}})
}

// votes asks every tag that passed, in the order of the tags.
func (m *Machine) votes(door int, w *window) []vote {
	median := w.medianPeak()
	minReads := m.plan.Doors[door].MinReads
	var out []vote
	for s, c := range w.tags {
		v := m.vote(s, c)
		if c.reads < minReads || c.taken || m.rests(v) || m.stray(c, median) || m.elsewhere(door, w, s, c) {
			continue
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b vote) int { return compareTags(&m.tags[a.slot], &m.tags[b.slot]) })
	return out
}

// rests reports whether a tag lies beside the door: its strength is flat and shows no clear order of sides.
func (m *Machine) rests(v vote) bool {
	return m.flat(v.c) && (v.dir == "" || separation(v.c) < 1)
}

// lingered notes a tag that a window saw and that nothing moved. It lies there where its strength was flat, where it was
// still read to the end of a window that was closed for its length, or where that happened in several windows.
func (m *Machine) lingered(door int, w *window, s int32, c *crossing) {
	plan := &m.plan.Doors[door]
	l := m.tags[s].lieOrNew(int32(door))
	l.empty = min(l.empty, 254) + 1
	cut := w.last.sub(w.opened) >= plan.Longest && w.last.sub(c.last) < plan.Quiet
	often := uint32(l.empty) >= m.par.StaticPasses && c.rise() < m.par.Rise
	if m.flat(c) || cut || often {
		l.settle(c)
	} else {
		l.saw(c)
	}
}

// stray reports whether a tag is much fainter than what passes, and does not rise: it lies in reach, or was carried by.
func (m *Machine) stray(c *crossing, median float64) bool {
	return c.known > 0 && float64(c.peak)/100 < median-m.par.Faint && !m.rises(c)
}

// elsewhere reports whether another door has received more of the tag at the same time, in a window that is still open
// or in the pass that has just moved it. A tag that it has less of is taken away from there.
func (m *Machine) elsewhere(door int, w *window, s int32, c *crossing) bool {
	if t := &m.tags[s]; t.byDoor && t.door != int32(door) && w.opened <= t.moved && c.power() < t.power {
		return true
	}
	for i := range m.doors {
		for _, other := range m.doors[i].wins {
			o := other.tags[s]
			if i == door || o == nil || other.opened > w.last || other.last < w.opened {
				continue
			}
			if o.power() > c.power() {
				return true
			}
			o.taken, o.dirty = true, true
		}
	}
	return false
}

// vote tells the direction that one tag's own reads show: that of the power-weighted mean times of the two sides, where
// the side that it began with and the one that it ended with do not speak against it.
func (m *Machine) vote(s int32, c *crossing) vote {
	v := vote{slot: s, c: c}
	if c.side[0].reads == 0 || c.side[1].reads == 0 {
		return v
	}
	sep := separation(c)
	begin, end := c.ends()
	inside := c.side[0].centroid() > c.side[1].centroid() // it was inside later than outside
	to := 1
	if inside {
		to = 0
	}
	switch {
	case begin == end && begin != neither && c.reads >= 4, sep <= m.par.Together && min(c.side[0].reads, c.side[1].reads) >= 3:
		v.dir, v.weight = wire.TurnedBack, 0.7
	case sep < m.par.Separation || begin == to || end == 1-to:
		v.dir = wire.Undecided
	default:
		v.dir = map[bool]wire.Direction{true: wire.In, false: wire.Out}[inside]
		v.weight = math.Tanh(1.5*sep) * (1 - math.Exp(-float64(c.reads-1)/4))
	}
	return v
}

// neither side had a tag clearly.
const neither = -1

// ends tells which side had a tag in the first and in the last third of the time that it was read.
func (c *crossing) ends() (begin, end int) {
	third := (c.last - c.first) / 3
	var early, late [2]strongest
	for _, k := range c.marks {
		if k.at <= c.first+third {
			early[k.side].add(k.rssi)
		}
		if k.at >= c.last-third {
			late[k.side].add(k.rssi)
		}
	}
	return clearer(early), clearer(late)
}

// strongest is the strongest of some reads, and how many there were.
type strongest struct {
	n    int
	rssi unit.DBm
}

func (s *strongest) add(v unit.DBm) {
	if s.n == 0 || v > s.rssi {
		s.rssi = v
	}
	s.n++
}

// clearer tells which of the sides heard a tag better: alone, by 3 dB, or, where they cannot be told apart, twice as often.
func clearer(sides [2]strongest) int {
	in, out := sides[0], sides[1]
	switch {
	case in.n == 0 && out.n == 0:
		return neither
	case out.n == 0 || in.n > 0 && in.rssi >= out.rssi+300:
		return 0
	case in.n == 0 || out.rssi >= in.rssi+300:
		return 1
	case in.n >= 2*out.n:
		return 0
	case out.n >= 2*in.n:
		return 1
	default:
		return neither
	}
}

func (sd *sums) centroid() float64 { return sd.moment / sd.power }

// separation is the distance of the two sides' centroids in units of their common standard deviation; at most 10.
func separation(c *crossing) float64 {
	in, out := &c.side[0], &c.side[1]
	if in.reads == 0 || out.reads == 0 {
		return 0
	}
	a, b := in.centroid(), out.centroid()
	spread := in.square - in.power*a*a + out.square - out.power*b*b
	sigma := math.Sqrt(max(spread, 0) / (in.power + out.power))
	return math.Abs(a-b) / max(sigma, math.Abs(a-b)/10, 1e-6)
}

// poll gives the direction of the majority and how sure it is, from 0.5 to 1.
func poll(votes []vote) (wire.Direction, float64) {
	var in, out, back float64
	for _, v := range votes {
		switch v.dir {
		case wire.In:
			in += v.weight
		case wire.Out:
			out += v.weight
		case wire.TurnedBack:
			back += v.weight
		}
	}
	all := in + out + back
	if all == 0 {
		return wire.Undecided, 0.5
	}
	dir, most := wire.TurnedBack, back
	if in > most {
		dir, most = wire.In, in
	}
	if out > most {
		dir, most = wire.Out, out
	}
	share := most / all
	if share < 0.6 {
		return wire.Undecided, 0.5
	}
	return dir, 0.5 + 0.5*share*(1-math.Exp(-2*all))
}

// carry moves a tag by the pass's decision; false where it stays where it was. A tag whose own reads spoke against the
// pass goes along with a confidence that calls for a person.
func (m *Machine) carry(door int, w *window, v vote, dir wire.Direction, sure float64) bool {
	t := &m.tags[v.slot]
	to, mv := left, wire.Movement{BizStep: wire.Shipping, Disposition: wire.InTransit}
	switch dir {
	case wire.In:
		place, _ := m.plan.PlaceOf(m.plan.Doors[door].Location)
		to, mv = int32(place), wire.Movement{BizStep: wire.Receiving, Disposition: wire.InProgress}
	case wire.Out:
	default:
		return false
	}
	if w.last <= t.moved {
		return false
	}
	same := t.place == to && !t.unseen
	mv.Tag, mv.From, mv.To = t.id, m.location(t.place), m.location(to)
	mv.ReadPoint, mv.Pass = m.plan.Doors[door].ID, w.pass
	mv.EventTime = v.c.last.time()
	mv.FirstRead, mv.LastRead, mv.Reads = v.c.first.time(), v.c.last.time(), v.c.reads
	mv.HasRSSI, mv.PeakRSSI = v.c.known > 0, v.c.peak
	mv.Confidence = permille(belief(v, dir, sure))
	t.door, t.power = int32(door), v.c.power()
	m.settleAt(v.slot, to, w.last)
	if same {
		return false
	}
	m.tell(Event{Movement: &mv})
	return true
}

// belief is the confidence of one tag's movement in a pass.
func belief(v vote, dir wire.Direction, sure float64) float64 {
	switch v.dir {
	case dir:
		return max(sure, 0.5+0.5*v.weight)
	case wire.In, wire.Out:
		return min(sure, 0.75-0.5*v.weight)
	default:
		return 0.9 * sure
	}
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

// medianPeak is the median of the strongest reads of the window's tags that have strengths, in dBm; very low without.
func (w *window) medianPeak() float64 {
	var peaks []float64
	for _, c := range w.tags {
		if c.known > 0 {
			peaks = append(peaks, float64(c.peak)/100)
		}
	}
	if len(peaks) == 0 {
		return math.Inf(-1)
	}
	slices.Sort(peaks)
	return peaks[len(peaks)/2]
}
