package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// OpenCount begins a count of some places of a site. Errors: fault.Invalid; ledger.ErrDuplicate.
func (l Ledger) OpenCount(ctx context.Context, c ledger.Count) error {
	if len(c.Locations) == 0 || slices.ContainsFunc(c.Locations, ledger.IsVirtual) {
		return fmt.Errorf("%w: a count needs places of a site", fault.Invalid)
	}
	c.State = ledger.CountOpen
	return l.Write(ctx, func(tx *Tx) error {
		for _, at := range c.Locations {
			var site string
			found, err := tx.row(`SELECT site FROM location WHERE code = ?`, []any{at}, &site)
			if err != nil {
				return err
			}
			if !found || site != c.Site {
				return fmt.Errorf("%w: location %q is not one of site %s", fault.Invalid, at, c.Site)
			}
		}
		if c.Key != "" {
			if err := tx.key("count", ledger.CountKey(c.Key), c.ID); err != nil {
				return err
			}
		}
		if err := tx.putCount(c); err != nil {
			return err
		}
		return tx.changed(ctx, "count", c.ID, nil, countFacts(c))
	})
}

func (tx *Tx) putCount(c ledger.Count) error {
	locations, err := json.Marshal(c.Locations)
	if err != nil {
		return err
	}
	unknown, err := json.Marshal(append([]devices.Tag{}, c.Unknown...))
	if err != nil {
		return err
	}
	return tx.exec(`INSERT INTO stock_count (id, state, site, locations, complete, opened_by, opened_at, submitted_by, submitted_at, decided_by,
			decided_at, reason, movement, variance, unknown) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, submitted_by = excluded.submitted_by, submitted_at = excluded.submitted_at,
			decided_by = excluded.decided_by, decided_at = excluded.decided_at, reason = excluded.reason, movement = excluded.movement,
			variance = excluded.variance, unknown = excluded.unknown`,
		uid(c.ID), string(c.State), c.Site, string(locations), c.Complete, c.OpenedBy, stamp(c.OpenedAt), c.SubmittedBy, stamp(c.SubmittedAt),
		c.DecidedBy, stamp(c.DecidedAt), c.Reason, uid(c.Movement), c.Variance, string(unknown))
}

const countColumns = `SELECT id, state, site, locations, complete, opened_by, opened_at, submitted_by, submitted_at, decided_by, decided_at, reason,
	movement, variance, unknown FROM stock_count `

func scanCount(scan func(...any) error) (c ledger.Count, err error) {
	var id, movement uid
	var locations, unknown string
	var opened, submitted, decided int64
	err = scan(&id, &c.State, &c.Site, &locations, &c.Complete, &c.OpenedBy, &opened, &c.SubmittedBy, &submitted, &c.DecidedBy, &decided,
		&c.Reason, &movement, &c.Variance, &unknown)
	if err != nil {
		return c, err
	}
	c.ID, c.Movement, c.OpenedAt, c.SubmittedAt, c.DecidedAt = string(id), string(movement), timeOf(opened), timeOf(submitted), timeOf(decided)
	if err := json.Unmarshal([]byte(unknown), &c.Unknown); err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(locations), &c.Locations)
}

// readCount reads one with its lines, and keeps others from changing it where lock is set.
func readCount(ctx context.Context, q querier, lock func(string) string, id string) (c ledger.Count, err error) {
	if uuid.Validate(id) != nil {
		return c, fmt.Errorf("count %s: %w", id, fault.NotFound)
	}
	found, err := list(ctx, q, lock(countColumns+`WHERE id = ?`), scanCount, uid(id))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("count %s: %w", id, fault.NotFound)
	}
	if err != nil {
		return c, err
	}
	c = found[0]
	c.Lines, err = list(ctx, q, `SELECT location, item, lot, state, tag, expected, counted, from_location, from_state, basis, value, outcome
		FROM count_line WHERE count = ? ORDER BY line`, scanCountLine, uid(id))
	return c, err
}

func scanCountLine(scan func(...any) error) (l ledger.CountLine, err error) {
	var t tag
	var basis uid
	var from int64
	err = scan(&l.Location, &l.Item, &l.Lot, state{&l.State}, &t, &l.Expected, &l.Counted, &l.From, &from, &basis, &l.Value, &l.Outcome)
	l.Tag, l.Basis = t.Tag, string(basis)
	if err == nil && from != 0 {
		err = state{&l.FromState}.Scan(from)
	}
	return l, err
}

func unlocked(text string) string { return text }

// Count reads one with its lines. Errors: fault.NotFound.
func (l Ledger) Count(ctx context.Context, id string) (ledger.Count, error) {
	return readCount(ctx, l.read, unlocked, id)
}

// Counts gives counts of a state ("" = any) without their lines, newest first, from the one after before.
func (l Ledger) Counts(ctx context.Context, state ledger.CountState, before string, limit int) (page []ledger.Count, next string, err error) {
	if limit <= 0 || limit > maxPage {
		limit = defaultPage
	}
	from := lastUID
	if before != "" {
		if uuid.Validate(before) != nil {
			return nil, "", fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, before)
		}
		from = uid(before)
	}
	page, err = list(ctx, l.read, countColumns+`WHERE (? = '' OR state = ?) AND id < ? ORDER BY id DESC LIMIT ?`, scanCount,
		string(state), string(state), from, limit+1)
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, err
}

// changing runs f on a count that nobody else changes meanwhile, and stores what it gives.
func (l Ledger) changing(ctx context.Context, id string, f func(*Tx, ledger.Count) (ledger.Count, error)) (c ledger.Count, err error) {
	err = l.Write(ctx, func(tx *Tx) error {
		was, err := readCount(ctx, tx, tx.lock, id)
		if err != nil {
			return err
		}
		if c, err = f(tx, was); err != nil {
			return err
		}
		if err := tx.putCount(c); err != nil || c.State == was.State {
			return err
		}
		return tx.changed(ctx, "count", id, countFacts(was), countFacts(c))
	})
	return c, err
}

var (
	sightingRows = table{
		name: "count_sighting", columns: []column{{"count", id}, {"tag", binary}, {"location", text}, {"at", integer}},
		then: `ON CONFLICT (count, tag) DO UPDATE SET location = excluded.location, at = excluded.at WHERE excluded.at >= count_sighting.at`,
	}
	countLineRows = table{name: "count_line", columns: []column{
		{"count", id},
		{"line", integer},
		{"location", text},
		{"item", text},
		{"lot", text},
		{"state", integer},
		{"tag", binary},
		{"expected", integer},
		{"counted", integer},
		{"from_location", text},
		{"from_state", integer},
		{"basis", id},
		{"value", integer},
		{"outcome", text},
	}}
)

// Sweep notes the tags that a sweep found at a place of an open count; none says that nothing is there. The last sight of
// a tag counts. Errors: fault.NotFound, fault.Conflict, fault.Invalid.
func (l Ledger) Sweep(ctx context.Context, id string, at ledger.Location, tags []devices.Tag, when time.Time) (ledger.Count, error) {
	return l.changing(ctx, id, func(tx *Tx, c ledger.Count) (ledger.Count, error) {
		if err := c.Takes(at); err != nil {
			return c, err
		}
		if err := tx.exec(`INSERT INTO count_swept (count, location) VALUES (?, ?) ON CONFLICT DO NOTHING`, uid(id), at); err != nil {
			return c, err
		}
		tags = slices.SortedFunc(slices.Values(tags), devices.Tag.Compare)
		var rows [][]any
		for _, t := range slices.Compact(tags) {
			rows = append(rows, []any{uid(id), t, at, stamp(when)})
		}
		if err := tx.insert(&sightingRows, rows); err != nil {
			return c, err
		}
		return c, tx.changed(ctx, "count", id, nil, facts{"swept": at, "tags": len(rows), "at": when.UTC()})
	})
}

// CountByHand notes what a person counted of an item at a place of an open count, over what was said before. Errors:
// fault.NotFound, fault.Conflict, fault.Invalid.
func (l Ledger) CountByHand(ctx context.Context, id string, h ledger.ByHand) (ledger.Count, error) {
	return l.changing(ctx, id, func(tx *Tx, c ledger.Count) (ledger.Count, error) {
		if err := c.Takes(h.Location); err != nil {
			return c, err
		}
		var there int
		known, err := tx.row(`SELECT 1 FROM item WHERE id = ?`, []any{h.Item}, &there)
		if err == nil && (!known || h.Quantity < 0) {
			err = fmt.Errorf("%w: %d of item %q; an item of the catalogue and 0 or more are needed", fault.Invalid, h.Quantity, h.Item)
		}
		if err != nil {
			return c, err
		}
		before, err := tx.saidBefore(id, h)
		if err != nil {
			return c, err
		}
		err = tx.exec(`INSERT INTO count_by_hand (count, location, item, lot, quantity, actor, at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (count, location, item, lot) DO UPDATE SET quantity = excluded.quantity, actor = excluded.actor, at = excluded.at`,
			uid(id), h.Location, h.Item, h.Lot, h.Quantity, h.Actor, stamp(h.At))
		if err != nil {
			return c, err
		}
		return c, tx.changed(ctx, "count", id, before, byHandFacts(h))
	})
}

func byHandFacts(h ledger.ByHand) facts {
	return facts{"location": h.Location, "item": h.Item, "lot": h.Lot, "quantity": h.Quantity, "actor": h.Actor}
}

// saidBefore is what was counted by hand of the same goods, nil where nothing was.
func (tx *Tx) saidBefore(id string, h ledger.ByHand) (any, error) {
	found, err := tx.row(`SELECT quantity, actor FROM count_by_hand WHERE count = ? AND location = ? AND item = ? AND lot = ?`,
		[]any{uid(id), h.Location, h.Item, h.Lot}, &h.Quantity, &h.Actor)
	if err != nil || !found {
		return nil, err
	}
	return byHandFacts(h), nil
}

// CancelCount gives an open count up. Errors: fault.NotFound, fault.Conflict.
func (l Ledger) CancelCount(ctx context.Context, id, actor string) (ledger.Count, error) {
	return l.changing(ctx, id, func(tx *Tx, c ledger.Count) (ledger.Count, error) { return c.Cancelled(actor, tx.now) })
}

// SubmitCount compares an open count with the books as they are now. Errors: fault.NotFound, fault.Conflict.
func (l Ledger) SubmitCount(ctx context.Context, id, actor string) (ledger.Count, error) {
	return l.changing(ctx, id, func(tx *Tx, c ledger.Count) (ledger.Count, error) {
		shelf, err := tx.shelf(c)
		if err != nil {
			return c, fmt.Errorf("cannot read the books for count %s: %w", id, err)
		}
		lines, unknown := c.Compare(shelf)
		if c, err = c.Submitted(lines, unknown, actor, tx.now); err != nil {
			return c, err
		}
		var rows [][]any
		for i, l := range lines {
			row, err := countLineValues(c.ID, i, l)
			if err != nil {
				return c, err
			}
			rows = append(rows, row)
		}
		return c, tx.insert(&countLineRows, rows)
	})
}

func countLineValues(count string, i int, l ledger.CountLine) ([]any, error) {
	at, err := number(l.State)
	if err != nil {
		return nil, err
	}
	from := int64(0)
	if l.From != "" {
		if from, err = number(l.FromState); err != nil {
			return nil, err
		}
	}
	return []any{
		uid(count), int64(i), l.Location, l.Item, l.Lot, at, l.Tag, l.Expected, l.Counted, l.From, from, uid(l.Basis), l.Value, l.Outcome,
	}, nil
}

// DecideCount approves a submitted count, so that the books say what was found, or rejects it. Errors: as ledger.Count.Decided;
// fault.NotFound.
func (l Ledger) DecideCount(ctx context.Context, id string, approve bool, actor, reason string, alone int64) (ledger.Count, error) {
	return l.changing(ctx, id, func(tx *Tx, c ledger.Count) (ledger.Count, error) {
		c, err := c.Decided(approve, actor, reason, tx.now, alone)
		if err != nil || !approve {
			return c, err
		}
		m, err := c.Adjust(tx, uuid.Must(uuid.NewV7()).String(), tx.now.UTC())
		if err != nil {
			return c, err
		}
		for i, l := range c.Lines {
			if l.Outcome == "" {
				continue
			}
			if err := tx.exec(`UPDATE count_line SET outcome = ? WHERE count = ? AND line = ?`, l.Outcome, uid(id), i); err != nil {
				return c, err
			}
		}
		if len(m.Lines) == 0 {
			return c, nil
		}
		c.Movement = m.ID
		if err := tx.Post(m); err != nil {
			return c, err
		}
		return c, tx.changed(ctx, "movement", m.ID, nil, movementFacts(m))
	})
}

// shelf reads what a count is compared with.
func (tx *Tx) shelf(c ledger.Count) (s ledger.Shelf, err error) {
	if s.Swept, err = list(tx.ctx, tx, `SELECT location FROM count_swept WHERE count = ? ORDER BY location`, scanText, uid(c.ID)); err != nil {
		return s, err
	}
	s.Seen, err = list(tx.ctx, tx, `SELECT tag, location, at FROM count_sighting WHERE count = ? ORDER BY tag`,
		func(scan func(...any) error) (v ledger.Sighting, err error) {
			var t tag
			var at int64
			err = scan(&t, &v.Location, &at)
			v.Tag, v.At = t.Tag, timeOf(at)
			return v, err
		}, uid(c.ID))
	if err != nil {
		return s, err
	}
	s.Counted, err = list(tx.ctx, tx, `SELECT location, item, lot, quantity, actor, at FROM count_by_hand WHERE count = ? ORDER BY location, item, lot`,
		func(scan func(...any) error) (h ledger.ByHand, err error) {
			var at int64
			err = scan(&h.Location, &h.Item, &h.Lot, &h.Quantity, &h.Actor, &at)
			h.At = timeOf(at)
			return h, err
		}, uid(c.ID))
	if err != nil {
		return s, err
	}
	if err := tx.shelfBooks(c, &s); err != nil {
		return s, err
	}
	return s, tx.shelfCatalog(&s)
}

// shelfBooks reads what the ledger has at the places of a count, and where it has the tags that were seen.
func (tx *Tx) shelfBooks(c ledger.Count, s *ledger.Shelf) (err error) {
	for _, part := range lists(slices.Sorted(slices.Values(c.Locations))) {
		in := `WHERE location IN (` + marks(len(part), "?") + `)`
		tags, err := list(tx.ctx, tx, `SELECT tag, item, lot, quantity, location, state, movement, source, since, seen_at FROM tag_position `+in+` ORDER BY tag`,
			scanPlace, anys(part)...)
		if err != nil {
			return err
		}
		s.Tags = append(s.Tags, tags...)
		have, err := list(tx.ctx, tx, `SELECT item, lot, location, state, quantity, reserved FROM balance `+in+` ORDER BY item, location, lot, state`,
			func(scan func(...any) error) (b ledger.Balance, err error) {
				return b, scan(&b.Item, &b.Lot, &b.Location, state{&b.State}, &b.Quantity, &b.Reserved)
			}, anys(part)...)
		if err != nil {
			return err
		}
		s.Balances = append(s.Balances, have...)
	}
	tags := make([]devices.Tag, len(s.Seen))
	for i, v := range s.Seen {
		tags[i] = v.Tag
	}
	if err := tx.books.fetch(tx, tags); err != nil {
		return err
	}
	s.Strays = map[devices.Tag]*ledger.Position{}
	for _, t := range tags {
		if p := tx.books.places[t]; p != nil {
			at := p.Position
			s.Strays[t] = &at
		}
	}
	return nil
}

// shelfCatalog reads what seen tags are on that were never anywhere, and what things cost.
func (tx *Tx) shelfCatalog(s *ledger.Shelf) error {
	known := map[devices.Tag]intake.Tagged{}
	var ask []devices.Tag
	for _, v := range s.Seen {
		if s.Strays[v.Tag] == nil {
			ask = append(ask, v.Tag)
		}
	}
	if err := tx.resolveTags(ask, known); err != nil {
		return err
	}
	s.Known, s.Units, s.Cost = map[devices.Tag]ledger.ItemLot{}, map[devices.Tag]int64{}, map[string]int64{}
	for t, on := range known {
		if on.Unknown == "" {
			s.Known[t], s.Units[t] = ledger.ItemLot{Item: on.Item, Lot: on.Lot}, on.Quantity
		}
	}
	items := map[string]bool{}
	for _, b := range s.Balances {
		items[b.Item] = true
	}
	for _, on := range s.Known {
		items[on.Item] = true
	}
	for _, p := range s.Strays {
		items[p.Item] = true
	}
	for _, h := range s.Counted {
		items[h.Item] = true
	}
	var ids []string
	for item := range items {
		ids = append(ids, item)
	}
	for _, part := range lists(distinct(ids)) {
		err := each(tx.ctx, tx, `SELECT id, cost FROM item WHERE id IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			var item string
			var cost int64
			err := scan(&item, &cost)
			s.Cost[item] = cost
			return err
		}, anys(part)...)
		if err != nil {
			return err
		}
	}
	return nil
}
