package pn532

import (
	"errors"
	"fmt"
)

// Status says how an exchange with a card went; zero is well.
type Status byte

// Statuses that a card causes in daily work.
const (
	StatusNoAnswer Status = 0x01 // the card did not answer: it was taken away, or it refuses
	StatusContext  Status = 0x27 // no card of that number is listed
)

// statusNames are what the PN532 says of an exchange.
var statusNames = map[Status]string{
	0x00: "well", StatusNoAnswer: "the card did not answer", 0x02: "CRC error", 0x03: "parity error", 0x04: "wrong bit count in anticollision",
	0x05: "framing error", 0x06: "bit collision", 0x07: "buffer too small", 0x09: "radio buffer overflow",
	0x0A: "no field from the other side", 0x0B: "radio protocol error", 0x0D: "too hot", 0x0E: "internal buffer overflow",
	0x10: "invalid parameter", 0x12: "command not supported", 0x13: "wrong data format", 0x14: "authentication failed",
	0x23: "wrong check byte of the UID", 0x25: "invalid device state", 0x26: "not allowed in this configuration",
	StatusContext: "not possible now", 0x29: "released", 0x2A: "another card", 0x2B: "the card is gone", 0x2C: "NFCID3 mismatch",
	0x2D: "too much current", 0x2E: "NAD missing",
}

// String names the status.
func (s Status) String() string {
	if name := statusNames[s]; name != "" {
		return name
	}
	return "unknown status"
}

// Answer is the response to an InDataExchange.
type Answer struct {
	Status Status
	More   bool   // the card's answer goes on: send an InDataExchange without data
	Data   []byte // at most MaxExchange; a parsed Answer's is part of the frame
}

// Bits of an Answer's first byte.
const (
	statusBits = 0x3F
	moreAnswer = 0x40
	withNAD    = 0x80
)

// Frame gives the frame of the answer.
func (a Answer) Frame() Frame {
	first := byte(a.Status) & statusBits
	if a.More {
		first |= moreAnswer
	}
	return Frame{
		Kind: Data, Direction: FromChip, Code: InDataExchange.Response(), Params: append([]byte{first}, a.Data...),
	}
}

// ParseAnswer reads the response to an InDataExchange.
func ParseAnswer(f Frame) (Answer, error) {
	p, err := params(f, InDataExchange)
	switch {
	case err != nil:
		return Answer{}, err
	case len(p) == 0:
		return Answer{}, errors.New("answer of a card lacks its status")
	case p[0]&withNAD != 0:
		return Answer{}, fmt.Errorf("answer of a card has a node address (status %02x), which was not asked for", p[0])
	}
	return Answer{Status: Status(p[0] & statusBits), More: p[0]&moreAnswer != 0, Data: p[1:]}, nil
}
