package chafon

import (
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Code is a command, and the answer to it.
type Code byte

// The commands.
const (
	Inventory Code = 0x01
	GetInfo   Code = 0x21
	SetRegion Code = 0x22
	SetPower  Code = 0x2F
	SetMode   Code = 0x76 // UHFReader288: whether the reader reports by itself
	Live      Code = 0xEE // UHFReader288: what it then reports; never asked
)

func (c Code) known() bool {
	switch c {
	case Inventory, GetInfo, SetRegion, SetPower, SetMode, Live:
		return true
	}
	return false
}

// AnyAddress asks whatever reader hears it.
const AnyAddress byte = 0xFF

// Sizes of a frame.
const (
	overhead = 4 // address, command and CRC: counted by the length
	// MaxFrame is the longest frame in bytes.
	MaxFrame = 0xFF + 1
	// MaxData is the longest data.
	MaxData = 0xFF - overhead
)

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = reader.ErrIncomplete

// Frame is one message: a command, or an answer, whose Data begin with a Status. Data of a decoded Frame are part of the
// buffer that was decoded.
type Frame struct {
	Addr byte
	Code Code
	Data []byte // at most MaxData
}

// Append appends the bytes of f to b. Data beyond MaxData are a programmer's error and panic.
func (f Frame) Append(b []byte) []byte {
	if len(f.Data) > MaxData {
		panic("chafon: frame with too many data")
	}
	start := len(b)
	b = append(b, byte(len(f.Data)+overhead), f.Addr, byte(f.Code))
	b = append(b, f.Data...)
	crc := checksum(b[start:])
	return append(b, byte(crc), byte(crc>>8))
}

// DecodeFrame takes the first frame with a known command out of buf; see reader.First.
func DecodeFrame(buf []byte) (f Frame, rest []byte, skipped int, err error) {
	return reader.First(buf, liveAt)
}

var errUnknown = errors.New("command is not known")

// liveAt is frameAt for a stream, in which a byte that is no length would otherwise be waited for.
func liveAt(b []byte) (Frame, int, error) {
	if len(b) > 2 && !Code(b[2]).known() {
		return Frame{}, 0, errUnknown
	}
	return frameAt(b)
}

// frameAt reads the frame at the start of b and gives its length; see reader.At.
func frameAt(b []byte) (Frame, int, error) {
	size := int(b[0])
	if size < overhead {
		return Frame{}, 0, fmt.Errorf("length is %d; %d is the least", size, overhead)
	}
	n := size + 1
	if len(b) < n {
		return Frame{}, 0, ErrIncomplete
	}
	if crc, got := checksum(b[:n-2]), uint16(b[n-2])|uint16(b[n-1])<<8; crc != got {
		return Frame{}, 0, fmt.Errorf("CRC is %04x; %04x would be right", got, crc)
	}
	return Frame{Addr: b[1], Code: Code(b[2]), Data: b[3 : n-2 : n-2]}, n, nil
}

// checksum is CRC-16/MCRF4XX: polynomial 0x1021 reflected, start 0xFFFF, no final XOR.
func checksum(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, v := range b {
		crc ^= uint16(v)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8408
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
