package mercury

import (
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Decode is a devices.Decoder: it tells what frames of this family say, in both directions. A record of a tag becomes a
// Read with RSSI in dBm; the status of each second is the Notice "no_tag", "over_temperature", "high_return_loss" or
// another one.
func Decode(data []byte) ([]devices.Report, error) { return reader.Reports(data, eitherAt, reports) }

var _ devices.Decoder = Decode

var names = map[Op]string{
	Version: "version", Boot: "boot", Record: "record", Read: "continuous_read", SetAntennas: "set_antennas",
	SetPower: "set_power", SetProtocol: "set_protocol", SetRegion: "set_region", SetParameters: "set_parameters",
}

// codes of the statuses that tell of the reader.
var codes = map[Status]string{
	NoTags: "no_tag", NoAntenna: "antenna_disconnected", TooHot: "over_temperature", HighReturnLoss: "high_return_loss",
}

func reports(f Frame) ([]devices.Report, error) {
	name, known := names[f.Op]
	switch {
	case !known:
		return reader.Note("other", "frame of operation 0x%02x, which is not known here: data %x", byte(f.Op), f.Data), nil
	case !f.Reply:
		c, err := ParseCommand(f)
		if err != nil {
			return nil, err
		}
		return reader.Note(name, "command%s", c.text()), nil
	case codes[f.Status] != "":
		return reader.Note(codes[f.Status], "%s", f.Status), nil
	case f.Status != OK:
		return reader.Note("failed", "%s: 0x%04x, %s", name, uint16(f.Status), f.Status), nil
	case f.Op != Record:
		return reader.Note(name, "answer: done, data %x", f.Data), nil
	}
	s, err := ParseSighting(f)
	if errors.Is(err, errOther) {
		return reader.Note(name, "not of a tag: data %x", f.Data), nil
	}
	if err != nil {
		return nil, err
	}
	r, err := s.Read()
	if err != nil {
		return nil, err
	}
	return reader.Sightings(r), nil
}

func (c Command) text() string {
	switch c.Op {
	case Read:
		if c.Stop {
			return " to stop"
		}
		return " to start"
	case SetAntennas:
		return fmt.Sprintf(": antennas %v", c.Antennas)
	case SetPower:
		return fmt.Sprintf(": %s", c.Power)
	case SetRegion:
		return fmt.Sprintf(": region %d", c.Region)
	default:
		return ""
	}
}
