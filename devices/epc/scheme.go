package epc

import "fmt"

// Scheme is a kind of identity.
type Scheme uint8

// The schemes. Those after ADI have no binary form.
const (
	SGTIN Scheme = 1 + iota // a single article: GTIN and serial
	SSCC                    // a logistic unit, such as a pallet
	SGLN                    // a place
	GRAI                    // a returnable asset, such as a crate
	GIAI                    // an individual asset, such as a forklift
	GSRN                    // a receiver of a service, such as a patient
	GSRNP                   // a provider of a service, such as a nurse
	GDTI                    // a document
	CPI                     // a part of a component maker
	SGCN                    // a coupon
	ITIP                    // one piece of an article that comes in several
	GID                     // anything that a general manager of EPCglobal numbered
	USDOD                   // a thing that the US Department of Defense bought
	ADI                     // an aircraft part
	GINC                    // a consignment
	GSIN                    // a shipment
	UPUI                    // a pack of tobacco
	PGLN                    // a party
	BIC                     // a freight container
	IMOVN                   // a ship
	LGTIN                   // a lot of an article; it is a class, not a single thing
)

// shape is what the parts of a scheme's identity look like.
type shape struct {
	name string
	// parts are the components of its URI in turn: p prefix, r reference, m and n the two numbers of Pieces, s serial.
	parts  string
	digits int // of prefix and reference together, in schemes whose key has a check digit; else 0
	// ahead says that the reference's first digit stands before the prefix in the key: indicator or extension digit.
	ahead  bool
	serial int // most characters of the serial; for GIAI and GINC of prefix and serial together
	set    set // of the serial
}

var shapes = map[Scheme]shape{
	SGTIN: {"sgtin", "prs", 13, true, 20, set82},
	SSCC:  {"sscc", "pr", 17, true, 0, set82},
	SGLN:  {"sgln", "prs", 12, false, 20, set82},
	GRAI:  {"grai", "prs", 12, false, 16, set82},
	GIAI:  {"giai", "ps", 0, false, 30, set82},
	GSRN:  {"gsrn", "pr", 17, false, 0, set82},
	GSRNP: {"gsrnp", "pr", 17, false, 0, set82},
	GDTI:  {"gdti", "prs", 12, false, 17, set82},
	CPI:   {"cpi", "prs", 0, false, 12, setNumber},
	SGCN:  {"sgcn", "prs", 12, false, 12, setDigits},
	ITIP:  {"itip", "prmns", 13, true, 20, set82},
	GID:   {"gid", "prs", 0, false, 11, setNumber},
	USDOD: {"usdod", "ps", 0, false, 11, setNumber},
	ADI:   {"adi", "prs", 0, false, 30, setADI},
	GINC:  {"ginc", "ps", 0, false, 30, set82},
	GSIN:  {"gsin", "pr", 16, false, 0, set82},
	UPUI:  {"upui", "prs", 13, true, 28, set82},
	PGLN:  {"pgln", "pr", 12, false, 0, set82},
	BIC:   {"bic", "s", 0, false, 11, set82},
	IMOVN: {"imovn", "s", 0, false, 7, setDigits},
	LGTIN: {"lgtin", "prs", 13, true, 20, set82},
}

// String gives the scheme's name as URIs have it, e.g. "sgtin".
func (s Scheme) String() string {
	if sh, ok := shapes[s]; ok {
		return sh.name
	}
	return fmt.Sprintf("scheme %d", uint8(s))
}

// urn is how a pure identity URI of the scheme starts.
func (s Scheme) urn() string {
	if s.isClass() {
		return classURN + s.String() + ":"
	}
	return pureURN + s.String() + ":"
}

// isClass reports whether the scheme names many things at once.
func (s Scheme) isClass() bool { return s == LGTIN }

// issued reports whether a GS1 company prefix is part of the scheme's identities.
func (s Scheme) issued() bool {
	switch s {
	case GID, USDOD, ADI, BIC, IMOVN:
		return false
	default:
		return true
	}
}
