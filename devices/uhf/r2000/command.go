package r2000

import "fmt"

// Region is a band plan, from its first to its last channel; see ChannelKHz.
type Region struct{ Plan, First, Last byte }

// The regions, all their channels.
var (
	FCC   = Region{1, 7, 59}  // 902 to 928 MHz
	ETSI  = Region{2, 0, 6}   // 865 to 868 MHz
	China = Region{3, 43, 53} // 920 to 925 MHz
)

// Antennas is how many antennas a FastInventory goes over at most.
const Antennas = 4

// Slot is one antenna of a FastInventory.
type Slot struct {
	Antenna uint8 // 1 to 4; 0 leaves the slot out
	Stay    byte  // rounds before the next antenna
}

// Command is what the gateway asks of the reader. Only the fields that belong to Code count.
type Command struct {
	Addr     byte
	Code     Code
	Antenna  uint8  // SetAntenna: 1 to 4
	Power    byte   // SetPower: dBm, 0 to 33, of all antennas
	Region   Region // SetRegion
	Repeat   byte   // Inventory and FastInventory: rounds
	Slots    [Antennas]Slot
	Interval byte // FastInventory: ms from antenna to antenna
}

const (
	fastBytes = 2*Antennas + 2
	unused    = 0xFF // in the place of an antenna
)

// Frame gives the frame that carries the command.
func (c Command) Frame() Frame {
	f := Frame{Addr: c.Addr, Code: c.Code}
	switch c.Code {
	case SetAntenna:
		f.Data = []byte{c.Antenna - 1}
	case SetPower:
		f.Data = []byte{c.Power}
	case SetRegion:
		f.Data = []byte{c.Region.Plan, c.Region.First, c.Region.Last}
	case Inventory:
		f.Data = []byte{c.Repeat}
	case FastInventory:
		for _, s := range c.Slots {
			f.Data = append(f.Data, s.Antenna-1, s.Stay) // 0 becomes unused
		}
		f.Data = append(f.Data, c.Interval, c.Repeat)
	}
	return f
}

// ParseCommand reads the frame of a command. One that this package does not know is an error, to be answered with Failed.
func ParseCommand(f Frame) (Command, error) {
	c := Command{Addr: f.Addr, Code: f.Code}
	size, ok := map[Code]int{
		Version: 0, SetAntenna: 1, SetPower: 1, GetPower: 0, SetRegion: 3, GetRegion: 0, Inventory: 1, FastInventory: fastBytes,
	}[f.Code]
	if !ok {
		return c, fmt.Errorf("command 0x%02x is not known", byte(f.Code))
	}
	if len(f.Data) != size {
		return c, fmt.Errorf("command 0x%02x has %d bytes of data, not %d", byte(f.Code), len(f.Data), size)
	}
	switch f.Code {
	case SetAntenna:
		if f.Data[0] >= Antennas {
			return c, fmt.Errorf("antenna %d is not 0 to 3", f.Data[0])
		}
		c.Antenna = f.Data[0] + 1
	case SetPower:
		c.Power = f.Data[0]
	case SetRegion:
		c.Region = Region{f.Data[0], f.Data[1], f.Data[2]}
	case Inventory:
		c.Repeat = f.Data[0]
	case FastInventory:
		return c, c.parseFast(f.Data)
	}
	return c, nil
}

func (c *Command) parseFast(b []byte) error {
	for i := range c.Slots {
		if b[2*i] >= Antennas && b[2*i] != unused {
			return fmt.Errorf("antenna %d is neither 0 to 3 nor 255", b[2*i])
		}
		c.Slots[i] = Slot{b[2*i] + 1, b[2*i+1]}
	}
	c.Interval, c.Repeat = b[2*Antennas], b[2*Antennas+1]
	return nil
}
