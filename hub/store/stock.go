package store

import (
	"context"
	"maps"
	"slices"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/stock"
)

// Stock reads balances as stock; it is a stock.Store.
type Stock struct{ *DB }

var _ stock.Store = Stock{}

const stockColumns = `SELECT item, location, CAST(sum(quantity) AS BIGINT),
	CAST(sum(CASE WHEN state = ` + unseen + ` THEN quantity ELSE 0 END) AS BIGINT), max(seen_at) FROM balance `

// Rows gives every row at a real location that ever had stock, by item and location.
func (s Stock) Rows(ctx context.Context) ([]stock.Row, error) {
	return list(ctx, s.read, stockColumns+`WHERE location NOT IN (?, ?, ?, ?, ?) GROUP BY item, location ORDER BY item, location`,
		scanStock, ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss, ledger.InTransit)
}

// Row gives one row; a zero Row with Item and Location where there never was stock.
func (s Stock) Row(ctx context.Context, item, location string) (stock.Row, error) {
	rows, err := list(ctx, s.read, stockColumns+`WHERE item = ? AND location = ? GROUP BY item, location`, scanStock, item, location)
	if err != nil || len(rows) == 0 || ledger.IsVirtual(location) {
		return stock.Row{Item: item, Location: location}, err
	}
	return rows[0], nil
}

func scanStock(scan func(...any) error) (r stock.Row, err error) {
	var seen int64
	err = scan(&r.Item, &r.Location, &r.OnHand, &r.Unseen, &seen)
	r.SeenAt = timeOf(seen)
	return r, err
}

// tellStock emits one stock event with every row that was touched, as it is now:
// [[item, location, on hand, unseen, seen at in unix milliseconds], …].
func (tx *Tx) tellStock() error {
	if len(tx.books.touched) == 0 {
		return nil
	}
	b := &tx.books
	at := slices.SortedFunc(maps.Keys(b.touched), stockKey.compare)
	if err := b.lockBalances(tx, slices.Clone(at)); err != nil {
		return err
	}
	now := make(map[stockKey]*stock.Row, len(at))
	for k, r := range b.rows {
		key := stockKey{k.item, k.location}
		if _, touched := b.touched[key]; !touched || !r.stored {
			continue
		}
		row := now[key]
		if row == nil {
			row = &stock.Row{}
			now[key] = row
		}
		row.OnHand += r.quantity
		if k.state == ledger.StateUnseen {
			row.Unseen += r.quantity
		}
		if seen := timeOf(r.seenAt); seen.After(row.SeenAt) {
			row.SeenAt = seen
		}
	}
	rows := make([][5]any, 0, len(at))
	for _, k := range at {
		if r := now[k]; r != nil {
			rows = append(rows, [5]any{k.item, k.location, r.OnHand, r.Unseen, r.SeenAt.UnixMilli()})
		}
	}
	return tx.Emit(event.Stock, rows)
}
