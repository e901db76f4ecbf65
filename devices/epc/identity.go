package epc

import (
	"fmt"
	"strconv"
	"strings"
)

// Identity names one thing (an LGTIN: one lot).
type Identity struct {
	Scheme Scheme
	// Prefix is the GS1 company prefix, 6 to 12 digits. It is empty where nobody told how long it is: after the "+"
	// codings, Digital Links and element strings; WithPrefix then splits it off. In the schemes that are not of GS1 it is
	// the general manager number (GID) or the CAGE code or DoDAAC (USDOD, ADI).
	Prefix string
	// Reference is, by scheme, the indicator digit and item reference (SGTIN, ITIP, UPUI, LGTIN), the extension digit and
	// serial reference (SSCC), the location, party, document, coupon, service or shipment reference (SGLN, PGLN, GDTI,
	// SGCN, GSRN, GSRNP, GSIN), the asset type (GRAI), the part (CPI), the object class (GID) or the part number (ADI).
	// Where a key has a check digit, prefix and reference always make the same number of digits; without a prefix the
	// reference is the whole key but its check digit.
	Reference string
	// Pieces are, of an ITIP, the number of the piece and of all pieces, two digits each; else empty.
	Pieces string
	// Serial is the serial, the extension (SGLN; "0" for none), the individual asset or consignment reference (GIAI, GINC;
	// after the prefix), the lot (LGTIN), or the whole code (BIC, IMOVN). It is empty in the schemes that have none.
	Serial string
}

const (
	shortestPrefix = 6
	longestPrefix  = 12
	// leastDigits is how many digits GIAI, GINC and CPI start with at the least: the shortest company prefix there is.
	leastDigits = 4
	longestCPI  = 30 // characters of prefix and reference together
	longestPart = 32 // characters of an ADI part number
)

// Check says what is wrong with an identity, nil where nothing is.
func (id Identity) Check() error {
	sh, ok := shapes[id.Scheme]
	if !ok {
		return fmt.Errorf("%s is not known", id.Scheme)
	}
	var err error
	if id.Scheme.issued() {
		err = id.checkIssued(sh)
	} else {
		err = id.checkForeign()
	}
	if err == nil {
		err = id.checkSerial(sh)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", id.Scheme, err)
	}
	return nil
}

// checkIssued checks prefix, reference and pieces of an identity that a GS1 company gave.
func (id Identity) checkIssued(sh shape) error {
	n := len(id.Prefix)
	if n > 0 && (n < shortestPrefix || n > longestPrefix || !allDigits(id.Prefix)) {
		return fmt.Errorf("company prefix %q is not of %d to %d digits", id.Prefix, shortestPrefix, longestPrefix)
	}
	if id.Scheme == ITIP && (len(id.Pieces) != 4 || !allDigits(id.Pieces)) || id.Scheme != ITIP && id.Pieces != "" {
		return fmt.Errorf("pieces %q are not of two digits each", id.Pieces)
	}
	if id.Scheme == CPI {
		return id.checkPart()
	}
	if want := max(0, sh.digits-n); len(id.Reference) != want || !allDigits(id.Reference) {
		return fmt.Errorf("reference %q is not of the %d digits that stand with company prefix %q", id.Reference, want, id.Prefix)
	}
	if sh.digits == 0 && n == 0 {
		return checkStart(id.Serial)
	}
	return nil
}

// checkPart checks the reference of a CPI.
func (id Identity) checkPart() error {
	if n := len(id.Reference); n == 0 || n+len(id.Prefix) > longestCPI {
		return fmt.Errorf("part %q has %d characters; 1 to %d are possible", id.Reference, n, longestCPI-len(id.Prefix))
	}
	if id.Prefix == "" {
		if err := checkStart(id.Reference); err != nil {
			return err
		}
	}
	return setCPI.allows("part", id.Reference)
}

func checkStart(s string) error {
	if len(s) < leastDigits || !allDigits(s[:leastDigits]) {
		return fmt.Errorf("%q does not start with the digits of a company prefix", s)
	}
	return nil
}

// checkForeign checks prefix and reference of an identity that is not of GS1.
func (id Identity) checkForeign() error {
	switch id.Scheme {
	case GID:
		if _, err := numberBelow("manager number", id.Prefix, gidManagerBits); err != nil {
			return err
		}
		if _, err := numberBelow("object class", id.Reference, gidClassBits); err != nil {
			return err
		}
	case USDOD, ADI:
		if !cage.MatchString(id.Prefix) {
			return fmt.Errorf("%q is neither a CAGE code of 5 nor a DoDAAC of 6 characters", id.Prefix)
		}
		if len(id.Reference) > longestPart || id.Scheme == USDOD && id.Reference != "" {
			return fmt.Errorf("part number %q has %d characters; at most %d are possible", id.Reference, len(id.Reference), longestPart)
		}
		if strings.Contains(id.Reference, "#") {
			return fmt.Errorf("part number %q has a #, which only starts a serial", id.Reference)
		}
		if err := setADI.allows("part number", id.Reference); err != nil {
			return err
		}
	default:
		if id.Prefix != "" || id.Reference != "" {
			return fmt.Errorf("it has no prefix and no reference, but %q and %q", id.Prefix, id.Reference)
		}
	}
	if id.Pieces != "" {
		return fmt.Errorf("it has no pieces, but %q", id.Pieces)
	}
	return nil
}

func (id Identity) checkSerial(sh shape) error {
	least, most := 1, sh.serial
	switch {
	case most == 0:
		least = 0
	case id.Scheme == GIAI || id.Scheme == GINC:
		most -= len(id.Prefix)
	case id.Scheme == IMOVN:
		least = most
	}
	if n := len(id.Serial); n < least || n > most {
		return fmt.Errorf("serial %q has %d characters; %d to %d are possible", id.Serial, n, least, most)
	}
	switch id.Scheme {
	case GID, USDOD:
		_, err := numberBelow("serial", id.Serial, foreignSerialBits)
		return err
	case BIC:
		if !container.MatchString(id.Serial) {
			return fmt.Errorf("%q is not an owner of 3 letters, J, U or Z, and 7 digits", id.Serial)
		}
	case ADI:
		if id.Serial == "#" {
			return fmt.Errorf("serial %q has nothing after the #", id.Serial)
		}
	}
	return sh.set.allows("serial", id.Serial)
}

// numberBelow reads a number without leading zeros that fits into so many bits.
func numberBelow(what, s string, bits int) (uint64, error) {
	if err := setNumber.allows(what, s); err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil || v>>bits != 0 {
		return 0, fmt.Errorf("%s %q does not fit into %d bits", what, s, bits)
	}
	return v, nil
}

// WithPrefix splits the company prefix, of so many digits, off an identity that came without one. Where the identity has
// a prefix it must be of that length.
func (id Identity) WithPrefix(digits int) (Identity, error) {
	if !id.Scheme.issued() {
		return Identity{}, fmt.Errorf("%s has no company prefix", id.Scheme)
	}
	if digits < shortestPrefix || digits > longestPrefix {
		return Identity{}, fmt.Errorf("a company prefix has %d to %d digits, not %d", shortestPrefix, longestPrefix, digits)
	}
	if id.Prefix != "" {
		if len(id.Prefix) != digits {
			return Identity{}, fmt.Errorf("the company prefix of %s has %d digits, not %d", id.URI(), len(id.Prefix), digits)
		}
		return id, nil
	}
	from := &id.Reference
	if shapes[id.Scheme].parts == "ps" {
		from = &id.Serial
	}
	ahead := 0
	if shapes[id.Scheme].ahead {
		ahead = 1
	}
	whole := *from
	if len(whole) < ahead+digits {
		return Identity{}, fmt.Errorf("%s: %q is shorter than a company prefix of %d digits", id.Scheme, whole, digits)
	}
	id.Prefix, *from = whole[ahead:ahead+digits], whole[:ahead]+whole[ahead+digits:]
	return id, id.Check()
}

// Bare gives the identity as it is where the length of its company prefix is not known.
func (id Identity) Bare() Identity {
	if !id.Scheme.issued() {
		return id
	}
	switch sh := shapes[id.Scheme]; {
	case sh.parts == "ps":
		id.Serial = id.Prefix + id.Serial
	case sh.ahead:
		id.Reference = id.keyDigits()
	default:
		id.Reference = id.Prefix + id.Reference
	}
	id.Prefix = ""
	return id
}
