package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

const closedUntil = `SELECT until FROM period_close ORDER BY id DESC LIMIT 1`

// closed tells until when the books are closed, as this transaction read it first.
func (tx *Tx) closed() (time.Time, error) {
	b := &tx.books
	if b.periodRead {
		return b.closed, nil
	}
	var us int64
	if _, err := tx.row(closedUntil, nil, &us); err != nil {
		return time.Time{}, fmt.Errorf("cannot read until when the books are closed: %w", err)
	}
	b.periodRead, b.closed = true, timeOf(us)
	return b.closed, nil
}

// fit makes a movement fit the open period: one that an edge reports late is booked at its beginning. Errors:
// ledger.ErrClosed for others.
func (tx *Tx) fit(m *ledger.Movement, edge string) error {
	closed, err := tx.closed()
	if err != nil || !m.EffectiveAt.Before(closed) {
		return err
	}
	if edge == "" {
		return fmt.Errorf("%w until %s; %s is before that", ledger.ErrClosed, closed.UTC().Format(time.RFC3339),
			m.EffectiveAt.UTC().Format(time.RFC3339))
	}
	m.EffectiveAt = closed
	return nil
}

// stillOpen looks again, when nobody can close the books any more before this transaction is over: it has the head of the
// events, which closing takes too.
func (tx *Tx) stillOpen() error {
	was := tx.books.closed
	tx.books.periodRead = false
	now, err := tx.closed()
	if err == nil && now.After(was) && !tx.books.earliest.IsZero() && tx.books.earliest.Before(now) {
		err = fmt.Errorf("%w: the books were closed meanwhile", errAgain)
	}
	return err
}

// ClosePeriod closes the books until a time, or opens them again from an earlier one, which needs a reason. Where they are
// closed until then already it does nothing and gives how that was done. Errors: fault.Invalid.
func (l Ledger) ClosePeriod(ctx context.Context, until time.Time, actor, reason string) (c ledger.PeriodClose, err error) {
	err = l.Write(ctx, func(tx *Tx) error {
		was, err := tx.closed()
		switch {
		case err != nil:
			return err
		case until.After(tx.now):
			return fmt.Errorf("%w: %s has not come yet", fault.Invalid, until.UTC().Format(time.RFC3339))
		case until.Before(was) && reason == "":
			return fmt.Errorf("%w: the books are closed until %s; say why they are opened again", fault.Invalid, was.UTC().Format(time.RFC3339))
		}
		if stamp(until) == stamp(was) {
			done, err := list(ctx, tx, closeColumns, scanClose, 1)
			if err == nil && len(done) == 1 {
				c = done[0]
			}
			return err
		}
		c = ledger.PeriodClose{ID: uuid.Must(uuid.NewV7()).String(), Until: until, Actor: actor, At: tx.now, Reason: reason}
		if _, _, err := tx.head(0); err != nil {
			return err
		}
		err = tx.exec(`INSERT INTO period_close (id, until, actor, at, reason) VALUES (?, ?, ?, ?, ?)`,
			uid(c.ID), stamp(until), actor, stamp(tx.now), reason)
		if err != nil {
			return err
		}
		return tx.changed(ctx, "period", c.ID, facts{"until": was.UTC()}, facts{"until": until.UTC(), "reason": reason})
	})
	return c, err
}

const closeColumns = `SELECT id, until, actor, at, reason FROM period_close ORDER BY id DESC LIMIT ?`

func scanClose(scan func(...any) error) (c ledger.PeriodClose, err error) {
	var id uid
	var until, at int64
	err = scan(&id, &until, &c.Actor, &at, &c.Reason)
	c.ID, c.Until, c.At = string(id), timeOf(until), timeOf(at)
	return c, err
}

// Closes gives when the books were closed, newest first.
func (l Ledger) Closes(ctx context.Context) ([]ledger.PeriodClose, error) {
	return list(ctx, l.read, closeColumns, scanClose, maxPage)
}
