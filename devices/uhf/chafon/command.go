package chafon

import (
	"encoding/binary"
	"fmt"
)

// Dialect is a family of readers.
type Dialect byte

// The dialects.
const (
	Reader18  Dialect = 1
	Reader288 Dialect = 2
)

// Band is a band plan: its number, and the last of its channels, which are counted from 0.
type Band struct{ Number, Last byte }

// The bands, all their channels.
var (
	China900 = Band{1, 19} // 920.125 MHz and up by 0.25
	US       = Band{2, 49} // 902.75 MHz and up by 0.5
	Korea    = Band{3, 31} // 917.1 MHz and up by 0.2
	Europe   = Band{4, 14} // 865.1 MHz and up by 0.2
	China800 = Band{8, 19} // 840.125 MHz and up by 0.25; not in all readers
)

// Bytes gives the band as a reader's bytes of highest and lowest channel.
func (b Band) Bytes() (highest, lowest byte) { return b.Number>>2<<6 | b.Last, b.Number & 3 << 6 }

// bandOf reads what Bytes gives, of a band that begins at any channel, and tells which.
func bandOf(highest, lowest byte) (b Band, first byte) {
	return Band{highest>>6<<2 | lowest>>6, highest & 0x3F}, lowest & 0x3F
}

// Scan is what an inventory of UHFReader288 asks; UHFReader18 asks nothing.
type Scan struct {
	Q       byte // of the air protocol: 2^Q slots in the first round
	Session byte // 0 to 3
	Antenna byte // 1 to 8
	Time    byte // the longest that it may take, in tenths of a second
}

const (
	scanBytes = 9
	maskEPC   = 1    // a mask over the EPC bank, of length 0: every tag
	antenna1  = 0x80 // how a command names antenna 1
	antennas  = 8
)

// Command is what the gateway asks of the reader. Only the fields that belong to Code count.
type Command struct {
	Addr  byte
	Code  Code
	Scan  Scan // Inventory of UHFReader288
	Band  Band // SetRegion
	Power byte // SetPower: dBm, 0 to 33
	Live  bool // SetMode
}

// Frame gives the frame that carries the command.
func (c Command) Frame(d Dialect) Frame {
	f := Frame{Addr: c.Addr, Code: c.Code}
	switch {
	case c.Code == Inventory && d == Reader288:
		s := c.Scan
		f.Data = []byte{s.Q, s.Session, maskEPC, 0, 0, 0, 0, antenna1 + s.Antenna - 1, s.Time}
	case c.Code == SetRegion:
		highest, lowest := c.Band.Bytes()
		f.Data = []byte{highest, lowest}
	case c.Code == SetPower:
		f.Data = []byte{c.Power}
	case c.Code == SetMode:
		f.Data = []byte{0}
		if c.Live {
			f.Data[0] = 1
		}
	}
	return f
}

// ParseCommand reads the frame of a command. One that this package does not know is an error, to be answered with
// BadCommand.
func ParseCommand(d Dialect, f Frame) (Command, error) {
	c := Command{Addr: f.Addr, Code: f.Code}
	size, ok := map[Code]int{Inventory: 0, GetInfo: 0, SetRegion: 2, SetPower: 1, SetMode: 1}[f.Code]
	if f.Code == Inventory && d == Reader288 {
		size = scanBytes
	}
	if !ok || f.Code == SetMode && d != Reader288 {
		return c, fmt.Errorf("command 0x%02x is not known", byte(f.Code))
	}
	if len(f.Data) != size {
		return c, fmt.Errorf("command 0x%02x has %d bytes of data, not %d", byte(f.Code), len(f.Data), size)
	}
	switch f.Code {
	case Inventory:
		return c, c.parseScan(f.Data)
	case SetRegion:
		band, first := bandOf(f.Data[0], f.Data[1])
		if first != 0 {
			return c, fmt.Errorf("band begins at channel %d; only whole bands are known here", first)
		}
		c.Band = band
	case SetPower:
		c.Power = f.Data[0]
	case SetMode:
		if f.Data[0] > 1 {
			return c, fmt.Errorf("mode %d is not known", f.Data[0])
		}
		c.Live = f.Data[0] == 1
	}
	return c, nil
}

func (c *Command) parseScan(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.Scan = Scan{Q: b[0], Session: b[1], Antenna: b[7] - antenna1 + 1, Time: b[8]}
	if b[7] < antenna1 || b[7] >= antenna1+antennas {
		return fmt.Errorf("antenna 0x%02x is not 0x80 to 0x87", b[7])
	}
	if b[2] != maskEPC || binary.BigEndian.Uint16(b[3:]) != 0 || b[5] != 0 || b[6] != 0 {
		return fmt.Errorf("inventory is for some tags only (mask and target %x); only all tags are known here", b[2:7])
	}
	return nil
}
