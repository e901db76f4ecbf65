package handheld

import (
	"time"

	"github.com/tallydock/tallydock/devices/uhf/chafon"
)

const (
	// chafonAddress is the reader's own, as it leaves the factory.
	chafonAddress = 0
	// chafonZero is what this reader's byte of strength is at 0 dBm. Real ones have a scale of their own.
	chafonZero = 130
	// chafonTags is how many tags it tells in a frame.
	chafonTags = 8
)

// chafonReader speaks as UHFReader18 and UHFReader288: it is asked for each round, and tells at its end what was seen.
type chafonReader struct {
	rounds
	dialect chafon.Dialect
	info    chafon.Info
	antenna uint8 // of the round that runs; 0 = none
}

func newChafon(s *session) speech {
	c := &chafonReader{
		rounds: rounds{session: s}, dialect: chafon.Reader18,
		info: chafon.Info{Version: [2]byte{2, 5}, Type: 0x09, Protocol: 2, Power: 30, ScanTime: 10},
	}
	if s.cfg.Family == Chafon288 {
		c.dialect, c.info.Type, c.info.More = chafon.Reader288, 0x0C, make([]byte, 4)
	}
	c.info.Highest, c.info.Lowest = chafon.China900.Bytes()
	return c
}

func (c *chafonReader) command(have []byte) ([]byte, bool) {
	f, rest, _, err := chafon.DecodeFrame(have)
	if err != nil {
		return rest, false
	}
	if f.Addr == chafonAddress || f.Addr == chafon.AnyAddress {
		c.obey(f)
	}
	return rest, true
}

func (c *chafonReader) obey(f chafon.Frame) {
	asked, err := chafon.ParseCommand(c.dialect, f)
	if err != nil {
		c.send(chafon.Reply(chafonAddress, f.Code, chafon.BadCommand))
		return
	}
	switch asked.Code {
	case chafon.GetInfo:
		c.send(c.info.Frame(chafonAddress))
		return
	case chafon.Inventory:
		c.start(asked.Scan.Antenna)
		return
	case chafon.SetRegion:
		c.info.Highest, c.info.Lowest = asked.Band.Bytes()
	case chafon.SetPower:
		c.info.Power = asked.Power
	}
	c.send(chafon.Reply(chafonAddress, asked.Code, chafon.OK))
}

func (c *chafonReader) start(antenna uint8) {
	c.ask()
	if c.dialect == chafon.Reader18 {
		antenna = 1
	} else if c.disconnected(antenna) {
		c.send(chafon.Reply(chafonAddress, chafon.Inventory, chafon.NoAntenna))
		return
	}
	c.antenna = antenna
}

func (c *chafonReader) sight(v sighting) { c.keep(v) }

// tick ends the round that runs.
func (c *chafonReader) tick(now time.Time) {
	c.idle(now)
	if c.antenna == 0 {
		return
	}
	c.tell(c.turn(c.antenna))
	c.antenna = 0
}

func (c *chafonReader) tell(seen []sighting) {
	if len(seen) == 0 {
		c.send(chafon.Reply(chafonAddress, chafon.Inventory, chafon.NoTag))
		return
	}
	for len(seen) > 0 {
		n := min(len(seen), chafonTags)
		t := chafon.Tags{Status: chafon.More}
		if n == len(seen) {
			t.Status = chafon.Finished
		}
		if c.dialect == chafon.Reader288 {
			t.Mask = chafon.MaskOf(c.antenna)
		}
		for _, v := range seen[:n] {
			s := chafon.Sighting{EPC: v.epc}
			if c.dialect == chafon.Reader288 {
				s.RSSI = byte(chafonZero + int(whole(v.rssi, -128, 0)))
			}
			t.Seen = append(t.Seen, s)
		}
		seen = seen[n:]
		if f, err := chafon.NewTagsFrame(c.dialect, chafonAddress, t); err == nil {
			c.send(f)
		}
	}
}
