package pad

import (
	"bytes"
	"encoding/binary"
)

const (
	type4Room = 8192 - 2
	type4Most = 59 // bytes that a DESFire gives at once
	ccFile    = 0xE103
	ndefFile  = 0xE104
)

// Status words of a card.
var (
	swWell    = []byte{0x90, 0x00}
	swNoFile  = []byte{0x6A, 0x82}
	swBounds  = []byte{0x6B, 0x00}
	swUnknown = []byte{0x6D, 0x00}
	swLength  = []byte{0x67, 0x00}
)

var application = []byte{0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01}

// type4 is a card with files and what is selected of them.
type type4 struct {
	files    map[uint16][]byte
	open     bool // the application is selected
	selected []byte
}

func newType4(c Card) *type4 {
	const space = type4Room + 2
	cc := []byte{0, 15, 0x20, 0, type4Most, 0, 52, 0x04, 6}
	cc = binary.BigEndian.AppendUint16(cc, ndefFile)
	cc = append(binary.BigEndian.AppendUint16(cc, space), 0x00, 0x00)
	file := binary.BigEndian.AppendUint16(nil, uint16(len(c.Message)))
	file = append(file, c.Message...)
	return &type4{files: map[uint16][]byte{ccFile: cc, ndefFile: append(file, make([]byte, space-len(file))...)}}
}

// answer obeys SELECT of the application and of files, and READ BINARY.
func (t *type4) answer(command []byte) ([]byte, bool) {
	if len(command) < 5 || command[0] != 0 {
		return swUnknown, true
	}
	parameters, rest := binary.BigEndian.Uint16(command[2:]), command[5:]
	switch {
	case command[1] == 0xB0 && len(rest) == 0:
		return t.read(int(parameters), int(command[4])), true
	case command[1] == 0xA4 && len(rest) >= int(command[4]):
		return t.choose(parameters, rest[:command[4]]), true
	default:
		return swUnknown, true
	}
}

func (t *type4) choose(how uint16, what []byte) []byte {
	switch {
	case how == 0x0400 && bytes.Equal(what, application):
		t.open, t.selected = true, nil
		return swWell
	case how == 0x000C && len(what) == 2 && t.open && t.files[binary.BigEndian.Uint16(what)] != nil:
		t.selected = t.files[binary.BigEndian.Uint16(what)]
		return swWell
	default:
		return swNoFile
	}
}

func (t *type4) read(at, n int) []byte {
	switch {
	case n == 0 || n > type4Most:
		return swLength
	case at+n > len(t.selected):
		return swBounds
	}
	return append(bytes.Clone(t.selected[at:at+n]), swWell...)
}
