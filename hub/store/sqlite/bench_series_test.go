package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

func BenchmarkSamples(b *testing.B) { storetest.BenchmarkSamples(b, open) }

func BenchmarkYear(b *testing.B) { storetest.BenchmarkYear(b, open) }

// BenchmarkSamplesBulk is the limit: the same rows of samples by a prepared statement, as many a durable transaction, and
// nothing else.
func BenchmarkSamplesBulk(b *testing.B) {
	for _, l := range storetest.Loads {
		b.Run(l.Name, func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "hub.db")
			db, err := sqlite.Open(b.Context(), file, time.Now, nil)
			if err != nil {
				b.Fatal(err)
			}
			db.Close()
			raw, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
			if err != nil {
				b.Fatal(err)
			}
			defer raw.Close()
			raw.SetMaxOpenConns(1)
			insert, err := raw.Prepare(`INSERT INTO sample VALUES (?, ?, ?, ?, ?)`)
			if err != nil {
				b.Fatal(err)
			}
			rows := l.Rows(b.N + l.Batch())
			b.ResetTimer()
			done := 0
			for ; done < b.N; done += l.Batch() {
				tx, err := raw.Begin()
				if err != nil {
					b.Fatal(err)
				}
				s := tx.Stmt(insert)
				for _, r := range rows[done : done+l.Batch()] {
					if _, err := s.Exec(r...); err != nil {
						b.Fatal(err)
					}
				}
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
