package r2000

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// ErrorCode says how a command went.
type ErrorCode byte

// The codes that the driver or a simulator needs to know; there are more.
const (
	Success        ErrorCode = 0x10
	Failed         ErrorCode = 0x11
	AntennaMissing ErrorCode = 0x22
)

// errorTexts of the codes, as the protocol lists them.
var errorTexts = map[ErrorCode]string{
	Success: "done", Failed: "the command failed", 0x20: "the reader's processor could not be reset",
	0x21: "the transmitter could not be turned on", AntennaMissing: "the antenna is not connected",
	0x23: "the flash could not be written", 0x24: "the flash could not be read", 0x25: "the power could not be set",
	0x31: "the inventory failed", 0x36: "no tag", 0x41: "the reader does not take the parameter",
	0x4E: "the power that was set is not reached",
}

// String says what the code means.
func (c ErrorCode) String() string {
	if s, ok := errorTexts[c]; ok {
		return s
	}
	return fmt.Sprintf("error 0x%02x", byte(c))
}

// Reply gives an answer that is a code alone.
func Reply(addr byte, code Code, e ErrorCode) Frame {
	return Frame{Addr: addr, Code: code, Data: []byte{byte(e)}}
}

// AntennaFailed gives what a FastInventory says of an antenna, 1 to 4, that it could not use.
func AntennaFailed(addr byte, antenna uint8, e ErrorCode) Frame {
	return Frame{Addr: addr, Code: FastInventory, Data: []byte{antenna - 1, byte(e)}}
}

// VersionReply gives the answer to Version.
func VersionReply(addr, major, minor byte) Frame {
	return Frame{Addr: addr, Code: Version, Data: []byte{major, minor}}
}

// Sighting is one sighting of a tag.
type Sighting struct {
	Code    Code   // Inventory or FastInventory
	Antenna uint8  // 1 to 4
	Channel byte   // 0 to 59; see ChannelKHz
	PC      uint16 // the tag's protocol control word; its upper 5 bits are the EPC's length in words of 2 bytes
	EPC     []byte // of a parsed Sighting, part of the frame
	RSSI    byte   // see Strength
}

const (
	sightingOverhead = 4  // channel and antenna, PC, RSSI
	maxEPC           = 62 // bytes that a PC word can tell
	lastChannel      = 59
	rssiZero         = 129 // the byte that stands for 0 dBm
)

// NewSighting makes the Sighting of an EPC of 2 to 62 bytes, an even number, with the PC that a tag has for it; rssi is
// -129 to 126 dBm.
func NewSighting(code Code, antenna uint8, channel byte, epc []byte, rssi int) (Sighting, error) {
	if len(epc) == 0 || len(epc) > maxEPC || len(epc)%2 != 0 {
		return Sighting{}, fmt.Errorf("EPC has %d bytes; an even number from 2 to %d is possible", len(epc), maxEPC)
	}
	if antenna < 1 || antenna > Antennas || channel > lastChannel || rssi < -rssiZero || rssi > 0xFF-rssiZero {
		return Sighting{}, fmt.Errorf("antenna %d, channel %d or strength %d dBm cannot be told", antenna, channel, rssi)
	}
	return Sighting{code, antenna, channel, uint16(len(epc)/2) << 11, epc, byte(rssi + rssiZero)}, nil
}

// Frame gives the frame that tells it.
func (s Sighting) Frame(addr byte) Frame {
	data := append(make([]byte, 0, len(s.EPC)+sightingOverhead), s.Channel<<2|(s.Antenna-1)&3)
	data = binary.BigEndian.AppendUint16(data, s.PC)
	data = append(data, s.EPC...)
	return Frame{Addr: addr, Code: s.Code, Data: append(data, s.RSSI)}
}

// Strength gives the signal strength: 129 stands for 0 dBm.
func (s Sighting) Strength() unit.DBm { return unit.DBm(int(s.RSSI)-rssiZero) * 100 }

// ChannelKHz gives the frequency of a channel: 0 to 6 are 865 MHz and up by 0.5, 7 to 59 are 902 MHz and up by 0.5; 0 of
// others.
func ChannelKHz(channel byte) uint32 {
	switch {
	case channel <= 6:
		return 865_000 + 500*uint32(channel)
	case channel <= lastChannel:
		return 902_000 + 500*uint32(channel-7)
	default:
		return 0
	}
}

// Read gives the Read of a sighting. It fails where the EPC is empty or too long.
func (s Sighting) Read() (devices.Read, error) {
	tag, err := devices.NewTag(devices.TagEPC, s.EPC)
	if err != nil {
		return devices.Read{}, err
	}
	return devices.Read{
		Tag: tag, Antenna: s.Antenna, RSSI: s.Strength(), HasRSSI: true, ChannelKHz: ChannelKHz(s.Channel), Count: 1,
	}, nil
}

func inventory(c Code) bool { return c == Inventory || c == FastInventory }

// ParseSighting reads a frame that tells a tag: one whose PC word tells the length that its EPC has. It does not allocate
// unless it fails.
func ParseSighting(f Frame) (Sighting, error) {
	n := len(f.Data)
	if !inventory(f.Code) || n < sightingOverhead {
		return Sighting{}, errors.New("frame is no sighting of a tag")
	}
	s := Sighting{
		Code: f.Code, Antenna: f.Data[0]&3 + 1, Channel: f.Data[0] >> 2, PC: binary.BigEndian.Uint16(f.Data[1:]),
		EPC: f.Data[3 : n-1 : n-1], RSSI: f.Data[n-1],
	}
	if size := int(s.PC>>11) * 2; size != len(s.EPC) {
		return Sighting{}, fmt.Errorf("the tag's PC word 0x%04x tells %d bytes of EPC; the sighting has %d", s.PC, size, len(s.EPC))
	}
	return s, nil
}

// RoundEnd is what ends an inventory.
type RoundEnd struct {
	Code    Code
	Antenna uint8  // Inventory: 1 to 4
	Rate    uint16 // Inventory: sightings in a second
	Millis  uint32 // FastInventory: how long it took
	Total   uint32 // sightings; up to 2^24 - 1 in FastInventory
}

const endBytes = 7 // no sighting has as many, because an EPC has an even number

// Frame gives the frame that tells it.
func (e RoundEnd) Frame(addr byte) Frame {
	var data []byte
	if e.Code == Inventory {
		data = binary.BigEndian.AppendUint16([]byte{e.Antenna - 1}, e.Rate)
		data = binary.BigEndian.AppendUint32(data, e.Total)
	} else {
		data = []byte{byte(e.Total >> 16), byte(e.Total >> 8), byte(e.Total)}
		data = binary.BigEndian.AppendUint32(data, e.Millis)
	}
	return Frame{Addr: addr, Code: e.Code, Data: data}
}

// ParseRoundEnd reads the frame that ends an inventory, and tells whether f is one.
func ParseRoundEnd(f Frame) (RoundEnd, bool) {
	if !inventory(f.Code) || len(f.Data) != endBytes {
		return RoundEnd{}, false
	}
	b := f.Data
	if f.Code == Inventory {
		return RoundEnd{
			Code: f.Code, Antenna: b[0] + 1, Rate: binary.BigEndian.Uint16(b[1:]), Total: binary.BigEndian.Uint32(b[3:]),
		}, true
	}
	return RoundEnd{
		Code: f.Code, Total: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]), Millis: binary.BigEndian.Uint32(b[3:]),
	}, true
}

// ParseError reads a code that says how a command went, and the antenna that it is of, 1 to 4, or 0 where the frame does
// not name one.
func ParseError(f Frame) (e ErrorCode, antenna uint8, ok bool) {
	switch {
	case len(f.Data) == 1:
		return ErrorCode(f.Data[0]), 0, true
	case len(f.Data) == 2 && f.Code == FastInventory:
		return ErrorCode(f.Data[1]), f.Data[0] + 1, true
	default:
		return 0, 0, false
	}
}
