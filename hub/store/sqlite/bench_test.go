package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

func BenchmarkIntake(b *testing.B) { storetest.BenchmarkIntake(b, open) }

func BenchmarkBulk(b *testing.B) {
	open, bulk := openBulk(b)
	storetest.BenchmarkBulk(b, open, bulk)
}

func BenchmarkStored(b *testing.B) {
	open, bulk := openBulk(b)
	storetest.BenchmarkStored(b, open, bulk)
}

// openBulk opens one file, that of TALLYDOCK_BENCH_SQLITE where it is given, for the hub and for loading beside it.
func openBulk(b *testing.B) (storetest.Open, *bulk) {
	file := os.Getenv("TALLYDOCK_BENCH_SQLITE")
	if file == "" {
		file = filepath.Join(b.TempDir(), "hub.db")
	}
	return func(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB {
		db, err := sqlite.Open(t.Context(), file, now, told)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}, &bulk{file: file, insert: map[string]*sql.Stmt{}}
}

// bulk loads by prepared statements.
type bulk struct {
	file   string
	db     *sql.DB
	insert map[string]*sql.Stmt
}

func (l *bulk) open(t testing.TB) *sql.DB {
	if l.db != nil {
		return l.db
	}
	var err error
	l.db, err = sql.Open("sqlite", "file:"+l.file+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(16000)")
	if err != nil {
		t.Fatal(err)
	}
	l.db.SetMaxOpenConns(1)
	t.Cleanup(func() { l.db.Close() })
	return l.db
}

func (l *bulk) Empty(t testing.TB) {
	if _, err := l.open(t).Exec(`DELETE FROM movement; DELETE FROM movement_line`); err != nil {
		t.Fatal(err)
	}
}

func (l *bulk) Write(t testing.TB, movements, lines [][]any) {
	tx, err := l.open(t).Begin()
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range map[string][][]any{storetest.Movements: movements, storetest.Lines: lines} {
		if l.insert[table] == nil {
			if l.insert[table], err = tx.Prepare("INSERT INTO " + table + " VALUES (?" + strings.Repeat(", ?", len(rows[0])-1) + ")"); err != nil {
				t.Fatal(err)
			}
		}
		insert := tx.Stmt(l.insert[table])
		for _, row := range rows {
			if _, err := insert.Exec(row...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func (l *bulk) Read(t testing.TB, table string, after uuid.UUID) (names []string, all [][]any) {
	t.Helper()
	key := map[string]string{storetest.Movements: "id", storetest.Lines: "movement"}[table]
	found, err := l.open(t).Query("SELECT * FROM "+table+" WHERE "+key+" > ? ORDER BY 1, 2", after[:])
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	names, _ = found.Columns()
	for found.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return names, all
}

// BenchmarkConsole asks the file of TALLYDOCK_BENCH_SQLITE, or else a small one of its own.
func BenchmarkConsole(b *testing.B) {
	file := os.Getenv("TALLYDOCK_BENCH_SQLITE")
	if file == "" {
		db := open(b, time.Now, nil)
		storetest.SmallConsole.Fill(b, db)
		storetest.BenchmarkConsole(b, db)
		return
	}
	db, err := sqlite.Open(b.Context(), file, time.Now, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	storetest.BenchmarkConsole(b, db)
}
