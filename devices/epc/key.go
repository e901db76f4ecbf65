package epc

import (
	"fmt"
	"strings"
)

// Key gives the GS1 key of the identity, with its check digit where the key has one: GTIN-14, SSCC (18 digits), GLN (13
// digits), GRAI (13 digits and serial) or GIAI. The serial of an SGTIN and the extension of an SGLN are not part of it.
// The identity must be one in which Check finds nothing wrong.
func (id Identity) Key() string {
	switch id.Scheme {
	case SGTIN, SSCC:
		// The reference's first digit stands before the company prefix.
		return withCheckDigit(id.Reference[:1] + id.Prefix + id.Reference[1:])
	case SGLN:
		return withCheckDigit(id.Prefix + id.Reference)
	case GRAI:
		return withCheckDigit(id.Prefix+id.Reference) + id.Serial
	default:
		return id.Prefix + id.Serial
	}
}

// noExtension is the Serial of an SGLN that has no extension.
const noExtension = "0"

// ElementString gives the identity as GS1 application identifiers and values, e.g. "(01)80614141123458(21)6789". The
// identity must be one in which Check finds nothing wrong.
func (id Identity) ElementString() string {
	switch id.Scheme {
	case SGTIN:
		return "(01)" + id.Key() + "(21)" + id.Serial
	case SSCC:
		return "(00)" + id.Key()
	case SGLN:
		if id.Serial == noExtension {
			return "(414)" + id.Key()
		}
		return "(414)" + id.Key() + "(254)" + id.Serial
	case GRAI:
		return "(8003)0" + id.Key()
	default:
		return "(8004)" + id.Key()
	}
}

// ParseElementString reads what ElementString wrote. An element string does not tell how long the company prefix is, so
// the caller must know.
func ParseElementString(s string, prefixLen int) (Identity, error) {
	ai, value, ok := strings.Cut(strings.TrimPrefix(s, "("), ")")
	if !ok || !strings.HasPrefix(s, "(") {
		return Identity{}, fmt.Errorf("%q does not start with an application identifier in parentheses", s)
	}
	if prefixLen < shortestPrefix || prefixLen > longestPrefix {
		return Identity{}, fmt.Errorf("a company prefix has %d to %d digits, not %d", shortestPrefix, longestPrefix, prefixLen)
	}
	id, err := elements(ai, value, prefixLen)
	if err == nil {
		err = id.Check()
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%q: %w", s, err)
	}
	return id, nil
}

func elements(ai, value string, prefixLen int) (Identity, error) {
	switch ai {
	case "01":
		key, serial, ok := cutKey(value, 14, "(21)")
		if !ok {
			return Identity{}, fmt.Errorf("(01) wants 14 digits and then (21)")
		}
		return indicated(SGTIN, key, serial, prefixLen)
	case "00":
		return indicated(SSCC, value, "", prefixLen)
	case "414":
		key, serial, ok := cutKey(value, 13, "(254)")
		if !ok {
			key, serial = value, noExtension
		}
		return plain(SGLN, key, serial, prefixLen)
	case "8003":
		if len(value) < 14 || value[0] != '0' {
			return Identity{}, fmt.Errorf("(8003) wants a 0, 13 digits and a serial")
		}
		return plain(GRAI, value[1:14], value[14:], prefixLen)
	case "8004":
		if len(value) < prefixLen {
			return Identity{}, fmt.Errorf("(8004) is shorter than its company prefix")
		}
		return Identity{Scheme: GIAI, Prefix: value[:prefixLen], Serial: value[prefixLen:]}, nil
	default:
		return Identity{}, fmt.Errorf("application identifier (%s) does not start an identity of a known scheme", ai)
	}
}

func cutKey(value string, digits int, next string) (key, serial string, ok bool) {
	if len(value) < digits {
		return "", "", false
	}
	serial, ok = strings.CutPrefix(value[digits:], next)
	return value[:digits], serial, ok
}

// indicated takes a key apart whose first digit belongs to the reference.
func indicated(s Scheme, key, serial string, prefixLen int) (Identity, error) {
	if err := checkKey(key, shapes[s].digits+1); err != nil {
		return Identity{}, err
	}
	last := len(key) - 1
	return Identity{Scheme: s, Prefix: key[1 : 1+prefixLen], Reference: key[:1] + key[1+prefixLen:last], Serial: serial}, nil
}

func plain(s Scheme, key, serial string, prefixLen int) (Identity, error) {
	if err := checkKey(key, shapes[s].digits+1); err != nil {
		return Identity{}, err
	}
	return Identity{Scheme: s, Prefix: key[:prefixLen], Reference: key[prefixLen : len(key)-1], Serial: serial}, nil
}

func checkKey(key string, digits int) error {
	if len(key) != digits || !allDigits(key) {
		return fmt.Errorf("key %q is not of %d digits", key, digits)
	}
	if want := withCheckDigit(key[:digits-1]); want != key {
		return fmt.Errorf("key %s has the wrong check digit; %s would be right", key, want)
	}
	return nil
}

// withCheckDigit appends the GS1 check digit: weights 3 and 1 in turn, from the right (GS1 General Specifications §7.9).
func withCheckDigit(digits string) string {
	sum := 0
	for i := range len(digits) {
		v := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			v *= 3
		}
		sum += v
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}
