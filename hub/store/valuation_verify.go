package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/valuation"
)

// sums are what should be the same, by item and area.
type sums map[[2]string]*valuation.Mismatch

func (s sums) at(item, area string) *valuation.Mismatch {
	k := [2]string{item, area}
	if s[k] == nil {
		s[k] = &valuation.Mismatch{Item: item, Area: area}
	}
	return s[k]
}

// add reads rows of item, place, quantity and value.
func (s sums) add(ctx context.Context, q reader, query string, to func(item, place string, quantity, value int64)) error {
	return each(ctx, q, query, func(scan func(...any) error) error {
		var item, place string
		var quantity, value int64
		err := scan(&item, &place, &quantity, &value)
		to(item, place, quantity, value)
		return err
	})
}

// Check compares, for each item and area, what is kept with what its rows add up to, and its quantity with the ledger's.
func (v Valuation) Check(ctx context.Context) (wrong []valuation.Mismatch, err error) {
	err = v.reading(ctx, func(q reader) error {
		areas, err := decidedAreas(ctx, q)
		if err == nil {
			wrong, err = mismatchedValues(ctx, q, areas)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot compare the valuation with the ledger: %w", err)
	}
	return wrong, nil
}

func mismatchedValues(ctx context.Context, q reader, areas valuation.Areas) (wrong []valuation.Mismatch, err error) {
	s := sums{}
	waits := func(item, area string, quantity, _ int64) { s.at(item, area).LedgerQuantity += quantity }
	for _, r := range []struct {
		query string
		to    func(item, place string, quantity, value int64)
	}{
		{`SELECT item, area, quantity, value FROM valuation_total`, func(item, area string, quantity, value int64) {
			s.at(item, area).Quantity, s.at(item, area).Value = quantity, value
		}},
		{
			`SELECT item, area, CAST(sum(quantity) AS BIGINT), CAST(sum(value) AS BIGINT) FROM valuation GROUP BY item, area`,
			func(item, area string, quantity, value int64) {
				s.at(item, area).RowsQuantity, s.at(item, area).RowsValue = quantity, value
			},
		},
		{`SELECT item, to_area, -quantity, 0 FROM cost_due WHERE to_area IS NOT NULL`, waits},
		{`SELECT item, from_area, quantity, 0 FROM cost_due WHERE from_area IS NOT NULL`, waits},
		{
			`SELECT item, location, CAST(sum(quantity) AS BIGINT), 0 FROM balance GROUP BY item, location`,
			func(item, location string, quantity, _ int64) {
				if side := areas(location); side.Inside() {
					s.at(item, side.Area).LedgerQuantity += quantity
				}
			},
		},
	} {
		if err := s.add(ctx, q, r.query, r.to); err != nil {
			return nil, err
		}
	}
	for _, m := range s {
		if m.Quantity != m.RowsQuantity || m.Value != m.RowsValue || m.Quantity != m.LedgerQuantity {
			wrong = append(wrong, *m)
		}
	}
	slices.SortFunc(wrong, func(a, b valuation.Mismatch) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Area, b.Area))
	})
	return wrong, nil
}

// Verify derives the events again from the ledger's lines and from what was said of costs, folds those of every item again
// from the first, and gives what is kept otherwise: events, entries, layers, their uses, states and totals.
func (v Valuation) Verify(ctx context.Context) (valuation.Verification, error) {
	var c costCheck
	err := v.reading(ctx, func(q reader) error {
		c.q = q
		for _, step := range []func(context.Context) error{c.events, c.statements, c.items, c.totals} {
			if err := step(ctx); err != nil {
				return fmt.Errorf("cannot verify the valuation: %w", err)
			}
		}
		_, err := one(ctx, q, `SELECT count(*) FROM cost_due`, nil, &c.found.Waiting)
		return err
	})
	return c.found, err
}

// costCheck is a Verify on its way.
type costCheck struct {
	q     reader
	areas valuation.Areas
	found valuation.Verification
}

// mostWrong bounds the list of what is wrong.
const mostWrong = 100

func (c *costCheck) report(format string, args ...any) {
	if len(c.found.Wrong) < mostWrong {
		c.found.Wrong = append(c.found.Wrong, fmt.Sprintf(format, args...))
	}
}

// events compares the events that are kept with those of the ledger's lines.
func (c *costCheck) events(ctx context.Context) (err error) {
	if c.areas, err = decidedAreas(ctx, c.q); err != nil {
		return err
	}
	for after := uid(""); ; {
		page, err := verifyPage(ctx, c.q, after)
		if err != nil {
			return err
		}
		upto := uid("ffffffff-ffff-ffff-ffff-ffffffffffff")
		if len(page) > 0 {
			upto = uid(page[len(page)-1].ID)
		}
		if err := c.page(ctx, page, after, upto); err != nil || len(page) == 0 {
			return err
		}
		after = upto
	}
}

// page compares the events of movements with those that are kept of ids after one and up to another.
func (c *costCheck) page(ctx context.Context, page []ledger.Movement, after, upto uid) error {
	reversed, err := effectTimes(ctx, c.q, page)
	if err != nil {
		return err
	}
	var events []valuation.Event
	for i := range page {
		m := page[i]
		m.EffectiveAt = timeOf(whenCounts(m.EffectiveAt))
		events = valuation.Append(events, &m, c.areas, timeOf(max(reversed[uid(m.Reverses)], 1)))
	}
	want := make(map[valuation.Key]valuation.Event, len(events))
	for _, e := range events {
		want[e.Key] = e
	}
	for _, table := range []string{`cost_event`, `cost_due`} {
		query, args := eventSelect+`0 FROM `+table+` e WHERE e.kind = 'flow' AND e.movement <= ?`, []any{upto}
		if after != "" {
			query, args = query+` AND e.movement > ?`, append(args, after)
		}
		got, err := list(ctx, c.q, query+` ORDER BY e.movement, e.line`, scanEvent, args...)
		if err != nil {
			return err
		}
		for _, e := range got {
			if w, ok := want[e.Key]; !ok || e != w {
				c.report("line %d of movement %s is valued as what it is not, or twice", e.Line, e.Movement)
			}
			delete(want, e.Key)
		}
	}
	for _, e := range events {
		if _, missing := want[e.Key]; missing {
			c.report("line %d of movement %s is not valued and does not wait for it", e.Line, e.Movement)
		}
	}
	c.found.Events += int64(len(events))
	return nil
}

// effectTimes reads when the movements took effect that others take back.
func effectTimes(ctx context.Context, q querier, by []ledger.Movement) (map[uid]int64, error) {
	var ids []uid
	for i := range by {
		if by[i].Reverses != "" {
			ids = append(ids, uid(by[i].Reverses))
		}
	}
	times := map[uid]int64{}
	for _, part := range lists(ids) {
		err := each(ctx, q, `SELECT id, effective_at FROM movement WHERE id IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			var id uid
			var at int64
			err := scan(&id, &at)
			times[id] = at
			return err
		}, anys(part)...)
		if err != nil {
			return nil, err
		}
	}
	return times, nil
}

// statements compares what was said of costs and methods with what is valued or waits.
func (c *costCheck) statements(ctx context.Context) error {
	for _, query := range []string{
		`SELECT s.id, s.line FROM cost_statement s LEFT JOIN (
				SELECT movement, line, value, refers, refers_line FROM cost_event WHERE kind = 'cost'
				UNION ALL SELECT movement, line, value, refers, refers_line FROM cost_due WHERE kind = 'cost') e
			ON e.movement = s.id AND e.line = s.line
			WHERE e.movement IS NULL OR e.value <> s.value OR e.refers <> s.movement OR e.refers_line <> s.movement_line
			ORDER BY s.id, s.line LIMIT 100`,
		`SELECT s.id, 0 FROM method_change s LEFT JOIN (
				SELECT movement, item, effective_at, method FROM cost_event WHERE kind = 'method'
				UNION ALL SELECT movement, item, effective_at, method FROM cost_due WHERE kind = 'method') e
			ON e.movement = s.id
			WHERE e.movement IS NULL OR e.item <> s.item OR e.method <> s.method OR e.effective_at <> s.effective_at
			ORDER BY s.id LIMIT 100`,
	} {
		err := each(ctx, c.q, query, func(scan func(...any) error) error {
			var id uid
			var line int
			err := scan(&id, &line)
			c.report("what was said by %s, line %d, is not valued as it was said", string(id), line)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// items folds each item again.
func (c *costCheck) items(ctx context.Context) error {
	items, err := list(ctx, c.q, `SELECT DISTINCT item FROM cost_event ORDER BY item`, func(scan func(...any) error) (item string, err error) {
		return item, scan(&item)
	})
	if err != nil {
		return err
	}
	c.found.Items = len(items)
	for _, item := range items {
		if err := c.item(ctx, item); err != nil {
			return fmt.Errorf("item %s: %w", item, err)
		}
	}
	return nil
}

func (c *costCheck) item(ctx context.Context, item string) error {
	var h valuation.History
	if err := history(ctx, c.q, &h, item, valuation.Moment{}); err != nil {
		return err
	}
	booked, err := booked(ctx, c.q, item, valuation.Moment{})
	if err != nil {
		return err
	}
	again, err := valuation.Revalue(item, h, nil, valuation.Moment{}, booked, math.MaxInt)
	if err != nil {
		c.report("item %s cannot be valued again: %v", item, err)
		return nil
	}
	for _, r := range again.Rows {
		c.report("item %s: entries of movement %s, line %d, in area %q, by %s: %d units and a value of %d are missing", item, r.Of.Movement,
			r.Of.Line, r.Area, r.Step.Movement, r.Quantity, r.Value)
	}
	return c.head(ctx, item, again.End)
}

// head compares the last state of an item, where it is kept, with what its events come to.
func (c *costCheck) head(ctx context.Context, item string, end valuation.State) error {
	var text string
	known, err := one(ctx, c.q, `SELECT state FROM valuation_head WHERE item = ? AND state <> ''`, []any{item}, &text)
	if err != nil || !known {
		return err
	}
	var kept valuation.State
	if err := json.Unmarshal([]byte(text), &kept); err != nil || !sameState(kept, end) {
		c.report("item %s: its last state is not what its entries come to", item)
	}
	return nil
}

// sameState compares what states say of goods.
func sameState(a, b valuation.State) bool {
	if a.Method != b.Method || a.At.Compare(b.At) != 0 || len(a.Pools) != len(b.Pools) {
		return false
	}
	for area, p := range a.Pools {
		o := b.Pools[area]
		if o == nil || !slices.Equal(p.Layers, o.Layers) || !slices.Equal(p.Debts, o.Debts) || p.Quantity != o.Quantity ||
			p.Value != o.Value || p.Last != o.Last {
			return false
		}
	}
	return true
}

func (c *costCheck) totals(ctx context.Context) error {
	wrong, err := mismatchedValues(ctx, c.q, c.areas)
	for _, m := range wrong {
		c.report("item %s in area %q: kept %d units worth %d, its entries add up to %d worth %d, the ledger has %d", m.Item, m.Area,
			m.Quantity, m.Value, m.RowsQuantity, m.RowsValue, m.LedgerQuantity)
	}
	return err
}
