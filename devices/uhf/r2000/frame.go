package r2000

import (
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Code is a command, and the answer to it.
type Code byte

// The commands.
const (
	Version       Code = 0x72 // the firmware's version
	SetAntenna    Code = 0x74 // for Inventory
	SetPower      Code = 0x76 // kept in flash
	GetPower      Code = 0x77
	SetRegion     Code = 0x78 // kept in flash
	GetRegion     Code = 0x79
	Inventory     Code = 0x89 // rounds with one antenna, told at once
	FastInventory Code = 0x8A // rounds over several antennas, told at once
)

// AnyAddress asks whatever reader hears it.
const AnyAddress byte = 0xFF

// Sizes of a frame.
const (
	head     = 0xA0
	overhead = 3 // address, command and check: counted by the length
	// MaxFrame is the longest frame in bytes.
	MaxFrame = 0xFF + 2
	// MaxData is the longest data.
	MaxData = 0xFF - overhead
)

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = reader.ErrIncomplete

var errNoHead = errors.New("a frame begins with A0")

// Frame is one message, a command or an answer. Data of a decoded Frame are part of the buffer that was decoded.
type Frame struct {
	Addr byte
	Code Code
	Data []byte // at most MaxData
}

// Append appends the bytes of f to b. Data beyond MaxData are a programmer's error and panic.
func (f Frame) Append(b []byte) []byte {
	if len(f.Data) > MaxData {
		panic("r2000: frame with too many data")
	}
	start := len(b)
	b = append(b, head, byte(len(f.Data)+overhead), f.Addr, byte(f.Code))
	b = append(b, f.Data...)
	return append(b, check(b[start:]))
}

// DecodeFrame takes the first frame out of buf; see reader.First. It does not allocate unless noise looks like a frame.
func DecodeFrame(buf []byte) (f Frame, rest []byte, skipped int, err error) {
	return reader.First(buf, frameAt)
}

// frameAt reads the frame at the start of b and gives its length; see reader.At.
func frameAt(b []byte) (Frame, int, error) {
	switch {
	case b[0] != head:
		return Frame{}, 0, errNoHead
	case len(b) < 2:
		return Frame{}, 0, ErrIncomplete
	case b[1] < overhead:
		return Frame{}, 0, fmt.Errorf("length is %d; %d is the least", b[1], overhead)
	}
	n := int(b[1]) + 2
	if len(b) < n {
		return Frame{}, 0, ErrIncomplete
	}
	if sum := check(b[:n-1]); sum != b[n-1] {
		return Frame{}, 0, fmt.Errorf("checksum is %02x; %02x would be right", b[n-1], sum)
	}
	return Frame{Addr: b[2], Code: Code(b[3]), Data: b[4 : n-1 : n-1]}, n, nil
}

// check is what makes the sum of the bytes 0.
func check(b []byte) byte {
	var sum byte
	for _, v := range b {
		sum += v
	}
	return -sum
}
