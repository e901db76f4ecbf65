package catalog

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxImportBytes is the longest CSV file that Import reads.
const MaxImportBytes = 64 << 20

// maxProblems is how many problems an import names before it stops looking.
const maxProblems = 100

// Problem is one thing that is wrong with an imported file.
type Problem struct {
	Line    int    `json:"line"`   // 1 is the header
	Column  string `json:"column"` // "" where the whole line is meant
	Message string `json:"message"`
}

// ImportError says all that is wrong with a file; nothing of it was taken.
type ImportError struct {
	Kind     string
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *ImportError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: nothing was imported, %d problems:", e.Kind, len(e.Problems))
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  line %d", p.Line)
		if p.Column != "" {
			fmt.Fprintf(&b, ", column %s", p.Column)
		}
		fmt.Fprintf(&b, ": %s", p.Message)
	}
	return b.String()
}

// Imported says what an import did.
type Imported struct {
	Kind     string `json:"kind"`
	Rows     int    `json:"rows"`
	Inserted int    `json:"inserted"`
	Updated  int    `json:"updated"`
}

// Rows is a checked file, ready to be stored: one of the slices is set.
type Rows struct {
	Kind      string
	Items     []Item
	Locations []Location
	GLNs      []GLN
	Suppliers []Supplier
	Sources   []Source
	Levels    []Level
	Packs     []Pack
	Lots      []Lot
	Tags      []TagItem
	Demand    []Demand
}

// Known is what an import may refer to.
type Known struct {
	Items, Locations, Sites, Suppliers map[string]bool
}

// ImportStore keeps the catalogue.
type ImportStore interface {
	// Known lists what the catalogue has.
	Known(ctx context.Context) (Known, error)
	// Put stores all rows in one transaction, over what is there under the same key.
	Put(ctx context.Context, rows Rows) (Imported, error)
}

// Importer takes CSV files into the catalogue: all rows of a file, or none.
type Importer struct{ store ImportStore }

// NewImporter makes an Importer.
func NewImporter(store ImportStore) *Importer { return &Importer{store} }

// Import reads a CSV file of a kind (see Kinds and Columns) and stores it. What is wrong with the file comes as an
// *ImportError with every problem at once.
func (im *Importer) Import(ctx context.Context, kind string, file io.Reader) (Imported, error) {
	known, err := im.store.Known(ctx)
	if err != nil {
		return Imported{}, err
	}
	rows, err := Parse(kind, file, known)
	if err != nil {
		return Imported{}, err
	}
	return im.store.Put(ctx, rows)
}

// Parse reads and checks a file without storing it.
func Parse(kind string, file io.Reader, known Known) (Rows, error) {
	t, ok := tables[kind]
	if !ok {
		return Rows{}, &ImportError{kind, []Problem{{Message: "kind is not known; use " + strings.Join(Kinds(), ", ")}}}
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxImportBytes+1))
	if err != nil {
		return Rows{}, fmt.Errorf("cannot read %s: %w", kind, err)
	}
	if len(text) > MaxImportBytes {
		return Rows{}, &ImportError{kind, []Problem{{Message: fmt.Sprintf("file is longer than %d bytes: split it", MaxImportBytes)}}}
	}
	p := &parser{kind: kind, known: known, seen: map[string]int{}, rows: Rows{Kind: kind}}
	p.file(t, bytes.TrimPrefix(text, []byte("\ufeff")))
	p.parents()
	if len(p.problems) > 0 {
		return Rows{}, &ImportError{kind, p.problems}
	}
	return p.rows, nil
}

// parser walks one file.
type parser struct {
	kind     string
	known    Known
	rows     Rows
	problems []Problem
	seen     map[string]int // key -> line, for doubles
	line     int
	index    map[string]int
	record   []string
}

func (p *parser) wrong(column, format string, args ...any) {
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, Problem{p.line, column, fmt.Sprintf(format, args...)})
	}
}

func (p *parser) file(t table, text []byte) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = comma(text)
	r.ReuseRecord = true
	r.TrimLeadingSpace = true
	head, err := r.Read()
	p.line = 1
	if err != nil {
		p.wrong("", "file has no header line; it needs %s", strings.Join(t.columns(), ","))
		return
	}
	if !p.header(t, head) {
		return
	}
	for {
		p.record, err = r.Read()
		p.line++
		if errors.Is(err, io.EOF) {
			return
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			p.line = parse.StartLine
			p.wrong("", "%v", parse.Err)
			return
		}
		p.line, _ = r.FieldPos(0)
		t.row(p)
		if len(p.problems) >= maxProblems {
			return
		}
	}
}

// parents checks that each location stands in one that there is, here or in the catalogue.
func (p *parser) parents() {
	for _, l := range p.rows.Locations {
		for column, code := range map[string]string{"site": l.Site, "parent": l.Parent} {
			if code != "" && !p.known.Locations[code] && p.seen[code] == 0 {
				p.line = p.seen[l.Code]
				p.wrong(column, "location %q is neither in the file nor in the catalogue", code)
			}
		}
	}
}

// comma finds the separator of the header line.
func comma(text []byte) rune {
	head, _, _ := bytes.Cut(text, []byte("\n"))
	if bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		return ';'
	}
	return ','
}

func (p *parser) header(t table, head []string) bool {
	p.index = map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(t.columns(), name) {
			p.wrong(name, "column is not known; %s has %s", p.kind, strings.Join(t.columns(), ","))
		}
		if _, twice := p.index[name]; twice {
			p.wrong(name, "column is there twice")
		}
		p.index[name] = i
	}
	for _, name := range t.required {
		if _, ok := p.index[name]; !ok {
			p.wrong(name, "column is missing")
		}
	}
	return len(p.problems) == 0
}

// unique reports a key that an earlier line has.
func (p *parser) unique(key ...string) {
	k := strings.Join(key, "\x00")
	if first, ok := p.seen[k]; ok {
		p.wrong("", "same key as line %d", first)
		return
	}
	p.seen[k] = p.line
}
