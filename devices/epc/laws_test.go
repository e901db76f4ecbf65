package epc_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/epc"
)

// law is what to draw of a coding of release 1.
type law struct {
	coding    epc.Coding
	scheme    epc.Scheme
	digits    int // of prefix and reference
	reference string
	serial    string // a pattern; %d is what the prefix leaves of longest
	longest   int
	bits      int // of a serial that is a number
	filters   int
}

const chars82 = `[!-"%-?A-Z_a-z]`

var laws = []law{
	{coding: epc.SGTIN96, scheme: epc.SGTIN, digits: 13, bits: 38, filters: 7},
	{coding: epc.SGTIN198, scheme: epc.SGTIN, digits: 13, serial: chars82 + "{1,20}", filters: 7},
	{coding: epc.SSCC96, scheme: epc.SSCC, digits: 17, filters: 7},
	{coding: epc.SGLN96, scheme: epc.SGLN, digits: 12, bits: 41, filters: 7},
	{coding: epc.SGLN195, scheme: epc.SGLN, digits: 12, serial: chars82 + "{1,20}", filters: 7},
	{coding: epc.GRAI96, scheme: epc.GRAI, digits: 12, bits: 38, filters: 7},
	{coding: epc.GRAI170, scheme: epc.GRAI, digits: 12, serial: chars82 + "{1,16}", filters: 7},
	{coding: epc.GIAI96, scheme: epc.GIAI, bits: 42, filters: 7},
	{coding: epc.GIAI202, scheme: epc.GIAI, serial: chars82 + "{1,%d}", longest: 30, filters: 7},
	{coding: epc.GSRN96, scheme: epc.GSRN, digits: 17, filters: 7},
	{coding: epc.GSRNP96, scheme: epc.GSRNP, digits: 17, filters: 7},
	{coding: epc.GDTI96, scheme: epc.GDTI, digits: 12, bits: 41, filters: 7},
	{coding: epc.GDTI113, scheme: epc.GDTI, digits: 12, serial: "[0-9]{1,17}", filters: 7},
	{coding: epc.GDTI174, scheme: epc.GDTI, digits: 12, serial: chars82 + "{1,17}", filters: 7},
	{coding: epc.CPI96, scheme: epc.CPI, reference: "[1-9][0-9]{0,2}", bits: 31, filters: 7},
	{coding: epc.CPIVar, scheme: epc.CPI, reference: "[0-9A-Z#/-]{1,%d}", longest: 30, serial: "[1-9][0-9]{0,11}", filters: 7},
	{coding: epc.SGCN96, scheme: epc.SGCN, digits: 12, serial: "[0-9]{1,12}", filters: 7},
	{coding: epc.ITIP110, scheme: epc.ITIP, digits: 13, bits: 38, filters: 7},
	{coding: epc.ITIP212, scheme: epc.ITIP, digits: 13, serial: chars82 + "{1,20}", filters: 7},
	{coding: epc.GID96, scheme: epc.GID, reference: "[1-9][0-9]{0,6}", bits: 36},
	{coding: epc.USDOD96, scheme: epc.USDOD, bits: 36, filters: 15},
	{coding: epc.ADIVar, scheme: epc.ADI, reference: "[0-9A-Z/-]{0,32}", serial: "#?[0-9A-Z/-]{1,29}", filters: 63},
}

func drawPrefix(t *rapid.T, s epc.Scheme) string {
	pattern := "[0-9]{6,12}"
	switch s {
	case epc.GID:
		pattern = "[1-9][0-9]{0,7}"
	case epc.USDOD, epc.ADI:
		pattern = "[0-9A-HJ-NP-Z]{5,6}"
	}
	return rapid.StringMatching(pattern).Draw(t, "prefix")
}

// drawTag draws a tag that its coding of release 1 can carry.
func drawTag(t *rapid.T) epc.Tag {
	l := rapid.SampledFrom(laws).Draw(t, "coding")
	tag := epc.Tag{Coding: l.coding, Filter: uint8(rapid.IntRange(0, l.filters).Draw(t, "filter"))}
	tag.Scheme, tag.Prefix = l.scheme, drawPrefix(t, l.scheme)
	fit := func(pattern string) string {
		return strings.ReplaceAll(pattern, "%d", fmt.Sprint(l.longest-len(tag.Prefix)))
	}
	switch {
	case l.digits > 0:
		tag.Reference = rapid.StringMatching(fmt.Sprintf("[0-9]{%d}", l.digits-len(tag.Prefix))).Draw(t, "reference")
	case l.reference != "":
		tag.Reference = rapid.StringMatching(fit(l.reference)).Draw(t, "reference")
	}
	if l.scheme == epc.ITIP {
		tag.Pieces = rapid.StringMatching("[0-9]{4}").Draw(t, "pieces")
	}
	switch {
	case l.bits > 0:
		tag.Serial = fmt.Sprint(rapid.Uint64Range(0, 1<<l.bits-1).Draw(t, "number"))
	case l.serial != "":
		tag.Serial = rapid.StringMatching(fit(l.serial)).Draw(t, "serial")
	}
	return tag
}

// ownGS1 reports whether a scheme has keys of GS1.
func ownGS1(s epc.Scheme) bool { return s != epc.GID && s != epc.USDOD && s != epc.ADI }

func TestEveryFormGivesTheSameTagBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := drawTag(t)
		memory, err := tag.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := epc.Decode(memory); err != nil || !equal(back, tag) {
			t.Fatalf("%x decoded as %+v, %v", memory, back, err)
		}
		if back, err := epc.ParseTagURI(tag.URI()); err != nil || !equal(back, tag) {
			t.Fatalf("%s parsed as %+v, %v", tag.URI(), back, err)
		}
		if back, err := epc.ParseURI(tag.Identity.URI()); err != nil || back != tag.Identity {
			t.Fatalf("%s parsed as %+v, %v", tag.Identity.URI(), back, err)
		}
		checkGTIN(t, memory, tag)
		if ownGS1(tag.Scheme) {
			checkSameElements(t, tag.Identity)
		}
	})
}

// checkSameElements checks that links and element strings give an identity back, once the prefix is known.
func checkSameElements(t *rapid.T, id epc.Identity) {
	for text, parse := range map[string]func(string) ([]epc.Element, error){
		id.ElementString():     epc.ParseElementString,
		id.Link("example.com"): epc.ParseLink,
		strings.Replace(id.Link("example.com"), ".com/", ".com/a/shop/of/01/", 1): epc.ParseLink,
	} {
		elements, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		bare, rest, err := epc.Identify(elements)
		if err != nil || bare != id.Bare() || len(rest) > 0 {
			t.Fatalf("%s names %+v and %v, %v", text, bare, rest, err)
		}
		if back, err := bare.WithPrefix(len(id.Prefix)); err != nil || back != id {
			t.Fatalf("%+v with a prefix of %d digits is %+v, %v", bare, len(id.Prefix), back, err)
		}
	}
}

// extras are elements that a tag of release 2 may have besides its EPC.
var extras = []struct{ ai, pattern string }{
	{"17", "2[0-9](0[1-9]|1[0-2])[0-2][0-9]"},
	{"10", chars82 + "{1,20}"},
	{"22", "[0-9]{1,20}"},
	{"3103", "[0-9]{6}"},
	{"37", "[0-9]{1,8}"},
	{"4330", "[0-9]{6}-?"},
	{"7003", "2[0-9]0[1-9][0-2][0-9][01][0-9][0-5][0-9]"},
	{"240", "[0-9A-F]{1,30}"},
	{"91", "[0-9A-Z.:-]{1,30}"},
	{"8008", "2[0-9]0[1-9][0-2][0-9]([01][0-9]([0-5][0-9])?)?"},
	{"7030", "[0-9]{3}[a-z]{1,9}"},
}

// plusOf are the + codings by scheme; DSGTIN and the ++ codings are drawn from them.
var plusOf = map[epc.Scheme][4]epc.Coding{
	epc.SGTIN: {epc.SGTINPlus, epc.SGTINPlusPlus, epc.DSGTINPlus, epc.DSGTINPlusPlus},
	epc.SSCC:  {epc.SSCCPlus, epc.SSCCPlusPlus}, epc.SGLN: {epc.SGLNPlus, epc.SGLNPlusPlus},
	epc.GRAI: {epc.GRAIPlus, epc.GRAIPlusPlus}, epc.GIAI: {epc.GIAIPlus, epc.GIAIPlusPlus},
	epc.GSRN: {epc.GSRNPlus, epc.GSRNPlusPlus}, epc.GSRNP: {epc.GSRNPPlus, epc.GSRNPPlusPlus},
	epc.GDTI: {epc.GDTIPlus, epc.GDTIPlusPlus}, epc.CPI: {epc.CPIPlus, epc.CPIPlusPlus},
	epc.SGCN: {epc.SGCNPlus, epc.SGCNPlusPlus}, epc.ITIP: {epc.ITIPPlus, epc.ITIPPlusPlus},
}

func drawPlus(t *rapid.T) epc.Tag {
	old := rapid.Custom(drawTag).Filter(func(tag epc.Tag) bool { return ownGS1(tag.Scheme) }).Draw(t, "identity")
	tag := epc.Tag{Identity: old.Identity.Bare(), Filter: old.Filter}
	kinds := 2
	if tag.Scheme == epc.SGTIN {
		kinds = 4
	}
	kind := rapid.IntRange(0, kinds-1).Draw(t, "kind")
	tag.Coding = plusOf[tag.Scheme][kind]
	if kind%2 == 1 {
		tag.Host = rapid.StringMatching(`(id\.|www\.)?[a-z0-9-]{1,12}(\.com|\.co\.uk|\.eu|\.org|\.x)`).Draw(t, "host")
	}
	if kind > 1 {
		ai := rapid.SampledFrom([]string{"11", "13", "15", "16", "7006", "7007"}).Draw(t, "date")
		tag.Date = epc.Element{AI: ai, Value: rapid.StringMatching(extras[0].pattern).Draw(t, "day")}
	}
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(extras)-1), 0, 2, rapid.ID).Draw(t, "extras") {
		e := epc.Element{AI: extras[i].ai, Value: rapid.StringMatching(extras[i].pattern).Draw(t, "value")}
		if e.Value[0] != '2' || len(e.Value) < 6 || e.Value[2:6] != "0229" { // the 29th of February is of any year here
			tag.Data = append(tag.Data, e)
		}
	}
	tag.Toggle = len(tag.Data) > 0
	return tag
}

func TestEveryFormOfRelease2GivesTheSameTagBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := drawPlus(t)
		memory, err := tag.Encode()
		if err != nil {
			if !strings.Contains(err.Error(), "at most 62") {
				t.Fatal(err)
			}
			return
		}
		if back, err := epc.Decode(memory); err != nil || !equal(back, tag) {
			t.Fatalf("%x decoded as %+v, %v", memory, back, err)
		}
		checkGTIN(t, memory, tag)
		d, err := epc.Describe(fmt.Sprintf("%x", memory))
		if err != nil {
			t.Fatal(err)
		}
		o := epc.Options{Filter: tag.Filter, Host: tag.Host}
		for _, text := range []string{d.DigitalLink, d.ElementString} {
			back, err := o.Describe(text)
			if err != nil || !sameParts(back.ElementString, d.ElementString) {
				t.Fatalf("%s described as %+v, %v; was %+v", text, back, err, d)
			}
		}
	})
}

// sameParts compares element strings whatever the order: links have qualifiers before what is in the query.
func sameParts(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return string(x) == string(y)
}

func TestAWrongDigitNeverPassesTheCheckDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := drawTag(t)
		elements := tag.Elements()
		if len(elements) == 0 || tag.Scheme == epc.GIAI || tag.Scheme == epc.CPI {
			return
		}
		digits := map[string]int{"253": 13, "255": 13, "8003": 14, "8006": 14}[elements[0].AI]
		if digits == 0 {
			digits = len(elements[0].Value)
		}
		key := []byte(elements[0].Value)
		at := rapid.IntRange(0, digits-1).Draw(t, "at")
		key[at] = '0' + (key[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		elements[0].Value = string(key)
		if id, _, err := epc.Identify(elements); err == nil {
			t.Fatalf("%v names %+v", elements, id)
		}
	})
}
