package sheet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
)

// Options say how a file is read; the zero value finds out what it can.
type Options struct {
	Limits  Limits
	Sheet   string // XLSX: the name of the sheet; "" = the first visible one
	Charset string // CSV: as in a Content-Type; "" = found out
}

// Row is one row of a file.
type Row struct {
	Number  int     // its line in a text file, its row in a sheet
	Values  []Value // in the order of the Table's Columns; valid until the next call of Next
	Bad     bool    // it has problems, and the values of its bad cells are not set: look at it, never store it
	columns []Column
}

// Get gives the value of a column by name; that of a column that there is not is not set.
func (r Row) Get(column string) Value {
	for i := range r.columns {
		if r.columns[i].Name == column {
			return r.Values[i]
		}
	}
	return Value{}
}

// record is a row as it stands in a file.
type record struct {
	row      int
	cells    []cell    // valid until the next call
	wrong    []finding // with the row; without cells, nothing else of it is looked at
	isRemark bool      // where its cells do not say so
}

// source gives the records of a file in one format.
type source interface {
	// next gives the next record, io.EOF after the last, a *stop where the file cannot be read on, or the error of the
	// io.Reader under it.
	next() (record, error)
}

// Reader gives the rows of a file. Use it as:
//
//	for r.Next() {
//		row := r.Row()
//		…
//	}
//	err := r.Err()
//
// Where Err is not nil, the rows before may be part of a damaged file: take all of a file, or nothing.
type Reader struct {
	table  Table
	source source
	reading
	limits  Limits
	report  Report
	row     Row
	columns []int  // of each cell of a row, -1 = not known or twice, -2 = no head
	present []bool // the columns that the file has
	refused []bool // the columns that the row has no good value in
	headed  bool
	badRows bits
	err     error
	done    bool
}

// NewReader reads a file of a format as a table. Its error is for a table or format that is not right; what is wrong with
// the file, Err says. It may read all of the file before it returns, but never more than Limits allow.
func NewReader(t Table, f Format, in io.Reader, o Options) (*Reader, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	limits := o.Limits.filled()
	r := &Reader{
		table: t, limits: limits, reading: reading{maxCell: limits.Cell, charset: "UTF-8"},
		report:  Report{Table: t.Name, Format: f, Columns: []string{}, Problems: []Problem{}},
		present: make([]bool, len(t.Columns)), refused: make([]bool, len(t.Columns)),
	}
	r.row = Row{Values: make([]Value, len(t.Columns)), columns: t.Columns}
	bounded := &atMost{in, limits.Bytes, limits.Bytes}
	var err error
	switch f {
	case CSV:
		r.source, err = r.openCSV(bounded, o.Charset)
	case NDJSON:
		r.source, err = r.openNDJSON(bounded)
	case XLSX:
		r.source, err = r.openXLSX(bounded, o.Sheet)
	default:
		return nil, fmt.Errorf("format %q is not known, use csv, xlsx or ndjson: %w", f, fault.Invalid)
	}
	if err != nil {
		r.end(err)
	}
	return r, nil
}

// Next goes to the next row, good or bad, and tells whether there is one.
func (r *Reader) Next() bool {
	for !r.done {
		rec, err := r.source.next()
		switch {
		case err != nil:
			r.end(err)
		case rec.remark():
			r.report.Remarks++
		case rec.empty():
		case !r.headed:
			r.header(rec)
		case r.report.Rows == r.limits.Rows:
			r.end(stopAt(rec.row, CodeManyRows, r.limits.Rows))
		default:
			r.read(rec)
			return true
		}
	}
	return false
}

// Row gives the row that Next went to.
func (r *Reader) Row() Row { return r.row }

// Report says what was found so far.
func (r *Reader) Report() Report {
	report := r.report
	report.Bad = r.badRows.count
	report.Good = report.Rows - report.Bad
	if report.Format != XLSX {
		report.Charset = r.charset
	}
	return report
}

// Err is nil when the whole file was read and nothing is wrong with it; a *Refused where something is; else the error of
// the io.Reader that the file came from.
func (r *Reader) Err() error {
	if r.err != nil {
		return r.err
	}
	if report := r.Report(); !report.OK() {
		return &Refused{report}
	}
	return nil
}

// Refuse adds a problem that the caller found, e.g. a reference to what there is not. Its Row is that of a Row that Next
// went to, which is bad from now on, or 0 for the whole file.
func (r *Reader) Refuse(p Problem) {
	p.Sheet = cmp.Or(p.Sheet, r.report.Sheet)
	p.Value = shorten(p.Value)
	if r.room() {
		r.report.Problems = append(r.report.Problems, p)
	}
	if p.Row > 0 && p.Row <= r.row.Number {
		r.badRows.set(p.Row)
	}
	r.row.Bad = r.row.Bad || p.Row == r.row.Number
}

// Check reads a file to its end and says what is wrong with it. Its error is that of NewReader, or of reading.
func Check(t Table, f Format, in io.Reader, o Options) (Report, error) {
	r, err := NewReader(t, f, in, o)
	if err != nil {
		return Report{}, err
	}
	for r.Next() {
	}
	return r.Report(), r.err
}

// remark tells whether a record is there for people only.
func (rec record) remark() bool {
	if rec.isRemark || len(rec.cells) == 0 {
		return rec.isRemark
	}
	first := rec.cells[0]
	return first.form == typed && strings.HasPrefix(strings.TrimSpace(first.text), remark)
}

// empty tells whether there is nothing in a record.
func (rec record) empty() bool {
	if len(rec.wrong) > 0 {
		return false
	}
	for _, c := range rec.cells {
		if !c.empty() {
			return false
		}
	}
	return true
}

// end notes why the reading is over.
func (r *Reader) end(err error) {
	r.done = true
	var s *stop
	switch {
	case errors.As(err, &s):
		r.report.Stopped = true
		r.report.Problems = append(r.report.Problems, s.problem(r.report.Sheet, s.row)) // also where there is no room
	case !errors.Is(err, io.EOF):
		r.report.Stopped = true
		r.err = fmt.Errorf("cannot read the file of %s: %w", r.table.Name, err)
	case !r.headed:
		r.note(0, *found(CodeNoHeader, strings.Join(r.table.Names(), ", ")))
	}
}

// note puts a finding into the report while there is room.
func (r *Reader) note(row int, f finding) {
	if r.room() {
		r.report.Problems = append(r.report.Problems, f.problem(r.report.Sheet, row))
	}
}

// room tells whether one more problem may be listed; if not, it is counted.
func (r *Reader) room() bool {
	if len(r.report.Problems) < r.limits.Errors {
		return true
	}
	r.report.More++
	return false
}

// header finds out which column each cell of a row belongs to.
func (r *Reader) header(rec record) {
	r.headed = true
	for _, f := range rec.wrong {
		r.note(rec.row, f)
	}
	heads := map[string]int{}
	for i := range r.table.Columns {
		c := &r.table.Columns[i]
		heads[fold(c.Title.EN)], heads[fold(c.Title.ZH)] = i, i
	}
	for i := range r.table.Columns {
		heads[r.table.Columns[i].Name] = i
	}
	delete(heads, "") // of columns without a title
	known := 0
	for _, c := range rec.cells {
		i := r.head(rec.row, c, heads)
		r.columns = append(r.columns, i)
		if i >= 0 {
			known++
		}
	}
	if known == 0 {
		r.end(stopAt(rec.row, CodeNoneKnown, r.table.Name, strings.Join(r.table.Names(), ", ")))
		return
	}
	for i, c := range r.table.Columns {
		if c.Required && !r.present[i] {
			r.note(rec.row, finding{code: CodeMissing, column: c.Name})
		}
	}
}

// How a cell of the first row heads no column.
const (
	unknownHead = -1
	noHead      = -2
)

// head finds the column that a cell of the first row heads.
func (r *Reader) head(row int, c cell, heads map[string]int) int {
	if c.empty() {
		return noHead
	}
	if f := r.checkText(c); f != nil {
		f.column = c.text
		r.note(row, *f)
		return unknownHead
	}
	text, _ := restore(c.text)
	i, ok := heads[fold(text)]
	switch {
	case !ok || refusedForms[c.form] != "":
		r.note(row, finding{code: CodeUnknown, column: text, args: []any{strings.Join(r.table.Names(), ", ")}})
		return unknownHead
	case r.present[i]:
		r.note(row, finding{code: CodeDouble, column: r.table.Columns[i].Name})
		return unknownHead
	}
	r.present[i] = true
	r.report.Columns = append(r.report.Columns, r.table.Columns[i].Name)
	return i
}

// read makes a record the row.
func (r *Reader) read(rec record) {
	r.report.Rows++
	r.row.Number, r.row.Bad = rec.row, false
	clear(r.row.Values)
	clear(r.refused)
	if f := r.ragged(rec); f != nil {
		rec.wrong, rec.cells = append(rec.wrong, *f), nil
	}
	for _, f := range rec.wrong {
		r.bad(f)
	}
	if len(rec.wrong) > 0 && rec.cells == nil {
		return
	}
	for i, c := range rec.cells {
		r.cell(i, c)
	}
	for i := range r.table.Columns {
		if r.row.Values[i].Set || r.refused[i] {
			continue
		}
		c := &r.table.Columns[i]
		r.row.Values[i] = c.Default
		if c.Required && r.present[i] {
			r.bad(finding{code: CodeEmpty, column: c.Name})
		}
	}
}

// ragged finds a row of CSV whose cells are not those that the first row heads: they may all be shifted. Empty cells too
// many at its end, such as spreadsheets write, are nothing.
func (r *Reader) ragged(rec record) *finding {
	if r.report.Format != CSV || rec.cells == nil {
		return nil
	}
	heads, cells := len(r.columns), len(rec.cells)
	for heads > 0 && r.columns[heads-1] == noHead {
		heads--
	}
	for cells > len(r.columns) && rec.cells[cells-1].empty() {
		cells--
	}
	if cells >= heads && cells <= len(r.columns) {
		return nil
	}
	return found(CodeRagged, cells, heads, r.separator)
}

// cell reads a cell into the value of its column.
func (r *Reader) cell(at int, c cell) {
	if c.empty() {
		return
	}
	column := noHead
	if at < len(r.columns) {
		column = r.columns[at]
	}
	if column < 0 {
		if column == noHead {
			r.bad(finding{code: CodeHeadless, value: c.text})
		}
		return
	}
	col := &r.table.Columns[column]
	if c.form == misplaced {
		r.refused[column] = true
		return
	}
	value, f := r.parse(col, c)
	if f != nil {
		f.column, f.value = col.Name, c.text
		r.bad(*f)
		r.refused[column] = true
		return
	}
	r.row.Values[column] = value
}

// bad notes a problem of the row.
func (r *Reader) bad(f finding) {
	r.row.Bad = true
	r.badRows.set(r.row.Number)
	r.note(r.row.Number, f)
}

// bits is a set of row numbers.
type bits struct {
	words []uint64
	count int
}

func (b *bits) set(n int) {
	if n < 0 {
		return
	}
	for n/64 >= len(b.words) {
		b.words = append(b.words, 0)
	}
	if b.words[n/64]&(1<<(n%64)) == 0 {
		b.words[n/64] |= 1 << (n % 64)
		b.count++
	}
}
