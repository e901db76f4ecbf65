package store

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/view"
)

// Stock explains a row: the tags that are there, and the newest movements that touched it.
func (v View) Stock(ctx context.Context, item, location string) (d view.StockDetail, err error) {
	err = v.reading(ctx, func(tx reader) error {
		rows, err := stockRow(ctx, tx, item, location)
		if err != nil {
			return err
		}
		if d.Row = (view.StockRow{Item: item, Location: location}); len(rows) > 0 {
			d.Row = rows[0]
		}
		if d.Tags, err = tagsAt(ctx, tx, item, location); err != nil {
			return err
		}
		ids, err := movementIDs(ctx, tx, view.MovementFilter{Item: item, Location: location, Limit: 50})
		if err != nil {
			return err
		}
		if len(rows) == 0 && len(ids) == 0 {
			return fmt.Errorf("item %q at %q: %w", item, location, fault.NotFound)
		}
		d.Movements, err = movements(ctx, tx, ids)
		return err
	})
	return d, err
}

func tagsAt(ctx context.Context, tx reader, item, location string) ([]view.TagAt, error) {
	return list(ctx, tx, `SELECT tag, lot, state, since, seen_at FROM tag_position WHERE item = ? AND location = ? ORDER BY tag LIMIT ?`,
		func(scan func(...any) error) (at view.TagAt, err error) {
			var t tag
			var since, seen int64
			err = scan(&t, &at.Lot, state{&at.State}, &since, &seen)
			at.Tag, at.Since, at.SeenAt = t.Tag, timeOf(since), timeOf(seen)
			return at, err
		}, item, location, view.MaxTags)
}

// Movements lists movements, newest first.
func (v View) Movements(ctx context.Context, f view.MovementFilter) (page []ledger.Movement, next string, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, view.MaxMovements)
	limit := f.Limit
	f.Limit++ // one more tells whether there is a page after
	err = v.reading(ctx, func(tx reader) error {
		ids, err := movementIDs(ctx, tx, f)
		if err != nil {
			return err
		}
		if len(ids) > limit {
			ids = ids[:limit]
			next = string(ids[limit-1])
		}
		page, err = movements(ctx, tx, ids)
		return err
	})
	return page, next, err
}

// PassMovements lists what a pass moved first.
func (v View) PassMovements(ctx context.Context, pass string) (all []ledger.Movement, err error) {
	err = v.reading(ctx, func(tx reader) error {
		ids, err := list(ctx, tx, `SELECT id FROM movement WHERE pass = ? AND pass <> '' ORDER BY id LIMIT ?`, scanUID, pass, view.MaxMovements)
		if err != nil {
			return err
		}
		all, err = movements(ctx, tx, ids)
		return err
	})
	return all, err
}

func scanText(scan func(...any) error) (s string, err error) { return s, scan(&s) }
