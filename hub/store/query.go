package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/catalog"
)

// querier asks for rows.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// reader asks the database for what is committed.
type reader struct {
	db *DB
	q  querier
}

// QueryContext asks for rows.
func (r reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	args, err := r.db.values(args)
	if err != nil {
		return nil, err
	}
	return r.q.QueryContext(ctx, r.db.texts.of(query), args...)
}

// reading runs f on one state of the database.
func (db *DB) reading(ctx context.Context, f func(reader) error) error {
	how := &sql.TxOptions{ReadOnly: true}
	if !db.dialect.Alone {
		how.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.pool.BeginTx(ctx, how)
	if err != nil {
		return fmt.Errorf("cannot begin to read: %w", err)
	}
	defer tx.Rollback()
	return f(reader{db, tx})
}

// one reads the first row into dest and reports whether there was one.
func one(ctx context.Context, q querier, query string, args []any, dest ...any) (found bool, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("cannot query: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		found = true
		if err := rows.Scan(dest...); err != nil {
			return true, fmt.Errorf("cannot read a row: %w", err)
		}
	}
	return found, rows.Err()
}

// list reads every row of a query through one function; never nil.
func list[T any](ctx context.Context, q querier, query string, row func(scan func(...any) error) (T, error), args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot query: %w", err)
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := row(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("cannot read a row: %w", err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the rows: %w", err)
	}
	return all, nil
}

// upsert writes rows over those with the same key and counts what it did; after an error it does nothing more.
type upsert struct {
	tx   *Tx
	done *catalog.Imported
	err  error
	// changed counts the rows that are not as they were.
	changed int
}

// mostNoted is how many rows of an import have an entry of their own in the log of changes; of the others it has the number.
const mostNoted = 10_000

// note notes a row that somebody changes, with what it was before.
func (u *upsert) note(table string, others []string, values, before []any, known bool) error {
	if audit.From(u.tx.ctx) == nil {
		return nil
	}
	key := len(values) - len(others)
	var was facts
	is := facts{}
	for i, name := range others {
		is[name] = values[key+i]
		if known {
			if was == nil {
				was = facts{}
			}
			was[name] = before[i]
			if text, ok := before[i].([]byte); ok {
				was[name] = string(text)
			}
		}
	}
	if known && bytes.Equal(audit.State(was), audit.State(is)) {
		return nil
	}
	if u.changed++; u.changed > mostNoted {
		return nil
	}
	return u.tx.changed(u.tx.ctx, table, idOf(values[:key]), was, is)
}

// noteAll notes what became of the whole file.
func (u *upsert) noteAll() error {
	return u.tx.changed(u.tx.ctx, "catalog", u.done.Kind, nil, facts{
		"rows": u.done.Rows, "inserted": u.done.Inserted, "updated": u.done.Updated, "changed": u.changed, "unlisted": max(0, u.changed-mostNoted),
	})
}

func pointers(all []any) []any {
	to := make([]any, len(all))
	for i := range all {
		to[i] = &all[i]
	}
	return to
}

// row writes one row: the key columns' values first, then the others'.
func (u *upsert) row(table, key, others string, values ...any) {
	if u.err != nil {
		return
	}
	var set, where []string
	for _, c := range strings.Split(others, ", ") {
		set = append(set, c+" = excluded."+c)
	}
	for _, c := range strings.Split(key, ", ") {
		where = append(where, c+" = ?")
	}
	before := make([]any, len(set))
	known, err := u.tx.row(`SELECT `+others+` FROM `+table+` WHERE `+strings.Join(where, " AND "), slices.Clone(values[:len(where)]), pointers(before)...)
	if err == nil {
		err = u.note(table, strings.Split(others, ", "), values, before, known)
	}
	if err == nil {
		err = u.tx.exec(`INSERT INTO `+table+` (`+key+`, `+others+`) VALUES (`+marks(len(values), "?")+
			`) ON CONFLICT (`+key+`) DO UPDATE SET `+strings.Join(set, ", "), values...)
	}
	if u.err = err; err != nil {
		return
	}
	u.done.Rows++
	if known {
		u.done.Updated++
	} else {
		u.done.Inserted++
	}
}
