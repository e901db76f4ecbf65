package reconcile

import (
	"bytes"
	"cmp"
	"slices"
)

const none int32 = -1

// Lists that a tag can be in besides those of the places.
const (
	inLoose int32 = -1
	inNone  int32 = -2
)

// list is a chain of tags through the table of tags, so that moving one to the end costs no search and no memory.
type list struct {
	head, tail int32
	n          int
}

var emptyList = list{head: none, tail: none}

func (l *list) push(tags []tag, s int32) {
	tags[s].prev, tags[s].next = l.tail, none
	if l.tail == none {
		l.head = s
	} else {
		tags[l.tail].next = s
	}
	l.tail = s
	l.n++
}

func (l *list) remove(tags []tag, s int32) {
	t := &tags[s]
	if t.prev == none {
		l.head = t.next
	} else {
		tags[t.prev].next = t.next
	}
	if t.next == none {
		l.tail = t.prev
	} else {
		tags[t.next].prev = t.prev
	}
	t.prev, t.next = none, none
	l.n--
}

func (l *list) toEnd(tags []tag, s int32) {
	if l.tail != s {
		l.remove(tags, s)
		l.push(tags, s)
	}
}

// enlist puts a tag at the end of the list that its place asks for.
func (m *Machine) enlist(s int32) {
	m.delist(s)
	t := &m.tags[s]
	t.listed = m.listOf(t)
	m.chain(t.listed).push(m.tags, s)
}

func (m *Machine) delist(s int32) {
	if t := &m.tags[s]; t.listed != inNone {
		m.chain(t.listed).remove(m.tags, s)
		t.listed = inNone
	}
}

// listOf names the list that a tag belongs into: that of its place while it is seen there, else the loose tags'.
func (m *Machine) listOf(t *tag) int32 {
	if t.place >= 0 && !t.unseen && m.plan.Places[t.place].Devices != nil {
		return t.place
	}
	return inLoose
}

func (m *Machine) chain(listed int32) *list {
	if listed == inLoose {
		return &m.loose
	}
	return &m.places[listed].here
}

// sortLists brings all lists into the order of their reads after Load.
func (m *Machine) sortLists() {
	m.sorted = true
	slots := make([]int32, 0, m.index.n)
	m.index.each(func(s int32) bool {
		slots = append(slots, s)
		return true
	})
	slices.SortFunc(slots, func(a, b int32) int {
		x, y := &m.tags[a], &m.tags[b]
		return cmp.Or(cmp.Compare(m.listOf(x), m.listOf(y)), cmp.Compare(x.seen, y.seen), cmp.Compare(x.last, y.last),
			compareTags(x, y))
	})
	for _, s := range slots {
		m.enlist(s)
	}
}

func compareTags(x, y *tag) int {
	if x.id.Kind() != y.id.Kind() {
		return int(x.id.Kind()) - int(y.id.Kind())
	}
	return bytes.Compare(x.id.Bytes(), y.id.Bytes())
}
