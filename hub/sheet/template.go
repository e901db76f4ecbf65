package sheet

import (
	"cmp"
	"io"
)

// Template writes a file for a person to fill in: the head and one remark that shows what a row looks like.
func Template(t Table, f Format, out io.Writer, o WriteOptions) error {
	w, err := NewWriter(t, f, out, o)
	if err != nil {
		return err
	}
	cells := make([]string, len(t.Columns))
	for i := range t.Columns {
		cells[i] = t.Columns[i].example()
	}
	said := Words{"for example: ", "例："}.In(o.Lang)
	if f == NDJSON { // the remark has a key of its own
		cells = append([]string{said}, cells...)
	} else {
		cells[0] = remark + " " + said + cells[0]
	}
	if err := w.sink.texts(cells); err != nil {
		return err
	}
	return w.Close()
}

// example is what a cell of the column may say.
func (c *Column) example() string {
	if c.Kind == Enum {
		return cmp.Or(c.Example, c.Values[0])
	}
	return cmp.Or(c.Example, map[Kind]string{
		Text: "ABC", Int: "10", Decimal: "1.5", Money: "12.50", Bool: "true", Date: "2026-01-31", Time: "2026-01-31T08:00:00+08:00",
		Tag: "epc:3034257bf7194e4000001a85", GTIN: "04006381333931",
	}[c.Kind])
}
