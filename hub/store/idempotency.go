package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/once"
)

// Idempotency keeps what changes were answered; it is a once.Store. A status of 0 is a request in flight.
type Idempotency struct{ *DB }

var _ once.Store = Idempotency{}

// Begin notes that a request is being worked on. Errors: once.ErrInFlight, once.ErrReused.
func (s Idempotency) Begin(ctx context.Context, r once.Request, now time.Time) (known *once.Answer, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		known = nil
		done, err := tx.ExecContext(ctx, `INSERT INTO idempotency (principal, key, request, status, header, body, at) VALUES (?, ?, ?, 0, '', ?, ?)
			ON CONFLICT (principal, key) DO NOTHING`, r.Principal, r.Key, r.Hash[:], []byte{}, stamp(now))
		if err != nil {
			return fmt.Errorf("cannot note an Idempotency-Key: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 1 {
			return err
		}
		known, err = tx.answered(r, now)
		return err
	})
	return known, err
}

// answered gives the answer to a request of a known key, or takes over one that was given up.
func (tx *Tx) answered(r once.Request, now time.Time) (*once.Answer, error) {
	var request, body []byte
	var header string
	var status int
	var at int64
	found, err := tx.row(tx.lock(`SELECT request, status, header, body, at FROM idempotency WHERE principal = ? AND key = ?`),
		[]any{r.Principal, r.Key}, &request, &status, &header, &body, &at)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read an Idempotency-Key: %w", err)
	case !found:
		return nil, fmt.Errorf("%w: an Idempotency-Key was dropped meanwhile", errAgain)
	case string(request) != string(r.Hash[:]):
		return nil, once.ErrReused
	case status == 0 && now.Sub(timeOf(at)) < once.Lease:
		return nil, once.ErrInFlight
	case status == 0:
		return nil, tx.exec(`UPDATE idempotency SET at = ? WHERE principal = ? AND key = ?`, stamp(now), r.Principal, r.Key)
	}
	a := once.Answer{Status: status, Body: body}
	return &a, json.Unmarshal([]byte(header), &a.Header)
}

// Finish keeps the answer to what was begun at a time.
func (s Idempotency) Finish(ctx context.Context, r once.Request, begun time.Time, a once.Answer) error {
	header, err := json.Marshal(a.Header)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		return tx.exec(`UPDATE idempotency SET status = ?, header = ?, body = ? WHERE principal = ? AND key = ? AND at = ? AND status = 0`,
			int64(a.Status), string(header), nonNil(a.Body), r.Principal, r.Key, stamp(begun))
	})
}

// Drop forgets what was begun at a time and not done.
func (s Idempotency) Drop(ctx context.Context, r once.Request, begun time.Time) error {
	return s.Write(ctx, func(tx *Tx) error {
		return tx.exec(`DELETE FROM idempotency WHERE principal = ? AND key = ? AND at = ? AND status = 0`, r.Principal, r.Key, stamp(begun))
	})
}

// Forget forgets the answers from before a time, at most limit, and gives how many.
func (s Idempotency) Forget(ctx context.Context, before time.Time, limit int) (gone int64, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE (principal, key) IN
			(SELECT principal, key FROM idempotency WHERE at < ? ORDER BY at LIMIT ?)`, stamp(before), limit)
		if err == nil {
			gone, err = done.RowsAffected()
		}
		return err
	})
	return gone, err
}

// Recover forgets what was in flight when a hub ended that had the database for itself.
func (s Idempotency) Recover(ctx context.Context) error {
	if !s.dialect.Alone {
		return nil
	}
	return s.Write(ctx, func(tx *Tx) error { return tx.exec(`DELETE FROM idempotency WHERE status = 0`) })
}
