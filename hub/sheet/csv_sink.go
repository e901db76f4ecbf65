package sheet

import (
	"bufio"
	"bytes"
	"io"
)

// csvSink writes CSV with commas and CR LF (RFC 4180).
type csvSink struct {
	table Table
	out   *bufio.Writer
	line  []byte
}

func newCSVSink(t Table, out io.Writer, mark bool) (*csvSink, error) {
	s := &csvSink{table: t, out: bufio.NewWriterSize(out, bufferSize)}
	if !mark {
		return s, nil
	}
	_, err := s.out.WriteString("\ufeff")
	return s, err
}

func (s *csvSink) texts(cells []string) error {
	s.line = s.line[:0]
	for _, text := range cells {
		s.cell(text)
	}
	return s.end()
}

func (s *csvSink) row(values []Value) error {
	s.line = s.line[:0]
	for i, v := range values {
		c := &s.table.Columns[i]
		text := c.format(v)
		if c.isText() {
			text = protect(text)
		}
		s.cell(text)
	}
	return s.end()
}

// cell adds a cell, quoted where a separator of any kind could be seen in it.
func (s *csvSink) cell(text string) {
	start := len(s.line)
	s.line = append(s.line, text...)
	if bytes.ContainsAny(s.line[start:], ",;\t\"\r\n") {
		s.line = append(s.line[:start], '"')
		for i := range len(text) {
			if text[i] == '"' {
				s.line = append(s.line, '"')
			}
			s.line = append(s.line, text[i])
		}
		s.line = append(s.line, '"')
	}
	s.line = append(s.line, ',')
}

func (s *csvSink) end() error {
	s.line = append(s.line[:len(s.line)-1], '\r', '\n')
	_, err := s.out.Write(s.line)
	return err
}

func (s *csvSink) close() error { return s.out.Flush() }
