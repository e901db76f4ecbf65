package capture_test

import (
	"slices"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// However a thing is named, and however its tag is coded, both find one another.
func TestTagsOfAName(t *testing.T) {
	for name, codings := range map[string][]epc.Coding{
		"urn:epc:id:sgtin:0614141.812345.6789":            {epc.SGTIN96, epc.SGTIN198},
		"urn:epc:id:sgtin:0614141.812345.32a%2Fb":         {epc.SGTIN198},
		"https://example.com/01/80614141123458/21/6789":   {epc.SGTIN96, epc.SGTIN198, epc.SGTINPlus},
		"urn:epc:id:sscc:0614141.1234567890":              {epc.SSCC96},
		"https://id.gs1.org/00/106141412345678908":        {epc.SSCC96, epc.SSCCPlus},
		"urn:epc:id:grai:0614141.12345.400":               {epc.GRAI96, epc.GRAI170},
		"urn:epc:id:giai:0614141.5678":                    {epc.GIAI96, epc.GIAI202},
		"urn:epc:id:gid:95100000.12345.400":               {epc.GID96},
		"urn:epc:id:itip:4012345.012345.01.02.987":        {epc.ITIP110, epc.ITIP212},
		"https://id.gs1.org/8003/00614141123452400?x=1":   {epc.GRAI96},
		"https://id.gs1.org/01/80614141123458/22/2A/21/9": {epc.SGTIN96},
	} {
		all := capture.Tags(name)
		var found []epc.Coding
		for _, tag := range all {
			if got := capture.Name(tag); got != epcis.Canonical(name) {
				t.Errorf("%s: %s carries %s", name, tag, got)
			}
			found = append(found, epc.Coding(tag.Bytes()[0]))
		}
		for _, c := range codings {
			if !slices.Contains(found, c) {
				t.Errorf("%s: no tag in %s among %d", name, c, len(all))
			}
		}
	}
	for _, name := range []string{"", "urn:epc:id:pgln:0614141.00777", "https://example.com/1", "urn:epc:idpat:sgtin:0614141.812345.*", "https://id.gs1.org/01/80614141123458"} {
		if all := capture.Tags(name); len(all) != 0 {
			t.Errorf("%q: %d tags", name, len(all))
		}
	}
	card, err := devices.ParseTag("uid:04a1b2c3")
	if err != nil || capture.Name(card) != "" {
		t.Errorf("a card is named %q", capture.Name(card))
	}
}

func TestNamesOfPlaces(t *testing.T) {
	for name, want := range map[string][]string{
		"https://id.gs1.org/414/0614141007776": {"https://id.gs1.org/414/0614141007776", "0614141007776"},
		"https://id.gs1.org/417/0614141007776": {"https://id.gs1.org/417/0614141007776", "https://id.gs1.org/414/0614141007776", "0614141007776"},
		"urn:tallydock:location:SZ1-A-01":      {"urn:tallydock:location:SZ1-A-01", "SZ1-A-01"},
	} {
		if got := capture.Places(name); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for gln, want := range map[string]string{
		"0614141007776": "https://id.gs1.org/414/0614141007776", "urn:epc:id:sgln:0614141.00777.0": "https://id.gs1.org/414/0614141007776",
		"https://partner.example/dock": "https://partner.example/dock",
	} {
		if got := capture.PlaceName(gln); got != want {
			t.Errorf("%s: %s", gln, got)
		}
	}
}

// FuzzTags: whatever a partner writes for a name, there are few tags of it, and each carries what the name says.
func FuzzTags(f *testing.F) {
	for _, s := range []string{"urn:epc:id:sgtin:0614141.812345.6789", "https://example.com/01/80614141123458/21/6789", "urn:epc:id:adi:W81X9C.3KL984PX1.2WMA52", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		all := capture.Tags(name)
		if len(all) > 256 {
			t.Fatalf("%d tags", len(all))
		}
		for _, tag := range all {
			if got, want := capture.Name(tag), epcis.Canonical(name); got != want {
				t.Errorf("%q: %s carries %s, not %s", name, tag, got, want)
			}
		}
	})
}
