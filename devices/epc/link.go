package epc

import (
	"fmt"
	"slices"
	"strings"
)

// GS1Host is the host of links that belong to no company's own site.
const GS1Host = "id.gs1.org"

// qualifiers are the application identifiers that may follow a key in a link's path, in their order (GS1 Digital Link
// URI Syntax, §4.9).
func qualifiers(key string) []string {
	switch key {
	case "01", "8006":
		return []string{"22", "10", "21", "235"}
	case "414":
		return []string{"254", "7040"}
	case "417":
		return []string{"7040"}
	case "8010":
		return []string{"8011"}
	case "8017", "8018":
		return []string{"8019"}
	default:
		return nil
	}
}

// Link gives the GS1 Digital Link of the identity and what is known besides, on a host, e.g.
// "https://id.gs1.org/01/09506000134352/21/32a%2Fb?17=261231"; "" in the schemes that are not of GS1. The identity must
// be one in which Check finds nothing wrong.
func (id Identity) Link(host string, data ...Element) string {
	elements := append(id.Elements(), data...)
	if len(id.Elements()) == 0 {
		return ""
	}
	var b strings.Builder
	step := func(e Element) { b.WriteString("/" + e.AI + "/" + percent(e.Value, unreserved)) }
	b.WriteString("https://" + host)
	step(elements[0])
	path := qualifiers(elements[0].AI)
	for _, ai := range path {
		for _, e := range elements[1:] {
			if e.AI == ai {
				step(e)
			}
		}
	}
	mark := "?"
	for _, e := range elements[1:] {
		if !slices.Contains(path, e.AI) {
			b.WriteString(mark + e.AI + "=" + percent(e.Value, unreserved))
			mark = "&"
		}
	}
	return b.String()
}

// unreserved reports whether a character stands for itself everywhere in a URI (RFC 3986 §2.3).
func unreserved(c byte) bool {
	return isDigit(c) || isUpper(c) || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0
}

// isLink reports whether s starts as a web address.
func isLink(s string) bool {
	_, ok := cutWeb(s)
	return ok
}

func cutWeb(s string) (rest string, ok bool) {
	for _, p := range []string{"https://", "http://"} {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return s[len(p):], true
		}
	}
	return "", false
}

// ParseLink reads an uncompressed GS1 Digital Link: the key and its qualifiers at the end of the path, on any host and
// below any folders, and the application identifiers in the query; what else is there, such as linkType, is left out. A
// GTIN of 8, 12 or 13 digits gets zeros ahead. What the elements name, Identify tells.
func ParseLink(uri string) ([]Element, error) {
	rest, ok := cutWeb(uri)
	if !ok {
		return nil, fmt.Errorf("%q does not start with https://", uri)
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	elements, err := parsePath(strings.Split(strings.TrimSuffix(path, "/"), "/")[1:])
	if err == nil {
		elements, err = parseQuery(elements, query)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", uri, err)
	}
	return elements, nil
}

// parsePath finds the key from which on all is pairs of application identifier and value.
func parsePath(steps []string) ([]Element, error) {
	for i := len(steps) % 2; i < len(steps); i += 2 {
		if !isKey(steps[i]) || !allQualify(steps[i], steps[i+2:]) {
			continue
		}
		var elements []Element
		for ; i < len(steps); i += 2 {
			e, err := linked(steps[i], steps[i+1])
			if err != nil {
				return nil, err
			}
			elements = append(elements, e)
		}
		return elements, nil
	}
	return nil, fmt.Errorf("the path has no key, such as /01/ and a GTIN, with its qualifiers at the end; compressed links are not read")
}

// allQualify reports whether the pairs that follow a key in a path are its qualifiers.
func allQualify(key string, steps []string) bool {
	allowed := qualifiers(key)
	for i := 0; i < len(steps); i += 2 {
		if !slices.Contains(allowed, steps[i]) {
			return false
		}
	}
	return true
}

func parseQuery(elements []Element, query string) ([]Element, error) {
	for _, pair := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
		ai, value, _ := strings.Cut(pair, "=")
		if ai == "" || !allDigits(ai) {
			continue
		}
		e, err := linked(ai, value)
		if err != nil {
			return nil, err
		}
		elements = append(elements, e)
	}
	return elements, nil
}

func linked(ai, value string) (Element, error) {
	value, err := unpercent(value)
	if err != nil {
		return Element{}, err
	}
	if n := len(value); ai == "01" && (n == 8 || n == 12 || n == 13) {
		value = "000000"[:14-n] + value
	}
	e := Element{ai, value}
	return e, e.check()
}

func unpercent(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			code := strings.ToUpper(s[i+1 : min(i+3, len(s))])
			if len(code) != 2 || nibble(code[0]) > 15 || nibble(code[1]) > 15 {
				return "", fmt.Errorf("%q has a %% without two hexadecimal digits after it", s)
			}
			c = nibble(code[0])<<4 | nibble(code[1])
			i += 2
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}
