package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/valuation"
)

var stepColumns = []column{
	{"item", text},
	{"effective_at", integer},
	{"step_movement", id},
	{"step_line", integer},
	{"movement", id},
	{"line", integer},
	{"area", text},
	{"round", integer},
	{"quantity", integer},
	{"value", integer},
	{"recorded_at", integer},
	{"booked_at", integer},
}

var (
	valuationRows = table{
		name: "valuation", columns: slices.Concat(stepColumns, []column{{"kind", text}, {"outside", text}, {"caused_by", id}}),
	}
	layerRows = table{name: "layer", columns: stepColumns}
	useRows   = table{
		name: "layer_use", columns: slices.Concat(stepColumns, []column{{"layer_movement", id}, {"layer_line", integer}}),
	}
	snapshotRows = table{name: "valuation_snapshot", columns: []column{
		{"item", text}, {"effective_at", integer}, {"movement", id}, {"line", integer}, {"state", text},
	}}
	headRows = table{
		name: "valuation_head", columns: []column{{"item", text}, {"state", text}},
		then: `ON CONFLICT (item) DO UPDATE SET state = excluded.state`,
	}
	totalRows = table{
		name: "valuation_total", columns: []column{{"item", text}, {"area", text}, {"quantity", integer}, {"value", integer}},
		then: `ON CONFLICT (item, area) DO UPDATE SET quantity = excluded.quantity, value = excluded.value`,
	}
	stuckRows = table{
		name: "valuation_stuck", columns: []column{{"item", text}, {"since", integer}, {"reason", text}},
		then: `ON CONFLICT (item) DO UPDATE SET reason = excluded.reason`,
	}
)

// Book records the round after one. Rounds are recorded at rising times, so that what was known at a time is whole rounds.
// What took effect before the books are closed is booked at the first open moment.
func (v Valuation) Book(ctx context.Context, after int64, changes []valuation.Change) error {
	return v.Write(ctx, func(tx *Tx) error {
		r, err := tx.beginRound(after, changes)
		if err != nil {
			return err
		}
		for i := range changes {
			if err := r.add(&changes[i]); err != nil {
				return err
			}
		}
		return r.write(tx, changes)
	})
}

// round is what a round writes.
type round struct {
	closed                                                       int64 // until when the books are closed
	number, at                                                   int64
	events, stock, layers, uses, snapshots, heads, totals, stuck [][]any
	done                                                         []uid // movements
	earliest                                                     int64 // when the first row is booked
}

func (tx *Tx) beginRound(after int64, changes []valuation.Change) (*round, error) {
	last, recorded, err := lastRound(tx.ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("cannot read the last round: %w", err)
	}
	closed, err := tx.closed()
	if err != nil {
		return nil, err
	}
	r := &round{closed: stamp(closed), number: after + 1, at: max(stamp(tx.now), recorded+1)}
	n := 0
	for _, c := range changes {
		n += len(c.Events)
	}
	result, err := tx.ExecContext(tx.ctx, `INSERT INTO valuation_round (round, recorded_at, events) VALUES (?, ?, ?)
		ON CONFLICT (round) DO NOTHING`, r.number, r.at, n)
	if err != nil {
		return nil, fmt.Errorf("cannot begin round %d: %w", r.number, err)
	}
	if won, err := result.RowsAffected(); err != nil || won == 0 || last != after {
		return nil, fmt.Errorf("%w: round %d of the valuation was booked by another hub (%v)", fault.Conflict, r.number, err)
	}
	return r, nil
}

func (r *round) add(c *valuation.Change) error {
	if c.Stuck != "" {
		r.stuck = append(r.stuck, []any{c.Item, r.at, c.Stuck})
		return nil
	}
	for i := range c.Events {
		e := &c.Events[i]
		r.events = append(r.events, append(eventValues(e), e.Cost, r.number))
		r.done = append(r.done, uid(e.Movement))
	}
	for i := range c.Rows {
		r.row(c.Item, &c.Rows[i])
	}
	if err := r.states(c); err != nil {
		return fmt.Errorf("cannot keep a state of item %s: %w", c.Item, err)
	}
	for _, area := range slices.Sorted(maps.Keys(c.End.Pools)) {
		p := c.End.Pools[area]
		r.totals = append(r.totals, []any{c.Item, area, p.Quantity, p.Value})
	}
	return nil
}

// maxHead is the size of the greatest state that is written in every round. Of greater ones only the marks are kept, which
// Fold makes the rarer the greater they are.
const maxHead = 64

func (r *round) states(c *valuation.Change) error {
	for _, s := range c.Marks {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		r.snapshots = append(r.snapshots, append(append([]any{c.Item}, momentArgs(s.At)...), string(text)))
	}
	var head []byte
	if c.End.Size() <= maxHead {
		var err error
		if head, err = json.Marshal(c.End); err != nil {
			return err
		}
	}
	r.heads = append(r.heads, []any{c.Item, string(head)})
	return nil
}

func (r *round) row(item string, w *valuation.Row) {
	booked := max(whenCounts(w.At), r.closed, 1)
	if r.earliest == 0 || booked < r.earliest {
		r.earliest = booked
	}
	values := make([]any, 0, len(stepColumns)+3)
	values = append(values, item, whenCounts(w.At), uid(w.Step.Movement), int64(w.Step.Line), uid(w.Of.Movement), int64(w.Of.Line),
		w.Area, r.number, w.Quantity, w.Value, r.at, booked)
	switch w.Book {
	case valuation.Stock:
		r.stock = append(r.stock, append(values, string(w.Kind), w.Outside, uid(w.CausedBy)))
	case valuation.Layers:
		r.layers = append(r.layers, values)
	case valuation.Uses:
		r.uses = append(r.uses, append(values, uid(cmp.Or(w.Layer.Movement, valuation.NoMovement)), int64(w.Layer.Line)))
	}
}

func (r *round) write(tx *Tx, changes []valuation.Change) error {
	tx.books.earliest = timeOf(r.earliest) // so that nobody closes the books meanwhile
	for i := range changes {
		if c := &changes[i]; c.Again {
			if err := tx.forget(c); err != nil {
				return fmt.Errorf("cannot drop what is no longer right of item %s: %w", c.Item, err)
			}
		}
	}
	for _, w := range []struct {
		table *table
		rows  [][]any
	}{
		{&costEventRows, r.events},
		{&valuationRows, r.stock},
		{&layerRows, r.layers},
		{&useRows, r.uses},
		{&snapshotRows, r.snapshots},
		{&headRows, r.heads},
		{&totalRows, r.totals},
		{&stuckRows, r.stuck},
	} {
		if err := tx.insert(w.table, w.rows); err != nil {
			return err
		}
	}
	for _, part := range lists(slices.Compact(r.done)) {
		err := tx.exec(`DELETE FROM cost_due WHERE movement IN (`+marks(len(part), "?")+`)
			AND item NOT IN (SELECT item FROM valuation_stuck)`, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot take from the queue what was valued: %w", err)
		}
	}
	return nil
}

// forget drops an item's states and totals that are no longer right, and that it is stuck.
func (tx *Tx) forget(c *valuation.Change) error {
	for _, text := range []string{`DELETE FROM valuation_stuck WHERE item = ?`, `DELETE FROM valuation_total WHERE item = ?`} {
		if err := tx.exec(text, c.Item); err != nil {
			return err
		}
	}
	return tx.exec(`DELETE FROM valuation_snapshot WHERE item = ? AND (effective_at, movement, line) >= (?, ?, ?)`,
		append([]any{c.Item}, momentArgs(c.From)...)...)
}
