package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/view"
)

// Stock explains a row: the tags that are there, and the newest movements that touched it.
func (v View) Stock(ctx context.Context, item, location string) (d view.StockDetail, err error) {
	err = v.reading(ctx, func(tx *sql.Tx) error {
		rows, err := stockRows(ctx, tx, item, location)
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

func tagsAt(ctx context.Context, tx *sql.Tx, item, location string) ([]view.TagAt, error) {
	return list(ctx, tx, `SELECT tag, lot, state, since, seen_at FROM tag_position WHERE item = ? AND location = ? ORDER BY tag`,
		func(scan func(...any) error) (t view.TagAt, err error) {
			var tag string
			var since, seen int64
			if err := scan(&tag, &t.Lot, &t.State, &since, &seen); err != nil {
				return t, err
			}
			t.Tag, err = devices.ParseTag(tag)
			t.Since, t.SeenAt = timeOf(since), timeOf(seen)
			return t, err
		}, item, location)
}

// Movements lists movements, newest first.
func (v View) Movements(ctx context.Context, f view.MovementFilter) (page []ledger.Movement, next string, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, view.MaxMovements)
	limit := f.Limit
	f.Limit++ // one more tells whether there is a page after
	err = v.reading(ctx, func(tx *sql.Tx) error {
		ids, err := movementIDs(ctx, tx, f)
		if err != nil {
			return err
		}
		if len(ids) > limit {
			ids = ids[:limit]
			next = ids[limit-1]
		}
		page, err = movements(ctx, tx, ids)
		return err
	})
	return page, next, err
}

// PassMovements lists what a pass moved.
func (v View) PassMovements(ctx context.Context, pass string) (all []ledger.Movement, err error) {
	err = v.reading(ctx, func(tx *sql.Tx) error {
		ids, err := list(ctx, tx, `SELECT id FROM movement WHERE pass = ? ORDER BY id`, scanText, pass)
		if err != nil {
			return err
		}
		all, err = movements(ctx, tx, ids)
		return err
	})
	return all, err
}

func scanText(scan func(...any) error) (s string, err error) { return s, scan(&s) }

// movementIDs finds movements, newest first: ids are UUIDv7, so they rise with the time of recording.
func movementIDs(ctx context.Context, tx *sql.Tx, f view.MovementFilter) ([]string, error) {
	var where []string
	var args []any
	for _, c := range []struct{ column, value string }{{"tag = ?", f.Tag}, {"item = ?", f.Item}, {"location = ?", f.Location}} {
		if c.value != "" {
			where, args = append(where, c.column), append(args, c.value)
		}
	}
	before := f.Before
	if before == "" {
		before = "~" // above every UUID
	}
	query := `SELECT id FROM movement WHERE id < ? ORDER BY id DESC LIMIT ?`
	if len(where) > 0 {
		query = `SELECT DISTINCT movement FROM entry WHERE ` + strings.Join(where, " AND ") +
			` AND movement < ? ORDER BY movement DESC LIMIT ?`
	}
	return list(ctx, tx, query, scanText, append(args, before, f.Limit)...)
}

// movements reads the movements of these ids with their entries, in the order of ids.
func movements(ctx context.Context, tx *sql.Tx, ids []string) ([]ledger.Movement, error) {
	all := make([]ledger.Movement, 0, len(ids))
	if len(ids) == 0 {
		return all, nil
	}
	set := `(?` + strings.Repeat(`, ?`, len(ids)-1) + `)`
	args := make([]any, len(ids))
	index := make(map[string]int, len(ids))
	for i, id := range ids {
		args[i], index[id] = id, i
	}
	all = all[:len(ids)]
	_, err := list(ctx, tx, `SELECT id, kind, source, effective_at, recorded_at, actor, key, reverses, evidence FROM movement
		WHERE id IN `+set, func(scan func(...any) error) (none struct{}, err error) {
		m, err := scanMovement(scan)
		if i, ok := index[m.ID]; ok {
			all[i] = m
		}
		return none, err
	}, args...)
	if err != nil {
		return nil, err
	}
	_, err = list(ctx, tx, `SELECT movement, item, lot, tag, location, state, quantity, value FROM entry
		WHERE movement IN `+set+` ORDER BY movement, line`, func(scan func(...any) error) (none struct{}, err error) {
		var id string
		e, err := scanEntry(func(dest ...any) error { return scan(append([]any{&id}, dest...)...) })
		if m, ok := index[id]; ok {
			all[m].Entries = append(all[m].Entries, e)
		}
		return none, err
	}, args...)
	return all, err
}
