package epc

import (
	"errors"
	"fmt"
)

// ErrUnknownHeader says that a tag's memory starts with a header that is none of the Codings.
var ErrUnknownHeader = errors.New("EPC header is not known")

// MaxMemory is how many bytes of EPC a tag's PC word can announce: 31 words of 16 bits.
const MaxMemory = 62

// Tag is an identity as a tag carries it.
type Tag struct {
	Identity
	Coding Coding
	Filter uint8 // what sort of object it is, for readers to select by; 0 to 7, of USDOD-96 to 15, of ADI-var to 63

	// The rest is of release 2 only.

	// Date is the date of a DSGTIN, with the application identifier that says what happens then, e.g. {"17", "261231"}.
	Date Element
	Host string // of "++" codings, in small letters, e.g. "id.example.com"
	// Toggle says that the tag announces +AIDC data: more elements after the EPC. Encode sets it where there is Data.
	Toggle bool
	Data   []Element
	// Unread are the bits, as 0 and 1 and without the zeros at the end, from which on Decode understood nothing: an
	// element of an unknown application identifier or with a value that cannot be, or bits that no Toggle announces.
	Unread string
}

// Decode reads the EPC memory of a tag, as long as the tag's PC word says: the header does not tell. What lies behind a
// coding's last bit must be zero, as it is where a tag announces more words than its EPC needs; of release 2 it is
// +AIDC data, and never a reason to refuse the tag. Decode fails with ErrUnknownHeader, or with what the standard forbids
// in the memory; RawURI can still name such a tag.
func Decode(memory []byte) (Tag, error) {
	if len(memory) == 0 {
		return Tag{}, errors.New("EPC is empty")
	}
	if len(memory) > MaxMemory {
		return Tag{}, fmt.Errorf("EPC has %d bytes; a tag can announce at most %d", len(memory), MaxMemory)
	}
	l, ok := layouts[Coding(memory[0])]
	if !ok {
		return Tag{}, fmt.Errorf("EPC %x: %w", memory, ErrUnknownHeader)
	}
	t, err := l.decode(memory)
	if err != nil {
		return Tag{}, fmt.Errorf("EPC %x: %s: %w", memory, l.name, err)
	}
	return t, nil
}

func (l layout) decode(memory []byte) (Tag, error) {
	r := &reader{b: memory}
	if r.left() < l.bits {
		return Tag{}, fmt.Errorf("%d bytes are too few; it has %d bits", len(memory), l.bits)
	}
	t := Tag{Coding: Coding(r.take(8))}
	if l.plus != 0 {
		t.Toggle = r.take(1) == 1
	}
	t.Filter = uint8(r.take(l.filter))
	t.Scheme = l.scheme
	err := l.read(r, &t)
	switch {
	case r.short:
		return Tag{}, fmt.Errorf("%d bytes are too few; the memory ends within it", len(memory))
	case err != nil:
		return Tag{}, err
	case l.plus == 0 && !r.empty():
		return Tag{}, errors.New("bits that must be zero are not")
	}
	return t, t.Check()
}

// read reads what comes after header and filter.
func (l layout) read(r *reader, t *Tag) error {
	switch {
	case l.plus != 0:
		return l.readPlus(r, t)
	case l.scheme == GID:
		readGID(r, t)
	case l.scheme == USDOD:
		readUSDOD(r, t)
	case l.scheme == ADI:
		readADI(r, t)
	default:
		return l.readPartitioned(r, t)
	}
	return nil
}

// Encode gives the tag's EPC memory, whole words of 16 bits. It fails where the identity is not valid or does not fit
// the coding, e.g. a serial with letters or leading zeros into 96 bits, or an identity without company prefix into a
// coding of release 1.
func (t Tag) Encode() ([]byte, error) {
	l, ok := layouts[t.Coding]
	if !ok || l.scheme != t.Scheme {
		return nil, fmt.Errorf("%s cannot be written as %s", t.Scheme, t.Coding)
	}
	if err := t.Check(); err != nil {
		return nil, err
	}
	memory, err := l.encode(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	if len(memory) > MaxMemory {
		return nil, fmt.Errorf("%s: %d bytes are needed; a tag has at most %d for its EPC", l.name, len(memory), MaxMemory)
	}
	return memory, nil
}

func (l layout) encode(t Tag) ([]byte, error) {
	if int(t.Filter)>>l.filter != 0 {
		return nil, fmt.Errorf("filter %d is not 0 to %d", t.Filter, 1<<l.filter-1)
	}
	w := &writer{b: make([]byte, 0, MaxMemory)}
	w.put(uint64(t.Coding), 8)
	if l.plus != 0 {
		w.put(bit(t.Toggle || len(t.Data) > 0), 1)
	} else if t.Date != (Element{}) || t.Host != "" || t.Toggle || len(t.Data) > 0 || t.Unread != "" {
		return nil, errors.New("it has no room for a date, a host or more elements")
	}
	w.put(uint64(t.Filter), l.filter)
	if err := l.write(w, t); err != nil {
		return nil, err
	}
	return w.words(l.bits), nil
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// write writes what comes after header and filter.
func (l layout) write(w *writer, t Tag) error {
	switch {
	case l.plus != 0:
		return l.writePlus(w, t)
	case l.scheme == GID:
		writeGID(w, t)
	case l.scheme == USDOD:
		writeUSDOD(w, t)
	case l.scheme == ADI:
		writeADI(w, t)
	default:
		return l.writePartitioned(w, t)
	}
	return nil
}
