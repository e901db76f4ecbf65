package epc

import (
	"fmt"
	"strings"
)

// set82 are the characters of GS1 application identifiers besides letters and digits (GS1 General Specifications,
// figure 7.11-1).
const set82 = "!\"%&'()*+,-./:;<=>?_"

// escaped are those of set82 that must be escaped in a URI (TDS §6.3.1 and Annex A).
const escaped = "\"%&/<>?"

func inSet82(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	default:
		return strings.IndexByte(set82, c) >= 0
	}
}

func escape(s string) string {
	if !strings.ContainsAny(s, escaped) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(escaped, s[i]) >= 0 {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// unescape takes back what escape did and refuses any other escape, so that one identity has one URI.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if i+2 >= len(s) {
				return "", fmt.Errorf("%q ends within an escape", s)
			}
			hi, lo := nibble(s[i+1]), nibble(s[i+2])
			if hi > 15 || lo > 15 || strings.IndexByte(escaped, hi<<4|lo) < 0 {
				return "", fmt.Errorf("%q has the escape %s, which is not one of a GS1 character", s, s[i:i+3])
			}
			c = hi<<4 | lo
			i += 2
		case strings.IndexByte(escaped, c) >= 0:
			return "", fmt.Errorf("%q has the character %q, which must be escaped", s, c)
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// nibble gives the value of an upper-case hexadecimal digit, 0xFF for another character.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	default:
		return 0xFF
	}
}
