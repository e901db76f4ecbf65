package reconcile

import (
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
	closed  instant // reads up to here belong to windows that were judged
	win     *window
	ended   []*window // windows closed since the last Flush
	dirty   bool
}

// window is a burst of reads at a door. It becomes a Pass once a tag in it looks like passing.
type window struct {
	opened  instant  // by the reads' own times
	began   instant  // first read of the tag that made it a Pass; 0 until then
	last    instant  // last read of a tag that may be passing
	arrived instant  // when that read reached the gateway
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
	last                  instant
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
	if at <= d.closed || at <= m.tags[s].moved || m.lying(s, int32(p.Door), side, r, at) {
		return
	}
	if w := d.win; w != nil && at.sub(w.last) > m.plan.Doors[p.Door].Quiet {
		m.closeWindow(p.Door)
		if m.lying(s, int32(p.Door), side, r, at) {
			return // the verdict has just said so
		}
	}
	w := d.win
	if w == nil {
		w = &window{opened: at, last: at, arrived: now, tags: map[int32]*crossing{}}
		d.win, d.dirty = w, true
	}
	if w.opened.sub(at) > m.plan.Doors[p.Door].Quiet {
		return // of a window before this one
	}
	c := w.crossing(m, s, at)
	if !c.add(side, r, at, w.opened) {
		return
	}
	m.linger(s, at)
	if m.holds(w, c, r) {
		w.last, w.arrived, d.dirty = max(w.last, at), max(w.arrived, now), true
	}
	m.announce(p.Door, c)
	if at.sub(max(w.opened, w.began)) >= m.plan.Doors[p.Door].Longest {
		m.closeWindow(p.Door)
	}
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

// add takes a read; it reports false, and changes nothing, where the read is not newer than the last of its side.
func (c *crossing) add(side int, r *devices.Read, at, opened instant) bool {
	sd := &c.side[side]
	if at <= sd.last {
		return false
	}
	sd.last = at
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
func (m *Machine) announce(door int, c *crossing) {
	if w := m.doors[door].win; w.pass == "" && m.leads(door, c) {
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

// closeQuiet closes the windows in which nothing arrived for a while. While a reader of the door is not up its reads may
// still be on their way, so the window then stays open up to its longest.
func (m *Machine) closeQuiet(now instant) {
	for i := range m.doors {
		w := m.doors[i].win
		if w == nil {
			continue
		}
		wait := m.plan.Doors[i].Quiet
		if !m.listening(i, now, wait) {
			wait = m.plan.Doors[i].Longest
		}
		if now.sub(w.arrived) >= wait {
			m.closeWindow(i)
		}
	}
}

// listening reports whether all readers of a door have been up for d.
func (m *Machine) listening(door int, now instant, d time.Duration) bool {
	return !slices.ContainsFunc(m.doors[door].readers, func(id string) bool {
		dev := m.devices[id]
		return dev == nil || !dev.up || now.sub(dev.since) < d
	})
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
