package devices

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// TagKind says what sort of identity a tag gave.
type TagKind uint8

// The kinds of tag identity.
const (
	// TagEPC is the content of a UHF tag's EPC memory bank, its length as the tag's PC word says.
	TagEPC TagKind = 1 + iota
	// TagUID is the serial number of an NFC card (ISO 14443-3), 4, 7 or 10 bytes.
	TagUID
)

// MaxTagBytes is the longest identity that a Tag holds: 496 bits, the most that a tag's PC word can announce.
const MaxTagBytes = 62

// Tag is the identity that a tag reported. It is comparable, so it keys maps without allocation; the zero Tag is
// no tag.
type Tag struct {
	kind TagKind
	n    uint8
	id   [MaxTagBytes]byte
}

// NewTag makes a Tag of the bytes that a reader reported.
func NewTag(kind TagKind, id []byte) (Tag, error) {
	if kind != TagEPC && kind != TagUID {
		return Tag{}, fmt.Errorf("tag kind %d is not known", kind)
	}
	if len(id) == 0 || len(id) > MaxTagBytes {
		return Tag{}, fmt.Errorf("tag identity has %d bytes; 1 to %d are possible", len(id), MaxTagBytes)
	}
	t := Tag{kind: kind, n: uint8(len(id))}
	copy(t.id[:], id)
	return t, nil
}

// Kind tells how the tag named itself.
func (t Tag) Kind() TagKind { return t.kind }

// Bytes returns a copy of the identity.
func (t Tag) Bytes() []byte { return append([]byte(nil), t.id[:t.n]...) }

// AppendBytes appends the identity to b.
func (t Tag) AppendBytes(b []byte) []byte { return append(b, t.id[:t.n]...) }

// Hash mixes the identity into a number for tables. It is the same in every program and at every time.
func (t *Tag) Hash() uint64 {
	h := uint64(t.kind)<<8 | uint64(t.n)
	for i := 0; i < int(t.n); i += 8 {
		var word uint64
		if i+8 <= len(t.id) {
			word = binary.LittleEndian.Uint64(t.id[i:])
		} else {
			for k, b := range t.id[i:] {
				word |= uint64(b) << (8 * k)
			}
		}
		h = (h ^ word) * 0x9E3779B97F4A7C15 // an odd number without pattern: 2^64 divided by the golden ratio
		h ^= h >> 29
	}
	return h
}

// IsZero reports whether t is no tag.
func (t Tag) IsZero() bool { return t.n == 0 }

// String gives "epc:" or "uid:" and the identity in lower-case hexadecimal; "" for no tag. ParseTag reads it back.
func (t Tag) String() string {
	switch {
	case t.n == 0:
		return ""
	case t.kind == TagUID:
		return "uid:" + hex.EncodeToString(t.id[:t.n])
	default:
		return "epc:" + hex.EncodeToString(t.id[:t.n])
	}
}

// ParseTag reads what String wrote.
func ParseTag(s string) (Tag, error) {
	scheme, digits, ok := strings.Cut(s, ":")
	kinds := map[string]TagKind{"epc": TagEPC, "uid": TagUID}
	kind := kinds[scheme]
	if !ok || kind == 0 {
		return Tag{}, fmt.Errorf("tag %q starts with neither epc: nor uid: as it should", s)
	}
	id, err := hex.DecodeString(digits)
	if err != nil {
		return Tag{}, fmt.Errorf("tag %q: %w", s, err)
	}
	return NewTag(kind, id)
}

// MarshalText makes a Tag its String in JSON and YAML.
func (t Tag) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is no tag.
func (t *Tag) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = Tag{}
		return nil
	}
	p, err := ParseTag(string(b))
	if err != nil {
		return err
	}
	*t = p
	return nil
}

// Compare orders tags by kind, then by identity: the order of their kind and bytes written one after the other.
func (t Tag) Compare(o Tag) int {
	return cmp.Or(cmp.Compare(t.kind, o.kind), bytes.Compare(t.id[:t.n], o.id[:o.n]))
}
