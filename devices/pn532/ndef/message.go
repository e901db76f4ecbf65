package ndef

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// TNF says what kind of name a record's Type is (type name format).
type TNF byte

// The kinds of type name.
const (
	Empty     TNF = 0 // no type, no payload
	WellKnown TNF = 1 // of the NFC Forum: "U", "T", "Sp" …
	Media     TNF = 2 // a MIME type
	Absolute  TNF = 3 // the type itself is a URI
	External  TNF = 4 // of somebody else: "example.com:thing"
	Unknown   TNF = 5 // no type
	unchanged TNF = 6 // a chunk that goes on
)

// Bits of a record's first byte.
const (
	begins  = 0x80
	ends    = 0x40
	chunk   = 0x20
	short   = 0x10
	hasID   = 0x08
	tnfBits = 0x07
)

// Record is one record. Strings are bytes as the card gives them.
type Record struct {
	TNF     TNF
	Type    string // at most 255 bytes
	ID      string // at most 255 bytes; "" for none
	Payload []byte
}

var errEnds = errors.New("the message ends within it")

// Parse reads a message, which must be whole and nothing more. No bytes are no message and no records.
func Parse(message []byte) ([]Record, error) {
	var records []Record
	var p parser
	for rest := message; len(rest) > 0; {
		h, n, err := header(rest)
		if err == nil {
			records, err = p.take(records, h)
		}
		if err != nil {
			return records, fmt.Errorf("record at byte %d: %w", len(message)-len(rest), err)
		}
		rest = rest[n:]
		if h.flags&ends != 0 && len(rest) > 0 {
			return records, fmt.Errorf("%d bytes follow the last record", len(rest))
		}
	}
	if len(message) > 0 && !p.ended {
		return records, errors.New("the message ends without a last record")
	}
	return records, nil
}

// raw is a record as it stands, perhaps a chunk.
type raw struct {
	Record
	flags byte
}

// header reads the record at the start of b and gives its length.
func header(b []byte) (raw, int, error) {
	if len(b) < 3 {
		return raw{}, 0, errEnds
	}
	h := raw{flags: b[0], Record: Record{TNF: TNF(b[0] & tnfBits)}}
	typeSize, idSize, at := int(b[1]), 0, 3
	size := uint64(b[2])
	if h.flags&short == 0 {
		if len(b) < 6 {
			return raw{}, 0, errEnds
		}
		size, at = uint64(binary.BigEndian.Uint32(b[2:])), 6
	}
	if h.flags&hasID != 0 {
		if len(b) <= at {
			return raw{}, 0, errEnds
		}
		idSize, at = int(b[at]), at+1
	}
	if uint64(len(b)) < uint64(at+typeSize+idSize)+size {
		return raw{}, 0, fmt.Errorf("type, id and payload have %d bytes and %d are there: %w", uint64(typeSize+idSize)+size, len(b)-at, errEnds)
	}
	h.Type = string(b[at : at+typeSize])
	h.ID = string(b[at+typeSize : at+typeSize+idSize])
	from, to := at+typeSize+idSize, at+typeSize+idSize+int(size)
	h.Payload = b[from:to:to]
	return h, to, nil
}

// parser knows where in the message the next record stands.
type parser struct {
	begun, ended bool
	open         bool // the last record goes on in chunks
}

// take adds a record, or a chunk to the last one.
func (p *parser) take(records []Record, h raw) ([]Record, error) {
	if first := h.flags&begins != 0; first == p.begun {
		if first {
			return records, errors.New("it says that the message begins there")
		}
		return records, errors.New("it does not say that the message begins there")
	}
	p.begun, p.ended = true, h.flags&ends != 0
	wasOpen := p.open
	p.open = h.flags&chunk != 0
	if p.open && p.ended {
		return records, errors.New("the message ends within a row of chunks")
	}
	if wasOpen {
		if h.TNF != unchanged || h.Type != "" || h.ID != "" {
			return records, errors.New("it follows a chunk and is none")
		}
		last := &records[len(records)-1]
		last.Payload = append(last.Payload, h.Payload...) // the capacity is the length, so this copies
		return records, nil
	}
	return append(records, h.Record), valid(h)
}

// valid tells what is wrong with a record's kind of name.
func valid(h raw) error {
	switch h.TNF {
	case Empty:
		if h.Type != "" || h.ID != "" || len(h.Payload) > 0 {
			return errors.New("it says that it is empty and is not")
		}
	case Unknown:
		if h.Type != "" {
			return errors.New("it says that its type is unknown and has one")
		}
	case WellKnown, Media, Absolute, External:
		if h.Type == "" {
			return errors.New("its type is missing")
		}
	default:
		return fmt.Errorf("%d is no kind of type name that a record can have", h.TNF)
	}
	return nil
}

// maxShort is the longest payload of a short record.
const maxShort = 255

// Append appends a message of records to b, each whole and as short as it can be. It fails where Parse would not read it
// back.
func Append(b []byte, records ...Record) ([]byte, error) {
	for i, r := range records {
		flags := byte(r.TNF)
		if i == 0 {
			flags |= begins
		}
		if i == len(records)-1 {
			flags |= ends
		}
		var err error
		if b, err = appendRecord(b, flags, r); err != nil {
			return nil, fmt.Errorf("record %d: %w", i+1, err)
		}
	}
	return b, nil
}

func appendRecord(b []byte, flags byte, r Record) ([]byte, error) {
	if err := valid(raw{Record: r}); err != nil {
		return nil, err
	}
	if len(r.Type) > 255 || len(r.ID) > 255 || uint64(len(r.Payload)) > 1<<32-1 {
		return nil, fmt.Errorf("type of %d, id of %d, payload of %d bytes are too long", len(r.Type), len(r.ID), len(r.Payload))
	}
	if r.ID != "" {
		flags |= hasID
	}
	if len(r.Payload) <= maxShort {
		b = append(b, flags|short, byte(len(r.Type)), byte(len(r.Payload)))
	} else {
		b = append(b, flags, byte(len(r.Type)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(r.Payload)))
	}
	if r.ID != "" {
		b = append(b, byte(len(r.ID)))
	}
	b = append(b, r.Type...)
	b = append(b, r.ID...)
	return append(b, r.Payload...), nil
}
