package epc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Description is an identity in all its forms. Those that it has not are empty: an unknown company prefix leaves no URI,
// release 2 has no tag URI, a party has no binary form.
type Description struct {
	// Scheme is the coding, e.g. "sgtin-96", "sgtin+" or "dsgtin++"; the scheme, e.g. "pgln", where there is no binary
	// form; or "raw".
	Scheme string `json:"scheme"`
	// Hex is the EPC memory in upper case: as it was given, else whole words of 16 bits.
	Hex           string `json:"hex,omitempty"`
	TagURI        string `json:"tag_uri,omitempty"`
	URI           string `json:"uri,omitempty"`
	DigitalLink   string `json:"digital_link,omitempty"`
	ElementString string `json:"element_string,omitempty"`
	// Reason says why a memory is kept raw.
	Reason string `json:"-"`
}

// Options say what a text to describe may leave open. They change nothing that the text says itself.
type Options struct {
	// PrefixLen is how many digits the company prefix has, 6 to 12; 0 where that is not known.
	PrefixLen int
	// Filter is the filter value of a binary form that is made; 0 is "all others".
	Filter uint8
	// Host is that of the company's own links, e.g. "id.example.com": then a "++" coding is made.
	Host string
}

// Describe describes a text with no more than it says itself; see Options.Describe.
func Describe(text string) (Description, error) { return Options{}.Describe(text) }

// Describe gives all forms of what a text names: the EPC memory in hexadecimal digits (0x before it and spaces within are
// left out), a pure identity, class, tag or raw URI, a Digital Link, or an element string.
//
// A text that is no binary form itself gets one. Where the length of the company prefix is known, by a URI or PrefixLen,
// that is the first coding of release 1 that the serial fits into: the one of 96 bits (ITIP-110), else the long one.
// Without it, and in schemes that fit no coding of release 1, it is the "+" coding, which needs none: dsgtin+ where
// exactly one of the other elements is a date that can come first, and all other elements as +AIDC data. Codings of
// release 1 have no room for other elements; digital_link and element_string still tell them.
//
// Memory that is no EPC, or one that breaks the rules of its coding, is kept raw. It fails where the text is nothing of
// all this, names a kind or a pattern of things and not one, has a wrong check digit, or what Options add does not fit.
func (o Options) Describe(text string) (Description, error) {
	text = strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) && r != groupSeparator })
	switch {
	case text == "":
		return Description{}, errors.New("nothing to describe: give hexadecimal digits, a URI, a Digital Link or an element string")
	case strings.HasPrefix(text, tagURN):
		t, err := ParseTagURI(text)
		if err != nil {
			return Description{}, err
		}
		return o.tag(t, "")
	case strings.HasPrefix(text, pureURN), strings.HasPrefix(text, classURN):
		id, err := ParseURI(text)
		if err != nil {
			return Description{}, err
		}
		return o.identity(id, nil)
	case strings.HasPrefix(text, rawURN):
		return o.raw(text)
	case strings.HasPrefix(text, "urn:epc:idpat:"), strings.HasPrefix(text, "urn:epc:pat:"):
		return Description{}, fmt.Errorf("%q is a pattern: it names many things, not one", text)
	case isLink(text):
		return o.elements(ParseLink(text))
	case isElementString(text):
		return o.elements(ParseElementString(text))
	default:
		return o.hex(text)
	}
}

// hex describes memory.
func (o Options) hex(text string) (Description, error) {
	digits := strings.Join(strings.Fields(text), "")
	if len(digits) > 1 && (digits[:2] == "0x" || digits[:2] == "0X") {
		digits = digits[2:]
	}
	digits = strings.ToUpper(digits)
	memory, err := hex.DecodeString(digits + strings.Repeat("0", len(digits)%2))
	if err != nil || len(memory) == 0 {
		return Description{}, fmt.Errorf("%q is neither hexadecimal digits nor a URI, a Digital Link or an element string", text)
	}
	if len(memory) > MaxMemory {
		return Description{}, fmt.Errorf("%q is %d bytes; a tag has at most %d for its EPC", text, len(memory), MaxMemory)
	}
	t, err := Decode(memory)
	if err != nil {
		uri := fmt.Sprintf("%s%d.x%s", rawURN, len(digits)*4, digits)
		return Description{Scheme: "raw", Hex: digits, URI: uri, Reason: err.Error()}, nil
	}
	return o.tag(t, digits)
}

func (o Options) raw(uri string) (Description, error) {
	memory, err := ParseRawURI(uri)
	if err != nil {
		return Description{}, err
	}
	if _, err := Decode(memory); err != nil {
		_, digits, _ := strings.Cut(uri, ".x")
		return Description{Scheme: "raw", Hex: digits, URI: uri, Reason: err.Error()}, nil
	}
	return o.hex(hex.EncodeToString(memory))
}

// tag describes a tag; its memory is made where it is not given.
func (o Options) tag(t Tag, digits string) (Description, error) {
	if digits == "" {
		memory, err := t.Encode()
		if err != nil {
			return Description{}, err
		}
		digits = strings.ToUpper(hex.EncodeToString(memory))
	}
	uri, err := o.uri(t.Identity)
	if err != nil {
		return Description{}, err
	}
	return Description{
		Scheme: t.Coding.String(), Hex: digits, TagURI: t.URI(), URI: uri, DigitalLink: t.DigitalLink(),
		ElementString: join(append(t.Elements(), t.extras()...)),
	}, nil
}

// uri gives the pure identity URI, by the length of the company prefix where the identity does not tell it.
func (o Options) uri(id Identity) (string, error) {
	if o.PrefixLen != 0 && id.Prefix == "" && id.Scheme.issued() {
		var err error
		if id, err = id.WithPrefix(o.PrefixLen); err != nil {
			return "", err
		}
	}
	return id.URI(), nil
}

// elements describes what elements name.
func (o Options) elements(elements []Element, err error) (Description, error) {
	if err != nil {
		return Description{}, err
	}
	id, data, err := Identify(elements)
	if err != nil {
		return Description{}, err
	}
	if o.PrefixLen != 0 && id.Scheme.issued() {
		if id, err = id.WithPrefix(o.PrefixLen); err != nil {
			return Description{}, err
		}
	}
	return o.identity(id, data)
}

// identity describes an identity and what is known besides, with the binary form that suits it.
func (o Options) identity(id Identity, data []Element) (Description, error) {
	host := o.Host
	if host == "" {
		host = GS1Host
	}
	d := Description{
		Scheme: id.Scheme.String(), URI: id.URI(), DigitalLink: id.Link(host, data...),
		ElementString: join(append(id.Elements(), data...)),
	}
	var first error
	for _, t := range o.codings(id, data) {
		memory, err := t.Encode()
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		d.Scheme, d.Hex, d.TagURI = t.Coding.String(), strings.ToUpper(hex.EncodeToString(memory)), t.URI()
		return d, nil
	}
	if first != nil {
		return Description{}, first
	}
	return d, nil
}

// codings are the ways to write an identity, the best first; none in schemes without binary form.
func (o Options) codings(id Identity, data []Element) []Tag {
	var tags []Tag
	if id.Prefix != "" && (o.Host == "" || id.Scheme.plusAIs() == nil) {
		for _, c := range codingsOf[id.Scheme] {
			tags = append(tags, Tag{Identity: id, Coding: c, Filter: o.Filter})
		}
	}
	marks := isPlus
	if o.Host != "" {
		marks |= withHost
	}
	t := Tag{Identity: id, Filter: o.Filter, Host: o.Host, Data: data}
	if day, rest, ok := oneDate(data); ok && id.Scheme == SGTIN {
		marks |= withDate
		t.Date, t.Data = day, rest
	}
	for c, l := range layouts {
		if l.scheme == id.Scheme && l.plus == marks {
			t.Coding = c
			tags = append(tags, t)
		}
	}
	return tags
}

// codingsOf are the codings of release 1 to choose from, the short ones first.
var codingsOf = map[Scheme][]Coding{
	SGTIN: {SGTIN96, SGTIN198}, SSCC: {SSCC96}, SGLN: {SGLN96, SGLN195}, GRAI: {GRAI96, GRAI170}, GIAI: {GIAI96, GIAI202},
	GSRN: {GSRN96}, GSRNP: {GSRNP96}, GDTI: {GDTI96, GDTI174}, CPI: {CPI96, CPIVar}, SGCN: {SGCN96}, ITIP: {ITIP110, ITIP212},
	GID: {GID96}, USDOD: {USDOD96}, ADI: {ADIVar},
}

// oneDate takes the date out of elements where exactly one of them is a day that a DSGTIN can start with.
func oneDate(elements []Element) (day Element, rest []Element, ok bool) {
	n := 0
	for _, e := range elements {
		if isDateAI(e.AI) && len(e.Value) == 6 {
			day = e
			n++
			continue
		}
		rest = append(rest, e)
	}
	return day, rest, n == 1
}
