package sheet_test

import (
	"archive/zip"
	"bytes"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/tallydock/tallydock/hub/sheet"
)

// small are limits for random files.
var small = sheet.Limits{Bytes: 1 << 20, Unpacked: 2 << 20, Rows: 200, Columns: 40, Cell: 2000, Row: 8000, Errors: 20}

// consistent reads a file: it must end, count rightly, allocate little, and give good rows that come back from an export.
func consistent(t *testing.T, f sheet.Format, file []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := sheet.NewReader(goods, f, bytes.NewReader(file), sheet.Options{Limits: small})
	if err != nil {
		t.Fatal(err)
	}
	var good [][]sheet.Value
	rows, bad := 0, 0
	for r.Next() {
		rows++
		if r.Row().Bad {
			bad++
		} else {
			good = append(good, slices.Clone(r.Row().Values))
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Fatalf("%d bytes took %d of memory", len(file), took)
	}
	report := r.Report()
	counts := report.Rows == rows && report.Bad == bad && report.Good == rows-bad
	if !counts || len(report.Problems) > small.Errors+1 || (r.Err() == nil) != report.OK() {
		t.Fatalf("%d rows, %d bad, %v; report %+v", rows, bad, r.Err(), report)
	}
	for _, p := range report.Problems {
		if !spoken(p) {
			t.Fatalf("a problem without words: %+v", p)
		}
	}
	if len(good) == 0 || slices.ContainsFunc(good, func(row []sheet.Value) bool { return !row[0].Set }) {
		return // a file without the column id
	}
	for _, to := range sheet.Formats() {
		if got := imported(t, goods, to, export(t, goods, to, sheet.WriteOptions{}, good)); !reflect.DeepEqual(got, good) {
			t.Fatalf("by %s: got %v; want %v", to, got, good)
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, file := range []string{
		"id,name,count,days,cost,cold,made,seen,unit,tag,gtin\r\n" +
			"A,\"x \"\"y\"\"\n\",1,1.5,12.50,yes,2026-01-31,2026-01-31T08:00:00+08:00,kg,epc:3034257bf7194e4000001a85,4006381333931\r\n",
		"sep=;\nid;cost\nA;1,5\n", "\ufeff物料\t名称\n'=1\t黄油\n", "\xff\xfei\x00d\x00\n\x00A\x00\n\x00",
		"id,name\nA,\xbb\xc6\xd3\xcd\n", "id\r\"A\nB\"\r",
		"## x\nid,made\nA,46053\nB,１２\n,,,\n\"A\"x\n\"", "id,count\nA,1.5E+12\nB,9223372036854775808\n",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) { consistent(t, sheet.CSV, file) })
}

func FuzzNDJSON(f *testing.F) {
	for _, file := range []string{
		`{"id":"A","name":"x\u00e9\n","count":1,"days":1.5,"cost":"12.50","cold":true,"made":"2026-01-31",` +
			`"seen":"2026-01-31T08:00:00Z","unit":"kg"}` + "\n",
		`{"##":"remark","id":1}` + "\n" + `{"id":"A","id":"B"}`, `{"id":{"a":[[]]}}`, `{"id":"\ud800","x":null}`, `[1]`,
		`{"id":"=1","count":1e3}`, "\ufeff{}\r\n{ \"id\" : \"A\" }",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) { consistent(t, sheet.NDJSON, file) })
}

// FuzzXLSX changes the parts of a workbook, since a changed zip file is hardly ever one.
func FuzzXLSX(f *testing.F) {
	frameText := func(i int) string { return frame[i].text }
	for _, rows := range []string{
		head("name", "count", "made") + `<row r="2"><c t="inlineStr"><is><t>'=A_x0041_</t></is></c>` +
			`<c s="1"><v>46053</v></c><c><v>1.5E3</v></c><c t="d"><v>2026-01-31</v></c></row>`,
		head("cold") + `<row><c r="A5" t="str"><v>A</v></c><c t="b"><v>1</v></c><c><f>A1</f></c><c t="e"><v>#N/A</v></c></row>`,
		`<!DOCTYPE a>` + head(), head() + `<row r="9"><c t="s"><v>1</v></c></row><row r="3">`,
	} {
		f.Add(rows, frameText(0), frameText(1), frameText(2), frameText(3), frameText(4))
	}
	f.Fuzz(func(t *testing.T, rows, root, relations, workbook, shared, styles string) {
		texts := []string{root, relations, workbook, shared, styles}
		parts := []part{{"xl/worksheets/sheet1.xml", `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`}}
		for i, p := range frame {
			parts = append(parts, part{p.name, texts[i]})
		}
		consistent(t, sheet.XLSX, []byte(stored(t, func(*zip.FileHeader) {}, parts...)))
	})
}

// FuzzZip changes the bytes of a whole file.
func FuzzZip(f *testing.F) {
	f.Add([]byte(book(f, head()+`<row><c t="s"><v>0</v></c></row>`)))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, file []byte) { consistent(t, sheet.XLSX, file) })
}
