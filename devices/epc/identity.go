package epc

import (
	"fmt"
	"strings"
)

// Scheme is a kind of GS1 identity.
type Scheme uint8

// The schemes.
const (
	SGTIN Scheme = 1 + iota // a single article: GTIN and serial
	SSCC                    // a logistic unit, such as a pallet
	SGLN                    // a place
	GRAI                    // a returnable asset, such as a crate
	GIAI                    // an individual asset, such as a forklift
)

// Identity names one thing.
type Identity struct {
	Scheme Scheme
	// Prefix is the GS1 company prefix, 6 to 12 digits.
	Prefix string
	// Reference is, by scheme, the indicator digit and item reference (SGTIN), the extension digit and serial reference
	// (SSCC), the location reference (SGLN) or the asset type (GRAI); "" for GIAI. With the prefix it always makes the
	// same number of digits.
	Reference string
	// Serial is the serial (SGTIN, GRAI), the extension (SGLN; "0" for none) or the individual asset reference (GIAI), in
	// the GS1 set of 82 characters; "" for SSCC.
	Serial string
}

// shape is what the parts of a scheme's identity look like.
type shape struct {
	name   string
	digits int // of prefix and reference together; 0: there is no reference
	serial int // most characters of the serial; for GIAI of prefix and serial together
}

var shapes = map[Scheme]shape{
	SGTIN: {"sgtin", 13, 20},
	SSCC:  {"sscc", 17, 0},
	SGLN:  {"sgln", 12, 20},
	GRAI:  {"grai", 12, 16},
	GIAI:  {"giai", 0, 30},
}

const (
	shortestPrefix = 6
	longestPrefix  = 12
)

// String gives the scheme's name as URIs have it, e.g. "sgtin".
func (s Scheme) String() string {
	if sh, ok := shapes[s]; ok {
		return sh.name
	}
	return fmt.Sprintf("scheme %d", uint8(s))
}

// Check says what is wrong with an identity, nil where nothing is.
func (id Identity) Check() error {
	sh, ok := shapes[id.Scheme]
	if !ok {
		return fmt.Errorf("%s is not known", id.Scheme)
	}
	if n := len(id.Prefix); n < shortestPrefix || n > longestPrefix || !allDigits(id.Prefix) {
		return fmt.Errorf("%s: company prefix %q is not of %d to %d digits", id.Scheme, id.Prefix, shortestPrefix, longestPrefix)
	}
	want := max(0, sh.digits-len(id.Prefix))
	if len(id.Reference) != want || !allDigits(id.Reference) {
		return fmt.Errorf("%s: reference %q is not of the %d digits that stand with company prefix %s",
			id.Scheme, id.Reference, want, id.Prefix)
	}
	return id.checkSerial(sh)
}

func (id Identity) checkSerial(sh shape) error {
	least, most := 1, sh.serial
	switch id.Scheme {
	case SSCC:
		least = 0
	case GIAI:
		most -= len(id.Prefix)
	}
	if n := len(id.Serial); n < least || n > most {
		return fmt.Errorf("%s: serial %q has %d characters; %d to %d are possible", id.Scheme, id.Serial, n, least, most)
	}
	for i := range len(id.Serial) {
		if !inSet82(id.Serial[i]) {
			return fmt.Errorf("%s: serial %q has the character %q, which GS1 does not allow", id.Scheme, id.Serial, id.Serial[i])
		}
	}
	return nil
}

const pureURN = "urn:epc:id:"

// URI gives the pure identity URI, e.g. "urn:epc:id:sgtin:0614141.812345.6789". It is one that ParseURI reads back
// where Check finds nothing wrong.
func (id Identity) URI() string { return pureURN + id.Scheme.String() + ":" + id.parts() }

// parts gives the components of the URI, with dots between them.
func (id Identity) parts() string {
	switch id.Scheme {
	case SSCC:
		return id.Prefix + "." + id.Reference
	case GIAI:
		return id.Prefix + "." + escape(id.Serial)
	default:
		return id.Prefix + "." + id.Reference + "." + escape(id.Serial)
	}
}

// ParseURI reads a pure identity URI of one of the schemes of this package.
func ParseURI(uri string) (Identity, error) {
	rest, ok := strings.CutPrefix(uri, pureURN)
	if !ok {
		return Identity{}, fmt.Errorf("%q does not start with %s", uri, pureURN)
	}
	name, parts, _ := strings.Cut(rest, ":")
	for s, sh := range shapes {
		if sh.name != name {
			continue
		}
		id, err := parseParts(s, parts)
		if err != nil {
			return Identity{}, fmt.Errorf("%q: %w", uri, err)
		}
		return id, nil
	}
	return Identity{}, fmt.Errorf("%q: scheme %q is not known", uri, name)
}

// parseParts reads what parts gave, and checks it.
func parseParts(s Scheme, text string) (Identity, error) {
	want := strings.Count(Identity{Scheme: s}.parts(), ".") + 1
	p := strings.SplitN(text, ".", want)
	if len(p) != want {
		return Identity{}, fmt.Errorf("%s has %d parts, not %d", s, len(p), want)
	}
	id := Identity{Scheme: s, Prefix: p[0]}
	if s != GIAI {
		id.Reference = p[1]
	}
	if s != SSCC {
		serial, err := unescape(p[want-1])
		if err != nil {
			return Identity{}, err
		}
		id.Serial = serial
	}
	return id, id.Check()
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
