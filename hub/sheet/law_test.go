package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/sheet"
)

// texts are texts of all that formats have a use for.
func texts() *rapid.Generator[string] {
	piece := rapid.SampledFrom([]string{
		"'", "''", "=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\r\n", " ", "\u3000", "\u00a0", "#", "##", "#N/A", "#REF!", "1.2E+13",
		`"`, ",", ";", "|", `\`, "{", "}", "[", "_x0041_", "_x000D_", "_x", "0041_", "_", "<", "&", "]]>", "&amp;", "cmd|' /C calc'!A0", "A", "黄油", "😀",
		"\ufffd", "\ufeff", "\ufffe", "\u2028", "\u0085", "sep=;", "null", "true", "0012", "e\u0301",
	})
	anything := rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return !unicode.IsControl(r) || r == '\u0085' }), 0, 12, -1)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(piece, anything), 0, 5).Draw(t, "pieces"), "")
	})
}

// value draws what a column may hold.
func value(t *rapid.T, c sheet.Column) sheet.Value {
	optional := c.Name != "name" && c.Name != "unit"
	if optional && rapid.Bool().Draw(t, "empty") {
		return sheet.Value{}
	}
	number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-20_000, 20_000), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 1e15, 1e15 - 1}))
	at := time.Unix(rapid.Int64Range(-62_000_000_000, 250_000_000_000).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
	switch c.Kind {
	case sheet.Int, sheet.Decimal, sheet.Money:
		return sheet.OfInt(number.Draw(t, c.Name))
	case sheet.Bool:
		return sheet.OfBool(rapid.Bool().Draw(t, c.Name))
	case sheet.Date:
		return sheet.OfTime(at.UTC().Truncate(24 * time.Hour))
	case sheet.Time:
		return sheet.OfTime(at)
	case sheet.Enum:
		return sheet.OfText(rapid.SampledFrom(c.Values).Draw(t, c.Name))
	case sheet.Tag:
		return sheet.OfText("epc:3034257bf7194e4000001a85")
	case sheet.GTIN:
		return sheet.OfText("04006381333931")
	}
	if c.Name == "name" {
		return sheet.OfText("n" + texts().Draw(t, c.Name)) // so that no row is empty
	}
	return sheet.OfText(texts().Draw(t, c.Name))
}

// anyGoods are the goods without what a random value breaks.
func anyGoods() sheet.Table {
	t := sheet.Table{Name: "goods", Columns: slices.Clone(goods.Columns)}
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Low, c.High, c.MaxLength, c.Required = sheet.Value{}, sheet.Value{}, 0, false
	}
	return t
}

// export writes rows to a file.
func export(t rapid.TB, table sheet.Table, f sheet.Format, o sheet.WriteOptions, rows [][]sheet.Value) []byte {
	var file bytes.Buffer
	w, err := sheet.NewWriter(table, f, &file, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// imported reads rows that must all be good.
func imported(t rapid.TB, table sheet.Table, f sheet.Format, file []byte) [][]sheet.Value {
	r, err := sheet.NewReader(table, f, bytes.NewReader(file), sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]sheet.Value{}
	for r.Next() {
		rows = append(rows, slices.Clone(r.Row().Values))
	}
	if err := r.Err(); err != nil {
		t.Fatalf("%s: %v\nin %q", f, err, shown(file))
	}
	return rows
}

// shown is as much of a file as one can read.
func shown(file []byte) []byte {
	if bytes.HasPrefix(file, []byte("PK")) {
		return []byte("a workbook")
	}
	return file
}

func TestWhatIsExportedIsImportedAgain(t *testing.T) {
	table := anyGoods()
	for _, f := range sheet.Formats() {
		t.Run(string(f), rapid.MakeCheck(func(t *rapid.T) {
			rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []sheet.Value {
				row := make([]sheet.Value, len(table.Columns))
				for i, c := range table.Columns {
					row[i] = value(t, c)
				}
				return row
			}), 0, 5).Draw(t, "rows")
			o := sheet.WriteOptions{Lang: rapid.SampledFrom([]string{"", "en", "zh"}).Draw(t, "lang"), BOM: rapid.Bool().Draw(t, "mark")}
			file := export(t, table, f, o, rows)
			if got := imported(t, table, f, file); !reflect.DeepEqual(got, rows) {
				t.Fatalf("got  %v\nwant %v\nin %q", got, rows, shown(file))
			}
			if again := export(t, table, f, o, rows); !bytes.Equal(again, file) {
				t.Fatal("the same rows give another file")
			}
		}))
	}
}

func TestNoCellOfAnExportIsAFormula(t *testing.T) {
	table := sheet.Table{Name: "notes", Columns: []sheet.Column{{Name: "note", Kind: sheet.Text}}}
	rapid.Check(t, func(t *rapid.T) {
		text := texts().Filter(func(s string) bool { return s != "" }).Draw(t, "text")
		file := string(export(t, table, sheet.CSV, sheet.WriteOptions{}, [][]sheet.Value{{sheet.OfText(text)}}))
		cell := strings.TrimPrefix(strings.TrimPrefix(file, "note\r\n"), `"`)
		if strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) && text != `"` {
			t.Fatalf("%q is written as %q", text, cell)
		}
	})
}

func TestTheApostropheStandsOnlyWhereItMust(t *testing.T) {
	table := sheet.Table{Name: "notes", Columns: []sheet.Column{{Name: "note", Kind: sheet.Text}, {Name: "n", Kind: sheet.Int}}}
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "＝1": "'＝1", "-5 °C": "'-5 °C", "'=1": "''=1", "'s-Hertogenbosch": "'s-Hertogenbosch", "a=b": "a=b",
		" x": "' x", "x ": "'x ", "##": "'##", "#1": "#1", "#N/A": "'#N/A", "1E5": "1E5", "1.5E+12": "'1.5E+12", "'": "'", "\tx": "\"'\tx\"",
	} {
		file := export(t, table, sheet.CSV, sheet.WriteOptions{}, [][]sheet.Value{{sheet.OfText(text), sheet.OfInt(-5)}})
		if got := string(file); got != "note,n\r\n"+want+",-5\r\n" {
			t.Errorf("%q is written as %q", text, got)
		}
	}
}

func TestWhatNoReaderCouldGiveBackIsNotWritten(t *testing.T) {
	table := sheet.Table{Name: "notes", Columns: []sheet.Column{{Name: "note", Kind: sheet.Text}, {Name: "n", Kind: sheet.Int}}}
	for name, row := range map[string][]sheet.Value{
		"NUL":         {sheet.OfText("a\x00"), {}},
		"no text":     {sheet.OfText("a\xff"), {}},
		"no value":    {sheet.OfText(""), {}},
		"a value few": {sheet.OfText("a")},
	} {
		for _, f := range sheet.Formats() {
			w, err := sheet.NewWriter(table, f, &bytes.Buffer{}, sheet.WriteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(row); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "row 1") {
				t.Errorf("%s in %s: %v", name, f, err)
			}
		}
	}
	w, err := sheet.NewWriter(table, sheet.XLSX, &bytes.Buffer{}, sheet.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]sheet.Value{sheet.OfText(strings.Repeat("黄", 32_767)), {}}); err != nil {
		t.Errorf("the longest text: %v", err)
	}
	if err := w.Write([]sheet.Value{sheet.OfText(strings.Repeat("黄", 32_768)), {}}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a longer one: %v", err)
	}
}

func TestAFileThatCannotBeWrittenSaysSo(t *testing.T) {
	row := [][]sheet.Value{benchValues()[0]}
	for _, f := range sheet.Formats() {
		for room := range 3 {
			w, err := sheet.NewWriter(stock, f, &full{room * 100}, sheet.WriteOptions{})
			for range 20_000 {
				if err != nil {
					break
				}
				err = w.Write(row[0])
			}
			if err == nil {
				err = w.Close()
			}
			if !errors.Is(err, errBroken) {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
}

// full is a place with room for some bytes.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestWideTablesAndLongSheetNames(t *testing.T) {
	wide := sheet.Table{Name: "wide"}
	var row []sheet.Value
	for i := range 60 {
		wide.Columns = append(wide.Columns, sheet.Column{Name: fmt.Sprintf("c%d", i), Kind: sheet.Int})
		row = append(row, sheet.OfInt(int64(i)))
	}
	file := export(t, wide, sheet.XLSX, sheet.WriteOptions{Sheet: strings.Repeat("😀", 20)}, [][]sheet.Value{row})
	if got := imported(t, wide, sheet.XLSX, file); !reflect.DeepEqual(got, [][]sheet.Value{row}) {
		t.Errorf("got %v", got)
	}
	report, err := sheet.Check(wide, sheet.XLSX, bytes.NewReader(file), sheet.Options{})
	if err != nil || report.Sheet != strings.Repeat("😀", 15) {
		t.Errorf("sheet %q, %v", report.Sheet, err)
	}
}
