package sheet

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The last row and column that a sheet can have.
const (
	lastRow    = 1 << 20
	lastColumn = 1 << 14
)

// xlsxSource reads the rows of one sheet as they come (ECMA-376 Part 1, chapter 18).
type xlsxSource struct {
	*elements
	shared  texts
	dates   []bool // of each cell format: it shows a number as a date or time
	columns int    // at most
	row     int    // that was read last
	inside  bool   // the sheet's data
	ended   bool
	cells   []cell
	text    []byte
}

// openXLSX reads a file into memory and finds the sheet in it.
func (r *Reader) openXLSX(in *atMost, sheet string) (source, error) {
	var file bytes.Buffer
	if sized, ok := in.in.(interface{ Len() int }); ok { // as that of a bytes.Reader
		file.Grow(int(min(int64(sized.Len()), in.limit)) + bytes.MinRead)
	}
	if _, err := file.ReadFrom(in); err != nil {
		return nil, err
	}
	if file.Len() == 0 {
		return nil, io.EOF
	}
	if !isZip(file.Bytes()) {
		what := whatIs(file.Bytes())
		return nil, stopAt(0, CodeWrongFormat, what.EN, what.ZH)
	}
	p, err := openParts(file.Bytes(), r.limits)
	if err != nil {
		return nil, err
	}
	book, err := p.workbook(sheet)
	if err != nil {
		return nil, err
	}
	r.report.Sheet, r.date1904 = book.sheet, book.date1904
	s := &xlsxSource{columns: r.limits.Columns}
	if s.shared, err = p.sharedStrings(book.shared); err != nil {
		return nil, err
	}
	if s.dates, err = p.dateFormats(book.styles); err != nil {
		return nil, err
	}
	s.elements, err = p.open(book.part, r.limits.Unpacked)
	return s, err
}

// next reads on to the end of the next row.
func (s *xlsxSource) next() (record, error) {
	for {
		token, err := s.elements.next()
		if errors.Is(err, io.EOF) && !s.ended {
			err = damaged(s.name, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return record{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if s.inside && t.Name.Local == "row" {
				return s.readRow(t)
			}
			s.inside = s.inside || t.Name.Local == "sheetData"
		case xml.EndElement:
			if t.Name.Local == "sheetData" {
				s.inside, s.ended = false, true
			}
		}
	}
}

// readRow reads the cells of a row that has begun.
func (s *xlsxSource) readRow(row xml.StartElement) (record, error) {
	number := s.row + 1
	if r := attr(row, "r"); r != "" {
		var err error
		if number, err = strconv.Atoi(r); err != nil || number <= s.row {
			return record{}, damaged(s.name, fmt.Errorf("row %s after row %d", r, s.row))
		}
	}
	if number > lastRow {
		return record{}, stopAt(s.row, CodeManyRows, lastRow)
	}
	s.row, s.cells = number, s.cells[:0]
	for {
		token, err := s.within()
		if err != nil {
			return record{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "c" {
				if err := s.readCell(t); err != nil {
					return record{}, err
				}
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return record{row: number, cells: s.cells}, nil
			}
		}
	}
}

// readCell reads a cell that has begun.
func (s *xlsxSource) readCell(c xml.StartElement) error {
	at, format, kind := len(s.cells), 0, ""
	for _, a := range c.Attr {
		switch a.Name.Local {
		case "r":
			if at = columnIndex(a.Value); at < len(s.cells) || at >= lastColumn {
				return damaged(s.name, fmt.Errorf("cell %s in row %d", shorten(a.Value), s.row))
			}
		case "s":
			format, _ = strconv.Atoi(a.Value) // one that there is not shows no date
		case "t":
			kind = a.Value
		}
	}
	if at >= s.columns {
		return stopAt(s.row, CodeManyColumns, s.columns)
	}
	for len(s.cells) < at {
		s.cells = append(s.cells, cell{})
	}
	text, isFormula, err := s.content("c", s.text[:0])
	if err != nil {
		return err
	}
	s.text = text
	made, err := s.make(kind, string(text), format >= 0 && format < len(s.dates) && s.dates[format])
	if isFormula {
		made.form = formula
	}
	s.cells = append(s.cells, made)
	return err
}

// make makes a cell of its type (ECMA-376 Part 1, 18.18.11) and its text.
func (s *xlsxSource) make(kind, text string, isDate bool) (cell, error) {
	switch kind {
	case "s":
		shared, ok := s.shared.at(text)
		if !ok {
			return cell{}, damaged(s.name, fmt.Errorf("shared text %q in row %d", shorten(text), s.row))
		}
		return cell{typed, shared}, nil
	case "inlineStr", "str":
		return cell{typed, unescape(text)}, nil
	case "e":
		return cell{failed, text}, nil
	case "b":
		return cell{truth, strconv.FormatBool(strings.TrimSpace(text) == "1" || strings.EqualFold(text, "true"))}, nil
	case "d":
		return isoDate(text), nil
	}
	switch text = strings.TrimSpace(text); {
	case text == "":
		return cell{}, nil
	case isDate:
		return cell{dated, text}, nil
	}
	return cell{floating, text}, nil
}

// isoDate makes a cell of a date that is written out, as few programs do.
func isoDate(text string) cell {
	return cell{dated, strings.TrimSuffix(strings.TrimSuffix(text, "Z"), "T00:00:00")}
}

// columnIndex gives the column of a reference such as AB12, from 0; -1 where there are no letters.
func columnIndex(ref string) int {
	n := 0
	for i := 0; i < len(ref) && n <= lastColumn; i++ {
		c := ref[i] &^ 0x20 // upper case
		if c < 'A' || c > 'Z' {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

// texts are many texts in one piece of memory.
type texts struct {
	all  string
	ends []uint32
}

// at gives a text by its number in decimal.
func (t texts) at(number string) (string, bool) {
	i, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || i < 0 || i >= len(t.ends) {
		return "", false
	}
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.all[start:t.ends[i]], true
}

// maxShared keeps the ends of texts within their type.
const maxShared = 1 << 31

// sharedStrings reads the texts that cells refer to.
func (p *parts) sharedStrings(part string) (texts, error) {
	if part == "" {
		return texts{}, nil
	}
	e, err := p.open(part, min(p.limits.Bytes, maxShared))
	if err != nil {
		return texts{}, err
	}
	var all strings.Builder
	var ends []uint32
	var text []byte
	err = e.each(func(start xml.StartElement) error {
		if start.Name.Local != "si" {
			return nil
		}
		var err error
		if text, _, err = e.content("si", text[:0]); err != nil {
			return err
		}
		all.WriteString(unescape(string(text)))
		ends = append(ends, uint32(all.Len()))
		return nil
	})
	return texts{all.String(), ends}, err
}

// within gives the next token where the part must not end.
func (e *elements) within() (xml.Token, error) {
	token, err := e.next()
	if errors.Is(err, io.EOF) {
		err = damaged(e.name, io.ErrUnexpectedEOF)
	}
	return token, err
}

// content appends the text of an element that has begun, up to its end: that of values and text runs, without phonetic
// guides, and of no more than one byte above the limit of a cell.
func (e *elements) content(name string, text []byte) (_ []byte, isFormula bool, err error) {
	for takes, phonetic := false, false; ; {
		token, err := e.within()
		if err != nil {
			return nil, false, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "v", "t":
				takes = !phonetic
			case "rPh":
				phonetic = true
			case "f":
				isFormula = true
			}
		case xml.EndElement:
			switch t.Name.Local {
			case name:
				return text, isFormula, nil
			case "v", "t":
				takes = false
			case "rPh":
				phonetic = false
			}
		case xml.CharData:
			if takes {
				text = append(text, t[:min(len(t), max(0, e.limits.Cell+1-len(text)))]...)
			}
		}
	}
}

// escaped is how a sheet writes a character that XML has not (ECMA-376 Part 1, 22.9.2.19).
var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescape gives the characters for what is escaped; halves of a surrogate pair stay as they are.
func unescape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	return escaped.ReplaceAllStringFunc(text, func(code string) string {
		n, err := strconv.ParseUint(code[2:6], 16, 16)
		if err != nil || !utf8.ValidRune(rune(n)) {
			return code
		}
		return string(rune(n))
	})
}
