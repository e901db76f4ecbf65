// Package sqlite keeps all that the hub remembers in one SQLite file: each room's Store in a file of its own.
//
// One connection writes, many read (WAL). A write transaction starts IMMEDIATE and is durable when Write returns
// (synchronous=FULL). SQL stays within what PostgreSQL also understands.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/tallydock/tallydock/hub/event"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is the hub's database.
type DB struct {
	mu          sync.Mutex // one Write at a time, until its events are told: they stay in order
	write, read *sql.DB
	prepared    statements // of the write connection
	committed   func([]event.Event)
	now         func() time.Time
}

// Open opens the file, makes it where there is none, and brings its schema up to date. The events of each committed
// transaction go to committed, in order, from the writing goroutine; it must not block.
func Open(ctx context.Context, file string, now func() time.Time, committed func([]event.Event)) (*DB, error) {
	db := &DB{committed: committed, now: now, prepared: statements{}}
	var err error
	if db.write, err = pool(file, "immediate", 1); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db.write); err != nil {
		db.write.Close()
		return nil, fmt.Errorf("cannot bring %s up to date: %w", file, err)
	}
	if db.read, err = pool(file, "deferred", max(4, runtime.NumCPU())); err != nil {
		db.write.Close()
		return nil, err
	}
	return db, nil
}

func pool(file, lock string, conns int) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)",
		"cache_size(-16384)",
	}}
	db, err := sql.Open("sqlite", "file:"+file+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", file, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY)`); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	sort.Strings(names)
	for _, name := range names {
		if err := migrateOne(ctx, db, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func migrateOne(ctx context.Context, db *sql.DB, name string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM schema_version WHERE name = ?`, name).Scan(&n); err != nil || n > 0 {
		return err
	}
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	for _, stmt := range strings.Split(string(text), ";\n") {
		if strings.TrimSpace(stmt) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("%w in %q", err, strings.TrimSpace(stmt))
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO schema_version (name) VALUES (?)`, name); err != nil {
		return err
	}
	return tx.Commit()
}

// Close closes the database.
func (db *DB) Close() error {
	db.prepared.close()
	db.read.Close()
	return db.write.Close()
}

// Write runs f in a transaction: all of it, durable, or nothing.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.prepared.prepare(ctx, db.write)
	sqlTx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("cannot begin: %w", err)
	}
	defer sqlTx.Rollback()
	tx := &Tx{Tx: sqlTx, ctx: ctx, now: db.now(), prepared: db.prepared}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.putBalances(); err != nil {
		return err
	}
	if err := tx.tellStock(); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("cannot commit: %w", err)
	}
	if len(tx.events) > 0 && db.committed != nil {
		db.committed(tx.events)
	}
	return nil
}
