package sqlite

import (
	"context"
	"sort"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/stock"
)

// Stock reads balances as stock; it is a stock.Store.
type Stock struct{ *DB }

var _ stock.Store = Stock{}

const stockColumns = `SELECT item, location, sum(quantity), sum(CASE WHEN state = 'unseen' THEN quantity ELSE 0 END), max(seen_at)
	FROM balance `

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

// stockKey names a row of stock.
type stockKey struct{ item, location string }

// touch notes that a row of stock changed, so that the transaction tells of it.
func (tx *Tx) touch(item, location string) {
	if ledger.IsVirtual(location) {
		return
	}
	if tx.touched == nil {
		tx.touched = map[stockKey]struct{}{}
	}
	tx.touched[stockKey{item, location}] = struct{}{}
}

// tellStock emits one stock event with every row that was touched, as it is now:
// [[item, location, on hand, unseen, seen at in unix milliseconds], …].
func (tx *Tx) tellStock() error {
	if len(tx.touched) == 0 {
		return nil
	}
	places := make([]stockKey, 0, len(tx.touched))
	for p := range tx.touched {
		places = append(places, p)
	}
	sort.Slice(places, func(i, j int) bool {
		a, b := places[i], places[j]
		return a.item < b.item || a.item == b.item && a.location < b.location
	})
	rows := make([][5]any, 0, len(places))
	for _, p := range places {
		var r stock.Row
		var seen int64
		ok, err := tx.row(stockColumns+`WHERE item = ? AND location = ? GROUP BY item, location`,
			[]any{p.item, p.location}, &r.Item, &r.Location, &r.OnHand, &r.Unseen, &seen)
		if err != nil {
			return err
		}
		if ok {
			rows = append(rows, [5]any{p.item, p.location, r.OnHand, r.Unseen, seen / 1000})
		}
	}
	return tx.Emit(event.Stock, rows)
}
