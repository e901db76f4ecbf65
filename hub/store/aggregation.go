package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/ledger"
)

func scanTag(scan func(...any) error) (devices.Tag, error) {
	var t tag
	err := scan(&t)
	return t.Tag, err
}

// Contents gives what is directly in a parent.
func (tx *Tx) Contents(parent devices.Tag) ([]devices.Tag, error) {
	all, err := list(tx.ctx, tx, `SELECT child FROM contained WHERE parent = ? ORDER BY child`, scanTag, parent)
	if err != nil {
		return nil, fmt.Errorf("cannot read what is in %s: %w", parent, err)
	}
	return all, nil
}

// Parent gives what a child is directly in; the zero Tag for nothing.
func (tx *Tx) Parent(child devices.Tag) (devices.Tag, error) {
	var p tag
	if _, err := tx.row(`SELECT parent FROM contained WHERE child = ?`, []any{child}, &p); err != nil {
		return devices.Tag{}, fmt.Errorf("cannot read what %s is in: %w", child, err)
	}
	return p.Tag, nil
}

var (
	aggregationChildRows = table{name: "aggregation_child", columns: []column{{"aggregation", id}, {"child", binary}}}
	containedRows        = table{
		name: "contained", columns: []column{{"child", binary}, {"parent", binary}, {"since", integer}, {"aggregation", id}},
		then: `ON CONFLICT (child) DO UPDATE SET parent = excluded.parent, since = excluded.since, aggregation = excluded.aggregation`,
	}
)

// PutAggregation records what was put into a parent, or taken out of it. Errors: ledger.ErrDuplicate.
func (tx *Tx) PutAggregation(a ledger.Aggregation) error {
	if err := tx.key("aggregation", a.Key, a.ID); err != nil {
		return err
	}
	action := "DELETE"
	if a.Add {
		action = "ADD"
	}
	err := tx.exec(`INSERT INTO aggregation (id, key, parent, action, at, recorded_at, actor, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		uid(a.ID), a.Key, a.Parent, action, stamp(a.At), stamp(a.RecordedAt), a.Actor, a.Source)
	if err != nil {
		return fmt.Errorf("cannot store aggregation %s: %w", a.Key, err)
	}
	children := slices.SortedFunc(slices.Values(a.Children), devices.Tag.Compare)
	var log, now [][]any
	for _, c := range children {
		log = append(log, []any{uid(a.ID), c})
		now = append(now, []any{c, a.Parent, stamp(a.At), uid(a.ID)})
	}
	if err := tx.insert(&aggregationChildRows, log); err != nil {
		return err
	}
	if a.Add {
		return tx.insert(&containedRows, now)
	}
	for _, part := range lists(children) {
		if err := tx.exec(`DELETE FROM contained WHERE child IN (`+marks(len(part), "?")+`)`, anys(part)...); err != nil {
			return fmt.Errorf("cannot take out of %s: %w", a.Parent, err)
		}
	}
	return nil
}

// Within gives all that is in a parent, at any depth.
func (tx *Tx) Within(parent devices.Tag) ([]devices.Tag, error) { return within(tx.ctx, tx, parent) }

func within(ctx context.Context, q querier, parent devices.Tag) ([]devices.Tag, error) {
	all, err := list(ctx, q, `WITH RECURSIVE inside (child, depth) AS (
			SELECT child, 1 FROM contained WHERE parent = ?
			UNION ALL SELECT c.child, i.depth + 1 FROM contained c JOIN inside i ON c.parent = i.child WHERE i.depth < 8
		) SELECT child FROM inside ORDER BY child`, scanTag, parent)
	if err != nil {
		return nil, fmt.Errorf("cannot read what is in %s: %w", parent, err)
	}
	return all, nil
}

// Whereabouts gives where the ledger has tags; those that it never had are left out.
func (l Ledger) Whereabouts(ctx context.Context, tags []devices.Tag) (map[devices.Tag]ledger.Location, error) {
	at := map[devices.Tag]ledger.Location{}
	for _, part := range lists(tags) {
		err := each(ctx, l.read, `SELECT tag, location FROM tag_position WHERE tag IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			var t tag
			var location string
			err := scan(&t, &location)
			at[t.Tag] = location
			return err
		}, anys(part)...)
		if err != nil {
			return nil, fmt.Errorf("cannot read where tags are: %w", err)
		}
	}
	return at, nil
}

// Unit tells what a tag is packed in, and what is in it.
func (l Ledger) Unit(ctx context.Context, t devices.Tag) (u ledger.Unit, err error) {
	err = l.reading(ctx, func(q reader) error {
		var p tag
		if _, err := one(ctx, q, `SELECT parent FROM contained WHERE child = ?`, []any{t}, &p); err != nil {
			return err
		}
		u.Tag, u.Parent = t, p.Tag
		u.Contents, err = within(ctx, q, t)
		return err
	})
	return u, err
}
