package reconcile

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
)

// Expected is a list of what should go through a door: an advance shipping notice or a pick list. A list stays at its door,
// over any number of passes, until another one takes its place.
type Expected struct {
	ID        string
	Door      string
	Direction wire.Direction // In or Out; "" = either
	Tags      []devices.Tag  // single objects: an SSCC's or SGTIN's tag
	Items     []ExpectedItem // and how many of each item, whatever their serial numbers
}

// ExpectedItem is a number of units of one item.
type ExpectedItem struct {
	GTIN     string // 14 digits
	Quantity uint32
}

// maxExpected bounds a list.
const maxExpected = 20_000

// Verdict compares a pass with the list of its door: while something is in the door with what was read so far, and at last,
// Final, with what passed. Missing is what the list still lacks after this pass and those before.
type Verdict struct {
	Door, Pass, List              string
	At                            time.Time
	Final                         bool
	Direction                     wire.Direction // "" until Final
	Matched, Missing, Unexpected  uint32
	MissingTags, UnexpectedTags   []devices.Tag  // at most maxNamed of each
	MissingItems, UnexpectedItems []ExpectedItem // the same by item
	Signal                        Signal
}

// Signal is what a door's light should show.
type Signal string

// The signals of a door.
const (
	SignalOK         Signal = "ok"         // all that was read is on the list, and the list is complete
	SignalMissing    Signal = "missing"    // all that was read is on the list, which lacks more
	SignalUnexpected Signal = "unexpected" // something was read that is not on the list, or goes the wrong way
)

// maxNamed bounds the tags that a verdict names.
const maxNamed = 100

// expecting is an Expected at work.
type expecting struct {
	Expected
	named  map[devices.Tag]bool // Tags; false for those that have passed
	short  map[string]uint32    // of Items, what is still missing
	units  bool                 // Tags has logistic units
	told   Verdict              // the last that was told
	looked int                  // reads of the open window that it was told for
}

func newExpecting(e *Expected) *expecting {
	l := &expecting{Expected: *e, named: map[devices.Tag]bool{}, short: map[string]uint32{}}
	l.Tags, l.Items = e.Tags[:min(len(e.Tags), maxExpected)], e.Items[:min(len(e.Items), maxExpected)]
	for _, t := range l.Tags {
		l.named[t] = true
		l.units = l.units || isLogistic(t)
	}
	for _, it := range l.Items {
		l.short[it.GTIN] += it.Quantity
	}
	return l
}

// Headers of an SSCC's tag: SSCC-96 and SSCC+.
const (
	headerSSCC96   = 0x31
	headerSSCCPlus = 0xF9
)

// isLogistic reports whether a tag is a pallet's or a parcel's own.
func isLogistic(t devices.Tag) bool {
	id := t.Bytes()
	return t.Kind() == devices.TagEPC && (id[0] == headerSSCC96 || id[0] == headerSSCCPlus)
}

// expect puts a list at its door, or takes the one there away where the new one is empty.
func (m *Machine) expect(e *Expected, now instant) {
	m.advance(now)
	i := m.doorNamed(e.Door)
	if i < 0 {
		return
	}
	d := &m.doors[i]
	d.listDirty = true
	if len(e.Tags)+len(e.Items) == 0 {
		d.list = nil
		return
	}
	d.list = newExpecting(e)
}

// watchLists tells how the passes that are open now stand against their doors' lists.
func (m *Machine) watchLists(now instant) {
	for i := range m.doors {
		d := &m.doors[i]
		if d.list == nil || len(d.wins) == 0 {
			continue
		}
		w := d.wins[len(d.wins)-1]
		if w.pass == "" || len(w.reads) == d.list.looked {
			continue
		}
		d.list.looked = len(w.reads)
		v := d.list.compare(m.plausible(i, w), "")
		v.Door, v.Pass, v.At = m.plan.Doors[i].ID, w.pass, now.time()
		if !v.same(&d.list.told) {
			d.list.told = v
			m.tell(Event{Verdict: &v})
		}
	}
}

// plausible lists the tags that look like passing so far, in their order.
func (m *Machine) plausible(door int, w *window) []devices.Tag {
	least := m.plan.Doors[door].MinReads
	var out []devices.Tag
	for i := range w.tracks {
		t := &w.tracks[i]
		if t.reads < least || !m.stands(door, t) || t.known > 0 && w.peak != 0 && float64(w.peak-t.peak)/100 > 2*m.par.Faint {
			continue
		}
		out = append(out, m.tags[t.slot].id)
	}
	slices.SortFunc(out, func(a, b devices.Tag) int { return bytes.Compare(a.Bytes(), b.Bytes()) })
	return out
}

// settleList tells the final verdict on a pass, and takes what passed off the door's list.
func (m *Machine) settleList(door int, pass string, at instant, dir wire.Direction, members []course) {
	d := &m.doors[door]
	if d.list == nil {
		return
	}
	tags := make([]devices.Tag, len(members))
	for i := range members {
		tags[i] = m.tags[members[i].slot].id
	}
	v := d.list.compare(tags, dir)
	v.Door, v.Pass, v.At, v.Final = m.plan.Doors[door].ID, pass, at.time(), true
	if dir == wire.In || dir == wire.Out {
		d.list.take(tags)
		d.listDirty = true
	}
	d.list.told, d.list.looked = Verdict{}, 0
	m.tell(Event{Verdict: &v})
}

// place is where a tag stands in a list.
type place uint8

const (
	asTag   place = iota // it is named
	asItem               // its item is missing
	before               // it has passed before
	aside                // a pallet's own tag, where the list counts goods only
	offList              // it is not on the list
)

// placeOf finds a tag in the list, beside which short says what is missing of each item.
func (l *expecting) placeOf(t devices.Tag, short map[string]uint32) (place, string) {
	if left, named := l.named[t]; named && left {
		return asTag, ""
	} else if named {
		return before, ""
	}
	gtin, ok := epc.GTIN14(t)
	switch {
	case ok && short[gtin] > 0:
		return asItem, gtin
	case !l.units && isLogistic(t):
		return aside, ""
	default:
		return offList, gtin
	}
}

// compare holds tags against the list; dir is "" while it is not known.
func (l *expecting) compare(tags []devices.Tag, dir wire.Direction) Verdict {
	v := Verdict{List: l.ID, Direction: dir}
	short, extra, matched := maps.Clone(l.short), map[string]uint32{}, map[devices.Tag]bool{}
	for _, t := range tags {
		switch at, gtin := l.placeOf(t, short); at {
		case asTag:
			v.Matched++
			matched[t] = true
		case asItem:
			v.Matched++
			short[gtin]--
		case offList:
			v.Unexpected++
			if len(v.UnexpectedTags) < maxNamed {
				v.UnexpectedTags = append(v.UnexpectedTags, t)
			}
			if gtin != "" {
				extra[gtin]++
			}
		}
	}
	v.UnexpectedItems = itemsOf(extra)
	v.lacks(l, matched, short)
	wrong := l.Direction != "" && (dir == wire.In || dir == wire.Out) && dir != l.Direction
	switch {
	case v.Unexpected > 0 || wrong:
		v.Signal = SignalUnexpected
	case v.Missing > 0:
		v.Signal = SignalMissing
	default:
		v.Signal = SignalOK
	}
	return v
}

// lacks notes what the list is still short of.
func (v *Verdict) lacks(l *expecting, matched map[devices.Tag]bool, short map[string]uint32) {
	for _, t := range l.Tags {
		if !l.named[t] || matched[t] {
			continue
		}
		v.Missing++
		if len(v.MissingTags) < maxNamed {
			v.MissingTags = append(v.MissingTags, t)
		}
	}
	v.MissingItems = itemsOf(short)
	for _, it := range v.MissingItems {
		v.Missing += it.Quantity
	}
}

func itemsOf(n map[string]uint32) []ExpectedItem {
	var out []ExpectedItem
	for gtin, quantity := range n {
		if quantity > 0 {
			out = append(out, ExpectedItem{gtin, quantity})
		}
	}
	slices.SortFunc(out, func(a, b ExpectedItem) int { return strings.Compare(a.GTIN, b.GTIN) })
	return out
}

// take takes what passed off the list.
func (l *expecting) take(tags []devices.Tag) {
	for _, t := range tags {
		switch at, gtin := l.placeOf(t, l.short); at {
		case asTag:
			l.named[t] = false
		case asItem:
			l.short[gtin]--
		}
	}
}

func (v *Verdict) same(o *Verdict) bool {
	return v.Pass == o.Pass && v.Matched == o.Matched && v.Missing == o.Missing && v.Unexpected == o.Unexpected && v.Signal == o.Signal
}

// savedList is the stored form of a list.
type savedList struct {
	Expected
	Passed []devices.Tag
	Short  []ExpectedItem
}

// encodeList writes a list; nil where the door has none.
func encodeList(l *expecting) []byte {
	if l == nil {
		return nil
	}
	s := savedList{Expected: l.Expected, Short: itemsOf(l.short)}
	for _, t := range l.Tags {
		if !l.named[t] {
			s.Passed = append(s.Passed, t)
		}
	}
	b, err := json.Marshal(s)
	if err != nil { // it holds texts and numbers
		return nil
	}
	return b
}

func decodeList(b []byte) (*expecting, error) {
	var s savedList
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	l := newExpecting(&s.Expected)
	for _, t := range s.Passed {
		l.named[t] = false
	}
	clear(l.short)
	for _, it := range s.Short {
		l.short[it.GTIN] = it.Quantity
	}
	return l, nil
}
