package epc

import (
	"fmt"
	"regexp"
	"strings"
)

// set is the characters that a component may be of.
type set uint8

const (
	set82     set = iota // GS1's set of 82, of serials (GS1 General Specifications, figure 7.11-1)
	setDigits            // digits, leading zeros and all
	setNumber            // digits without leading zeros
	setCPI               // of component and part references (figure 7.11-2)
	setADI               // of aircraft parts: like setCPI, the # only as the first
)

// marks82 are the characters of set82 besides letters and digits.
const marks82 = "!\"%&'()*+,-./:;<=>?_"

func in82(c byte) bool {
	return isDigit(c) || isUpper(c) || c >= 'a' && c <= 'z' || strings.IndexByte(marks82, c) >= 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// allows says why s is not of the set, nil where it is.
func (t set) allows(what, s string) error {
	for i := range len(s) {
		c := s[i]
		ok := true
		switch t {
		case set82:
			ok = in82(c)
		case setDigits, setNumber:
			ok = isDigit(c)
		case setCPI:
			ok = isDigit(c) || isUpper(c) || c == '-' || c == '/' || c == '#'
		case setADI:
			ok = isDigit(c) || isUpper(c) || c == '-' || c == '/' || c == '#' && i == 0
		}
		if !ok {
			return fmt.Errorf("%s %q has the character %q, which GS1 does not allow there", what, s, c)
		}
	}
	if t == setNumber && len(s) > 1 && s[0] == '0' {
		return fmt.Errorf("%s %q has leading zeros, which would be lost", what, s)
	}
	return nil
}

func allDigits(s string) bool { return setDigits.allows("", s) == nil }

var (
	// cage is a CAGE code of 5 or a DoDAAC of 6 characters; neither has the letters I and O.
	cage = regexp.MustCompile(`^[0-9A-HJ-NP-Z]{5,6}$`)
	// container is an ISO 6346 code: owner, category, serial and check digit.
	container = regexp.MustCompile(`^[A-HJ-NP-Z]{3}[JUZ][0-9]{7}$`)
)
