package reconcile

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/site"
)

// Sides of a door.
const (
	inside  = 0
	outside = 1
	middle  = 2
	sides   = 3
)

func sideOf(k site.Kind) uint8 {
	switch k {
	case site.Inside:
		return inside
	case site.Outside:
		return outside
	default:
		return middle
	}
}

// window is a burst of reads at a door: the candidate for one pass. It keeps every read, so that the verdict sees the whole
// course of each tag. It becomes a Pass once a tag in it looks like passing or a beam is broken.
type window struct {
	opened  instant // by the reads' own times
	began   instant // first read of the tag that made it a Pass; 0 until then
	last    instant // last read of a tag that may be passing
	arrived instant // when that read reached the gateway
	since   instant // when its first read did
	end     instant // last read of any tag
	until   instant // reads from here on belong to the next window; 0 = open
	gates   []gate  // what the photocells told
	done    instant // what went through up to here has been told
	due     instant // when it is looked at next
	pending bool    // the last look found a load that is not told yet
	full    bool    // it has lasted for the longest time
	pace    time.Duration
	peak    unit.DBm // strongest read; 0 until there is one
	pass    string   // id of the Pass; "" until told

	tracks []track
	index  map[int32]int32 // slot of a tag -> its track
	hint   int32           // the track that was asked for last
	reads  []sighting      // in the order in which they arrived
	cut    bool            // the reads were arranged anew since the last Flush
	saved  int             // reads that Flush has handed out
	chunks int             // chunks of them
	told   []toldTag       // after Load until the tracks are back
}

// toldTag is a tag with what its track keeps of it.
type toldTag struct {
	tag devices.Tag
	at  instant
}

// gate is what the photocells told of one load.
type gate struct {
	on, off     instant // when the first beam was broken and when all were free again; 0 = not yet
	first, last uint8   // the side of the beam that was broken first, and of the one that was free last
}

// sighting is one read at a door, as a window keeps it.
type sighting struct {
	at, own instant // on the gateway's clock, and by the clock that made it
	count   uint32
	track   int32
	rssi    unit.DBm
	level   unit.DBm // of the tag with this read, smoothed
	device  uint16   // index into the door's readers
	side    uint8
	antenna uint8
	known   bool       // rssi is known
	phased  bool       // phase is known
	phase   unit.Phase // of the tag's answer, on the channel
	channel uint32     // kHz
	foreign bool       // another door hears the tag better just now
}

// track is one tag in one window.
type track struct {
	slot  int32
	first instant
	last  instant
	reads uint32
	known uint32 // reads with a strength
	peak  unit.DBm
	told  instant // a pass that has been told answers its reads up to here
	seen  [sides]uint32
	power float64 // of all reads, linear
	env   envelope
	start unit.DBm // level after the first reads
	top   unit.DBm // highest level
	sum   int64    // of the levels, one for each bin of time
	bins  uint32
	bin   instant // when the present one began
	spans []span
}

// span is from the first to the last read by one device at one side, by the clock that made them.
type span struct {
	device      uint16
	side        uint8
	first, last instant
}

// earlyReads is how many first reads tell how strong a tag was in the beginning.
const earlyReads = 4

// has reports whether a read lies between the first and the last of its device at its side: it is one of them, or adds
// nothing.
func (t *track) has(device uint16, side uint8, own instant) bool {
	for i := range t.spans {
		if p := &t.spans[i]; p.device == device && p.side == side {
			return p.first <= own && own <= p.last
		}
	}
	return false
}

func (t *track) cover(device uint16, side uint8, own instant) {
	for i := range t.spans {
		if p := &t.spans[i]; p.device == device && p.side == side {
			p.first, p.last = min(p.first, own), max(p.last, own)
			return
		}
	}
	t.spans = append(t.spans, span{device, side, own, own})
}

// add takes a read, and notes the tag's level with it; it reports false, and changes nothing, where it has had it.
func (t *track) add(r *sighting, pace time.Duration) bool {
	if t.has(r.device, r.side, r.own) {
		return false
	}
	t.cover(r.device, r.side, r.own)
	t.power += r.linear()
	if t.first == 0 || r.at < t.first {
		t.first = r.at
	}
	if r.known {
		t.strength(r, pace)
	}
	t.seen[r.side] += r.count
	t.reads += r.count
	t.last = max(t.last, r.at)
	return true
}

// linear is the power of a read, in picowatts, which keeps sums near 1; 1 where it is not known.
func (r *sighting) linear() float64 {
	if !r.known {
		return 1
	}
	return picowatts(r.rssi)
}

func (t *track) strength(r *sighting, pace time.Duration) {
	if t.known == 0 || r.rssi > t.peak {
		t.peak = r.rssi
	}
	t.known++
	t.env.add(r, pace)
	r.level = t.env.level(r.at, pace)
	switch {
	case t.known == 1:
		t.start, t.top, t.bin = r.level, r.level, r.at
	case t.known <= earlyReads:
		t.start = min(t.start, r.level)
	}
	t.top = max(t.top, r.level)
	if t.bins == 0 || r.at.sub(t.bin) >= pace {
		t.sum += int64(r.level)
		t.bins++
		t.bin = r.at
	}
}

// mean is the mean level in dBm, all times alike.
func (t *track) mean() float64 {
	if t.bins == 0 {
		return 0
	}
	return float64(t.sum) / float64(t.bins) / 100
}

// crest is how far the highest level stands out from the mean, in dB.
func (t *track) crest() float64 {
	if t.bins == 0 {
		return 0
	}
	return float64(t.top)/100 - t.mean()
}

// rise is crest, or how far the highest level stands out from the first, which a tag that comes nearer shows before.
func (t *track) rise() float64 { return max(t.crest(), float64(t.top-t.start)/100) }

// envelope smooths the strength of a tag: single reads scatter with the antenna, the channel and the echoes.
type envelope struct {
	power [sides]float64
	at    [sides]instant
	n     [sides]uint32
}

// add takes a read. What is older than pace fades.
func (e *envelope) add(r *sighting, pace time.Duration) {
	i := r.side
	gone := float64(max(r.at.sub(e.at[i]), 0)) / float64(pace)
	if e.n[i] == 0 {
		gone = math.Inf(1)
	}
	share := max(1-faded(gone), 1/float64(min(e.n[i], 4)+1))
	e.power[i] += share * (r.linear() - e.power[i])
	e.at[i] = max(e.at[i], r.at)
	e.n[i]++
}

// level is the smoothed strength at a moment, of all sides together. A side that was not read lately fades.
func (e *envelope) level(at instant, pace time.Duration) unit.DBm { return dBmOf(e.now(at, pace)) }

// now is the same in picowatts.
func (e *envelope) now(at instant, pace time.Duration) (sum float64) {
	for i := range e.power {
		if e.n[i] > 0 {
			sum += e.power[i] * faded(float64(max(at.sub(e.at[i])-pace, 0))/float64(pace))
		}
	}
	return sum
}

// trackOf finds a tag's track; nil where the window has not seen it.
func (w *window) trackOf(slot int32) *track {
	if !w.knows(slot) {
		return nil
	}
	return &w.tracks[w.hint]
}

// knows reports whether the window has seen a tag, and keeps its track as hint: a read asks for it more than once.
func (w *window) knows(slot int32) bool {
	if int(w.hint) < len(w.tracks) && w.tracks[w.hint].slot == slot {
		return true
	}
	i, ok := w.index[slot]
	if ok {
		w.hint = i
	}
	return ok
}

func (w *window) trackOrNew(slot int32) int32 {
	if w.knows(slot) {
		return w.hint
	}
	i := int32(len(w.tracks))
	if int(i) < cap(w.tracks) { // take over what an earlier window left there
		w.tracks = w.tracks[:i+1]
		w.tracks[i] = track{slot: slot, spans: w.tracks[i].spans[:0]}
	} else {
		w.tracks = append(w.tracks, track{slot: slot})
	}
	w.index[slot] = i
	return i
}

// newWindow takes an empty window out of the store of used ones, so that passes cost no memory.
func (m *Machine) newWindow(door int, at, now instant) *window {
	w := &window{index: map[int32]int32{}}
	if n := len(m.spare); n > 0 {
		w, m.spare = m.spare[n-1], m.spare[:n-1]
		clear(w.index)
		*w = window{index: w.index, tracks: w.tracks[:0], reads: w.reads[:0], gates: w.gates[:0]}
	}
	w.opened, w.last, w.arrived, w.since = at, at, now, now
	w.pace, w.due = m.plan.Doors[door].Quiet/6, at.add(m.plan.Doors[door].Quiet)
	return w
}

// covers reports whether a read of that time may belong to the window, which comes after before.
func (w *window) covers(before *window, at instant, quiet int64) bool {
	switch {
	case w.until != 0 && at >= w.until, before != nil && before.until != 0 && at < before.until, w.full && at > w.end:
		return false
	case w.openGate() != nil && at >= w.opened:
		return true
	}
	return int64(w.opened-at) <= quiet && int64(at-w.last) <= quiet
}

// windowAt finds the window that a read of that time belongs to, or opens one. A new window is the sign that the one
// before is over.
func (m *Machine) windowAt(door int, at, now instant) *window {
	d := &m.doors[door]
	if w := d.find(at, m.plan.Doors[door].Quiet.Microseconds()); w != nil {
		return w
	}
	w := m.newWindow(door, at, now)
	d.insert(w)
	m.closeDue(door, now)
	return w
}

// find gives the window that a read of that time belongs to; of two, the one that began before it.
func (d *doorState) find(at instant, quiet int64) *window {
	var after *window
	for i := len(d.wins) - 1; i >= 0; i-- {
		var before *window
		if i > 0 {
			before = d.wins[i-1]
		}
		if w := d.wins[i]; w.covers(before, at, quiet) {
			if w.opened <= at {
				return w
			}
			after = w
		}
	}
	return after
}

func (d *doorState) insert(w *window) {
	i, _ := slices.BinarySearchFunc(d.wins, w.opened, func(w *window, at instant) int { return cmp.Compare(w.opened, at) })
	d.wins, d.dirty = slices.Insert(d.wins, i, w), true
}

// put adds a read to the window, and notes its level; false where it has had it.
func (w *window) put(m *Machine, slot int32, r *sighting) (*track, bool) {
	had := len(w.tracks)
	r.track = w.trackOrNew(slot)
	t := &w.tracks[r.track]
	if len(w.tracks) > had {
		m.tags[slot].passes++
	}
	if !t.add(r, w.pace) {
		return t, false
	}
	w.reads = append(w.reads, *r)
	w.end = max(w.end, r.at)
	return t, true
}

// part cuts a window in two at a moment; the later one is new.
func (m *Machine) part(door int, w *window, at instant) *window {
	d := &m.doors[door]
	later := m.newWindow(door, at, w.arrived)
	later.end, later.full, later.until = w.end, w.full, w.until
	reads, tracks := slices.Clone(w.reads), slices.Clone(w.tracks)
	m.empty(w)
	w.end, w.last, w.until, w.full, w.peak, w.cut = 0, min(w.last, at-1), at, false, 0, true
	for i := range reads {
		r := reads[i]
		to := w
		if r.at >= at {
			to = later
		}
		slot := tracks[r.track].slot
		if t, ok := to.put(m, slot, &r); ok && r.known && (to.peak == 0 || t.peak > to.peak) {
			to.peak = t.peak
		}
	}
	for i := range tracks {
		if t := w.trackOf(tracks[i].slot); t != nil {
			t.told = tracks[i].told
		}
	}
	if len(later.reads) > 0 {
		later.opened = later.reads[0].at
		for i := range later.reads {
			later.opened = min(later.opened, later.reads[i].at)
		}
	}
	d.insert(later)
	d.dirty = true
	return later
}

// empty takes all reads out of a window.
func (m *Machine) empty(w *window) {
	for i := range w.tracks {
		m.tags[w.tracks[i].slot].passes--
	}
	clear(w.index)
	w.tracks, w.reads = w.tracks[:0], w.reads[:0]
}

// join adds the reads of a later window.
func (m *Machine) join(w, later *window) {
	for i := range later.reads {
		r, slot := later.reads[i], later.tracks[later.reads[i].track].slot
		told := later.tracks[r.track].told
		t, _ := w.put(m, slot, &r)
		t.told = max(t.told, told)
	}
	m.empty(later)
	w.cut = true
}

// readerIndex gives the number of a reader among the door's.
func (d *doorState) readerIndex(device string) uint16 {
	for i, id := range d.readers {
		if id == device {
			return uint16(i)
		}
	}
	return 0
}

// sight makes a read into what a window keeps.
func (d *doorState) sight(r *devices.Read, side uint8, at instant) sighting {
	return sighting{
		at: at, own: own(r, at), count: max(1, r.Count), rssi: r.RSSI, known: r.HasRSSI, device: d.readerIndex(r.Device), side: side,
		antenna: r.Antenna, phased: r.HasPhase, phase: r.Phase, channel: r.ChannelKHz,
	}
}

// own is the time of a read by the clock that made it: the reader's where it has one. Unlike the corrected time it is the
// same for every copy of a read.
func own(r *devices.Read, at instant) instant {
	if r.ReaderTime.IsZero() {
		return at
	}
	return instantOf(r.ReaderTime)
}

// byTime gives the numbers of a window's reads in the order in which they were made.
func byTime(w *window) []int32 {
	order := make([]int32, len(w.reads))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(w.reads[a].at, w.reads[b].at) })
	return order
}
