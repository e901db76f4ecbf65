package catalog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/sheet"
)

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

// File is a table as somebody sent it. What is left out is found out from its bytes.
type File struct {
	Body        io.Reader
	Name        string // with its ending, where it came with one
	ContentType string
	Sheet       string // XLSX: "" = the first visible one
	Charset     string // CSV
	Limits      sheet.Limits
}

// Importer takes files into the catalogue: all rows of a file, or none.
type Importer struct{ store ImportStore }

// NewImporter makes an Importer.
func NewImporter(store ImportStore) *Importer { return &Importer{store} }

// Import reads a file of a kind (see Kinds and Sheet) and stores it. What is wrong with the file comes as a
// *sheet.Refused. Errors: fault.NotFound for a kind that there is not.
func (im *Importer) Import(ctx context.Context, kind string, file io.Reader) (Imported, error) {
	return im.Take(ctx, kind, File{Body: file})
}

// Take is Import of a file of which more is known.
func (im *Importer) Take(ctx context.Context, kind string, file File) (Imported, error) {
	rows, report, err := im.parse(ctx, kind, file)
	if err != nil {
		return Imported{}, err
	}
	if !report.OK() {
		return Imported{}, &sheet.Refused{Report: report}
	}
	return im.store.Put(ctx, rows)
}

// Try reads a file as Take does, stores nothing, and says all that is wrong with it. Errors: fault.NotFound.
func (im *Importer) Try(ctx context.Context, kind string, file File) (sheet.Report, error) {
	_, report, err := im.parse(ctx, kind, file)
	return report, err
}

func (im *Importer) parse(ctx context.Context, kind string, file File) (Rows, sheet.Report, error) {
	if _, ok := kindOf(kind); !ok {
		return Rows{}, sheet.Report{}, unknownKind(kind)
	}
	known, err := im.store.Known(ctx)
	if err != nil {
		return Rows{}, sheet.Report{}, err
	}
	return Parse(kind, file, known)
}

func unknownKind(kind string) error {
	return fmt.Errorf("%q is no kind of the catalogue; there are %s: %w", kind, strings.Join(Kinds(), ", "), fault.NotFound)
}

// Parse reads and checks a file without storing it. The rows are to be used only where the report is OK. Its error is for a
// kind that there is not, and for a Body that cannot be read.
func Parse(kind string, file File, known Known) (Rows, sheet.Report, error) {
	k, ok := kindOf(kind)
	if !ok {
		return Rows{}, sheet.Report{}, unknownKind(kind)
	}
	body := bufio.NewReaderSize(file.Body, sheet.SniffBytes)
	first, err := body.Peek(sheet.SniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return Rows{}, sheet.Report{}, fmt.Errorf("cannot read the file of %s: %w", kind, err)
	}
	format, err := sheet.Sniff(file.Name, file.ContentType, first)
	if err != nil {
		return refused(kind, err)
	}
	r, err := sheet.NewReader(k.table, format, body, sheet.Options{Limits: file.Limits, Sheet: file.Sheet, Charset: file.Charset})
	if err != nil {
		return Rows{}, sheet.Report{}, err
	}
	p := &parser{known: known, seen: map[string]int{}, rows: Rows{Kind: kind}, in: r}
	for r.Next() {
		if p.row = r.Row(); !p.row.Bad {
			k.take(p)
		}
	}
	p.parents()
	if err := r.Err(); err != nil {
		return refused(kind, err)
	}
	return p.rows, r.Report(), nil
}

// refused gives the report of a file that has problems; other errors stay.
func refused(kind string, err error) (Rows, sheet.Report, error) {
	var no *sheet.Refused
	if !errors.As(err, &no) {
		return Rows{}, sheet.Report{}, err
	}
	no.Report.Table = kind
	return Rows{}, no.Report, nil
}

// Checked gives one entry as an import would take it, or all that is wrong with it as a *sheet.Refused: r has one row.
func Checked(r Rows, known Known) (Rows, error) {
	k, ok := kindOf(r.Kind)
	if !ok {
		return Rows{}, unknownKind(r.Kind)
	}
	var line bytes.Buffer
	w, err := sheet.NewWriter(k.table, sheet.NDJSON, &line, sheet.WriteOptions{})
	if err != nil {
		return Rows{}, err
	}
	for _, values := range k.rows(r) {
		if err := w.Write(values); err != nil {
			return Rows{}, err
		}
	}
	if err := w.Close(); err != nil {
		return Rows{}, err
	}
	rows, report, err := Parse(r.Kind, File{Body: &line}, known)
	if err == nil && !report.OK() {
		err = &sheet.Refused{Report: report}
	}
	return rows, err
}

// parser makes entries of rows.
type parser struct {
	in    *sheet.Reader
	known Known
	rows  Rows
	seen  map[string]int // key -> row, for doubles
	row   sheet.Row
	at    []int // rows of the locations
}

func (p *parser) refuse(column, value string, code sheet.Code, args ...any) {
	p.in.Refuse(problem(p.row.Number, column, value, code, args...))
}

// parents checks that each location stands in one that there is, here or in the catalogue.
func (p *parser) parents() {
	for i, l := range p.rows.Locations {
		for _, in := range []struct{ column, code string }{{"site", l.Site}, {"parent", l.Parent}} {
			if in.code != "" && !p.known.Locations[in.code] && p.seen[in.code] == 0 {
				p.in.Refuse(problem(p.at[i], in.column, in.code, codeNoPlace))
			}
		}
	}
}

// unique reports a key that an earlier row has.
func (p *parser) unique(key ...string) {
	k := strings.Join(key, "\x00")
	if first, ok := p.seen[k]; ok {
		p.refuse("", "", codeDoubleKey, first)
		return
	}
	p.seen[k] = p.row.Number
}
