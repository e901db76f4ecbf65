package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Balances gives what is on hand, or reserved, by item, location, lot and state, from the one after f.After.
func (l Ledger) Balances(ctx context.Context, f ledger.BalanceFilter) (page []ledger.Balance, next string, err error) {
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = defaultPage
	}
	where, args := []string{`(quantity <> 0 OR reserved <> 0)`}, []any{}
	also := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.Item != "" {
		also(`item = ?`, f.Item)
	}
	if f.Lot != "" {
		also(`lot = ?`, f.Lot)
	}
	if f.Location != "" {
		also(`location = ?`, f.Location)
	} else {
		also(`location NOT IN (?, ?, ?, ?, ?)`, ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss, ledger.InTransit)
	}
	if f.Sites != nil {
		also(`location IN (SELECT code FROM location WHERE site IN (`+marks(len(f.Sites), "?")+`))`, anys(f.Sites)...)
	}
	if f.After != "" {
		after, err := balanceAt(f.After)
		if err != nil {
			return nil, "", err
		}
		also(`(item, location, lot, state) > (?, ?, ?, ?)`, after...)
	}
	page, err = list(ctx, l.read, `SELECT item, lot, location, state, quantity, reserved FROM balance WHERE `+strings.Join(where, ` AND `)+
		` ORDER BY item, location, lot, state LIMIT ?`, scanBalance, append(args, f.Limit+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the balances: %w", err)
	}
	if len(page) > f.Limit {
		page = page[:f.Limit]
		last := page[f.Limit-1]
		next = pageAfter(last.Item, last.Location, last.Lot, string(last.State))
	}
	return page, next, nil
}

func scanBalance(scan func(...any) error) (b ledger.Balance, err error) {
	return b, scan(&b.Item, &b.Lot, &b.Location, state{&b.State}, &b.Quantity, &b.Reserved)
}

func balanceAt(cursor string) ([]any, error) {
	key, err := keyAfter(cursor, 4)
	if err != nil {
		return nil, err
	}
	n, err := number(ledger.State(key[3]))
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, cursor)
	}
	return []any{key[0], key[1], key[2], n}, nil
}
