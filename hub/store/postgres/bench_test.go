package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

// durable gives an empty database on a server that keeps what it says it keeps.
func durable(b *testing.B) string {
	b.Helper()
	s, err := postgrestest.New("shared_buffers=512MB", "max_wal_size=4GB")
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { s.Close() })
	url, err := s.Database(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return url
}

func BenchmarkIntake(b *testing.B) {
	url := durable(b)
	storetest.BenchmarkIntake(b, func(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB {
		return openURL(t, url, now, told)
	})
}

// BenchmarkBulk is the limit: the rows of movements and their lines, made before, by COPY, 500 movements a durable
// transaction, and nothing else.
func BenchmarkBulk(b *testing.B) {
	ctx := context.Background()
	url := durable(b)
	db := openURL(b, url, time.Now, nil)
	h := storetest.NewHerd(b, db, 200_000, 10)
	const made = 20_000
	for range made / 500 {
		h.Take(b, h.Batch(b, 500, 50))
	}
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(ctx)
	tables := []string{"movement", "movement_line"}
	rows, names := map[string][][]any{}, map[string][]string{}
	for _, t := range tables {
		found, err := c.Query(ctx, "SELECT * FROM "+t)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range found.FieldDescriptions() {
			names[t] = append(names[t], f.Name)
		}
		for found.Next() {
			v, err := found.Values()
			if err != nil {
				b.Fatal(err)
			}
			rows[t] = append(rows[t], v)
		}
		found.Close()
	}
	empty := func() {
		if _, err := c.Exec(ctx, "TRUNCATE movement, movement_line"); err != nil {
			b.Fatal(err)
		}
	}
	empty()
	b.ResetTimer()
	done := 0
	for done < b.N {
		if done%made == 0 && done > 0 { // the same rows again
			b.StopTimer()
			empty()
			b.StartTimer()
		}
		tx, err := c.Begin(ctx)
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range tables {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t}, names[t], pgx.CopyFromRows(rows[t][done%made:done%made+500])); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(ctx); err != nil {
			b.Fatal(err)
		}
		done += 500
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "movements/s")
}
