package sheet

import (
	"bytes"
	"path"
	"strings"
)

// Format is the format of a file.
type Format string

// The formats.
const (
	CSV    Format = "csv"
	XLSX   Format = "xlsx"
	NDJSON Format = "ndjson"
)

// Formats lists the formats.
func Formats() []Format { return []Format{CSV, XLSX, NDJSON} }

// ContentType is the media type of a format, for an HTTP answer.
func (f Format) ContentType() string {
	switch f {
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case NDJSON:
		return "application/x-ndjson"
	}
	return "text/csv; charset=utf-8"
}

// SniffBytes is how many of a file's first bytes Sniff looks at.
const SniffBytes = 512

// knownFiles are what people send by mistake, by their first bytes.
var knownFiles = []struct {
	magic string
	what  Words
}{
	{"\xd0\xcf\x11\xe0", Words{"an old .xls file, or a workbook with a password", "旧版 .xls 文件或带密码的工作簿"}},
	{"%PDF", Words{"a PDF", "PDF 文件"}},
	{"\x1f\x8b", Words{"packed with gzip", "gzip 压缩文件"}},
	{"7z\xbc\xaf", Words{"packed with 7-Zip", "7-Zip 压缩文件"}},
	{"Rar!", Words{"packed with RAR", "RAR 压缩文件"}},
	{"<", Words{"HTML or XML, whatever its name says", "HTML 或 XML 文件（与扩展名不符）"}},
	{"[", Words{"a JSON list", "JSON 数组（须每行一个对象）"}},
}

func isZip(first []byte) bool { return bytes.HasPrefix(first, []byte("PK\x03\x04")) }

// whatIs puts words to a file that is none of the formats.
func whatIs(first []byte) Words {
	for _, k := range knownFiles {
		if bytes.HasPrefix(first, []byte(k.magic)) {
			return k.what
		}
	}
	return Words{"no workbook", "非工作簿文件"}
}

// Sniff tells a file's format from its first bytes, and where they could be of any text, from the name or the content type
// that came with it. Its error is a *Refused that says what the file is instead.
func Sniff(name, contentType string, first []byte) (Format, error) {
	if isZip(first) {
		return XLSX, nil
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(first, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, k := range knownFiles {
		if bytes.HasPrefix(text, []byte(k.magic)) {
			f := found(CodeWrongFormat, k.what.EN, k.what.ZH)
			return "", &Refused{Report{Stopped: true, Columns: []string{}, Problems: []Problem{f.problem("", 0)}}}
		}
	}
	if bytes.HasPrefix(text, []byte("{")) {
		return NDJSON, nil
	}
	named := strings.ToLower(path.Ext(name))
	said, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch {
	case len(text) > 0:
		return CSV, nil
	case named == ".xlsx" || said == XLSX.ContentType():
		return XLSX, nil
	case named == ".ndjson" || named == ".jsonl" || said == NDJSON.ContentType():
		return NDJSON, nil
	}
	return CSV, nil
}
