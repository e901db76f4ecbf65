package mercury

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/tallydock/tallydock/devices/unit"
)

// Region is the band plan that a reader keeps to.
type Region byte

// The regions.
const (
	NorthAmerica Region = 0x01
	India        Region = 0x04
	Japan        Region = 0x05
	China        Region = 0x06
	Europe       Region = 0x08
	Korea        Region = 0x09
	Australia    Region = 0x0B
	NewZealand   Region = 0x0C
)

// Command is what the gateway asks of the reader. Only the fields that belong to Op count.
type Command struct {
	Op       Op
	Region   Region
	Power    unit.DBm // SetPower: 0 to 327.67 dBm on the wire
	Antennas []uint8  // SetAntennas: the antennas that a read goes over, 1 to 15
	Stop     bool     // Read: stop; else start
}

const (
	gen2         = 0x05
	antennaList  = 0x02
	keyValue     = 0x01 // how SetParameters is written
	readFilter   = 0x0C // whether a tag that was told is left out until it is forgotten
	maxAntenna   = 0x0F
	metadataFlag = 0x10 // a Record tells what metadata it has
	searchFlags  = 0x001B
	allMetadata  = 0x01FF
)

// The data of Read. A start is: no time-out, continuous, the operation that is repeated with its search flags and protocol;
// then that operation's own: length, code, option, search flags (go over the list of antennas, tell tags at once, many
// tags), its time of a second, after which the status comes, and the metadata that is wanted.
var (
	startData = []byte{0, 0, 1, byte(Record), 0, 0, gen2, 7, byte(Record), metadataFlag, 0, searchFlags, 0x03, 0xE8, 0x01, 0xFF}
	stopData  = []byte{0, 0, 2}
)

// Frame gives the frame that carries the command.
func (c Command) Frame() Frame {
	f := Frame{Op: c.Op}
	switch c.Op {
	case Read:
		f.Data = startData
		if c.Stop {
			f.Data = stopData
		}
	case SetAntennas:
		f.Data = []byte{antennaList}
		for _, a := range c.Antennas {
			f.Data = append(f.Data, a, a) // transmits and receives
		}
	case SetPower:
		f.Data = binary.BigEndian.AppendUint16(nil, uint16(c.Power))
	case SetProtocol:
		f.Data = []byte{0, gen2}
	case SetRegion:
		f.Data = []byte{byte(c.Region)}
	case SetParameters:
		f.Data = []byte{keyValue, readFilter, 0} // each sighting is told
	}
	return f
}

// ParseCommand reads the frame of a command. One that this package does not know is an error, to be answered with
// UnknownOp or BadParameter.
func ParseCommand(f Frame) (Command, error) {
	c := Command{Op: f.Op}
	switch f.Op {
	case Version, Boot, SetProtocol, SetParameters:
	case Read:
		c.Stop = bytes.Equal(f.Data, stopData)
	case SetAntennas:
		return c, c.parseAntennas(f.Data)
	case SetPower:
		if len(f.Data) == 2 && f.Data[0] < 0x80 {
			c.Power = unit.DBm(binary.BigEndian.Uint16(f.Data))
		}
	case SetRegion:
		if len(f.Data) == 1 {
			c.Region = Region(f.Data[0])
		}
	default:
		return c, fmt.Errorf("operation 0x%02x is not known", byte(f.Op))
	}
	if f.Reply || !bytes.Equal(c.Frame().Data, f.Data) {
		return c, fmt.Errorf("data %x of operation 0x%02x are not known", f.Data, byte(f.Op))
	}
	return c, nil
}

func (c *Command) parseAntennas(b []byte) error {
	if len(b) < 3 || len(b)%2 == 0 || b[0] != antennaList {
		return fmt.Errorf("data %x are no list of antennas", b)
	}
	for i := 1; i < len(b); i += 2 {
		if b[i] != b[i+1] || b[i] == 0 || b[i] > maxAntenna {
			return fmt.Errorf("antenna that transmits as %d and receives as %d is not known", b[i], b[i+1])
		}
		c.Antennas = append(c.Antennas, b[i])
	}
	return nil
}
