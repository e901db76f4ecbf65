package epcis

import (
	"strings"

	"github.com/tallydock/tallydock/devices/epc"
)

const (
	idURN      = "urn:epc:id:"
	classURN   = "urn:epc:class:"
	patternURN = "urn:epc:idpat:"
	linkStart  = "https://" + epc.GS1Host + "/"
)

// Canonical gives one name for all that name the same thing: the GS1 Digital Link on id.gs1.org with the key and what
// tells its things apart finest, for an EPC URI, a class URI, the pattern of all things of a class, or a Digital Link on
// any host. What names nothing of GS1 stays as it is. (CBV 2.0 §8: rules 17 and 18 of the event hash.)
func Canonical(uri string) string {
	var link string
	switch {
	case strings.HasPrefix(uri, idURN), strings.HasPrefix(uri, classURN):
		if id, err := epc.ParseURI(uri); err == nil {
			link = id.Link(epc.GS1Host)
		}
	case strings.HasPrefix(uri, patternURN):
		link = classLink(strings.TrimPrefix(uri, patternURN))
	case strings.HasPrefix(uri, "http"):
		link = finest(uri)
	}
	if link == "" {
		return uri
	}
	return link
}

// classLink gives the link of all things of a class, from the rest of a pattern with only the serial left open, e.g.
// "sgtin:0614141.812345.*".
func classLink(rest string) string {
	open, ok := strings.CutSuffix(rest, ".*")
	if !ok {
		return ""
	}
	id, err := epc.ParseURI(idURN + open + "." + someSerial)
	if err != nil {
		return ""
	}
	return withoutSerial(id)
}

// someSerial stands for the serial of a thing of a class until withoutSerial takes it off.
const someSerial = "0"

// withoutSerial gives the link of the class of a thing whose serial is someSerial; "" where it has no class.
func withoutSerial(id epc.Identity) string {
	link := id.Link(epc.GS1Host)
	switch id.Scheme {
	case epc.SGTIN, epc.UPUI, epc.ITIP, epc.CPI: // /key/qualifier/serial
		end := strings.LastIndexByte(link, '/')
		return link[:strings.LastIndexByte(link[:end], '/')]
	case epc.GRAI, epc.GDTI, epc.SGCN: // key and serial in one
		return strings.TrimSuffix(link, someSerial)
	default:
		return ""
	}
}

// finest gives a Digital Link with its key and the one qualifier that tells things apart finest, on the host of GS1; ""
// for what is no Digital Link.
func finest(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	elements, err := epc.ParseLink(path)
	if err != nil {
		return ""
	}
	key := elements[0]
	for _, ai := range qualifiers[key.AI] {
		for _, e := range elements[1:] {
			if e.AI == ai {
				return linkOf(key, e)
			}
		}
	}
	if link := linkOf(key); link != "" {
		return link
	}
	return classOf(key)
}

// qualifiers are what tells apart things of one key, the finest first.
var qualifiers = map[string][]string{"01": {"21", "235", "10"}, "8006": {"21"}, "414": {"254"}, "8010": {"8011"}}

func linkOf(elements ...epc.Element) string {
	id, _, err := epc.Identify(elements)
	if err != nil {
		return ""
	}
	return id.Link(epc.GS1Host)
}

// classOf gives the link of a key that names a class.
func classOf(key epc.Element) string {
	elements := []epc.Element{key}
	if ais := qualifiers[key.AI]; len(ais) > 0 {
		elements = append(elements, epc.Element{AI: ais[0], Value: someSerial})
	} else {
		elements[0].Value += someSerial
	}
	id, _, err := epc.Identify(elements)
	if err != nil {
		return ""
	}
	return withoutSerial(id)
}

// gtinOf gives the GTIN that a canonical name is of, "" where it is of none.
func gtinOf(canonical string) string {
	for _, ai := range []string{"01/", "8006/"} {
		if rest, ok := strings.CutPrefix(canonical, linkStart+ai); ok && len(rest) >= gtinDigits {
			return rest[:gtinDigits]
		}
	}
	return ""
}

const gtinDigits = 14
