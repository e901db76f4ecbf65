package chafon

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Decode18 is a devices.Decoder: it tells what frames of a UHFReader18 say, in both directions. A tag becomes a Read
// without RSSI; an inventory without a tag is the Notice "no_tag".
func Decode18(data []byte) ([]devices.Report, error) {
	return reader.Reports(data, frameAt, Reader18.reports)
}

// Decode288 does so for a UHFReader288 or RRU9803M; its Reads have an antenna, and RSSI on the reader's own scale.
func Decode288(data []byte) ([]devices.Report, error) {
	return reader.Reports(data, frameAt, Reader288.reports)
}

var _, _ devices.Decoder = Decode18, Decode288

var names = map[Code]string{
	Inventory: "inventory", GetInfo: "reader_info", SetRegion: "set_region", SetPower: "set_power", SetMode: "set_mode",
	Live: "live",
}

func (d Dialect) reports(f Frame) ([]devices.Report, error) {
	name, known := names[f.Code]
	if !known {
		return reader.Note("other", "frame of command 0x%02x, which is not known here: data %x", byte(f.Code), f.Data), nil
	}
	if c, err := ParseCommand(d, f); err == nil && !isAnswer(f) {
		return reader.Note(name, "command to address %02x%s", c.Addr, c.text(d)), nil
	}
	switch f.Code {
	case Inventory:
		t, err := ParseTags(d, f)
		return d.tags(t, err)
	case Live:
		t, err := ParseLive(f)
		return d.tags(t, err)
	case GetInfo:
		i, err := ParseInfo(f)
		if err != nil {
			return nil, err
		}
		return reader.Note(name, "%s", i), nil
	}
	s, err := StatusOf(f)
	if err != nil {
		return nil, err
	}
	return reader.Note(name, "answer: %s", s), trailing(f.Data[1:])
}

// isAnswer tells the answer "done" from a command that sets a value to 0, which has the same bytes; the commands of this
// package go to AnyAddress, and an answer comes from the reader's own.
func isAnswer(f Frame) bool {
	return f.Addr != AnyAddress && len(f.Data) == 1 && (f.Code == SetPower || f.Code == SetMode) && f.Data[0] == byte(OK)
}

func (c Command) text(d Dialect) string {
	switch {
	case c.Code == Inventory && d == Reader288:
		return fmt.Sprintf(": antenna %d, Q %d, session %d, up to %d tenths of a second", c.Scan.Antenna, c.Scan.Q, c.Scan.Session, c.Scan.Time)
	case c.Code == SetRegion:
		return fmt.Sprintf(": band %d", c.Band.Number)
	case c.Code == SetPower:
		return fmt.Sprintf(": %d dBm", c.Power)
	default:
		return ""
	}
}

// String gives the line for people.
func (i Info) String() string {
	band, first := bandOf(i.Highest, i.Lowest)
	return fmt.Sprintf("type 0x%02x, version %d.%d, band %d channels %d to %d, %d dBm, inventory up to %d tenths of a second%s",
		i.Type, i.Version[0], i.Version[1], band.Number, first, band.Last, i.Power, i.ScanTime, moreText(i.More))
}

func moreText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return ", more " + hex.EncodeToString(b)
}

// tags tells of a frame with sightings. What it has is told even where it ends in a mess.
func (d Dialect) tags(t Tags, err error) ([]devices.Report, error) {
	var all []devices.Report
	for _, s := range t.Seen {
		r, e := s.Read(d, t.Antenna())
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		all = append(all, reader.Sightings(r)...)
	}
	if err != nil || len(all) > 0 {
		return all, err
	}
	if t.Status.tells() || t.Status == NoTag || t.Status == Heartbeat {
		return reader.Note("no_tag", "%s", t.Status), nil
	}
	return reader.Note("failed", "0x%02x: %s", byte(t.Status), t.Status), nil
}
