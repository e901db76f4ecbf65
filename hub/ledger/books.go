package ledger

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// Balance is how much of an item, lot and state is at a place.
type Balance struct {
	Item, Lot string
	Location  Location
	State     State
	Quantity  int64
	Reserved  int64 // of Quantity, promised to somebody; only of what is Available
}

// Free is what may be promised or taken.
func (b Balance) Free() int64 { return b.Quantity - b.Reserved }

// BalanceFilter chooses balances; an empty field chooses all, but of the places within the company's sites.
type BalanceFilter struct {
	Item, Lot string
	Location  Location
	Sites     []string // those at places of these; nil = of all
	After     string   // cursor: the balances after it
	Limit     int      // 1 to 500; 0 = 100
}

// Books are what a Command reads and writes, in one transaction with others.
type Books interface {
	// Made gives the id of what was recorded under a key; "" where nothing was.
	Made(key string) (string, error)
	// Balances gives what of an item is, or ever was, at a place, by lot and state.
	Balances(item string, at Location) ([]Balance, error)
	// Expiry gives when the item's lots expire; those that do not, or of which nobody said so, are left out.
	Expiry(item string) (map[string]time.Time, error)
	// Position gives where a tag is; nil where the ledger never had it.
	Position(devices.Tag) (*Position, error)
	// Post records a movement. Errors: ErrDuplicate; ErrClosed.
	Post(Movement) error
	// Contents gives what is directly in a parent.
	Contents(parent devices.Tag) ([]devices.Tag, error)
	// Parent gives what a child is directly in; the zero Tag for nothing.
	Parent(child devices.Tag) (devices.Tag, error)
	// PutAggregation records what was put into a parent, or taken out.
	PutAggregation(Aggregation) error
	// Reservation reads one. Errors: fault.NotFound.
	Reservation(id string) (Reservation, error)
	// PutReservation stores one, new or changed, and what it holds of balances.
	PutReservation(Reservation) error
}

// Needs are what a Command will read, so that many commands can be done at once.
type Needs struct {
	Keys         []string // of movements and reservations that it makes
	Tags         []devices.Tag
	Places       []ItemAt
	Reservations []string // by id
}

// ItemAt is an item at a place.
type ItemAt struct {
	Item string
	At   Location
}

// Command is what a person or a program asks of the ledger. One that fails has written nothing to the books. It may be
// done more than once, each time from the beginning.
type Command interface {
	// Check reports what cannot be right whatever the books say. Errors: fault.Invalid.
	Check() error
	Needs() Needs
	Do(Books) error
}

// once fails with ErrDuplicate where something was recorded under a key.
func once(b Books, key string) error {
	id, err := b.Made(key)
	if err == nil && id != "" {
		err = fmt.Errorf("%s: %w", key, ErrDuplicate)
	}
	return err
}

// ErrShort, a fault.Conflict: there is not as much as was asked for.
var ErrShort = fault.New(fault.Conflict, "not enough is available")

// ErrClosed, a fault.Conflict: it happened in a period of which the books are closed.
var ErrClosed = fault.New(fault.Conflict, "the books are closed")

// short says how much there is.
func short(item string, asked, free int64, where string) error {
	return fmt.Errorf("%w: %d of item %s are asked for, %d are free at %s", ErrShort, asked, item, max(free, 0), where)
}
