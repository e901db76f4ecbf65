package pn532

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An ACR122U is a USB reader with a PN532 in it, spoken to as a smart card reader: CCID messages carry pseudo commands
// FF …, among them FF 00 00 00 with a PN532 payload, whose answer ends with 90 00. A message is type, length of its data
// (4 bytes, little endian), slot, sequence number, three bytes that depend on the type, data.
//
// Sources: USB CCID specification 1.1, ACR122U application programming interface 2.04.

// MessageType says what a CCID message is.
type MessageType byte

// The types of message that an ACR122U knows.
const (
	PowerOn     MessageType = 0x62
	PowerOff    MessageType = 0x63
	SlotStatus  MessageType = 0x65 // asks for it
	Escape      MessageType = 0x6B // data for the reader itself
	Transfer    MessageType = 0x6F // data for the card, or a pseudo command
	DataBlock   MessageType = 0x80 // answers PowerOn and Transfer
	StatusReply MessageType = 0x81 // answers PowerOff and SlotStatus
	EscapeReply MessageType = 0x83
)

var messageNames = map[MessageType]string{
	PowerOn: "power_on", PowerOff: "power_off", SlotStatus: "slot_status", Escape: "escape", Transfer: "transfer",
	DataBlock: "data_block", StatusReply: "slot_status", EscapeReply: "escape",
}

const (
	messageHead = 10
	// MaxMessageData is the longest data of a CCID message taken for real: of what an ACR122U carries, a command to a card,
	// well below.
	MaxMessageData = 512

	failedBits = 0xC0 // of Message.Bytes[0] in answers: whether the command failed
	failedOne  = 0x40
)

// Message is one CCID message.
type Message struct {
	Type  MessageType
	Slot  byte
	Seq   byte
	Bytes [3]byte // in answers: status, error, chaining
	Data  []byte  // at most MaxMessageData; a parsed Message's is part of the buffer
}

// Answer tells whether the message is one from the reader.
func (m Message) Answer() bool { return m.Type >= DataBlock }

// Failed tells whether the message says that a command failed; Bytes[1] then says why.
func (m Message) Failed() bool { return m.Answer() && m.Bytes[0]&failedBits == failedOne }

// Append appends the bytes of m to b.
func (m Message) Append(b []byte) []byte {
	b = append(b, byte(m.Type))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.Data)))
	b = append(b, m.Slot, m.Seq, m.Bytes[0], m.Bytes[1], m.Bytes[2])
	return append(b, m.Data...)
}

// ParseMessage reads the CCID message at the start of b and gives its length. It fails with ErrIncomplete where b is cut.
func ParseMessage(b []byte) (m Message, n int, err error) {
	if len(b) == 0 {
		return Message{}, 0, ErrIncomplete
	}
	m.Type = MessageType(b[0])
	if messageNames[m.Type] == "" {
		return Message{}, 0, fmt.Errorf("CCID message of type %02x is not known", b[0])
	}
	if len(b) < messageHead {
		return Message{}, 0, ErrIncomplete
	}
	size := binary.LittleEndian.Uint32(b[1:])
	if size > MaxMessageData {
		return Message{}, 0, fmt.Errorf("CCID message says that it has %d bytes of data; no more than %d are read", size, MaxMessageData)
	}
	if n = messageHead + int(size); len(b) < n {
		return Message{}, 0, ErrIncomplete
	}
	m.Slot, m.Seq, m.Bytes = b[5], b[6], [3]byte(b[7:])
	m.Data = b[messageHead:n:n]
	return m, n, nil
}

// Pseudo is a pseudo command to an ACR122U: FF 00, what, a parameter, data with their length.
type Pseudo struct {
	What  PseudoCode
	Param byte
	Data  []byte // at most 255; nil where the last byte is the length of the answer, or nothing
}

// PseudoCode is what a pseudo command asks for.
type PseudoCode byte

// The pseudo commands.
const (
	Direct     PseudoCode = 0x00 // Data is a PN532 payload, D4 …
	Lamp       PseudoCode = 0x40 // Param is which, Data how long and how often, and the buzzer
	Timeout    PseudoCode = 0x41
	ReaderName PseudoCode = 0x48
	GetPICC    PseudoCode = 0x50 // what cards are looked for
	SetPICC    PseudoCode = 0x51 // Param says it
	Buzzer     PseudoCode = 0x52
)

var pseudoNames = map[PseudoCode]string{
	Direct: "direct", Lamp: "lamp", Timeout: "timeout", ReaderName: "reader_name", GetPICC: "get_picc", SetPICC: "set_picc",
	Buzzer: "buzzer",
}

// Append appends the bytes of p to b. Data beyond 255 bytes are a programmer's error and panic.
func (p Pseudo) Append(b []byte) []byte {
	if len(p.Data) > 255 {
		panic("pn532: pseudo command with too much data")
	}
	b = append(b, 0xFF, 0x00, byte(p.What), p.Param, byte(len(p.Data)))
	return append(b, p.Data...)
}

// ParsePseudo reads the pseudo command at the start of b and gives its length. It fails with ErrIncomplete where b is cut.
func ParsePseudo(b []byte) (p Pseudo, n int, err error) {
	switch {
	case len(b) > 0 && b[0] != 0xFF, len(b) > 1 && b[1] != 0x00:
		return Pseudo{}, 0, errors.New("a pseudo command begins with FF 00")
	case len(b) < 5:
		return Pseudo{}, 0, ErrIncomplete
	}
	p = Pseudo{What: PseudoCode(b[2]), Param: b[3]}
	if pseudoNames[p.What] == "" {
		return Pseudo{}, 0, fmt.Errorf("pseudo command FF 00 %02x is not known", b[2])
	}
	n = 5
	if p.What == Direct || p.What == Lamp { // of the others the last byte is no length of data
		if n += int(b[4]); len(b) < n {
			return Pseudo{}, 0, ErrIncomplete
		}
		p.Data = b[5:n:n]
	}
	return p, n, nil
}

// well is how an answer to a pseudo command ends, where all is well.
const well = "\x90\x00"

// AppendDirect appends the pseudo command that carries a PN532 command to b, or, where f is a response, the answer.
func (f Frame) AppendDirect(b []byte) []byte {
	payload := append([]byte{byte(f.Direction), byte(f.Code)}, f.Params...)
	if f.Direction == ToChip {
		return Pseudo{What: Direct, Data: payload}.Append(b)
	}
	return append(append(b, payload...), well...)
}

// ParseDirect reads a pseudo command FF 00 00 00 or the answer to one, which must be whole.
func ParseDirect(b []byte) (Frame, error) {
	if len(b) > 0 && b[0] == byte(FromChip) {
		if len(b) < 4 || string(b[len(b)-2:]) != well {
			return Frame{}, errors.New("answer of a PN532 in an ACR122U does not end with 90 00")
		}
		return payloadFrame(b[: len(b)-2 : len(b)-2])
	}
	p, n, err := ParsePseudo(b)
	switch {
	case err != nil:
		return Frame{}, err
	case p.What != Direct || p.Param != 0:
		return Frame{}, fmt.Errorf("pseudo command FF 00 %02x %02x carries no PN532 command", byte(p.What), p.Param)
	case n < len(b):
		return Frame{}, fmt.Errorf("%d bytes follow the PN532 command", len(b)-n)
	}
	f, err := payloadFrame(p.Data)
	if err == nil && (f.Kind != Data || f.Direction != ToChip) {
		err = errors.New("what is sent to a PN532 begins with d4")
	}
	return f, err
}
