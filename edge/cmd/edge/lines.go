package main

import (
	"bufio"
	"encoding/json"
	"io"
	"time"
)

// lines writes JSON objects, one a line.
type lines struct{ w *bufio.Writer }

func newLines(w io.Writer) lines { return lines{bufio.NewWriterSize(w, 64<<10)} }

func (l lines) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = l.w.Write(append(b, '\n'))
	return err
}

func (l lines) flush() error { return l.w.Flush() }

// stampOf writes a time as recordings have it; "" where there is none.
func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
