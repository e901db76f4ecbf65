package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

func BenchmarkIntake(b *testing.B) { storetest.BenchmarkIntake(b, open) }

// BenchmarkBulk is the limit: rows of movements and their lines, made before, by prepared statements, 500 movements a
// durable transaction, and nothing else.
func BenchmarkBulk(b *testing.B) {
	file := filepath.Join(b.TempDir(), "from.db")
	db, err := sqlite.Open(b.Context(), file, time.Now, nil)
	if err != nil {
		b.Fatal(err)
	}
	h := storetest.NewHerd(b, db, 200_000, 10)
	const made = 20_000
	for range made / 500 {
		h.Take(b, h.Batch(b, 500, 50))
	}
	db.Close()
	to := filepath.Join(b.TempDir(), "to.db")
	if db, err = sqlite.Open(b.Context(), to, time.Now, nil); err != nil {
		b.Fatal(err)
	}
	db.Close()
	movements, lines := rows(b, file, "movement"), rows(b, file, "movement_line")
	raw, err := sql.Open("sqlite", "file:"+to+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	raw.SetMaxOpenConns(1)
	insert := func(table string, width int) *sql.Stmt {
		s, err := raw.Prepare("INSERT INTO " + table + " VALUES (?" + strings.Repeat(", ?", width-1) + ")")
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	m, l := insert("movement", len(movements[0])), insert("movement_line", len(lines[0]))
	b.ResetTimer()
	done := 0
	for done < b.N {
		if done%made == 0 && done > 0 { // the same rows again
			b.StopTimer()
			if _, err := raw.Exec(`DELETE FROM movement; DELETE FROM movement_line`); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		tx, err := raw.Begin()
		if err != nil {
			b.Fatal(err)
		}
		ms, ls := tx.Stmt(m), tx.Stmt(l)
		for i := done % made; i < done%made+500; i++ {
			if _, err := ms.Exec(movements[i]...); err != nil {
				b.Fatal(err)
			}
			if _, err := ls.Exec(lines[i]...); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		done += 500
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "movements/s")
}

func rows(b *testing.B, file, table string) (all [][]any) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query("SELECT * FROM " + table)
	if err != nil {
		b.Fatal(err)
	}
	defer found.Close()
	names, _ := found.Columns()
	for found.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			b.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}
