// Package audit is the log of what people and tokens changed, and tried to change: who, when, from where, what, what it was
// before and what it became. It is only ever added to.
//
// The entries are one chain: each has a number, one above the last, and a hash over itself and the hash before it. Whoever
// keeps the end of the chain (Verification.Seal) elsewhere can show that nothing from before was changed or taken out.
//
// Who acts comes with the context: the API puts a Trail there, and a store that changes something writes an entry of it in
// the same transaction (store.Tx.Audit). What no store wrote about, the API writes itself when the request is over.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"sync/atomic"
	"time"
)

// Outcome says how a change went.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // it was not permitted, or not right
	Failed  Outcome = "failed"  // the hub could not do it
)

// Entry is one change.
type Entry struct {
	Seq        int64           `json:"seq"` // 1, 2, 3 … without a gap
	At         time.Time       `json:"at"`
	User       string          `json:"user"`       // "" = nobody was signed in; "system" = the hub by itself
	Token      string          `json:"token"`      // id of the API token by which the user acted; "" = in person
	Address    string          `json:"address"`    // where the request came from; "" = a command on the hub's machine
	Request    string          `json:"request"`    // id of the request, as the access log has it
	Permission string          `json:"permission"` // what it took
	Action     string          `json:"action"`     // what was done, such as user.put or approveProposal
	Resource   string          `json:"resource"`   // kind of thing
	ID         string          `json:"id"`         // which one
	Before     json.RawMessage `json:"before"`     // null where it was not there
	After      json.RawMessage `json:"after"`      // null where it is no more
	Outcome    Outcome         `json:"outcome"`
	Hash       [32]byte        `json:"-"`
}

// Seal gives the entry's hash after the one before it. Times count to the microsecond.
func (e Entry) Seal(before [32]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte("tallydock audit 1\n"))
	h.Write(before[:])
	var n [8]byte
	for _, v := range []int64{e.Seq, e.At.UnixMicro()} {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	for _, text := range []string{
		e.User, e.Token, e.Address, e.Request, e.Permission, e.Action, e.Resource, e.ID, string(e.Before), string(e.After), string(e.Outcome),
	} {
		binary.BigEndian.PutUint64(n[:], uint64(len(text)))
		h.Write(n[:])
		h.Write([]byte(text))
	}
	return [32]byte(h.Sum(nil))
}

// Trail is who acts in a request, or by a command.
type Trail struct {
	User, Token, Address, Request, Permission, Action string
	At                                                time.Time // of the machine's clock; zero = the store's

	written atomic.Bool
}

// Wrote notes that an entry of this trail is in the log, if its transaction goes well.
func (t *Trail) Wrote() { t.written.Store(true) }

// Written reports whether Wrote was called.
func (t *Trail) Written() bool { return t.written.Load() }

type key struct{}

// With gives a context in which t acts.
func With(ctx context.Context, t *Trail) context.Context { return context.WithValue(ctx, key{}, t) }

// From gives the trail of a context; nil where it has none.
func From(ctx context.Context) *Trail {
	t, _ := ctx.Value(key{}).(*Trail)
	return t
}

// System is the user of what the hub does by itself.
const System = "system"

// Fill gives e what the context knows and e does not say; now is for contexts without a time.
func Fill(ctx context.Context, e Entry, now time.Time) Entry {
	t := From(ctx)
	if t == nil {
		t = &Trail{User: System}
	}
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&e.User, t.User},
		{&e.Token, t.Token},
		{&e.Address, t.Address},
		{&e.Request, t.Request},
		{&e.Permission, t.Permission},
		{&e.Action, t.Action},
	} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	if e.At.IsZero() {
		e.At = t.At
	}
	if e.At.IsZero() {
		e.At = now
	}
	if e.Outcome == "" {
		e.Outcome = Done
	}
	return e
}

// Filter chooses entries; an empty field chooses all.
type Filter struct {
	From, To     time.Time // From ≤ at < To
	User         string
	Resource, ID string
	Before       int64 // those with a lower Seq; 0 = from the newest
	Limit        int   // 1 to 1000; 0 = 100
}

// MaxPage is the longest page.
const MaxPage = 1000

// Store keeps the log. Safe for concurrent use.
type Store interface {
	// Add adds an entry in a transaction of its own; Fill has been done.
	Add(ctx context.Context, e Entry) error
	// Entries gives entries, the newest first; next is Before of the page after, 0 at the end.
	Entries(ctx context.Context, f Filter) (page []Entry, next int64, err error)
	// Verify follows the chain from its beginning.
	Verify(ctx context.Context) (Verification, error)
}
