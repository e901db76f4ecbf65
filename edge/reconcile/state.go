package reconcile

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/devices"
)

// Prefix is what all keys of the machine's state begin with.
const Prefix = "r/"

// Kinds of keys, after Prefix.
const (
	keyTag    = 't' // then the tag
	keyDoor   = 'd' // then the door's id
	keyReads  = 'c' // then the door's id, 0, when the window opened, the number of the chunk
	keyList   = 'l' // then the door's id
	keyReader = 'r' // then the device's id
	keyPlace  = 'p' // then the location code
	keyClock  = 'k'
	keyCounts = 'n'
)

// Flush hands out what changed since the last Flush: keys with their new values, and keys that are no more. No key is
// in both. The slices are the caller's.
func (m *Machine) Flush(put func(key, value []byte), remove func(key []byte)) {
	for _, s := range m.dirty {
		t := &m.tags[s]
		t.dirty = false
		put(tagKey(t.id), m.encodeTag(t))
	}
	m.dirty = m.dirty[:0]
	for _, id := range m.gone {
		if _, back := m.index.find(m.tags, &id); !back {
			remove(tagKey(id))
		}
	}
	m.gone = m.gone[:0]
	for i := range m.doors {
		m.flushDoor(i, put, remove)
	}
	if m.countsDirty {
		m.countsDirty = false
		if b := m.encodeCounts(); b != nil {
			put([]byte{Prefix[0], Prefix[1], keyCounts}, append([]byte{stateVersion}, b...))
		} else {
			remove([]byte{Prefix[0], Prefix[1], keyCounts})
		}
	}
	m.flushClocks(put)
}

// Export hands out everything, in no particular order.
func (m *Machine) Export(put func(key, value []byte)) {
	m.index.each(func(s int32) bool {
		m.touch(s)
		return true
	})
	m.countsDirty = len(m.counts) > 0
	for i := range m.doors {
		m.doors[i].dirty, m.doors[i].listDirty = true, m.doors[i].list != nil
		for _, w := range m.doors[i].wins {
			w.saved = 0
		}
	}
	for i := range m.places {
		m.places[i].kept = -1
	}
	for _, d := range m.devices {
		d.skew.dirty = d.skew.since != 0
	}
	m.kept = 0
	m.Flush(put, func([]byte) {})
}

func (m *Machine) flushDoor(i int, put func(key, value []byte), remove func(key []byte)) {
	d, id := &m.doors[i], m.plan.Doors[i].ID
	for _, e := range d.ended {
		if at := slices.IndexFunc(d.wins, func(w *window) bool { return w.opened == e.opened }); at >= 0 {
			w := d.wins[at] // a new one has taken its name
			w.cut, w.chunks = true, max(w.chunks, e.chunks)
			continue
		}
		for c := range e.chunks {
			remove(chunkKey(id, e.opened, c))
		}
	}
	d.ended = d.ended[:0]
	for _, w := range d.wins {
		if m.flushWindow(id, w, put, remove) {
			d.dirty = true
		}
	}
	if d.dirty {
		d.dirty = false
		put(key(keyDoor, id), m.encodeDoor(d))
	}
	if d.listDirty {
		d.listDirty = false
		if b := encodeList(d.list); b != nil {
			put(key(keyList, id), append([]byte{stateVersion}, b...))
		} else {
			remove(key(keyList, id))
		}
	}
}

// flushWindow hands out the chunks of reads that changed; it reports whether there are more, or fewer, than before.
func (m *Machine) flushWindow(door string, w *window, put func(key, value []byte), remove func(key []byte)) bool {
	if w.cut {
		w.cut, w.saved = false, 0
	}
	had, n := w.chunks, (len(w.reads)+chunkReads-1)/chunkReads
	if w.saved < len(w.reads) {
		for c := w.saved / chunkReads; c < n; c++ {
			put(chunkKey(door, w.opened, c), m.encodeChunk(w, c*chunkReads))
		}
		w.saved = len(w.reads)
	}
	for c := n; c < had; c++ {
		remove(chunkKey(door, w.opened, c))
	}
	w.chunks = n
	return n != had
}

// flushClocks hands out what runs on by itself; it may be older by a quarter of Refresh after a restart.
func (m *Machine) flushClocks(put func(key, value []byte)) {
	for i := range m.places {
		p := &m.places[i]
		if p.kept < 0 || p.cover > p.kept && p.cover-p.kept >= m.par.Refresh/4 {
			p.kept = p.cover
			put(key(keyPlace, m.plan.Places[i].Location), encodePlace(p))
		}
	}
	for id, d := range m.devices {
		if d.skew.dirty || d.skew.newest != d.skew.kept && d.skew.newest.sub(d.skew.kept) >= m.par.Refresh/4 {
			d.skew.dirty, d.skew.kept = false, d.skew.newest
			put(key(keyReader, id), encodeSkew(&d.skew))
		}
	}
	if m.ticked != m.kept && m.ticked.sub(m.kept) >= m.par.Refresh/4 {
		m.kept = m.ticked
		put([]byte{Prefix[0], Prefix[1], keyClock}, m.encodeClock())
	}
}

// Load takes back one key that Flush gave. All keys must be loaded before the first Step; they may come in any order.
// An error means that the value is damaged or of a later version: the key is then as if it had never been.
func (m *Machine) Load(k, value []byte) error {
	rest, ok := bytes.CutPrefix(k, []byte(Prefix))
	if !ok || len(rest) == 0 {
		return fmt.Errorf("state key %q is not of the reconciliation", k)
	}
	m.sorted = false
	d := &decoder{b: value}
	d.version()
	switch name := rest[1:]; rest[0] {
	case keyTag:
		m.loadTag(name, d)
	case keyDoor:
		m.loadDoor(string(name), d)
	case keyList:
		m.loadList(string(name), d)
	case keyReads:
		m.loadChunk(name, value, d)
	case keyReader:
		m.loadSkew(string(name), d)
	case keyPlace:
		m.loadPlace(string(name), d)
	case keyCounts:
		m.loadCounts(d)
	case keyClock:
		m.loadClock(d)
	default:
		d.fail("its kind is not known")
	}
	if d.err != nil {
		return fmt.Errorf("state %q cannot be taken back: %w", k, d.err)
	}
	return nil
}

// Restarted says, after Load, that time has passed in which nobody listened: no reader counts as alive until it says so.
func (m *Machine) Restarted() {
	m.ticked = 0
	for _, d := range m.devices {
		d.up, d.since = false, 0
	}
}

func key(kind byte, name string) []byte {
	return append([]byte{Prefix[0], Prefix[1], kind}, name...)
}

func tagKey(t devices.Tag) []byte {
	return t.AppendBytes([]byte{Prefix[0], Prefix[1], keyTag, byte(t.Kind())})
}

func chunkKey(door string, opened instant, chunk int) []byte {
	e := encoder{b: append(key(keyReads, door), 0)}
	e.uint(uint64(opened))
	e.uint(uint64(chunk))
	return e.b
}

func parseTag(b []byte) (devices.Tag, error) {
	if len(b) < 2 {
		return devices.Tag{}, fmt.Errorf("tag of %d bytes", len(b))
	}
	return devices.NewTag(devices.TagKind(b[0]), b[1:])
}

func (m *Machine) loadTag(name []byte, d *decoder) {
	id, err := parseTag(name)
	if err != nil {
		d.fail(err.Error())
		return
	}
	t := m.decodeTag(d)
	if d.err != nil {
		return
	}
	s := m.slot(id)
	had := &m.tags[s]
	t.id, t.listed, t.prev, t.next, t.passes = id, had.listed, had.prev, had.next, had.passes
	m.delist(s)
	t.listed, t.prev, t.next = inNone, none, none
	m.tags[s] = t
	m.enlist(s)
}

func (m *Machine) loadDoor(id string, d *decoder) {
	i := m.doorNamed(id)
	if i < 0 {
		return // a door that was taken out of the configuration
	}
	st, err := m.decodeDoor(d, i)
	if err != nil {
		return
	}
	had := &m.doors[i]
	had.closed, had.heard, had.begun, had.wins, had.doubts = st.closed, st.heard, st.begun, st.wins, st.doubts
	copy(had.cells, st.cells)
}

func (m *Machine) loadList(id string, d *decoder) {
	i := m.doorNamed(id)
	if d.err != nil || i < 0 {
		return
	}
	l, err := decodeList(d.b)
	if err != nil {
		d.fail(err.Error())
		return
	}
	m.doors[i].list = l
}

// loaded is a chunk of reads that waits for its window and for the chunks before it, because keys come in any order.
type loaded struct {
	door   string
	opened instant
	chunk  int
	value  []byte
}

func (m *Machine) loadChunk(name, value []byte, d *decoder) {
	door, rest, ok := bytes.Cut(name, []byte{0})
	k := &decoder{b: rest}
	opened, chunk := instant(k.uint()), k.count(maxChunks)
	if !ok || k.err != nil || len(k.b) > 0 {
		d.fail("its key is damaged")
	}
	if d.err == nil {
		m.loaded = append(m.loaded, loaded{string(door), opened, chunk, bytes.Clone(value)})
	}
}

// settleLoaded brings what Load took back into working order: reads into their windows, tags into their lists.
func (m *Machine) settleLoaded() {
	slices.SortFunc(m.loaded, func(a, b loaded) int {
		return cmp.Or(cmp.Compare(a.door, b.door), cmp.Compare(a.opened, b.opened), cmp.Compare(a.chunk, b.chunk))
	})
	for _, l := range m.loaded {
		i := m.doorNamed(l.door)
		if i < 0 {
			continue
		}
		at := slices.IndexFunc(m.doors[i].wins, func(w *window) bool { return w.opened == l.opened })
		if at < 0 {
			continue
		}
		w := m.doors[i].wins[at]
		d := &decoder{b: l.value}
		d.version()
		end := w.end
		m.decodeChunk(w, d) // what is damaged is lost; the other reads of the pass stay
		w.end, w.saved = max(end, w.end), len(w.reads)
	}
	m.loaded = nil
	for i := range m.doors {
		for _, w := range m.doors[i].wins {
			for _, told := range w.told {
				if t := w.trackOf(m.slot(told.tag)); t != nil {
					t.told = told.at
				}
			}
			w.told = nil
		}
	}
	m.sortLists()
}

func (m *Machine) loadSkew(id string, d *decoder) {
	s := decodeSkew(d)
	if d.err == nil {
		m.device(id).skew = s
	}
}

func (m *Machine) loadPlace(code string, d *decoder) {
	cover := d.duration()
	if i, ok := m.plan.PlaceOf(code); ok && d.err == nil {
		m.places[i].cover, m.places[i].kept = cover, cover
	}
}
