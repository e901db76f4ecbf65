package sheet_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/tallydock/tallydock/hub/sheet"
)

// part is a file in a workbook.
type part struct{ name, text string }

const relationType = `http://schemas.openxmlformats.org/officeDocument/2006/relationships/`

// frame has what a workbook of one sheet needs besides it.
var frame = []part{
	{"_rels/.rels", `<Relationships><Relationship Id="a" Type="` + relationType + `officeDocument" Target="/xl/workbook.xml"/></Relationships>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="r1" Type="` + relationType + `worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="r2" Type="` + relationType + `sharedStrings" Target="sharedStrings.xml"/>` +
		`<Relationship Id="r3" Type="` + relationType + `styles" Target="styles.xml"/>` +
		`<Relationship Id="r4" Type="` + relationType + `hyperlink" Target="http://example.com/" TargetMode="External"/></Relationships>`},
	{"xl/workbook.xml", `<workbook><sheets><sheet name="Goods" sheetId="1" r:id="r1"/></sheets></workbook>`},
	{"xl/sharedStrings.xml", `<sst><si><t>id</t></si><si><r><t>na</t></r><r><rPr><b/></rPr><t>me</t></r><rPh><t>phonetic</t></rPh></si><si/></sst>`},
	{"xl/styles.xml", `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="[Red]&quot;day&quot; yyyy/m/d"/>` +
		`<numFmt numFmtId="171" formatCode="[Red]0.00\d&quot;m&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>` +
		`<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs></styleSheet>`},
}

// zipped packs parts; the later of two with one name replaces the earlier, and an empty text leaves the part out.
func zipped(t testing.TB, parts ...part) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, p := range parts {
		if p.text == "" || slices.ContainsFunc(parts[i+1:], func(q part) bool { return q.name == p.name }) {
			continue
		}
		w, err := z.Create(p.name)
		if err == nil {
			_, err = io.WriteString(w, p.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// book is a workbook of one sheet with some rows.
func book(t testing.TB, rows string, others ...part) string {
	t.Helper()
	all := append(slices.Clone(frame), part{"xl/worksheets/sheet1.xml", `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`})
	return zipped(t, append(all, others...)...)
}

// head is a first row with an id and some other columns.
func head(columns ...string) string {
	var b strings.Builder
	b.WriteString(`<row r="1"><c t="s"><v>0</v></c>`)
	for _, c := range columns {
		b.WriteString(`<c t="inlineStr"><is><t>` + c + `</t></is></c>`)
	}
	return b.String() + `</row>`
}

func TestSheetCellsAreReadByKind(t *testing.T) {
	for column, cells := range map[string]map[string]string{
		"name": {
			`<c t="s"><v>1</v></c>`: "name", `<c t="s"><v>2</v></c>`: "", `<c t="str"><v>a</v></c>`: "a", `<c><v>12</v></c>`: "12",
			`<c><v>0.30000000000000004</v></c>`: "0.3", `<c><v>1.5E+3</v></c>`: "1500",
			`<c><v>1234567890123456</v></c>`:            "lost_digits",
			`<c t="inlineStr"><is><t>=1+1</t></is></c>`: "=1+1", `<c><f>1+1</f><v>2</v></c>`: "formula",
			`<c t="str"><f>A1</f><v>x</v></c>`:      "formula",
			`<c><f t="shared" si="0"/><v>2</v></c>`: "formula", `<c t="e"><v>#N/A</v></c>`: "spreadsheet_error",
			`<c t="b"><v>1</v></c>`:     "wrong_type",
			`<c s="1"><v>46053</v></c>`: "date_cell", `<c s="2"><v>46053</v></c>`: "date_cell", `<c s="3"><v>7.5</v></c>`: "7.5",
			`<c t="inlineStr"><is><t>a_x0041__x000d__xD83D_</t></is></c>`:       "aA\r_xD83D_",
			`<c t="inlineStr"><is><t>_x0000_</t></is></c>`:                      "control_character",
			`<c t="d"><v>2026-01-31T00:00:00</v></c>`:                           "date_cell",
			`<c t="inlineStr"><is><t>a</t><rPh><t>b</t></rPh><t>c</t></is></c>`: "ac",
			`<c t="inlineStr"><is><t> x </t></is></c>`:                          "x", `<c><v>NaN</v></c>`: "not_a_number",
			`<c><v>0x1p4</v></c>`: "not_a_number", `<c s="-1"><v/></c>`: "",
		},
		"count": {
			`<c><v>12</v></c>`: "12", `<c><v>12.000000000000002</v></c>`: "12", `<c><v>1.5</v></c>`: "not_a_whole_number",
			`<c><v>999999999999999</v></c>`:           "999999999999999",
			`<c t="inlineStr"><is><t>１２</t></is></c>`: "12", `<c t="b"><v>1</v></c>`: "wrong_type",
			`<c s="1"><v>45293</v></c>`: "date_cell",
		},
		"cost": {
			`<c><v>0.30000000000000004</v></c>`: "3000", `<c><v>12.5</v></c>`: "125000",
			`<c><v>1E-5</v></c>`: "too_many_decimals",
		},
		"cold": {
			`<c t="b"><v>1</v></c>`: "1", `<c t="b"><v>0</v></c>`: "0", `<c><v>1</v></c>`: "1",
			`<c><v>2</v></c>`: "not_yes_or_no",
		},
		"made": {
			`<c s="1"><v>46053</v></c>`: "2026-01-31T00:00:00Z", `<c><v>46053</v></c>`: "2026-01-31T00:00:00Z",
			`<c s="1"><v>46053.5</v></c>`: "date_with_time",
			`<c s="1"><v>60</v></c>`:      "not_a_date", `<c s="1"><v>61</v></c>`: "1900-03-01T00:00:00Z",
			`<c><v>20260131</v></c>`:                         "not_a_date",
			`<c t="inlineStr"><is><t>2026/1/31</t></is></c>`: "2026-01-31T00:00:00Z",
			`<c t="d"><v>2026-01-31T00:00:00</v></c>`:        "2026-01-31T00:00:00Z",
			`<c t="d"><v>2026-01-31T08:00:00</v></c>`:        "date_with_time", `<c s="1"><v>2958465</v></c>`: "9999-12-31T00:00:00Z",
			`<c s="1"><v>2958466</v></c>`: "not_a_date",
		},
		"seen": {`<c s="1"><v>46053.5</v></c>`: "no_zone", `<c t="str"><v>2026-01-31T08:00:00Z</v></c>`: "2026-01-31T08:00:00Z"},
		"gtin": {
			`<c><v>4006381333931</v></c>`: "04006381333931", `<c><v>4.006381333931E12</v></c>`: "04006381333931",
			`<c><v>36000291452</v></c>`:            "lost_zeros",
			`<c t="str"><v>04006381333931</v></c>`: "04006381333931",
		},
	} {
		for text, want := range cells {
			file := book(t, head(column)+`<row r="2"><c t="str"><v>A</v></c>`+text+`</row>`)
			rows, report := read(t, sheet.XLSX, file, sheet.Options{})
			got := ""
			if !report.OK() {
				got = string(report.Problems[0].Code)
			} else if i := strings.Index(rows[0], column+"="); i >= 0 {
				got = rows[0][i+len(column)+1:]
			}
			if got != want {
				t.Errorf("%s %s: got %q; want %q", column, text, got, want)
			}
		}
	}
}

func TestProblemsOfASheetNameItAndTheRow(t *testing.T) {
	rows := head("count") + `<row r="3"/><row r="5"><c r="A5" t="str"><v>A</v></c><c r="B5" t="str"><v>x</v></c><c r="D5"><v>1</v></c></row>` +
		`<row r="6"><c r="B6"><v>1</v></c></row>` +
		`<row><c r="A7" t="str"><v>## </v></c><c><f>1</f></c></row><row r="9"><c r="A9" t="str"><v>B</v></c></row>`
	got, report := read(t, sheet.XLSX, book(t, rows), sheet.Options{})
	same(t, "problems", places(report), []string{"5:count:not_a_whole_number", "5::cell_without_header", "6:id:empty"})
	same(t, "rows", got, []string{"5: id=A bad", "6: count=1 bad", "9: id=B"})
	want := `sheet Goods, row 5, column count: "x" is not a whole number: write digits only, such as 12`
	if p := report.Problems[0]; p.Sheet != "Goods" || p.String() != want {
		t.Errorf("got %s; want %s", p, want)
	}
}

func TestDaysFrom1904(t *testing.T) {
	file := book(t, head("made")+`<row><c t="str"><v>A</v></c><c><v>44591</v></c></row>`,
		part{"xl/workbook.xml", `<workbook><workbookPr date1904="1"/><sheets><sheet name="Goods" r:id="r1"/></sheets></workbook>`})
	rows, _ := read(t, sheet.XLSX, file, sheet.Options{})
	same(t, "rows", rows, []string{"2: id=A made=2026-01-31T00:00:00Z"})
}

func TestTheFirstVisibleSheetOrTheNamedOneIsRead(t *testing.T) {
	two := []part{
		{"xl/workbook.xml", `<workbook><sheets><sheet name="Old" state="hidden" r:id="r1"/><sheet name="Links" r:id="r4"/><sheet name="New" r:id="r2"/>` +
			`<sheet name="More" r:id="r3"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="r1" Type="` + relationType + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="r2" Type="` + relationType + `worksheet" Target="/xl/worksheets/sheet2.xml"/>` +
			`<Relationship Id="r3" Type="` + relationType + `worksheet" Target="../xl/worksheets/Sheet3.xml"/></Relationships>`},
		{"xl/worksheets/sheet2.xml", `<x:worksheet xmlns:x="y"><x:sheetData>` + strings.NewReplacer("</", "</x:", "<", "<x:").Replace(head()) +
			`<x:row><x:c t="str"><x:v>A</x:v></x:c></x:row></x:sheetData></x:worksheet>`},
		{"xl/worksheets/sheet3.xml", `<worksheet><sheetData>` + strings.ReplaceAll(head(), `t="s"><v>0`, `t="str"><v>id`) +
			`<row><c t="str"><v>B</v></c></row></sheetData></worksheet>`},
	}
	two[2].text = strings.ReplaceAll(two[2].text, `t="s"><x:v>0`, `t="str"><x:v>id`)
	for name, want := range map[string]string{"": "2: id=A", "New": "2: id=A", "More": "2: id=B"} {
		rows, report := read(t, sheet.XLSX, book(t, "", two...), sheet.Options{Sheet: name})
		same(t, fmt.Sprintf("sheet %q: %v", name, report.Problems), rows, []string{want})
	}
	_, report := read(t, sheet.XLSX, book(t, "", two...), sheet.Options{Sheet: "Old"})
	same(t, "a hidden one", places(report), []string{"0::no_sheet"})
	if hint := report.Problems[0].Hint.EN; hint != "it has: New, More" {
		t.Errorf("hint %q", hint)
	}
}

func TestWorkbooksOfOtherProgramsAreRead(t *testing.T) {
	f := excelize.NewFile()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for cell, v := range map[string]any{
		"A1": "物料", "B1": "Name", "C1": "count", "D1": "made", "E1": "cold", "F1": "cost",
		"A2": "A-1", "B2": "'=\"黄油\" & <b>\r\nx", "C2": 12, "D2": day, "E2": true,
		"F2": 12.3456, "A4": "B-1", "C4": "13",
	} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetCellStyle("Sheet1", "D2", "D2", date); err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellFormula("Sheet1", "C5", "SUM(C2:C4)"); err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellHyperLink("Sheet1", "A4", "https://example.com/", "External"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	rows, report := read(t, sheet.XLSX, b.String(), sheet.Options{})
	same(t, "rows", rows, []string{
		"2: id=A-1 name==\"黄油\" & <b>\r\nx count=12 cost=123456 cold=1 made=2026-01-31T00:00:00Z", "4: id=B-1 count=13", "5: bad",
	})
	same(t, "problems", places(report), []string{"5:count:formula", "5:id:empty"})
}

func TestOtherProgramsReadWhatIsWritten(t *testing.T) {
	row := make([]sheet.Value, len(goods.Columns))
	row[0], row[1], row[2], row[4] = sheet.OfText("0012"), sheet.OfText("=cmd|'/C calc'!A0 黄油 <&> _x0041_"), sheet.OfInt(12), sheet.OfInt(125_000)
	row[5], row[6] = sheet.OfBool(true), sheet.OfTime(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC))
	file := export(t, goods, sheet.XLSX, sheet.WriteOptions{Lang: "zh", Sheet: "a/b [1]"}, [][]sheet.Value{row})
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	name := f.GetSheetName(0)
	got, err := f.GetRows(name)
	if err != nil || len(got) != 2 || name != "a b  1" {
		t.Fatalf("sheet %q: %q, %v", name, got, err)
	}
	same(t, "head", got[0], []string{"物料", "名称", "数量", "days", "成本", "cold", "生产日期", "seen", "unit", "tag", "gtin"})
	same(t, "row", got[1], []string{"0012", "=cmd|'/C calc'!A0 黄油 <&> _x0041_", "12", "", "12.5", "TRUE", "2026-01-31"})
	for _, cell := range []string{"A2", "B2"} {
		kind, err := f.GetCellType(name, cell)
		text, err2 := f.GetCellFormula(name, cell)
		if err != nil || err2 != nil || text != "" || kind != excelize.CellTypeInlineString {
			t.Errorf("cell %s: type %v, formula %q, %v %v", cell, kind, text, err, err2)
		}
	}
}
