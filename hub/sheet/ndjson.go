package sheet

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a line of NDJSON may be nested, the object itself counted.
const maxDepth = 4

// ndjsonSource reads NDJSON. Its records have their cells in the order of the table's columns.
type ndjsonSource struct {
	*lines
	index map[string]int // of a column
	names []string
	cells []cell
	given []bool
}

// openNDJSON needs no head: the keys are the columns' names.
func (r *Reader) openNDJSON(in io.Reader) (source, error) {
	in, err := r.decoded(in, charsetUTF8)
	if err == io.EOF { // an empty file has no rows
		in, err = bytes.NewReader(nil), nil
	}
	if err != nil {
		return nil, err
	}
	names := r.table.Names()
	s := &ndjsonSource{
		lines: newLines(in, r.limits.Row), names: names, index: map[string]int{}, cells: make([]cell, len(names)),
		given: make([]bool, len(names)),
	}
	for i, name := range names {
		s.index[name] = i
		r.columns = append(r.columns, i)
		r.present[i] = true
	}
	r.headed, r.report.Columns = true, names
	return s, nil
}

func (s *ndjsonSource) next() (record, error) {
	for {
		line, err := s.lines.next()
		if err != nil {
			return record{}, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		rec := record{row: s.row}
		switch code := flawed(line); {
		case code == CodeDeep:
			rec.wrong = []finding{{code: code, args: []any{maxDepth}}}
		case code != "":
			rec.wrong = []finding{{code: code, value: string(line), args: []any{s.names[0]}}}
		default:
			s.object(line, &rec)
		}
		return rec, nil
	}
}

// flawed says why a line cannot be taken apart, "" if it can.
func flawed(line []byte) Code {
	switch {
	case !utf8.Valid(line):
		return CodeNotJSON
	case depth(line) > maxDepth:
		return CodeDeep
	case !json.Valid(line):
		return CodeNotJSON
	case line[0] != '{':
		return CodeNotObject
	}
	return ""
}

// depth is how deep brackets are nested outside texts.
func depth(line []byte) int {
	deep, deepest := 0, 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{', '[':
			deep++
			deepest = max(deepest, deep)
		case '}', ']':
			deep--
		case '"':
			i = textEnd(line, i) - 1
		}
	}
	return deepest
}

// textEnd finds the byte after the text that begins at a quotation mark.
func textEnd(line []byte, start int) int {
	for i := start + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line)
}

// object takes a valid JSON object apart; an object whose first key is the mark of a remark is empty.
func (s *ndjsonSource) object(line []byte, rec *record) {
	clear(s.cells)
	clear(s.given)
	rec.cells = s.cells
	at := afterSpace(line, 1)
	for first := true; line[at] != '}'; first = false {
		end := textEnd(line, at)
		key := unquote(line[at:end])
		at = afterSpace(line, end)
		at = afterSpace(line, at+1) // the colon
		end = valueEnd(line, at)
		if first && key == remark {
			rec.isRemark = true
			return
		}
		s.pair(key, line[at:end], rec)
		if at = afterSpace(line, end); line[at] == ',' {
			at = afterSpace(line, at+1)
		}
	}
}

// pair puts a value where its key says.
func (s *ndjsonSource) pair(key string, value []byte, rec *record) {
	i, ok := s.index[key]
	switch {
	case !ok:
		rec.wrong = append(rec.wrong, finding{code: CodeUnknown, column: key, args: []any{strings.Join(s.names, ", ")}})
	case s.given[i]:
		rec.wrong = append(rec.wrong, finding{code: CodeDouble, column: key})
		s.cells[i] = cell{misplaced, key}
	default:
		s.given[i] = true
		s.cells[i] = jsonCell(value)
	}
}

// jsonCell makes a cell of a valid JSON value.
func jsonCell(value []byte) cell {
	switch value[0] {
	case '"':
		return cell{exact, unquote(value)}
	case '{', '[':
		return cell{nested, string(value)}
	case 't', 'f':
		return cell{truth, string(value)}
	case 'n':
		return cell{}
	}
	return cell{number, string(value)}
}

// unquote gives the text of a valid JSON text. Half a surrogate pair, which is no text, becomes a byte that is none either,
// so that the cell is refused.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return "\xff"
	}
	marks := bytes.Count(quoted, []byte("\ufffd")) + bytes.Count(bytes.ToLower(quoted), []byte(`\ufffd`))
	if bytes.Count([]byte(text), []byte("\ufffd")) > marks {
		return "\xff"
	}
	return text
}

// valueEnd finds the byte after a value of a valid line.
func valueEnd(line []byte, at int) int {
	deep := 0
	for i := at; i < len(line); i++ {
		switch line[i] {
		case '"':
			i = textEnd(line, i) - 1
		case '{', '[':
			deep++
		case '}', ']':
			if deep == 0 {
				return i
			}
			deep--
		case ',', ' ', '\t', '\r':
			if deep == 0 {
				return i
			}
		}
	}
	return len(line)
}

// afterSpace finds the first byte that is not white space.
func afterSpace(line []byte, at int) int {
	for at < len(line)-1 && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r' || line[at] == '\n') {
		at++
	}
	return at
}
