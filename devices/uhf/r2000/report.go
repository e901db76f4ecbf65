package r2000

import (
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Decode is a devices.Decoder: it tells what frames of this family say, in both directions. A sighting becomes a Read with
// RSSI in dBm; the end of a round is the Notice "inventory_ended". A command and its answer can have the same bytes, such
// as "16 dBm" and "done"; the more common is told.
func Decode(data []byte) ([]devices.Report, error) { return reader.Reports(data, frameAt, reports) }

var _ devices.Decoder = Decode

var names = map[Code]string{
	Version: "version", SetAntenna: "set_antenna", SetPower: "set_power", GetPower: "get_power", SetRegion: "set_region",
	GetRegion: "get_region", Inventory: "inventory", FastInventory: "fast_inventory",
}

func reports(f Frame) ([]devices.Report, error) {
	name, known := names[f.Code]
	if !known {
		return reader.Note("other", "frame of command 0x%02x, which is not known here: data %x", byte(f.Code), f.Data), nil
	}
	if s, err := ParseSighting(f); err == nil {
		return sighting(s)
	}
	if e, antenna, ok := ParseError(f); ok && e.answers(f.Code) {
		return failure(name, e, antenna), nil
	}
	if c, err := ParseCommand(f); err == nil {
		return reader.Note(name, "command to address %02x%s", c.Addr, c.text()), nil
	}
	if inventory(f.Code) {
		return inventoryReports(f)
	}
	switch {
	case f.Code == Version && len(f.Data) == 2:
		return reader.Note(name, "firmware %d.%d", f.Data[0], f.Data[1]), nil
	case f.Code == GetPower || f.Code == GetRegion:
		return reader.Note(name, "answer %x", f.Data), nil
	}
	return nil, fmt.Errorf("data %x of command 0x%02x are neither a command nor an answer", f.Data, byte(f.Code))
}

func failure(name string, e ErrorCode, antenna uint8) []devices.Report {
	switch {
	case e == AntennaMissing && antenna > 0:
		return reader.Note("antenna_disconnected", "antenna %d is not connected", antenna)
	case e == AntennaMissing:
		return reader.Note("antenna_disconnected", "the antenna is not connected")
	case e == Success:
		return reader.Note(name, "answer: done")
	default:
		return reader.Note("failed", "%s: 0x%02x, %s", name, byte(e), e)
	}
}

func inventoryReports(f Frame) ([]devices.Report, error) {
	if e, ok := ParseRoundEnd(f); ok {
		if e.Code == Inventory {
			return reader.Note("inventory_ended", "antenna %d, %d sightings, %d a second", e.Antenna, e.Total, e.Rate), nil
		}
		return reader.Note("inventory_ended", "%d sightings in %d ms", e.Total, e.Millis), nil
	}
	if e, antenna, ok := ParseError(f); ok {
		return failure(names[f.Code], e, antenna), nil
	}
	s, err := ParseSighting(f)
	if err != nil {
		return nil, err
	}
	return sighting(s)
}

// answers tells whether a byte that stands alone is rather a code than a figure of the command.
func (e ErrorCode) answers(c Code) bool {
	switch c {
	case GetPower:
		return false
	case SetPower:
		return e == Success || e == Failed || e > highestPower
	default:
		return errorTexts[e] != ""
	}
}

// highestPower that readers of this family have, in dBm.
const highestPower = 33

func sighting(s Sighting) ([]devices.Report, error) {
	r, err := s.Read()
	if err != nil {
		return nil, err
	}
	return reader.Sightings(r), nil
}

func (c Command) text() string {
	switch c.Code {
	case SetAntenna:
		return fmt.Sprintf(": antenna %d", c.Antenna)
	case SetPower:
		return fmt.Sprintf(": %d dBm", c.Power)
	case SetRegion:
		return fmt.Sprintf(": plan %d, channels %d to %d", c.Region.Plan, c.Region.First, c.Region.Last)
	case Inventory, FastInventory:
		return fmt.Sprintf(": %d rounds", c.Repeat)
	default:
		return ""
	}
}
