package epc_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/epc"
)

func TestDescribeReadsWhateverNamesAThing(t *testing.T) {
	const link, elements = "https://id.gs1.org/01/09506000134352/21/S1", "(01)09506000134352(21)S1"
	for name, c := range map[string]struct {
		text string
		o    epc.Options
		want epc.Description
	}{
		"link on another host": {
			"http://shop.example.com:8080/a/b/01/09506000134352/21/S1/?linkType=gs1:pip#top",
			epc.Options{},
			epc.Description{Scheme: "sgtin+", Hex: "F7009506000134352624B500", DigitalLink: link, ElementString: elements},
		},
		"link with a GTIN of 13 digits": {
			"HTTPS://id.gs1.org/01/9506000134352/21/S1",
			epc.Options{},
			epc.Description{Scheme: "sgtin+", Hex: "F7009506000134352624B500", DigitalLink: link, ElementString: elements},
		},
		"link below what looks like a key": {
			"https://example.com/01/shop/01/09506000134352/21/S1",
			epc.Options{},
			epc.Description{Scheme: "sgtin+", Hex: "F7009506000134352624B500", DigitalLink: link, ElementString: elements},
		},
		"bar code as a reader sends it": {
			"]C1010950600013435221S1",
			epc.Options{},
			epc.Description{Scheme: "sgtin+", Hex: "F7009506000134352624B500", DigitalLink: link, ElementString: elements},
		},
		"bar code with more after the serial": {
			"]d2010950600013435221S1\x1d3103001250",
			epc.Options{PrefixLen: 7},
			epc.Description{
				Scheme: "sgtin-198", Hex: "36164433400D1EE9B1" + strings.Repeat("0", 34),
				TagURI: "urn:epc:tag:sgtin-198:0.9506000.013435.S1", URI: "urn:epc:id:sgtin:9506000.013435.S1",
				DigitalLink: link + "?3103=001250", ElementString: elements + "(3103)001250",
			},
		},
		"memory of release 2 with the prefix told": {
			"f7009506000134352624b500",
			epc.Options{PrefixLen: 7},
			epc.Description{
				Scheme: "sgtin+", Hex: "F7009506000134352624B500", URI: "urn:epc:id:sgtin:9506000.013435.S1",
				DigitalLink: link, ElementString: elements,
			},
		},
		"place without extension": {
			"(414)9521141123454(254)0",
			epc.Options{PrefixLen: 7},
			epc.Description{
				Scheme: "sgln-96", Hex: "3216451FD460720000000000", TagURI: "urn:epc:tag:sgln-96:0.9521141.12345.0",
				URI: "urn:epc:id:sgln:9521141.12345.0", DigitalLink: "https://id.gs1.org/414/9521141123454", ElementString: "(414)9521141123454",
			},
		},
		"lot": {
			"(01)09506000134352(10)L1(17)261231",
			epc.Options{PrefixLen: 7},
			epc.Description{
				Scheme: "lgtin", URI: "urn:epc:class:lgtin:9506000.013435.L1",
				DigitalLink: "https://id.gs1.org/01/09506000134352/10/L1?17=261231", ElementString: "(01)09506000134352(10)L1(17)261231",
			},
		},
		"thing of a department": {
			"urn:epc:id:usdod:2S194.0",
			epc.Options{Filter: 15, PrefixLen: 7, Host: "example.com"},
			epc.Description{Scheme: "usdod-96", Hex: "2FF203253313934000000000", TagURI: "urn:epc:tag:usdod-96:15.2S194.0", URI: "urn:epc:id:usdod:2S194.0"},
		},
		"raw URI of a tag that is no EPC": {
			"urn:epc:raw:12.xE20",
			epc.Options{},
			epc.Description{Scheme: "raw", Hex: "E20", URI: "urn:epc:raw:12.xE20"},
		},
		"odd number of digits": {
			"e20",
			epc.Options{},
			epc.Description{Scheme: "raw", Hex: "E20", URI: "urn:epc:raw:12.xE20"},
		},
	} {
		got, err := c.o.Describe(c.text)
		if (got.Scheme == "raw") != (got.Reason != "") {
			t.Errorf("%s: reason %q", name, got.Reason)
		}
		got.Reason = ""
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v\nwant %+v", name, got, err, c.want)
		}
	}
}

func TestDescribeSaysWhyItCannot(t *testing.T) {
	for _, c := range []struct {
		text string
		o    epc.Options
		says string
	}{
		{"", epc.Options{}, "nothing to describe"},
		{" \n", epc.Options{}, "nothing to describe"},
		{"0x", epc.Options{}, "neither hexadecimal"},
		{"urn:epc:id:sgtin", epc.Options{}, "parts"},
		{"urn:epc:pat:sgtin-96:3.0614141.[1-9].*", epc.Options{}, "pattern"},
		{strings.Repeat("30", 63), epc.Options{}, "at most 62"},
		{"https://example.com", epc.Options{}, "the path has no key"},
		{"https://example.com/AQEEAA", epc.Options{}, "compressed links are not read"},
		{"https://example.com/01/09506000134352/99/x", epc.Options{}, "the path has no key"},
		{"https://example.com/01/09506000134352/21/a%2", epc.Options{}, "two hexadecimal digits"},
		{"https://example.com/01/09506000134352/21/a%20b", epc.Options{}, "GS1 does not allow"},
		{"https://example.com/01/09506000134352/21/1?17=261331", epc.Options{}, "not a day"},
		{"https://example.com/01/09506000134352/21/1?999=1", epc.Options{}, "(999) is not known"},
		{"https://example.com/01/09506000134352/21/1?21=2", epc.Options{}, "given twice"},
		{"https://example.com/00/095201234567891235?410=9521141123450", epc.Options{}, "9521141123454 would be right"},
		{"(21)1", epc.Options{}, "that of a key"},
		{"(01)09506000134352(21)", epc.Options{}, "0 characters"},
		{"(01)0950600013435(21)1", epc.Options{}, "14 digits"},
		{"(01)09506000134352(21)123456789012345678901", epc.Options{}, "1 to 20"},
		{"(77)1", epc.Options{}, "known application identifier"},
		{"()", epc.Options{}, "known application identifier"},
		{"(", epc.Options{}, "known application identifier"},
		{"]C1", epc.Options{}, "no element"},
		{"]C177", epc.Options{}, "known application identifier"},
		{"]C10109506000134352", epc.Options{}, "alone names a kind of article"},
		{"(8010)95211415", epc.Options{}, "alone names a kind of part"},
		{"(8006)095211411234540102", epc.Options{}, "alone names a kind of piece"},
		{"(253)9521141123454", epc.Options{}, "without a serial"},
		{"(8003)19521141123454A", epc.Options{}, "starts with a 0"},
		{"(8004)ABC", epc.Options{}, "company prefix"},
		{"(8004)95a", epc.Options{PrefixLen: 7}, "company prefix"},
		{"(8004)9521a1412", epc.Options{PrefixLen: 7}, "not of 6 to 12 digits"},
		{"(00)095201234567891235", epc.Options{PrefixLen: 5}, "6 to 12"},
		{"(00)095201234567891235", epc.Options{Filter: 8}, "filter 8"},
		{"(00)095201234567891235", epc.Options{Host: "ex ample"}, "host"},
		{"f90095201234567891235", epc.Options{PrefixLen: 13}, "6 to 12"},
	} {
		d, err := c.o.Describe(c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) || d != (epc.Description{}) {
			t.Errorf("%q %+v: %+v, %v; %q not said", c.text, c.o, d, err, c.says)
		}
	}
}

// A serial may look like the next element.
func TestParenthesesInASerialAreNoElement(t *testing.T) {
	for _, serial := range []string{"a(10)b", "(10)", "((21)", "a(1", "(x)", ")(", "(3103)1", "(31)"} {
		id := epc.Identity{Scheme: epc.SGTIN, Reference: "0950600013435", Serial: serial}
		elements, err := epc.ParseElementString(id.ElementString() + "(17)261231")
		if err != nil {
			t.Fatal(err)
		}
		back, rest, err := epc.Identify(elements)
		if err != nil || back != id || len(rest) != 1 {
			t.Errorf("%s: %+v, %v, %v", id.ElementString(), back, rest, err)
		}
	}
}

func TestWithPrefix(t *testing.T) {
	id, err := epc.ParseURI("urn:epc:id:sgtin:0614141.812345.6789")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := id.WithPrefix(7); err != nil || same != id {
		t.Errorf("%+v, %v", same, err)
	}
	if other, err := id.WithPrefix(8); err == nil || !strings.Contains(err.Error(), "has 7 digits, not 8") {
		t.Errorf("%+v, %v", other, err)
	}
	gid, err := epc.ParseURI("urn:epc:id:gid:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := gid.WithPrefix(7); err == nil || gid.Bare() != gid {
		t.Errorf("%+v, %v", other, err)
	}
}

func TestValuesThatTheirApplicationIdentifierDoesNotAllow(t *testing.T) {
	for _, c := range []struct{ element, says string }{
		{"(7003)2601152530", "25 in its time"},
		{"(7003)26011514", "not of 10 digits"},
		{"(7003)2601321430", "not a day"},
		{"(7007)2601", "not of 12 digits"},
		{"(7007)260131260132", "not a day"},
		{"(7007)260132260131", "not a day"},
		{"(8008)2601151", "6, 8, 10 or 12"},
		{"(8008)26011514xx", "not of 10 digits"},
		{"(4307)br", "two letters"},
		{"(4321)2", "0 or 1"},
		{"(4330)001850+", "minus"},
		{"(7258)2-3", "such as 2/3"},
		{"(37)x", "1 to 8 digits"},
		{"(420)a b", "GS1 does not allow"},
		{"(02)09506000134353", "09506000134352 would be right"},
	} {
		d, err := epc.Describe("(00)095201234567891235" + c.element)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v; %q not said", c.element, d, err, c.says)
		}
	}
}

func TestBarCodesRunFixedValuesTogether(t *testing.T) {
	elements, err := epc.ParseElementString("]C100095201234567891235" + "4109521141123454" + "2001" + "17261231" + "3103001250" + "8008260115\x1d" + "4210276A")
	const want = "(00)095201234567891235(410)9521141123454(20)01(17)261231(3103)001250(8008)260115(421)0276A"
	if got := join(elements); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	if elements, err := epc.ParseElementString("]C10009520123456789123502950600013\x1d"); err == nil {
		if _, _, err = epc.Identify(elements); err == nil {
			t.Errorf("a GTIN that is cut short: %v", elements)
		}
	}
}

func join(elements []epc.Element) string {
	var b strings.Builder
	for _, e := range elements {
		b.WriteString(e.String())
	}
	return b.String()
}

func TestGTINOfOtherLengths(t *testing.T) {
	id := epc.Identity{Scheme: epc.SGTIN, Reference: "0000009501093", Serial: "1"}
	for digits, want := range map[int]string{8: "95010939", 12: "000095010939", 13: "0000095010939", 14: "00000095010939"} {
		if got, err := id.GTIN(digits); err != nil || got != want {
			t.Errorf("%d digits: %s, %v", digits, got, err)
		}
	}
	if got, err := id.GTIN(10); err == nil {
		t.Errorf("10 digits: %s", got)
	}
	if got, err := (epc.Identity{Scheme: epc.SSCC, Reference: "09520123456789123"}).GTIN(14); err == nil {
		t.Errorf("SSCC: %s", got)
	}
}
