package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/valuation"
)

// Valuation keeps what stock is worth and what goods cost that left; it is a valuation.Store.
//
// A posting leaves a row in cost_due for each line that crosses the border of an area, and nothing else. A round takes
// such rows to cost_event, which has them in the order in which they count, together with what they came to.
type Valuation struct{ *DB }

var _ valuation.Store = Valuation{}

var eventColumns = []column{
	{"movement", id},
	{"line", integer},
	{"kind", text},
	{"item", text},
	{"effective_at", integer},
	{"from_area", text},
	{"to_area", text},
	{"outside", text},
	{"quantity", integer},
	{"value", integer},
	{"refers", id},
	{"refers_line", integer},
	{"refers_at", integer},
	{"method", text},
}

var (
	dueRows       = table{name: "cost_due", columns: eventColumns}
	costEventRows = table{name: "cost_event", columns: slices.Concat(eventColumns, []column{{"cost", integer}, {"round", integer}})}
)

const eventSelect = `SELECT e.movement, e.line, e.kind, e.item, e.effective_at, e.from_area, e.to_area, e.outside, e.quantity, e.value,
	e.refers, e.refers_line, e.refers_at, e.method, `

// The kinds of event.
const (
	flowEvent   = "flow"
	methodEvent = "method"
	costEvent   = "cost"
)

func eventValues(e *valuation.Event) []any {
	area := func(s valuation.Side) any {
		if !s.Inside() {
			return nil
		}
		return s.Area
	}
	outside := e.From.Outside
	if outside == "" {
		outside = e.To.Outside
	}
	kind, refers := flowEvent, e.Reverses
	from, to := area(e.From), area(e.To)
	switch {
	case e.Method != "":
		kind, from, to = methodEvent, nil, nil
	case e.Costs.Movement != "":
		kind, refers, from, to = costEvent, e.Costs, nil, nil
	}
	return []any{
		uid(e.Movement), int64(e.Line), kind, e.Item, whenCounts(e.At), from, to, outside, e.Quantity, e.Value,
		uid(refers.Movement), int64(refers.Line), stamp(refers.At), string(e.Method),
	}
}

// whenCounts is an event's time as it is kept: after the method that its item begins with, which has none.
func whenCounts(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(stamp(t), 1)
}

func scanEvent(scan func(...any) error) (e valuation.Event, err error) {
	var movement, refers uid
	var at, refersAt int64
	var refersLine int
	var from, to sql.NullString
	var kind, outside string
	err = scan(&movement, &e.Line, &kind, &e.Item, &at, &from, &to, &outside, &e.Quantity, &e.Value, &refers, &refersLine, &refersAt,
		&e.Method, &e.Cost)
	side := func(area sql.NullString) valuation.Side {
		if area.Valid {
			return valuation.Side{Area: area.String}
		}
		return valuation.Side{Outside: outside}
	}
	e.Movement, e.At = string(movement), timeOf(at)
	reference := valuation.Moment{At: timeOf(refersAt), Key: valuation.Key{Movement: string(refers), Line: refersLine}}
	switch kind {
	case costEvent:
		e.Costs = reference
	case flowEvent:
		e.Reverses, e.From, e.To = reference, side(from), side(to)
	}
	return e, err
}

// Due gives the first n events that wait, and those of the last one's movement, but for those of items that are stuck.
func (v Valuation) Due(ctx context.Context, n int) (due valuation.Due, err error) {
	const query = eventSelect + `coalesce(i.cost, 0) FROM cost_due e LEFT JOIN item i ON i.id = e.item
		WHERE e.item NOT IN (SELECT item FROM valuation_stuck) `
	err = v.reading(ctx, func(q reader) error {
		if due.Round, _, err = lastRound(ctx, q); err != nil {
			return err
		}
		due.Events, err = list(ctx, q, query+`ORDER BY e.movement, e.line LIMIT ?`, scanEvent, n)
		if err != nil || len(due.Events) < max(n, 1) {
			return err
		}
		last := due.Events[n-1]
		rest, err := list(ctx, q, query+`AND e.movement = ? AND e.line > ? ORDER BY e.line`, scanEvent, uid(last.Movement), last.Line)
		due.Events = append(due.Events, rest...)
		return err
	})
	if err == nil {
		due.Heads, err = v.heads(ctx, due.Events)
	}
	if err != nil {
		return due, fmt.Errorf("cannot read what waits to be valued: %w", err)
	}
	return due, nil
}

// heads reads the last states of the items of events, where they are kept.
func (v Valuation) heads(ctx context.Context, events []valuation.Event) (map[string]valuation.State, error) {
	items := map[string]struct{}{}
	for i := range events {
		items[events[i].Item] = struct{}{}
	}
	heads := make(map[string]valuation.State, len(items))
	for _, part := range lists(slices.Sorted(maps.Keys(items))) {
		err := each(ctx, v.read, `SELECT item, state FROM valuation_head WHERE state <> '' AND item IN (`+marks(len(part), "?")+`)`,
			func(scan func(...any) error) error {
				var item, text string
				if err := scan(&item, &text); err != nil {
					return err
				}
				var s valuation.State
				err := json.Unmarshal([]byte(text), &s)
				heads[item] = s
				return err
			}, anys(part)...)
		if err != nil {
			return nil, err
		}
	}
	return heads, nil
}

func lastRound(ctx context.Context, q querier) (round, recorded int64, err error) {
	_, err = one(ctx, q, `SELECT round, recorded_at FROM valuation_round ORDER BY round DESC LIMIT 1`, nil, &round, &recorded)
	return round, recorded, err
}

// momentArgs are a moment as three values of a query.
func momentArgs(m valuation.Moment) []any {
	return []any{whenCounts(m.At), uid(cmp.Or(m.Movement, valuation.NoMovement)), int64(m.Line)}
}

// History gives the newest state of an item from before a moment, with all events after it.
func (v Valuation) History(ctx context.Context, item string, before valuation.Moment) (h valuation.History, err error) {
	if err := history(ctx, v.read, &h, item, before); err != nil {
		return h, fmt.Errorf("cannot read the history of item %s: %w", item, err)
	}
	return h, nil
}

// history reads state and events one after the other: a round that is booked in between makes the one that asks refused.
func history(ctx context.Context, q reader, h *valuation.History, item string, before valuation.Moment) error {
	var state string
	known, err := one(ctx, q, `SELECT state FROM valuation_snapshot WHERE item = ? AND (effective_at, movement, line) < (?, ?, ?)
		ORDER BY effective_at DESC, movement DESC, line DESC LIMIT 1`, append([]any{item}, momentArgs(before)...), &state)
	if err != nil {
		return err
	}
	after := valuation.Moment{Key: valuation.Key{Line: -1}}
	if known {
		if err := json.Unmarshal([]byte(state), &h.Base); err != nil {
			return fmt.Errorf("a state of it cannot be read: %w", err)
		}
		after = h.Base.At
	}
	h.Events, err = list(ctx, q, eventSelect+`e.cost FROM cost_event e
		WHERE e.item = ? AND (e.effective_at, e.movement, e.line) > (?, ?, ?)
		ORDER BY e.effective_at, e.movement, e.line`, scanEvent, append([]any{item}, momentArgs(after)...)...)
	return err
}

// Booked sums the entries of an item whose steps are at a moment or later.
func (v Valuation) Booked(ctx context.Context, item string, from valuation.Moment) (valuation.Booked, error) {
	return booked(ctx, v.read, item, from)
}

func booked(ctx context.Context, q reader, item string, from valuation.Moment) (valuation.Booked, error) {
	booked := valuation.Booked{}
	for book, c := range bookColumns {
		err := each(ctx, q, `SELECT effective_at, step_movement, step_line, movement, line, area, `+c.outside+`, `+c.layer+`,
			CAST(sum(quantity) AS BIGINT), CAST(sum(value) AS BIGINT) FROM `+c.table+`
			WHERE item = ? AND (effective_at, step_movement, step_line) >= (?, ?, ?)
			GROUP BY effective_at, step_movement, step_line, movement, line, area`+c.group, func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			e.Book = valuation.Book(book)
			booked[e.Slot] = e
			return err
		}, append([]any{item}, momentArgs(from)...)...)
		if err != nil {
			return nil, fmt.Errorf("cannot read the books of item %s: %w", item, err)
		}
	}
	return booked, nil
}

// bookColumns say where the entries of each book are.
var bookColumns = [...]struct{ table, outside, layer, group string }{
	valuation.Stock:  {"valuation", "max(outside)", "NULL, 0", ""},
	valuation.Layers: {"layer", "''", "NULL, 0", ""},
	valuation.Uses:   {"layer_use", "''", "layer_movement, layer_line", ", layer_movement, layer_line"},
}

func scanEntry(scan func(...any) error) (e valuation.Entry, err error) {
	var at int64
	var step, of, layer uid
	err = scan(&at, &step, &e.Step.Line, &of, &e.Of.Line, &e.Area, &e.Outside, &layer, &e.Layer.Line, &e.Quantity, &e.Value)
	e.At, e.Step.Movement, e.Of.Movement = timeOf(at), string(step), string(of)
	e.Layer = layerKey(layer, e.Layer.Line)
	return e, err
}

// layerKey is the layer of a use; none where goods are yet to come.
func layerKey(movement uid, line int) valuation.Key {
	if movement == valuation.NoMovement {
		movement = ""
	}
	return valuation.Key{Movement: string(movement), Line: line}
}

// lastMethod gives the method that holds last of an item; nil where nobody chose one.
func (tx *Tx) lastMethod(item string) (any, error) {
	var m string
	var at int64
	found, err := tx.row(`SELECT method, effective_at FROM method_change WHERE item = ? ORDER BY effective_at DESC, id DESC LIMIT 1`, []any{item}, &m, &at)
	if err != nil || !found {
		return nil, err
	}
	return facts{"method": m, "from": timeOf(at).UTC()}, nil
}

// SetMethod has an item valued by a method from a time on, the zero time being its beginning; it is an event like others,
// and may be late, but not before the open period. Errors: fault.Invalid, fault.Conflict.
func (v Valuation) SetMethod(ctx context.Context, item string, m valuation.Method, at time.Time, actor string) error {
	if m != valuation.Average && m != valuation.FIFO {
		return fmt.Errorf("%w: method %q; %s and %s are known", fault.Invalid, m, valuation.Average, valuation.FIFO)
	}
	if item == "" {
		return fmt.Errorf("%w: no item", fault.Invalid)
	}
	change := uuid.Must(uuid.NewV7()).String()
	e := valuation.Event{Moment: valuation.Moment{At: at, Key: valuation.Key{Movement: change}}, Item: item, Method: m}
	return v.Write(ctx, func(tx *Tx) error {
		closed, err := tx.closed()
		if err != nil {
			return err
		}
		if at.Before(closed) {
			return fmt.Errorf("%w: the books are closed until %s: change the method from then on", fault.Conflict, closed.UTC().Format(time.RFC3339))
		}
		tx.books.earliest = timeOf(max(stamp(at), 1))
		was, err := tx.lastMethod(item)
		if err != nil {
			return err
		}
		err = tx.exec(`INSERT INTO method_change (id, item, method, effective_at, recorded_at, actor) VALUES (?, ?, ?, ?, ?, ?)`,
			uid(change), item, string(m), whenCounts(at), stamp(tx.now), actor)
		if err != nil {
			return fmt.Errorf("cannot note the method of item %s: %w", item, err)
		}
		if err := tx.changed(ctx, "valuation-method", item, was, facts{"method": m, "from": at.UTC()}); err != nil {
			return err
		}
		return tx.queueCosts([]valuation.Event{e})
	})
}
