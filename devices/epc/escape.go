package epc

import (
	"fmt"
	"strings"
)

// escaped are the characters that must be escaped in a URI (TDS §6.3.1 and Annex A).
const escaped = "\"#%&/<>?"

func escape(s string) string {
	return percent(s, func(c byte) bool { return strings.IndexByte(escaped, c) < 0 })
}

// percent writes all characters that are not plain as a percent sign and two hexadecimal digits.
func percent(s string, plain func(byte) bool) string {
	var b strings.Builder
	for i := range len(s) {
		if plain(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
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
	case isDigit(c):
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	default:
		return 0xFF
	}
}
