package sheet

import (
	"bufio"
	"io"
	"strconv"
	"unicode/utf8"
)

// ndjsonSink writes an object a line; columns without a value are left out.
type ndjsonSink struct {
	table Table
	out   *bufio.Writer
	line  []byte
}

func newNDJSONSink(t Table, out io.Writer) *ndjsonSink {
	return &ndjsonSink{table: t, out: bufio.NewWriterSize(out, bufferSize)}
}

// texts writes a remark: the first text says so.
func (s *ndjsonSink) texts(cells []string) error {
	s.begin()
	s.key(remark)
	s.line = appendQuoted(s.line, cells[0])
	for i, text := range cells[1:] {
		s.key(s.table.Columns[i].Name)
		s.line = appendQuoted(s.line, text)
	}
	return s.end()
}

func (s *ndjsonSink) row(values []Value) error {
	s.begin()
	for i, v := range values {
		if !v.Set {
			continue
		}
		c := &s.table.Columns[i]
		s.key(c.Name)
		switch c.Kind {
		case Int:
			s.line = strconv.AppendInt(s.line, v.Int, 10)
		case Decimal, Money, Bool:
			s.line = append(s.line, c.format(v)...)
		default:
			s.line = appendQuoted(s.line, c.format(v))
		}
	}
	return s.end()
}

func (s *ndjsonSink) begin() { s.line = append(s.line[:0], '{') }

func (s *ndjsonSink) key(name string) {
	if len(s.line) > 1 {
		s.line = append(s.line, ',')
	}
	s.line = append(s.line, '"')
	s.line = append(s.line, name...)
	s.line = append(s.line, '"', ':')
}

func (s *ndjsonSink) end() error {
	s.line = append(s.line, '}', '\n')
	_, err := s.out.Write(s.line)
	return err
}

func (s *ndjsonSink) close() error { return s.out.Flush() }

// appendQuoted appends a text as JSON; line and paragraph separators are escaped, since some programs end lines there.
func appendQuoted(line []byte, text string) []byte {
	const hex = "0123456789abcdef"
	line = append(line, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			line = append(line, '\\', byte(r))
		case r == '\n':
			line = append(line, '\\', 'n')
		case r == '\r':
			line = append(line, '\\', 'r')
		case r == '\t':
			line = append(line, '\\', 't')
		case r < ' ' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			line = append(line, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			line = utf8.AppendRune(line, r)
		}
	}
	return append(line, '"')
}
