package sqlite

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
)

// balanceKey names a balance.
type balanceKey struct {
	item, location, lot string
	state               ledger.State
}

// balanceDelta is what a transaction adds to a balance.
type balanceDelta struct{ quantity, seenAt int64 }

// addBalance adds to a balance, and notes that it was touched at a time. The sums are written once, at the end of the
// transaction and in the order of their keys: a batch touches few balances often.
func (tx *Tx) addBalance(k balanceKey, quantity int64, seen time.Time) {
	if tx.balances == nil {
		tx.balances = map[balanceKey]balanceDelta{}
	}
	d := tx.balances[k]
	tx.balances[k] = balanceDelta{d.quantity + quantity, max(d.seenAt, stamp(seen))}
	tx.touch(k.item, k.location)
}

// putBalances writes what addBalance summed up.
func (tx *Tx) putBalances() error {
	keys := slices.SortedFunc(maps.Keys(tx.balances), func(a, b balanceKey) int {
		return cmp.Or(cmp.Compare(a.item, b.item), cmp.Compare(a.location, b.location), cmp.Compare(a.lot, b.lot),
			cmp.Compare(a.state, b.state))
	})
	for _, k := range keys {
		d := tx.balances[k]
		err := tx.exec(`INSERT INTO balance (item, location, lot, state, quantity, seen_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (item, location, lot, state) DO UPDATE SET quantity = balance.quantity + excluded.quantity,
			seen_at = CASE WHEN excluded.seen_at > balance.seen_at THEN excluded.seen_at ELSE balance.seen_at END`,
			k.item, k.location, k.lot, string(k.state), d.quantity, d.seenAt)
		if err != nil {
			return fmt.Errorf("cannot store the balance of item %s at %s: %w", k.item, k.location, err)
		}
	}
	return nil
}
