package valuation

import (
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
)

// Known is a point in both times: what the books say of stock at At, with what was recorded until Recorded. A zero time is
// no bound.
type Known struct {
	At       time.Time
	Recorded time.Time
	Basis    Basis // of At; "" = ByBooks
}

// Worth is what an item is worth in an area.
type Worth struct {
	Item, Area string
	Quantity   int64
	Value      int64
}

// Unit is what one unit is worth, rounded half to even; 0 where there is none.
func (w Worth) Unit() int64 {
	if w.Quantity == 0 || (w.Quantity > 0) != (w.Value > 0) {
		return 0
	}
	n, err := ratio{max(w.Value, -w.Value), max(w.Quantity, -w.Quantity)}.of(1)
	if err != nil {
		return 0
	}
	return n
}

// LayerLeft is a layer with what is left of it.
type LayerLeft struct {
	Key
	Area            string
	At              time.Time // when it came in
	Quantity, Value int64     // when it did
	Left, LeftValue int64
}

// Basis says which time puts a cost into a period.
type Basis string

// The bases.
const (
	ByBooks  Basis = "booked"    // when it is booked: as ByEffect, but what was closed stays as it was
	ByEffect Basis = "effective" // when it took effect, by what is known today
)

// CostFilter chooses costs of a period.
type CostFilter struct {
	From, To time.Time // from the first on until before the second
	Basis    Basis
	Outside  ledger.Location // to whom goods went, or from whom; "" = all but other areas
	Item     string          // "" = all
}

// Cost is what goods cost that left an area for the outside within a period, less those that came back from there.
type Cost struct {
	Item, Area string
	Outside    ledger.Location
	Quantity   int64
	Value      int64
	Adjusted   int64 // of Value: of what left before, or as was found out later
}

// Recorded is a Row in the books.
type Recorded struct {
	Row
	Round      int64
	RecordedAt time.Time
	BookedAt   time.Time // when it took effect, or the first open moment then
}

// Used is how much of a layer a line used; of no layer (a zero Layer) where goods are yet to come.
type Used struct {
	Of, Layer       Key
	Quantity, Value int64
}

// Explanation says how a line came to its value in an area.
type Explanation struct {
	Event
	Area   string
	Before Worth // what was there just before, as known today
	// Rows add up to Quantity and Value as known today; in the order in which they were recorded.
	Rows            []Recorded
	Quantity, Value int64
	Uses            []Used  // of which layers the goods were
	UsedBy          []Used  // who used the layer that this is
	Late            []Cause // what was heard of late and made rows necessary
}

// Cause is an event that was heard of late.
type Cause struct {
	Moment
	Round int64
}

// MethodChange says what an item is valued by from a moment on.
type MethodChange struct {
	ID         string
	Item       string
	Method     Method
	At         time.Time
	RecordedAt time.Time
	Actor      string
}

// StuckItem is an item that cannot be valued until something is done.
type StuckItem struct {
	Item   string
	Since  time.Time
	Reason string
}

// Behind is how much waits to be valued.
type Behind struct {
	Events int64
	Since  time.Time // when the oldest was recorded; zero where none waits
}

// Mismatch is an area in which figures that should be the same are not.
type Mismatch struct {
	Item, Area     string
	Quantity       int64 // as kept
	Value          int64
	RowsQuantity   int64 // as rows add up
	RowsValue      int64
	LedgerQuantity int64 // of the ledger's balances, less what waits to be valued
}

// Verification is what Verify found.
type Verification struct {
	Items   int
	Events  int64    // of the ledger's lines
	Waiting int64    // of them and of other events, that are not valued yet
	Wrong   []string // what does not fit; not all of it where it is much
}

// EntryFilter chooses entries of an item.
type EntryFilter struct {
	Item     string
	Area     *string   // nil = all
	From, To time.Time // from the first on until before the second, by Basis; a zero time is no bound
	Basis    Basis     // "" = ByBooks
	Before   string    // cursor: next of the page before; "" = from the latest
	Limit    int
}
