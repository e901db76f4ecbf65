package uhf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Type says who speaks and why.
type Type byte

// The types of frame.
const (
	CommandFrame  Type = 0 // gateway to reader
	ResponseFrame Type = 1 // the answer to a command; also a Failure while polling
	NoticeFrame   Type = 2 // a sighting of a tag
)

// Code is a command, and the response or notice that belongs to it.
type Code byte

// The commands.
const (
	Version   Code = 0x03 // what the reader is
	SetRegion Code = 0x07
	GetRegion Code = 0x08
	Poll      Code = 0x22 // one round; also the code of every notice
	MultiPoll Code = 0x27 // a number of rounds
	Stop      Code = 0x28 // ends a MultiPoll
	SetPower  Code = 0xB6
	GetPower  Code = 0xB7
	Failure   Code = 0xFF // in responses only: the command failed
)

// Sizes of a frame.
const (
	// MaxParams is the longest parameter field taken for real; the longest that readers send is an answer to a memory
	// read, well below.
	MaxParams = 512
	overhead  = 7 // BB, type, code, 2 of length, checksum, 7E
	// MaxFrame is the longest frame in bytes.
	MaxFrame = MaxParams + overhead

	head = 0xBB
	tail = 0x7E
)

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = reader.ErrIncomplete

// Frame is one message. Params of a decoded Frame are part of the buffer that was decoded.
type Frame struct {
	Type   Type
	Code   Code
	Params []byte // at most MaxParams
}

// Append appends the bytes of f to b. Parameters beyond MaxParams are a programmer's error and panic.
func (f Frame) Append(b []byte) []byte {
	if len(f.Params) > MaxParams {
		panic("uhf: frame with too many parameters")
	}
	start := len(b) + 1
	b = append(b, head, byte(f.Type), byte(f.Code))
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.Params)))
	b = append(b, f.Params...)
	return append(b, checksum(b[start:]), tail)
}

// Decode takes the first frame out of buf. Bytes before it that belong to no frame are skipped and counted. Without a
// whole frame it gives ErrIncomplete, and rest is what must be kept: it starts where a frame may have begun, and is
// shorter than MaxFrame. It does not allocate unless noise looks like a frame.
//
// A stray BB can look like the start of a long frame. Who hears nothing more for a while should drop the first byte of
// rest and decode again.
func Decode(buf []byte) (f Frame, rest []byte, skipped int, err error) {
	return reader.First(buf, frameAt)
}

var errNoHead = errors.New("a frame begins with BB")

// frameAt reads the frame at the start of b and gives its length; see reader.At.
func frameAt(b []byte) (f Frame, n int, err error) {
	switch {
	case b[0] != head:
		return Frame{}, 0, errNoHead
	case len(b) > 1 && b[1] > byte(NoticeFrame):
		return Frame{}, 0, fmt.Errorf("type %d of frame is not known; it is 0 to 2", b[1])
	case len(b) < 5:
		return Frame{}, 0, ErrIncomplete
	}
	size := int(binary.BigEndian.Uint16(b[3:]))
	n = size + overhead
	if size > MaxParams {
		return Frame{}, 0, fmt.Errorf("length %d of the parameters is more than %d", size, MaxParams)
	}
	if len(b) < n {
		return Frame{}, 0, ErrIncomplete
	}
	if sum := checksum(b[1 : n-2]); sum != b[n-2] {
		return Frame{}, 0, fmt.Errorf("checksum is %02x; %02x would be right", b[n-2], sum)
	}
	if b[n-1] != tail {
		return Frame{}, 0, fmt.Errorf("frame ends with %02x, not 7e", b[n-1])
	}
	return Frame{Type: Type(b[1]), Code: Code(b[2]), Params: b[5 : 5+size : 5+size]}, n, nil
}

func checksum(b []byte) byte {
	var sum byte
	for _, v := range b {
		sum += v
	}
	return sum
}
