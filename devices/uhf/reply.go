package uhf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/uhf/reader"
	"github.com/tallydock/tallydock/devices/unit"
)

// FailureCode says why a command failed.
type FailureCode byte

// The failure codes; NoTag is the normal end of a round that found nothing.
const (
	NoTag      FailureCode = 0x15
	AccessFail FailureCode = 0x16
	BadCommand FailureCode = 0x17
	HopFail    FailureCode = 0x20 // no free radio channel was found
)

// String says what failed.
func (c FailureCode) String() string {
	switch c {
	case NoTag:
		return "no tag"
	case AccessFail:
		return "access to a tag failed"
	case BadCommand:
		return "the reader does not take this command or its parameters"
	case HopFail:
		return "the reader found no free radio channel"
	default:
		return fmt.Sprintf("failure 0x%02x", byte(c))
	}
}

// Done gives the response that says that a command was done.
func Done(code Code) Frame { return Frame{Type: ResponseFrame, Code: code, Params: []byte{0}} }

// Failed gives the response that says that a command failed.
func Failed(why FailureCode) Frame {
	return Frame{Type: ResponseFrame, Code: Failure, Params: []byte{byte(why)}}
}

// ParseFailure tells why a command failed, where f says that one did.
func ParseFailure(f Frame) (FailureCode, bool) {
	if f.Type != ResponseFrame || f.Code != Failure || len(f.Params) == 0 {
		return 0, false
	}
	return FailureCode(f.Params[0]), true
}

// VersionReply gives the response to a Version command.
func VersionReply(part Part, text string) Frame {
	return Frame{Type: ResponseFrame, Code: Version, Params: append([]byte{byte(part)}, text...)}
}

// ParseVersion reads the response to a Version command.
func ParseVersion(f Frame) (Part, string, error) {
	if f.Type != ResponseFrame || f.Code != Version || len(f.Params) == 0 {
		return 0, "", errors.New("frame is no answer to a version command")
	}
	return Part(f.Params[0]), string(f.Params[1:]), nil
}

// PowerReply gives the response to GetPower.
func PowerReply(power unit.DBm) Frame {
	return Frame{Type: ResponseFrame, Code: GetPower, Params: binary.BigEndian.AppendUint16(nil, uint16(power))}
}

// ParsePower reads the response to GetPower.
func ParsePower(f Frame) (unit.DBm, error) {
	if f.Type != ResponseFrame || f.Code != GetPower || len(f.Params) != 2 {
		return 0, errors.New("frame is no answer to a power command")
	}
	return unit.DBm(binary.BigEndian.Uint16(f.Params)), nil
}

// Notice is one sighting of a tag.
type Notice struct {
	RSSI int8   // dBm
	PC   uint16 // the tag's protocol control word; its upper 5 bits are the EPC's length in words of 2 bytes
	EPC  []byte // of a parsed Notice, part of the frame
	CRC  uint16 // as the tag sent it
}

// noticeOverhead is the RSSI, PC and CRC of a notice.
const noticeOverhead = 5

// MaxEPC is the longest EPC in bytes that a PC word can tell.
const MaxEPC = 62

// NewNotice makes the Notice of an EPC of 2 to MaxEPC bytes, an even number, with its PC and CRC as a tag computes them.
func NewNotice(epc []byte, rssi int8) (Notice, error) {
	if len(epc) == 0 || len(epc) > MaxEPC || len(epc)%2 != 0 {
		return Notice{}, fmt.Errorf("EPC has %d bytes; an even number from 2 to %d is possible", len(epc), MaxEPC)
	}
	n := Notice{RSSI: rssi, PC: uint16(len(epc)/2) << 11, EPC: epc}
	n.CRC = TagCRC(n.PC, n.EPC)
	return n, nil
}

// Append appends the notice's frame to b, without other allocation.
func (n Notice) Append(b []byte) []byte {
	b = slices.Grow(b, len(n.EPC)+noticeOverhead+overhead)
	var params [MaxParams]byte
	p := append(params[:0], byte(n.RSSI))
	p = binary.BigEndian.AppendUint16(p, n.PC)
	p = append(p, n.EPC...)
	p = binary.BigEndian.AppendUint16(p, n.CRC)
	return Frame{Type: NoticeFrame, Code: Poll, Params: p}.Append(b)
}

// ParseNotice reads the frame of a sighting. The EPC is as long as the PC word says; what a reader sends between it and
// the CRC is passed over. It does not allocate unless it fails.
func ParseNotice(f Frame) (Notice, error) {
	if f.Type != NoticeFrame || f.Code != Poll {
		return Notice{}, errors.New("frame is no sighting of a tag")
	}
	room := len(f.Params) - noticeOverhead
	if room < 0 {
		return Notice{}, fmt.Errorf("sighting has %d bytes of parameters; at least %d are needed", len(f.Params), noticeOverhead)
	}
	n := Notice{RSSI: int8(f.Params[0]), PC: binary.BigEndian.Uint16(f.Params[1:])}
	size := int(n.PC>>11) * 2
	if size > room {
		return Notice{}, fmt.Errorf("the tag's PC word 0x%04x tells %d bytes of EPC; the sighting has room for %d", n.PC, size, room)
	}
	n.EPC = f.Params[3 : 3+size : 3+size]
	n.CRC = binary.BigEndian.Uint16(f.Params[len(f.Params)-2:])
	return n, nil
}

// Tag gives the tag that was seen. It fails where the CRC is wrong, so that noise on the line, which the frame's own
// checksum of 8 bits may let pass, makes no tag; and where the EPC is empty or longer than a devices.Tag holds.
func (n Notice) Tag() (devices.Tag, error) {
	if crc := TagCRC(n.PC, n.EPC); crc != n.CRC {
		return devices.Tag{}, fmt.Errorf("EPC %x has the CRC %04x; %04x would be right", n.EPC, n.CRC, crc)
	}
	return devices.NewTag(devices.TagEPC, n.EPC)
}

// TagCRC is the CRC-16 of EPC Gen2 over a PC word and an EPC.
func TagCRC(pc uint16, epc []byte) uint16 { return reader.TagCRC(pc, epc) }
