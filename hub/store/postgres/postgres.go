// Package postgres keeps the hub's database in PostgreSQL, from version 13 on, so that several hubs can work on it.
//
// Tables that grow with every movement are partitioned by month. Commits are as durable as the server makes them: leave
// its fsync and synchronous_commit on.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
)

// Open connects to the database of a URL (postgres://user:password@host:5432/name?sslmode=verify-full), which must be
// there, and brings its schema up to date. See store.New.
func Open(ctx context.Context, url string, now func() time.Time, committed func([]event.Event)) (*store.DB, error) {
	db, err := Connect(ctx, url, now, committed)
	if err != nil {
		return nil, err
	}
	if err := db.Start(ctx); err != nil {
		return nil, fmt.Errorf("cannot open the PostgreSQL database: %w", err)
	}
	return db, nil
}

// Connect connects like Open and leaves the schema as it is.
func Connect(ctx context.Context, url string, now func() time.Time, committed func([]event.Event)) (*store.DB, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		// What the driver says names the URL, and the URL has the password.
		return nil, errors.New("the database's URL cannot be read; it should be like postgres://user:password@host:5432/name?sslmode=verify-full")
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	c.RuntimeParams["application_name"] = "tallydock-hub"
	c.RuntimeParams["timezone"] = "UTC"
	conns := max(8, 2*runtime.NumCPU())
	pool := stdlib.OpenDB(*c, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, abandoned)
		return err
	}))
	pool.SetMaxOpenConns(2 * conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(time.Hour)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot connect to database %s at %s: %w", c.Database, c.Host, err), pool.Close())
	}
	return store.New(dialect(), pool, pool, now, committed), nil
}

// abandoned has the server end a transaction whose hub says nothing for so long: one that was stopped in its middle has
// rows, the head of the events among them, that every other hub waits for.
const abandoned = `SET idle_in_transaction_session_timeout = '5s'`

func dialect() *store.Dialect {
	return &store.Dialect{
		Name: "postgres", Numbered: true, Clock: `CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)`,
		Size:  `SELECT pg_database_size(current_database())`,
		Types: types, Judge: judge, UUID: text, Months: months, DropMonths: dropMonths, Examine: examine,
	}
}

// types: text is ordered by its bytes, as everywhere else in the hub. Rows that change again and again have room beside
// them for what they change to, which then costs no index anything.
var types = []store.Replacement{
	{Find: regexp.MustCompile(`\bTEXT\b`), With: `TEXT COLLATE "C"`},
	{Find: regexp.MustCompile(`\bBYTES\b`), With: "BYTEA"},
	{Find: regexp.MustCompile(`\bDOUBLE\b`), With: "DOUBLE PRECISION"},
	{Find: regexp.MustCompile(`\) CLUSTERED`), With: ")"},
	{Find: regexp.MustCompile(`\) CHANGING`), With: ") WITH (fillfactor = 70)"},
	{Find: regexp.MustCompile(`\) MONTHLY\((\w+)\)`), With: ") PARTITION BY RANGE ($1)"},
}

// judge goes by SQLSTATE: classes 22 and 23 are about values; class 40, and cancelled statements of a server that
// switches over, are about the moment.
func judge(err error) store.Verdict {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return store.Other
	}
	switch {
	case e.Code == "40001" || e.Code == "40P01":
		return store.Again
	case strings.HasPrefix(e.Code, "22") || strings.HasPrefix(e.Code, "23"):
		return store.Refused
	}
	return store.Other
}

func text(id string) (any, error) {
	_, err := uuid.Parse(id)
	return id, err
}

// monthly are the tables that are kept by month, with the key's value at which a month begins.
var monthly = []struct {
	table string
	bound func(time.Time) string
}{
	{"movement", uuidAt},
	{"movement_line", uuidAt},
	{"sample", func(t time.Time) string { return fmt.Sprint(t.UnixMicro()) }},
	{"epcis_event", uuidAt},
	{"epcis_epc", uuidAt},
}

// uuidAt is the lowest UUIDv7 of a time.
func uuidAt(t time.Time) string {
	var id uuid.UUID
	ms := t.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return "'" + id.String() + "'"
}

// months makes the partitions of the months from one time to another, and one for rows of no such month, such as those of
// a clock that was wrong.
func months(ctx context.Context, db *sql.DB, from, to time.Time) error {
	from = time.Date(from.UTC().Year(), from.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	for _, t := range monthly {
		var there bool
		if err := db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, t.table).Scan(&there); err != nil || !there {
			return err // the schema is of a version before it
		}
		texts := []string{fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s PARTITION OF %s DEFAULT`, t.table+store.OtherMonths, t.table)}
		for m := from; !m.After(to); m = m.AddDate(0, 1, 0) {
			texts = append(texts, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s_%s PARTITION OF %s FOR VALUES FROM (%s) TO (%s)`,
				t.table, m.Format(monthName), t.table, t.bound(m), t.bound(m.AddDate(0, 1, 0))))
		}
		for _, text := range texts {
			if _, err := db.ExecContext(ctx, text); err != nil && !inTheWay(err) {
				return fmt.Errorf("%w in %q", err, text)
			}
		}
	}
	return nil
}

// monthName ends the name of a month's partition.
const monthName = "2006_01"

// dropMonths drops the partitions of a table that end before a time. While somebody reads from the table long it gives up, so
// that those who write do not wait as well.
func dropMonths(ctx context.Context, db *sql.DB, table string, before time.Time) (rows int64, err error) {
	found, err := db.QueryContext(ctx, `SELECT c.relname, greatest(c.reltuples, 0)::bigint FROM pg_inherits i
		JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1) ORDER BY c.relname`, table)
	if err != nil {
		return 0, err
	}
	defer found.Close()
	old := map[string]int64{}
	for found.Next() {
		var name string
		var n int64
		if err := found.Scan(&name, &n); err != nil {
			return 0, err
		}
		month, err := time.Parse(monthName, strings.TrimPrefix(name, table+"_"))
		if err == nil && !month.AddDate(0, 1, 0).After(before) {
			old[name] = n
		}
	}
	if err := found.Err(); err != nil {
		return 0, err
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if err := dropTable(ctx, db, name); err != nil {
			return rows, err
		}
		rows += old[name]
	}
	return rows, nil
}

func dropTable(ctx context.Context, db *sql.DB, name string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, text := range []string{`SET LOCAL lock_timeout = '2s'`, `DROP TABLE IF EXISTS ` + name} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%w in %q", err, text)
		}
	}
	return tx.Commit()
}

// inTheWay reports that a month's rows lie among the others already, where they may stay, or that another hub makes the
// same partition at this moment.
func inTheWay(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "23514" || e.Code == "42P07" || e.Code == "23505")
}
