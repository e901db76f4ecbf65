package sheet

import (
	"archive/zip"
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tallydock/tallydock/hub/fault"
)

// The cell formats of the workbooks that are written here, by their place in styles.
const (
	formatHead = 1
	formatText = 2
	formatDate = 3
)

const (
	xmlHead  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	openXML  = `http://schemas.openxmlformats.org/`
	mainSpec = `xmlns="` + openXML + `spreadsheetml/2006/main"`
	relSpec  = openXML + `officeDocument/2006/relationships`
	typeSpec = `application/vnd.openxmlformats-officedocument.spreadsheetml.`

	contentTypes = xmlHead + `<Types xmlns="` + openXML + `package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + typeSpec + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + typeSpec + `styles+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + typeSpec + `worksheet+xml"/></Types>`

	rootRelations = xmlHead + `<Relationships xmlns="` + openXML + `package/2006/relationships">` +
		`<Relationship Id="rId1" Type="` + relSpec + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`

	bookRelations = xmlHead + `<Relationships xmlns="` + openXML + `package/2006/relationships">` +
		`<Relationship Id="rId1" Type="` + relSpec + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + relSpec + `/styles" Target="styles.xml"/></Relationships>`

	bookStart = xmlHead + `<workbook ` + mainSpec + ` xmlns:r="` + relSpec + `"><bookViews><workbookView/></bookViews>` +
		`<sheets><sheet name="`
	bookEnd = `" sheetId="1" r:id="rId1"/></sheets></workbook>`

	styles = xmlHead + `<styleSheet ` + mainSpec + `><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/></numFmts>` +
		`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="4">` +
		`<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

	// The first row stays in sight.
	sheetStart = xmlHead + `<worksheet ` + mainSpec + `><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`
	sheetEnd = `</sheetData></worksheet>`
)

// xlsxSink writes a workbook of one sheet. Texts stand in the cells themselves, so that nothing is kept until the end; the
// same rows give the same bytes.
type xlsxSink struct {
	table  Table
	zip    *zip.Writer
	out    *bufio.Writer // the sheet
	names  []string      // of the columns: A, B …
	number int           // of the row
	line   []byte
}

func newXLSXSink(t Table, out io.Writer, sheet string) (*xlsxSink, error) {
	s := &xlsxSink{table: t, zip: zip.NewWriter(out)}
	for i := range t.Columns {
		s.names = append(s.names, columnLetters(i))
	}
	name := string(appendXML(nil, sheetName(cmp.Or(sheet, t.Name))))
	err := errors.Join(
		s.part("[Content_Types].xml", contentTypes), s.part("_rels/.rels", rootRelations),
		s.part("xl/_rels/workbook.xml.rels", bookRelations), s.part("xl/workbook.xml", bookStart+name+bookEnd),
		s.part("xl/styles.xml", styles),
	)
	if err != nil {
		return nil, err
	}
	part, err := s.zip.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewWriterSize(part, bufferSize)
	_, err = s.out.WriteString(sheetStart + s.formats() + `</cols><sheetData>`)
	return s, err
}

// part writes a part that is always the same.
func (s *xlsxSink) part(name, content string) error {
	w, err := s.zip.Create(name)
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	return err
}

// formats gives the columns the format of their kind, so that what people type keeps its leading zeros.
func (s *xlsxSink) formats() string {
	var b strings.Builder
	for i, c := range s.table.Columns {
		format := 0
		switch {
		case c.isText() || c.Kind == Time:
			format = formatText
		case c.Kind == Date:
			format = formatDate
		}
		fmt.Fprintf(&b, `<col min="%d" max="%d" width="18" style="%d" customWidth="1"/>`, i+1, i+1, format)
	}
	return b.String()
}

func (s *xlsxSink) texts(cells []string) error {
	s.begin()
	format := formatText
	if s.number == 1 {
		format = formatHead
	}
	for i, text := range cells {
		s.text(i, text, format)
	}
	return s.end()
}

func (s *xlsxSink) row(values []Value) error {
	if s.number == lastRow {
		return fmt.Errorf("a sheet has at most %d rows: export as CSV: %w", lastRow, fault.Invalid)
	}
	s.begin()
	for i, v := range values {
		if !v.Set {
			continue
		}
		if err := s.value(i, v); err != nil {
			return err
		}
	}
	return s.end()
}

// value adds the cell of a value: numbers, days and truths as such where the sheet can hold them exactly, else as text.
func (s *xlsxSink) value(i int, v Value) error {
	c := &s.table.Columns[i]
	text := c.format(v)
	switch c.Kind {
	case Int, Decimal, Money:
		if len(strings.TrimLeft(strings.Replace(text, ".", "", 1), "-0")) <= exactDigits {
			s.typed(i, "", 0, text)
			return nil
		}
	case Bool:
		s.typed(i, ` t="b"`, 0, map[bool]string{true: "1", false: "0"}[v.Bool()])
		return nil
	case Date:
		if n, ok := serial(v.Time); ok {
			s.typed(i, "", formatDate, strconv.Itoa(n))
			return nil
		}
	case Text, Enum, Tag, GTIN:
		text = protectTyped(text)
	}
	if units := textUnits(text); units > maxUnits {
		return fmt.Errorf("column %s has a text of %d characters and a cell holds %d: export as CSV: %w",
			c.Name, units, maxUnits, fault.Invalid)
	}
	s.text(i, text, formatText)
	return nil
}

// maxUnits is how long a text a cell can hold, in UTF-16.
const maxUnits = 1<<15 - 1

// textUnits is the length of a text as maxUnits counts, or a greater one that is not too great.
func textUnits(text string) int {
	if len(text) <= maxUnits {
		return len(text)
	}
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

func (s *xlsxSink) begin() {
	s.number++
	s.line = append(s.line[:0], `<row r="`...)
	s.line = strconv.AppendInt(s.line, int64(s.number), 10)
	s.line = append(s.line, `">`...)
}

// open begins a cell.
func (s *xlsxSink) open(i int, kind string, format int) {
	s.line = append(s.line, `<c r="`...)
	s.line = append(s.line, s.names[i]...)
	s.line = strconv.AppendInt(s.line, int64(s.number), 10)
	s.line = append(s.line, '"')
	if format > 0 {
		s.line = append(s.line, ` s="`...)
		s.line = strconv.AppendInt(s.line, int64(format), 10)
		s.line = append(s.line, '"')
	}
	s.line = append(s.line, kind...)
}

func (s *xlsxSink) typed(i int, kind string, format int, value string) {
	s.open(i, kind, format)
	s.line = append(s.line, `><v>`...)
	s.line = append(s.line, value...)
	s.line = append(s.line, `</v></c>`...)
}

func (s *xlsxSink) text(i int, text string, format int) {
	s.open(i, ` t="inlineStr"`, format)
	s.line = append(s.line, `><is><t xml:space="preserve">`...)
	s.line = appendXML(s.line, text)
	s.line = append(s.line, `</t></is></c>`...)
}

func (s *xlsxSink) end() error {
	s.line = append(s.line, `</row>`...)
	_, err := s.out.Write(s.line)
	return err
}

func (s *xlsxSink) close() error {
	_, err := s.out.WriteString(sheetEnd)
	return errors.Join(err, s.out.Flush(), s.zip.Close())
}

// appendXML appends a text as a sheet writes it: what XML has not is escaped, and so is what would read as an escape.
func appendXML(line []byte, text string) []byte {
	for i, r := range text {
		switch {
		case r == '&':
			line = append(line, `&amp;`...)
		case r == '<':
			line = append(line, `&lt;`...)
		case r == '>':
			line = append(line, `&gt;`...)
		case r == '"':
			line = append(line, `&quot;`...)
		case r == '_' && len(text) >= i+7 && escaped.MatchString(text[i:i+7]):
			line = append(line, `_x005F_`...)
		case r < ' ' && r != '\t' && r != '\n' || r == '\ufffe' || r == '\uffff':
			line = fmt.Appendf(line, "_x%04X_", r)
		default:
			line = utf8.AppendRune(line, r)
		}
	}
	return line
}

// columnLetters is what a sheet calls a column, from 0: A to Z, AA …
func columnLetters(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return columnLetters(i/26-1) + columnLetters(i%26)
}

// sheetName makes a text fit to name a sheet.
func sheetName(text string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`[]:*?/\'`, r) {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.TrimSpace(name))
	for len(utf16.Encode(runes)) > maxSheetName {
		runes = runes[:len(runes)-1]
	}
	return cmp.Or(string(runes), "Sheet1")
}

// maxSheetName is how long the name of a sheet may be, in UTF-16.
const maxSheetName = 31
