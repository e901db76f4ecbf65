package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/valuation"
)

// until is a bound as it is stored; the end of time for none.
func until(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return stamp(t)
}

// basisColumn is the column by which rows count in a period.
func basisColumn(b valuation.Basis) (string, error) {
	switch b {
	case valuation.ByBooks, "":
		return `booked_at`, nil
	case valuation.ByEffect:
		return `effective_at`, nil
	}
	return "", fmt.Errorf("%w: basis %q; %s and %s are known", fault.Invalid, b, valuation.ByBooks, valuation.ByEffect)
}

// Worth gives what items are worth in areas, by item and area; item "" is all of them.
func (v Valuation) Worth(ctx context.Context, item string, known valuation.Known) ([]valuation.Worth, error) {
	query, args := `SELECT item, area, quantity, value FROM valuation_total`, []any{}
	where := []string{}
	if item != "" {
		where, args = append(where, `item = ?`), append(args, item)
	}
	group := ``
	column, err := basisColumn(known.Basis)
	if err != nil {
		return nil, err
	}
	if !known.At.IsZero() || !known.Recorded.IsZero() {
		query = `SELECT item, area, CAST(sum(quantity) AS BIGINT), CAST(sum(value) AS BIGINT) FROM valuation`
		where, args = append(where, column+` <= ? AND recorded_at <= ?`), append(args, until(known.At), until(known.Recorded))
		group = ` GROUP BY item, area`
	}
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	return list(ctx, v.read, query+group+` ORDER BY item, area`, func(scan func(...any) error) (w valuation.Worth, err error) {
		return w, scan(&w.Item, &w.Area, &w.Quantity, &w.Value)
	}, args...)
}

// Layers gives the layers of an item of which something is left, the oldest first.
func (v Valuation) Layers(ctx context.Context, item string, known valuation.Known) ([]valuation.LayerLeft, error) {
	column, err := basisColumn(known.Basis)
	if err != nil {
		return nil, err
	}
	bounds := ` WHERE item = ? AND ` + column + ` <= ? AND recorded_at <= ? `
	args := []any{item, until(known.At), until(known.Recorded)}
	return list(ctx, v.read, `SELECT l.movement, l.line, l.area, l.at, l.quantity, l.value,
			l.quantity - coalesce(u.quantity, 0), l.value - coalesce(u.value, 0)
		FROM (SELECT movement, line, area, min(effective_at) AS at, CAST(sum(quantity) AS BIGINT) AS quantity,
			CAST(sum(value) AS BIGINT) AS value FROM layer`+bounds+`GROUP BY movement, line, area) l
		LEFT JOIN (SELECT layer_movement, layer_line, area, CAST(sum(quantity) AS BIGINT) AS quantity,
			CAST(sum(value) AS BIGINT) AS value FROM layer_use`+bounds+`GROUP BY layer_movement, layer_line, area) u
		ON u.layer_movement = l.movement AND u.layer_line = l.line AND u.area = l.area
		WHERE l.quantity <> coalesce(u.quantity, 0) ORDER BY l.area, l.at, l.movement, l.line`,
		func(scan func(...any) error) (l valuation.LayerLeft, err error) {
			var movement uid
			var at int64
			err = scan(&movement, &l.Line, &l.Area, &at, &l.Quantity, &l.Value, &l.Left, &l.LeftValue)
			l.Movement, l.At = string(movement), timeOf(at)
			return l, err
		}, append(args, args...)...)
}

// Costs gives what goods cost that left for the outside within a period, less those that came back, by item, area and
// whom they went to.
func (v Valuation) Costs(ctx context.Context, f valuation.CostFilter) ([]valuation.Cost, error) {
	column, err := basisColumn(f.Basis)
	if err != nil {
		return nil, err
	}
	return list(ctx, v.read, `SELECT item, area, outside, CAST(-sum(quantity) AS BIGINT), CAST(-sum(value) AS BIGINT),
			CAST(-sum(CASE WHEN kind = 'adjust' THEN value ELSE 0 END) AS BIGINT)
		FROM valuation WHERE `+column+` >= ? AND `+column+` < ? AND outside <> '' AND (? = '' OR outside = ?) AND (? = '' OR item = ?)
		GROUP BY item, area, outside ORDER BY item, area, outside`,
		func(scan func(...any) error) (c valuation.Cost, err error) {
			return c, scan(&c.Item, &c.Area, &c.Outside, &c.Quantity, &c.Value, &c.Adjusted)
		}, stamp(f.From), until(f.To), f.Outside, f.Outside, f.Item, f.Item)
}

// Explain says how each line of a movement, or of a change of method, came to its value in each area. Errors:
// fault.NotFound where nothing of it was valued.
func (v Valuation) Explain(ctx context.Context, movement string) (all []valuation.Explanation, err error) {
	if uuid.Validate(movement) != nil {
		return nil, fmt.Errorf("valuation of movement %s: %w", movement, fault.NotFound)
	}
	err = v.reading(ctx, func(q reader) error {
		rows, err := list(ctx, q, rowSelect+`WHERE movement = ? ORDER BY line, area, round, effective_at, step_movement, step_line`,
			scanRecorded, uid(movement))
		if err != nil {
			return err
		}
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && rows[n].Of == rows[0].Of && rows[n].Area == rows[0].Area {
				n++
			}
			x, err := explain(ctx, q, rows[:n])
			if err != nil {
				return err
			}
			all, rows = append(all, x), rows[n:]
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fault.NotFound
	}
	if err != nil {
		return nil, fmt.Errorf("valuation of movement %s: %w", movement, err)
	}
	return all, nil
}

// recorded is a row with its item.
type recorded struct {
	valuation.Recorded
	item string
}

const rowSelect = `SELECT item, effective_at, step_movement, step_line, movement, line, area, round, kind, outside, quantity, value,
	recorded_at, booked_at, caused_by FROM valuation `

func scanRecorded(scan func(...any) error) (r recorded, err error) {
	var step, of, cause uid
	var at, when, booked int64
	err = scan(&r.item, &at, &step, &r.Step.Line, &of, &r.Of.Line, &r.Area, &r.Round, &r.Kind, &r.Outside, &r.Quantity, &r.Value,
		&when, &booked, &cause)
	r.At, r.Step.Movement, r.Of.Movement = timeOf(at), string(step), string(of)
	r.RecordedAt, r.BookedAt, r.CausedBy = timeOf(when), timeOf(booked), string(cause)
	return r, err
}

// explain explains the rows of one line in one area.
func explain(ctx context.Context, q reader, rows []recorded) (x valuation.Explanation, err error) {
	x.Area = rows[0].Area
	for _, r := range rows {
		x.Rows = append(x.Rows, r.Recorded)
		x.Quantity += r.Quantity
		x.Value += r.Value
	}
	of, item := rows[0].Of, rows[0].item
	// Its own row is the first one: nothing adjusts a line before it took effect.
	found, err := list(ctx, q, eventSelect+`e.cost FROM cost_event e
		WHERE e.item = ? AND e.effective_at = ? AND e.movement = ? AND e.line = ?`,
		scanEvent, item, stamp(firstAt(rows)), uid(of.Movement), of.Line)
	if err != nil || len(found) == 0 {
		return x, fmt.Errorf("its event cannot be read: %w", err)
	}
	x.Event = found[0]
	if err := explainPlace(ctx, q, &x); err != nil {
		return x, err
	}
	x.Late, err = causes(ctx, q, item, rows)
	return x, err
}

// explainPlace reads what was there before a line, and which goods it was.
func explainPlace(ctx context.Context, q reader, x *valuation.Explanation) (err error) {
	x.Before.Item, x.Before.Area = x.Item, x.Area
	_, err = one(ctx, q, `SELECT CAST(coalesce(sum(quantity), 0) AS BIGINT), CAST(coalesce(sum(value), 0) AS BIGINT) FROM valuation
		WHERE item = ? AND (effective_at, step_movement, step_line) < (?, ?, ?) AND area = ?`,
		append(append([]any{x.Item}, momentArgs(x.Moment)...), x.Area), &x.Before.Quantity, &x.Before.Value)
	if err != nil {
		return err
	}
	if x.Uses, err = uses(ctx, q, `movement = ? AND line = ?`, x, x.Key); err != nil {
		return err
	}
	x.UsedBy, err = uses(ctx, q, `layer_movement = ? AND layer_line = ?`, x, x.Key)
	return err
}

func firstAt(rows []recorded) time.Time {
	return slices.MinFunc(rows, func(a, b recorded) int { return a.At.Compare(b.At) }).At
}

// uses sums the uses of a line, or of a layer, since it took effect.
func uses(ctx context.Context, q reader, where string, x *valuation.Explanation, of valuation.Key) ([]valuation.Used, error) {
	return list(ctx, q, `SELECT movement, line, layer_movement, layer_line, CAST(sum(quantity) AS BIGINT), CAST(sum(value) AS BIGINT)
		FROM layer_use WHERE item = ? AND effective_at >= ? AND area = ? AND `+where+` GROUP BY movement, line, layer_movement, layer_line
		HAVING sum(quantity) <> 0 OR sum(value) <> 0 ORDER BY layer_movement, layer_line, movement, line`,
		func(scan func(...any) error) (u valuation.Used, err error) {
			var by, layer uid
			err = scan(&by, &u.Of.Line, &layer, &u.Layer.Line, &u.Quantity, &u.Value)
			u.Of.Movement, u.Layer = string(by), layerKey(layer, u.Layer.Line)
			return u, err
		}, x.Item, whenCounts(x.At), x.Area, uid(of.Movement), of.Line)
}

// maxCauses bounds the list of what was late.
const maxCauses = 100

// causes gives what made rows necessary after their steps were booked: the events of those rounds that took effect no later.
func causes(ctx context.Context, q reader, item string, rows []recorded) ([]valuation.Cause, error) {
	last := map[int64]time.Time{} // of rounds: the latest step that they adjusted
	for _, r := range rows {
		if r.CausedBy != r.Step.Movement && r.At.After(last[r.Round]) {
			last[r.Round] = r.At
		}
	}
	var all []valuation.Cause
	for round, at := range last {
		found, err := list(ctx, q, `SELECT effective_at, movement, line FROM cost_event WHERE item = ? AND round = ? AND effective_at <= ?
			ORDER BY effective_at DESC, movement DESC, line DESC LIMIT ?`, func(scan func(...any) error) (c valuation.Cause, err error) {
			var at int64
			var movement uid
			err = scan(&at, &movement, &c.Line)
			c.At, c.Movement, c.Round = timeOf(at), string(movement), round
			return c, err
		}, item, round, stamp(at), maxCauses)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b valuation.Cause) int { return a.Compare(b.Moment) })
	return all[:min(len(all), maxCauses)], nil
}

// Methods lists by what an item was ordered to be valued, the latest first.
func (v Valuation) Methods(ctx context.Context, item string) ([]valuation.MethodChange, error) {
	return list(ctx, v.read, `SELECT id, item, method, effective_at, recorded_at, actor FROM method_change WHERE item = ?
		ORDER BY effective_at DESC, id DESC`, func(scan func(...any) error) (c valuation.MethodChange, err error) {
		var change uid
		var at, recorded int64
		err = scan(&change, &c.Item, &c.Method, &at, &recorded, &c.Actor)
		c.ID, c.At, c.RecordedAt = string(change), timeOf(at), timeOf(recorded)
		return c, err
	}, item)
}

// Stuck lists the items that cannot be valued.
func (v Valuation) Stuck(ctx context.Context) ([]valuation.StuckItem, error) {
	return list(ctx, v.read, `SELECT item, since, reason FROM valuation_stuck ORDER BY item`,
		func(scan func(...any) error) (s valuation.StuckItem, err error) {
			var since int64
			err = scan(&s.Item, &since, &s.Reason)
			s.Since = timeOf(since)
			return s, err
		})
}

// Behind tells how much waits to be valued.
func (v Valuation) Behind(ctx context.Context) (b valuation.Behind, err error) {
	var first uid
	if _, err = one(ctx, v.read, `SELECT count(*) FROM cost_due`, nil, &b.Events); err != nil {
		return b, err
	}
	found, err := one(ctx, v.read, `SELECT movement FROM cost_due ORDER BY movement, line LIMIT 1`, nil, &first)
	if err != nil || !found {
		return b, err
	}
	u, err := uuid.Parse(string(first)) // whose first bits are when it was made
	b.Since = time.Unix(u.Time().UnixTime()).UTC()
	return b, err
}
