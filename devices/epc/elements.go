package epc

import (
	"fmt"
	"slices"
	"strings"
)

// Element is an application identifier and its value, e.g. {"17", "261231"}.
type Element struct{ AI, Value string }

// String gives the element as people read it, e.g. "(17)261231". A parenthesis in the value that would look like the
// start of the next element has a backslash before it.
func (e Element) String() string {
	v := e.Value
	for at := strings.IndexByte(v, '('); at >= 0; {
		if bracketed(v[at:]) != "" {
			v = v[:at] + `\` + v[at:]
			at++
		}
		next := strings.IndexByte(v[at+1:], '(')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return "(" + e.AI + ")" + v
}

// bracketed gives the known application identifier that s starts with, in parentheses; else "".
func bracketed(s string) string {
	end := strings.IndexByte(s[:min(len(s), 6)], ')')
	if end < 3 || s[0] != '(' || findAI(s[1:end]) == nil {
		return ""
	}
	return s[1:end]
}

// Elements gives the identity as elements, e.g. (01)80614141123458 and (21)6789; none in the schemes that are not of GS1.
// The identity must be one in which Check finds nothing wrong.
func (id Identity) Elements() []Element {
	key := id.Key()
	switch id.Scheme {
	case SGTIN:
		return []Element{{"01", key}, {"21", id.Serial}}
	case SSCC:
		return []Element{{"00", key}}
	case SGLN:
		if id.Serial == noExtension {
			return []Element{{"414", key}}
		}
		return []Element{{"414", key}, {"254", id.Serial}}
	case GRAI:
		return []Element{{"8003", "0" + key}}
	case GIAI:
		return []Element{{"8004", key}}
	case GSRN:
		return []Element{{"8018", key}}
	case GSRNP:
		return []Element{{"8017", key}}
	case GDTI:
		return []Element{{"253", key}}
	case CPI:
		return []Element{{"8010", key}, {"8011", id.Serial}}
	case SGCN:
		return []Element{{"255", key}}
	case ITIP:
		return []Element{{"8006", key}, {"21", id.Serial}}
	case GINC:
		return []Element{{"401", key}}
	case GSIN:
		return []Element{{"402", key}}
	case UPUI:
		return []Element{{"01", key}, {"235", id.Serial}}
	case PGLN:
		return []Element{{"417", key}}
	case LGTIN:
		return []Element{{"01", key}, {"10", id.Serial}}
	default:
		return nil
	}
}

// ElementString gives the identity as people read it below a bar code, e.g. "(01)80614141123458(21)6789"; "" in the
// schemes that are not of GS1. The identity must be one in which Check finds nothing wrong.
func (id Identity) ElementString() string { return join(id.Elements()) }

func join(elements []Element) string {
	var b strings.Builder
	for _, e := range elements {
		b.WriteString(e.String())
	}
	return b.String()
}

// Identify gives the identity that the first key among elements starts, without a company prefix, and the elements that
// are not part of it. It fails where there is no key, where a key alone names a kind of things and not one, and where
// a value is not what its application identifier asks for.
func Identify(elements []Element) (Identity, []Element, error) {
	for i, e := range elements {
		if err := e.check(); err != nil {
			return Identity{}, nil, err
		}
		if slices.ContainsFunc(elements[:i], func(o Element) bool { return o.AI == e.AI }) {
			return Identity{}, nil, fmt.Errorf("(%s) is given twice", e.AI)
		}
	}
	rest := slices.Clone(elements)
	take := func(ai string) (string, bool) {
		i := slices.IndexFunc(rest, func(e Element) bool { return e.AI == ai })
		if i < 0 {
			return "", false
		}
		v := rest[i].Value
		rest = slices.Delete(rest, i, i+1)
		return v, true
	}
	for _, e := range elements {
		if !isKey(e.AI) {
			continue
		}
		take(e.AI)
		id, err := identify(e, take)
		if err == nil {
			err = id.Check()
		}
		if err != nil {
			return Identity{}, nil, err
		}
		return id, rest, nil
	}
	return Identity{}, nil, fmt.Errorf("none of the application identifiers is that of a key, such as (01) or (00)")
}

// isKey reports whether an application identifier starts an identity.
func isKey(ai string) bool { return slices.Contains(keyAIs, ai) }

var keyAIs = []string{"00", "01", "253", "255", "401", "402", "414", "417", "8003", "8004", "8006", "8010", "8017", "8018"}

// identify reads the identity that a key starts; take gives and removes another element.
func identify(key Element, take func(ai string) (string, bool)) (Identity, error) {
	switch key.AI {
	case "00":
		return fromKey(SSCC, key.Value)
	case "01":
		return article(key.Value, take)
	case "253":
		return withTail(GDTI, key)
	case "255":
		return withTail(SGCN, key)
	case "401":
		return Identity{Scheme: GINC, Serial: key.Value}, nil
	case "402":
		return fromKey(GSIN, key.Value)
	case "414":
		id, err := fromKey(SGLN, key.Value)
		if id.Serial = noExtension; err == nil {
			if extension, ok := take("254"); ok {
				id.Serial = extension
			}
		}
		return id, err
	case "417":
		return fromKey(PGLN, key.Value)
	case "8003":
		if key.Value[0] != '0' {
			return Identity{}, fmt.Errorf("(8003) starts with a 0, not with %c", key.Value[0])
		}
		return withTail(GRAI, Element{key.AI, key.Value[1:]})
	case "8004":
		return Identity{Scheme: GIAI, Serial: key.Value}, nil
	case "8006":
		return piece(key.Value, take)
	case "8010":
		serial, ok := take("8011")
		if !ok {
			return Identity{}, fmt.Errorf("(8010) alone names a kind of part; one part has a serial (8011)")
		}
		return Identity{Scheme: CPI, Reference: key.Value, Serial: serial}, nil
	case "8017":
		return fromKey(GSRNP, key.Value)
	default:
		return fromKey(GSRN, key.Value)
	}
}

// article reads what a GTIN starts: SGTIN, UPUI or LGTIN.
func article(gtin string, take func(string) (string, bool)) (Identity, error) {
	for _, by := range []struct {
		ai     string
		scheme Scheme
	}{{"21", SGTIN}, {"235", UPUI}, {"10", LGTIN}} {
		serial, ok := take(by.ai)
		if !ok {
			continue
		}
		id, err := fromKey(by.scheme, gtin)
		id.Serial = serial
		return id, err
	}
	return Identity{}, fmt.Errorf("(01) alone names a kind of article; one article has a serial (21), a lot (10)")
}

func piece(value string, take func(string) (string, bool)) (Identity, error) {
	serial, ok := take("21")
	if !ok {
		return Identity{}, fmt.Errorf("(8006) alone names a kind of piece; one piece has a serial (21)")
	}
	id, err := fromKey(ITIP, value[:14])
	id.Pieces, id.Serial = value[14:], serial
	return id, err
}

// withTail reads a key of 13 digits with a serial right after it.
func withTail(s Scheme, e Element) (Identity, error) {
	id, err := fromKey(s, e.Value[:13])
	if id.Serial = e.Value[13:]; err == nil && id.Serial == "" {
		err = fmt.Errorf("(%s) without a serial names a kind of things, not one", e.AI)
	}
	return id, err
}

// groupSeparator ends a value of variable length in a bar code; readers send it for FNC1.
const groupSeparator = '\x1d'

// symbologies are what readers put before what they read, of the bar codes that hold elements.
var symbologies = []string{"]C1", "]e0", "]d2", "]Q3", "]J1"}

// isElementString reports whether s looks like one, and not like hexadecimal digits.
func isElementString(s string) bool {
	if strings.HasPrefix(s, "(") || strings.IndexByte(s, groupSeparator) >= 0 {
		return true
	}
	return slices.ContainsFunc(symbologies, func(p string) bool { return strings.HasPrefix(s, p) })
}

// ParseElementString reads elements with their application identifiers in parentheses, as Element.String writes them, or
// as a bar code reader sends them: run together, a group separator (0x1D) after each value of variable length but the
// last, and what names the symbology before them, such as "]C1". What the elements name, Identify tells.
func ParseElementString(s string) ([]Element, error) {
	if strings.HasPrefix(s, "(") {
		return parseBracketed(s)
	}
	return parsePlain(s)
}

func parseBracketed(s string) ([]Element, error) {
	var elements []Element
	for rest := s; rest != ""; {
		ai := bracketed(rest)
		if ai == "" {
			return nil, fmt.Errorf("%q: %q does not start with a known application identifier in parentheses", s, rest)
		}
		rest = rest[len(ai)+2:]
		var value []byte
		for rest != "" && (bracketed(rest) == "" || len(value) == 0) {
			if strings.HasPrefix(rest, `\(`) {
				rest = rest[1:]
			}
			value, rest = append(value, rest[0]), rest[1:]
		}
		elements = append(elements, Element{ai, string(value)})
	}
	if len(elements) == 0 {
		return nil, fmt.Errorf("%q has no element", s)
	}
	return elements, nil
}

func parsePlain(s string) ([]Element, error) {
	rest := s
	for _, p := range symbologies {
		rest = strings.TrimPrefix(rest, p)
	}
	var elements []Element
	for rest = strings.TrimLeft(rest, string(groupSeparator)); rest != ""; rest = strings.TrimPrefix(rest, string(groupSeparator)) {
		ai := rest[:min(len(rest), lengthOfAI(rest))]
		if findAI(ai) == nil {
			return nil, fmt.Errorf("%q: %q does not start with a known application identifier", s, rest)
		}
		rest = rest[len(ai):]
		end := strings.IndexByte(rest, groupSeparator)
		if n := predefined(ai); n > 0 {
			end = min(n, len(rest))
		} else if end < 0 {
			end = len(rest)
		}
		elements = append(elements, Element{ai, rest[:end]})
		rest = rest[end:]
	}
	if len(elements) == 0 {
		return nil, fmt.Errorf("%q has no element", s)
	}
	return elements, nil
}

// predefined gives the length of the value of an application identifier after which bar codes have no separator (GS1
// General Specifications, figure 7.8.5-2); 0 for others.
func predefined(ai string) int {
	switch ai[:2] {
	case "00":
		return 18
	case "01", "02":
		return 14
	case "11", "12", "13", "15", "16", "17", "31", "32", "33", "34", "35", "36":
		return 6
	case "20":
		return 2
	case "41":
		return 13
	default:
		return 0
	}
}
