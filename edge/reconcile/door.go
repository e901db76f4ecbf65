package reconcile

import (
	"cmp"
	"math"
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
	closed  instant   // reads up to here belong to windows that were judged
	wins    []*window // open, by when they opened; more than one only while late reads may come
	ended   []*window // windows closed since the last Flush
	dirty   bool
}

// window is a burst of reads at a door. It becomes a Pass once a tag in it looks like passing.
type window struct {
	opened  instant  // by the reads' own times
	began   instant  // first read of the tag that made it a Pass; 0 until then
	last    instant  // last read of a tag that may be passing
	arrived instant  // when that read reached the gateway
	since   instant  // when its first read did
	end     instant  // last read of any tag
	full    bool     // it has lasted for the longest time
	peak    unit.DBm // strongest read; 0 until there is one
	pass    string   // id of the Pass; "" until told
	tags    map[int32]*crossing
	stored  []devices.Tag // those whose crossing Flush has handed out
}

// crossing is one tag in one window.
type crossing struct {
	side   [2]sums // inside, outside
	first  instant
	last   instant
	reads  uint32
	known  uint32 // reads with a strength
	peak   unit.DBm
	sumDB  int64 // of the strengths, in hundredths of dBm
	early  int64 // of the first earlyReads of them
	marks  []mark
	thin   uint8 // every 2^thin-th read is marked
	taken  bool  // another door has it
	dirty  bool
	stored bool
}

// mark is one read of a crossing, kept to see with which side it began and ended.
type mark struct {
	at   instant
	side int8
	rssi unit.DBm // 0 where unknown
}

// maxMarks bounds the marks of a crossing; when they are full, every second one of each side goes.
const maxMarks = 64

// sums are the power-weighted moments of one side, so that a read costs the same however long the window is. Time is in
// seconds since the window opened.
type sums struct {
	power, moment, square float64
	reads                 uint32
	spans                 []span // a span for each device that looks at the side; seldom more than one
}

// span is from the first to the last read by one device, by the clock that made them.
type span struct {
	device      string
	first, last instant
}

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

// doorRead takes a read at a door.
func (m *Machine) doorRead(s int32, p *site.Point, r *devices.Read, at, now instant) {
	d := &m.doors[p.Door]
	side := sideOf(p.Kind)
	if at <= d.closed || at <= m.tags[s].moved || d.has(s, side, r, at) || m.lying(s, int32(p.Door), side, r, at) {
		return
	}
	ended := len(d.ended)
	w := m.windowAt(p.Door, at, now)
	if len(d.ended) > ended && m.lying(s, int32(p.Door), side, r, at) {
		return // the verdict on the window before has just said so
	}
	c := w.crossing(m, s, at)
	if !c.add(side, r, at, w.opened) {
		return
	}
	m.linger(s, at)
	w.end = max(w.end, at)
	if m.holds(w, c, r) {
		w.last, w.arrived, d.dirty = max(w.last, at), max(w.arrived, now), true
	}
	m.announce(p.Door, w, c)
	if at.sub(max(w.opened, w.began)) >= m.plan.Doors[p.Door].Longest {
		w.full = true
		m.closeDue(p.Door, now)
	}
}

// has reports whether an open window has had this read of a tag.
func (d *doorState) has(s int32, side int, r *devices.Read, at instant) bool {
	for _, w := range d.wins {
		if c := w.tags[s]; c != nil && c.side[side].has(r, at) {
			return true
		}
	}
	return false
}

// own is the time of a read by the clock that made it: the reader's where it has one. Unlike the corrected time it is the
// same for every copy of a read.
func own(r *devices.Read, at instant) instant {
	if r.ReaderTime.IsZero() {
		return at
	}
	return instantOf(r.ReaderTime)
}

// has reports whether a read lies between the first and the last of its device: it is one of them, or adds nothing.
func (sd *sums) has(r *devices.Read, at instant) bool {
	t := own(r, at)
	for _, p := range sd.spans {
		if p.device == r.Device {
			return p.first <= t && t <= p.last
		}
	}
	return false
}

// cover lengthens the span of a device so that it holds first and last.
func (sd *sums) cover(device string, first, last instant) {
	for i := range sd.spans {
		if p := &sd.spans[i]; p.device == device {
			p.first, p.last = min(p.first, first), max(p.last, last)
			return
		}
	}
	sd.spans = append(sd.spans, span{device, first, last})
}

// windowAt finds the window that a read of that time belongs to, or opens one. A new window is the sign that the one
// before is over.
func (m *Machine) windowAt(door int, at, now instant) *window {
	d, quiet := &m.doors[door], m.plan.Doors[door].Quiet
	for _, w := range d.wins {
		if w.opened.sub(at) <= quiet && at.sub(w.last) <= quiet && !(w.full && at > w.end) {
			return w
		}
	}
	w := &window{opened: at, last: at, arrived: now, since: now, tags: map[int32]*crossing{}}
	i, _ := slices.BinarySearchFunc(d.wins, at, func(w *window, at instant) int { return cmp.Compare(w.opened, at) })
	d.wins, d.dirty = slices.Insert(d.wins, i, w), true
	m.closeDue(door, now)
	return w
}

// holds reports whether a read keeps its window open: its tag does not lie there, and is not much fainter than what
// passes.
func (m *Machine) holds(w *window, c *crossing, r *devices.Read) bool {
	if !r.HasRSSI {
		return true
	}
	if w.peak == 0 || r.RSSI > w.peak {
		w.peak = r.RSSI
	}
	return !m.flat(c) && (w.pass == "" || m.rises(c) || float64(w.peak-c.peak)/100 < 2*m.par.Faint)
}

// rises reports whether a tag's strength stands out as that of one that passes an antenna.
func (m *Machine) rises(c *crossing) bool {
	return c.known >= earlyReads && c.crest() >= m.par.Crest
}

func sideOf(k site.Kind) int {
	if k == site.Inside {
		return 0
	}
	return 1
}

func (w *window) crossing(m *Machine, s int32, at instant) *crossing {
	c := w.tags[s]
	if c == nil {
		c = &crossing{first: at}
		w.tags[s] = c
		m.tags[s].passes++
	}
	return c
}

// add takes a read; it reports false, and changes nothing, where the read lies between the first and the last of its side.
func (c *crossing) add(side int, r *devices.Read, at, opened instant) bool {
	sd := &c.side[side]
	if sd.has(r, at) {
		return false
	}
	t := own(r, at)
	sd.cover(r.Device, t, t)
	power := 1.0
	if r.HasRSSI {
		power = r.RSSI.Milliwatt() * 1e9 // picowatts keep the sums near 1
		c.level(r.RSSI)
	}
	sec := at.seconds(opened)
	sd.power += power
	sd.moment += power * sec
	sd.square += power * sec * sec
	sd.reads += max(1, r.Count)
	c.reads += max(1, r.Count)
	c.first, c.last, c.dirty = min(c.first, at), max(c.last, at), true
	c.mark(side, r, at)
	return true
}

func (c *crossing) mark(side int, r *devices.Read, at instant) {
	if c.side[side].reads%(1<<c.thin) != 0 {
		return
	}
	k := mark{at: at, side: int8(side)}
	if r.HasRSSI {
		k.rssi = r.RSSI
	}
	c.put(k)
}

func (c *crossing) put(k mark) {
	c.marks = append(c.marks, k)
	if len(c.marks) < maxMarks {
		return
	}
	var seen [2]int
	c.thin = min(c.thin+1, 31)
	c.marks = slices.DeleteFunc(c.marks, func(k mark) bool {
		seen[k.side]++
		return seen[k.side]%2 == 1
	})
}

func (c *crossing) level(v unit.DBm) {
	if c.known == 0 {
		c.peak = v
	}
	c.peak = max(c.peak, v)
	c.sumDB += int64(v)
	if c.known < earlyReads {
		c.early += int64(v)
	}
	c.known++
}

// earlyReads is how many first reads tell how strong a tag was in the beginning.
const earlyReads = 4

// crest is how far the strongest read stands out from the mean, in dB.
func (c *crossing) crest() float64 {
	if c.known == 0 {
		return 0
	}
	return (float64(c.peak) - float64(c.sumDB)/float64(c.known)) / 100
}

// rise is crest, or how far the strongest read stands out from the first ones, which a tag that comes nearer shows before.
func (c *crossing) rise() float64 {
	if c.known == 0 {
		return 0
	}
	early := float64(c.early) / float64(min(c.known, earlyReads))
	return max(c.crest(), (float64(c.peak)-early)/100)
}

// power is all that was received of the tag.
func (c *crossing) power() float64 { return c.side[0].power + c.side[1].power }

// flat reports whether enough was read of a tag to say that its strength does not rise and fall: it lies there.
func (m *Machine) flat(c *crossing) bool {
	return c.known >= m.par.FlatReads && c.rise() < m.par.Rise
}

// announce tells the Pass once a tag leads it.
func (m *Machine) announce(door int, w *window, c *crossing) {
	if w.pass == "" && m.leads(door, c) {
		w.began = c.first
		id := m.plan.Doors[door].ID
		w.pass = m.plan.Occurrence(w.began.time(), "pass", id)
		m.doors[door].dirty = true
		m.tell(Event{Pass: &wire.Pass{ID: w.pass, Door: id, Opened: w.began.time()}})
	}
}

// leads reports whether a tag alone shows that something passes: both sides have read it, and its strength rises and
// falls. Where strengths are missing the order of the sides has to speak. Tags that lie in reach of both sides do
// neither, so they make no pass.
func (m *Machine) leads(door int, c *crossing) bool {
	if c.reads < max(m.plan.Doors[door].MinReads, 4) || c.side[0].reads == 0 || c.side[1].reads == 0 {
		return false
	}
	if c.known == 0 {
		return separation(c) >= 1
	}
	return m.rises(c)
}

// closeQuiet closes the windows in which nothing arrived for a while.
func (m *Machine) closeQuiet(now instant) {
	for i := range m.doors {
		m.closeDue(i, now)
	}
}

// closeDue closes, in their order, the windows of a door that are over: one has lasted for too long, or nothing has arrived
// for a while; and no late reads are to be expected.
func (m *Machine) closeDue(door int, now instant) {
	d, quiet := &m.doors[door], m.plan.Doors[door].Quiet
	for len(d.wins) > 0 {
		w := d.wins[0]
		over := w.full || now.sub(w.arrived) >= quiet+m.late(door)
		if !over || m.interrupted(door, w, now) {
			return
		}
		if len(d.wins) > 1 && !w.full && d.wins[1].opened.sub(w.last) <= quiet {
			m.merge(door, w, d.wins[1])
			continue
		}
		m.closeWindow(door)
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
	shift := next.opened.seconds(w.opened)
	for s, c := range next.tags {
		if had := w.tags[s]; had != nil {
			had.join(c, shift)
			m.tags[s].passes--
			continue
		}
		c.shift(shift)
		c.dirty, c.stored = true, false
		w.tags[s] = c
	}
	w.last, w.end, w.arrived = max(w.last, next.last), max(w.end, next.end), max(w.arrived, next.arrived)
	w.peak, w.full = max(w.peak, next.peak), w.full || next.full
	if w.pass == "" {
		w.pass, w.began = next.pass, next.began
	} else if next.pass != "" {
		m.tell(Event{Pass: &wire.Pass{
			ID: next.pass, Door: m.plan.Doors[door].ID, Direction: wire.TurnedBack, Opened: next.began.time(),
			Closed: next.last.time(), Confidence: 500,
		}}) // it was the second half of the other
	}
	d.wins = slices.Delete(d.wins, 1, 2)
	d.ended, d.dirty = append(d.ended, next), true
}

// shift counts a crossing's times from a moment that is so many seconds earlier.
func (c *crossing) shift(by float64) {
	for i := range c.side {
		sd := &c.side[i]
		sd.square += 2*by*sd.moment + by*by*sd.power
		sd.moment += by * sd.power
	}
}

// join adds what a later window saw of the same tag.
func (c *crossing) join(later *crossing, shift float64) {
	later.shift(shift)
	for i := range c.side {
		a, b := &c.side[i], &later.side[i]
		a.power, a.moment, a.square = a.power+b.power, a.moment+b.moment, a.square+b.square
		for _, p := range b.spans {
			a.cover(p.device, p.first, p.last)
		}
		a.reads += b.reads
	}
	if later.known > 0 && (c.known == 0 || later.peak > c.peak) {
		c.peak = later.peak
	}
	if c.known < earlyReads { // then the early reads of both count, which is near enough
		c.early += later.early * int64(earlyReads-c.known) / int64(max(1, min(later.known, earlyReads)))
	}
	c.reads, c.known, c.sumDB = c.reads+later.reads, c.known+later.known, c.sumDB+later.sumDB
	c.first, c.last = min(c.first, later.first), max(c.last, later.last)
	c.taken, c.dirty = c.taken || later.taken, true
	for _, k := range later.marks {
		c.put(k)
	}
}

// lying reports whether the tag is known to lie beside the door, so that this read is no part of a pass. A tag that is
// suddenly much stronger, or seen from the other side, has been picked up.
func (m *Machine) lying(s, door int32, side int, r *devices.Read, at instant) bool {
	l := m.tags[s].lie(door)
	switch {
	case l == nil:
		return false
	case at <= l.last:
		return true
	case !l.lies:
		return false
	case at.sub(l.last) > stale:
		*l = lie{door: door, last: l.last}
		m.touch(s)
		return false
	}
	l.last = at
	m.touchSeldom(s, at)
	picked := l.sides&(1<<side) == 0 // without strengths, a new side must do
	if r.HasRSSI && l.known {
		picked = float64(r.RSSI-l.level)/100 >= m.par.Rise
	}
	if picked {
		l.above++
	} else {
		l.above = 0
		if r.HasRSSI && l.known {
			l.level += (r.RSSI - l.level) / 16
		}
	}
	if l.above < 2 {
		return true
	}
	*l = lie{door: door, last: at}
	m.touch(s)
	return false
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
func (l *lie) settle(c *crossing) {
	l.lies, l.above = true, 0
	l.saw(c)
	if c.known > 0 {
		l.known, l.level = true, unit.DBm(math.Round(float64(c.sumDB)/float64(c.known)))
	}
}

// saw notes which sides have read a tag that nothing moved.
func (l *lie) saw(c *crossing) {
	l.last = max(l.last, c.last)
	for i := range c.side {
		if c.side[i].reads > 0 {
			l.sides |= 1 << i
		}
	}
}
