package reader_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/framing"
	"github.com/tallydock/tallydock/devices/uhf/reader"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

// A toy protocol: '<', a letter.
func at(b []byte) (byte, int, error) {
	switch {
	case b[0] != '<':
		return 0, 0, errors.New("no head")
	case len(b) < 2:
		return 0, 0, reader.ErrIncomplete
	case b[1] < 'a' || b[1] > 'z':
		return 0, 0, fmt.Errorf("%q is no letter", b[1])
	}
	return b[1], 2, nil
}

func decode(b []byte) (byte, []byte, int, error) { return reader.First(b, at) }

func TestTheFirstFrameIsFoundAmongNoise(t *testing.T) {
	for in, want := range map[string]struct {
		frame   byte
		rest    string
		skipped int
	}{
		"":         {0, "", 0},
		"xy":       {0, "", 2},
		"x<":       {0, "<", 1},
		"<<a<b":    {'a', "<b", 1},
		"<1<a":     {'a', "", 2},
		"<a":       {'a', "", 0},
		"no<start": {'s', "tart", 2},
	} {
		f, rest, skipped, err := decode([]byte(in))
		if f != want.frame || string(rest) != want.rest || skipped != want.skipped || (err == nil) != (want.frame != 0) {
			t.Errorf("%q: %q %q %d %v", in, f, rest, skipped, err)
		}
	}
}

func TestReportsAreThoseBeforeWhatIsWrong(t *testing.T) {
	of := func(f byte) ([]devices.Report, error) {
		if f == 'x' {
			return nil, errors.New("x means nothing")
		}
		return reader.Note("letter", "%c", f), nil
	}
	for in, want := range map[string]struct {
		reports int
		says    string
	}{
		"": {0, "no bytes"}, "<a<b": {2, ""}, "<a<1": {1, "byte 2: '1' is no letter"}, "<a<x<b": {1, "frame at byte 2: x means nothing"},
		"<a<b<": {2, "byte 4: frame is not complete"},
	} {
		got, err := reader.Reports([]byte(in), at, of)
		if len(got) != want.reports || (err == nil) != (want.says == "") || err != nil && !strings.Contains(err.Error(), want.says) {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
}

// run runs a family's work on a line to a reader that answers what answer gives, in the time of a bubble.
func run(t *testing.T, answer string, work func(context.Context, *reader.Line[byte]) error) (*devicetest.Sink, error) {
	t.Helper()
	sink := &devicetest.Sink{}
	wire := readertest.New(func([]byte) (keep, out []byte) { return nil, []byte(answer) })
	wire.Answer()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	c := reader.Config{ID: "r1", Dial: wire.Dial, Now: time.Now}
	return sink, reader.Run(ctx, c, sink, reader.Family[byte]{MaxFrame: 2, Decode: decode, Work: work})
}

func TestAQuestionIsAskedThreeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := time.Now()
		_, err := run(t, "<b", func(ctx context.Context, l *reader.Line[byte]) error {
			return l.Ask(ctx, []byte("<a"), time.Second, func(f byte) (bool, error) { return f == 'c', nil })
		})
		if took := time.Since(asked); !errors.Is(err, framing.ErrSilent) || !strings.Contains(err.Error(), "reader r1: it does not answer") ||
			took < 3*time.Second || took > 4*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestAFaultIsToldAtOnceAndOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, err := run(t, "", func(ctx context.Context, l *reader.Line[byte]) error {
			l.Fault("nobody hears this")
			l.Up()
			for second := range 45 {
				if second < 15 {
					l.Fault("antenna 1 is off")
				}
				if second == 3 {
					l.Fault("it is hot")
				}
				if _, err := l.Next(ctx, time.Second); !errors.Is(err, framing.ErrSilent) {
					return err
				}
			}
			return errors.New("the end")
		})
		var got []string
		for _, h := range sink.Healths() {
			got = append(got, h.State.String()+":"+h.Reason)
		}
		want := "up:|degraded:antenna 1 is off|degraded:antenna 1 is off; it is hot|degraded:antenna 1 is off; it is hot|degraded:antenna 1 is off|up:"
		if strings.Join(got, "|") != want || !strings.Contains(err.Error(), "the end") {
			t.Errorf("%v\n%s, want\n%s", err, strings.Join(got, "|"), want)
		}
	})
}

func TestWhatIsSeenBeforeTheReaderIsUpIsSomebodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tag, _ := devices.NewTag(devices.TagEPC, []byte{1, 2})
		sink, _ := run(t, "", func(_ context.Context, l *reader.Line[byte]) error {
			l.Saw(devices.Read{Tag: tag, Antenna: 1})
			l.Up()
			l.Saw(devices.Read{Tag: tag, Antenna: 2})
			return errors.New("the end")
		})
		if got := sink.Reads(); len(got) != 1 || got[0].Antenna != 2 || got[0].Device != "r1" || got[0].Count != 1 || got[0].HostTime.IsZero() {
			t.Errorf("%+v", got)
		}
	})
}
