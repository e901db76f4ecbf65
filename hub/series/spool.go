package series

import (
	"context"
	"time"
)

// Spool holds samples that are durable in the hub's database and wait for the one that keeps them. They are put there in
// the transaction that takes them from their edge. Its methods are safe for concurrent use.
type Spool interface {
	// Next gives the first samples, n at most, whose Row is above after, by Row. Rows rise in the order of putting, but
	// transactions may end in another order: a sample may turn up below one that Next gave before.
	Next(ctx context.Context, after int64, n int) ([]Spooled, error)
	// Done removes samples. Rows that are not there are no error.
	Done(ctx context.Context, rows []int64) error
	// Refuse moves samples, in one transaction, to where operators see them with the reason and can put them back. Rows
	// that are not there are no error.
	Refuse(ctx context.Context, refused []Refused) error
	// Backlog tells how much waits, about.
	Backlog(ctx context.Context) (Backlog, error)
}

// Spooled is a sample in a Spool.
type Spooled struct {
	Row int64 // above 0
	Sample
}

// Refused is a sample of a Spool that the database will never take.
type Refused struct {
	Row    int64
	Reason string
}

// Backlog is what waits in a Spool.
type Backlog struct {
	Samples int64
	Age     time.Duration // since the oldest was put there; 0 where none waits
}
