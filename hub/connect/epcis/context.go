package epcis

import (
	"encoding/json"
	"maps"
	"strings"
)

// StandardContext is the JSON-LD context of EPCIS 2.0, which every document names.
const StandardContext = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

// Prefixes say what the prefixes of names stand for: {"example": "http://ns.example.com/epcis/"}.
type Prefixes map[string]string

// standardPrefixes are those that the standard context defines.
var standardPrefixes = Prefixes{
	"cbv": webCBV, "cbvmda": "urn:epcglobal:cbv:mda:", "dcterms": "http://purl.org/dc/terms/", "epcis": "https://ref.gs1.org/epcis/",
	"gs1": webVoc, "owl": "http://www.w3.org/2002/07/owl#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
	"xsd": "http://www.w3.org/2001/XMLSchema#",
}

// space gives what a prefix stands for.
func (p Prefixes) space(prefix string) (string, bool) {
	if s, ok := p[prefix]; ok {
		return s, true
	}
	s, ok := standardPrefixes[prefix]
	return s, ok
}

// split takes a name apart, where its prefix is known.
func (p Prefixes) split(name string) (space, local string, ok bool) {
	prefix, local, found := strings.Cut(name, ":")
	if !found || strings.HasPrefix(local, "//") {
		return "", "", false
	}
	space, ok = p.space(prefix)
	return space, local, ok
}

// full writes a name out; one whose prefix is not known stays as it is.
func (p Prefixes) full(name string) string {
	if space, local, ok := p.split(name); ok {
		return space + local
	}
	return name
}

// Context is what a document says of names: each item is the address of a context, or an object that defines prefixes.
type Context []json.RawMessage

// isStandard reports whether an item is the address of a context of EPCIS, of whatever release.
func isStandard(item json.RawMessage) bool {
	return len(item) > 0 && item[0] == '"' && strings.Contains(string(item), "epcis-context.jsonld")
}

// contextOf reads the value of "@context".
func contextOf(n node) Context {
	if n.kind() != isArray {
		return Context{json.RawMessage(n.raw())}
	}
	var c Context
	for _, item := range n.items() {
		c = append(c, json.RawMessage(item.raw()))
	}
	return c
}

// define adds the prefixes that a "@context" defines to those that hold outside of it, which stay unchanged; one that it
// defines as null stands for nothing from there on.
func (p Prefixes) define(n node) Prefixes {
	all := maps.Clone(p)
	if all == nil {
		all = Prefixes{}
	}
	add := func(item node) {
		for name, v := range item.members() {
			if space, ok := spaceOf(v); ok && !strings.ContainsAny(name, "@:") {
				all[name] = space
			} else if v.kind() == isNull {
				delete(all, name)
			}
		}
	}
	add(n)
	for _, item := range n.items() {
		add(item)
	}
	return all
}

// spaceOf gives what a definition stands for: text, or an object with an "@id".
func spaceOf(v node) (string, bool) {
	if id, ok := v.member("@id"); ok {
		v = id
	}
	return v.str(), v.kind() == isString
}
