package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

const reservationColumns = `SELECT id, key, item, quantity, purpose, actor, at, expires, state FROM reservation `

func scanReservation(scan func(...any) error) (r ledger.Reservation, err error) {
	var id uid
	var at, expires int64
	err = scan(&id, &r.Key, &r.Item, &r.Quantity, &r.For, &r.Actor, &at, &expires, &r.State)
	r.ID, r.At, r.Expires = string(id), timeOf(at), timeOf(expires)
	return r, err
}

// fillHolds reads the holds of reservations.
func fillHolds(ctx context.Context, q querier, all []ledger.Reservation) error {
	index, ids := map[uid]int{}, make([]uid, len(all))
	for i, r := range all {
		ids[i] = uid(r.ID)
		index[ids[i]] = i
	}
	for _, part := range lists(ids) {
		err := each(ctx, q, `SELECT reservation, location, lot, quantity, taken FROM reservation_hold
			WHERE reservation IN (`+marks(len(part), "?")+`) ORDER BY reservation, location, lot`, func(scan func(...any) error) error {
			var id uid
			var h ledger.Hold
			err := scan(&id, &h.Location, &h.Lot, &h.Quantity, &h.Taken)
			if i, ok := index[id]; ok {
				all[i].Holds = append(all[i].Holds, h)
			}
			return err
		}, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot read what reservations hold: %w", err)
		}
	}
	return nil
}

// fetchReservations reads reservations, and keeps others from changing them.
func (b *books) fetchReservations(tx *Tx, ids []string) error {
	var ask []uid
	for _, id := range ids {
		if _, known := b.reservations[id]; !known && uuid.Validate(id) == nil {
			ask = append(ask, uid(id))
		}
	}
	slices.Sort(ask)
	for _, part := range lists(slices.Compact(ask)) {
		found, err := list(tx.ctx, tx, tx.lock(reservationColumns+`WHERE id IN (`+marks(len(part), "?")+`) ORDER BY id`), scanReservation, anys(part)...)
		if err == nil {
			err = fillHolds(tx.ctx, tx, found)
		}
		if err != nil {
			return fmt.Errorf("cannot read reservations: %w", err)
		}
		for i := range found {
			b.keep(&found[i])
		}
	}
	return nil
}

func (b *books) keep(r *ledger.Reservation) {
	if b.reservations == nil {
		b.reservations = map[string]*ledger.Reservation{}
	}
	b.reservations[r.ID] = r
}

// Reservation reads one. Errors: fault.NotFound.
func (tx *Tx) Reservation(id string) (ledger.Reservation, error) {
	if err := tx.books.fetchReservations(tx, []string{id}); err != nil {
		return ledger.Reservation{}, err
	}
	r := tx.books.reservations[id]
	if r == nil {
		return ledger.Reservation{}, fmt.Errorf("reservation %s: %w", id, fault.NotFound)
	}
	v := *r
	v.Holds = slices.Clone(r.Holds)
	return v, nil
}

// PutReservation stores a reservation, and adds to its balances what it holds more, or less, than before. Errors:
// ledger.ErrDuplicate for a new one with a known key.
func (tx *Tx) PutReservation(r ledger.Reservation) error {
	b := &tx.books
	before := b.reservations[r.ID]
	if before == nil {
		if err := tx.key("reservation", ledger.ReservationKey(r.Key), r.ID); err != nil {
			return err
		}
	} else {
		b.hold(*before, -1)
	}
	b.hold(r, 1)
	b.keep(&r)
	if !slices.Contains(b.reserved, r.ID) {
		b.reserved = append(b.reserved, r.ID)
	}
	return nil
}

// hold adds to the balances what a reservation keeps; nothing where it is over.
func (b *books) hold(r ledger.Reservation, sign int64) {
	if r.State != ledger.Held {
		return
	}
	for _, h := range r.Holds {
		b.reserve(balanceKey{r.Item, h.Location, h.Lot, ledger.Available}, sign*h.Left())
	}
}

var (
	reservationRows = table{
		name: "reservation",
		columns: []column{
			{"id", id},
			{"key", text},
			{"item", text},
			{"quantity", integer},
			{"purpose", text},
			{"actor", text},
			{"at", integer},
			{"expires", integer},
			{"state", text},
		},
		then: `ON CONFLICT (id) DO UPDATE SET state = excluded.state`,
	}
	holdRows = table{
		name: "reservation_hold",
		columns: []column{
			{"reservation", id}, {"location", text}, {"lot", text}, {"quantity", integer}, {"taken", integer},
		},
		then: `ON CONFLICT (reservation, location, lot) DO UPDATE SET taken = excluded.taken`,
	}
)

func (b *books) writeReservations(tx *Tx) error {
	slices.Sort(b.reserved)
	var rows, holds [][]any
	for _, k := range b.reserved {
		r := b.reservations[k]
		rows = append(rows, []any{uid(r.ID), r.Key, r.Item, r.Quantity, r.For, r.Actor, stamp(r.At), stamp(r.Expires), string(r.State)})
		for _, h := range r.Holds {
			holds = append(holds, []any{uid(r.ID), h.Location, h.Lot, h.Quantity, h.Taken})
		}
	}
	if err := tx.insert(&reservationRows, rows); err != nil {
		return err
	}
	return tx.insert(&holdRows, holds)
}

// Reservation reads one. Errors: fault.NotFound.
func (l Ledger) Reservation(ctx context.Context, id string) (ledger.Reservation, error) {
	if uuid.Validate(id) != nil {
		return ledger.Reservation{}, fmt.Errorf("reservation %s: %w", id, fault.NotFound)
	}
	found, err := list(ctx, l.read, reservationColumns+`WHERE id = ?`, scanReservation, uid(id))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("reservation %s: %w", id, fault.NotFound)
	}
	if err == nil {
		err = fillHolds(ctx, l.read, found)
	}
	if err != nil {
		return ledger.Reservation{}, err
	}
	return found[0], nil
}

// Reservations gives reservations of a state ("" = any) and an item ("" = any), newest first, from the one after before.
func (l Ledger) Reservations(ctx context.Context, f ledger.ReservationFilter) (page []ledger.Reservation, next string, err error) {
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = defaultPage
	}
	before := lastUID
	if f.Before != "" {
		if uuid.Validate(f.Before) != nil {
			return nil, "", fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, f.Before)
		}
		before = uid(f.Before)
	}
	page, err = list(ctx, l.read, reservationColumns+`WHERE (? = '' OR state = ?) AND (? = '' OR item = ?) AND id < ? ORDER BY id DESC LIMIT ?`,
		scanReservation, string(f.State), string(f.State), f.Item, f.Item, before, f.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the reservations: %w", err)
	}
	if len(page) > f.Limit {
		page = page[:f.Limit]
		next = page[f.Limit-1].ID
	}
	return page, next, fillHolds(ctx, l.read, page)
}

// Expired gives the ids of reservations that hold goods though their time is over, at most limit.
func (l Ledger) Expired(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, l.read, `SELECT id FROM reservation WHERE state = ? AND expires > 0 AND expires <= ? ORDER BY expires LIMIT ?`,
		func(scan func(...any) error) (string, error) {
			id, err := scanUID(scan)
			return string(id), err
		}, string(ledger.Held), stamp(now), limit)
}
