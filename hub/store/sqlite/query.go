package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/hub/catalog"
)

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// reading runs f on one state of the database.
func (db *DB) reading(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("cannot begin to read: %w", err)
	}
	defer tx.Rollback()
	return f(tx)
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
	tx       *Tx
	done     *catalog.Imported
	prepared map[string][2]*sql.Stmt
	err      error
}

// row writes one row: the key columns' values first, then the others'.
func (u *upsert) row(table, key, others string, values ...any) {
	if u.err != nil {
		return
	}
	var stmts [2]*sql.Stmt
	if stmts, u.err = u.stmts(table, key, others); u.err != nil {
		return
	}
	keys := strings.Count(key, ",") + 1
	var one int
	err := stmts[0].QueryRowContext(u.tx.ctx, values[:keys]...).Scan(&one)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		u.err = err
		return
	}
	if _, u.err = stmts[1].ExecContext(u.tx.ctx, values...); u.err != nil {
		return
	}
	u.done.Rows++
	if err == nil {
		u.done.Updated++
	} else {
		u.done.Inserted++
	}
}

func (u *upsert) stmts(table, key, others string) ([2]*sql.Stmt, error) {
	if s, ok := u.prepared[table]; ok {
		return s, nil
	}
	var set, where []string
	for _, c := range strings.Split(others, ", ") {
		set = append(set, c+" = excluded."+c)
	}
	for _, c := range strings.Split(key, ", ") {
		where = append(where, c+" = ?")
	}
	n := strings.Count(key+", "+others, ",") + 1
	var s [2]*sql.Stmt
	var err error
	if s[0], err = u.tx.PrepareContext(u.tx.ctx, fmt.Sprintf(`SELECT 1 FROM %s WHERE %s`, table, strings.Join(where, " AND "))); err != nil {
		return s, err
	}
	s[1], err = u.tx.PrepareContext(u.tx.ctx, fmt.Sprintf(`INSERT INTO %s (%s, %s) VALUES (?%s) ON CONFLICT (%s) DO UPDATE SET %s`,
		table, key, others, strings.Repeat(", ?", n-1), key, strings.Join(set, ", ")))
	if u.prepared == nil {
		u.prepared = map[string][2]*sql.Stmt{}
	}
	u.prepared[table] = s
	return s, err
}
