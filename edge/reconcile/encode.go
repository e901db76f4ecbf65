package reconcile

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/site"
)

// stateVersion begins every value. Version 1: 2026-11-22. Version 2: 2026-11-22, windows keep their reads. Version 3:
// 2026-11-22, what lies beside a door has a pace, and a door knows when
// its last pass began.
const stateVersion = 3

// encoder appends variable-length integers.
type encoder struct{ b []byte }

func newEncoder() *encoder { return &encoder{b: append(make([]byte, 0, 96), stateVersion)} }

func (e *encoder) uint(v uint64)            { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)              { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) at(v instant)             { e.int(int64(v)) }
func (e *encoder) duration(v time.Duration) { e.int(int64(v)) }
func (e *encoder) float(v float64)          { e.b = binary.BigEndian.AppendUint64(e.b, math.Float64bits(v)) }

func (e *encoder) text(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) bool(v bool) {
	if v {
		e.b = append(e.b, 1)
		return
	}
	e.b = append(e.b, 0)
}

// decoder reads what encoder wrote; after the first error everything is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(why string) {
	if d.err == nil {
		d.err = errors.New(why)
	}
	d.b = nil
}

func (d *decoder) version() {
	if v := d.byte(); d.err == nil && v != stateVersion {
		d.fail("it is of a version that this program does not know")
	}
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail("it ends too early")
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("it ends too early")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail("it ends too early")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) count(most uint64) int {
	v := d.uint()
	if v > most {
		d.fail("a count in it is too large")
		return 0
	}
	return int(v)
}

func (d *decoder) at() instant             { return instant(d.int()) }
func (d *decoder) duration() time.Duration { return time.Duration(d.int()) }
func (d *decoder) bool() bool              { return d.byte() != 0 }

func (d *decoder) float() float64 {
	if len(d.b) < 8 {
		d.fail("it ends too early")
		return 0
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(d.b))
	d.b = d.b[8:]
	if math.IsNaN(v) || math.IsInf(v, 0) {
		d.fail("a number in it is none")
		return 0
	}
	return v
}

func (d *decoder) text() string {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail("a text in it ends too early")
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (m *Machine) encodeTag(t *tag) []byte {
	e := newEncoder()
	e.text(m.location(t.place))
	e.bool(t.unseen)
	e.bool(t.byDoor)
	n := t.near
	if n == nil {
		n = &doorway{}
	}
	if t.byDoor {
		e.text(m.plan.Doors[n.door].ID)
		e.float(n.power)
	}
	e.at(t.moved)
	e.at(t.first)
	e.at(t.last)
	e.duration(t.seen)
	e.at(t.firm)
	e.duration(t.heard)
	e.uint(uint64(t.reads))
	e.duration(t.pace)
	e.at(n.gated)
	e.float(n.gatedPower)
	e.uint(uint64(len(t.bays)))
	for i := range t.bays {
		m.encodeTrace(e, &t.bays[i])
	}
	e.uint(uint64(len(n.heardAt)))
	for i := range n.heardAt {
		h := &n.heardAt[i]
		e.text(m.plan.Doors[h.door].ID)
		e.envelope(&h.env)
	}
	e.uint(uint64(len(n.lies)))
	for i := range n.lies {
		m.encodeLie(e, &n.lies[i])
	}
	return e.b
}

func (m *Machine) decodeTag(d *decoder) tag {
	t := tag{place: m.placeNamed(d.text()), unseen: d.bool(), byDoor: d.bool()}
	var n doorway
	if t.byDoor {
		n.door = int32(m.doorNamed(d.text()))
		n.power = d.float()
	}
	if n.door < 0 {
		t.byDoor, n.door = false, 0
	}
	t.moved, t.first, t.last, t.seen = d.at(), d.at(), d.at(), d.duration()
	t.firm, t.heard = d.at(), d.duration()
	t.reads, t.pace = uint32(d.uint()), d.duration()
	n.gated, n.gatedPower = d.at(), d.float()
	for range d.count(1 << 12) {
		if tr := m.decodeTrace(d); tr.place >= 0 && d.err == nil {
			t.bays = append(t.bays, tr)
		}
	}
	for range d.count(1 << 10) {
		h := hearing{door: int32(m.doorNamed(d.text())), env: d.envelope()}
		if h.door >= 0 && d.err == nil {
			n.heardAt = append(n.heardAt, h)
		}
	}
	for range d.count(1 << 10) {
		if l := m.decodeLie(d); l.door >= 0 && d.err == nil {
			n.lies = append(n.lies, l)
		}
	}
	if t.byDoor || n.gated != 0 || n.heardAt != nil || n.lies != nil {
		t.near = &n
	}
	return t
}

// placeNamed finds a place; one that was taken out of the configuration is nowhere.
func (m *Machine) placeNamed(code string) int32 {
	if code == site.Customer {
		return left
	}
	if i, ok := m.plan.PlaceOf(code); ok {
		return int32(i)
	}
	return nowhere
}

func (m *Machine) doorNamed(id string) int {
	for i := range m.plan.Doors {
		if m.plan.Doors[i].ID == id {
			return i
		}
	}
	return -1
}

func (m *Machine) encodeTrace(e *encoder, tr *trace) {
	e.text(m.location(tr.place))
	e.uint(uint64(tr.n))
	e.at(tr.last)
	e.at(tr.first)
	e.at(tr.firm)
	e.int(int64(tr.peak))
	e.uint(uint64(tr.have))
	for i := range tr.have { // oldest first
		e.int(int64(tr.ring[(tr.next+ringSize-tr.have+i)%ringSize]))
	}
}

func (m *Machine) decodeTrace(d *decoder) trace {
	tr := trace{place: m.placeNamed(d.text()), n: uint32(d.uint()), last: d.at(), first: d.at(), firm: d.at(), peak: unit.DBm(d.int())}
	tr.have = uint8(d.count(ringSize))
	for i := range tr.have {
		tr.ring[i] = unit.DBm(d.int())
		tr.sum += int32(tr.ring[i])
	}
	tr.next = tr.have % ringSize
	return tr
}

func (m *Machine) encodeLie(e *encoder, l *lie) {
	e.text(m.plan.Doors[l.door].ID)
	e.b = append(e.b, l.sides, l.empty)
	e.bool(l.known)
	e.at(l.last)
	e.duration(l.pace)
	e.bool(l.lies)
	for i := range l.level {
		e.int(int64(l.level[i]))
	}
	e.envelope(&l.env)
}

func (m *Machine) decodeLie(d *decoder) lie {
	l := lie{
		door: int32(m.doorNamed(d.text())), sides: d.byte(), empty: d.byte(), known: d.bool(), last: d.at(),
		pace: d.duration(), lies: d.bool(),
	}
	for i := range l.level {
		l.level[i] = unit.DBm(d.int())
	}
	l.env = d.envelope()
	return l
}

func (e *encoder) envelope(v *envelope) {
	for i := range v.power {
		e.float(v.power[i])
		e.at(v.at[i])
		e.uint(uint64(v.n[i]))
	}
}

func (d *decoder) envelope() (v envelope) {
	for i := range v.power {
		v.power[i], v.at[i], v.n[i] = d.float(), d.at(), uint32(d.uint())
	}
	return v
}

func (m *Machine) encodeDoor(st *doorState) []byte {
	e := newEncoder()
	e.at(st.closed)
	e.int(int64(st.heard))
	e.at(st.begun)
	e.uint(uint64(len(st.cells)))
	for _, c := range st.cells {
		e.bool(c.broken)
		e.at(c.last)
	}
	e.uint(uint64(len(st.wins)))
	for _, w := range st.wins {
		m.encodeWindow(e, w)
	}
	e.uint(uint64(len(st.doubts)))
	for _, b := range st.doubts {
		e.text(b.pass)
		for _, at := range []instant{b.opened, b.from, b.to} {
			e.at(at)
		}
		e.tags(b.tags)
	}
	return e.b
}

func (e *encoder) tags(list []devices.Tag) {
	e.uint(uint64(len(list)))
	for _, t := range list {
		e.tag(t)
	}
}

func (d *decoder) tags() []devices.Tag {
	var out []devices.Tag
	for range d.count(1 << 20) {
		t := d.tag()
		if d.err != nil {
			return nil
		}
		out = append(out, t)
	}
	return out
}

func (m *Machine) encodeWindow(e *encoder, w *window) {
	for _, at := range []instant{w.opened, w.began, w.last, w.arrived, w.since, w.end, w.until, w.done, w.due} {
		e.at(at)
	}
	e.uint(uint64(len(w.gates)))
	for _, g := range w.gates {
		e.at(g.on)
		e.at(g.off)
		e.b = append(e.b, g.first, g.last)
	}
	e.bool(w.full)
	e.bool(w.pending)
	e.int(int64(w.peak))
	e.text(w.pass)
	e.uint(uint64(w.chunks))
	told := 0
	for i := range w.tracks {
		if w.tracks[i].told != 0 {
			told++
		}
	}
	e.uint(uint64(told))
	for i := range w.tracks {
		if t := &w.tracks[i]; t.told != 0 {
			e.tag(m.tags[t.slot].id)
			e.at(t.told)
		}
	}
}

func (e *encoder) tag(t devices.Tag) {
	b := t.AppendBytes(nil)
	e.b = append(e.b, byte(t.Kind()), byte(len(b)))
	e.b = append(e.b, b...)
}

func (d *decoder) tag() devices.Tag {
	kind, n := d.byte(), int(d.byte())
	if n > len(d.b) {
		d.fail("a tag in it ends too early")
		return devices.Tag{}
	}
	t, err := devices.NewTag(devices.TagKind(kind), d.b[:n])
	d.b = d.b[n:]
	if err != nil {
		d.fail(err.Error())
	}
	return t
}

func (m *Machine) decodeDoor(d *decoder, door int) (doorState, error) {
	st := doorState{closed: d.at(), heard: unit.DBm(d.int()), begun: d.at()}
	for range d.count(1 << 8) {
		st.cells = append(st.cells, cell{d.bool(), d.at()})
	}
	for range d.count(1 << 16) {
		w := m.decodeWindow(d, door)
		if d.err != nil {
			return doorState{}, d.err
		}
		st.wins = append(st.wins, w)
	}
	for range d.count(maxDoubts) {
		st.doubts = append(st.doubts, doubt{pass: d.text(), opened: d.at(), from: d.at(), to: d.at(), tags: d.tags()})
	}
	return st, d.err
}

func (m *Machine) decodeWindow(d *decoder, door int) *window {
	w := m.newWindow(door, 0, 0)
	for _, at := range []*instant{&w.opened, &w.began, &w.last, &w.arrived, &w.since, &w.end, &w.until, &w.done, &w.due} {
		*at = d.at()
	}
	for range d.count(1 << 16) {
		g := gate{on: d.at(), off: d.at(), first: d.side(), last: d.side()}
		if d.err != nil {
			return w
		}
		w.gates = append(w.gates, g)
	}
	w.full, w.pending, w.peak, w.pass = d.bool(), d.bool(), unit.DBm(d.int()), d.text()
	w.chunks = d.count(maxChunks)
	for range d.count(1 << 20) {
		t := toldTag{d.tag(), d.at()}
		if d.err != nil {
			return w
		}
		w.told = append(w.told, t)
	}
	return w
}

func (d *decoder) side() uint8 {
	s := d.byte()
	if s >= sides {
		d.fail("a side in it is none")
		return 0
	}
	return s
}

// A window's reads are stored in chunks, of which only the last is written again when reads come.
const (
	chunkReads = 32
	maxChunks  = 1 << 20
)

// encodeChunk writes reads from that number on. A read names its tag by its number in the window; the first read of a tag
// carries the tag itself.
func (m *Machine) encodeChunk(w *window, from int) []byte {
	e := newEncoder()
	known := int32(0)
	for i := range w.reads[:from] {
		known = max(known, w.reads[i].track+1)
	}
	part := w.reads[from:min(from+chunkReads, len(w.reads))]
	e.uint(uint64(len(part)))
	before := w.opened
	for i := range part {
		r := &part[i]
		e.uint(uint64(r.track))
		if r.track == known {
			known++
			e.tag(m.tags[w.tracks[r.track].slot].id)
		}
		e.int(int64(r.at - before))
		e.int(int64(r.own - r.at))
		e.uint(uint64(r.count))
		e.uint(uint64(r.device))
		e.b = append(e.b, r.side)
		e.bool(r.known)
		e.bool(r.foreign)
		e.int(int64(r.rssi))
		e.b = append(e.b, r.antenna)
		e.bool(r.phased)
		e.uint(uint64(r.phase))
		e.uint(uint64(r.channel))
		before = r.at
	}
	return e.b
}

// decodeChunk reads what encodeChunk wrote into a window that has the chunks before it.
func (m *Machine) decodeChunk(w *window, d *decoder) {
	before := w.opened
	for range d.count(chunkReads) {
		i := d.count(1 << 24)
		var slot int32
		switch {
		case i < len(w.tracks):
			slot = w.tracks[i].slot
		case i == len(w.tracks):
			id := d.tag()
			if d.err != nil {
				return
			}
			slot = m.slot(id)
		default:
			d.fail("it names a tag that the chunks before it do not have")
			return
		}
		r := sighting{at: before + d.at()}
		r.own = r.at + d.at()
		r.count, r.device, r.side = uint32(d.uint()), uint16(d.uint()), d.side()
		r.known, r.foreign, r.rssi = d.bool(), d.bool(), unit.DBm(d.int())
		r.antenna, r.phased, r.phase, r.channel = d.byte(), d.bool(), unit.Phase(d.uint()), uint32(d.uint())
		if d.err != nil {
			return
		}
		w.put(m, slot, &r)
		before = r.at
	}
}

func encodeSkew(s *skew) []byte {
	e := newEncoder()
	e.duration(s.cur)
	e.duration(s.prev)
	e.duration(s.low)
	e.at(s.since)
	e.at(s.newest)
	e.at(s.heard)
	e.at(s.behind)
	return e.b
}

func decodeSkew(d *decoder) skew {
	s := skew{
		cur: d.duration(), prev: d.duration(), low: d.duration(), since: d.at(), newest: d.at(), heard: d.at(), behind: d.at(),
	}
	s.kept = s.newest
	return s
}

func encodePlace(p *placeState) []byte {
	e := newEncoder()
	e.duration(p.cover)
	return e.b
}

func (m *Machine) encodeClock() []byte {
	e := newEncoder()
	e.at(m.ticked)
	up := 0
	for _, d := range m.devices {
		if d.up {
			up++
		}
	}
	e.uint(uint64(up))
	for id, d := range m.devices {
		if d.up {
			e.text(id)
			e.at(d.since)
		}
	}
	return e.b
}

func (m *Machine) loadClock(d *decoder) {
	ticked := d.at()
	for range d.count(1 << 16) {
		id, since := d.text(), d.at()
		if d.err != nil {
			return
		}
		dev := m.device(id)
		dev.up, dev.since = true, since
	}
	m.ticked, m.kept = ticked, ticked
}
