package epcis

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// EventHash gives the name that an event has of itself: the EPCIS Event Hash ID of CBV 2.0 (§8.9), as
// "ni:///sha-256;…?ver=CBV2.0". It is the same however the event is written: order of members and lists, spaces, time
// zones, prefixes, EPC URI or Digital Link make no difference. What tells of the record and not of what happened does not
// count: eventID, recordTime, errorDeclaration, certificationInfo. So an error declaration has the hash of the event that
// it declares wrong.
func EventHash(e Event) string {
	sum := sha256.Sum256([]byte(preHash(e)))
	return "ni:///sha-256;" + hex.EncodeToString(sum[:]) + "?ver=CBV2.0"
}

// preHash is the text that is hashed: names and values in the order of the standard, with nothing between.
//
// Two things that the standard leaves open follow its reference implementation: a sensorElementList has no name of its
// own, and extensions within standard fields come after the ilmd, each behind the name of its field.
func preHash(e Event) string {
	n, ok := e.node()
	if !ok {
		return "eventType=" + e.Type
	}
	h, of := hasher{e.prefixes()}, shapeOf(e.Type)
	var b strings.Builder
	write := func(name string, write func(hasher, string, node) string) {
		if v, ok := n.member(name); ok && of.fields[name] != nil {
			b.WriteString(write(h, name, v))
		}
	}
	b.WriteString("eventType=" + e.Type)
	for _, f := range hashedFields {
		write(f.name, f.write)
	}
	write("ilmd", func(h hasher, name string, v node) string { return name + h.extensions(v, nil) })
	for _, name := range []string{"readPoint", "bizLocation", "sensorElementList"} {
		write(name, hasher.within)
	}
	b.WriteString(h.extensions(n, of.fields))
	return b.String()
}

// hasher writes values in the one form that is hashed.
type hasher struct{ prefixes Prefixes }

// hashed is a field and how it is written.
type hashed struct {
	name  string
	write func(h hasher, name string, v node) string
}

// hashedFields are the fields of an event in their order (CBV 2.0 §8.9.3), without ilmd and extensions.
var hashedFields = []hashed{
	{"eventTime", hasher.instant},
	{"eventTimeZoneOffset", hasher.value},
	{"epcList", named("epc")},
	{"parentID", hasher.value},
	{"inputEPCList", named("epc")},
	{"childEPCs", named("epc")},
	{"quantityList", quantities},
	{"childQuantityList", quantities},
	{"inputQuantityList", quantities},
	{"outputEPCList", named("epc")},
	{"outputQuantityList", quantities},
	{"action", hasher.value},
	{"transformationID", hasher.value},
	{"bizStep", wordOf(bizSteps)},
	{"disposition", wordOf(dispositions)},
	{"persistentDisposition", group(hashed{"set", eachWord(dispositions)}, hashed{"unset", eachWord(dispositions)})},
	{"readPoint", group(hashed{"id", hasher.value})},
	{"bizLocation", group(hashed{"id", hasher.value})},
	{"bizTransactionList", typed("bizTransaction", transactionTypes)},
	{"sourceList", typed("source", partyTypes)},
	{"destinationList", typed("destination", partyTypes)},
	{"sensorElementList", func(h hasher, _ string, v node) string { return each(h, "sensorElement", v, sensorElement) }},
}

var quantities = list("quantityElement", group(hashed{"epcClass", hasher.value}, hashed{"quantity", hasher.value},
	hashed{"uom", hasher.value}))

var sensorElement = group(
	hashed{"sensorMetadata", group(hashed{"time", hasher.instant}, hashed{"startTime", hasher.instant},
		hashed{"endTime", hasher.instant}, hashed{"deviceID", hasher.value}, hashed{"deviceMetadata", hasher.value}, hashed{"rawData", hasher.value},
		hashed{"dataProcessingMethod", hasher.value}, hashed{"bizRules", hasher.value})},
	hashed{"sensorReport", func(h hasher, name string, v node) string { return each(h, name, v, sensorReport) }},
)

var sensorReport = group(
	hashed{"type", wordOf(measurements)}, hashed{"exception", wordOf(alerts)}, hashed{"deviceID", hasher.value},
	hashed{"deviceMetadata", hasher.value}, hashed{"rawData", hasher.value}, hashed{"dataProcessingMethod", hasher.value},
	hashed{"time", hasher.instant}, hashed{"microorganism", hasher.value}, hashed{"chemicalSubstance", hasher.value},
	hashed{"value", hasher.value}, hashed{"component", wordOf(components)}, hashed{"stringValue", hasher.value},
	hashed{"booleanValue", hasher.value}, hashed{"hexBinaryValue", hasher.value}, hashed{"uriValue", hasher.value},
	hashed{"minValue", hasher.value}, hashed{"maxValue", hasher.value}, hashed{"meanValue", hasher.value},
	hashed{"sDev", hasher.value}, hashed{"percRank", hasher.value}, hashed{"percValue", hasher.value},
	hashed{"uom", hasher.value}, hashed{"coordinateReferenceSystem", hasher.value},
)

// group writes a name and after it the fields of an object, in their order; nothing where none of them is there.
func group(fields ...hashed) func(hasher, string, node) string {
	return func(h hasher, name string, v node) string {
		var b strings.Builder
		for _, f := range fields {
			if m, ok := v.member(f.name); ok {
				b.WriteString(f.write(h, f.name, m))
			}
		}
		if b.Len() == 0 {
			return ""
		}
		return name + b.String()
	}
}

// each writes the elements of a list, in the order of their text.
func each(h hasher, name string, v node, write func(hasher, string, node) string) string {
	var all []string
	for _, item := range v.items() {
		all = append(all, write(h, name, item))
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

// list writes a name and the elements of a list, each with a name of theirs.
func list(element string, write func(hasher, string, node) string) func(hasher, string, node) string {
	return func(h hasher, name string, v node) string {
		if text := each(h, element, v, write); text != "" {
			return name + text
		}
		return ""
	}
}

func named(element string) func(hasher, string, node) string { return list(element, hasher.value) }

// typed writes a list whose elements have a type, which goes ahead of the value.
func typed(value string, types *vocabulary) func(hasher, string, node) string {
	fields := group(hashed{"type", wordOf(types)}, hashed{value, hasher.value})
	return list("", fields)
}

func wordOf(v *vocabulary) func(hasher, string, node) string {
	return func(h hasher, name string, n node) string { return h.is(name, v.full(n.str())) }
}

func eachWord(v *vocabulary) func(hasher, string, node) string {
	return func(h hasher, name string, n node) string { return each(h, name, n, wordOf(v)) }
}

// value writes name=value; of a list one for each.
func (h hasher) value(name string, v node) string {
	if v.kind() == isArray {
		return each(h, name, v, hasher.value)
	}
	return h.is(name, v.str())
}

// instant writes a time in UTC to the millisecond, rounded.
func (h hasher) instant(name string, v node) string {
	t, ok := parseTime(v.str())
	if !ok {
		return h.is(name, v.str())
	}
	return name + "=" + t.UTC().Round(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
}

// is writes name=text with the text in its one form.
func (h hasher) is(name, text string) string {
	text = h.canonical(strings.TrimSpace(text))
	if text == "" {
		return ""
	}
	return name + "=" + text
}

// urnVocabularies are those whose words have names of release 1.
var urnVocabularies = []*vocabulary{bizSteps, dispositions, transactionTypes, partyTypes, errorReasons}

// canonical writes out the prefixes of GS1 (others stay), names standard words by their web names, numbers without zeros
// that say nothing, and things by their Digital Links.
func (h hasher) canonical(text string) string {
	if prefix, local, ok := strings.Cut(text, ":"); ok {
		switch prefix {
		case "gs1", "cbv", "epcis":
			return standardPrefixes[prefix] + local
		}
	}
	for _, v := range urnVocabularies {
		if rest, ok := strings.CutPrefix(text, v.urn); ok {
			return v.web + rest
		}
	}
	if plain, ok := Decimal(text).Plain(); ok {
		return plain
	}
	return Canonical(text)
}

// extensions writes the members of an object but the standard ones, in the order of their text: prefixes as {namespace},
// lists as one for each, objects with what is in them. Comments do not count.
func (h hasher) extensions(n node, standard map[string]eventField) string {
	var all []string
	for name, v := range n.members() {
		if standard[name] == nil && name != "rdfs:comment" && name != "comment" {
			all = append(all, h.extension(h.name(name), v)...)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

func (h hasher) extension(name string, v node) (all []string) {
	switch v.kind() {
	case isObject:
		return []string{name + h.extensions(v, nil)}
	case isArray:
		for _, item := range v.items() {
			all = append(all, h.extension(name, item)...)
		}
		return all
	case isNull:
		return nil
	default:
		text := h.is(name, v.str())
		if text == "" {
			text = name
		}
		return []string{text}
	}
}

// name writes the name of an extension with its namespace in braces.
func (h hasher) name(name string) string {
	prefix, local, found := strings.Cut(name, ":")
	if !found || strings.HasPrefix(local, "//") {
		return name
	}
	if _, own := h.prefixes[prefix]; !own && prefix == "cbvmda" {
		return "{urn:epcglobal:cbv:mda}" + local // as XML has it
	}
	if space, ok := h.prefixes.space(prefix); ok {
		return "{" + space + "}" + local
	}
	return name
}

// within writes the extensions in a standard field behind its name; nothing where there are none.
func (h hasher) within(name string, v node) string {
	switch name {
	case "sensorElementList":
		return each(h, "sensorElement", v, func(h hasher, name string, item node) string { return h.within(name, item) })
	case "sensorReport":
		return each(h, name, v, func(h hasher, name string, item node) string { return h.own(name, "", item) })
	case "sensorElement":
		var inner strings.Builder
		for _, part := range []string{"sensorMetadata", "sensorReport"} {
			if p, ok := v.member(part); ok {
				inner.WriteString(h.within(part, p))
			}
		}
		return h.own(name, inner.String(), v)
	default:
		return h.own(name, "", v)
	}
}

// own writes a name, what is already written of its parts, and the extensions right in it; nothing where there are none.
func (h hasher) own(name, inner string, v node) string {
	var all []string
	for member, value := range v.members() {
		if strings.Contains(member, ":") {
			all = append(all, h.extension(h.name(member), value)...)
		}
	}
	slices.Sort(all)
	if text := inner + strings.Join(all, ""); text != "" {
		return name + text
	}
	return ""
}
