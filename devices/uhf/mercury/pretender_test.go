package mercury_test

import (
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/uhf/mercury"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

// pretender is a reader at the far end of a line.
type pretender struct {
	*readertest.Wire

	mu      sync.Mutex
	asked   []mercury.Command // all that came and was understood
	booted  bool
	reading bool
	begun   chan struct{} // told when a read starts
	next    uint64
	refuse  map[mercury.Op]mercury.Status
}

func newPretender() *pretender {
	p := &pretender{refuse: map[mercury.Op]mercury.Status{}, begun: make(chan struct{}, 1)}
	p.Wire = readertest.New(p.obey)
	return p
}

func (p *pretender) obey(have []byte) (keep, answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		f, rest, _, err := mercury.DecodeCommand(have)
		if err != nil {
			// The gateway waits for its answer, so what is not whole by now is a damaged command.
			return nil, answer
		}
		have = rest
		if c, err := mercury.ParseCommand(f); err == nil {
			p.asked = append(p.asked, c)
			answer = p.answer(c).Append(answer)
		}
	}
}

func (p *pretender) answer(c mercury.Command) mercury.Frame {
	if s, ok := p.refuse[c.Op]; ok {
		return mercury.Reply(c.Op, s)
	}
	switch c.Op {
	case mercury.Boot:
		if p.booted {
			return mercury.Reply(c.Op, mercury.UnknownOp)
		}
		p.booted = true
	case mercury.Read:
		p.reading = !c.Stop
		if p.reading {
			select {
			case p.begun <- struct{}{}:
			default:
			}
		}
	case mercury.Version:
		return mercury.Reply(c.Op, mercury.OK, make([]byte, 20)...)
	}
	return mercury.Reply(c.Op, mercury.OK)
}

// report sends sightings of n new tags, and a status in between.
func (p *pretender) report(n int) (keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.next++
		epc := readertest.EPC(p.next)
		s, err := mercury.NewSighting(1, 920_125, epc, -55)
		if err != nil {
			panic(err)
		}
		p.Say(s.Frame().Append(nil))
		keys = append(keys, readertest.Key(epc))
	}
	p.Say(status(mercury.NoTags))
	return keys
}

func status(s mercury.Status) []byte { return mercury.Reply(mercury.Record, s).Append(nil) }

func (p *pretender) driver(change ...func(*mercury.Config)) *mercury.Driver {
	c := mercury.Config{ID: "uhf-m1", Dial: p.Dial, Now: time.Now}
	for _, f := range change {
		f(&c)
	}
	return mercury.New(c)
}

// ops gives what was asked.
func (p *pretender) ops() (ops []mercury.Op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.asked {
		ops = append(ops, c.Op)
	}
	return slices.Clone(ops)
}
