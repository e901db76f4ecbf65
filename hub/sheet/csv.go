package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// bufferSize is how much of a text file is read at a time; its first line is looked at up to there.
const bufferSize = 64 << 10

// lines gives the lines of a text file.
type lines struct {
	in     *bufio.Reader
	end    byte // LF, or CR where the first line ends so
	limit  int
	row    int    // of the line that was read last
	ending []byte // what ended it, "" at the end of the file
	long   []byte // a line that does not fit into the buffer of in
}

func newLines(in io.Reader, limit int) *lines {
	return &lines{in: bufio.NewReaderSize(in, bufferSize), end: '\n', limit: limit}
}

// next gives a line without its ending; both are valid until the next call.
func (l *lines) next() (line []byte, err error) {
	l.row++
	l.long = l.long[:0]
	for {
		line, err = l.in.ReadSlice(l.end)
		if len(l.long)+len(line) > l.limit+2 {
			return nil, stopAt(l.row, CodeLongRow, l.limit)
		}
		if len(l.long) > 0 || errors.Is(err, bufio.ErrBufferFull) {
			l.long = append(l.long, line...)
			line = l.long
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return nil, err
		}
		n := len(line)
		if n > 0 && line[n-1] == l.end {
			n--
		}
		if n > 0 && n < len(line) && l.end == '\n' && line[n-1] == '\r' {
			n--
		}
		l.ending = line[n:]
		return line[:n], nil
	}
}

// csvSource reads CSV. It differs from encoding/csv in going on after a bad row, in bounding a row before it is in memory,
// and in keeping CR LF within quotes, so that every text comes back exactly.
type csvSource struct {
	*lines
	comma   byte
	columns int // at most
	text    []byte
	ends    []int // of the cells in text
	cells   []cell
}

// openCSV finds the character set, the separator and the line's end.
func (r *Reader) openCSV(in io.Reader, charset string) (source, error) {
	in, err := r.decoded(in, charset)
	if err != nil {
		return nil, err
	}
	s := &csvSource{lines: newLines(in, r.limits.Row), columns: r.limits.Columns}
	first, err := s.in.Peek(bufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if i := bytes.IndexAny(first, "\r\n"); i >= 0 {
		if first[i] == '\r' && !bytes.HasPrefix(first[i:], []byte("\r\n")) {
			s.end = '\r'
		}
		first = first[:i]
	}
	s.comma = separator(first)
	if said, ok := bytes.CutPrefix(first, []byte("sep=")); ok && len(said) == 1 && bytes.Contains([]byte(",;\t|"), said) {
		s.comma = said[0]
		if _, err := s.lines.next(); err != nil {
			return nil, err
		}
	}
	r.separator = string(s.comma)
	return s, nil
}

// separator finds the one that a line has most of, outside quotes.
func separator(line []byte) byte {
	counts := map[byte]int{}
	quoted := false
	for _, b := range line {
		if b == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[b]++
		}
	}
	best := byte(',')
	for _, b := range []byte{';', '\t'} {
		if counts[b] > counts[best] {
			best = b
		}
	}
	return best
}

func (s *csvSource) next() (record, error) {
	s.text, s.ends = s.text[:0], s.ends[:0]
	line, err := s.lines.next()
	if err != nil {
		return record{}, err
	}
	rec := record{row: s.row}
	for more := true; more; {
		var f *finding
		line, more, f, err = s.cell(line, rec.row)
		if err == nil && len(s.ends) > s.columns {
			err = stopAt(rec.row, CodeManyColumns, s.columns)
		}
		if err != nil {
			return record{}, err
		}
		if f != nil {
			rec.wrong = append(rec.wrong, *f)
			return rec, nil
		}
	}
	rec.cells = s.taken()
	return rec, nil
}

// taken gives the cells as strings, which share one piece of memory.
func (s *csvSource) taken() []cell {
	text, start := string(s.text), 0
	s.cells = s.cells[:0]
	for _, end := range s.ends {
		s.cells = append(s.cells, cell{typed, text[start:end]})
		start = end
	}
	return s.cells
}

// cell takes one cell off a line and gives the rest, and whether there are more.
func (s *csvSource) cell(line []byte, row int) (rest []byte, more bool, f *finding, err error) {
	if opened, ok := bytes.CutPrefix(bytes.TrimLeft(line, " "), []byte{'"'}); ok {
		return s.quoted(opened, row)
	}
	text := line
	if i := bytes.IndexByte(line, s.comma); i >= 0 {
		text, rest, more = line[:i], line[i+1:], true
	}
	if bytes.IndexByte(text, '"') >= 0 {
		return nil, false, &finding{code: CodeQuote, value: string(text)}, nil
	}
	s.text = append(s.text, text...)
	s.ends = append(s.ends, len(s.text))
	return rest, more, nil, nil
}

// quoted takes a cell whose quotation mark is open, over as many lines as it has.
func (s *csvSource) quoted(line []byte, row int) (rest []byte, more bool, f *finding, err error) {
	start := len(s.text)
	for {
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			s.text = append(append(s.text, line...), s.ending...)
			if len(s.text) > s.limit {
				return nil, false, nil, stopAt(row, CodeLongRow, s.limit)
			}
			line, err = s.lines.next()
			if errors.Is(err, io.EOF) {
				err = stopAt(row, CodeOpenQuote)
			}
			if err != nil {
				return nil, false, nil, err
			}
			continue
		}
		s.text = append(s.text, line[:i]...)
		line = line[i+1:]
		if len(line) == 0 || line[0] != '"' {
			break
		}
		s.text = append(s.text, '"')
		line = line[1:]
	}
	s.ends = append(s.ends, len(s.text))
	rest = bytes.TrimLeft(line, " ")
	switch {
	case len(rest) == 0:
		return nil, false, nil, nil
	case rest[0] == s.comma:
		return rest[1:], true, nil, nil
	}
	return nil, false, &finding{code: CodeQuote, value: string(s.text[start:])}, nil
}
