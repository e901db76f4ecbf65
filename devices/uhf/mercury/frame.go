package mercury

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Op is an operation, and the reply to it.
type Op byte

// The operations.
const (
	Version       Op = 0x03
	Boot          Op = 0x04 // from the boot loader into the firmware
	Record        Op = 0x22 // only the reader sends it: a sighting, or a status
	Read          Op = 0x2F // starts and stops the continuous read
	SetAntennas   Op = 0x91
	SetPower      Op = 0x92
	SetProtocol   Op = 0x93
	SetRegion     Op = 0x97
	SetParameters Op = 0x9A
)

// Sizes of a frame.
const (
	head         = 0xFF
	commandBytes = 5 // head, length, operation and CRC
	replyBytes   = 7 // and a status
	maxData      = 0xFF
	// MaxFrame is the longest frame in bytes.
	MaxFrame   = maxData + replyBytes
	initialCRC = 0xFFFF
)

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = reader.ErrIncomplete

var errNoHead = errors.New("a frame begins with FF")

// Frame is one message. Data of a decoded Frame are part of the buffer that was decoded.
type Frame struct {
	Op     Op
	Reply  bool
	Status Status // of a Reply
	Data   []byte // at most 255
}

// Append appends the bytes of f to b. Data beyond 255 bytes are a programmer's error and panic.
func (f Frame) Append(b []byte) []byte {
	if len(f.Data) > maxData {
		panic("mercury: frame with too many data")
	}
	start := len(b) + 1
	b = append(b, head, byte(len(f.Data)), byte(f.Op))
	if f.Reply {
		b = binary.BigEndian.AppendUint16(b, uint16(f.Status))
	}
	b = append(b, f.Data...)
	return binary.BigEndian.AppendUint16(b, checksum(b[start:]))
}

// DecodeReply takes the first frame of a reader out of buf; see reader.First. It does not allocate unless noise looks like a
// frame.
func DecodeReply(buf []byte) (f Frame, rest []byte, skipped int, err error) {
	return reader.First(buf, replyAt)
}

// DecodeCommand takes the first frame of a gateway out of buf.
func DecodeCommand(buf []byte) (f Frame, rest []byte, skipped int, err error) {
	return reader.First(buf, commandAt)
}

func replyAt(b []byte) (Frame, int, error) {
	n, err := sized(b, replyBytes)
	if err != nil {
		return Frame{}, 0, err
	}
	return Frame{Op: Op(b[2]), Reply: true, Status: Status(binary.BigEndian.Uint16(b[3:])), Data: b[5 : n-2 : n-2]}, n, nil
}

func commandAt(b []byte) (Frame, int, error) {
	n, err := sized(b, commandBytes)
	if err != nil {
		return Frame{}, 0, err
	}
	return Frame{Op: Op(b[2]), Data: b[3 : n-2 : n-2]}, n, nil
}

// eitherAt reads a frame of unknown direction: the one whose CRC is right.
func eitherAt(b []byte) (Frame, int, error) {
	reply, n, err := replyAt(b)
	if err == nil {
		return reply, n, nil
	}
	command, n, e := commandAt(b)
	if e == nil || errors.Is(e, ErrIncomplete) || errors.Is(err, errNoHead) {
		return command, n, e
	}
	return Frame{}, 0, fmt.Errorf("as a reply: %w; as a command: %w", err, e)
}

// sized gives the length of the frame at the start of b, which has more bytes beside its data, where its CRC is right.
func sized(b []byte, more int) (int, error) {
	if b[0] != head {
		return 0, errNoHead
	}
	if len(b) < 2 || len(b) < int(b[1])+more {
		return 0, ErrIncomplete
	}
	n := int(b[1]) + more
	if crc, got := checksum(b[1:n-2]), binary.BigEndian.Uint16(b[n-2:]); crc != got {
		return 0, fmt.Errorf("CRC is %04x; %04x would be right", got, crc)
	}
	return n, nil
}

// checksum is the family's own CRC: polynomial 0x1021, start 0xFFFF, in which the message is shifted in from below, four
// bits at a time.
func checksum(b []byte) uint16 {
	crc := uint16(initialCRC)
	for _, v := range b {
		crc = (crc<<4 | uint16(v>>4)) ^ steps[crc>>12]
		crc = (crc<<4 | uint16(v&0xF)) ^ steps[crc>>12]
	}
	return crc
}

// steps has, for each four bits that leave the CRC, what they do to it.
var steps = func() (t [16]uint16) {
	for i := range t {
		v := uint16(i) << 12
		for range 4 {
			if v&0x8000 != 0 {
				v = v<<1 ^ 0x1021
			} else {
				v <<= 1
			}
		}
		t[i] = v
	}
	return t
}()
