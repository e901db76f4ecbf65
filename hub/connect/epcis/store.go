package epcis

import (
	"context"

	"github.com/tallydock/tallydock/hub/fault"
)

// ErrContradiction, a fault.Conflict: there is another event of the same Key that tells something else.
var ErrContradiction = fault.New(fault.Conflict, "another event has this id and tells something else")

// Store keeps events. epcistest has what every implementation must do.
type Store interface {
	// Put keeps events that were Recorded, all or none, and gives those that it did not have: one whose Key is there with
	// the same Hash, or twice in events, is passed over. Errors: ErrContradiction where the Hash differs.
	Put(ctx context.Context, events []Event) (fresh []Event, err error)
	// Find gives at most limit events within bounds, in order, from the first one after the cursor. It may give some that
	// are not within.
	Find(ctx context.Context, bounds Bounds, order Order, after Cursor, limit int) ([]Event, error)
	// ByID gives the event of an id, and the declarations that it was wrong, in the order of their recording; none where
	// there is none.
	ByID(ctx context.Context, id string) ([]Event, error)
}
