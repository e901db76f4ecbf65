package pn532

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Type 4 card holds files, which are selected and then read with ISO 7816-4 commands: the application is selected by its
// name, the capability container (file E103) says which file is the message and how much may be read at once, and the
// message's file begins with its length in two bytes. Source: NFC Forum Type 4 Tag Operation 2.0.
const (
	type4Application = "\xD2\x76\x00\x00\x85\x01\x01"
	type4CCFile      = 0xE103
	type4CCSize      = 15 // up to and with the first control block
	type4Control     = 0x04
	type4Most        = 240 // bytes at once, so that the answer fits a normal frame
	type4Well        = 0x9000
)

// readType4 reads the NDEF message of a Type 4 card.
func readType4(exchange Exchange) ([]byte, error) {
	t := type4{exchange}
	if err := t.selectApplication(); err != nil {
		return nil, err
	}
	if err := t.selectFile(type4CCFile); err != nil {
		return nil, err
	}
	b, err := t.read(0, type4CCSize, type4CCSize)
	if err != nil {
		return nil, err
	}
	cc, err := parseType4CC(b)
	if err != nil {
		return nil, err
	}
	if err := t.selectFile(cc.file); err != nil {
		return nil, err
	}
	return t.message(cc)
}

// statusWord is how a card ends its answers.
type statusWord uint16

func (s statusWord) Error() string { return fmt.Sprintf("card answered with status %04x", uint16(s)) }

type type4 struct{ exchange Exchange }

// type4CC is what the capability container says.
type type4CC struct {
	most int // bytes that may be read at once
	file uint16
	size int // of that file
}

func parseType4CC(b []byte) (type4CC, error) {
	cc := type4CC{most: int(binary.BigEndian.Uint16(b[3:])), file: binary.BigEndian.Uint16(b[9:]), size: int(binary.BigEndian.Uint16(b[11:]))}
	switch {
	case binary.BigEndian.Uint16(b) < type4CCSize:
		return cc, fmt.Errorf("capability container says that it has %d bytes; it has %d at least", binary.BigEndian.Uint16(b), type4CCSize)
	case b[2]>>4 != 2 && b[2]>>4 != 3:
		return cc, fmt.Errorf("capability container has version %d.%d; 2 and 3 are read", b[2]>>4, b[2]&0x0F)
	case cc.most < type4CCSize:
		return cc, fmt.Errorf("capability container allows %d bytes at once; %d would be the least", cc.most, type4CCSize)
	case b[7] != type4Control || b[8] != 6:
		return cc, fmt.Errorf("capability container has control block %02x of %d bytes where %02x of 6 is wanted", b[7], b[8], type4Control)
	case b[13] != 0:
		return cc, fmt.Errorf("capability container says that reading needs leave (access %02x)", b[13])
	}
	return cc, nil
}

// message reads the selected file.
func (t type4) message(cc type4CC) ([]byte, error) {
	b, err := t.read(0, 2, cc.most)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(b))
	switch {
	case size == 0:
		return nil, ErrNoMessage
	case size > cc.size-2:
		return nil, fmt.Errorf("NDEF message has %d bytes in a file of %d", size, cc.size)
	case size > MaxMessage:
		return nil, tooLong(size)
	}
	return t.read(2, size, cc.most)
}

// selectApplication selects what holds the files; a card that has none carries no message.
func (t type4) selectApplication() error {
	command := append(append([]byte{0x00, 0xA4, 0x04, 0x00, 7}, type4Application...), 0)
	_, err := t.ask("select its NDEF application", command)
	if status := statusWord(0); errors.As(err, &status) {
		return ErrNoMessage
	}
	return err
}

func (t type4) selectFile(id uint16) error {
	_, err := t.ask(fmt.Sprintf("select file %04x", id), []byte{0x00, 0xA4, 0x00, 0x0C, 2, byte(id >> 8), byte(id)})
	return err
}

// read reads size bytes of the selected file from an offset on, at most so many at once.
func (t type4) read(from, size, most int) ([]byte, error) {
	got := make([]byte, 0, size)
	for len(got) < size {
		at, want := from+len(got), min(size-len(got), most, type4Most)
		b, err := t.ask(fmt.Sprintf("read at %d", at), []byte{0x00, 0xB0, byte(at >> 8), byte(at), byte(want)})
		if err != nil {
			return nil, err
		}
		if len(b) == 0 || len(b) > want {
			return nil, fmt.Errorf("card gave %d bytes at %d; %d were asked for", len(b), at, want)
		}
		got = append(got, b...)
	}
	return got, nil
}

// ask sends a command and gives what stands before the status word.
func (t type4) ask(what string, command []byte) ([]byte, error) {
	answer, err := t.exchange(command)
	if err != nil {
		return nil, fmt.Errorf("cannot %s: %w", what, err)
	}
	n := len(answer) - 2
	if n < 0 {
		return nil, fmt.Errorf("cannot %s: card answered %x, without a status word", what, answer)
	}
	if status := statusWord(binary.BigEndian.Uint16(answer[n:])); status != type4Well {
		return nil, fmt.Errorf("cannot %s: %w", what, status)
	}
	return answer[:n], nil
}
