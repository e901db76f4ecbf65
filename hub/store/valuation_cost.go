package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/valuation"
)

var statementRows = table{name: "cost_statement", columns: []column{
	{"id", id},
	{"line", integer},
	{"movement", id},
	{"movement_line", integer},
	{"value", integer},
	{"reference", text},
	{"recorded_at", integer},
	{"actor", text},
}}

// SetCosts records what lines that brought goods in from outside are worth, in place of what was known of it; the last word
// counts. What they, and what went out since, cost more or less is adjusted when it is valued. It gives the statement as it
// is kept. Errors: fault.NotFound, fault.Invalid.
func (v Valuation) SetCosts(ctx context.Context, s valuation.Statement) (valuation.Statement, error) {
	if len(s.Lines) == 0 {
		return s, fmt.Errorf("%w: a statement of costs without lines", fault.Invalid)
	}
	s.ID = uuid.Must(uuid.NewV7()).String()
	err := v.Write(ctx, func(tx *Tx) error {
		s.At = tx.now
		moved, err := tx.costed(s.Lines)
		if err != nil {
			return err
		}
		areas, err := tx.findAreas(func(yield func(*ledger.Movement) bool) {
			for _, m := range moved {
				if !yield(m) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
		if err := tx.putStatement(s, moved, areas); err != nil {
			return err
		}
		return tx.Audit(audit.Entry{Resource: "valuation-cost", ID: s.ID, After: audit.State(s)})
	})
	return s, err
}

// costed reads the movements of lines.
func (tx *Tx) costed(lines []valuation.Said) (map[string]*ledger.Movement, error) {
	var ids []uid
	for _, l := range lines {
		if uuid.Validate(l.Movement) != nil {
			return nil, fmt.Errorf("movement %s: %w", l.Movement, fault.NotFound)
		}
		ids = append(ids, uid(l.Movement))
	}
	slices.Sort(ids)
	found, err := movements(tx.ctx, tx, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("cannot read the movements whose cost is said: %w", err)
	}
	moved := make(map[string]*ledger.Movement, len(found))
	for i := range found {
		moved[found[i].ID] = &found[i]
	}
	for _, l := range lines {
		if moved[l.Movement] == nil {
			return nil, fmt.Errorf("movement %s: %w", l.Movement, fault.NotFound)
		}
	}
	return moved, nil
}

func (tx *Tx) putStatement(s valuation.Statement, moved map[string]*ledger.Movement, areas valuation.Areas) error {
	events := make([]valuation.Event, 0, len(s.Lines))
	rows := make([][]any, 0, len(s.Lines))
	var wrong []error
	for i, l := range s.Lines {
		e, err := valuation.CostOf(moved[l.Movement], l, areas)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		e.Key, e.At = valuation.Key{Movement: s.ID, Line: i}, timeOf(whenCounts(e.At))
		e.Costs.At = e.At
		events = append(events, e)
		rows = append(rows, []any{
			uid(s.ID), int64(i), uid(l.Movement), int64(l.Line), l.Value, s.Reference, stamp(s.At), s.Actor,
		})
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	if err := tx.insert(&statementRows, rows); err != nil {
		return err
	}
	return tx.queueCosts(events)
}

// Statements gives what was said of the costs of a movement's lines, the last word first.
func (v Valuation) Statements(ctx context.Context, movement string) ([]valuation.Statement, error) {
	if uuid.Validate(movement) != nil {
		return nil, fmt.Errorf("movement %s: %w", movement, fault.NotFound)
	}
	return list(ctx, v.read, `SELECT id, movement, movement_line, value, reference, recorded_at, actor FROM cost_statement
		WHERE movement = ? ORDER BY id DESC, line LIMIT ?`, func(scan func(...any) error) (s valuation.Statement, err error) {
		var id, of uid
		var at int64
		l := valuation.Said{}
		err = scan(&id, &of, &l.Line, &l.Value, &s.Reference, &at, &s.Actor)
		l.Movement = string(of)
		s.ID, s.At, s.Lines = string(id), timeOf(at), []valuation.Said{l}
		return s, err
	}, uid(movement), maxPage)
}

// SetItemCost sets what one unit of an item costs where nobody says it: of what is valued from now on. Errors:
// fault.NotFound, fault.Invalid.
func (v Valuation) SetItemCost(ctx context.Context, item string, cost int64) error {
	if cost < 0 {
		return fmt.Errorf("%w: a cost of %d; 0 or more is needed", fault.Invalid, cost)
	}
	return v.Write(ctx, func(tx *Tx) error {
		var was int64
		found, err := tx.row(tx.lock(`SELECT cost FROM item WHERE id = ?`), []any{item}, &was)
		if err != nil {
			return fmt.Errorf("cannot read the cost of item %s: %w", item, err)
		}
		if !found {
			return fmt.Errorf("item %s: %w", item, fault.NotFound)
		}
		if err := tx.exec(`UPDATE item SET cost = ? WHERE id = ?`, cost, item); err != nil {
			return fmt.Errorf("cannot set the cost of item %s: %w", item, err)
		}
		return tx.Audit(audit.Entry{
			Resource: "item-cost", ID: item, Before: audit.State(map[string]int64{"cost": was}), After: audit.State(map[string]int64{"cost": cost}),
		})
	})
}
