package intake

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Store keeps what is taken in.
type Store interface {
	// Take runs f in one transaction: durable with its events when Take returns nil, undone otherwise. Calls run one
	// after the other. f must not keep its Tx.
	Take(ctx context.Context, f func(Tx) error) error
	// Streams gives the streams of every edge that was heard.
	Streams(ctx context.Context) ([]Stream, error)
	// Status stores what an edge says of itself, and gives its Stream and the commands that it has not answered.
	Status(ctx context.Context, s wire.Status) (Stream, []wire.Command, error)
	// Silent notes that each edge is offline for which silent holds. It may ask more than once.
	Silent(ctx context.Context, silent func(edge string) bool) error
	// Policies gives the confidence that read points need, by read point.
	Policies(ctx context.Context) ([]Policy, error)
	// PutPolicy says, and DropPolicy forgets, from which confidence on a read point's movements post by themselves.
	// Errors: fault.Invalid; fault.NotFound.
	PutPolicy(ctx context.Context, p Policy) error
	DropPolicy(ctx context.Context, readPoint string) error
	// Quarantine lists entries of a state ("" = open), newest first.
	Quarantine(ctx context.Context, state EntryState) ([]Entry, error)
}

// Tx is one transaction. Its methods fail with an error that matches ErrRefused where the database will never take the
// value, and with any other error where a later attempt may go well.
type Tx interface {
	// Streams gives the streams of these edges; one with Epoch 0 for an edge that was never heard. Each edge is named once.
	Streams(edges []string) ([]Stream, error)
	PutStream(Stream) error
	Savepoint(f func() error) error // runs f; undoes what f did where it fails

	Goods
	Field
	Quality
	Parking
}

// Goods is the ledger's side of a transaction.
type Goods interface {
	// Expect says what the others will be asked for, so that it is read at once. It may be left out.
	Expect(tags []devices.Tag, locations []string) error
	Tagged(devices.Tag) (Tagged, error)
	KnownItem(item string) (bool, error)
	KnownLocation(code string) (bool, error)
	// Packed gives all that is packed in a tag, at any depth.
	Packed(in devices.Tag) ([]devices.Tag, error)
	// Threshold gives the confidence that a read point needs; false where it has no policy of its own.
	Threshold(readPoint string) (permille uint16, set bool, err error)
	Position(devices.Tag) (*ledger.Position, error) // nil where the ledger never had it
	Post(edge string, m ledger.Movement) error      // which the edge's stream shows to be new
	Seen(at ledger.Position, when time.Time) error  // the tag was seen where it is
}

// Tagged is what a tag is on.
type Tagged struct {
	Item, Lot string
	Quantity  int64  // that the tag stands for
	Unknown   Reason // set where that is not known: UnknownTag or UnknownItem
	Detail    string // of Unknown, for a person
}

// Field is the fleet's and the series' side.
type Field interface {
	PutPass(edge string, p wire.Pass) error
	PutAlarm(edge string, epoch, seq uint64, a wire.Alarm) error
	PutSample(edge string, s wire.Sample) error
	PutVerdict(edge string, v wire.Verdict) error
	PutAnswer(edge string, a wire.Answer) error // ends the command that it answers
}

// Quality is what quality staff ask for later.
type Quality interface {
	PutExcursion(edge string, x wire.Excursion) error // as it begins and as it ends
	PutEscalation(edge string, epoch, seq uint64, e wire.Escalation) error
	PutSumReset(edge string, epoch, seq uint64, r wire.SumReset) error
}

// Parking is the quarantine's side.
type Parking interface {
	Park(Entry) error // does nothing where an entry of the same Key is there
	Entry(id string) (Entry, error)
	CloseEntry(id string, state EntryState, by, note string, at time.Time) error
	Reason(id string, why Reason, detail string) error // why it is still open
}
