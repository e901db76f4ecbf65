package framing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices/framing"
)

// A toy protocol: '<', a digit that says how many letters follow, the letters.
const longest = 11

var errIncomplete = errors.New("incomplete")

func decode(b []byte) (string, []byte, int, error) {
	for i, c := range b {
		if c != '<' {
			continue
		}
		if len(b) < i+2 || b[i+1] >= '0' && b[i+1] <= '9' && len(b) < i+2+int(b[i+1]-'0') {
			return "", b[i:], i, errIncomplete
		}
		if n := int(b[i+1]) - '0'; n >= 0 && n <= 9 && !bytes.ContainsAny(b[i+2:i+2+n], "<>") {
			return string(b[i+2 : i+2+n]), b[i+2+n:], i, nil
		}
	}
	return "", b[len(b):], len(b), errIncomplete
}

// line is a port on which chunks come, each after a pause; then it is silent or fails.
type line struct {
	chunks []chunk
	end    error
}

type chunk struct {
	after time.Duration
	bytes string
}

const readTimeout = 100 * time.Millisecond

func (l *line) Read(b []byte) (int, error) {
	if len(l.chunks) == 0 {
		if l.end != nil {
			return 0, l.end
		}
		time.Sleep(readTimeout)
		return 0, nil
	}
	c := &l.chunks[0]
	if c.after > readTimeout {
		c.after -= readTimeout
		time.Sleep(readTimeout)
		return 0, nil
	}
	time.Sleep(c.after)
	c.after = 0
	n := copy(b, c.bytes)
	c.bytes = c.bytes[n:]
	if c.bytes == "" {
		l.chunks = l.chunks[1:]
	}
	return n, nil
}

func read(t *testing.T, r *framing.Reader[string], want string) {
	t.Helper()
	if got, err := r.Next(t.Context(), time.Second); err != nil || got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestFramesComeOutWholeAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := framing.NewReader(&line{chunks: []chunk{{0, "xy<3ab"}, {50 * time.Millisecond, "c<1d<"}, {150 * time.Millisecond, "2ef"}}}, longest, decode)
		for _, want := range []string{"abc", "d", "ef"} {
			read(t, r, want)
		}
		if n := r.Skipped(); n != 2 {
			t.Errorf("%d bytes skipped, want 2", n)
		}
		if n := r.Skipped(); n != 0 {
			t.Errorf("%d bytes skipped since", n)
		}
	})
}

func TestSilenceIsToldAfterItsTimeWhateverNoiseComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noise := make([]chunk, 40)
		for i := range noise {
			noise[i] = chunk{50 * time.Millisecond, "~"}
		}
		r := framing.NewReader(&line{chunks: noise}, longest, decode)
		began := time.Now()
		_, err := r.Next(t.Context(), time.Second)
		if took := time.Since(began); !errors.Is(err, framing.ErrSilent) || took < time.Second || took > time.Second+readTimeout {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestAFrameBehindAStrayStartIsFoundAfterAWhile(t *testing.T) {
	for name, chunks := range map[string][]chunk{
		"on a quiet line": {{0, "<9<2ab"}},
		"on a busy line":  {{0, "<9<2ab"}, {90 * time.Millisecond, "<0"}, {90 * time.Millisecond, "~"}, {90 * time.Millisecond, "~"}, {90 * time.Millisecond, "~"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				read(t, framing.NewReader(&line{chunks: chunks}, longest, decode), "ab")
				if took := time.Since(began); took > 400*time.Millisecond {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestATimeSpentElsewhereTearsNoFrameApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := framing.NewReader(&line{chunks: []chunk{{0, "<1a<4bc"}, {20 * time.Millisecond, "de"}}}, longest, decode)
		read(t, r, "a")
		time.Sleep(time.Minute) // the gateway was busy
		read(t, r, "bcde")
		if n := r.Skipped(); n != 0 {
			t.Errorf("%d bytes skipped", n)
		}
	})
}

func TestNextEndsWithItsContextOrItsPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		r := framing.NewReader(&line{}, longest, decode)
		if _, err := r.Next(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after its context: %v", err)
		}
		r = framing.NewReader(&line{chunks: []chunk{{0, "<1a"}}, end: io.ErrClosedPipe}, longest, decode)
		read(t, r, "a")
		if _, err := r.Next(t.Context(), time.Hour); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after its port: %v", err)
		}
	})
}

func TestAFloodOfNoiseKeepsTheMemoryBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flood := bytes.Repeat([]byte("~"), 100_000)
		r := framing.NewReader(&line{chunks: []chunk{{0, string(flood) + "<1a"}}}, longest, decode)
		read(t, r, "a")
		if n := r.Skipped(); n != uint64(len(flood)) {
			t.Errorf("%d bytes skipped", n)
		}
	})
}
