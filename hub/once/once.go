// Package once keeps what changes were answered under the Idempotency-Key that came with them, so that one that is sent
// again is answered again and not done again.
//
// A key is new, in flight, or answered. Whoever begins one has Lease to answer it; after that it counts as given up, because
// its hub may be gone, and whoever sends it next begins it anew. What a change does to the ledger bears the key too, and is
// found there, so that it happens once even where its answer was lost.
package once

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Keep is how long answers are kept at least.
const Keep = 48 * time.Hour

// Lease is how long a change may take.
const Lease = 2 * time.Minute

// The errors of Store.Begin.
var (
	// ErrInFlight, a fault.Conflict: the request of this key is being worked on.
	ErrInFlight = fault.New(fault.Conflict, "a request with this Idempotency-Key is being worked on: ask again in a moment")
	// ErrReused, fault.Invalid: the key came with another request before.
	ErrReused = fault.New(fault.Invalid, "this Idempotency-Key came with another request before: make a new one for each change")
)

// Request is a change that came with a key.
type Request struct {
	Principal string   // who sent it; keys of others are others
	Key       string   // or a hash of it
	Hash      [32]byte // over its method, its path and what is in it
}

// Answer is what a change was answered.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Store keeps answers.
type Store interface {
	// Begin notes that a request is being worked on from now on. Where it was answered before it gives that answer, and nil
	// otherwise. Errors: ErrInFlight, ErrReused.
	Begin(ctx context.Context, r Request, now time.Time) (*Answer, error)
	// Finish keeps the answer to what Begin noted at a time; it does nothing where the request was begun anew since.
	Finish(ctx context.Context, r Request, begun time.Time, a Answer) error
	// Drop forgets what Begin noted at a time, because it was not done.
	Drop(ctx context.Context, r Request, begun time.Time) error
}
