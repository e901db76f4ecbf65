package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Ledger keeps movements and balances; it is a ledger.Store.
type Ledger struct{ *DB }

var _ ledger.Store = Ledger{}

// Post records m with its balances and tag positions. Errors: ledger.ErrDuplicate.
func (l Ledger) Post(ctx context.Context, m ledger.Movement) error {
	return l.Write(ctx, func(tx *Tx) error { return tx.Post(m) })
}

// Post records m in this transaction; its balances can be read once the transaction is over. Errors: ledger.ErrDuplicate,
// after which the transaction can go on.
func (tx *Tx) Post(m ledger.Movement) error {
	if made, err := tx.Made(m.Key); err != nil || made != "" {
		return errors.Join(err, tx.key("movement", m.Key, m.ID))
	}
	if err := tx.post(m, ""); err != nil {
		return err
	}
	return tx.key("movement", m.Key, m.ID)
}

// post records m, of which nothing else can be the same, on the chain of an edge or of m's actor.
func (tx *Tx) post(m ledger.Movement, edge string) error {
	if err := m.Check(); err != nil {
		return err
	}
	if err := tx.fit(&m, edge); err != nil {
		return err
	}
	var tags []devices.Tag
	for _, l := range m.Lines {
		if !l.Tag.IsZero() {
			tags = append(tags, l.Tag)
		}
	}
	b := &tx.books
	if err := b.fetch(tx, tags); err != nil {
		return err
	}
	p := posting{Movement: m, edge: edge, before: make([]uid, len(m.Lines))}
	for i, l := range m.Lines {
		from, to := sides(l)
		b.add(from, -l.Quantity, m.EffectiveAt)
		b.add(to, l.Quantity, m.EffectiveAt)
		if at := b.places[l.Tag]; at != nil {
			p.before[i] = uid(at.Movement)
		}
	}
	for tag, l := range m.Places() {
		b.move(m, tag, l)
	}
	b.flow(m, 1)
	b.posted = append(b.posted, p)
	if b.earliest.IsZero() || m.EffectiveAt.Before(b.earliest) {
		b.earliest = m.EffectiveAt
	}
	return nil
}

// move notes where a movement leaves a tag.
func (b *books) move(m ledger.Movement, tag devices.Tag, l ledger.Line) {
	p := &place{Position: ledger.Position{
		Tag: tag, Item: l.Item, Lot: l.Lot, Quantity: l.Quantity, Location: l.To, State: l.ToState, Movement: m.ID, Source: m.Source,
		Since: m.EffectiveAt, SeenAt: m.EffectiveAt,
	}}
	old := b.places[tag]
	if old != nil && l.ToState == ledger.StateUnseen {
		p.SeenAt = old.SeenAt
	}
	if old != nil {
		old.Position = p.Position
		p = old
	}
	b.put(p)
}

// Position gives where the ledger has a tag; nil where it never had it.
func (tx *Tx) Position(tag devices.Tag) (*ledger.Position, error) {
	if err := tx.books.fetch(tx, []devices.Tag{tag}); err != nil {
		return nil, err
	}
	p := tx.books.places[tag]
	if p == nil {
		return nil, nil
	}
	at := p.Position
	return &at, nil
}

// MadeBy gives the id of what was recorded under a key; "" where nothing was.
func (l Ledger) MadeBy(ctx context.Context, key string) (string, error) {
	var made uid
	_, err := one(ctx, l.read, `SELECT movement FROM movement_key WHERE key = ?`, []any{key}, &made)
	return string(made), err
}

// Movement reads one movement with its lines. Errors: fault.NotFound.
func (l Ledger) Movement(ctx context.Context, id string) (ledger.Movement, error) {
	return movement(ctx, l.read, id)
}

func movement(ctx context.Context, q querier, id string) (ledger.Movement, error) {
	if uuid.Validate(id) != nil {
		return ledger.Movement{}, fmt.Errorf("movement %s: %w", id, fault.NotFound)
	}
	found, err := movements(ctx, q, []uid{uid(id)})
	if err != nil {
		return ledger.Movement{}, fmt.Errorf("cannot read movement %s: %w", id, err)
	}
	if len(found) == 0 {
		return ledger.Movement{}, fmt.Errorf("movement %s: %w", id, fault.NotFound)
	}
	return found[0], nil
}

const movementColumns = `SELECT id, kind, source, effective_at, recorded_at, actor, key, reverses, pass, read_point, biz_step,
	first_read, last_read, reads, peak_rssi, confidence, chain, link, hash FROM movement `

func scanMovement(scan func(...any) error) (m ledger.Movement, err error) {
	var effective, recorded, first, last int64
	var id, reverses uid
	var rssi sql.NullInt64
	var hash []byte
	e := &m.Evidence
	err = scan(&id, &m.Kind, &m.Source, &effective, &recorded, &m.Actor, &m.Key, &reverses, &e.Pass, &e.ReadPoint, &e.BizStep,
		&first, &last, &e.Reads, &rssi, &e.Confidence, &m.Chain.Number, &m.Chain.Link, &hash)
	m.ID, m.Reverses = string(id), string(reverses)
	m.EffectiveAt, m.RecordedAt, e.FirstRead, e.LastRead = timeOf(effective), timeOf(recorded), timeOf(first), timeOf(last)
	if rssi.Valid {
		dbm := float64(rssi.Int64) / 100
		e.PeakRSSI = &dbm
	}
	copy(m.Chain.Hash[:], hash)
	return m, err
}

// centi is a level in dBm as it is kept.
func centi(dbm float64) int64 { return int64(math.Round(dbm * 100)) }

const lineColumns = `SELECT movement, item, lot, tag, from_location, from_state, to_location, to_state, quantity, value FROM movement_line `

func scanLine(scan func(...any) error) (movement uid, l ledger.Line, err error) {
	var t tag
	err = scan(&movement, &l.Item, &l.Lot, &t, &l.From, state{&l.FromState}, &l.To, state{&l.ToState}, &l.Quantity, &l.Value)
	l.Tag = t.Tag
	return movement, l, err
}

// movements reads the movements of these ids with their lines, in the order of ids; those that are not there are left out.
func movements(ctx context.Context, q querier, ids []uid) ([]ledger.Movement, error) {
	found := make(map[uid]*ledger.Movement, len(ids))
	for _, part := range lists(ids) {
		in := `IN (` + marks(len(part), "?") + `)`
		err := each(ctx, q, movementColumns+`WHERE id `+in, func(scan func(...any) error) error {
			m, err := scanMovement(scan)
			found[uid(m.ID)] = &m
			return err
		}, anys(part)...)
		if err != nil {
			return nil, err
		}
		err = each(ctx, q, lineColumns+`WHERE movement `+in+` ORDER BY movement, line`, func(scan func(...any) error) error {
			id, l, err := scanLine(scan)
			if m := found[id]; m != nil {
				m.Lines = append(m.Lines, l)
			}
			return err
		}, anys(part)...)
		if err != nil {
			return nil, err
		}
	}
	all := make([]ledger.Movement, 0, len(ids))
	for _, id := range ids {
		if m := found[id]; m != nil {
			all = append(all, *m)
		}
	}
	return all, nil
}

// Reverse takes a movement back by a new one and gives that. Errors: fault.NotFound, fault.Conflict.
func (l Ledger) Reverse(ctx context.Context, id, actor string) (r ledger.Movement, err error) {
	err = l.Write(ctx, func(tx *Tx) error {
		if r, err = tx.reverse(id, actor, "user:"+actor); err != nil || audit.From(ctx) == nil {
			return err
		}
		m, err := movement(ctx, tx, id)
		if err != nil {
			return err
		}
		return tx.changed(ctx, "movement", id, movementFacts(m), movementFacts(r))
	})
	return r, err
}

// reverse is Ledger.Reverse within the transaction, on the word of a source.
func (tx *Tx) reverse(id, actor, source string) (r ledger.Movement, err error) {
	if err := tx.books.write(tx); err != nil { // it may have been posted here
		return r, err
	}
	m, err := movement(tx.ctx, tx, id)
	if err != nil {
		return r, err
	}
	for tag := range m.Places() {
		if at, err := tx.Position(tag); err != nil {
			return r, err
		} else if at == nil || at.Movement != m.ID {
			return r, fmt.Errorf("%w: %s has moved since: take its later movements back first", fault.Conflict, tag)
		}
	}
	if r, err = ledger.Reversal(m, uuid.Must(uuid.NewV7()).String(), actor, tx.now.UTC()); err != nil {
		return r, err
	}
	r.Source = source
	if err = tx.Post(r); errors.Is(err, ledger.ErrDuplicate) {
		return r, fmt.Errorf("%w: movement %s was taken back already", fault.Conflict, id)
	}
	if err == nil {
		tx.books.flow(m, -1)
	}
	return r, err
}

// Check compares every balance with its entries, and every tag's place, where it is a real one, with the tag's entries.
func (l Ledger) Check(ctx context.Context) ([]ledger.Mismatch, error) {
	balances, err := mismatches(ctx, l.read)
	if err != nil {
		return nil, err
	}
	tags, err := list(ctx, l.read, `SELECT p.tag, p.item, p.lot, p.location, p.state, p.quantity, coalesce(e.quantity, 0)
		FROM tag_position p LEFT JOIN (SELECT tag, location, state, sum(quantity) AS quantity FROM entry GROUP BY tag, location, state) e
			ON e.tag = p.tag AND e.location = p.location AND e.state = p.state
		WHERE p.location NOT IN (?, ?, ?, ?, ?) AND coalesce(e.quantity, 0) <> p.quantity ORDER BY p.tag`,
		func(scan func(...any) error) (m ledger.Mismatch, err error) {
			var t tag
			err = scan(&t, &m.Item, &m.Lot, &m.Location, state{&m.State}, &m.Balance, &m.Entries)
			m.Tag = t.String()
			return m, err
		}, ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss, ledger.InTransit)
	return append(balances, tags...), err
}

func mismatches(ctx context.Context, q querier) ([]ledger.Mismatch, error) {
	return list(ctx, q, `SELECT item, lot, location, state, CAST(sum(kept) AS BIGINT), CAST(sum(added) AS BIGINT) FROM (
			SELECT item, lot, location, state, quantity AS kept, 0 AS added FROM balance
			UNION ALL SELECT item, lot, location, state, 0, quantity FROM entry) AS both_sides
		GROUP BY item, lot, location, state HAVING sum(kept) <> sum(added) ORDER BY item, lot, location, state`,
		func(scan func(...any) error) (m ledger.Mismatch, err error) {
			return m, scan(&m.Item, &m.Lot, &m.Location, state{&m.State}, &m.Balance, &m.Entries)
		})
}

// Rebuild sets every balance to what its entries add up to, and gives what it changed.
func (l Ledger) Rebuild(ctx context.Context) (changed []ledger.Mismatch, err error) {
	err = l.Write(ctx, func(tx *Tx) error {
		if changed, err = mismatches(ctx, tx); err != nil {
			return err
		}
		for _, m := range changed {
			if err := tx.rebuild(m); err != nil {
				return fmt.Errorf("cannot rebuild the balance of item %s at %s: %w", m.Item, m.Location, err)
			}
		}
		return nil
	})
	return changed, err
}

func (tx *Tx) rebuild(m ledger.Mismatch) error {
	tx.books.touch(m.Item, m.Location)
	n, err := number(m.State)
	if err != nil {
		return err
	}
	var last uid
	_, err = tx.row(`SELECT movement FROM movement_line WHERE item = ? AND lot = ?
		AND (from_location = ? AND from_state = ? OR to_location = ? AND to_state = ?) ORDER BY movement DESC LIMIT 1`,
		[]any{m.Item, m.Lot, m.Location, n, m.Location, n}, &last)
	if err != nil {
		return err
	}
	return tx.exec(`INSERT INTO balance (item, location, lot, state, quantity, seen_at, last) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (item, location, lot, state) DO UPDATE SET quantity = excluded.quantity, last = excluded.last`,
		m.Item, m.Location, m.Lot, n, m.Entries, stamp(tx.now), last)
}
