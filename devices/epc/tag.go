package epc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrUnknownHeader says that a tag's memory starts with a header that is none of the Codings.
var ErrUnknownHeader = errors.New("EPC header is not known")

// Tag is an identity as a tag carries it.
type Tag struct {
	Identity
	Coding Coding
	Filter uint8 // 0 to 7: what sort of object it is, for readers to select by; its meaning depends on the scheme
}

// Decode reads the EPC memory of a tag, as long as the tag's PC word says. It fails with ErrUnknownHeader, or with what
// the standard forbids in it; RawURI can still name such a tag.
func Decode(memory []byte) (Tag, error) {
	if len(memory) == 0 {
		return Tag{}, errors.New("EPC is empty")
	}
	l, ok := layouts[Coding(memory[0])]
	if !ok {
		return Tag{}, fmt.Errorf("EPC %x: %w", memory, ErrUnknownHeader)
	}
	if len(memory) != l.bytes() {
		return Tag{}, fmt.Errorf("EPC %x: %s has %d bytes, not %d", memory, l.name, l.bytes(), len(memory))
	}
	t, err := l.decode(memory)
	if err != nil {
		return Tag{}, fmt.Errorf("EPC %x: %s: %w", memory, l.name, err)
	}
	return t, nil
}

func (l layout) decode(memory []byte) (Tag, error) {
	r := &reader{b: memory}
	t := Tag{Coding: Coding(r.take(8)), Filter: uint8(r.take(filterBits))}
	t.Scheme = l.scheme
	partition := int(r.take(partitionBits))
	if partition >= len(prefixBits) {
		return Tag{}, fmt.Errorf("partition %d does not exist", partition)
	}
	var err error
	digits := longestPrefix - partition
	if t.Prefix, err = number("company prefix", r.take(prefixBits[partition]), digits); err != nil {
		return Tag{}, err
	}
	serialBits := l.serial
	if total := shapes[l.scheme].digits; total > 0 {
		if t.Reference, err = number("reference", r.take(l.rest(partition)), total-digits); err != nil {
			return Tag{}, err
		}
	} else {
		serialBits = l.rest(partition)
	}
	switch {
	case l.text:
		t.Serial = text(r, serialBits)
	case l.scheme != SSCC:
		t.Serial = strconv.FormatUint(r.take(serialBits), 10)
	}
	if !r.empty() {
		return Tag{}, errors.New("bits that must be zero are not")
	}
	return t, t.Check()
}

// number gives v with leading zeros as so many digits; it must not be longer.
func number(what string, v uint64, digits int) (string, error) {
	if v >= power10(digits) {
		return "", fmt.Errorf("%s %d has more than %d digits", what, v, digits)
	}
	if digits == 0 {
		return "", nil
	}
	return fmt.Sprintf("%0*d", digits, v), nil
}

// text takes 7-bit characters up to a zero, or as many as fit into n bits.
func text(r *reader, n int) string {
	var b []byte
	for ; n >= 7; n -= 7 {
		c := byte(r.take(7))
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

func power10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// Encode gives the tag's EPC memory, whole words of 16 bits. It fails where the identity is not valid or does not fit
// the coding, e.g. a serial with letters or leading zeros into 96 bits.
func (t Tag) Encode() ([]byte, error) {
	l, ok := layouts[t.Coding]
	if !ok || l.scheme != t.Scheme {
		return nil, fmt.Errorf("%s cannot be written as %s", t.Scheme, t.Coding)
	}
	if t.Filter > 7 {
		return nil, fmt.Errorf("filter %d is not 0 to 7", t.Filter)
	}
	if err := t.Check(); err != nil {
		return nil, err
	}
	w := &writer{b: make([]byte, l.bytes())}
	partition := longestPrefix - len(t.Prefix)
	w.put(uint64(t.Coding), 8)
	w.put(uint64(t.Filter), filterBits)
	w.put(uint64(partition), partitionBits)
	w.put(value(t.Prefix), prefixBits[partition])
	serialBits := l.serial
	if t.Scheme == GIAI {
		serialBits = l.rest(partition)
	} else {
		w.put(value(t.Reference), l.rest(partition))
	}
	if l.text {
		for i := range len(t.Serial) {
			w.put(uint64(t.Serial[i]), 7)
		}
		return w.b, nil
	}
	serial, err := numericSerial(t.Identity, serialBits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	w.put(serial, serialBits)
	return w.b, nil
}

// value gives the number that checked digits write; 0 for none.
func value(digits string) (v uint64) {
	for i := range len(digits) {
		v = v*10 + uint64(digits[i]-'0')
	}
	return v
}

func numericSerial(id Identity, bits int) (uint64, error) {
	if id.Scheme == SSCC {
		return 0, nil
	}
	if !allDigits(id.Serial) || len(id.Serial) > 1 && id.Serial[0] == '0' {
		return 0, fmt.Errorf("serial %q is not a number without leading zeros", id.Serial)
	}
	v, err := strconv.ParseUint(id.Serial, 10, 64)
	if err != nil || v>>bits != 0 {
		return 0, fmt.Errorf("serial %s does not fit into %d bits", id.Serial, bits)
	}
	return v, nil
}

const tagURN = "urn:epc:tag:"

// URI gives the EPC tag URI, e.g. "urn:epc:tag:sgtin-96:3.0614141.812345.6789".
func (t Tag) URI() string {
	return tagURN + t.Coding.String() + ":" + strconv.Itoa(int(t.Filter)) + "." + t.parts()
}

// ParseTagURI reads an EPC tag URI of one of the Codings.
func ParseTagURI(uri string) (Tag, error) {
	rest, ok := strings.CutPrefix(uri, tagURN)
	if !ok {
		return Tag{}, fmt.Errorf("%q does not start with %s", uri, tagURN)
	}
	name, rest, _ := strings.Cut(rest, ":")
	filter, parts, _ := strings.Cut(rest, ".")
	if len(filter) != 1 || filter[0] < '0' || filter[0] > '7' {
		return Tag{}, fmt.Errorf("%q: filter %q is not 0 to 7", uri, filter)
	}
	for c, l := range layouts {
		if l.name != name {
			continue
		}
		id, err := parseParts(l.scheme, parts)
		t := Tag{Identity: id, Coding: c, Filter: filter[0] - '0'}
		if err == nil {
			_, err = t.Encode()
		}
		if err != nil {
			return Tag{}, fmt.Errorf("%q: %w", uri, err)
		}
		return t, nil
	}
	return Tag{}, fmt.Errorf("%q: coding %q is not known", uri, name)
}

// RawURI names any content of a tag's EPC memory, e.g. "urn:epc:raw:96.x3074257BF7194E4000001A85" (TDS §12.4).
func RawURI(memory []byte) string { return fmt.Sprintf("urn:epc:raw:%d.x%X", len(memory)*8, memory) }

// URI names what a tag's EPC memory holds: the tag URI, or the raw URI where it cannot be decoded.
func URI(memory []byte) string {
	t, err := Decode(memory)
	if err != nil {
		return RawURI(memory)
	}
	return t.URI()
}
