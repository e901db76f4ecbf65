package valuation

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
)

// Book is one of the three books that entries are in.
type Book uint8

// The books.
const (
	Stock  Book = iota // what came into an area's value and went out of it
	Layers             // what came in as goods of one cost, first in, first out
	Uses               // of which layer goods were; of no layer where they are yet to come
)

// Slot is what entries add up by.
type Slot struct {
	Book  Book
	Step  Key // of the event at which it came about
	Of    Key // whose cost it is
	Area  string
	Layer Key // of Uses
}

func (s Slot) compare(o Slot) int {
	return cmp.Or(cmp.Compare(s.Book, o.Book), s.Step.Compare(o.Step), s.Of.Compare(o.Of), cmp.Compare(s.Area, o.Area),
		s.Layer.Compare(o.Layer))
}

// Entry says how one event changed what one line brought or cost.
type Entry struct {
	Slot
	At       time.Time       // of the step
	Outside  ledger.Location // the line's other side; "" for another area
	Quantity int64           // more than 0 where it came in; of Uses what was used
	Value    int64           // the same way
}

// moment is when the entry came about.
func (e *Entry) moment() Moment { return Moment{e.At, e.Step} }

// tally adds entries up.
type tally map[Slot]Entry

func (t tally) add(e Entry, sign int64) {
	sum, ok := t[e.Slot]
	if !ok {
		sum = Entry{Slot: e.Slot, At: e.At, Outside: e.Outside}
	}
	sum.Quantity += sign * e.Quantity
	sum.Value += sign * e.Value
	t[e.Slot] = sum
}

// sorted gives the sums that are not zero.
func (t tally) sorted() []Entry {
	maps.DeleteFunc(t, func(_ Slot, e Entry) bool { return e.Quantity == 0 && e.Value == 0 })
	return slices.SortedFunc(maps.Values(t), func(a, b Entry) int { return a.compare(b.Slot) })
}
