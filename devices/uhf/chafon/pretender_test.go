package chafon_test

import (
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/uhf/chafon"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

// pretender is a reader at the far end of a line. It tells one tag in a frame.
type pretender struct {
	*readertest.Wire
	dialect chafon.Dialect

	mu     sync.Mutex
	info   chafon.Info
	asked  []chafon.Command // all that came and was understood
	queue  [][]byte         // EPCs that the next inventory tells
	next   uint64
	status map[uint8]chafon.Status // of an inventory by antenna, where it is not Finished or NoTag
	refuse map[chafon.Code]chafon.Status
	mute   int // inventories that get no answer
}

func newPretender(d chafon.Dialect) *pretender {
	p := &pretender{dialect: d, status: map[uint8]chafon.Status{}, refuse: map[chafon.Code]chafon.Status{}}
	p.info = chafon.Info{Version: [2]byte{0, 22}, Type: 0x0C, Protocol: 3, Highest: 0x4E, Power: 30, ScanTime: 10}
	p.Wire = readertest.New(p.obey)
	return p
}

func (p *pretender) obey(have []byte) (keep, answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		f, rest, _, err := chafon.DecodeFrame(have)
		if err != nil {
			// The gateway waits for its answer, so what is not whole by now is a damaged command.
			return nil, answer
		}
		have = rest
		if c, err := chafon.ParseCommand(p.dialect, f); err == nil {
			p.asked = append(p.asked, c)
			answer = append(answer, p.answer(c)...)
		}
	}
}

const address = 0x00

func (p *pretender) answer(c chafon.Command) []byte {
	if s, ok := p.refuse[c.Code]; ok {
		return chafon.Reply(address, c.Code, s).Append(nil)
	}
	switch c.Code {
	case chafon.GetInfo:
		return p.info.Frame(address).Append(nil)
	case chafon.Inventory:
		return p.inventory(c.Scan.Antenna)
	default:
		return chafon.Reply(address, c.Code, chafon.OK).Append(nil)
	}
}

func (p *pretender) inventory(antenna uint8) (out []byte) {
	if p.mute > 0 {
		p.mute--
		return nil
	}
	if s, ok := p.status[antenna]; ok {
		return chafon.Reply(address, chafon.Inventory, s).Append(nil)
	}
	if len(p.queue) == 0 {
		return chafon.Reply(address, chafon.Inventory, chafon.NoTag).Append(nil)
	}
	for i, epc := range p.queue {
		t := chafon.Tags{Status: chafon.More, Seen: []chafon.Sighting{{EPC: epc}}}
		if i == len(p.queue)-1 {
			t.Status = chafon.Finished
		}
		if p.dialect == chafon.Reader288 {
			t.Mask, t.Seen[0].RSSI = chafon.MaskOf(antenna), 100
		}
		f, err := chafon.NewTagsFrame(p.dialect, address, t)
		if err != nil {
			panic(err)
		}
		out = f.Append(out)
	}
	p.queue = nil
	return out
}

// report queues n new tags for the next inventory.
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

func (p *pretender) driver(change ...func(*chafon.Config)) *chafon.Driver {
	c := chafon.Config{
		ID: "uhf-c1", Dialect: p.dialect, Dial: p.Dial, Now: time.Now, Addr: chafon.AnyAddress, Poll: time.Millisecond,
	}
	for _, f := range change {
		f(&c)
	}
	return chafon.New(c)
}

// commands gives what was asked besides inventories.
func (p *pretender) commands() []chafon.Command {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.asked), func(c chafon.Command) bool { return c.Code == chafon.Inventory })
}
