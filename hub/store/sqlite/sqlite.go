// Package sqlite keeps the hub's database in one SQLite file, in pure Go: no server to install, one process at a time.
//
// One connection writes, many read (WAL). A write transaction starts IMMEDIATE and is durable when it is over
// (synchronous=FULL). The WAL may grow to 64 MB before its pages go to the file, so that a page that every transaction
// changes is written there once for many of them.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"runtime"
	"time"

	"github.com/google/uuid"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
)

// Open opens the file, makes it where there is none, and brings its schema up to date. See store.New.
func Open(ctx context.Context, file string, now func() time.Time, committed func([]event.Event)) (*store.DB, error) {
	db, err := Connect(file, now, committed)
	if err != nil {
		return nil, err
	}
	if err := db.Start(ctx); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", file, err)
	}
	return db, nil
}

// Connect opens the file like Open and leaves its schema as it is.
func Connect(file string, now func() time.Time, committed func([]event.Event)) (*store.DB, error) {
	write, err := pool(file, "immediate", 1, 64)
	if err != nil {
		return nil, err
	}
	read, err := pool(file, "deferred", max(4, runtime.NumCPU()), 8)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return store.New(dialect(), write, read, now, committed), nil
}

// pool gives so many connections with so many MiB of cache each.
func pool(file, lock string, conns, cache int) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)",
		fmt.Sprintf("cache_size(-%d)", cache<<10), "wal_autocheckpoint(16000)",
	}}
	path := url.URL{Path: file} // whose ?, # and % mean themselves
	db, err := sql.Open("sqlite", "file:"+path.EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", file, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func dialect() *store.Dialect {
	return &store.Dialect{
		Name: "sqlite", Alone: true, Clock: `CAST(unixepoch('subsec') * 1000000 AS INTEGER)`,
		Size:  `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`,
		Types: types, Judge: judge, UUID: blob, Backup: backup, Examine: examine,
	}
}

// types: keys of whole numbers are the row's number, and tables whose key is all they are looked up by are kept in its
// order.
var types = []store.Replacement{
	{Find: regexp.MustCompile(`\bBIGINT PRIMARY KEY\b`), With: "INTEGER PRIMARY KEY"},
	{Find: regexp.MustCompile(`\b(UUID|BYTES)\b`), With: "BLOB"},
	{Find: regexp.MustCompile(`\bDOUBLE\b`), With: "REAL"},
	{Find: regexp.MustCompile(`\) (CLUSTERED|CHANGING|MONTHLY\(\w+\))`), With: ") WITHOUT ROWID"},
}

func judge(err error) store.Verdict {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return store.Other
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG, lib.SQLITE_RANGE:
		return store.Refused
	}
	return store.Other
}

func blob(text string) (any, error) {
	id, err := uuid.Parse(text)
	return id[:], err
}

// backup writes the database as it is at this moment to a file that must not be there yet. The hub goes on working
// meanwhile.
func backup(ctx context.Context, db *sql.DB, file string) error {
	_, err := db.ExecContext(ctx, `VACUUM INTO ?`, file)
	return err
}
