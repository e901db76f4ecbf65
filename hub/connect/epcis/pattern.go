package epcis

import (
	"fmt"
	"slices"
	"strings"
)

// pattern is what a MATCH parameter asks for: one identity, or all that a pattern with * at its end covers.
type pattern struct {
	exact string // canonical; "" for a pattern

	scheme string   // of an EPC pattern, e.g. "sgtin"; "" for the pattern of a Digital Link
	parts  []string // the last ones are *
	class  string   // canonical name of the class whose things it covers, "" where it is not just one

	// What canonical names that are covered start with, and what those of single things have in them.
	starts []string
	within string
}

// linked is how the links of a scheme are made.
type linked struct {
	parts   int    // of its EPC URI
	ai      string // of its key
	ahead   bool   // the first digit of the second part stands before the company prefix
	serial  string // application identifier of what comes after the key, "" where there is none or it is part of the key
	zero    bool   // a zero stands before the key
	hasTail bool   // the serial is part of the key's value
}

var linkedSchemes = map[string]linked{
	"sgtin": {parts: 3, ai: "01", ahead: true, serial: "21"},
	"lgtin": {parts: 3, ai: "01", ahead: true, serial: "10"},
	"upui":  {parts: 3, ai: "01", ahead: true, serial: "235"},
	"itip":  {parts: 5, ai: "8006", ahead: true, serial: "21"},
	"sscc":  {parts: 2, ai: "00", ahead: true},
	"sgln":  {parts: 3, ai: "414"},
	"pgln":  {parts: 2, ai: "417"},
	"grai":  {parts: 3, ai: "8003", zero: true, hasTail: true},
	"giai":  {parts: 2, ai: "8004"},
	"gsrn":  {parts: 2, ai: "8018"},
	"gsrnp": {parts: 2, ai: "8017"},
	"gdti":  {parts: 3, ai: "253", hasTail: true},
	"sgcn":  {parts: 3, ai: "255", hasTail: true},
	"cpi":   {parts: 3, ai: "8010", serial: "8011"},
	"ginc":  {parts: 2, ai: "401"},
	"gsin":  {parts: 2, ai: "402"},
	"gid":   {parts: 3},
	"usdod": {parts: 2},
	"adi":   {parts: 3},
}

// parsePattern reads the value of a MATCH parameter: any URI; an EPC pure identity pattern (TDS §8), such as
// urn:epc:idpat:sgtin:0614141.*.* or, for lots, urn:epc:class:lgtin:0614141.812345.*; or a Digital Link with /* at its end.
func parsePattern(s string) (pattern, error) {
	switch rest, class := strings.CutPrefix(s, classURN); {
	case !isURI(s):
		return pattern{}, fmt.Errorf("%s is no URI", quote(s))
	case class && strings.HasSuffix(rest, ".*"):
		return parseEPCPattern(rest)
	case strings.HasPrefix(s, patternURN):
		return parseEPCPattern(strings.TrimPrefix(s, patternURN))
	case strings.HasPrefix(s, "http") && strings.HasSuffix(s, "/*"):
		return parseLinkPattern(strings.TrimSuffix(s, "*"))
	default:
		return pattern{exact: Canonical(s)}, nil
	}
}

func parseLinkPattern(open string) (pattern, error) {
	link := Canonical(open + someSerial)
	start, ok := strings.CutSuffix(link, "/"+someSerial)
	if !ok || !strings.HasPrefix(link, linkStart) {
		return pattern{}, fmt.Errorf("%s is no Digital Link that a serial or lot could follow", quote(open))
	}
	return pattern{starts: []string{start + "/"}}, nil
}

func parseEPCPattern(rest string) (pattern, error) {
	scheme, text, _ := strings.Cut(rest, ":")
	of, ok := linkedSchemes[scheme]
	parts := strings.SplitN(text, ".", max(1, of.parts))
	if !ok || len(parts) != of.parts {
		return pattern{}, fmt.Errorf("%s is no EPC pattern", quote(rest))
	}
	fixed := 0
	for fixed < len(parts) && parts[fixed] != "*" {
		fixed++
	}
	for i, p := range parts {
		if p == "" && i == 0 || (p == "*") != (i >= fixed) || i < fixed && strings.Contains(p, "*") {
			return pattern{}, fmt.Errorf("%s is no EPC pattern: * stands for all parts from one to the last", quote(rest))
		}
	}
	if fixed == len(parts) {
		return pattern{exact: Canonical(idURN + rest)}, nil
	}
	p := pattern{scheme: scheme, parts: parts}
	if class := Canonical(patternURN + rest); class != patternURN+rest {
		p.class = class
	}
	if of.serial != "" {
		p.within = "/" + of.serial + "/"
	}
	p.starts = of.starts(scheme, parts[:fixed])
	return p, nil
}

// starts gives how the canonical names start that a pattern with such fixed parts covers.
func (l linked) starts(scheme string, fixed []string) []string {
	if l.ai == "" {
		start := idURN + scheme + ":"
		for _, part := range fixed {
			start += part + "."
		}
		return []string{start}
	}
	key := linkStart + l.ai + "/"
	if l.zero {
		key += "0"
	}
	switch {
	case len(fixed) == 0:
		return []string{key}
	case len(fixed) == l.parts-1 && l.parts > 2: // only the serial is open
		return l.ofClass(scheme, fixed)
	case len(fixed) > 1: // an ITIP with an open piece
		gtin := gtinOf(Canonical(idURN + "sgtin:" + fixed[0] + "." + fixed[1] + "." + someSerial))
		if gtin == "" {
			return nil
		}
		return []string{key + gtin + strings.Join(fixed[2:], "")}
	case !l.ahead:
		return []string{key + fixed[0]}
	}
	var all []string
	for digit := '0'; digit <= '9'; digit++ {
		all = append(all, key+string(digit)+fixed[0])
	}
	return all
}

// ofClass gives how the names of the things of one class start.
func (l linked) ofClass(scheme string, fixed []string) []string {
	urn := idURN
	if scheme == "lgtin" {
		urn = classURN
	}
	link := Canonical(urn + scheme + ":" + strings.Join(fixed, ".") + "." + someSerial)
	switch {
	case !strings.HasPrefix(link, linkStart):
		return nil // no such class can be: it covers nothing
	case l.serial == "" && !l.hasTail: // a place, which is also itself without an extension
		return []string{link}
	default:
		return []string{strings.TrimSuffix(link, someSerial)}
	}
}

// covers reports whether an identity is what the pattern asks for. Of an EPC URI its parts are compared; what tells no
// company prefix, a Digital Link, must start alike.
func (p pattern) covers(uri, canonical string) bool {
	if p.exact != "" {
		return p.exact == canonical
	}
	for _, urn := range []string{idURN, classURN, patternURN} {
		if rest, ok := strings.CutPrefix(uri, urn); ok && p.scheme != "" {
			return p.coversParts(rest)
		}
	}
	if canonical == p.class {
		return true
	}
	if p.within != "" && !strings.Contains(canonical, p.within) && !p.isClass(canonical) {
		return false
	}
	return slices.ContainsFunc(p.starts, func(start string) bool { return strings.HasPrefix(canonical, start) })
}

// isClass reports whether a canonical name is a key alone, of a scheme whose things have a serial besides.
func (p pattern) isClass(canonical string) bool {
	const slashes = 4 // in https://id.gs1.org/01/10614141073464
	return (p.scheme == "sgtin" || p.scheme == "itip" || p.scheme == "cpi") && strings.Count(canonical, "/") == slashes
}

func (p pattern) coversParts(rest string) bool {
	scheme, text, _ := strings.Cut(rest, ":")
	if scheme != p.scheme {
		return false
	}
	have := strings.SplitN(text, ".", len(p.parts))
	if len(have) != len(p.parts) {
		return false
	}
	for i, part := range p.parts {
		if part != "*" && part != have[i] {
			return false
		}
	}
	return true
}
