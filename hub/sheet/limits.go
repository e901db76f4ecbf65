package sheet

import "io"

// Limits bound what a file may cost; a zero field is the default.
type Limits struct {
	Bytes    int64 // of the file as it is sent, and of an XLSX file's shared texts
	Unpacked int64 // of all parts of an XLSX file that are read
	Rows     int   // with something in them
	Columns  int   // of the file, known or not
	Cell     int   // bytes of one cell's text
	Row      int   // bytes of one row of CSV or one line of NDJSON
	Errors   int   // problems that are listed, and one more that says why the reading stopped; the rest are counted
}

// DefaultLimits takes any list that a person can look through, in at most a few hundred megabytes of memory.
func DefaultLimits() Limits {
	return Limits{
		Bytes: 64 << 20, Unpacked: 512 << 20, Rows: 1_000_000, Columns: 256, Cell: 128 << 10, Row: 1 << 20, Errors: 1000,
	}
}

// filled puts the defaults where nothing is said.
func (l Limits) filled() Limits {
	d := DefaultLimits()
	return Limits{
		Bytes: or(l.Bytes, d.Bytes), Unpacked: or(l.Unpacked, d.Unpacked), Rows: or(l.Rows, d.Rows), Columns: or(l.Columns, d.Columns),
		Cell: or(l.Cell, d.Cell), Row: or(l.Row, d.Row), Errors: or(l.Errors, d.Errors),
	}
}

func or[N int | int64](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}

// atMost reads no more than a number of bytes and stops at the first beyond.
type atMost struct {
	in    io.Reader
	left  int64
	limit int64
}

func (r *atMost) Read(p []byte) (int, error) {
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	n, err := r.in.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return 0, stopAt(0, CodeTooLarge, r.limit)
	}
	return n, err
}
