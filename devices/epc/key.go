package epc

import (
	"fmt"
	"strings"
)

// noExtension is the Serial of an SGLN that has no extension.
const noExtension = "0"

// Key gives the GS1 key of the identity, with its check digit where the key has one: GTIN-14 (also of UPUI and LGTIN),
// SSCC (18 digits), GLN (13), GRAI (13 and serial), GIAI, GSRN (18), GDTI and GCN (13 and serial), CPI, ITIP (18), GINC,
// GSIN (17); "" in the schemes that are not of GS1. The serials of SGTIN, CPI and ITIP and the extension of an SGLN are
// not part of it. The identity must be one in which Check finds nothing wrong.
func (id Identity) Key() string {
	switch id.Scheme {
	case SGTIN, SSCC, UPUI, LGTIN, SGLN, PGLN, GSRN, GSRNP, GSIN:
		return withCheckDigit(id.keyDigits())
	case GRAI, GDTI, SGCN:
		return withCheckDigit(id.keyDigits()) + id.Serial
	case ITIP:
		return withCheckDigit(id.keyDigits()) + id.Pieces
	case CPI:
		return id.Prefix + id.Reference
	case GIAI, GINC:
		return id.Prefix + id.Serial
	default:
		return ""
	}
}

// keyDigits puts prefix and reference together as the key has them.
func (id Identity) keyDigits() string {
	if n := min(1, len(id.Reference)); shapes[id.Scheme].ahead {
		return id.Reference[:n] + id.Prefix + id.Reference[n:]
	}
	return id.Prefix + id.Reference
}

// GTIN gives the GTIN with 8, 12, 13 or 14 digits. It fails where the identity has none, or one that is longer.
func (id Identity) GTIN(digits int) (string, error) {
	switch id.Scheme {
	case SGTIN, UPUI, LGTIN:
	default:
		return "", fmt.Errorf("%s has no GTIN", id.Scheme)
	}
	if digits != 8 && digits != 12 && digits != 13 && digits != 14 {
		return "", fmt.Errorf("a GTIN has 8, 12, 13 or 14 digits, not %d", digits)
	}
	key := id.Key()
	ahead := len(key) - digits
	if ahead < 0 || strings.Trim(key[:ahead], "0") != "" {
		return "", fmt.Errorf("GTIN %s is longer than %d digits", key, digits)
	}
	return key[ahead:], nil
}

// fromKey takes the reference out of a key of the scheme; its check digit must be right.
func fromKey(s Scheme, key string) (Identity, error) {
	digits := shapes[s].digits + 1
	if len(key) != digits || !allDigits(key) {
		return Identity{}, fmt.Errorf("%s: key %q is not of %d digits", s, key, digits)
	}
	if want := withCheckDigit(key[:digits-1]); want != key {
		return Identity{}, fmt.Errorf("%s: key %s has the wrong check digit; %s would be right", s, key, want)
	}
	return Identity{Scheme: s, Reference: key[:digits-1]}, nil
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
