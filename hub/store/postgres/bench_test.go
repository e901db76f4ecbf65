package postgres_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

func BenchmarkIntake(b *testing.B) {
	storetest.BenchmarkIntake(b, func(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB {
		return openURL(t, durable(b), now, told)
	})
}

func BenchmarkBulk(b *testing.B) {
	open, bulk := openBulk(b)
	storetest.BenchmarkBulk(b, open, bulk)
}

func BenchmarkStored(b *testing.B) {
	open, bulk := openBulk(b)
	storetest.BenchmarkStored(b, open, bulk)
}

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

// openBulk opens one database, that of TALLYDOCK_BENCH_POSTGRES where it is given, for the hub and for loading beside it.
func openBulk(b *testing.B) (storetest.Open, *bulk) {
	url := os.Getenv("TALLYDOCK_BENCH_POSTGRES")
	if url == "" {
		url = durable(b)
	}
	return func(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB {
		return openURL(t, url, now, told)
	}, &bulk{url: url, names: map[string][]string{}}
}

// bulk loads by COPY.
type bulk struct {
	url   string
	conn  *pgx.Conn
	names map[string][]string
}

func (l *bulk) open(t testing.TB) *pgx.Conn {
	if l.conn != nil {
		return l.conn
	}
	var err error
	if l.conn, err = pgx.Connect(context.Background(), l.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.conn.Close(context.Background()) })
	return l.conn
}

func (l *bulk) Empty(t testing.TB) {
	if _, err := l.open(t).Exec(context.Background(), "TRUNCATE movement, movement_line"); err != nil {
		t.Fatal(err)
	}
}

func (l *bulk) Write(t testing.TB, movements, lines [][]any) {
	ctx := context.Background()
	tx, err := l.open(t).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range map[string][][]any{storetest.Movements: movements, storetest.Lines: lines} {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{table}, l.names[table], pgx.CopyFromRows(rows)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

func (l *bulk) Read(t testing.TB, table string, after uuid.UUID) (names []string, all [][]any) {
	t.Helper()
	key := map[string]string{storetest.Movements: "id", storetest.Lines: "movement"}[table]
	found, err := l.open(t).Query(context.Background(), "SELECT * FROM "+table+" WHERE "+key+" > $1 ORDER BY 1, 2", [16]byte(after))
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for _, f := range found.FieldDescriptions() {
		names = append(names, f.Name)
	}
	for found.Next() {
		row, err := found.Values()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	l.names[table] = names
	return names, all
}

// BenchmarkConsole asks the database of TALLYDOCK_BENCH_POSTGRES, a URL, or else a small one of its own.
func BenchmarkConsole(b *testing.B) {
	url := os.Getenv("TALLYDOCK_BENCH_POSTGRES")
	fill := url == ""
	if fill {
		url = durable(b)
	}
	db := openURL(b, url, time.Now, nil)
	if fill {
		storetest.SmallConsole.Fill(b, db)
	}
	storetest.BenchmarkConsole(b, db)
}
