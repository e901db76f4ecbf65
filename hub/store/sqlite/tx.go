package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/intake"
)

// Tx is a write transaction with the events that it will have caused. Its ExecContext and QueryRowContext keep their
// statements prepared from one transaction to the next, so their texts must be constants.
type Tx struct {
	*sql.Tx
	ctx      context.Context
	now      time.Time
	prepared statements
	own      map[string]*sql.Stmt // of this transaction
	events   []event.Event
	balances map[balanceKey]balanceDelta // to be written at the end
	touched  map[stockKey]struct{}       // rows of stock to tell of
}

// maxStatements bounds what statements keeps.
const maxStatements = 256

// statements are prepared statements of the write connection by their text; nil for one that was asked for and is not
// prepared yet, because a transaction has the connection.
type statements map[string]*sql.Stmt

// prepare prepares what was asked for since. A statement that cannot be prepared now, such as one that made a table, is
// left to the transaction that asks for it again.
func (s statements) prepare(ctx context.Context, db *sql.DB) {
	for text, stmt := range s {
		if stmt != nil {
			continue
		}
		p, err := db.PrepareContext(ctx, text)
		if err != nil {
			delete(s, text)
			continue
		}
		s[text] = p
	}
}

func (s statements) close() {
	for _, stmt := range s {
		if stmt != nil {
			stmt.Close()
		}
	}
}

// stmt gives a statement of this transaction. One of a new text is prepared for this transaction only, and for all that
// come after.
func (tx *Tx) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := tx.own[text]; s != nil {
		return s, nil
	}
	if tx.own == nil {
		tx.own = map[string]*sql.Stmt{}
	}
	var s *sql.Stmt
	if p := tx.prepared[text]; p != nil {
		s = tx.StmtContext(ctx, p)
	} else {
		var err error
		if s, err = tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		if len(tx.prepared) < maxStatements {
			tx.prepared[text] = nil
		}
	}
	tx.own[text] = s
	return s, nil
}

// ExecContext runs a statement. An error that matches intake.ErrRefused is one that the same values will always meet.
func (tx *Tx) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s, err := tx.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, args...)
	return r, refused(err)
}

// QueryRowContext asks for one row.
func (tx *Tx) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	s, err := tx.stmt(ctx, text)
	if err != nil {
		return tx.Tx.QueryRowContext(ctx, text, args...) // meets the same error and has a Row to give it in
	}
	return s.QueryRowContext(ctx, args...)
}

// exec runs a statement for its effect.
func (tx *Tx) exec(text string, args ...any) error {
	_, err := tx.ExecContext(tx.ctx, text, args...)
	return err
}

// row reads one row into dest and reports whether there was one.
func (tx *Tx) row(text string, args []any, dest ...any) (bool, error) {
	err := tx.QueryRowContext(tx.ctx, text, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, refused(err)
}

// Savepoint runs f and undoes what it did where it fails.
func (tx *Tx) Savepoint(f func() error) error {
	if err := tx.exec(`SAVEPOINT step`); err != nil {
		return err
	}
	balances := maps.Clone(tx.balances)
	if err := f(); err != nil {
		tx.balances = balances
		return errors.Join(err, tx.exec(`ROLLBACK TO step`), tx.exec(`RELEASE step`))
	}
	return tx.exec(`RELEASE step`)
}

// refused marks the errors by which SQLite says that it will never take a value.
func refused(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG, lib.SQLITE_RANGE:
		return fmt.Errorf("%w: %w", intake.ErrRefused, err)
	}
	return err
}

// Emit says that something happened; it is stored with the transaction and told after its commit.
func (tx *Tx) Emit(t event.Type, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("cannot encode a %s event: %w", t, err)
	}
	e := event.Event{At: tx.now, Type: t, Data: b}
	err = tx.QueryRowContext(tx.ctx, `INSERT INTO event (at, type, data) VALUES (?, ?, ?) RETURNING seq`,
		tx.now.UnixMicro(), string(t), string(b)).Scan(&e.Seq)
	if err != nil {
		return fmt.Errorf("cannot store a %s event: %w", t, err)
	}
	tx.events = append(tx.events, e)
	return nil
}
