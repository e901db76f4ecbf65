package chafon

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Status is the first byte of an answer's data.
type Status byte

// The statuses.
const (
	OK          Status = 0x00
	Finished    Status = 0x01 // the inventory has ended; the tags are the last
	TimeOver    Status = 0x02 // the inventory has ended for want of time; the tags are the last
	More        Status = 0x03 // more frames of this inventory follow
	Full        Status = 0x04 // the inventory has ended for want of memory; the tags are the last
	Heartbeat   Status = 0x28 // in Live frames: no tag for a while
	NoAntenna   Status = 0xF8
	ExecFailed  Status = 0xF9
	BadLink     Status = 0xFA
	NoTag       Status = 0xFB
	BadLength   Status = 0xFD
	BadCommand  Status = 0xFE
	BadArgument Status = 0xFF
)

// String says what the status means.
func (s Status) String() string {
	switch s {
	case OK:
		return "done"
	case Finished:
		return "the inventory has ended"
	case TimeOver:
		return "the inventory has ended for want of time"
	case More:
		return "more frames of the inventory follow"
	case Full:
		return "the inventory has filled the reader's memory"
	case Heartbeat:
		return "no tag for a while"
	case NoAntenna:
		return "the antenna is not connected"
	case ExecFailed:
		return "the reader could not carry the command out"
	case BadLink:
		return "a tag is there, but is heard too badly"
	case NoTag:
		return "no tag"
	case BadLength:
		return "the command has a wrong length"
	case BadCommand:
		return "the reader does not know the command, or it was damaged on the line"
	case BadArgument:
		return "the reader does not take the command's parameters"
	default:
		return fmt.Sprintf("status 0x%02x", byte(s))
	}
}

// tells reports whether an inventory's answer with this status has tags after it.
func (s Status) tells() bool { return s >= Finished && s <= Full }

// Reply gives an answer without more data.
func Reply(addr byte, code Code, s Status) Frame {
	return Frame{Addr: addr, Code: code, Data: []byte{byte(s)}}
}

// StatusOf gives the status of an answer.
func StatusOf(f Frame) (Status, error) {
	if len(f.Data) == 0 {
		return 0, errors.New("frame has no status: it is a command, no answer")
	}
	return Status(f.Data[0]), nil
}

// Sighting is one tag of an inventory.
type Sighting struct {
	EPC  []byte // of a parsed Tags, part of the frame
	RSSI byte   // UHFReader288: on the reader's own scale
}

// Read gives the Read of a sighting by an antenna of a dialect. It fails where the EPC is empty or too long.
func (s Sighting) Read(d Dialect, antenna uint8) (devices.Read, error) {
	tag, err := devices.NewTag(devices.TagEPC, s.EPC)
	if err != nil {
		return devices.Read{}, err
	}
	r := devices.Read{Tag: tag, Antenna: antenna, Count: 1}
	if d == Reader288 {
		r.RSSI, r.HasRSSI, r.RSSIRelative = unit.DBm(s.RSSI)*100, true, true
	}
	return r, nil
}

// Tags is the answer to an Inventory, or one frame of it.
type Tags struct {
	Status Status
	Mask   byte // UHFReader288: a bit for each antenna that heard them
	Seen   []Sighting
}

// Antenna gives the antenna that the mask names; 0 where it names none, or several.
func (t Tags) Antenna() uint8 {
	if bits.OnesCount8(t.Mask) != 1 {
		return 0
	}
	return uint8(bits.TrailingZeros8(t.Mask)) + 1
}

// MaskOf gives the mask that names antenna 1 to 8.
func MaskOf(antenna uint8) byte { return 1 << (antenna - 1) }

// NewTagsFrame makes the frame of an inventory's answer; Seen must fit, which some 15 tags of 12 bytes do.
func NewTagsFrame(d Dialect, addr byte, t Tags) (Frame, error) {
	data := []byte{byte(t.Status)}
	if t.Status.tells() {
		if d == Reader288 {
			data = append(data, t.Mask)
		}
		data = append(data, byte(len(t.Seen)))
	}
	for _, s := range t.Seen {
		data = append(data, byte(len(s.EPC)))
		data = append(data, s.EPC...)
		if d == Reader288 {
			data = append(data, s.RSSI)
		}
	}
	if len(data) > MaxData || !t.Status.tells() && len(t.Seen) > 0 {
		return Frame{}, fmt.Errorf("%d tags with status %d have no room in a frame", len(t.Seen), t.Status)
	}
	return Frame{Addr: addr, Code: Inventory, Data: data}, nil
}

// ParseTags reads the answer to an Inventory. It must be whole: tags as many as it says, and nothing behind them.
func ParseTags(d Dialect, f Frame) (Tags, error) {
	s, err := StatusOf(f)
	if err != nil || f.Code != Inventory {
		return Tags{}, errors.Join(err, notOf("an inventory", f, Inventory))
	}
	t, b := Tags{Status: s}, f.Data[1:]
	if !s.tells() || len(b) == 0 {
		return t, trailing(b)
	}
	if d == Reader288 {
		t.Mask, b = b[0], b[1:]
	}
	if len(b) == 0 {
		return t, errors.New("inventory does not say how many tags it has")
	}
	n := int(b[0])
	b = b[1:]
	for i := range n {
		s, rest, err := sightingAt(d, b)
		if err != nil {
			return t, fmt.Errorf("tag %d of %d: %w", i+1, n, err)
		}
		t.Seen, b = append(t.Seen, s), rest
	}
	return t, trailing(b)
}

// sightingAt takes one tag: the length of its EPC, the EPC, and its strength where the dialect tells it.
func sightingAt(d Dialect, b []byte) (s Sighting, rest []byte, err error) {
	more := 0
	if d == Reader288 {
		more = 1
	}
	if len(b) == 0 || len(b) < 1+int(b[0])+more {
		return s, nil, errors.New("frame ends within it")
	}
	n := int(b[0])
	s.EPC, b = b[1:1+n:1+n], b[1+n:]
	if more > 0 {
		s.RSSI = b[0]
	}
	return s, b[more:], nil
}

func trailing(b []byte) error {
	if len(b) > 0 {
		return fmt.Errorf("%d bytes are left over", len(b))
	}
	return nil
}

func notOf(what string, f Frame, want Code) error {
	if f.Code == want {
		return nil
	}
	return fmt.Errorf("command 0x%02x is not that of %s, 0x%02x", byte(f.Code), what, byte(want))
}

// ParseLive reads what a UHFReader288 reports by itself: one tag, or with Heartbeat none.
func ParseLive(f Frame) (Tags, error) {
	s, err := StatusOf(f)
	if err != nil || f.Code != Live {
		return Tags{}, errors.Join(err, notOf("a live report", f, Live))
	}
	t, b := Tags{Status: s}, f.Data[1:]
	if s != OK {
		return t, nil
	}
	if len(b) == 0 {
		return t, errors.New("live report does not say which antenna heard the tag")
	}
	t.Mask = b[0]
	seen, rest, err := sightingAt(Reader288, b[1:])
	if err != nil {
		return t, fmt.Errorf("live report: %w", err)
	}
	t.Seen = []Sighting{seen}
	return t, trailing(rest)
}

// Info is the answer to GetInfo.
type Info struct {
	Version  [2]byte // major, minor
	Type     byte    // 0x09 UHFReader18, 0x0C UHFReader288
	Protocol byte    // bit 0 ISO 18000-6B, bit 1 EPC Gen2
	Highest  byte    // channel, with two bits of the band; see Band.Bytes
	Lowest   byte
	Power    byte   // dBm
	ScanTime byte   // the longest that an inventory takes, in tenths of a second, where it does not say itself
	More     []byte // what the model tells beside; of a parsed Info, part of the frame
}

const infoBytes = 8

// Frame gives the answer.
func (i Info) Frame(addr byte) Frame {
	data := []byte{byte(OK), i.Version[0], i.Version[1], i.Type, i.Protocol, i.Highest, i.Lowest, i.Power, i.ScanTime}
	return Frame{Addr: addr, Code: GetInfo, Data: append(data, i.More...)}
}

// ParseInfo reads the answer to GetInfo.
func ParseInfo(f Frame) (Info, error) {
	s, err := StatusOf(f)
	if err != nil || f.Code != GetInfo {
		return Info{}, errors.Join(err, notOf("reader information", f, GetInfo))
	}
	if s != OK {
		return Info{}, errors.New(s.String())
	}
	b := f.Data[1:]
	if len(b) < infoBytes {
		return Info{}, fmt.Errorf("reader information has %d bytes; at least %d are needed", len(b), infoBytes)
	}
	return Info{
		Version: [2]byte{b[0], b[1]}, Type: b[2], Protocol: b[3], Highest: b[4], Lowest: b[5], Power: b[6], ScanTime: b[7],
		More: b[infoBytes:],
	}, nil
}
