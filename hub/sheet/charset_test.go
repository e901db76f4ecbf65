package sheet_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/tallydock/tallydock/hub/sheet"
)

func encoded(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTextFilesAreReadInTheirCharacterSet(t *testing.T) {
	text := "物料,名称\nA-1,黄油 250 克\nA-2,联通\n"
	utf16 := func(e unicode.Endianness, b unicode.BOMPolicy) encoding.Encoding { return unicode.UTF16(e, b) }
	long := "id,name\n" + strings.Repeat("A-1,Butter\n", 20_000)
	for name, test := range map[string]struct {
		file, said, want string
	}{
		"UTF-8":             {text, "", "UTF-8"},
		"UTF-8 with a mark": {"\ufeff" + text, "", "UTF-8"},
		"UTF-16 LE":         {encoded(t, utf16(unicode.LittleEndian, unicode.UseBOM), text), "", "UTF-16LE"},
		"UTF-16 BE":         {encoded(t, utf16(unicode.BigEndian, unicode.UseBOM), text), "", "UTF-16BE"},
		"no mark, LE":       {encoded(t, utf16(unicode.LittleEndian, unicode.IgnoreBOM), "id,name"+text[len("物料,名称"):]), "", "UTF-16LE"},
		"no mark, BE":       {encoded(t, utf16(unicode.BigEndian, unicode.IgnoreBOM), "id,name"+text[len("物料,名称"):]), "", "UTF-16BE"},
		"GB18030":           {encoded(t, simplifiedchinese.GB18030, text), "", "GB18030"},
		"GBK":               {encoded(t, simplifiedchinese.GBK, text), "", "GB18030"},
		"GBK that is said":  {encoded(t, simplifiedchinese.GBK, text), "gbk", "GB18030"},
		"late GBK":          {long + encoded(t, simplifiedchinese.GBK, text[len("物料,名称\n"):]), "", "GB18030"},
		"late UTF-8":        {long + text[len("物料,名称\n"):], "", "UTF-8"},
	} {
		rows, report := read(t, sheet.CSV, test.file, sheet.Options{Charset: test.said})
		if report.Charset != test.want || !report.OK() {
			t.Errorf("%s: %s, %v; want %s", name, report.Charset, report.Problems, test.want)
		}
		if len(rows) < 2 || !strings.HasSuffix(rows[len(rows)-2], "id=A-1 name=黄油 250 克") || !strings.HasSuffix(rows[len(rows)-1], "name=联通") {
			t.Errorf("%s: rows end %q", name, rows[max(0, len(rows)-2):])
		}
	}
}

func TestBytesThatAreNoTextAreRefusedNotGuessed(t *testing.T) {
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"UTF-8 with a hole": {
			"id,name\nA,物料名称物料\nB,黄\xe6\xb2\nC,油油油油油\n", []string{"3:name:bad_encoding"},
		},
		"Latin-1": {
			"id,name\nA," + encoded(t, charmap.ISO8859_1, "café été") + "\nB,tea\n", []string{"2:name:bad_encoding"},
		},
		"GB18030 with a hole": {
			"id,name\nA," + encoded(t, simplifiedchinese.GBK, "黄油黄油黄油") + "\nB," + encoded(t, simplifiedchinese.GBK, "黄油") + "\xff\xff\n",
			[]string{"3:name:bad_encoding"},
		},
		"a head with a hole": {"id,na\xffme\nA,x\n", []string{"1:na\ufffdme:bad_encoding"}},
	} {
		_, report := read(t, sheet.CSV, test.file, sheet.Options{})
		same(t, name, places(report), test.want)
	}
	_, report := read(t, sheet.CSV, "id\nA\n", sheet.Options{Charset: "EBCDIC"})
	same(t, "a set that is not known", places(report), []string{"0::unknown_charset"})
}

func TestSeparatorsAndLineEnds(t *testing.T) {
	want := []string{"id=A name=x count=1", "id=B name=y\nz count=2"}
	for name, file := range map[string]string{
		"comma":     "id,name,count\nA,x,1\nB,\"y\nz\",2\n",
		"semicolon": "id;name;count\nA;x;1\nB;\"y\nz\";2\n",
		"tab":       "id\tname\tcount\nA\tx\t1\nB\t\"y\nz\"\t2\n",
		"said":      "sep=|\nid|name|count\nA|x|1\nB|\"y\nz\"|2\n",
		"CR LF":     "id,name,count\r\nA,x,1\r\nB,\"y\nz\",2\r\n",
		"CR":        "id,name,count\rA,x,1\rB,\"y\\nz\",2\r",
		"no end":    "id,name,count\nA,x,1\nB,\"y\nz\",2",
		"spaces":    "id, name, count\nA, x , 1\nB, \"y\nz\" , 2\n",
		"empty":     "\n,,\nid,name,count\n\nA,x,1\n,,\nB,\"y\nz\",2\n,,\n\n  \n",
		"remarks":   "## what this is,,\nid,name,count\nA,x,1\n## B,bad,bad\nB,\"y\nz\",2\n",
	} {
		rows, report := read(t, sheet.CSV, strings.ReplaceAll(file, `\n`, "\n"), sheet.Options{})
		for i, row := range rows {
			_, rows[i], _ = strings.Cut(row, ": ")
		}
		same(t, name, rows, want)
		if !report.OK() {
			t.Errorf("%s: %v", name, report.Problems)
		}
	}
}
