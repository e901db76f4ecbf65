package r2000_test

import (
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/uhf/r2000"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

// pretender is a reader at the far end of a line.
type pretender struct {
	*readertest.Wire

	mu     sync.Mutex
	asked  []r2000.Command // all that came and was understood
	queue  [][]byte        // EPCs that the next round tells
	next   uint64
	power  byte
	region r2000.Region
	gone   map[uint8]bool // antennas that are not connected
	refuse map[r2000.Code]r2000.ErrorCode
	mute   int // rounds that get no answer
}

func newPretender() *pretender {
	p := &pretender{power: 30, region: r2000.China, gone: map[uint8]bool{}, refuse: map[r2000.Code]r2000.ErrorCode{}}
	p.Wire = readertest.New(p.obey)
	return p
}

func (p *pretender) obey(have []byte) (keep, answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		f, rest, _, err := r2000.DecodeFrame(have)
		if err != nil {
			// The gateway waits for its answer, so what is not whole by now is a damaged command.
			return nil, answer
		}
		have = rest
		if c, err := r2000.ParseCommand(f); err == nil {
			p.asked = append(p.asked, c)
			answer = append(answer, p.answer(c)...)
		}
	}
}

const address = 0x01

func (p *pretender) answer(c r2000.Command) []byte {
	if e, ok := p.refuse[c.Code]; ok {
		return r2000.Reply(address, c.Code, e).Append(nil)
	}
	switch c.Code {
	case r2000.Version:
		return r2000.VersionReply(address, 1, 9).Append(nil)
	case r2000.GetPower:
		return r2000.Frame{Addr: address, Code: c.Code, Data: []byte{p.power}}.Append(nil)
	case r2000.GetRegion:
		return r2000.Frame{Addr: address, Code: c.Code, Data: []byte{p.region.Plan, p.region.First, p.region.Last}}.Append(nil)
	case r2000.Inventory:
		return p.round(c, 1)
	case r2000.FastInventory:
		return p.fast(c)
	default:
		return r2000.Reply(address, c.Code, r2000.Success).Append(nil)
	}
}

func (p *pretender) fast(c r2000.Command) (out []byte) {
	var works []uint8
	for _, s := range c.Slots {
		switch {
		case p.gone[s.Antenna]:
			out = r2000.AntennaFailed(address, s.Antenna, r2000.AntennaMissing).Append(out)
		case s.Antenna > 0:
			works = append(works, s.Antenna)
		}
	}
	return append(out, p.round(c, works...)...)
}

func (p *pretender) round(c r2000.Command, antennas ...uint8) (out []byte) {
	if p.mute > 0 {
		p.mute--
		return nil
	}
	if c.Code == r2000.Inventory && p.gone[1] {
		return r2000.Reply(address, c.Code, r2000.AntennaMissing).Append(nil)
	}
	for i, epc := range p.queue {
		s, err := r2000.NewSighting(c.Code, antennas[i%len(antennas)], 43, epc, -60)
		if err != nil {
			panic(err)
		}
		out = s.Frame(address).Append(out)
	}
	end := r2000.RoundEnd{Code: c.Code, Antenna: 1, Total: uint32(len(p.queue))}
	p.queue = nil
	return end.Frame(address).Append(out)
}

// report queues n new tags for the next round.
func (p *pretender) report(n int) (keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.next++
		epc := readertest.EPC(p.next)
		p.queue = append(p.queue, epc)
		keys = append(keys, readertest.Key(epc))
	}
	return keys
}

func (p *pretender) driver(change ...func(*r2000.Config)) *r2000.Driver {
	c := r2000.Config{ID: "uhf-r1", Dial: p.Dial, Now: time.Now, Addr: r2000.AnyAddress}
	for _, f := range change {
		f(&c)
	}
	return r2000.New(c)
}

// commands gives what was asked besides rounds.
func (p *pretender) commands() []r2000.Command {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.asked), func(c r2000.Command) bool {
		return c.Code == r2000.Inventory || c.Code == r2000.FastInventory
	})
}
