package pn532_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/pn532"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// chip answers as a PN532 does.
type chip struct {
	mu     sync.Mutex
	mute   bool
	asleep bool
	list   func() []pn532.Target // the cards at a look
	holds  map[string]content    // what is on the cards, by UID
	listed []pn532.Target
	seen   []pn532.Command
	spoken int // exchanges with cards
	have   []byte
}

// hear takes bytes from the host and gives the chip's answers.
func (c *chip) hear(b []byte) (out []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes.Contains(b, []byte{0x55, 0x55}) {
		c.asleep = false
	}
	c.have = append(c.have, b...)
	for {
		f, rest, _, err := pn532.NextFrame(c.have)
		c.have = rest
		if err != nil || c.mute || c.asleep {
			return out
		}
		out = append(out, c.obey(f)...)
	}
}

func (c *chip) obey(f pn532.Frame) []byte {
	if f.Kind == pn532.ACK {
		return nil
	}
	command, err := pn532.ParseCommand(f)
	c.seen = append(c.seen, command)
	ack := pn532.Frame{Kind: pn532.ACK}.Append(nil)
	switch {
	case err != nil:
		return pn532.Frame{Kind: pn532.SyntaxError}.Append(ack)
	case f.Code == pn532.GetFirmwareVersion:
		return pn532.Firmware{IC: 0x32, Version: 1, Revision: 6, Support: 7}.Frame().Append(ack)
	case f.Code == pn532.InListPassiveTarget:
		c.listed = c.list()
		return must(pn532.TargetsReply(c.listed...)).Append(ack)
	case f.Code == pn532.InDataExchange:
		c.spoken++
		return c.exchange(command).Frame().Append(ack)
	default:
		return pn532.Done(f.Code).Append(ack)
	}
}

func (c *chip) exchange(command pn532.Command) pn532.Answer {
	if command.Card == 0 || int(command.Card) > len(c.listed) {
		return pn532.Answer{Status: pn532.StatusContext}
	}
	card := c.holds[string(c.listed[command.Card-1].UID)]
	if card == nil {
		return pn532.Answer{Status: pn532.StatusNoAnswer}
	}
	answer, err := card.answer(command.Data)
	if err != nil {
		return pn532.Answer{Status: pn532.StatusNoAnswer}
	}
	return pn532.Answer{Data: answer}
}

func card(uid ...byte) pn532.Target { return pn532.Target{Number: 1, SensRes: 4, SelRes: 8, UID: uid} }

// pad is a chip at the far end of a cable.
type pad struct {
	*cable
	chip
	cards uint32
	queue [][]byte // cards that somebody puts on it, one after the other
	looks int      // at the first of them
}

// looksPerCard is how many looks a card of the queue lies there.
const looksPerCard = 4

func newPad(t *testing.T) *pad {
	p := &pad{cable: newCable(t)}
	p.chip.mute = true
	p.list = func() []pn532.Target {
		if len(p.queue) == 0 {
			return nil
		}
		uid := p.queue[0]
		if p.looks++; p.looks == looksPerCard {
			p.queue, p.looks = p.queue[1:], 0
		}
		return []pn532.Target{card(uid...)}
	}
	go p.serve(p.end())
	return p
}

func (p *pad) serve(far *os.File) {
	buf := make([]byte, 256)
	for {
		n, err := far.Read(buf)
		if err != nil {
			return
		}
		_, _ = far.Write(p.hear(buf[:n]))
	}
}

func (p *pad) hush(mute bool) {
	p.chip.mu.Lock()
	defer p.chip.mu.Unlock()
	p.chip.mute = mute
}

func (p *pad) report(n int) (keys []string) {
	p.chip.mu.Lock()
	defer p.chip.mu.Unlock()
	for range n {
		p.cards++
		uid := binary.BigEndian.AppendUint32(nil, 0x9E000000+p.cards)
		p.queue = append(p.queue, uid)
		tag, _ := devices.NewTag(devices.TagUID, uid)
		keys = append(keys, tag.String())
	}
	return keys
}

func TestConformance(t *testing.T) {
	devicetest.Run(t, func(t *testing.T) devicetest.Bench {
		p := newPad(t)
		return devicetest.Bench{
			Driver: pn532.New(pn532.Config{ID: "pad-qa", Dial: p.dial, Now: time.Now, Poll: 5 * time.Millisecond}),
			Answer: func() { p.hush(false) },
			Report: p.report,
			Babble: func(b []byte) { _, _ = p.end().Write(b) },
			Unplug: func() { p.hush(true); p.unplug() },
			Replug: func() {
				p.plug(t)
				go p.serve(p.end())
			},
		}
	})
}

// line is a port to a chip, in the time of the test's bubble.
type line struct {
	*chip
	out []byte
}

func (l *line) Read(b []byte) (int, error) {
	if len(l.out) == 0 {
		time.Sleep(100 * time.Millisecond)
		return 0, nil
	}
	n := copy(b, l.out)
	l.out = l.out[n:]
	return n, nil
}

func (l *line) Write(b []byte) (int, error) {
	l.out = append(l.out, l.hear(b)...)
	return len(b), nil
}

func (l *line) Close() error { return nil }

// look runs a driver on a chip for a while and gives what it reported.
func look(t *testing.T, c *chip, d time.Duration, now func() time.Time) (*devicetest.Sink, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	sink := &devicetest.Sink{}
	err := pn532.New(pn532.Config{
		ID: "pad-qa", Now: now, Dial: func(context.Context) (pn532.Port, error) { return &line{chip: c}, nil },
	}).Run(ctx, sink)
	return sink, err
}

func TestACardIsReportedWhenItAppearsAndEachSecondWhileItLiesThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := &chip{asleep: true, list: func() []pn532.Target {
			switch s := time.Since(began).Seconds(); {
			case s < 2.1, s > 5.1 && s < 6.1, s > 6.3:
				return nil
			case s < 4:
				return []pn532.Target{card(0x9e, 0xb3, 0x6e, 0x66)}
			default:
				return []pn532.Target{card(0x9e, 0xb3, 0x6e, 0x66), card(4, 0xa0, 0x35, 0xb2, 0xbc, 0x2b, 0x80)}
			}
		}}
		sink, err := look(t, c, 10*time.Second, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range sink.Reads() {
			if r.Device != "pad-qa" || r.Antenna != 0 || r.HasRSSI || r.Count != 1 {
				t.Errorf("read %+v", r)
			}
			got = append(got, r.HostTime.Sub(began).Round(50*time.Millisecond).String()+" "+r.Tag.String())
		}
		want := []string{
			"2.25s uid:9eb36e66", "3.25s uid:9eb36e66", "4s uid:04a035b2bc2b80", "4.25s uid:9eb36e66", "5s uid:04a035b2bc2b80",
			"6.25s uid:9eb36e66", "6.25s uid:04a035b2bc2b80",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestOnAFastClockACardIsReportedAtEachLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		fast := func() time.Time { return noon.Add(60 * time.Since(began)) }
		c := &chip{list: func() []pn532.Target { return []pn532.Target{card(1, 2, 3, 4)} }}
		sink, err := look(t, c, 2100*time.Millisecond, fast)
		if n := len(sink.Reads()); err != nil || n != 9 {
			t.Errorf("%d reads in 2 s, %v", n, err)
		}
	})
}

func TestThePadIsWokenAndSetUpInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chip{asleep: true, list: func() []pn532.Target { return nil }}
		sink, err := look(t, c, time.Second, time.Now)
		if err != nil || sink.State() != devices.Up {
			t.Fatal(err, sink.Healths())
		}
		for i, want := range []pn532.Command{
			{Code: pn532.SAMConfiguration},
			{Code: pn532.GetFirmwareVersion},
			{Code: pn532.RFConfiguration, Item: pn532.Retries, Tries: 1},
			{Code: pn532.InListPassiveTarget, Targets: 2},
		} {
			if !reflect.DeepEqual(c.seen[i], want) {
				t.Errorf("command %d is %+v, want %+v", i, c.seen[i], want)
			}
		}
	})
}

func TestAPadThatNeverAnswersIsGivenUpAfterThreeTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		sink, err := look(t, &chip{mute: true}, time.Hour, time.Now)
		if err == nil || !strings.Contains(err.Error(), "pad pad-qa: it does not answer") || len(sink.Healths()) != 0 {
			t.Errorf("%v, %+v", err, sink.Healths())
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestACardThatCannotBeReadIsToldAndThePadGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		c := &chip{list: func() []pn532.Target {
			looks++
			return []pn532.Target{card(1, 2, 3, 4)}
		}}
		broken := &spoiler{line: line{chip: c}, spoil: func() bool { return looks > 2 && looks < 5 }}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		sink := &devicetest.Sink{}
		err := pn532.New(pn532.Config{
			ID: "pad-qa", Now: time.Now, Dial: func(context.Context) (pn532.Port, error) { return broken, nil },
		}).Run(ctx, sink)
		states := ""
		for _, h := range sink.Healths() {
			states += h.State.String() + " "
		}
		if err != nil || states != "up degraded up " || len(sink.Reads()) < 4 {
			t.Errorf("%v, health %s, %d reads", err, states, len(sink.Reads()))
		}
	})
}

// spoiler gives UIDs an impossible length of 5, with a checksum to match.
type spoiler struct {
	line
	spoil func() bool
}

func (s *spoiler) Write(b []byte) (int, error) {
	n, err := s.line.Write(b)
	if at := bytes.Index(s.out, []byte{0xD5, 0x4B, 1}); at >= 0 && s.spoil() {
		s.out[at+7]++         // the length of the UID
		s.out[len(s.out)-2]-- // the frame's checksum
	}
	return n, err
}

func TestALateAnswerIsNotTakenForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uid := byte(1)
		c := &chip{list: func() []pn532.Target { return []pn532.Target{card(uid, 2, 3, 4)} }}
		late := must(pn532.TargetsReply(card(9, 9, 9, 9))).Append(nil)
		l := &lateLine{line: line{chip: c}, late: late}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		sink := &devicetest.Sink{}
		if err := pn532.New(pn532.Config{
			ID: "pad-qa", Now: time.Now, Dial: func(context.Context) (pn532.Port, error) { return l, nil },
		}).Run(ctx, sink); err != nil {
			t.Fatal(err)
		}
		for _, key := range sink.Keys() {
			if key != "uid:01020304" {
				t.Errorf("read %s", key)
			}
		}
		if len(sink.Keys()) == 0 {
			t.Error("no read")
		}
	})
}

// lateLine has an old answer before each new one.
type lateLine struct {
	line
	late []byte
}

func (l *lateLine) Write(b []byte) (int, error) {
	l.out = append(l.out, l.late...)
	return l.line.Write(b)
}
