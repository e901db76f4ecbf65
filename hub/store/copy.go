package store

import (
	"context"
	"crypto/sha256"
	bin "encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Copied is what Copy did with one table.
type Copied struct {
	Table string
	Rows  int64
	// Sum is a hash over all values of the table, in the order of its key, read back from the copy; the same as the
	// original's.
	Sum [32]byte
}

// Copy makes an empty database the same as another one, table by table, and then reads both again and compares them. The
// original must not be written meanwhile: stop its hub. told, where it is not nil, hears of each table. Errors:
// fault.Conflict where the new database has something in it, or where the two differ in the end.
func Copy(ctx context.Context, from, to *DB, told func(Copied)) error {
	tables, err := tables()
	if err != nil {
		return err
	}
	if err := to.beEmpty(ctx, tables); err != nil {
		return err
	}
	return from.reading(ctx, func(q reader) error {
		if err := to.monthsOf(ctx, q); err != nil {
			return err
		}
		for _, t := range tables {
			c, err := copyTable(ctx, q, to, t)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
			if told != nil {
				told(c)
			}
		}
		return nil
	})
}

// shape is a table with the columns of its key, which every table has.
type shape struct {
	table
	key []string
}

// tables reads what the migrations made, in an order in which rows that others refer to come first.
func tables() ([]*shape, error) {
	names, err := steps()
	if err != nil {
		return nil, err
	}
	all := map[string]*shape{}
	var order []*shape
	for _, name := range names {
		text, err := migrations.ReadFile("migrations/" + name + ".up.sql")
		if err != nil {
			return nil, err
		}
		for _, stmt := range strings.Split(string(text), ";\n") {
			if s := readShape(stmt, all); s != nil {
				order = append(order, s)
			}
		}
	}
	return order, nil
}

// kinds are the types of the migrations.
var kinds = map[string]kind{
	"TEXT": text, "BIGINT": integer, "SMALLINT": integer, "UUID": id, "BYTES": binary, "BOOLEAN": boolean, "DOUBLE": number64,
}

// readShape reads a statement of a migration that makes a table or adds a column to one; nil for others.
func readShape(stmt string, known map[string]*shape) *shape {
	words := strings.Fields(stmt)
	if len(words) > 6 && words[0] == "ALTER" && words[3] == "ADD" {
		if k, ok := kinds[words[6]]; ok {
			known[words[2]].columns = append(known[words[2]].columns, column{words[5], k})
		}
		return nil
	}
	if len(words) < 3 || words[0] != "CREATE" || words[1] != "TABLE" {
		return nil
	}
	s := &shape{table: table{name: words[2]}}
	body := stmt[strings.Index(stmt, "(")+1 : closing(stmt)]
	for _, part := range splitOutside(body) {
		f := strings.Fields(part)
		if f[0] == "PRIMARY" {
			s.key = strings.FieldsFunc(part[strings.Index(part, "(")+1:strings.Index(part, ")")], func(r rune) bool { return r == ',' || r == ' ' })
			continue
		}
		s.columns = append(s.columns, column{f[0], kinds[f[1]]})
		if strings.Contains(part, "PRIMARY KEY") {
			s.key = []string{f[0]}
		}
	}
	known[s.name] = s
	return s
}

// closing finds the parenthesis that closes the first one.
func closing(s string) int {
	depth := 0
	for i, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s) - 1
}

// splitOutside splits at commas that stand in no parentheses.
func splitOutside(s string) (parts []string) {
	depth, from := 0, 0
	for i, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// ownRows are those that every database has from its beginning.
var ownRows = map[string]int64{"event_head": 1, "sample_spool_head": 1}

func (db *DB) beEmpty(ctx context.Context, tables []*shape) error {
	for _, t := range tables {
		var n int64
		if _, err := one(ctx, db.read, `SELECT count(*) FROM `+t.name, nil, &n); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		if n > ownRows[t.name] {
			return fmt.Errorf("%w: the new database has %d rows in %s already; copy into an empty one", fault.Conflict, n, t.name)
		}
	}
	return nil
}

// monthsOf makes room for the months that the original has.
func (db *DB) monthsOf(ctx context.Context, q reader) error {
	if db.dialect.Months == nil {
		return nil
	}
	var first, last int64
	for _, bound := range []struct {
		query string
		us    *int64
	}{
		{`SELECT recorded_at FROM movement ORDER BY id LIMIT 1`, &first},
		{`SELECT recorded_at FROM movement ORDER BY id DESC LIMIT 1`, &last},
	} {
		if found, err := one(ctx, q, bound.query, nil, bound.us); err != nil || !found {
			return err
		}
	}
	const most = 40 * 366 * 24 * time.Hour
	if d := timeOf(last).Sub(timeOf(first)); d < 0 || d > most {
		return nil // a clock was wrong: those rows lie among the others
	}
	return db.dialect.Months(ctx, db.write, timeOf(first), timeOf(last))
}

// copyAtOnce is how many rows are held at a time.
const copyAtOnce = 2000

func copyTable(ctx context.Context, q reader, to *DB, t *shape) (Copied, error) {
	c := Copied{Table: t.name}
	if _, own := ownRows[t.name]; own {
		if err := to.Write(ctx, func(tx *Tx) error { return tx.exec(`DELETE FROM ` + t.name) }); err != nil {
			return c, err
		}
	}
	sum := newSum()
	err := t.pages(ctx, q, func(rows [][]any) error {
		sum.add(rows)
		c.Rows += int64(len(rows))
		return to.Write(ctx, func(tx *Tx) error { return tx.insert(&t.table, rows) })
	})
	if err != nil {
		return c, err
	}
	back := newSum()
	if err := t.pages(ctx, to.read, func(rows [][]any) error { back.add(rows); return nil }); err != nil {
		return c, fmt.Errorf("cannot read the copy: %w", err)
	}
	c.Sum = sum.end()
	if back.end() != c.Sum || back.rows != sum.rows {
		return c, fmt.Errorf("%w: the copy has %d rows that are not the original's %d", fault.Conflict, back.rows, sum.rows)
	}
	return c, nil
}

// pages reads a table in the order of its key.
func (t *shape) pages(ctx context.Context, q reader, f func([][]any) error) error {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	order := strings.Join(t.key, ", ")
	begin := `SELECT ` + strings.Join(names, ", ") + ` FROM ` + t.name
	query, args := begin, []any{}
	for {
		rows, err := list(ctx, q, query+` ORDER BY `+order+` LIMIT ?`, t.scan, append(args, copyAtOnce)...)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := f(rows); err != nil {
			return err
		}
		if len(rows) < copyAtOnce {
			return nil
		}
		query = begin + ` WHERE (` + order + `) > (` + marks(len(t.key), "?") + `)`
		args = t.keyOf(rows[len(rows)-1])
	}
}

func (t *shape) keyOf(row []any) (key []any) {
	for _, k := range t.key {
		for i, c := range t.columns {
			if c.name == k {
				key = append(key, row[i])
			}
		}
	}
	return key
}

// scan reads a row as insert takes it.
func (t *shape) scan(scan func(...any) error) ([]any, error) {
	row, into := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		into[i] = &row[i]
	}
	if err := scan(into...); err != nil {
		return nil, err
	}
	for i, c := range t.columns {
		if row[i] == nil {
			continue
		}
		var u uid
		switch c.kind {
		case id:
			if err := u.Scan(row[i]); err != nil {
				return nil, err
			}
			row[i] = u
		case boolean:
			if n, ok := row[i].(int64); ok {
				row[i] = n != 0
			}
		case text:
			if b, ok := row[i].([]byte); ok {
				row[i] = string(b)
			}
		}
	}
	return row, nil
}

// tableSum is a hash over rows.
type tableSum struct {
	hash []byte
	rows int64
}

func newSum() *tableSum { return &tableSum{hash: make([]byte, sha256.Size)} }

func (s *tableSum) add(rows [][]any) {
	var b []byte
	for _, r := range rows {
		b = append(b[:0], s.hash...)
		for _, v := range r {
			b = appendValue(b, v)
		}
		h := sha256.Sum256(b)
		copy(s.hash, h[:])
		s.rows++
	}
}

func (s *tableSum) end() (h [32]byte) {
	copy(h[:], s.hash)
	return h
}

// appendValue writes a value so that no two differ and come to the same bytes.
func appendValue(b []byte, v any) []byte {
	put := func(kind byte, text string) []byte {
		b = append(b, kind)
		b = bin.AppendUvarint(b, uint64(len(text)))
		return append(b, text...)
	}
	switch v := v.(type) {
	case nil:
		return append(b, 0)
	case int64:
		return bin.BigEndian.AppendUint64(append(b, 1), uint64(v))
	case float64:
		return bin.BigEndian.AppendUint64(append(b, 2), math.Float64bits(v))
	case bool:
		if v {
			return append(b, 3, 1)
		}
		return append(b, 3, 0)
	case uid:
		return put(4, string(v))
	case []byte:
		return put(5, string(v))
	case string:
		return put(6, v)
	default:
		return put(7, fmt.Sprintf("%T %v", v, v))
	}
}
