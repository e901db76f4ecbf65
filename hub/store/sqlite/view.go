package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/stock"
	"github.com/tallydock/tallydock/hub/view"
)

// View reads what the console shows across rooms; it is a view.Store.
type View struct{ *DB }

var _ view.Store = View{}

// snapshotOf runs read on one state of the database.
func (v View) snapshotOf(ctx context.Context, read func(*sql.Tx) error) error {
	tx, err := v.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("cannot begin to read: %w", err)
	}
	defer tx.Rollback()
	return read(tx)
}

// Snapshot reads all stock with the number of the last event that is in it.
func (v View) Snapshot(ctx context.Context) (s view.Snapshot, err error) {
	err = v.snapshotOf(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM event`).Scan(&s.Seq); err != nil {
			return fmt.Errorf("cannot read the newest event's number: %w", err)
		}
		if s.StockRows, err = stockRows(ctx, tx, "", ""); err != nil {
			return err
		}
		if s.Items, err = list(ctx, tx, `SELECT id, gtin, name_en, name_zh, unit, category, cost FROM item ORDER BY id`,
			func(scan func(...any) error) (i catalog.Item, err error) {
				return i, scan(&i.ID, &i.GTIN, &i.Name.EN, &i.Name.ZH, &i.Unit, &i.Category, &i.Cost)
			}); err != nil {
			return err
		}
		if s.Doors, err = list(ctx, tx, `SELECT d.door, coalesce(l.name_en, ''), coalesce(l.name_zh, '')
			FROM (SELECT DISTINCT door FROM pass) d LEFT JOIN location l ON l.code = d.door ORDER BY d.door`,
			func(scan func(...any) error) (d view.Door, err error) {
				return d, scan(&d.ID, &d.Name.EN, &d.Name.ZH)
			}); err != nil {
			return err
		}
		s.Places, err = places(ctx, tx)
		return err
	})
	return s, err
}

// places reads the locations, each with the limits that the newest temperature alarms there were judged by.
func places(ctx context.Context, tx *sql.Tx) ([]view.Place, error) {
	all, err := list(ctx, tx, `SELECT code, site, parent, kind, name_en, name_zh, x, y, w, h FROM location ORDER BY code`,
		func(scan func(...any) error) (p view.Place, err error) {
			return p, scan(&p.Code, &p.Site, &p.Parent, &p.Kind, &p.Name.EN, &p.Name.ZH, &p.X, &p.Y, &p.W, &p.H)
		})
	if err != nil {
		return nil, err
	}
	limits, err := list(ctx, tx, `SELECT a.location, a.reason, a.limit_value FROM alarm a JOIN (
			SELECT location, reason, max(raised_at) AS newest FROM alarm
			WHERE class = 'cold_chain' AND quantity = 1 AND limit_value IS NOT NULL GROUP BY location, reason
		) n ON n.location = a.location AND n.reason = a.reason AND n.newest = a.raised_at
		WHERE a.class = 'cold_chain' AND a.quantity = 1 AND a.limit_value IS NOT NULL`,
		func(scan func(...any) error) (l limit, err error) {
			return l, scan(&l.location, &l.reason, &l.value)
		})
	for _, l := range limits {
		i, ok := slices.BinarySearchFunc(all, l.location, func(p view.Place, code string) int { return cmp.Compare(p.Code, code) })
		switch {
		case ok && l.reason == "low":
			all[i].TempLow = milli(l.value)
		case ok && l.reason == "high":
			all[i].TempHigh = milli(l.value)
		}
	}
	return all, err
}

// limit is one that an alarm at a location was judged by.
type limit struct {
	location, reason string
	value            sql.NullInt64
}

type rowKey struct{ item, location string }

// stockRows reads the rows with stock or a level, by item and location; of one item and location, or ("", "") of all.
func stockRows(ctx context.Context, tx *sql.Tx, item, location string) ([]view.StockRow, error) {
	const one = `AND (? = '' OR item = ? AND location = ?) `
	stocked, err := list(ctx, tx, stockColumns+`WHERE location NOT IN (?, ?, ?, ?, ?) `+one+`GROUP BY item, location`, scanStock,
		ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss, ledger.InTransit, item, item, location)
	if err != nil {
		return nil, err
	}
	levels, err := list(ctx, tx, `SELECT item, location, min, max FROM level WHERE 1 = 1 `+one,
		func(scan func(...any) error) (r view.StockRow, err error) {
			return r, scan(&r.Item, &r.Location, &r.Min, &r.Max)
		}, item, item, location)
	if err != nil {
		return nil, err
	}
	return joinRows(stocked, levels), nil
}

// joinRows puts levels beside stock, and leaves out what has neither.
func joinRows(stocked []stock.Row, levels []view.StockRow) []view.StockRow {
	index := make(map[rowKey]int, len(levels))
	rows := levels
	for i, r := range rows {
		index[rowKey{r.Item, r.Location}] = i
	}
	for _, r := range stocked {
		if i, ok := index[rowKey{r.Item, r.Location}]; ok {
			rows[i].OnHand, rows[i].Unseen, rows[i].SeenAt = r.OnHand, r.Unseen, r.SeenAt
		} else if r.OnHand != 0 || r.Unseen != 0 {
			rows = append(rows, view.StockRow{Item: r.Item, Location: r.Location, OnHand: r.OnHand, Unseen: r.Unseen, SeenAt: r.SeenAt})
		}
	}
	slices.SortFunc(rows, func(a, b view.StockRow) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Location, b.Location))
	})
	return rows
}
