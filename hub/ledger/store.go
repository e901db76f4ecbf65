package ledger

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// ErrDuplicate, a fault.Conflict: a movement of this key is there already; nothing was changed.
var ErrDuplicate = fault.New(fault.Conflict, "recorded already")

// Position is where the ledger has a tag now.
type Position struct {
	Tag      devices.Tag
	Item     string
	Lot      string
	Quantity int64 // that the tag stands for, in the item's smallest unit
	Location Location
	State    State
	Movement string    // id of the movement that put it there
	Source   string    // who said so
	Since    time.Time // effective time of that movement
	SeenAt   time.Time // last movement or sighting
}

// Mismatch is a balance, or a tag's place, that the entries do not explain.
type Mismatch struct {
	Item, Lot string
	Location  Location
	State     State
	Tag       string // "" for a balance
	Balance   int64  // as kept
	Entries   int64  // as the entries add up
}

// Store keeps the ledger. Movements are posted whole, with balances, tag positions and the stock event, or not at all.
type Store interface {
	// Post records m. Errors: ErrDuplicate.
	Post(ctx context.Context, m Movement) error
	// Movement reads one with its entries. Errors: fault.NotFound.
	Movement(ctx context.Context, id string) (Movement, error)
	// Reverse takes a movement back by a new one and gives that. Errors: fault.NotFound; fault.Conflict where it was
	// taken back already, is itself a reversal, or where one of its tags has moved since.
	Reverse(ctx context.Context, id, actor string) (Movement, error)
	// Do does commands, each by itself: one that fails leaves nothing behind and does not hinder the others. It gives the
	// first error of each, nil where it was done.
	Do(ctx context.Context, c Command) error
	// Check compares every balance with its entries, and every tag's place with the tag's entries.
	Check(ctx context.Context) ([]Mismatch, error)
	// Rebuild sets every balance to what its entries add up to, and gives what it changed.
	Rebuild(ctx context.Context) ([]Mismatch, error)
}
