package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/stock"
	"github.com/tallydock/tallydock/hub/view"
)

// View reads what the console shows across rooms; it is a view.Store.
type View struct{ *DB }

var _ view.Store = View{}

// Snapshot reads all stock with the number of the last event that is in it.
func (v View) Snapshot(ctx context.Context) (s view.Snapshot, err error) {
	err = v.reading(ctx, func(tx reader) error {
		if _, err = one(ctx, tx, `SELECT seq FROM event_head WHERE one = 1`, nil, &s.Seq); err != nil {
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
		if s.Doors, err = list(ctx, tx, doorNames, func(scan func(...any) error) (view.Door, error) {
			d, err := scanDoorName(scan)
			return view.Door{ID: d.id, Name: d.name}, err
		}); err != nil {
			return err
		}
		s.Places, err = places(ctx, tx)
		return err
	})
	return s, err
}

// places reads the locations, each with the limits that edges hold the temperature to there.
func places(ctx context.Context, tx reader) ([]view.Place, error) {
	return list(ctx, tx, `SELECT l.code, l.site, l.parent, l.kind, l.name_en, l.name_zh, l.x, l.y, l.w, l.h,
			(SELECT max(low) FROM site_limit WHERE location = l.code AND quantity = ?),
			(SELECT min(high) FROM site_limit WHERE location = l.code AND quantity = ?) FROM location l ORDER BY l.code`,
		func(scan func(...any) error) (p view.Place, err error) {
			var low, high sql.NullInt64
			err = scan(&p.Code, &p.Site, &p.Parent, &p.Kind, &p.Name.EN, &p.Name.ZH, &p.X, &p.Y, &p.W, &p.H, &low, &high)
			p.TempLow, p.TempHigh = milli(low), milli(high)
			return p, err
		}, uint8(unit.Temperature), uint8(unit.Temperature))
}

// stockRows reads the rows with stock or a level, by item and location; of one item and location, or ("", "") of all.
func stockRows(ctx context.Context, tx reader, item, location string) ([]view.StockRow, error) {
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
	index := make(map[stockKey]int, len(levels))
	rows := levels
	for i, r := range rows {
		index[stockKey{r.Item, r.Location}] = i
	}
	for _, r := range stocked {
		if i, ok := index[stockKey{r.Item, r.Location}]; ok {
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
