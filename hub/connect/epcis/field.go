package epcis

import (
	"slices"
	"strings"
)

// reference names a field that the standard does not define: where it is, and its name.
type reference struct {
	region region
	inner  bool   // within other fields, at any depth, and not right in the region
	name   string // as the query has it
	full   string // "" where the query does not know the prefix
}

// is compares names as they are written out, or as written where the query does not know the prefix.
func (r *reference) is(name, full string) bool {
	if r.full != "" {
		return full == r.full
	}
	return name == r.name
}

// first gives the first plain value of the field, "" where there is none.
func (r *reference) first(e *Event) (text string) {
	r.values(e, func(n node) bool {
		text = n.str()
		return text != ""
	})
	return text
}

// values offers the values of the field, of lists each element, until use takes one; it reports whether it did.
func (r *reference) values(e *Event, use func(node) bool) bool {
	for _, m := range r.region.members(e) {
		if !r.inner && !r.is(m.Name, m.Full) {
			continue
		}
		n, err := parse(string(m.Value), mostDepth, len(m.Value)+1)
		if err != nil {
			continue
		}
		if r.inner && r.search(e.prefixes(), n, use) || !r.inner && elements(n, use) {
			return true
		}
	}
	return false
}

// search looks for the field below n.
func (r *reference) search(p Prefixes, n node, use func(node) bool) bool {
	for name, v := range n.members() {
		if r.is(name, p.full(name)) && elements(v, use) || r.search(p, v, use) {
			return true
		}
	}
	for _, item := range n.items() {
		if r.search(p, item, use) {
			return true
		}
	}
	return false
}

func elements(n node, use func(node) bool) bool {
	if n.kind() != isArray {
		return use(n)
	}
	for _, item := range n.items() {
		if elements(item, use) {
			return true
		}
	}
	return false
}

// equalsAny reports whether a value is one of those wanted, as text, number or time.
func equalsAny(n node, want []string) bool {
	if k := n.kind(); k == isObject || k == isNull {
		return false
	}
	have := n.str()
	return slices.ContainsFunc(want, func(w string) bool {
		if w == have {
			return true
		}
		if c, ok := Decimal(have).Compare(Decimal(w)); ok {
			return c == 0
		}
		c, ok := compareTimes(have, w)
		return ok && c == 0
	})
}

// region is where a field that the standard does not define can be.
type region string

// The regions, as they are in the names of parameters.
const (
	inEvent       region = ""
	inILMD        region = "ILMD_"
	inError       region = "ERROR_DECLARATION_"
	inElement     region = "SENSORELEMENT_"
	inMetadata    region = "SENSORMETADATA_"
	inReport      region = "SENSORREPORT_"
	inReadPoint   region = "readPoint_"
	inBizLocation region = "bizLocation_"
)

// members gives the fields of a region in an event.
func (g region) members(e *Event) (all []Member) {
	switch g {
	case inILMD:
		return e.ILMD
	case inError:
		if e.Error != nil {
			all = e.Error.Extensions
		}
	case inReadPoint:
		return e.ReadPoint.Extensions
	case inBizLocation:
		return e.BizLocation.Extensions
	case inElement, inMetadata, inReport:
		for _, element := range e.Sensors {
			switch g {
			case inElement:
				all = append(all, element.Extensions...)
			case inMetadata:
				all = append(all, element.Metadata.Extensions...)
			default:
				for _, r := range element.Reports {
					all = append(all, r.Extensions...)
				}
			}
		}
	default:
		return e.Extensions
	}
	return all
}

// regions are where fields can be that the standard does not define.
var regions = []region{inILMD, inError, inElement, inMetadata, inReport, inReadPoint, inBizLocation}

// reference reads the name of a field with where it is; nil where it is none.
func (r *queryReader) reference(rest string) *reference {
	var ref reference
	rest, ref.inner = strings.CutPrefix(rest, "INNER_")
	for _, g := range regions {
		if name, ok := strings.CutPrefix(rest, string(g)); ok {
			ref.region, rest = g, name
			break
		}
	}
	if !isURI(rest) {
		return nil
	}
	ref.name = rest
	if full := r.prefixes.full(rest); full != rest || strings.Contains(rest, "://") {
		ref.full = full
	}
	return &ref
}
