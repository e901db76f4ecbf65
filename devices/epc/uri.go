package epc

import (
	"fmt"
	"strings"
)

const (
	pureURN  = "urn:epc:id:"
	classURN = "urn:epc:class:"
)

// URI gives the pure identity URI, e.g. "urn:epc:id:sgtin:0614141.812345.6789", or "" where the company prefix is not
// known. It is one that ParseURI reads back where Check finds nothing wrong.
func (id Identity) URI() string {
	if id.Prefix == "" && id.Scheme.issued() {
		return ""
	}
	return id.Scheme.urn() + id.parts()
}

// parts gives the components of the URI, with dots between them.
func (id Identity) parts() string {
	var p []string
	for _, part := range shapes[id.Scheme].parts {
		switch part {
		case 'p':
			p = append(p, id.Prefix)
		case 'r':
			p = append(p, escape(id.Reference))
		case 'm':
			p = append(p, id.Pieces[:min(2, len(id.Pieces))])
		case 'n':
			p = append(p, id.Pieces[min(2, len(id.Pieces)):])
		case 's':
			p = append(p, escape(id.Serial))
		}
	}
	return strings.Join(p, ".")
}

// ParseURI reads a pure identity URI, or the class URI of an LGTIN.
func ParseURI(uri string) (Identity, error) {
	rest, ok := strings.CutPrefix(uri, pureURN)
	if !ok {
		if rest, ok = strings.CutPrefix(uri, classURN); !ok {
			return Identity{}, fmt.Errorf("%q does not start with %s", uri, pureURN)
		}
	}
	name, parts, _ := strings.Cut(rest, ":")
	for s, sh := range shapes {
		if sh.name != name || s.isClass() != strings.HasPrefix(uri, classURN) {
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
	parts := shapes[s].parts
	p := strings.SplitN(text, ".", len(parts))
	if len(p) != len(parts) {
		return Identity{}, fmt.Errorf("%s has %d parts, not %d", s, len(p), len(parts))
	}
	id := Identity{Scheme: s}
	for i, part := range parts {
		v, err := unescape(p[i])
		if err != nil {
			return Identity{}, err
		}
		switch part {
		case 'p':
			id.Prefix = v
		case 'r':
			id.Reference = v
		case 'm', 'n':
			if len(v) != 2 {
				return Identity{}, fmt.Errorf("%s: number of pieces %q is not of two digits", s, v)
			}
			id.Pieces += v
		case 's':
			id.Serial = v
		}
	}
	if s.issued() && id.Prefix == "" {
		return Identity{}, fmt.Errorf("%s: the company prefix is missing", s)
	}
	return id, id.Check()
}
