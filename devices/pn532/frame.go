package pn532

import "errors"

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

// The commands.
const (
	GetFirmwareVersion  Code = 0x02
	SAMConfiguration    Code = 0x14
	RFConfiguration     Code = 0x32
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

// Decode takes the first frame out of buf. Bytes before it that belong to no frame are skipped and counted, but for the
// zeros that may stand around any frame. Without a whole frame it gives ErrIncomplete, and rest is what must be kept: it
// starts where a frame may have begun, and is shorter than MaxFrame. It does not allocate.
//
// A stray 00 FF can look like the start of a long frame. Who hears nothing more for a while should drop the first byte
// of rest and decode again.
func Decode(buf []byte) (f Frame, rest []byte, skipped int, err error) {
	for i := range buf {
		if buf[i] != 0 {
			skipped++
			continue
		}
		if i+1 == len(buf) {
			return Frame{}, buf[i:], skipped, ErrIncomplete
		}
		if buf[i+1] != 0xFF {
			continue
		}
		f, n, ok := frameAt(buf[i+2:])
		if ok && n == 0 {
			return Frame{}, buf[i:], skipped, ErrIncomplete
		}
		if ok {
			return f, buf[i+2+n:], skipped, nil
		}
	}
	return Frame{}, buf[len(buf):], skipped, ErrIncomplete
}

// frameAt reads the frame whose start code ends before b, in n bytes. With ok but no n, b may be the rest of a frame.
func frameAt(b []byte) (f Frame, n int, ok bool) {
	if len(b) < 2 {
		return Frame{}, 0, true
	}
	switch {
	case b[0] == 0x00 && b[1] == 0xFF:
		return Frame{Kind: ACK}, 2, true
	case b[0] == 0xFF && b[1] == 0x00:
		return Frame{Kind: NACK}, 2, true
	case b[0] == 0xFF && b[1] == 0xFF:
		if len(b) < 5 {
			return Frame{}, 0, true
		}
		if b[2]+b[3]+b[4] != 0 {
			return Frame{}, 0, false
		}
		return dataAt(b, 5, int(b[2])<<8|int(b[3]))
	case b[0]+b[1] != 0:
		return Frame{}, 0, false
	default:
		return dataAt(b, 2, int(b[0]))
	}
}

// dataAt reads a payload of size bytes and its checksum, which begin at from.
func dataAt(b []byte, from, size int) (f Frame, n int, ok bool) {
	if size == 0 || size > MaxParams+2 {
		return Frame{}, 0, false
	}
	n = from + size + 1
	if len(b) < n {
		return Frame{}, 0, true
	}
	if sum(b[from:n]) != 0 {
		return Frame{}, 0, false
	}
	payload := b[from : n-1 : n-1]
	if size == 1 {
		return Frame{Kind: SyntaxError}, n, payload[0] == errorFrame
	}
	dir := Direction(payload[0])
	if dir != ToChip && dir != FromChip {
		return Frame{}, 0, false
	}
	return Frame{Kind: Data, Direction: dir, Code: Code(payload[1]), Params: payload[2:]}, n, true
}

func sum(b []byte) byte {
	var s byte
	for _, v := range b {
		s += v
	}
	return s
}
