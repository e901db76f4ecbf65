package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/stock"
	"github.com/tallydock/tallydock/hub/view"
)

// placed is a place in the order of a page's rows. A row's own is the last that is before all after it.
type placed struct{ location, item string }

func (p placed) compare(o placed) int {
	if c := strings.Compare(p.location, o.location); c != 0 {
		return c
	}
	return strings.Compare(p.item, o.item)
}

func placedOf(r view.StockRow) placed { return placed{r.Location, r.Item} }

// String gives the cursor as the API hands it out; "" for none.
func (p placed) String() string {
	if p == (placed{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(p.location + "\x00" + p.item))
}

func parsePlaced(s string) (placed, error) {
	if s == "" {
		return placed{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	location, item, found := strings.Cut(string(text), "\x00")
	if err != nil || !found || strings.Contains(item, "\x00") {
		return placed{}, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, s)
	}
	return placed{location, item}, nil
}

// maxRuns is how many runs of a site's locations one page reads.
const maxRuns = 16

// lastText is after every code.
const lastText = "\U0010ffff"

// stockWalk reads a page of a site's stock along the index of balances by location and item. It looks at no more than limit
// balances and limit levels, whatever they hold, so that each page costs the same: what was there once and is gone makes a
// page short, never slow.
type stockWalk struct {
	tx         reader
	site, item string
	limit      int
	looked     int
	rows       []view.StockRow
}

// read reads from a place on, and gives the one to go on from; the zero one at the end.
func (w *stockWalk) read(ctx context.Context, at placed) (placed, error) {
	w.rows = []view.StockRow{}
	for range maxRuns {
		from, end, err := w.run(ctx, at.location)
		if err != nil || from == "" {
			return placed{}, err
		}
		if from > at.location {
			at = placed{location: from}
		}
		last, err := w.readRun(ctx, at, end)
		if err != nil || last != (placed{}) {
			return last, err
		}
		if end == lastText {
			return placed{}, nil
		}
		if at = (placed{location: end}); w.looked >= w.limit {
			break
		}
	}
	return at, nil
}

// run finds the site's next locations that stand together in the order of codes: from the first at or after one, which is ""
// where there is none, to end, which is of another site or of none.
func (w *stockWalk) run(ctx context.Context, after string) (from, end string, err error) {
	if _, err = one(ctx, w.tx, `SELECT code FROM location WHERE site = ? AND code >= ? ORDER BY code LIMIT 1`, []any{w.site, after}, &from); err != nil {
		return "", "", err
	}
	end = lastText
	if _, err = one(ctx, w.tx, `SELECT code FROM location WHERE code > ? AND site <> ? ORDER BY code LIMIT 1`, []any{from, w.site}, &end); err != nil {
		return "", "", err
	}
	for _, v := range []string{ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss, ledger.InTransit} {
		if v > from && v < end {
			end = v
		}
	}
	return from, end, nil
}

// readRun adds the rows of a run after a place. It gives the last place that it read where the run has more.
func (w *stockWalk) readRun(ctx context.Context, after placed, end string) (last placed, err error) {
	left := w.limit - w.looked
	of, args := ` WHERE (location, item) > (?, ?) AND location < ?`, []any{after.location, after.item, end}
	if w.item != "" {
		of, args = of+` AND item = ?`, append(args, w.item)
	}
	of, args = of+` ORDER BY location, item LIMIT ?`, append(args, left+1)
	stocked, n, last, err := w.stocked(ctx, of, args, left)
	if err != nil {
		return placed{}, err
	}
	levels, err := list(ctx, w.tx, `SELECT item, location, min, max FROM level`+of, func(scan func(...any) error) (r view.StockRow, err error) {
		return r, scan(&r.Item, &r.Location, &r.Min, &r.Max)
	}, slices.Clone(args)...)
	if err != nil {
		return placed{}, err
	}
	if len(levels) > left {
		if levels = levels[:left]; last == (placed{}) || placedOf(levels[left-1]).compare(last) < 0 {
			last = placedOf(levels[left-1])
		}
	}
	rows := joinRows(stocked, levels)
	if last != (placed{}) {
		rows = slices.DeleteFunc(rows, func(r view.StockRow) bool { return placedOf(r).compare(last) > 0 })
	}
	if len(rows) > left {
		rows = rows[:left]
		last = placedOf(rows[left-1])
	}
	w.looked += max(n, len(levels), len(rows))
	return last, w.keep(ctx, rows)
}

// stocked reads balances and folds them into rows. Where there are more than left, last is the row that it came to; n is how
// many balances it looked at.
func (w *stockWalk) stocked(ctx context.Context, of string, args []any, left int) (rows []stock.Row, n int, last placed, err error) {
	err = each(ctx, w.tx, `SELECT location, item, state, quantity, seen_at FROM balance`+of, func(scan func(...any) error) error {
		var r stock.Row
		var s ledger.State
		var seen int64
		if err := scan(&r.Location, &r.Item, state{&s}, &r.OnHand, &seen); err != nil {
			return err
		}
		if n++; s == ledger.StateUnseen {
			r.Unseen = r.OnHand
		}
		r.SeenAt = timeOf(seen)
		rows = fold(rows, r)
		return nil
	}, slices.Clone(args)...)
	if err != nil || n <= left {
		return rows, n, placed{}, err
	}
	cut := len(rows) - 1 // of which there may be more
	if cut > 0 {
		rows = rows[:cut]
	} else if rows, err = list(ctx, w.tx, stockColumns+`WHERE item = ? AND location = ? GROUP BY item, location`, scanStock,
		rows[0].Item, rows[0].Location); err != nil {
		return nil, n, placed{}, err
	}
	return rows, n, placed{rows[len(rows)-1].Location, rows[len(rows)-1].Item}, nil
}

// fold adds a balance to the row before, where it is of the same.
func fold(rows []stock.Row, r stock.Row) []stock.Row {
	if k := len(rows) - 1; k >= 0 && rows[k].Item == r.Item && rows[k].Location == r.Location {
		rows[k].OnHand += r.OnHand
		rows[k].Unseen += r.Unseen
		if r.SeenAt.After(rows[k].SeenAt) {
			rows[k].SeenAt = r.SeenAt
		}
		return rows
	}
	return append(rows, r)
}

// keep adds those rows that are at locations of the site: the catalogue may know nothing of some.
func (w *stockWalk) keep(ctx context.Context, rows []view.StockRow) error {
	if len(rows) == 0 {
		return nil
	}
	mine := map[string]bool{}
	err := each(ctx, w.tx, `SELECT code FROM location WHERE site = ? AND code >= ? AND code <= ?`, func(scan func(...any) error) error {
		var code string
		err := scan(&code)
		mine[code] = true
		return err
	}, w.site, rows[0].Location, rows[len(rows)-1].Location)
	w.rows = append(w.rows, slices.DeleteFunc(rows, func(r view.StockRow) bool { return !mine[r.Location] })...)
	return err
}

// stockRow reads one row, with stock or a level.
func stockRow(ctx context.Context, tx reader, item, location string) ([]view.StockRow, error) {
	stocked, err := list(ctx, tx, stockColumns+`WHERE location NOT IN (?, ?, ?, ?, ?) AND item = ? AND location = ? GROUP BY item, location`, scanStock,
		ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss, ledger.InTransit, item, location)
	if err != nil {
		return nil, err
	}
	levels, err := list(ctx, tx, `SELECT item, location, min, max FROM level WHERE item = ? AND location = ?`,
		func(scan func(...any) error) (r view.StockRow, err error) {
			return r, scan(&r.Item, &r.Location, &r.Min, &r.Max)
		}, item, location)
	return joinRows(stocked, levels), err
}

// joinRows puts levels beside stock, by location and item, and leaves out what has neither.
func joinRows(stocked []stock.Row, levels []view.StockRow) []view.StockRow {
	index := make(map[placed]int, len(levels))
	rows := levels
	for i, r := range rows {
		index[placedOf(r)] = i
	}
	for _, r := range stocked {
		if i, ok := index[placed{r.Location, r.Item}]; ok {
			rows[i].OnHand, rows[i].Unseen, rows[i].SeenAt = r.OnHand, r.Unseen, r.SeenAt
		} else if r.OnHand != 0 || r.Unseen != 0 {
			rows = append(rows, view.StockRow{Item: r.Item, Location: r.Location, OnHand: r.OnHand, Unseen: r.Unseen, SeenAt: r.SeenAt})
		}
	}
	slices.SortFunc(rows, func(a, b view.StockRow) int { return placedOf(a).compare(placedOf(b)) })
	return rows
}
