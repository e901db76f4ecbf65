package epcis_test

import (
	"testing"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

func TestCanonical(t *testing.T) {
	for uri, want := range map[string]string{
		"urn:epc:id:sgtin:0614141.107346.2017":                           "https://id.gs1.org/01/10614141073464/21/2017",
		"urn:epc:id:sgtin:0614141.812345.6789%2F%26":                     "https://id.gs1.org/01/80614141123458/21/6789%2F%26",
		"https://example.com/some/where/01/10614141073464/21/2017?17=26": "https://id.gs1.org/01/10614141073464/21/2017",
		"http://example.com/01/614141073467":                             "https://id.gs1.org/01/00614141073467",
		"https://id.gs1.org/01/10614141073464/22/2A/10/L/21/2017":        "https://id.gs1.org/01/10614141073464/21/2017",
		"https://id.gs1.org/01/10614141073464/10/L%2F1":                  "https://id.gs1.org/01/10614141073464/10/L%2F1",
		"urn:epc:idpat:sgtin:0614141.107346.*":                           "https://id.gs1.org/01/10614141073464",
		"urn:epc:class:lgtin:4012345.012345.998877":                      "https://id.gs1.org/01/04012345123456/10/998877",
		"urn:epc:id:sgln:0614141.00777.0":                                "https://id.gs1.org/414/0614141007776",
		"urn:epc:id:sgln:0614141.00777.12":                               "https://id.gs1.org/414/0614141007776/254/12",
		"urn:epc:id:sscc:0614141.1234567890":                             "https://id.gs1.org/00/106141412345678908",
		"urn:epc:idpat:grai:4012345.66666.*":                             "https://id.gs1.org/8003/04012345666663",
		"urn:epc:idpat:gdti:4012345.55555.*":                             "https://id.gs1.org/253/4012345555554",
		"urn:epc:idpat:itip:4012345.012345.01.02.*":                      "https://id.gs1.org/8006/040123451234560102",
		"urn:epc:idpat:cpi:4012345.ABC.*":                                "https://id.gs1.org/8010/4012345ABC",
		"https://id.example.com/8010/4012345ABC%2F1":                     "https://id.gs1.org/8010/4012345ABC%2F1",
		"https://id.example.com/8003/04012345666663":                     "https://id.gs1.org/8003/04012345666663",

		// What is none of GS1's, or breaks its rules, stays.
		"urn:epc:idpat:sgtin:0614141.*.*":               "urn:epc:idpat:sgtin:0614141.*.*",
		"urn:epc:id:sgtin:0614141.107346":               "urn:epc:id:sgtin:0614141.107346",
		"urn:epc:id:gid:1.2.3":                          "urn:epc:id:gid:1.2.3",
		"http://transaction.acme.com/po/12345678":       "http://transaction.acme.com/po/12345678",
		"https://www.ncbi.nlm.nih.gov/taxonomy/1126011": "https://www.ncbi.nlm.nih.gov/taxonomy/1126011",
		"https://id.gs1.org/01/10614141073465":          "https://id.gs1.org/01/10614141073465",
		"urn:epcglobal:cbv:bt:0614141073467:1152":       "urn:epcglobal:cbv:bt:0614141073467:1152",
		"": "",
	} {
		if got := epcis.Canonical(uri); got != want {
			t.Errorf("%s is %s, want %s", uri, got, want)
		}
		if again := epcis.Canonical(epcis.Canonical(uri)); again != want {
			t.Errorf("%s, twice, is %s", uri, again)
		}
	}
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1", "1.000", 0},
		{"100", "1e2", 0},
		{"0.05", "5E-2", 0},
		{"-0", "0.0", 0},
		{"1.5", "1.50001", -1},
		{"-2", "-1", -1},
		{"-1", "1", -1},
		{"0", "-0.001", 1},
		{"9", "10", -1},
		{"12345678901234567890.1", "12345678901234567890.2", -1},
		{"+7", "007", 0},
		{"0.9", "0.11", 1},
		{"0", "0.1", -1},
		{"-1", "0", -1},
	} {
		for _, turn := range []int{1, -1} {
			if got, ok := epcis.Decimal(c.a).Compare(epcis.Decimal(c.b)); !ok || got != turn*c.want {
				t.Errorf("%s to %s is %d, %v", c.a, c.b, got, ok)
			}
			c.a, c.b = c.b, c.a
		}
	}
	for in, want := range map[epcis.Decimal]string{"1.50e1": "15", "-0.0": "0", "00.5000": "0.5", "1e3": "1000", "-12.30": "-12.3", "5e-3": "0.005", ".5": "0.5"} {
		if got, ok := in.Plain(); !ok || got != want {
			t.Errorf("%s is plainly %q, want %q", in, got, want)
		}
	}
	for _, none := range []epcis.Decimal{"", ".", "-", "1,5", "1e", "1e999", "0x1", "NaN", "1.2.3", "1e9999999999999999999"} {
		if got, ok := none.Plain(); ok {
			t.Errorf("%q is the number %q", none, got)
		}
		if _, ok := none.Compare("1"); ok {
			t.Errorf("%q compares", none)
		}
	}
	for _, c := range []struct {
		in    epcis.Decimal
		scale int
		want  int64
		ok    bool
	}{{"1.5", 3, 1500, true}, {"-2", 0, -2, true}, {"0.0", 2, 0, true}, {"1.5", 0, 0, false}, {"9223372036854775807", 0, 9223372036854775807, true}, {"9223372036854775808", 0, 0, false}, {"1e18", 2, 0, false}} {
		if got, ok := c.in.Units(c.scale); got != c.want || ok != c.ok {
			t.Errorf("%s × 10^%d is %d, %v", c.in, c.scale, got, ok)
		}
	}
}
