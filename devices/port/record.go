package port

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A recording is text, a line for each Read or Write that moved bytes, after the head line:
//
//	tallydock port recording 1
//	0.000000 > 01040001 0002 200b
//	0.021500 < 0104 04 0131 0222 2ad1
//	# a remark
//
// which is: seconds since the first line, > for bytes to the device and < for bytes from it, and the bytes in
// hexadecimal, where spaces are allowed.
const recordingHead = "tallydock port recording 1"

const (
	toDevice   = '>'
	fromDevice = '<'
)

// maxRecordingLine bounds a line of a recording, in bytes.
const maxRecordingLine = 1 << 20

type recorder struct {
	Port
	w     io.Writer
	now   func() time.Time
	start time.Time
	err   error
}

// Record gives a Port that writes all that passes through p into w, stamped by now. Once w fails nothing more is
// recorded and Close tells; the port goes on.
func Record(p Port, w io.Writer, now func() time.Time) Port {
	r := &recorder{Port: p, w: w, now: now, start: now()}
	_, r.err = fmt.Fprintln(w, recordingHead)
	return r
}

func (r *recorder) note(direction byte, b []byte) {
	if len(b) == 0 || r.err != nil {
		return
	}
	_, r.err = fmt.Fprintf(r.w, "%.6f %c %x\n", r.now().Sub(r.start).Seconds(), direction, b)
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Port.Read(b)
	r.note(fromDevice, b[:n])
	return n, err
}

func (r *recorder) Write(b []byte) (int, error) {
	n, err := r.Port.Write(b)
	r.note(toDevice, b[:n])
	return n, err
}

func (r *recorder) Close() error {
	err := r.Port.Close()
	if r.err != nil {
		return errors.Join(err, fmt.Errorf("cannot write the recording: %w", r.err))
	}
	return err
}

type exchange struct {
	direction byte
	bytes     []byte
}

// player answers from a recording: Reads give what the device said, as soon as the Writes before it were made; Writes
// must be what was written then.
type player struct {
	script []exchange
	closed bool
}

// Playback gives a Port that plays a recording, without its pauses. A Write that differs from the recording fails and
// says where. A Read gives (0, nil) while the recording waits for a Write, and ErrUnplugged at its end.
func Playback(r io.Reader) (Port, error) {
	script, err := parseRecording(r)
	if err != nil {
		return nil, err
	}
	return &player{script: script}, nil
}

func parseRecording(r io.Reader) ([]exchange, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRecordingLine)
	if !lines.Scan() || lines.Text() != recordingHead {
		return nil, fmt.Errorf("not a recording: its first line is not %q", recordingHead)
	}
	var script []exchange
	for n := 2; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		x, err := parseExchange(text)
		if err != nil {
			return nil, fmt.Errorf("recording line %d: %w", n, err)
		}
		script = append(script, x)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	}
	return script, nil
}

func parseExchange(text string) (exchange, error) {
	seconds, rest, _ := strings.Cut(text, " ")
	direction, digits, _ := strings.Cut(rest, " ")
	if _, err := strconv.ParseFloat(seconds, 64); err != nil {
		return exchange{}, fmt.Errorf("%q is no number of seconds", seconds)
	}
	if direction != string(toDevice) && direction != string(fromDevice) {
		return exchange{}, fmt.Errorf("direction %q is not > or <", direction)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil || len(b) == 0 {
		return exchange{}, fmt.Errorf("%q is not bytes in hexadecimal", digits)
	}
	return exchange{direction[0], b}, nil
}

func (p *player) Read(b []byte) (int, error) {
	switch {
	case p.closed:
		return 0, ErrClosed
	case len(p.script) == 0:
		return 0, fmt.Errorf("end of the recording: %w", ErrUnplugged)
	case p.script[0].direction == toDevice:
		return 0, nil
	}
	n := copy(b, p.script[0].bytes)
	p.advance(n)
	return n, nil
}

func (p *player) Write(b []byte) (int, error) {
	if p.closed {
		return 0, ErrClosed
	}
	sent := 0
	for sent < len(b) {
		p.skipAnswers()
		if len(p.script) == 0 {
			return sent, fmt.Errorf("%x was written after the end of the recording: %w", b[sent:], ErrUnplugged)
		}
		want := p.script[0].bytes
		n := min(len(want), len(b)-sent)
		if !bytes.Equal(want[:n], b[sent:sent+n]) {
			return sent, fmt.Errorf("%x was written; the recording has %x", b[sent:], want)
		}
		p.advance(n)
		sent += n
	}
	return sent, nil
}

// skipAnswers passes over what nobody read before the next Write, as a driver does that throws away stale input.
func (p *player) skipAnswers() {
	for len(p.script) > 0 && p.script[0].direction == fromDevice {
		p.script = p.script[1:]
	}
}

func (p *player) advance(n int) {
	p.script[0].bytes = p.script[0].bytes[n:]
	if len(p.script[0].bytes) == 0 {
		p.script = p.script[1:]
	}
}

func (p *player) Close() error {
	p.closed = true
	return nil
}
