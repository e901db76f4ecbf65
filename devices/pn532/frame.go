package pn532

import (
	"errors"
	"fmt"
)

// Kind is what a frame is.
type Kind uint8

// The kinds of frame.
const (
	Data        Kind = 1 + iota // a command or a response
	ACK                         // the frame before arrived
	NACK                        // please send the last response again
	SyntaxError                 // the PN532 did not understand the command
)

// Direction is the first byte of a Data frame's payload.
type Direction byte

// The directions.
const (
	ToChip   Direction = 0xD4
	FromChip Direction = 0xD5
)

// Code is a command; its response carries Code + 1.
type Code byte

// The commands that are spoken here.
const (
	GetFirmwareVersion  Code = 0x02
	SAMConfiguration    Code = 0x14
	RFConfiguration     Code = 0x32
	InDataExchange      Code = 0x40 // bytes to a card, and the card's answer
	InListPassiveTarget Code = 0x4A
	InRelease           Code = 0x52
)

// Response gives the code of the response to c.
func (c Code) Response() Code { return c + 1 }

// Sizes of a frame.
const (
	// MaxParams is the longest parameter field: 265 bytes of payload without direction and code.
	MaxParams = 263
	// MaxFrame is the longest frame in bytes.
	MaxFrame = 3 + 5 + MaxParams + 2 + 2

	maxNormal  = 255  // payload bytes in a normal frame
	errorFrame = 0x7F // the single payload byte of a SyntaxError
)

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = errors.New("frame is not complete")

// Frame is one frame. The other fields count where Kind is Data; Params of a decoded Frame are part of the buffer that
// was decoded.
type Frame struct {
	Kind      Kind
	Direction Direction
	Code      Code
	Params    []byte // at most MaxParams
}

// Append appends the bytes of f to b, in a normal frame where it fits and else in an extended one. Parameters beyond
// MaxParams are a programmer's error and panic.
func (f Frame) Append(b []byte) []byte {
	switch f.Kind {
	case ACK:
		return append(b, 0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00)
	case NACK:
		return append(b, 0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00)
	case SyntaxError:
		return append(b, 0x00, 0x00, 0xFF, 0x01, 0xFF, errorFrame, -errorFrame&0xFF, 0x00)
	}
	if len(f.Params) > MaxParams {
		panic("pn532: frame with too many parameters")
	}
	n := len(f.Params) + 2
	b = append(b, 0x00, 0x00, 0xFF)
	if n <= maxNormal {
		b = append(b, byte(n), byte(-n))
	} else {
		b = append(b, 0xFF, 0xFF, byte(n>>8), byte(n), byte(-(n>>8 + n)))
	}
	start := len(b)
	b = append(b, byte(f.Direction), byte(f.Code))
	b = append(b, f.Params...)
	return append(b, -sum(b[start:]), 0x00)
}

// NextFrame takes the first frame out of buf, as framing.Decoder wants it. Bytes before it that belong to no frame are
// skipped and counted, but for the zeros that may stand around any frame. Without a whole frame it gives ErrIncomplete, and
// rest is what must be kept: it starts where a frame may have begun, and is shorter than MaxFrame. It does not allocate
// unless noise looks like a frame.
//
// A stray 00 FF can look like the start of a long frame. Who hears nothing more for a while should drop the first byte
// of rest and decode again.
func NextFrame(buf []byte) (f Frame, rest []byte, skipped int, err error) {
	for i := range buf {
		if buf[i] != 0 {
			skipped++
			continue
		}
		f, n, err := frameAt(buf[i:])
		switch {
		case err == nil:
			return f, buf[i+n:], skipped, nil
		case errors.Is(err, ErrIncomplete):
			return Frame{}, buf[i:], skipped, ErrIncomplete
		}
	}
	return Frame{}, buf[len(buf):], skipped, ErrIncomplete
}

var errNoStart = errors.New("a frame begins with 00 FF")

// frameAt reads the frame whose start code 00 FF is at the start of b, in n bytes without the zero behind it. It fails with
// ErrIncomplete where b may be the start of a longer frame, else with the reason why no frame begins there.
func frameAt(b []byte) (f Frame, n int, err error) {
	switch {
	case b[0] != 0, len(b) > 1 && b[1] != 0xFF:
		return Frame{}, 0, errNoStart
	case len(b) < 4:
		return Frame{}, 0, ErrIncomplete
	case b[2] == 0x00 && b[3] == 0xFF:
		return Frame{Kind: ACK}, 4, nil
	case b[2] == 0xFF && b[3] == 0x00:
		return Frame{Kind: NACK}, 4, nil
	case b[2] == 0xFF && b[3] == 0xFF:
		if len(b) < 7 {
			return Frame{}, 0, ErrIncomplete
		}
		if s := sum(b[4:7]); s != 0 {
			return Frame{}, 0, fmt.Errorf("checksum of the length %02x %02x is %02x; %02x would be right", b[4], b[5], b[6], b[6]-s)
		}
		return dataAt(b, 7, int(b[4])<<8|int(b[5]))
	case b[2]+b[3] != 0:
		return Frame{}, 0, fmt.Errorf("checksum of the length %02x is %02x; %02x would be right", b[2], b[3], -b[2])
	default:
		return dataAt(b, 4, int(b[2]))
	}
}

// dataAt reads a payload of size bytes and its checksum, which begin at from.
func dataAt(b []byte, from, size int) (f Frame, n int, err error) {
	if size == 0 || size > MaxParams+2 {
		return Frame{}, 0, fmt.Errorf("length %d of the payload is not 1 to %d", size, MaxParams+2)
	}
	n = from + size + 1
	if len(b) < n {
		return Frame{}, 0, ErrIncomplete
	}
	if s := sum(b[from:n]); s != 0 {
		return Frame{}, 0, fmt.Errorf("checksum of the payload is %02x; %02x would be right", b[n-1], b[n-1]-s)
	}
	f, err = payloadFrame(b[from : n-1 : n-1])
	return f, n, err
}

// payloadFrame makes a Frame of a payload: D4 or D5, code and parameters, or the one byte of a SyntaxError.
func payloadFrame(p []byte) (Frame, error) {
	switch {
	case len(p) == 1 && p[0] == errorFrame:
		return Frame{Kind: SyntaxError}, nil
	case len(p) < 2:
		return Frame{}, errors.New("payload lacks its code")
	case p[0] != byte(ToChip) && p[0] != byte(FromChip):
		return Frame{}, fmt.Errorf("payload begins with %02x; d4 or d5 would be right", p[0])
	}
	return Frame{Kind: Data, Direction: Direction(p[0]), Code: Code(p[1]), Params: p[2:]}, nil
}

func sum(b []byte) byte {
	var s byte
	for _, v := range b {
		s += v
	}
	return s
}
