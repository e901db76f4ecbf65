package sheet

import (
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/tallydock/tallydock/hub/fault"
)

// WriteOptions say how a file is written.
type WriteOptions struct {
	Lang  string // the titles' language, "en" or "zh"; "" heads the columns with their names
	BOM   bool   // CSV: begin with a byte order mark, without which Excel takes Chinese for something else
	Sheet string // XLSX: the sheet's name; "" = the table's
}

// sink writes a file in one format.
type sink interface {
	// texts writes a row of texts as they stand: the head, or a remark.
	texts(cells []string) error
	// row writes the values of a row, in the order of the table's columns.
	row(values []Value) error
	// close writes what is left; the io.Writer stays open.
	close() error
}

// Writer writes rows to a file as they come.
type Writer struct {
	table Table
	sink  sink
	rows  int
}

// NewWriter begins a file of a format with its head. Its error is for a table or format that is not right, or of out.
func NewWriter(t Table, f Format, out io.Writer, o WriteOptions) (*Writer, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	w := &Writer{table: t}
	var err error
	switch f {
	case CSV:
		w.sink, err = newCSVSink(t, out, o.BOM)
	case NDJSON:
		w.sink = newNDJSONSink(t, out)
	case XLSX:
		w.sink, err = newXLSXSink(t, out, o.Sheet)
	default:
		return nil, fmt.Errorf("format %q is not known, use csv, xlsx or ndjson: %w", f, fault.Invalid)
	}
	if err == nil && f != NDJSON {
		err = w.sink.texts(t.Titles(o.Lang))
	}
	return w, err
}

// Write adds a row, with a value for each of the Table's Columns in their order. It refuses what no Reader could give back:
// a row without any value, and a text with control characters or bytes that are no text. After an error the file is of no
// use.
func (w *Writer) Write(values []Value) error {
	w.rows++
	if len(values) != len(w.table.Columns) {
		return fmt.Errorf("row %d of %s has %d values, not %d: %w", w.rows, w.table.Name, len(values), len(w.table.Columns), fault.Invalid)
	}
	any := false
	for i, v := range values {
		if v.Set && !writable(v.Text) {
			return fmt.Errorf("row %d, column %s of %s: %q is no text that a file can carry: correct it: %w",
				w.rows, w.table.Columns[i].Name, w.table.Name, shorten(v.Text), fault.Invalid)
		}
		any = any || v.Set
	}
	if !any {
		return fmt.Errorf("row %d of %s has no value: %w", w.rows, w.table.Name, fault.Invalid)
	}
	if err := w.sink.row(values); err != nil {
		return fmt.Errorf("cannot write row %d of %s: %w", w.rows, w.table.Name, err)
	}
	return nil
}

// Close finishes the file; out stays open.
func (w *Writer) Close() error { return w.sink.close() }

// writable tells whether a Reader takes a text.
func writable(text string) bool {
	r := reading{maxCell: len(text)}
	return isPlain(text) || utf8.ValidString(text) && r.checkText(cell{exact, text}) == nil
}
