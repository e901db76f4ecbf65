// Package pad pretends to be a PN532 NFC reader with a high-speed serial interface on a pseudo terminal.
package pad

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/pn532"
	"github.com/tallydock/tallydock/simulators/line"
)

const (
	// tryTime is how long the chip looks for a card once.
	tryTime = 6 * time.Millisecond
	// polledWithin is how old the last request for cards may be for the pad to count as looked at.
	polledWithin = time.Second
)

// Config says what the pad is.
type Config struct {
	Line *line.Line
}

// Pad is one simulated reader.
type Pad struct {
	cfg    Config
	polled atomic.Int64 // when it was asked for cards last, or still looks for one; unix nanoseconds
	lapsed atomic.Bool

	mu    sync.Mutex
	cards []Card // in the field, in the order in which they came
}

// New makes a pad; Run makes it work.
func New(c Config) *Pad { return &Pad{cfg: c} }

// Put lays a card without a message on the pad, or takes a card off. A UID of 4 bytes makes it a Classic, a longer one
// a Type2.
func (p *Pad) Put(card devices.Tag, on bool) {
	if !on {
		p.take(card)
		return
	}
	kind := Classic
	if len(card.Bytes()) > 4 {
		kind = Type2
	}
	_ = p.Lay(Card{Tag: card, Kind: kind}) // an EPC is no card, and none can see it
}

// Lay lays a card on the pad, in the place of one with the same UID. A card whose message is too long for it is an error.
func (p *Pad) Lay(c Card) error {
	if err := c.check(); err != nil {
		return err
	}
	p.take(c.Tag)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cards = append(p.cards, c)
	return nil
}

func (p *Pad) take(card devices.Tag) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cards = slices.DeleteFunc(p.cards, func(c Card) bool { return c.Tag == card })
}

// lies reports whether a card is still there.
func (p *Pad) lies(card devices.Tag) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.cards, func(c Card) bool { return c.Tag == card })
}

// Ready reports whether a gateway looks for cards on the pad.
func (p *Pad) Ready() bool {
	return p.cfg.Line.Listening() && time.Since(time.Unix(0, p.polled.Load())) < polledWithin
}

// Lapsed reports whether the pad was not ready at some moment since it was asked last.
func (p *Pad) Lapsed() bool {
	gone := p.lapsed.Swap(false)
	return p.cfg.Line.Lapsed() || gone || !p.Ready()
}

// Run works until ctx ends, then gives nil, or until the line is closed.
func (p *Pad) Run(ctx context.Context) error { return p.cfg.Line.Serve(ctx, p.work) }

// session is what the chip keeps while it works.
type session struct {
	*Pad
	buf    []byte
	tries  uint8     // per search
	search uint8     // cards looked for; 0 = none
	until  time.Time // when the search ends empty; zero = never
	last   []byte    // the last response, for a NACK
	air    air
}

func (p *Pad) work(ctx context.Context, input <-chan []byte) {
	s := &session{Pad: p, tries: 0xFF}
	tick := time.NewTicker(tryTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case b, ok := <-input:
			if !ok {
				return
			}
			s.take(b)
		case now := <-tick.C:
			s.look(now)
		}
	}
}

// take reads frames. While no more bytes come, a false start of a frame is given up byte by byte.
func (s *session) take(b []byte) {
	if len(b) == 0 && len(s.buf) > 0 {
		s.buf = s.buf[1:]
	}
	s.buf = append(s.buf, b...)
	for {
		f, rest, _, err := pn532.NextFrame(s.buf)
		if err != nil {
			s.buf = append(s.buf[:0], rest...)
			return
		}
		s.obey(f)
		s.buf = append(s.buf[:0], rest...)
	}
}

func (s *session) obey(f pn532.Frame) {
	switch f.Kind {
	case pn532.ACK: // the host gives the running command up
		s.search = 0
		return
	case pn532.NACK:
		s.cfg.Line.Write(s.last)
		return
	case pn532.SyntaxError:
		return
	}
	s.search = 0
	c, err := pn532.ParseCommand(f)
	if err != nil {
		s.cfg.Line.Write(pn532.Frame{Kind: pn532.SyntaxError}.Append(nil))
		return
	}
	s.cfg.Line.Write(pn532.Frame{Kind: pn532.ACK}.Append(nil))
	s.do(c)
}

func (s *session) do(c pn532.Command) {
	switch c.Code {
	case pn532.GetFirmwareVersion:
		s.answer(pn532.Firmware{IC: 0x32, Version: 1, Revision: 6, Support: 7}.Frame())
	case pn532.RFConfiguration:
		switch {
		case c.Item == pn532.Retries:
			s.tries = c.Tries
		case !c.On:
			s.air = air{}
		}
		s.answer(pn532.Done(c.Code))
	case pn532.InListPassiveTarget:
		s.begin(c.Targets)
	case pn532.InDataExchange:
		s.answer(s.air.exchange(s.Pad, c.Card, c.Data).Frame())
	case pn532.InRelease:
		s.air.release()
		s.answer(pn532.Released())
	default:
		s.answer(pn532.Done(c.Code))
	}
}

func (s *session) begin(targets uint8) {
	now := time.Now()
	s.search, s.until = targets, time.Time{}
	if s.tries != 0xFF {
		s.until = now.Add(time.Duration(s.tries+1) * tryTime)
	}
	s.look(now)
}

// look answers a search when there is a card, or when it has lasted long enough.
func (s *session) look(now time.Time) {
	if s.search == 0 {
		if s.polled.Load() != 0 && !s.Ready() {
			s.lapsed.Store(true)
		}
		return
	}
	s.polled.Store(now.UnixNano())
	found := s.air.list(s.Pad, int(s.search))
	if len(found) == 0 && (s.until.IsZero() || now.Before(s.until)) {
		return
	}
	s.search = 0
	f, err := pn532.TargetsReply(found...)
	if err != nil {
		f = pn532.Frame{Kind: pn532.SyntaxError} // a card whose UID no chip can read
	}
	s.answer(f)
}

func (s *session) answer(f pn532.Frame) {
	s.last = f.Append(nil)
	s.cfg.Line.Write(s.last)
}
