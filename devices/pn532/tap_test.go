package pn532_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/pn532"
	"github.com/tallydock/tallydock/devices/pn532/ndef"
)

// withUID gives a card its UID and number.
func withUID(t pn532.Target, number byte, uid string) pn532.Target {
	t.Number, t.UID = number, []byte(uid)
	return t
}

const (
	uidA = "\x04\x41\x6d\x41\x2b\x02\x89"
	uidB = "\x04\xa0\x35\xb2\xbc\x2b\x80"
)

func uri(t *testing.T, s string) []byte {
	t.Helper()
	b, err := ndef.Append(nil, ndef.NewURI(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func texts(sink *devicetest.Sink) (all []string) {
	for _, r := range sink.Reads() {
		all = append(all, r.Tag.String()+" "+r.Text)
	}
	return all
}

// quietAfter is when a line on which nothing else came is known to be without noise, so that messages are read once.
const quietAfter = 11 * time.Second

func TestTheMessageIsReadOncePerTap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now().Add(quietAfter)
		c := &chip{holds: map[string]content{
			uidA: newMemory(144, block(3, uri(t, "https://id.example.org/01/1"))...),
			uidB: newFiles(59, 1000, uri(t, "urn:epc:id:sgtin:1.2.3")),
		}}
		c.list = func() []pn532.Target {
			switch s := time.Since(began).Seconds(); {
			case s < 0:
				return nil
			case s < 5.1: // with a look that misses both
				if s > 3.1 && s < 3.3 {
					return nil
				}
				return []pn532.Target{withUID(ntag, 1, uidA), withUID(desfire, 2, uidB)}
			case s > 7 && s < 8.1:
				return []pn532.Target{withUID(ntag, 1, uidA)}
			default:
				return nil
			}
		}
		sink, err := look(t, c, quietAfter+10*time.Second, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range texts(sink) {
			if s != "uid:04416d412b0289 https://id.example.org/01/1" && s != "uid:04a035b2bc2b80 urn:epc:id:sgtin:1.2.3" {
				t.Errorf("read %s", s)
			}
		}
		// At 0, 1, 2 and 3 s, after the look that missed them and a second later; and the second tap of one of them.
		if n := len(sink.Reads()); n != 4*2+2*2+1 {
			t.Errorf("%d reads: %v", n, texts(sink))
		}
		// For the one the capability container and one block, at both taps; for the other three selections and three reads.
		if want := 2*2 + 6; c.spoken != want {
			t.Errorf("%d exchanges, want %d", c.spoken, want)
		}
		if len(sink.Healths()) != 1 {
			t.Errorf("health %+v", sink.Healths())
		}
	})
}

// flaky is a card that answers every other command, or none.
type flaky struct {
	content
	silent func(int) bool
	asked  int
}

func (c *flaky) answer(command []byte) ([]byte, error) {
	if c.asked++; c.silent(c.asked) {
		return nil, errGone
	}
	return c.content.answer(command)
}

func TestAReadingThatBrokeOffIsBegunAgainWhileTheCardLies(t *testing.T) {
	for name, c := range map[string]struct {
		silent func(int) bool
		want   string
		begun  int
	}{
		"once":   {func(n int) bool { return n == 2 }, "uid:04416d412b0289 , uid:04416d412b0289 a:b, uid:04416d412b0289 a:b", 4},
		"always": {func(int) bool { return true }, "uid:04416d412b0289 , uid:04416d412b0289 ", 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flaky{silent: c.silent}
				// The message begins behind a block of another vendor, so that it takes two READs.
				f.content = newMemory(144, append(block(0xFD, make([]byte, 12)), block(3, uri(t, "a:b"))...)...)
				chip := &chip{holds: map[string]content{uidA: f}}
				began := time.Now()
				chip.list = func() []pn532.Target {
					if time.Since(began) < quietAfter {
						return nil
					}
					return []pn532.Target{withUID(ntag, 1, uidA)}
				}
				sink, err := look(t, chip, quietAfter+1400*time.Millisecond, time.Now)
				if got := strings.Join(texts(sink), ", "); err != nil || got != c.want {
					t.Errorf("%s, %v; want %s", got, err, c.want)
				}
				if f.asked != c.begun || sink.State() != devices.Up {
					t.Errorf("%d exchanges, want %d; health %+v", f.asked, c.begun, sink.Healths())
				}
			})
		})
	}
}

// slow is a line on which a chip's answers to exchanges take a while, in which a card asks for time.
type slow struct {
	line
	takes func() time.Duration
	ready time.Time
}

func (l *slow) Write(b []byte) (int, error) {
	before := l.spoken
	if bytes.HasPrefix(b, pn532.Frame{Kind: pn532.ACK}.Append(nil)) { // which ends the exchange
		l.out, l.ready = nil, time.Time{}
	}
	n, err := l.line.Write(b)
	if l.spoken > before {
		l.ready = time.Now().Add(l.takes())
	}
	return n, err
}

func (l *slow) Read(b []byte) (int, error) {
	if time.Now().Before(l.ready) && len(l.out) > 0 {
		if len(l.out) > 6 { // the ACK comes at once
			n := copy(b[:6], l.out)
			l.out = l.out[n:]
			return n, nil
		}
		time.Sleep(100 * time.Millisecond)
		return 0, nil
	}
	return l.line.Read(b)
}

func TestACardKeepsThePadBusyForABoundedTime(t *testing.T) {
	for name, takes := range map[string]time.Duration{"slow": 300 * time.Millisecond, "never": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &chip{holds: map[string]content{uidA: newFiles(15, 5000, make([]byte, 4000))}}
				c.list = func() []pn532.Target { return []pn532.Target{withUID(desfire, 1, uidA), withUID(ntag, 2, uidB)} }
				l := &slow{line: line{chip: c}, takes: func() time.Duration { return takes }}
				began := time.Now()
				var all []time.Duration
				sink := &watched{Sink: &devicetest.Sink{}, seen: func() { all = append(all, time.Since(began)) }}
				err := runOn(t, l, 20*time.Second, sink)
				if err != nil || len(all) < 20 {
					t.Fatalf("%v, reads at %v", err, all)
				}
				for i, at := range all[1:] {
					if gap := at - all[i]; gap > 5*time.Second {
						t.Errorf("nothing was reported for %s", gap)
					}
				}
				if all[0] > 5*time.Second {
					t.Errorf("the first card was reported after %s", all[0])
				}
			})
		})
	}
}

type watched struct {
	*devicetest.Sink
	seen func()
}

func (w *watched) Read(r devices.Read) {
	w.seen()
	w.Sink.Read(r)
}

// runOn runs a driver on a port for a while.
func runOn(t *testing.T, p pn532.Port, d time.Duration, sink devices.Sink) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return pn532.New(pn532.Config{
		ID: "pad-qa", Now: time.Now, Dial: func(context.Context) (pn532.Port, error) { return p, nil },
	}).Run(ctx, sink)
}

// torn is a line that fails after so many writes.
type torn struct {
	line
	left int
}

func (l *torn) Write(b []byte) (int, error) {
	if l.left--; l.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return l.line.Write(b)
}

func TestACablePulledInTheMiddleOfACardIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for left := range 16 {
			c := &chip{holds: map[string]content{uidA: newFiles(15, 5000, make([]byte, 4000))}}
			c.list = func() []pn532.Target { return []pn532.Target{withUID(desfire, 1, uidA)} }
			sink := &devicetest.Sink{}
			err := runOn(t, &torn{line: line{chip: c}, left: left}, time.Minute, sink)
			if !errors.Is(err, io.ErrClosedPipe) || !strings.HasPrefix(err.Error(), "pad pad-qa: cannot ") {
				t.Errorf("after %d writes: %v", left, err)
			}
			if len(sink.Reads()) != 0 {
				t.Errorf("after %d writes %v were read", left, sink.Keys())
			}
		}
	})
}

func TestACardThatOneLookGaveIsNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := byte(0)
		c := &chip{list: func() []pn532.Target {
			n++ // a telephone gives another UID each time
			return []pn532.Target{card(8, 1, 2, n), withUID(ntag, 2, uidB)}
		}}
		sink, err := look(t, c, 3*time.Second, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range sink.Keys() {
			if key != "uid:04a035b2bc2b80" {
				t.Errorf("read %s", key)
			}
		}
		if len(sink.Keys()) < 3 {
			t.Errorf("the other card was read %d times", len(sink.Keys()))
		}
	})
}

func TestTheFieldIsOffBetweenLooksAtCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chip{list: func() []pn532.Target { return []pn532.Target{card(1, 2, 3, 4)} }}
		if _, err := look(t, c, 1100*time.Millisecond, time.Now); err != nil {
			t.Fatal(err)
		}
		lists, lit := 0, true
		for _, s := range c.seen {
			switch {
			case s.Code == pn532.InListPassiveTarget:
				if lists++; !lit {
					t.Errorf("list %d is asked for without a field", lists)
				}
			case s.Code == pn532.RFConfiguration && s.Item == pn532.Field:
				lit = s.On
			}
		}
		if lit || lists < 4 {
			t.Errorf("after %d lists the field is on", lists)
		}
	})
}

// flood is a device that says the same without end.
type flood struct{ frames []byte }

func (l flood) Read(b []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return copy(b, l.frames), nil
}
func (l flood) Write(b []byte) (int, error) { return len(b), nil }
func (l flood) Close() error                { return nil }

func TestADeviceThatTalksWithoutEndIsGivenUp(t *testing.T) {
	list := must(pn532.TargetsReply(card(1, 2, 3, 4))).Append(nil)
	for name, frames := range map[string][]byte{
		"ACKs":          bytes.Repeat(pn532.Frame{Kind: pn532.ACK}.Append(nil), 100),
		"lists":         bytes.Repeat(list, 10),
		"both":          append(pn532.Frame{Kind: pn532.ACK}.Append(nil), list...),
		"noise":         bytes.Repeat([]byte{0, 0xFF, 0x13}, 100),
		"syntax errors": pn532.Frame{Kind: pn532.SyntaxError}.Append(pn532.Frame{Kind: pn532.ACK}.Append(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, sink := time.Now(), &devicetest.Sink{}
				err := runOn(t, flood{frames}, time.Hour, sink)
				if err == nil || len(sink.Healths()) != 0 || time.Since(began) > 10*time.Second {
					t.Errorf("%v after %s, health %+v", err, time.Since(began), sink.Healths())
				}
			})
		})
	}
}
