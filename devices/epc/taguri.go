package epc

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

const (
	tagURN = "urn:epc:tag:"
	rawURN = "urn:epc:raw:"
)

// URI gives the EPC tag URI, e.g. "urn:epc:tag:sgtin-96:3.0614141.812345.6789"; "" for codings of release 2, which have
// none.
func (t Tag) URI() string {
	switch {
	case t.Coding.isPlus():
		return ""
	case t.Coding == GID96:
		return tagURN + t.Coding.String() + ":" + t.parts()
	default:
		return tagURN + t.Coding.String() + ":" + strconv.Itoa(int(t.Filter)) + "." + t.parts()
	}
}

// ParseTagURI reads an EPC tag URI.
func ParseTagURI(uri string) (Tag, error) {
	rest, ok := strings.CutPrefix(uri, tagURN)
	if !ok {
		return Tag{}, fmt.Errorf("%q does not start with %s", uri, tagURN)
	}
	name, parts, _ := strings.Cut(rest, ":")
	for c, l := range layouts {
		if l.name != name || l.plus != 0 {
			continue
		}
		t, err := l.parseTag(c, parts)
		if err != nil {
			return Tag{}, fmt.Errorf("%q: %w", uri, err)
		}
		return t, nil
	}
	return Tag{}, fmt.Errorf("%q: coding %q is not known, or has no tag URI", uri, name)
}

func (l layout) parseTag(c Coding, parts string) (Tag, error) {
	t := Tag{Coding: c}
	if l.filter > 0 {
		var filter string
		filter, parts, _ = strings.Cut(parts, ".")
		v, err := numberBelow("filter", filter, l.filter)
		if err != nil {
			return Tag{}, fmt.Errorf("filter %q is not 0 to %d", filter, 1<<l.filter-1)
		}
		t.Filter = uint8(v)
	}
	var err error
	if t.Identity, err = parseParts(l.scheme, parts); err != nil {
		return Tag{}, err
	}
	_, err = t.Encode()
	return t, err
}

// RawURI names any content of a tag's EPC memory, e.g. "urn:epc:raw:96.x3074257BF7194E4000001A85" (TDS §12.4).
func RawURI(memory []byte) string { return fmt.Sprintf("%s%d.x%X", rawURN, len(memory)*8, memory) }

// ParseRawURI reads what RawURI wrote. It refuses the form of tags that carry no EPC but an ISO identity, which has an
// AFI before it.
func ParseRawURI(uri string) ([]byte, error) {
	rest, ok := strings.CutPrefix(uri, rawURN)
	if !ok {
		return nil, fmt.Errorf("%q does not start with %s", uri, rawURN)
	}
	count, digits, _ := strings.Cut(rest, ".")
	bits, err := strconv.Atoi(count)
	if err != nil || bits <= 0 || bits > MaxMemory*8 {
		return nil, fmt.Errorf("%q: %q is not a number of bits from 1 to %d", uri, count, MaxMemory*8)
	}
	body, ok := strings.CutPrefix(digits, "x")
	switch {
	case strings.Contains(body, "."):
		return nil, fmt.Errorf("%q has an AFI: it is an ISO identity, not an EPC", uri)
	case !ok || strings.ToUpper(body) != body:
		return nil, fmt.Errorf("%q: after the number of bits there is no x and upper-case hexadecimal digits", uri)
	case len(body) != (bits+3)/4:
		return nil, fmt.Errorf("%q has %d hexadecimal digits; %d bits are %d", uri, len(body), bits, (bits+3)/4)
	}
	memory, err := hex.DecodeString(body + strings.Repeat("0", len(body)%2))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", uri, err)
	}
	return memory, nil
}

// URI names what a tag's EPC memory holds: the tag URI, of release 2 the Digital Link, or the raw URI where it cannot be
// decoded.
func URI(memory []byte) string {
	t, err := Decode(memory)
	switch {
	case err != nil:
		return RawURI(memory)
	case t.Coding.isPlus():
		return t.DigitalLink()
	default:
		return t.URI()
	}
}
