package store

import (
	"context"
	"database/sql"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/hub/doctor"
)

// Verdict says what an error of the database means for the work that met it.
type Verdict uint8

// The verdicts.
const (
	Other   Verdict = iota // the database cannot, now
	Refused                // it never takes these values
	Again                  // it was disturbed by another transaction: the same work may go well
)

// Dialect is what differs between the databases that hold a hub. All else is one text of SQL for both.
type Dialect struct {
	Name string
	// Alone: one transaction writes at a time. Otherwise many do, and rows that one has read to change are locked.
	Alone bool
	// Numbered placeholders are $1, $2 and so on; others are question marks.
	Numbered bool
	// Clock is the text of the database's own time, in microseconds since 1970: all hubs on it have the same.
	Clock string
	// Examine looks for what is not as it should be with the server, its settings and its files, and gives its version.
	Examine func(ctx context.Context, db *sql.DB) (version string, remarks []doctor.Remark, err error)
	// Size asks for the database's size in bytes.
	Size string
	// Types turns the types and table forms of the migrations into the database's own.
	Types []Replacement
	// Judge says what an error means.
	Judge func(error) Verdict
	// UUID turns the text of a UUID into what the driver takes for one.
	UUID func(string) (any, error)
	// Months makes room for rows of tables that are kept by month, where the database keeps them so; nil where it does not.
	Months func(ctx context.Context, db *sql.DB, from, to time.Time) error
	// DropMonths forgets the months of such a table that end before a time, and gives about how many rows they had; nil where
	// the database does not keep rows by month. Rows of no month are in the table that OtherMonths names.
	DropMonths func(ctx context.Context, db *sql.DB, table string, before time.Time) (rows int64, err error)
	// Backup writes a copy of the database to a file; nil where that is for the database's own tools.
	Backup func(ctx context.Context, db *sql.DB, file string) error
}

// Replacement is one of a Dialect's Types.
type Replacement struct {
	Find *regexp.Regexp
	With string
}

// texts keeps what became of query texts, which are constants of this program but for the lengths of their lists and the
// conditions of searches.
type texts struct {
	numbered bool
	known    sync.Map // string -> string
	kept     atomic.Int64
}

// maxTexts bounds what texts keeps: what people may search for has many shapes.
const maxTexts = 4096

// of gives a query as the database wants its placeholders.
func (t *texts) of(query string) string {
	if !t.numbered {
		return query
	}
	if known, ok := t.known.Load(query); ok {
		return known.(string)
	}
	var b strings.Builder
	n, quoted := 0, false
	for _, c := range query {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '?' && !quoted:
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(c)
	}
	if t.kept.Load() < maxTexts {
		t.kept.Add(1)
		t.known.Store(query, b.String())
	}
	return b.String()
}
