package capture

import (
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// codings are the ways in which a tag carries an identity of a scheme, the one for a thing that no tag is known of first.
var codings = map[epc.Scheme][]epc.Coding{
	epc.SGTIN: {epc.SGTIN96, epc.SGTIN198, epc.SGTINPlus},
	epc.SSCC:  {epc.SSCC96, epc.SSCCPlus},
	epc.SGLN:  {epc.SGLN96, epc.SGLN195, epc.SGLNPlus},
	epc.GRAI:  {epc.GRAI96, epc.GRAI170, epc.GRAIPlus},
	epc.GIAI:  {epc.GIAI96, epc.GIAI202, epc.GIAIPlus},
	epc.GSRN:  {epc.GSRN96, epc.GSRNPlus},
	epc.GSRNP: {epc.GSRNP96, epc.GSRNPPlus},
	epc.GDTI:  {epc.GDTI96, epc.GDTI174, epc.GDTI113, epc.GDTIPlus},
	epc.CPI:   {epc.CPI96, epc.CPIVar, epc.CPIPlus},
	epc.SGCN:  {epc.SGCN96, epc.SGCNPlus},
	epc.ITIP:  {epc.ITIP110, epc.ITIP212, epc.ITIPPlus},
	epc.GID:   {epc.GID96},
	epc.USDOD: {epc.USDOD96},
	epc.ADI:   {epc.ADIVar},
}

// How long company prefixes are.
const (
	shortestPrefix = 6
	longestPrefix  = 12
)

// Tags gives the tags that can carry the thing of a name: for an EPC URI in every coding with every filter, for a Digital
// Link, which does not tell how long its company prefix is, with every prefix too. The first is for a thing that no tag is
// known of. None for what no tag carries.
func Tags(name string) []devices.Tag {
	var ids []epc.Identity
	if id, err := epc.ParseURI(name); err == nil {
		ids = []epc.Identity{id}
	} else if elements, err := epc.ParseLink(name); err == nil {
		id, _, err := epc.Identify(elements)
		if err != nil {
			return nil
		}
		ids = append(ids, id)
		for digits := shortestPrefix; digits <= longestPrefix; digits++ {
			if with, err := id.WithPrefix(digits); err == nil {
				ids = append(ids, with)
			}
		}
	}
	var all []devices.Tag
	for _, filter := range []uint8{1, 0, 2, 3, 4, 5, 6, 7} { // 1 is an item for sale
		for _, id := range ids {
			all = appendTags(all, id, filter)
		}
	}
	return all
}

func appendTags(all []devices.Tag, id epc.Identity, filter uint8) []devices.Tag {
	for _, c := range codings[id.Scheme] {
		memory, err := epc.Tag{Identity: id, Coding: c, Filter: filter}.Encode()
		if err != nil {
			continue
		}
		if t, err := devices.NewTag(devices.TagEPC, memory); err == nil {
			all = append(all, t)
		}
	}
	return all
}

// Name gives the canonical name of the thing that a tag carries; "" for a tag that carries none.
func Name(t devices.Tag) string {
	if t.Kind() != devices.TagEPC {
		return ""
	}
	e, err := epc.Decode(t.Bytes())
	if err != nil {
		return ""
	}
	if link := e.Link(epc.GS1Host); link != "" {
		return epcis.Canonical(link)
	}
	return epcis.Canonical(e.Identity.URI()) // not the tag's own URI, which tells its coding
}

// Places gives the names by which a place or party is looked for among ours: its own, that of the place of a party's
// number, and the last part of it, which may be a location's code.
func Places(name string) []string {
	all := []string{name}
	if digits, ok := strings.CutPrefix(name, party); ok {
		all = append(all, place+digits)
	}
	return append(all, name[strings.LastIndexAny(name, "/:")+1:])
}

// PlaceName gives the canonical name of a place: a GLN of 13 digits, or a URI.
func PlaceName(gln string) string {
	if !strings.Contains(gln, ":") {
		return place + gln
	}
	return epcis.Canonical(gln)
}

const (
	place = "https://" + epc.GS1Host + "/414/"
	party = "https://" + epc.GS1Host + "/417/"
)
