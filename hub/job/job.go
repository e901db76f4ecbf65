// Package job is work that is put off into the database: exports, messages to the outside world. Whichever hub has time
// does it.
//
// The life of a job:
//
//	waiting ──claim──> running ──done──> done
//	   ^                  │ ├──give up after MaxAttempts──> dead
//	   └──fails, later────┘ └──its hub is gone: whoever claims it next goes on
//
// A job is done at least once: a hub that dies after the work and before it said so has it done again. A handler must
// therefore be able to do a thing twice; Job.ID tells the outside world that it is the same.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// State is where a job stands.
type State string

// The states of a job.
const (
	Waiting State = "waiting" // for its time
	Running State = "running" // a hub does it
	Done    State = "done"
	Dead    State = "dead" // it failed too often
)

// MaxAttempts is how often a job is tried.
const MaxAttempts = 12

// Job is one piece of work.
type Job struct {
	ID      string // UUIDv7
	Kind    string // which handler does it
	Key     string // while a job of this kind and key is open no other is made; "" = none
	Payload json.RawMessage
	State   State
	MadeAt  time.Time
	// RunAt is from when on it may be claimed: while it runs, when its hub must have said that it still works on it.
	RunAt    time.Time
	Attempts int    // this one counted
	Error    string // of the last attempt
}

// Store keeps jobs. Each method is one transaction; times are of the database's clock.
type Store interface {
	// Claim gives at most limit jobs of these kinds that are due, the longest due first, to this caller alone for as long
	// as hold.
	Claim(ctx context.Context, kinds []string, limit int, hold time.Duration) ([]Job, error)
	// Hold keeps a claimed job for as long again. Errors: fault.Conflict where it is another's by now.
	Hold(ctx context.Context, j Job, hold time.Duration) error
	// End says what became of a claimed job: nil is done, any other error a failure, which is tried again after a while,
	// or not, where again is negative. Errors: fault.Conflict where it is another's by now.
	End(ctx context.Context, j Job, failure error, again time.Duration) error
}

// errFinal marks failures that another attempt cannot mend.
type errFinal struct{ error }

func (e errFinal) Unwrap() error { return e.error }

// Final marks a failure that another attempt cannot mend.
func Final(err error) error { return errFinal{err} }

// Backoff is how long a job that failed waits: 2 s, and twice as long each time, at most an hour; negative where it is not
// tried again.
func Backoff(attempts int, failure error) time.Duration {
	var final errFinal
	if attempts >= MaxAttempts || errors.As(failure, &final) || errors.Is(failure, fault.Invalid) {
		return -1
	}
	return min(time.Second<<max(attempts, 1), time.Hour)
}
