package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// deskAtOnce is how many commands one transaction does.
const deskAtOnce = 128

// desk does commands. Those that come while others are being done wait, and are then done together: their transaction
// reads and locks for all of them at once, and waits for the disk once.
type desk struct {
	mu      sync.Mutex
	waiting []*errand
	busy    bool
	serving sync.WaitGroup
}

// errand is a command that somebody waits for.
type errand struct {
	ledger.Command
	by   context.Context // who asked for it
	done chan error
}

// Do does a command. Once it is on its way it is done even if ctx ends. Errors: those of the command; fault.Unavailable.
func (l Ledger) Do(ctx context.Context, c ledger.Command) error {
	if err := c.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	e := &errand{c, ctx, make(chan error, 1)}
	d := &l.desk
	d.mu.Lock()
	d.waiting = append(d.waiting, e)
	if !d.busy {
		d.busy = true
		d.serving.Go(func() { l.serve(context.Background()) }) // which serves others, too, and not by this one's leases or log
	}
	d.mu.Unlock()
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: it may have been done all the same: ask again with the same key: %w", fault.Unavailable, ctx.Err())
	}
}

// serve does what waits until nothing does.
func (l Ledger) serve(ctx context.Context) {
	d := &l.desk
	for {
		d.mu.Lock()
		n := min(len(d.waiting), deskAtOnce)
		batch := slices.Clone(d.waiting[:n])
		d.waiting = slices.Delete(d.waiting, 0, n)
		if n == 0 {
			d.busy = false
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		l.together(ctx, batch)
	}
}

// together does a batch in one transaction. Where that fails for a reason that is no command's own, each is done alone,
// so that one that the database refuses does not hinder the others.
func (l Ledger) together(ctx context.Context, batch []*errand) {
	said := make([]error, len(batch))
	err := l.Write(ctx, func(tx *Tx) error {
		clear(said)
		if err := tx.prepareFor(batch); err != nil {
			return err
		}
		for i, e := range batch {
			noted := len(tx.audits)
			if said[i] = e.Do(tx.booksOf(e)); said[i] == nil {
				continue
			}
			if tx.audits = tx.audits[:noted]; !own(said[i]) {
				return said[i]
			}
		}
		return nil
	})
	if err != nil && len(batch) > 1 {
		for _, e := range batch {
			l.together(ctx, []*errand{e})
		}
		return
	}
	for i, e := range batch {
		if err != nil && said[i] == nil {
			said[i] = err
		}
		e.done <- said[i]
	}
}

// booksOf gives the books of a command.
func (tx *Tx) booksOf(e *errand) ledger.Books {
	if audit.From(e.by) == nil {
		return tx
	}
	return noting{tx, e.by}
}

// own reports that an error is a command's own answer: the books are as they were before it.
func own(err error) bool {
	var kind fault.Kind
	return errors.As(err, &kind) && !errors.Is(err, intake.ErrRefused)
}

// prepareFor reads and locks what commands will ask for.
func (tx *Tx) prepareFor(batch []*errand) error {
	var all ledger.Needs
	for _, e := range batch {
		n := e.Needs()
		all.Keys = append(all.Keys, n.Keys...)
		all.Tags = append(all.Tags, n.Tags...)
		all.Places = append(all.Places, n.Places...)
		all.Reservations = append(all.Reservations, n.Reservations...)
	}
	if err := tx.books.fetchKeys(tx, all.Keys); err != nil {
		return err
	}
	if err := tx.books.fetch(tx, all.Tags); err != nil {
		return err
	}
	if err := tx.books.fetchReservations(tx, all.Reservations); err != nil {
		return err
	}
	places := make([]stockKey, 0, len(all.Places))
	for _, p := range all.Places {
		places = append(places, stockKey{p.Item, p.At})
	}
	for _, r := range tx.books.reservations {
		for _, h := range r.Holds {
			places = append(places, stockKey{r.Item, h.Location})
		}
	}
	return tx.books.lockBalances(tx, places)
}

var _ ledger.Books = (*Tx)(nil)

// Balances gives what of an item is, or ever was, at a place, as it will be when this transaction is over.
func (tx *Tx) Balances(item string, at ledger.Location) ([]ledger.Balance, error) {
	b := &tx.books
	if err := b.lockBalances(tx, []stockKey{{item, at}}); err != nil {
		return nil, err
	}
	keys := map[balanceKey]bool{}
	for k := range b.rows {
		if k.item == item && k.location == at {
			keys[k] = true
		}
	}
	for k := range b.balances {
		if k.item == item && k.location == at {
			keys[k] = true
		}
	}
	var all []ledger.Balance
	for _, k := range slices.SortedFunc(maps.Keys(keys), balanceKey.compare) {
		v := ledger.Balance{Item: k.item, Lot: k.lot, Location: k.location, State: k.state}
		d := b.balances[k]
		v.Quantity, v.Reserved = d.quantity, d.reserved
		if r := b.rows[k]; r != nil {
			v.Quantity, v.Reserved = v.Quantity+r.quantity, v.Reserved+r.reserved
		}
		all = append(all, v)
	}
	return all, nil
}

// Expiry gives when an item's lots expire: at the end of the last day on which they may be used.
func (tx *Tx) Expiry(item string) (map[string]time.Time, error) {
	if known, ok := tx.books.expiry[item]; ok {
		return known, nil
	}
	found := map[string]time.Time{}
	err := each(tx.ctx, tx, `SELECT lot, expires FROM lot WHERE item = ? AND expires <> ''`, func(scan func(...any) error) error {
		var lot, day string
		if err := scan(&lot, &day); err != nil {
			return err
		}
		at, err := time.Parse(time.DateOnly, day)
		found[lot] = at.AddDate(0, 0, 1)
		return err
	}, item)
	if err != nil {
		return nil, fmt.Errorf("cannot read the lots of item %s: %w", item, err)
	}
	if tx.books.expiry == nil {
		tx.books.expiry = map[string]map[string]time.Time{}
	}
	tx.books.expiry[item] = found
	return found, nil
}
