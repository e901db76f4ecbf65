package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Tx is a write transaction with the events that it will have caused. Query texts have question marks for values and must
// be constants, but for the lengths of lists. Values may also be of the types uid and devices.Tag.
type Tx struct {
	sql    *sql.Tx
	db     *DB
	ctx    context.Context
	now    time.Time
	own    map[string]*sql.Stmt // of this transaction
	events []event.Event        // without their numbers until finish
	audits []noted              // so too
	books  books
	field  sampling
	areas  map[ledger.Location]string // where value lies, as far as was asked

	endpointsChanged bool // of webhooks: others must hear of it
}

// uid is a UUID as text in this program, and as its 16 bytes in the database; "" is NULL.
type uid string

// Scan reads what the database keeps for a uid.
func (u *uid) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*u = ""
	case string:
		*u = uid(v)
	case []byte:
		id, err := uuid.FromBytes(v)
		if err != nil {
			return fmt.Errorf("UUID %x: %w", v, err)
		}
		*u = uid(id.String())
	default:
		return fmt.Errorf("UUID of type %T", v)
	}
	return nil
}

// tagOf is a tag as the database keeps it: its kind and its bytes; nothing for no tag.
func tagOf(t devices.Tag) []byte {
	if t.IsZero() {
		return []byte{}
	}
	return t.AppendBytes([]byte{byte(t.Kind())})
}

// tag reads what tagOf made.
type tag struct{ devices.Tag }

// Scan reads what the database keeps for a tag.
func (t *tag) Scan(v any) (err error) {
	b, ok := v.([]byte)
	switch {
	case !ok && v != nil:
		return fmt.Errorf("tag of type %T", v)
	case len(b) == 0:
		t.Tag = devices.Tag{}
	default:
		t.Tag, err = devices.NewTag(devices.TagKind(b[0]), b[1:])
	}
	return err
}

// values makes what the drivers take of the values of a query.
func (db *DB) values(args []any) ([]any, error) {
	for i, a := range args {
		switch v := a.(type) {
		case uid:
			if v == "" {
				args[i] = nil
				continue
			}
			id, err := db.dialect.UUID(string(v))
			if err != nil {
				return nil, fmt.Errorf("%w: %q is no UUID", intake.ErrRefused, string(v))
			}
			args[i] = id
		case devices.Tag:
			args[i] = tagOf(v)
		case []byte:
			if v == nil { // which some drivers give for no bytes
				args[i] = []byte{}
			}
		case string:
			if strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v) {
				return nil, fmt.Errorf("%w: %q is no text: it has a zero byte, or bytes that are no UTF-8", intake.ErrRefused, v)
			}
		}
	}
	return args, nil
}

// maxStatements bounds what statements keeps.
const maxStatements = 512

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
func (tx *Tx) stmt(text string) (*sql.Stmt, error) {
	if s := tx.own[text]; s != nil {
		return s, nil
	}
	if tx.own == nil {
		tx.own = map[string]*sql.Stmt{}
	}
	var s *sql.Stmt
	if p := tx.db.prepared[text]; p != nil {
		s = tx.sql.StmtContext(tx.ctx, p)
	} else {
		var err error
		if s, err = tx.sql.PrepareContext(tx.ctx, text); err != nil {
			return nil, err
		}
		if len(tx.db.prepared) < maxStatements {
			tx.db.prepared[text] = nil
		}
	}
	tx.own[text] = s
	return s, nil
}

// ExecContext runs a statement. An error that matches intake.ErrRefused is one that the same values will always meet.
func (tx *Tx) ExecContext(_ context.Context, text string, args ...any) (r sql.Result, err error) {
	if args, err = tx.db.values(args); err != nil {
		return nil, err
	}
	if !tx.db.dialect.Alone { // its driver keeps statements prepared by itself
		r, err = tx.sql.ExecContext(tx.ctx, tx.db.texts.of(text), args...)
		return r, tx.refused(err)
	}
	s, err := tx.stmt(text)
	if err != nil {
		return nil, err
	}
	r, err = s.ExecContext(tx.ctx, args...)
	return r, tx.refused(err)
}

// QueryContext asks for rows.
func (tx *Tx) QueryContext(_ context.Context, text string, args ...any) (*sql.Rows, error) {
	args, err := tx.db.values(args)
	if err != nil {
		return nil, err
	}
	if !tx.db.dialect.Alone {
		rows, err := tx.sql.QueryContext(tx.ctx, tx.db.texts.of(text), args...)
		return rows, tx.refused(err)
	}
	s, err := tx.stmt(text)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(tx.ctx, args...)
	return rows, tx.refused(err)
}

// exec runs a statement for its effect.
func (tx *Tx) exec(text string, args ...any) error {
	_, err := tx.ExecContext(tx.ctx, text, args...)
	return err
}

// row reads one row into dest and reports whether there was one.
func (tx *Tx) row(text string, args []any, dest ...any) (bool, error) {
	return one(tx.ctx, tx, text, args, dest...)
}

// lock ends a query whose rows will be changed, so that nobody else changes them before.
func (tx *Tx) lock(text string) string {
	if tx.db.dialect.Alone {
		return text
	}
	return text + ` FOR UPDATE`
}

// Savepoint runs f and undoes what it did where it fails. What was posted before is written before, and what f posted
// when it returns, so that f fails by what it did itself.
func (tx *Tx) Savepoint(f func() error) error {
	if err := tx.flush(); err != nil {
		return err
	}
	if err := tx.control(`SAVEPOINT step`); err != nil {
		return err
	}
	events, audits := len(tx.events), len(tx.audits)
	err := f()
	if err == nil {
		err = tx.flush()
	}
	if err != nil {
		tx.events, tx.audits, tx.books = tx.events[:events], tx.audits[:audits], tx.books.afterUndo()
		tx.field, tx.areas = sampling{spooled: tx.field.spooled}, nil
		return errors.Join(err, tx.control(`ROLLBACK TO SAVEPOINT step`), tx.control(`RELEASE SAVEPOINT step`))
	}
	return tx.control(`RELEASE SAVEPOINT step`)
}

// flush writes what was posted and measured and is put off.
func (tx *Tx) flush() error {
	if err := tx.books.write(tx); err != nil {
		return err
	}
	return tx.field.write(tx)
}

// control runs a statement that no driver prepares.
func (tx *Tx) control(text string) error {
	_, err := tx.sql.ExecContext(tx.ctx, text)
	return err
}

// refused marks the errors by which the database says that it will never take a value.
func (tx *Tx) refused(err error) error {
	if err != nil && tx.db.dialect.Judge(err) == Refused {
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
	tx.events = append(tx.events, event.Event{At: tx.now, Type: t, Data: b})
	return nil
}

// finish writes what the transaction put off. The head of the events comes last: whoever has it has all other rows, and
// keeps it until the commit, so that events are seen in the order of their numbers.
func (tx *Tx) finish() error {
	if err := tx.flush(); err != nil {
		return err
	}
	if err := tx.tellStock(); err != nil {
		return err
	}
	if err := tx.writeAudits(); err != nil {
		return err
	}
	posted := !tx.books.earliest.IsZero()
	if len(tx.events) == 0 && !posted && !tx.endpointsChanged {
		return nil
	}
	head, webhooks, err := tx.head(len(tx.events))
	if err != nil {
		return err
	}
	if posted {
		if err := tx.stillOpen(); err != nil {
			return err
		}
	}
	rows := make([][]any, len(tx.events))
	for i := range tx.events {
		e := &tx.events[i]
		e.Seq = head - int64(len(tx.events)-1-i)
		rows[i] = []any{e.Seq, e.At.UnixMicro(), string(e.Type), string(e.Data)}
	}
	if err := tx.insert(&eventRows, rows); err != nil {
		return err
	}
	return tx.fan(webhooks)
}

// head takes numbers for n events, and keeps others from doing so until this transaction is over. It gives the last of them,
// and the revision of the endpoints of webhooks.
func (tx *Tx) head(n int) (head, webhooks int64, err error) {
	changed := 0
	if tx.endpointsChanged {
		changed = 1
	}
	_, err = tx.row(`UPDATE event_head SET seq = seq + ?, webhooks = webhooks + ? WHERE one = 1 RETURNING seq, webhooks`, []any{n, changed}, &head, &webhooks)
	if err != nil {
		return 0, 0, fmt.Errorf("cannot number the events: %w", err)
	}
	return head, webhooks, nil
}

var eventRows = table{name: "event", columns: []column{{"seq", integer}, {"at", integer}, {"type", text}, {"data", text}}}
