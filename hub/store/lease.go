package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/lease"
	"github.com/tallydock/tallydock/hub/replica"
)

// Leases keeps which hub does what; it is a replica.Store. All times are of the database's clock.
type Leases struct{ *DB }

var _ replica.Store = Leases{}

// after is the SQL text of the moment so many microseconds from now, which take a placeholder.
func (db *DB) after() string { return "(" + db.dialect.Clock + " + ?)" }

// Join makes a replica, in place of one of the same name.
func (s Leases) Join(ctx context.Context, r lease.Replica, lives time.Duration) error {
	return s.Write(ctx, func(tx *Tx) error {
		return tx.exec(`INSERT INTO replica (id, name, until, ready) VALUES (?, ?, `+s.after()+`, ?)
			ON CONFLICT (name) DO UPDATE SET id = excluded.id, until = excluded.until, ready = excluded.ready`,
			r.ID, r.Name, lives.Microseconds(), r.Ready)
	})
}

// Beat says that a replica lives, and gives what the database says, also where it fails because the replica was struck
// off. Errors: fault.NotFound.
func (s Leases) Beat(ctx context.Context, r lease.Replica, lives time.Duration) (v lease.View, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		v = lease.View{}
		done, err := tx.ExecContext(ctx, `UPDATE replica SET until = `+s.after()+`, ready = ? WHERE id = ?`, lives.Microseconds(), r.Ready, r.ID)
		if err != nil {
			return err
		}
		if v, err = tx.view(); err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return orStruck(r.ID, err)
		}
		return nil
	})
	return v, err
}

func orStruck(id string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("replica %s was struck off: %w", id, fault.NotFound)
}

func (tx *Tx) view() (v lease.View, err error) {
	var now int64
	if _, err = tx.row(`SELECT `+tx.db.dialect.Clock, nil, &now); err != nil {
		return v, err
	}
	v.Now = timeOf(now)
	v.Replicas, err = list(tx.ctx, tx, `SELECT id, name, until, ready FROM replica ORDER BY id`,
		func(scan func(...any) error) (r lease.Replica, err error) {
			var until int64
			err = scan(&r.ID, &r.Name, &until, &r.Ready)
			r.Until = timeOf(until)
			return r, err
		})
	if err != nil {
		return v, err
	}
	v.Leases, err = list(tx.ctx, tx, `SELECT name, holder, term, shared FROM lease ORDER BY name`,
		func(scan func(...any) error) (l lease.Lease, err error) {
			err = scan(&l.Name, &l.Holder, &l.Term, &l.Shared)
			return l, err
		})
	return v, err
}

// Act does for a replica what still fits, and gives the leases that it got. What another transaction works on at this
// moment is left for the next time, so that nobody waits for a hub that stopped in the middle. Errors: fault.NotFound where
// the replica was struck off.
func (s Leases) Act(ctx context.Context, me string, a lease.Actions) (taken []lease.Lease, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		taken = nil
		if there, err := tx.row(tx.share(`SELECT 1 FROM replica WHERE id = ?`), []any{me}, new(int)); err != nil || !there {
			return orStruck(me, err)
		}
		if err := tx.strike(a.Strike); err != nil {
			return err
		}
		for _, l := range a.Give {
			if err := tx.exec(`UPDATE lease SET holder = '' WHERE name = ? AND holder = ?`, l.Name, me); err != nil {
				return err
			}
		}
		taken, err = tx.takeLeases(me, a.Take)
		return err
	})
	return taken, err
}

// strike strikes off replicas whose time is over.
func (tx *Tx) strike(ids []string) error {
	for _, id := range ids {
		over, err := tx.row(tx.skip(`SELECT 1 FROM replica WHERE id = ? AND until <= `+tx.db.dialect.Clock), []any{id}, new(int))
		if err != nil {
			return err
		}
		if !over {
			continue
		}
		if err := tx.exec(`DELETE FROM replica WHERE id = ?`, id); err != nil {
			return err
		}
	}
	return nil
}

// takeLeases takes those that are as they were seen and whose holder is no longer alive. A transaction that was written
// under such a lease and has not committed holds the lease's row, so that it commits before, or not at all.
func (tx *Tx) takeLeases(me string, seen []lease.Lease) (taken []lease.Lease, err error) {
	terms := map[string]int64{}
	var names []string
	for _, l := range seen {
		names, terms[l.Name] = append(names, l.Name), l.Term
		if l.Term > 0 {
			continue
		}
		err := tx.exec(`INSERT INTO lease (name, holder, term, shared) VALUES (?, '', 0, ?) ON CONFLICT (name) DO NOTHING`, l.Name, l.Shared)
		if err != nil {
			return nil, err
		}
	}
	for _, part := range lists(distinct(names)) {
		err := each(tx.ctx, tx, tx.skip(`SELECT name, term, shared FROM lease WHERE name IN (`+marks(len(part), "?")+`)
			AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.id = holder) ORDER BY name`), func(scan func(...any) error) error {
			l := lease.Lease{Holder: me}
			err := scan(&l.Name, &l.Term, &l.Shared)
			if err == nil && l.Term == terms[l.Name] {
				l.Term++
				taken = append(taken, l)
			}
			return err
		}, anys(part)...)
		if err != nil {
			return nil, fmt.Errorf("cannot read the leases: %w", err)
		}
	}
	for _, l := range taken {
		if err := tx.exec(`UPDATE lease SET holder = ?, term = ? WHERE name = ?`, me, l.Term, l.Name); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// Leave strikes off a replica that ends, so that all it has is free at once.
func (s Leases) Leave(ctx context.Context, me string) error {
	return s.Write(ctx, func(tx *Tx) error { return tx.exec(`DELETE FROM replica WHERE id = ?`, me) })
}

// guard keeps the leases that a transaction claims as they are until it is over: who takes one over waits for that, or
// has done it already and the transaction fails. Errors: *lease.ErrFenced.
func (tx *Tx) guard(claims []lease.Claim) error {
	want := map[string]lease.Claim{}
	var names []string
	for _, c := range claims {
		want[c.Name], names = c, append(names, c.Name)
	}
	for _, part := range lists(distinct(names)) {
		err := each(tx.ctx, tx, tx.share(`SELECT name, holder, term FROM lease WHERE name IN (`+marks(len(part), "?")+`) ORDER BY name`),
			func(scan func(...any) error) error {
				var c lease.Claim
				err := scan(&c.Name, &c.Holder, &c.Term)
				if want[c.Name] == c {
					delete(want, c.Name)
				}
				return err
			}, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot look whether the leases still hold: %w", err)
		}
	}
	if len(want) == 0 {
		return nil
	}
	lost := &lease.ErrFenced{}
	for name := range want {
		lost.Names = append(lost.Names, name)
	}
	lost.Names = distinct(lost.Names)
	return lost
}

// share ends a query whose rows nobody may change until this transaction is over.
func (tx *Tx) share(text string) string {
	if tx.db.dialect.Alone {
		return text
	}
	return text + ` FOR SHARE`
}

// skip ends a query whose rows will be changed, and leaves out those that another transaction has.
func (tx *Tx) skip(text string) string {
	if tx.db.dialect.Alone {
		return text
	}
	return text + ` FOR UPDATE SKIP LOCKED`
}
