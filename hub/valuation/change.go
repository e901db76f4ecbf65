package valuation

import (
	"cmp"
	"slices"
	"time"
)

// Kind says what a row is.
type Kind string

// The kinds.
const (
	Receipt Kind = "receipt" // brought goods in
	Issue   Kind = "issue"   // took goods out
	Adjust  Kind = "adjust"  // changed what goods cost that came or went before, as was found out later
)

// Row is an entry as it is recorded.
type Row struct {
	Entry
	Kind     Kind
	CausedBy string // the movement, or change of method, that made it necessary
}

// History is an item from some moment on.
type History struct {
	Base   State
	Events []Event // after Base, in their order
}

// Booked are sums of entries as they are recorded.
type Booked map[Slot]Entry

// Change is what events that were not known before change.
type Change struct {
	Item   string
	Events []Event // that were not known, in their order
	From   Moment  // the first thing that may have changed
	Again  bool    // from there on things were known already: states, totals, and that the item is stuck are no longer right
	Rows   []Row
	Marks  []State // to keep, all after From
	End    State
	Stuck  string // why the item cannot be valued; "" where it can
}

// after reports whether something is known from a moment on.
func (h History) after(from Moment) bool {
	return len(h.Events) > 0 && !h.Events[len(h.Events)-1].Before(from)
}

// Reach gives how far back the history must go for reversals in it, or among fresh events after it, to be done, and
// whether that is further than it does.
func (h History) Reach(fresh []Event) (reach Moment, further bool) {
	reach = h.Base.At
	for _, events := range [][]Event{h.Events, fresh} {
		for i := range events {
			e := &events[i]
			if e.reversal() && h.Base.At.Before(e.Moment) && !h.Base.At.Before(e.Reverses) && !reach.Before(e.Reverses) {
				reach, further = e.Reverses, true
			}
		}
	}
	return reach, further
}

// Revalue folds an item's history again with fresh events from a moment on, and compares with what is booked from then on.
// See Fold for apart. Errors: fault.Invalid where an event cannot be valued.
func Revalue(item string, h History, fresh []Event, from Moment, booked Booked, apart int) (Change, error) {
	all := slices.Concat(h.Events, fresh)
	slices.SortFunc(all, func(a, b Event) int { return a.Compare(b.Moment) })
	folded, err := Fold(h.Base, all, apart)
	if err != nil {
		return Change{}, err
	}
	c := Change{Item: item, Events: fresh, From: from, Again: h.after(from), End: folded.End}
	for _, m := range folded.Marks {
		if !m.At.Before(from) {
			c.Marks = append(c.Marks, m)
		}
	}
	begin, _ := slices.BinarySearchFunc(folded.Entries, from, func(e Entry, from Moment) int { return e.moment().Compare(from) })
	c.Rows = rows(folded.Entries[begin:], fresh, booked)
	return c, nil
}

// rows makes the rows that bring what is booked to what it should be.
func rows(entries []Entry, fresh []Event, booked Booked) []Row {
	rows := make([]Row, 0, len(entries))
	var old []Entry
	for _, e := range entries {
		was, known := booked[e.Slot]
		if !known {
			rows = append(rows, Row{e, kindOf(&e), ""})
			continue
		}
		delete(booked, e.Slot)
		e.Quantity, e.Value = e.Quantity-was.Quantity, e.Value-was.Value
		old = append(old, e)
	}
	for _, was := range booked { // which came about by steps that are different now
		was.Quantity, was.Value = -was.Quantity, -was.Value
		old = append(old, was)
	}
	for _, e := range old {
		if e.Quantity != 0 || e.Value != 0 {
			rows = append(rows, Row{e, Adjust, ""})
		}
	}
	if len(old) > 0 {
		slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(a.moment().Compare(b.moment()), a.compare(b.Slot)) })
	}
	blame(rows, fresh)
	return rows
}

func kindOf(e *Entry) Kind {
	switch {
	case e.Quantity > 0:
		return Receipt
	case e.Quantity < 0:
		return Issue
	}
	return Adjust
}

// blame gives each row as its cause its own step where that is new, else the last fresh event that comes before it.
func blame(rows []Row, fresh []Event) {
	fresh = slices.SortedStableFunc(slices.Values(fresh), bySince)
	next, cause := 0, ""
	for i := range rows {
		r := &rows[i]
		for next < len(fresh) && !r.moment().Before(fresh[next].since()) {
			cause = fresh[next].Movement
			next++
		}
		if r.CausedBy = cause; cause == "" || r.Kind != Adjust {
			r.CausedBy = r.Step.Movement
		}
	}
}

// genesis is the change of method with which an item begins.
func genesis(item string, m Method) Event {
	return Event{Moment: Moment{time.Time{}, Key{Movement: NoMovement}}, Item: item, Method: m}
}

// NoMovement stands for a movement where there is none.
const NoMovement = "00000000-0000-0000-0000-000000000000"
