package sheet_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/sheet"
)

func TestTheFormatIsToldFromTheBytesBeforeTheName(t *testing.T) {
	for name, test := range map[string]struct {
		file, contentType, first string
		want                     sheet.Format
	}{
		"a workbook":              {"x.csv", "text/csv", "PK\x03\x04…", sheet.XLSX},
		"objects":                 {"x.csv", "", "\ufeff \n{\"id\":1}", sheet.NDJSON},
		"text":                    {"x.xlsx", "application/json", "id,name\n", sheet.CSV},
		"text in UTF-16":          {"x.txt", "", "\xff\xfei\x00d\x00", sheet.CSV},
		"nothing":                 {"", "", "", sheet.CSV},
		"nothing in a workbook":   {"X.XLSX", "", "", sheet.XLSX},
		"nothing, said by a type": {"x", "application/x-ndjson; charset=utf-8", "", sheet.NDJSON},
		"nothing in lines":        {"x.jsonl", "", "", sheet.NDJSON},
	} {
		if got, err := sheet.Sniff(test.file, test.contentType, []byte(test.first)); got != test.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
	for first, want := range map[string]string{
		"\xd0\xcf\x11\xe0": "old .xls", "%PDF-1.7": "PDF", "\x1f\x8b\x08": "gzip", "<html>": "HTML", "[{}]": "JSON list",
		"7z\xbc\xaf": "7-Zip", "Rar!": "RAR",
	} {
		if _, err := sheet.Sniff("x.xls", "", []byte(first)); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", first, err, want)
		}
	}
	for f, want := range map[sheet.Format]string{sheet.CSV: "text/csv", sheet.XLSX: "spreadsheetml.sheet", sheet.NDJSON: "ndjson"} {
		if !strings.Contains(f.ContentType(), want) {
			t.Errorf("%s: %s", f, f.ContentType())
		}
	}
}

func TestTemplatesShowARowThatIsNotImported(t *testing.T) {
	for _, f := range sheet.Formats() {
		for _, lang := range []string{"", "en", "zh-CN"} {
			var file bytes.Buffer
			if err := sheet.Template(goods, f, &file, sheet.WriteOptions{Lang: lang}); err != nil {
				t.Fatal(err)
			}
			rows, report := read(t, f, file.String(), sheet.Options{})
			if len(rows) != 0 || !report.OK() || len(report.Columns) != len(goods.Columns) {
				t.Errorf("%s in %q: rows %q, %+v", f, lang, rows, report)
			}
		}
	}
	var file bytes.Buffer
	if err := sheet.Template(goods, sheet.CSV, &file, sheet.WriteOptions{Lang: "zh", BOM: true}); err != nil {
		t.Fatal(err)
	}
	want := "\ufeff物料,名称,数量,days,成本,cold,生产日期,seen,unit,tag,gtin\r\n" +
		"## 例：ABC,ABC,10,1.5,12.50,true,2026-01-31,2026-01-31T08:00:00+08:00,EA,epc:3034257bf7194e4000001a85,04006381333931\r\n"
	if file.String() != want {
		t.Errorf("got  %q\nwant %q", file.String(), want)
	}
	rows, report := read(t, sheet.CSV, strings.Replace(want, "## 例：", "", 1), sheet.Options{})
	if len(rows) != 1 || !report.OK() {
		t.Errorf("the row that it shows: %q, %v", rows, report.Problems)
	}
}
