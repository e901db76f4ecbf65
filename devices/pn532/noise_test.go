package pn532_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/pn532"
)

// noisy is a line that changes one byte in so many, in both directions. One damaged frame in four passes its checksum,
// which in life is one in 256. It counts the frames that were sent on it, and those of them that were damaged.
type noisy struct {
	line
	random                  *rand.Rand
	oneIn                   int
	frames, damaged, passed int
}

func (l *noisy) damage(b []byte) {
	var hit bool
	for rest := b; len(rest) > 0; {
		_, after, _, err := pn532.NextFrame(rest)
		if err != nil {
			after = nil
		}
		frame := rest[:len(rest)-len(after)]
		hit = false
		for i := range frame {
			if l.random.IntN(l.oneIn) == 0 {
				frame[i] ^= byte(1 + l.random.IntN(255))
				hit = true
			}
		}
		if err == nil {
			l.frames++
		}
		if err == nil && hit {
			l.damaged++
			l.pass(frame)
		}
		rest = after
	}
}

// pass makes a damaged frame pass its checksum now and then, where its start and its length are whole.
func (l *noisy) pass(frame []byte) {
	at := bytes.Index(frame, []byte{0, 0xFF}) + 4
	if at < 4 || len(frame) < at+3 || l.random.IntN(4) != 0 {
		return
	}
	if frame[at-2]+frame[at-1] != 0 || len(frame) < at+int(frame[at-2])+1 {
		return
	}
	var sum byte
	end := at + int(frame[at-2])
	for _, v := range frame[at:end] {
		sum += v
	}
	if frame[end] != -sum {
		frame[end] = -sum
		l.passed++
	}
}

func (l *noisy) Write(b []byte) (int, error) {
	sent := bytes.Clone(b)
	l.damage(sent)
	answers := l.hear(sent)
	l.damage(answers)
	l.out = append(l.out, answers...)
	return len(b), nil
}

// crowd is a row of cards that are laid on the pad one after the other, two at a time, for three seconds each.
type crowd struct {
	began time.Time
	texts map[string]string // by tag
	holds map[string]content
	laid  []pn532.Target
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{began: time.Now(), texts: map[string]string{}, holds: map[string]content{}}
	for i := range uint32(40) {
		uid := binary.BigEndian.AppendUint32([]byte{4, 0, 0}, 0xFF000000+i) // has what looks like the start of a frame
		text := "https://id.example.org/01/09506000134352/21/" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		target := withUID(ntag, 1, string(uid))
		c.holds[string(uid)] = newMemory(144, block(3, uri(t, text))...)
		switch i % 4 {
		case 1:
			target = withUID(desfire, 1, string(uid))
			target.ATS = []byte{0x75, 0x77, 0x81, 0x02, 0x80}
			c.holds[string(uid)] = newFiles(59, 1000, uri(t, text))
		case 2:
			uid = uid[3:]
			target, text = card(uid...), ""
		}
		c.laid = append(c.laid, target)
		c.texts["uid:"+hexOf(uid)] = text
	}
	return c
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s []byte
	for _, v := range b {
		s = append(s, digits[v>>4], digits[v&15])
	}
	return string(s)
}

func (c *crowd) list() []pn532.Target {
	turn := int(time.Since(c.began)/(3*time.Second)) % (len(c.laid) / 2)
	a, b := c.laid[2*turn], c.laid[2*turn+1]
	a.Number, b.Number = 1, 2
	return []pn532.Target{a, b}
}

func TestNoiseOnTheLineMakesNoUIDsAndNoTexts(t *testing.T) {
	for name, c := range map[string]struct {
		oneIn int
		lasts time.Duration
		least int // frames
	}{
		"1 byte in 1000": {1000, time.Hour, 100_000},
		"1 byte in 100":  {100, time.Hour, 20_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				crowd := newCrowd(t)
				l := &noisy{line: line{chip: &chip{list: crowd.list, holds: crowd.holds}}, random: rand.New(rand.NewPCG(5, 32)), oneIn: c.oneIn}
				sink, failed := &devicetest.Sink{}, 0
				for ends := time.Now().Add(c.lasts); time.Now().Before(ends); {
					ctx, cancel := context.WithDeadline(t.Context(), ends)
					err := pn532.New(pn532.Config{
						ID: "pad-qa", Now: time.Now, Dial: func(context.Context) (pn532.Port, error) { return l, nil },
					}).Run(ctx, sink)
					cancel()
					if err != nil {
						failed++
					}
				}
				crowd.judge(t, l, sink, failed, c.least)
			})
		})
	}
}

// judge compares what was read with what lay there.
func (c *crowd) judge(t *testing.T, l *noisy, sink *devicetest.Sink, failed, least int) {
	t.Helper()
	wrongUID, wrongText, without := 0, 0, 0
	read := map[string]bool{}
	for _, r := range sink.Reads() {
		text, known := c.texts[r.Tag.String()]
		switch {
		case !known:
			wrongUID++
			t.Logf("read %s, which was never there", r.Tag)
		case r.Text == "" && text != "":
			without++
		case r.Text != text:
			wrongText++
			t.Logf("read %q of %s, not %q", r.Text, r.Tag, text)
		}
		read[r.Tag.String()] = true
	}
	t.Logf("%d frames, %d damaged, %d of those with a good checksum; %d reads of %d of %d cards; %d wrong UIDs, %d wrong texts, %d reads still without text; given up %d times",
		l.frames, l.damaged, l.passed, len(sink.Reads()), len(read), len(c.texts), wrongUID, wrongText, without, failed)
	if wrongUID > 0 || wrongText > 0 {
		t.Error("noise was taken for what a card said")
	}
	if l.frames < least || len(read) < len(c.texts) {
		t.Errorf("%d frames and %d cards were read; at least %d and %d are wanted", l.frames, len(read), least, len(c.texts))
	}
}

// rattling is a line with some bytes of noise before each answer, for a while.
type rattling struct {
	line
	until time.Time
}

func (l *rattling) Write(b []byte) (int, error) {
	if time.Now().Before(l.until) {
		l.out = append(l.out, 0x13, 0x37)
	}
	return l.line.Write(b)
}

func TestNoiseIsToldWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &rattling{line: line{chip: &chip{list: func() []pn532.Target { return nil }}}, until: time.Now().Add(15 * time.Second)}
		sink := &devicetest.Sink{}
		if err := runOn(t, l, time.Minute, sink); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range sink.Healths() {
			got = append(got, h.State.String()+" "+h.Reason)
		}
		const tail = "bytes on the line were no frame and 0 commands had to be sent again: check cable and grounding"
		if len(got) != 4 || got[0] != "up " || !strings.HasSuffix(got[1], tail) || !strings.HasSuffix(got[2], tail) || got[3] != "up " {
			t.Errorf("health was %q", got)
		}
	})
}
