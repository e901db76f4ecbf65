package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
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
	if err := m.Check(); err != nil {
		return err
	}
	evidence, err := json.Marshal(m.Evidence)
	if err != nil {
		return fmt.Errorf("cannot encode the evidence of %s: %w", m.Key, err)
	}
	r, err := tx.ExecContext(tx.ctx, `INSERT INTO movement
		(id, kind, source, effective_at, recorded_at, actor, key, reverses, pass, evidence)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		m.ID, string(m.Kind), m.Source, stamp(m.EffectiveAt), stamp(m.RecordedAt), m.Actor, m.Key, m.Reverses,
		m.Evidence.Pass, string(evidence))
	if err != nil {
		return fmt.Errorf("cannot store movement %s: %w", m.Key, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("movement %s: %w", m.Key, ledger.ErrDuplicate), err)
	}
	for i, e := range m.Entries {
		if err := tx.postEntry(m, i, e); err != nil {
			return fmt.Errorf("cannot store entry %d of movement %s: %w", i, m.Key, err)
		}
	}
	for tag, e := range m.Places() {
		if err := tx.putPosition(m, tag, e); err != nil {
			return fmt.Errorf("cannot store where %s is after movement %s: %w", tag, m.Key, err)
		}
	}
	return nil
}

func (tx *Tx) postEntry(m ledger.Movement, line int, e ledger.Entry) error {
	err := tx.exec(`INSERT INTO entry (movement, line, item, lot, tag, location, state, quantity, value)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		m.ID, line, e.Item, e.Lot, e.Tag.String(), e.Location, string(e.State), e.Quantity, e.Value)
	if err != nil {
		return err
	}
	tx.addBalance(balanceKey{e.Item, e.Location, e.Lot, e.State}, e.Quantity, m.EffectiveAt)
	return nil
}

func (tx *Tx) putPosition(m ledger.Movement, tag devices.Tag, e ledger.Entry) error {
	at := stamp(m.EffectiveAt)
	return tx.exec(`INSERT INTO tag_position (tag, item, lot, location, state, movement, source, since, seen_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tag) DO UPDATE SET item = excluded.item, lot = excluded.lot,
		location = excluded.location, state = excluded.state, movement = excluded.movement, source = excluded.source,
		since = excluded.since,
		seen_at = CASE WHEN excluded.state = 'unseen' THEN tag_position.seen_at ELSE excluded.seen_at END`,
		tag.String(), e.Item, e.Lot, e.Location, string(e.State), m.ID, m.Source, at, at)
}

// Position gives where the ledger has a tag; nil where it never had it.
func (tx *Tx) Position(tag devices.Tag) (*ledger.Position, error) {
	p := ledger.Position{Tag: tag}
	var since, seen int64
	ok, err := tx.row(`SELECT item, lot, location, state, movement, source, since, seen_at FROM tag_position WHERE tag = ?`,
		[]any{tag.String()}, &p.Item, &p.Lot, &p.Location, &p.State, &p.Movement, &p.Source, &since, &seen)
	if err != nil {
		return nil, fmt.Errorf("cannot read where %s is: %w", tag, err)
	}
	if !ok {
		return nil, nil
	}
	p.Since, p.SeenAt = timeOf(since), timeOf(seen)
	return &p, nil
}

// Movement reads one movement with its entries. Errors: fault.NotFound.
func (l Ledger) Movement(ctx context.Context, id string) (ledger.Movement, error) {
	return movement(ctx, l.read, id)
}

func movement(ctx context.Context, q querier, id string) (ledger.Movement, error) {
	found, err := list(ctx, q, `SELECT id, kind, source, effective_at, recorded_at, actor, key, reverses, evidence
		FROM movement WHERE id = ?`, scanMovement, id)
	if err != nil {
		return ledger.Movement{}, err
	}
	if len(found) == 0 {
		return ledger.Movement{}, fmt.Errorf("movement %s: %w", id, fault.NotFound)
	}
	m := found[0]
	m.Entries, err = list(ctx, q, `SELECT item, lot, tag, location, state, quantity, value
		FROM entry WHERE movement = ? ORDER BY line`, scanEntry, id)
	return m, err
}

func scanMovement(scan func(...any) error) (m ledger.Movement, err error) {
	var effective, recorded int64
	var evidence string
	err = scan(&m.ID, &m.Kind, &m.Source, &effective, &recorded, &m.Actor, &m.Key, &m.Reverses, &evidence)
	if err != nil {
		return m, err
	}
	m.EffectiveAt, m.RecordedAt = timeOf(effective), timeOf(recorded)
	return m, json.Unmarshal([]byte(evidence), &m.Evidence)
}

func scanEntry(scan func(...any) error) (e ledger.Entry, err error) {
	var tag string
	if err = scan(&e.Item, &e.Lot, &tag, &e.Location, &e.State, &e.Quantity, &e.Value); err != nil {
		return e, err
	}
	return e, e.Tag.UnmarshalText([]byte(tag))
}

// Reverse takes a movement back by a new one and gives that. Errors: fault.NotFound, fault.Conflict.
func (l Ledger) Reverse(ctx context.Context, id, actor string) (ledger.Movement, error) {
	var r ledger.Movement
	err := l.Write(ctx, func(tx *Tx) error {
		m, err := movement(ctx, tx.Tx, id)
		if err != nil {
			return err
		}
		for tag := range m.Places() {
			if at, err := tx.Position(tag); err != nil {
				return err
			} else if at == nil || at.Movement != m.ID {
				return fmt.Errorf("%w: %s has moved since: take its later movements back first", fault.Conflict, tag)
			}
		}
		if r, err = ledger.Reversal(m, uuid.Must(uuid.NewV7()).String(), actor, tx.now.UTC()); err != nil {
			return err
		}
		err = tx.Post(r)
		if errors.Is(err, ledger.ErrDuplicate) {
			return fmt.Errorf("%w: movement %s was taken back already", fault.Conflict, id)
		}
		return err
	})
	return r, err
}

// Check compares every balance with its entries, and every tag's place, where it is a real one, with the tag's entries.
func (l Ledger) Check(ctx context.Context) ([]ledger.Mismatch, error) {
	balances, err := mismatches(ctx, l.read)
	if err != nil {
		return nil, err
	}
	tags, err := list(ctx, l.read, `SELECT p.item, p.lot, p.location, p.state, 1, coalesce(sum(e.quantity), 0), p.tag
		FROM tag_position p LEFT JOIN entry e ON e.tag = p.tag AND e.tag <> '' AND e.location = p.location AND e.state = p.state
		WHERE p.location NOT IN (?, ?, ?, ?, ?) GROUP BY p.tag, p.item, p.lot, p.location, p.state HAVING coalesce(sum(e.quantity), 0) <> 1`,
		func(scan func(...any) error) (m ledger.Mismatch, err error) {
			return m, scan(&m.Item, &m.Lot, &m.Location, &m.State, &m.Balance, &m.Entries, &m.Tag)
		}, ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss, ledger.InTransit)
	return append(balances, tags...), err
}

func mismatches(ctx context.Context, q querier) ([]ledger.Mismatch, error) {
	return list(ctx, q, `SELECT item, lot, location, state, sum(kept), sum(added) FROM (
			SELECT item, lot, location, state, quantity AS kept, 0 AS added FROM balance
			UNION ALL SELECT item, lot, location, state, 0, quantity FROM entry) AS both_sides
		GROUP BY item, lot, location, state HAVING sum(kept) <> sum(added) ORDER BY item, lot, location, state`,
		func(scan func(...any) error) (m ledger.Mismatch, err error) {
			return m, scan(&m.Item, &m.Lot, &m.Location, &m.State, &m.Balance, &m.Entries)
		})
}

// Rebuild sets every balance to what its entries add up to, and gives what it changed.
func (l Ledger) Rebuild(ctx context.Context) (changed []ledger.Mismatch, err error) {
	err = l.Write(ctx, func(tx *Tx) error {
		if changed, err = mismatches(ctx, tx.Tx); err != nil {
			return err
		}
		for _, m := range changed {
			tx.touch(m.Item, m.Location)
			err := tx.exec(`INSERT INTO balance (item, lot, location, state, quantity, seen_at) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (item, location, lot, state) DO UPDATE SET quantity = excluded.quantity`,
				m.Item, m.Lot, m.Location, string(m.State), m.Entries, stamp(tx.now))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return changed, err
}
