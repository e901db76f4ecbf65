package capture

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Store keeps what is captured.
type Store interface {
	// Capture runs f in one transaction: durable when it returns nil, undone otherwise. f may run more than once, and must
	// not keep its Tx.
	Capture(ctx context.Context, f func(Tx) error) error
	// Job reads one. Errors: fault.NotFound.
	Job(ctx context.Context, id string) (Job, error)
	// Jobs lists them, newest first, from the one before an id ("" = the newest).
	Jobs(ctx context.Context, before string, limit int) ([]Job, error)
}

// Tx is one transaction.
type Tx interface {
	ledger.Books
	intake.Parking
	Events
	Goods
	Names
	Undo
	// Savepoint runs f and undoes what it did where it fails.
	Savepoint(f func() error) error
	PutJob(Job) error
}

// Events are those that are kept.
type Events interface {
	// KnownEvents gives, for each, the hash of the event of its key that there is, here or before it in the list; nil for none.
	KnownEvents([]epcis.Event) ([]*string, error)
	// PutEvents keeps events of which none is known. Errors: fault.Invalid where a name in them is too long.
	PutEvents([]epcis.Event) error
	// EventsByID gives the event of an id and the declarations that it was wrong.
	EventsByID(id string) ([]epcis.Event, error)
	// OpenEntry gives the id of the open discrepancy of a key; "" where there is none.
	OpenEntry(key string) (string, error)
}

// Goods is what the catalogue and the books say of things.
type Goods interface {
	// Expect says what the others will be asked for, so that it is read at once.
	Expect(tags []devices.Tag, locations []string) error
	Tagged(devices.Tag) (intake.Tagged, error)
	// Class gives the item of a GTIN, with the units that one of it is, and the unit that the item is kept in.
	Class(gtin string) (intake.Tagged, string, error)
	// Packed gives all that is in a tag, at any depth.
	Packed(devices.Tag) ([]devices.Tag, error)
}

// Names is how the world outside names our things and places.
type Names interface {
	// Tags gives the tags that the ledger has under these names.
	Tags(names []string) (map[string]devices.Tag, error)
	// Known gives those of the tags of which the ledger or the catalogue knows anything.
	Known([]devices.Tag) (map[devices.Tag]bool, error)
	// PutNames keeps by which tags the ledger has the things of these names.
	PutNames(map[string]devices.Tag) error
	// Place gives our location that has one of these names, the first that is ours; "" for none.
	Place(names []string) (ledger.Location, error)
}

// Undo takes back what was booked.
type Undo interface {
	// Reverse takes a movement back by a new one. Errors: fault.Conflict where one of its tags has moved since, or it was
	// taken back already.
	Reverse(id, actor, source string) error
	// Aggregation reads what was packed, or taken out. Errors: fault.NotFound.
	Aggregation(id string) (ledger.Aggregation, error)
}

// Behaviour is what becomes of a document in which an event is wrong.
type Behaviour string

// The behaviours, by the words of the REST binding.
const (
	Rollback Behaviour = "rollback" // nothing of it is taken
	Proceed  Behaviour = "proceed"  // the other events are
)

// Job is what became of a capture.
type Job struct {
	ID       string // UUIDv7
	At       time.Time
	Finished time.Time
	Actor    string
	Behaviour
	Success  bool
	Captured int // events that are new
	Known    int // that were there already
	Parked   int // of Captured: events that could not be booked and are discrepancies
	Errors   []Problem
}

// Problem is one thing that was wrong with a document or an event.
type Problem struct {
	Event  string `json:"event,omitempty"` // its key, where it is one event's
	Path   string `json:"path,omitempty"`  // JSON path in the document
	What   string `json:"what"`
	Do     string `json:"do,omitempty"`
	Status int    `json:"status"` // as HTTP would have it: 400, 409
}
