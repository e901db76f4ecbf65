package epc_test

import (
	"bytes"
	"testing"

	"github.com/tallydock/tallydock/devices/epc"
)

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"3074257bf7194e4000001a85", "3154257bf4499602d2000000", "320039318d8401ffffffffff", "3300393243ff740000000000",
		"3434257bf400000000bc6038", "3674257bf6b7a659b2c2bf1000000000000000000000000000", "3776451fd40c0e59b2c2bf1000000000000000000000",
		"3b0e0cf5e76c9047759ad00373dc7602e72000", "3d76451fd75411def6b4cc00000003039000", "2f320434147455900000162e", "350007ab70425d4000000586",
		"4176451fd40c0e4082dbdd8b36600000000000000000000000000000", "3f74f4e4e612640000019907", "2c74257bf46072000000162e",
		"f73795211411234538566cb0afc4", "fb342cde795211411234538566cb0afc40", "fd3795211411234538566cb0afc525065f1876f0d996d800",
		"f0395211415e87a145bafb4d19a8c0e4", "ed309521141123454010266ae27fdf3592832f8c3b786ccb6c00", "f8b9521141678909509338171ab5",
	} {
		f.Add(words(f, seed))
	}
	f.Fuzz(func(t *testing.T, memory []byte) {
		tag, err := epc.Decode(memory)
		_ = epc.URI(memory)
		if err != nil {
			return
		}
		checkGTIN(t, memory, tag)
		again, err := tag.Encode()
		if err != nil {
			if len(memory) < 56 { // only what was written shorter than Encode does, and fills the memory, may fail
				t.Fatalf("%x is %+v: %v", memory, tag, err)
			}
			return
		}
		if tag.URI() != "" {
			if !bytes.Equal(bytes.TrimRight(again, "\x00"), bytes.TrimRight(memory, "\x00")) {
				t.Fatalf("%x is %+v, encoded as %x", memory, tag, again)
			}
			if back, err := epc.ParseTagURI(tag.URI()); err != nil || !equal(back, tag) {
				t.Fatalf("%s parsed as %+v, %v", tag.URI(), back, err)
			}
		}
		back, err := epc.Decode(again)
		if err != nil || back.Identity != tag.Identity || tag.Unread == "" && !equal(back, tag) {
			t.Fatalf("%x is %+v, encoded as %x, which is %+v, %v", memory, tag, again, back, err)
		}
	})
}

func FuzzParseURI(f *testing.F) {
	f.Add("urn:epc:tag:sgtin-198:3.0614141.712345.32a%2Fb")
	f.Add("urn:epc:id:grai:061414113245..0")
	f.Add("urn:epc:id:itip:4012345.012345.01.02.987")
	f.Add("urn:epc:class:lgtin:061414012345.0.01")
	f.Add("urn:epc:id:bic:CSQU3054383")
	f.Add("urn:epc:id:adi:W81X9C.3KL984PX1.%232WMA52")
	f.Add("urn:epc:raw:96.x3074257BF7194E4000001A85")
	f.Fuzz(func(t *testing.T, s string) {
		if tag, err := epc.ParseTagURI(s); err == nil && tag.URI() != s {
			t.Fatalf("%q parsed as %s", s, tag.URI())
		}
		if id, err := epc.ParseURI(s); err == nil {
			if id.URI() != s {
				t.Fatalf("%q parsed as %s", s, id.URI())
			}
			if bare := id.Bare(); bare != id && bare.URI() != "" {
				t.Fatalf("%+v has no prefix but the URI %s", bare, bare.URI())
			}
		}
		if memory, err := epc.ParseRawURI(s); err == nil && len(memory) > epc.MaxMemory {
			t.Fatalf("%q is %d bytes", s, len(memory))
		}
	})
}

// FuzzDescribe checks that the memory that a description gives is described in the same way.
func FuzzDescribe(f *testing.F) {
	for _, seed := range []string{
		"0x3074 257B", "urn:epc:raw:12.xE20", "urn:epc:id:cpi:0614141.12-456.123456789", "(01)09506000134352(21)a(10)L(3103)001250(91)x",
		"https://id.gs1.org/8006/095211411234540102/21/981?17=261231&10=L", "urn:epc:tag:gid-96:1.2.3", "]C100095201234567891235",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := epc.Describe(s)
		if err != nil || d.Hex == "" {
			return
		}
		back, err := epc.Describe(d.Hex)
		if err != nil || back.Scheme != d.Scheme || back.Hex != d.Hex || back.TagURI != d.TagURI {
			t.Fatalf("%q is %+v, then %+v, %v", s, d, back, err)
		}
	})
}

func FuzzParseLink(f *testing.F) {
	f.Add("https://id.gs1.org/01/09506000134352/22/2A/10/L1/21/32a%2Fb?17=261231&linkType=gs1:pip")
	f.Add("http://example.com/some/01/shop/00/095201234567891235#x")
	f.Add("https://example.com/414/9521141123454")
	f.Add("https://example.com/8010/95211415PQ7%2FZ43/8011/12345?3103=001250;7007=260101260131")
	f.Fuzz(func(t *testing.T, s string) {
		elements, err := epc.ParseLink(s)
		checkElementsBack(t, s, elements, err)
	})
}

func FuzzParseElementString(f *testing.F) {
	f.Add("(01)09506000134352(21)32a/b(17)261231")
	f.Add("(414)0614141123452(254)01")
	f.Add("]C101095060001343521732a\x1d17261231")
	f.Add(`(01)09506000134352(21)a\(10)b(c`)
	f.Fuzz(func(t *testing.T, s string) {
		elements, err := epc.ParseElementString(s)
		checkElementsBack(t, s, elements, err)
	})
}

// checkElementsBack checks that what elements name, its own link and element string name again.
func checkElementsBack(t *testing.T, s string, elements []epc.Element, err error) {
	if err != nil {
		return
	}
	id, data, err := epc.Identify(elements)
	if err != nil {
		return
	}
	for _, again := range []func() ([]epc.Element, error){
		func() ([]epc.Element, error) { return epc.ParseLink(id.Link("example.com", data...)) },
		func() ([]epc.Element, error) {
			text := id.ElementString()
			for _, e := range data {
				text += e.String()
			}
			return epc.ParseElementString(text)
		},
	} {
		e, err := again()
		if err != nil {
			t.Fatalf("%q names %+v and %v: %v", s, id, data, err)
		}
		back, rest, err := epc.Identify(e)
		if err != nil || back != id || len(rest) != len(data) {
			t.Fatalf("%q names %+v and %v, then %+v and %v, %v", s, id, data, back, rest, err)
		}
	}
}
