package uhf

import (
	"encoding/binary"
	"fmt"

	"github.com/tallydock/tallydock/devices/unit"
)

// Part is what a Version command asks for.
type Part byte

// The parts of a version.
const (
	Hardware     Part = 0
	Software     Part = 1
	Manufacturer Part = 2
)

// Region is the band plan that a reader keeps to.
type Region byte

// The regions.
const (
	China900 Region = 1
	US       Region = 2
	Europe   Region = 3
	China800 Region = 4
	Korea    Region = 6
)

// MaxRounds is the most rounds that one MultiPoll can ask for.
const MaxRounds = 0xFFFF

// Command is what the gateway asks of the reader. Only the fields that belong to Code count.
type Command struct {
	Code   Code
	Part   Part     // Version
	Rounds uint16   // MultiPoll; 0 is taken for "without end" by some readers
	Power  unit.DBm // SetPower: transmit power, 0 to 655.35 dBm on the wire; readers take about 15 to 26 dBm
	Region Region   // SetRegion
}

// multiPollMark is the fixed first parameter of a MultiPoll.
const multiPollMark = 0x22

// Frame gives the frame that carries the command.
func (c Command) Frame() Frame {
	f := Frame{Type: CommandFrame, Code: c.Code}
	switch c.Code {
	case Version:
		f.Params = []byte{byte(c.Part)}
	case MultiPoll:
		f.Params = binary.BigEndian.AppendUint16([]byte{multiPollMark}, c.Rounds)
	case SetPower:
		f.Params = binary.BigEndian.AppendUint16(nil, uint16(c.Power))
	case SetRegion:
		f.Params = []byte{byte(c.Region)}
	}
	return f
}

// ParseCommand reads the frame of a command. A command that this package does not know is an error, to be answered with
// Failed(BadCommand).
func ParseCommand(f Frame) (Command, error) {
	if f.Type != CommandFrame {
		return Command{}, fmt.Errorf("frame of type %d is no command", f.Type)
	}
	sizes := map[Code]int{
		Version: 1, SetRegion: 1, GetRegion: 0, Poll: 0, MultiPoll: 3, Stop: 0, SetPower: 2, GetPower: 0,
	}
	size, ok := sizes[f.Code]
	if !ok {
		return Command{}, fmt.Errorf("command 0x%02x is not known", byte(f.Code))
	}
	if len(f.Params) != size {
		return Command{}, fmt.Errorf("command 0x%02x has %d bytes of parameters, not %d", byte(f.Code), len(f.Params), size)
	}
	c := Command{Code: f.Code}
	switch f.Code {
	case Version:
		c.Part = Part(f.Params[0])
	case MultiPoll:
		if f.Params[0] != multiPollMark {
			return Command{}, fmt.Errorf("multi-poll starts with 0x%02x, not 0x%02x", f.Params[0], multiPollMark)
		}
		c.Rounds = binary.BigEndian.Uint16(f.Params[1:])
	case SetPower:
		c.Power = unit.DBm(binary.BigEndian.Uint16(f.Params))
	case SetRegion:
		c.Region = Region(f.Params[0])
	}
	return c, nil
}
