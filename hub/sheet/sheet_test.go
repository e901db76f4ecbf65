package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/sheet"
)

// goods has a column of every kind.
var goods = sheet.Table{Name: "goods", Columns: []sheet.Column{
	{Name: "id", Title: sheet.Words{EN: "Item", ZH: "物料"}, Kind: sheet.Text, MaxLength: 12, Required: true},
	{Name: "name", Title: sheet.Words{EN: "Name", ZH: "名称"}, Kind: sheet.Text},
	{Name: "count", Title: sheet.Words{EN: "Quantity", ZH: "数量"}, Kind: sheet.Int, Low: sheet.OfInt(-5)},
	{Name: "days", Kind: sheet.Decimal, Scale: 2, Low: sheet.OfInt(0), High: sheet.OfInt(365000)},
	{Name: "cost", Title: sheet.Words{EN: "Cost", ZH: "成本"}, Kind: sheet.Money},
	{Name: "cold", Kind: sheet.Bool},
	{Name: "made", Title: sheet.Words{EN: "Made on", ZH: "生产日期"}, Kind: sheet.Date},
	{Name: "seen", Kind: sheet.Time},
	{Name: "unit", Kind: sheet.Enum, Values: []string{"EA", "kg"}, Default: sheet.OfText("EA")},
	{Name: "tag", Kind: sheet.Tag},
	{Name: "gtin", Kind: sheet.GTIN},
}}

// read reads a file to its end and tells its rows as "row: column=value …".
func read(t *testing.T, f sheet.Format, file string, o sheet.Options) ([]string, sheet.Report) {
	t.Helper()
	r, err := sheet.NewReader(goods, f, strings.NewReader(file), o)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for r.Next() {
		row := r.Row()
		said := []string{fmt.Sprintf("%d:", row.Number)}
		for i, c := range goods.Columns {
			if v := row.Values[i]; v.Set && c.Name != "unit" {
				said = append(said, c.Name+"="+show(c.Kind, v))
			}
		}
		if row.Bad {
			said = append(said, "bad")
		}
		rows = append(rows, strings.Join(said, " "))
	}
	var refused *sheet.Refused
	switch err := r.Err(); {
	case err == nil && !r.Report().OK():
		t.Errorf("no error, and problems %v", r.Report().Problems)
	case err != nil && (!errors.As(err, &refused) || !errors.Is(err, fault.Invalid)):
		t.Errorf("error %v; want a Refused that is Invalid", err)
	}
	for _, p := range r.Report().Problems {
		if !spoken(p) {
			t.Errorf("a problem without words: %+v", p)
		}
	}
	return rows, r.Report()
}

// spoken tells whether a problem has all its words.
func spoken(p sheet.Problem) bool {
	for _, text := range []string{p.Says.EN, p.Says.ZH, p.Hint.EN, p.Hint.ZH} {
		if text == "" || strings.Contains(text, "%!") {
			return false
		}
	}
	return p.Code != ""
}

func show(k sheet.Kind, v sheet.Value) string {
	switch k {
	case sheet.Int, sheet.Decimal, sheet.Money, sheet.Bool:
		return fmt.Sprint(v.Int)
	case sheet.Date, sheet.Time:
		return v.Time.Format(time.RFC3339)
	}
	return v.Text
}

// places tells problems as "row:column:code".
func places(r sheet.Report) []string {
	said := []string{}
	for _, p := range r.Problems {
		said = append(said, fmt.Sprintf("%d:%s:%s", p.Row, p.Column, p.Code))
	}
	return said
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n got  %q\n want %q", what, got, want)
	}
}

// one reads a CSV file of one column besides the id and gives its value, or the code of what is wrong.
func one(t *testing.T, column, text string) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "id,%s\nA,\"%s\"\n", column, strings.ReplaceAll(text, `"`, `""`))
	rows, report := read(t, sheet.CSV, b.String(), sheet.Options{})
	if !report.OK() {
		return string(report.Problems[0].Code)
	}
	_, value, _ := strings.Cut(rows[0], column+"=")
	return value
}

func TestCellsAreReadByKind(t *testing.T) {
	for column, cells := range map[string]map[string]string{
		"name": {
			" Butter 250 g ": "Butter 250 g", "黄油　": "黄油", "two\nlines": "two\nlines", "=1+1": "=1+1", "'=1+1": "=1+1", "''=1": "'=1",
			"'s-Hertogenbosch": "'s-Hertogenbosch", "' x ": " x ", "1.23457E+13": "shortened_number", "'1.23457E+13": "1.23457E+13",
			"#N/A": "spreadsheet_error", "'#N/A": "#N/A", "#1 bolt": "#1 bolt", "a\x00b": "control_character", "a\x1bb": "control_character",
			"a\xffb": "bad_encoding", "": "", "''": "''",
		},
		"count": {
			"12": "12", "-5": "-5", "-6": "out_of_range", "+7": "7", "12.0": "12", "1.5": "not_a_whole_number", "１２": "12", "－３": "-3",
			"1,234": "number_separator", "1，234": "number_separator", "1 234": "number_separator", "−4": "-4", "12。0": "12", "1\u00a0234": "number_separator",
			"1'234":               "number_separator",
			"9223372036854775807": "9223372036854775807", "9223372036854775808": "out_of_range", "1E+05": "shortened_number",
			"0x10": "not_a_whole_number", "12 pcs": "not_a_whole_number", "'12": "12", "": "", "#REF!": "spreadsheet_error",
		},
		"days": {
			"1.25": "125", "1.250": "125", "1.255": "too_many_decimals", "-1": "out_of_range", "3650": "365000", "3650.01": "out_of_range",
			"1,5": "number_separator", "1.234,5": "number_separator", "½": "not_a_number", "NaN": "not_a_number", "１．５": "150", "7.": "700",
		},
		"cost": {
			"12.5": "125000", "0.0001": "1", "-0.0001": "-1", "￥12": "not_a_number", "12.50元": "not_a_number", ".5": "not_a_number",
			"922337203685477.5807": "9223372036854775807", "922337203685477.5808": "out_of_range",
		},
		"cold": {"TRUE": "1", "yes": "1", "是": "1", "0": "0", "否": "0", "ｙ": "1", "maybe": "not_yes_or_no"},
		"made": {
			"2026-01-31": "2026-01-31T00:00:00Z", "2026/1/3": "2026-01-03T00:00:00Z", "2026年1月3日": "2026-01-03T00:00:00Z",
			"２０２６－０１－０３": "2026-01-03T00:00:00Z", "2026-02-30": "not_a_date", "31.01.2026": "day_order", "1/2/26": "day_order",
			"46053": "date_as_number", "20260131": "not_a_date", "2026-01-31 08:00": "date_with_time", "0000-01-01": "not_a_date",
		},
		"seen": {
			"2026-01-31T08:00:00+08:00": "2026-01-31T00:00:00Z", "2026-01-31 08:00:00Z": "2026-01-31T08:00:00Z",
			"2026-01-31 08:00 +08:00": "2026-01-31T00:00:00Z", "2026-01-31 08:00": "no_zone", "2026/1/31 8:00": "no_zone", "08:00": "not_a_time",
			"0001-01-01T00:00:00+08:00": "not_a_time",
		},
		"tag": {"EPC:3034257BF7194E4000001A85": "epc:3034257bf7194e4000001a85", "3034257bf719": "not_a_tag", "epc:xyz": "not_a_tag"},
		"gtin": {
			"4006381333931": "04006381333931", "'4006381333931": "04006381333931", "036000291452": "00036000291452", "96385074": "00000096385074",
			"4006381333932": "wrong_check_digit", "36000291452": "lost_zeros", "4.00638E+12": "shortened_number", "12345": "not_a_gtin",
			"４００６３８１３３３９３１": "04006381333931", "40063813339x1": "not_a_gtin", "0123456": "not_a_gtin",
			"6385074": "not_a_gtin", "1234565": "lost_zeros", "5674": "not_a_gtin", "4006 381333931": "not_a_gtin",
		},
	} {
		for text, want := range cells {
			if got := one(t, column, text); got != want {
				t.Errorf("%s %q: got %q; want %q", column, text, got, want)
			}
		}
	}
}

func TestTextIsMeasuredInCharacters(t *testing.T) {
	_, report := read(t, sheet.CSV, "id\n一二三四五六七八九十甲乙\n1234567890123\n", sheet.Options{})
	same(t, "problems", places(report), []string{"3:id:too_long"})
}

func TestEnumsAndDefaults(t *testing.T) {
	r, err := sheet.NewReader(goods, sheet.CSV, strings.NewReader("id,unit\nA,KG\nB,\nC,t\n"), sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var units []string
	for r.Next() {
		units = append(units, r.Row().Get("unit").Text)
	}
	same(t, "units", units, []string{"kg", "EA", ""})
	same(t, "problems", places(r.Report()), []string{"4:unit:not_one_of"})
	if hint := r.Report().Problems[0].Hint.EN; hint != "write one of EA, kg" {
		t.Errorf("hint %q", hint)
	}
	if v := r.Row().Get("colour"); v.Set {
		t.Errorf("a column that there is not has the value %v", v)
	}
}

func TestEveryBadCellOfARowIsNamed(t *testing.T) {
	file := "id,count,cost,gtin,made\n" +
		",x,1.23456,4006381333932,2026-13-01\n" +
		"A,1,1,,\n" +
		"B,1\n" +
		"C,1,1,,,\n" +
		"D,1,1,,,stray\n" +
		"E,\"1\"2,1,,\n" +
		"F \"x\",1,1,,\n" +
		"G,2,1,,\n"
	rows, report := read(t, sheet.CSV, file, sheet.Options{})
	same(t, "problems", places(report), []string{
		"2:count:not_a_whole_number", "2:cost:too_many_decimals", "2:gtin:wrong_check_digit", "2:made:not_a_date", "2:id:empty",
		"4::ragged_row", "6::ragged_row", "7::stray_quote", "8::stray_quote",
	})
	same(t, "rows", rows, []string{
		"2: bad", "3: id=A count=1 cost=10000", "4: bad", "5: id=C count=1 cost=10000", "6: bad", "7: bad", "8: bad", "9: id=G count=2 cost=10000",
	})
	if report.Rows != 8 || report.Good != 3 || report.Bad != 5 || report.Stopped {
		t.Errorf("counts %+v", report)
	}
}

func TestHeadsAreNamesOrTitlesInAnyOrderAndCase(t *testing.T) {
	rows, report := read(t, sheet.CSV, "数量, item ,MADE ON\n3,A,2026-01-31\n", sheet.Options{})
	same(t, "rows", rows, []string{"2: id=A count=3 made=2026-01-31T00:00:00Z"})
	same(t, "columns", report.Columns, []string{"count", "id", "made"})
}

func TestABadHeadDoesNotHideBadRows(t *testing.T) {
	_, report := read(t, sheet.CSV, "name,colour,NAME,cost,\nx,red,y,1,\nx,red,y,z,stray\n", sheet.Options{})
	same(t, "problems", places(report), []string{
		"1:colour:unknown_column", "1:name:double_column", "1:id:missing_column", "3:cost:not_a_number", "3::cell_without_header",
	})
	_, report = read(t, sheet.CSV, "a|b\n1|2\n", sheet.Options{})
	same(t, "nothing known", places(report), []string{"1:a|b:unknown_column", "1::no_known_column"})
	_, report = read(t, sheet.CSV, "", sheet.Options{})
	same(t, "empty", places(report), []string{"0::no_header"})
}

func TestProblemsBeyondTheLimitAreCounted(t *testing.T) {
	_, report := read(t, sheet.CSV, "id,count\n"+strings.Repeat("A,x\n", 3000), sheet.Options{Limits: sheet.Limits{Errors: 10}})
	if len(report.Problems) != 10 || report.More != 2990 || report.Bad != 3000 {
		t.Errorf("%d problems, %d more, %d bad", len(report.Problems), report.More, report.Bad)
	}
	report, err := sheet.Check(goods, sheet.CSV, strings.NewReader("id,count\n"+strings.Repeat("A,x\n", 3000)), sheet.Options{})
	if err != nil || len(report.Problems) != 1000 || report.More != 2000 {
		t.Errorf("by default: %v, %d problems, %d more", err, len(report.Problems), report.More)
	}
	text := (&sheet.Refused{Report: report}).Error()
	start := "goods refused, 3000 problems in 3000 of 3000 rows:\n  row 2, column count: \"x\" is not a whole number: write"
	if !strings.HasPrefix(text, start) ||
		!strings.HasSuffix(text, "and 2980 more") {
		t.Errorf("error %s", text)
	}
}

func TestWhyTheReadingStoppedIsAlwaysListed(t *testing.T) {
	_, report := read(t, sheet.CSV, "id,count\nA,x\nB,x\nC,\"x\n", sheet.Options{Limits: sheet.Limits{Errors: 1}})
	same(t, "problems", places(report), []string{"2:count:not_a_whole_number", "4::quote_not_closed"})
	if report.More != 1 || !report.Stopped || report.OK() {
		t.Errorf("%+v", report)
	}
}

func TestTheCallersProblemsAreInTheReport(t *testing.T) {
	r, err := sheet.NewReader(goods, sheet.CSV, strings.NewReader("id\nA\nB\n"), sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for r.Next() {
		if row := r.Row(); row.Get("id").Text == "A" {
			r.Refuse(sheet.Problem{
				Row: row.Number, Column: "id", Value: "A", Code: "unknown_item",
				Says: sheet.Words{EN: "is not in the catalogue", ZH: "不在目录中"}, Hint: sheet.Words{EN: "import it first", ZH: "请先导入"},
			})
			if !r.Row().Bad {
				t.Error("the row is not bad")
			}
		}
	}
	if report := r.Report(); report.Bad != 1 || report.Good != 1 || r.Err() == nil {
		t.Errorf("%+v, %v", report, r.Err())
	}
	p := r.Report().Problems[0]
	if p.Text("zh-CN") != "不在目录中：请先导入" || p.Text("en") != "is not in the catalogue: import it first" {
		t.Errorf("%q, %q", p.Text("zh-CN"), p.Text("en"))
	}
}

func TestEveryLimitSaysWhatItIsAndWhatToDo(t *testing.T) {
	long := strings.Repeat("x", 200)
	for name, test := range map[string]struct {
		limits sheet.Limits
		format sheet.Format
		file   string
		want   string
		says   string
	}{
		"bytes":       {sheet.Limits{Bytes: 20}, sheet.CSV, "id\n" + long, "0::too_large", "20 bytes: split it"},
		"rows":        {sheet.Limits{Rows: 2}, sheet.CSV, "id\nA\n\n,,\nB\nC\nD\n", "6::too_many_rows", "2 rows: split it"},
		"columns":     {sheet.Limits{Columns: 2}, sheet.CSV, "id,name,count\n", "1::too_many_columns", "2 cells: delete"},
		"cell":        {sheet.Limits{Cell: 100}, sheet.CSV, "id,name\nA," + long + "\n", "2:name:too_long", "100 bytes: shorten"},
		"row":         {sheet.Limits{Row: 100}, sheet.CSV, "id,name\nA," + long + "\n", "2::row_too_long", "100 bytes: see whether"},
		"quoted row":  {sheet.Limits{Row: 100}, sheet.CSV, "id,name\nA,\"" + strings.Repeat("x\n", 100) + "\"\n", "2::row_too_long", "100 bytes"},
		"open quote":  {sheet.Limits{}, sheet.CSV, "id,name\nA,b\nB,\"x\nC,y\n", "3::quote_not_closed", "was not read"},
		"ndjson line": {sheet.Limits{Row: 100}, sheet.NDJSON, `{"id":"` + long + `"}`, "1::row_too_long", "100 bytes"},
		"ndjson rows": {sheet.Limits{Rows: 1}, sheet.NDJSON, "{\"id\":\"A\"}\n{\"id\":\"B\"}\n", "2::too_many_rows", "1 rows"},
	} {
		_, report := read(t, test.format, test.file, sheet.Options{Limits: test.limits})
		same(t, name, places(report), []string{test.want})
		if text := report.Problems[0].Text("en"); !strings.Contains(text, test.says) {
			t.Errorf("%s: says %q; want %q in it", name, text, test.says)
		}
	}
}

// broken is a file that cannot be read to its end.
type broken struct{ strings.Reader }

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		err = errBroken
	}
	return n, err
}

var errBroken = errors.New("the line is cut")

func TestAFileThatBreaksOffIsNotTheUsersFault(t *testing.T) {
	for _, f := range sheet.Formats() {
		r, err := sheet.NewReader(goods, f, &broken{*strings.NewReader("id\nA\n")}, sheet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for r.Next() {
		}
		if err := r.Err(); !errors.Is(err, errBroken) || errors.Is(err, fault.Invalid) || !r.Report().Stopped {
			t.Errorf("%s: %v, %+v", f, err, r.Report())
		}
		if _, err := sheet.Check(goods, f, &broken{}, sheet.Options{}); !errors.Is(err, errBroken) {
			t.Errorf("%s: Check gives %v", f, err)
		}
	}
}

func TestTablesThatAreNotRightAreRefused(t *testing.T) {
	bad := sheet.Table{Name: "bad", Columns: []sheet.Column{
		{Name: "Id", Kind: sheet.Text},
		{Name: "a", Kind: "colour"},
		{Name: "b", Kind: sheet.Enum},
		{Name: "c", Kind: sheet.Int, Scale: 2},
		{Name: "d", Kind: sheet.Int, Required: true, Default: sheet.OfInt(1)},
		{Name: "e", Kind: sheet.Int, Title: sheet.Words{EN: "A"}},
		{Name: "f", Kind: sheet.Int, Title: sheet.Words{ZH: "## x"}},
	}}
	err := bad.Validate()
	for _, want := range []string{
		`"Id": a name has`, "unknown kind colour", "an Enum needs", "a Scale is", "no Default", `column "a" is headed "A" too`, "remark",
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if !errors.Is(err, fault.Invalid) || goods.Validate() != nil {
		t.Errorf("%v; %v", err, goods.Validate())
	}
	if _, err := sheet.NewReader(bad, sheet.CSV, strings.NewReader(""), sheet.Options{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("reader: %v", err)
	}
	if _, err := sheet.NewWriter(goods, "ods", &bytes.Buffer{}, sheet.WriteOptions{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("writer: %v", err)
	}
}
