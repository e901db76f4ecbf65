package store

import (
	"fmt"
	"strings"
	"sync"
)

// kind is the type of a column that is written in bulk.
type kind string

// The kinds, by the name that PostgreSQL has for a list of them. A nil stands for NULL in any of them.
const (
	text    kind = "text"
	integer kind = "bigint"
	id      kind = "uuid"
	binary  kind = "bytea"
	boolean kind = "boolean"
	// number64 is a number with a fraction.
	number64 kind = "double precision"
)

type column struct {
	name string
	kind kind
}

// table is a table as it is written in bulk. A variable of this type is the one statement.
type table struct {
	name    string
	columns []column
	then    string // what follows the values: ON CONFLICT …

	// Rows that are there already are changed: those columns of the row whose first columns, so many, are the same.
	key int
	set []int

	once     sync.Once
	one, all string // statements that write one row, and rows from lists of each column's values
	order    []int  // of the values in one; nil = as they are
}

func (t *table) statements() {
	var names, marks, lists []string
	for _, c := range t.columns {
		names = append(names, c.name)
		marks = append(marks, "?")
		lists = append(lists, "?::"+string(c.kind)+"[]")
	}
	if t.set != nil {
		t.change(names)
	}
	into := "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ") "
	if t.set == nil {
		t.one = into + "VALUES (" + strings.Join(marks, ", ") + ") " + t.then
	}
	t.all = into + "SELECT * FROM unnest(" + strings.Join(lists, ", ") + ") " + t.then
}

// change makes the statements of a table whose rows are there.
func (t *table) change(names []string) {
	var one, all, where []string
	for _, c := range t.set {
		one, all = append(one, names[c]+" = ?"), append(all, names[c]+" = excluded."+names[c])
		t.order = append(t.order, c)
	}
	for c := range t.key {
		where = append(where, names[c]+" = ?")
		t.order = append(t.order, c)
	}
	t.one = "UPDATE " + t.name + " SET " + strings.Join(one, ", ") + " WHERE " + strings.Join(where, " AND ")
	t.then = "ON CONFLICT (" + strings.Join(names[:t.key], ", ") + ") DO UPDATE SET " + strings.Join(all, ", ")
}

// ordered gives a row's values as the statement for one row wants them.
func (t *table) ordered(row, into []any) []any {
	if t.order == nil {
		return row
	}
	into = into[:0]
	for _, c := range t.order {
		into = append(into, row[c])
	}
	return into
}

// insert writes rows, each with a value for every column: string, int64, bool, float64, uid, devices.Tag, []byte or nil.
func (tx *Tx) insert(t *table, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	t.once.Do(t.statements)
	var err error
	if tx.db.dialect.Alone {
		values := make([]any, 0, len(t.columns))
		for _, r := range rows {
			if _, err = tx.ExecContext(tx.ctx, t.one, t.ordered(r, values)...); err != nil {
				break
			}
		}
	} else {
		err = tx.insertLists(t, rows)
	}
	if err != nil {
		return fmt.Errorf("cannot write to %s: %w", t.name, err)
	}
	return nil
}

// insertMissing writes rows whose key is not there, and reports of each whether it wrote it. The key is the table's first
// two columns, which are integers; no two rows have the same; its statement ends with ON CONFLICT DO NOTHING.
func (tx *Tx) insertMissing(t *table, rows [][]any) (written []bool, err error) {
	t.once.Do(t.statements)
	written = make([]bool, len(rows))
	if tx.db.dialect.Alone {
		for i, r := range rows {
			done, err := tx.ExecContext(tx.ctx, t.one, r...)
			if err != nil {
				return nil, fmt.Errorf("cannot write to %s: %w", t.name, err)
			}
			n, err := done.RowsAffected()
			if err != nil {
				return nil, err
			}
			written[i] = n > 0
		}
		return written, nil
	}
	for from := 0; from < len(rows); from += atOnce {
		to := min(from+atOnce, len(rows))
		if err := tx.insertMissingLists(t, rows[from:to], written[from:to]); err != nil {
			return nil, fmt.Errorf("cannot write to %s: %w", t.name, err)
		}
	}
	return written, nil
}

func (tx *Tx) insertMissingLists(t *table, rows [][]any, written []bool) error {
	lists, err := tx.lists(t, rows)
	if err != nil {
		return err
	}
	text := tx.db.texts.of(t.all + " RETURNING " + t.columns[0].name + ", " + t.columns[1].name)
	found, err := tx.sql.QueryContext(tx.ctx, text, lists...)
	if err != nil {
		return tx.refused(err)
	}
	defer found.Close()
	keys := make(map[[2]int64]bool, len(rows))
	for found.Next() {
		var k [2]int64
		if err := found.Scan(&k[0], &k[1]); err != nil {
			return err
		}
		keys[k] = true
	}
	for i, r := range rows {
		written[i] = keys[[2]int64{r[0].(int64), r[1].(int64)}]
	}
	return tx.refused(found.Err())
}

// atOnce is how many rows one statement takes: its lists are held in memory three times.
const atOnce = 5000

func (tx *Tx) insertLists(t *table, rows [][]any) error {
	for len(rows) > 0 {
		n := min(len(rows), atOnce)
		lists, err := tx.lists(t, rows[:n])
		if err != nil {
			return err
		}
		if _, err := tx.sql.ExecContext(tx.ctx, tx.db.texts.of(t.all), lists...); err != nil {
			return tx.refused(err)
		}
		rows = rows[n:]
	}
	return nil
}

// lists gives the values of each column.
func (tx *Tx) lists(t *table, rows [][]any) (lists []any, err error) {
	lists = make([]any, len(t.columns))
	for c, col := range t.columns {
		if lists[c], err = tx.list(col, rows, c); err != nil {
			return nil, err
		}
	}
	return lists, nil
}

// list gives the values of a column, typed, as the driver takes lists.
func (tx *Tx) list(col column, rows [][]any, c int) (any, error) {
	switch col.kind {
	case integer:
		return listed[int64](tx, col, rows, c)
	case boolean:
		return listed[bool](tx, col, rows, c)
	case number64:
		return listed[float64](tx, col, rows, c)
	case binary:
		out := make([][]byte, len(rows))
		for i, r := range rows {
			v, err := tx.db.values([]any{r[c]})
			if err != nil {
				return nil, err
			}
			out[i], _ = v[0].([]byte) // nil is NULL
		}
		return out, nil
	default:
		return listed[string](tx, col, rows, c)
	}
}

// listed gives plain values where none is missing, which drivers take faster, and pointers otherwise.
func listed[T any](tx *Tx, col column, rows [][]any, c int) (any, error) {
	plain, missing := make([]T, len(rows)), false
	for i, r := range rows {
		v, err := tx.db.values([]any{r[c]})
		if err != nil {
			return nil, err
		}
		if v[0] == nil {
			missing = true
			continue
		}
		var ok bool
		if plain[i], ok = v[0].(T); !ok {
			return nil, fmt.Errorf("column %s has a value of type %T", col.name, v[0])
		}
	}
	if !missing {
		return plain, nil
	}
	pointers := make([]*T, len(rows))
	for i := range rows {
		if v := rows[i][c]; v != nil && v != uid("") {
			pointers[i] = &plain[i]
		}
	}
	return pointers, nil
}

// marks gives a list of n placeholders, or of pairs of them, for IN.
func marks(n int, one string) string { return one + strings.Repeat(", "+one, n-1) }

// most is the longest list of one query.
const most = 256

// lists cuts keys into lists of few different lengths, so that few statements serve them: a list that is not full is
// filled up with its last key.
func lists[K any](keys []K) (cut [][]K) {
	for len(keys) > 0 {
		n := 1
		for n < len(keys) && n < most {
			n *= 4
		}
		part := keys[:min(n, len(keys))]
		keys = keys[len(part):]
		if len(part) < n {
			part = append(make([]K, 0, n), part...)
			for len(part) < n {
				part = append(part, part[len(part)-1])
			}
		}
		cut = append(cut, part)
	}
	return cut
}
