package uhf

import (
	"encoding/hex"
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// DecodeM100 is a devices.Decoder: it tells what frames of this family say, in both directions. A sighting becomes a Read
// with RSSI in dBm; a round without a tag is the Notice "no_tag".
func DecodeM100(data []byte) ([]devices.Report, error) { return reader.Reports(data, frameAt, reports) }

var _ devices.Decoder = DecodeM100

func reports(f Frame) ([]devices.Report, error) {
	switch f.Type {
	case CommandFrame:
		return commandReport(f)
	case ResponseFrame:
		return responseReport(f)
	}
	seen, err := sighting(f)
	if err != nil {
		return nil, err
	}
	return reader.Sightings(seen), nil
}

// names of the commands and of their answers.
var names = map[Code]string{
	Version: "version", SetRegion: "set_region", GetRegion: "get_region", Poll: "poll", MultiPoll: "multi_poll",
	Stop: "stop", SetPower: "set_power", GetPower: "get_power", readMemory: "read_memory",
}

// readMemory reads a bank of a tag; the driver does not use it.
const readMemory Code = 0x39

func commandReport(f Frame) ([]devices.Report, error) {
	if f.Code == readMemory {
		return reader.Note("read_memory", "command 0x39 to read a tag's memory, parameters %x", f.Params), nil
	}
	c, err := ParseCommand(f)
	if err != nil {
		return nil, err
	}
	text := "command"
	switch c.Code {
	case Version:
		text = fmt.Sprintf("command, part %d", c.Part)
	case MultiPoll:
		text = fmt.Sprintf("command, %d rounds", c.Rounds)
	case SetPower:
		text = fmt.Sprintf("command, %s", c.Power)
	case SetRegion:
		text = fmt.Sprintf("command, region %d", c.Region)
	}
	return reader.Note(names[c.Code], "%s", text), nil
}

func responseReport(f Frame) ([]devices.Report, error) {
	if why, failed := ParseFailure(f); failed {
		if why == NoTag {
			return reader.Note("no_tag", "a round found no tag"), nil
		}
		return reader.Note("failed", "0x%02x: %s", byte(why), why), nil
	}
	if _, text, err := ParseVersion(f); err == nil {
		return reader.Note("version", "%q", text), nil
	}
	if power, err := ParsePower(f); err == nil {
		return reader.Note("get_power", "%s", power), nil
	}
	name := names[f.Code]
	if name == "" {
		return nil, fmt.Errorf("answer to command 0x%02x is not known", byte(f.Code))
	}
	return reader.Note(name, "answer %s", hex.EncodeToString(f.Params)), nil
}
