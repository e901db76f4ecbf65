package port_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/port"
)

// script is a Port that answers each Write.
type script struct {
	answers [][]byte
	pending []byte
}

func (s *script) Write(b []byte) (int, error) {
	s.pending, s.answers = s.answers[0], s.answers[1:]
	return len(b), nil
}

func (s *script) Read(b []byte) (int, error) {
	n := copy(b, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

func (s *script) Close() error { return nil }

func TestASessionIsPlayedBackAsItWasRecorded(t *testing.T) {
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	now := func() time.Time { at = at.Add(time.Millisecond); return at }
	session := func(p port.Port) (heard string) {
		b := make([]byte, 3)
		for _, ask := range []string{"one", "two"} {
			if _, err := p.Write([]byte(ask)); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				n, err := p.Read(b)
				if err != nil {
					t.Fatal(err)
				}
				heard += string(b[:n])
			}
		}
		return heard
	}
	var tape bytes.Buffer
	p := port.Record(&script{answers: [][]byte{[]byte("first answer"), []byte("second one")}}, &tape, now)
	live := session(p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	const head = "tallydock port recording 1\n0.001000 > 6f6e65\n0.002000 < 666972\n"
	if !strings.HasPrefix(tape.String(), head) {
		t.Errorf("recording is\n%s", tape.String())
	}
	played, err := port.Playback(&tape)
	if err != nil {
		t.Fatal(err)
	}
	if again := session(played); again != live || live != "first answersecond one" {
		t.Errorf("live %q, played %q", live, again)
	}
	if _, err := played.Read(make([]byte, 1)); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("Read at the end: %v", err)
	}
}

func TestPlaybackWaitsForTheWriteAndRefusesAnother(t *testing.T) {
	const tape = "tallydock port recording 1\n# asked for its version\n0 > 01 02\n0.5 < 0a0b\n"
	p, err := port.Playback(strings.NewReader(tape))
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	if n, err := p.Read(b); n != 0 || err != nil {
		t.Errorf("Read before the Write = %d, %v", n, err)
	}
	if _, err := p.Write([]byte{1}); err != nil {
		t.Error(err)
	}
	if _, err := p.Write([]byte{3}); err == nil || !strings.Contains(err.Error(), "03 was written; the recording has 02") {
		t.Errorf("wrong Write: %v", err)
	}
	if _, err := p.Write([]byte{2}); err != nil {
		t.Error(err)
	}
	if n, err := p.Read(b); err != nil || !bytes.Equal(b[:n], []byte{10, 11}) {
		t.Errorf("Read = %x, %v", b[:n], err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestARecordingThatFailsDoesNotStopThePort(t *testing.T) {
	p := port.Record(&script{answers: [][]byte{[]byte("a")}}, fullDisk{}, time.Now)
	if _, err := p.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), "cannot write the recording") {
		t.Errorf("Close: %v", err)
	}
}

func TestABadRecordingIsRefusedWithItsLine(t *testing.T) {
	const head = "tallydock port recording 1\n"
	for in, want := range map[string]string{
		"":                        "not a recording",
		"something else\n":        "not a recording",
		head + "0 > 01\nx > 01\n": "line 3",
		head + "0 = 01\n":         "direction",
		head + "0 > 0\n":          "hexadecimal",
		head + "0 >\n":            "hexadecimal",
	} {
		if _, err := port.Playback(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want one with %q", in, err, want)
		}
	}
}

func FuzzPlayback(f *testing.F) {
	f.Add("tallydock port recording 1\n0 > 01\n0.1 < 02\n")
	f.Fuzz(func(t *testing.T, tape string) {
		p, err := port.Playback(strings.NewReader(tape))
		if err != nil {
			return
		}
		b := make([]byte, 16)
		for range 64 {
			if n, err := p.Read(b); n == 0 || err != nil {
				_, _ = p.Write([]byte{1, 2, 3})
			}
		}
	})
}
