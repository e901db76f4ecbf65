// Package store keeps all that the hub remembers in an SQL database: each room's Store in a file of its own. It is one
// text of SQL for SQLite and PostgreSQL; what differs between them is a Dialect, which store/sqlite and store/postgres
// bring along. store/storetest is the suite that both pass.
//
// One business fact is one transaction: the ledger's lines, balances, positions and the events that tell of them commit
// together or not at all. Where many transactions write at once each locks in the same order, so that none waits for
// one that waits for it: leases, streams, tags, balances, chains, sensors, the head of the events; each of them by rising
// key. What is disturbed all the same is tried again from its beginning.
//
// What is posted and what was measured is written at the end of its transaction, in bulk: see books and sampling.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/lease"
)

// attempts is how often a transaction is tried that others disturb.
const attempts = 20

// longest is how long a transaction with a server may take.
const longest = time.Minute

// DB is the hub's database.
type DB struct {
	dialect     *Dialect
	texts       texts
	write, pool *sql.DB // to write by, and to read by
	read        reader  // by pool
	committed   func([]event.Event)
	now         func() time.Time

	mu       sync.Mutex    // where the database is written by one at a time: held until the events are told, so they stay in order
	prepared statements    // of the write connection, where there is one
	wake     chan struct{} // a transaction with events was committed here
	heard    int64         // of Follow: the last event that was told
	sensors  sensorNumbers
	areas    placeAreas
	desk     desk
	audience audience
	metrics  *metrics
}

// New makes a DB of two pools of connections, one to write by and one to read by, which it owns from now on. The events
// of committed transactions go to committed, in order; it must not block. Start must be called before anything else but
// Migrate and Migrations.
func New(d *Dialect, write, read *sql.DB, now func() time.Time, committed func([]event.Event)) *DB {
	db := &DB{
		dialect: d, texts: texts{numbered: d.Numbered}, write: write, pool: read, committed: committed, now: now,
		prepared: statements{}, wake: make(chan struct{}, 1), metrics: newMetrics(),
	}
	db.read = reader{db, read}
	return db
}

// Start brings the schema up to date and makes room for the months to come. A DB that it fails on is closed.
func (db *DB) Start(ctx context.Context) error {
	err := db.Migrate(ctx, Newest)
	if err == nil {
		_, err = one(ctx, db.read, `SELECT seq FROM event_head WHERE one = 1`, nil, &db.heard)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot bring the database up to date: %w", err), db.Close())
	}
	return nil
}

// MakeMonths makes room for what is written until the month after next, where the database keeps rows by month.
func (db *DB) MakeMonths(ctx context.Context, now time.Time) error {
	if db.dialect.Months == nil {
		return nil
	}
	if err := db.dialect.Months(ctx, db.write, now.AddDate(0, -1, 0), now.AddDate(0, 2, 0)); err != nil {
		return fmt.Errorf("cannot make room for the months ahead: %w", err)
	}
	return nil
}

// Dialect is the name of the database's kind.
func (db *DB) Dialect() string { return db.dialect.Name }

// Alone reports whether only one process may work on the database.
func (db *DB) Alone() bool { return db.dialect.Alone }

// Close closes the database.
func (db *DB) Close() error {
	db.desk.serving.Wait()
	db.prepared.close()
	err := db.write.Close()
	if db.pool != db.write {
		err = errors.Join(db.pool.Close(), err)
	}
	return err
}

// Write runs f in a transaction: all of it, durable, or nothing. f may run more than once, each time from the beginning,
// where other transactions disturb it. Where ctx has claims of leases it commits only while they hold. Errors:
// fault.Unavailable where others disturb too often; *lease.ErrFenced.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	for n := 1; ; n++ {
		err := db.attempt(ctx, f)
		db.attempted(err)
		if err == nil || !db.again(err) {
			return err
		}
		if n == attempts {
			return fmt.Errorf("%w: the database was too busy: %w", fault.Unavailable, err)
		}
		if !pause(ctx, n) {
			return ctx.Err()
		}
	}
}

// errAgain marks what another transaction disturbed, where the database calls it by another name.
var errAgain = errors.New("disturbed by another transaction")

func (db *DB) again(err error) bool {
	return errors.Is(err, errAgain) || db.dialect.Judge(err) == Again
}

// pause waits before the attempt after the nth: longer each time, and not as long as others do.
func pause(ctx context.Context, n int) bool {
	most := min(time.Millisecond<<n, 100*time.Millisecond)
	t := time.NewTimer(rand.N(most) + time.Millisecond/2)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (db *DB) attempt(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.dialect.Alone {
		db.mu.Lock()
		defer db.mu.Unlock()
		db.prepared.prepare(ctx, db.write)
	}
	// The transaction does not end in the middle when ctx does: its statements are short, and a driver that must watch
	// for the end of ctx pays for that with each of them.
	ctx = context.WithoutCancel(ctx)
	if !db.dialect.Alone { // a server may be gone without a word
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, longest)
		defer done()
	}
	sqlTx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("cannot begin: %w", err)
	}
	defer sqlTx.Rollback()
	tx := &Tx{sql: sqlTx, db: db, ctx: ctx, now: db.now()}
	if err := tx.guard(lease.Claims(ctx)); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.finish(); err != nil {
		return err
	}
	if err := db.metrics.timed(sqlTx.Commit); err != nil {
		return fmt.Errorf("cannot commit: %w", err)
	}
	db.sensors.learn(tx.field.found)
	db.areas.learn(tx.areas)
	db.tell(tx.events)
	return nil
}

// tell passes on what a committed transaction caused: at once where transactions come one after the other, by Follow
// where they do not.
func (db *DB) tell(events []event.Event) {
	switch {
	case len(events) == 0 || db.committed == nil:
	case db.dialect.Alone:
		db.committed(events)
	default:
		select {
		case db.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}
