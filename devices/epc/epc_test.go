package epc_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/epc"
)

func TestOneOfEachScheme(t *testing.T) {
	for _, c := range []struct{ hex, tag, pure, elements string }{
		{"3074257bf7194e4000001a85", "sgtin-96:3.0614141.812345.6789", "sgtin:0614141.812345.6789", "(01)80614141123458(21)6789"},
		{"3154257bf4499602d2000000", "sscc-96:2.0614141.1234567890", "sscc:0614141.1234567890", "(00)106141412345678908"},
		{"320039318d8401ffffffffff", "sgln-96:0.061411123456..2199023255551", "sgln:061411123456..2199023255551", "(414)0614111234560(254)2199023255551"},
		{"3300393243ff740000000000", "grai-96:0.061414113245..0", "grai:061414113245..0", "(8003)006141411324540"},
		{"3434257bf400000000bc6038", "giai-96:1.0614141.12345400", "giai:0614141.12345400", "(8004)061414112345400"},
	} {
		tag, err := epc.Decode(devicetest.Unhex(t, c.hex))
		if err != nil || tag.URI() != "urn:epc:tag:"+c.tag || tag.Identity.URI() != "urn:epc:id:"+c.pure || tag.ElementString() != c.elements {
			t.Errorf("%s: %s %s %s %v", c.hex, tag.URI(), tag.Identity.URI(), tag.ElementString(), err)
		}
	}
}

func TestMemoryThatTheStandardForbidsIsRefusedAndNamedRaw(t *testing.T) {
	for name, c := range map[string]struct{ hex, says string }{
		"unknown header":                 {"e200001d7315016521408fc6", "header is not known"},
		"release 2 coding":               {"f73795211411234538566cb0afc4", "header is not known"},
		"nothing":                        {"", "empty"},
		"partition 7":                    {"307c257bf7194e4000001a85", "partition 7"},
		"company prefix of 13 digits":    {"3003a3529440000000000001", "company prefix 1000000000000"},
		"item reference of 2 digits":     {"300000000000068000000001", "reference 10"},
		"asset type where there is none": {"3300393243ff744000000000", "reference 1"},
		"SSCC with its reserve in use":   {"3154257bf4499602d2000001", "must be zero"},
		"too short":                      {"3074257bf7194e400000", "has 12 bytes, not 10"},
		"too long":                       {"3074257bf7194e4000001a850000", "has 12 bytes, not 14"},
		"text after its end":             {"3674257bf6b7a67080c400000000000000000000000000000000", "must be zero"},
		"no text":                        {"3674257bf6b7a640000000000000000000000000000000000000", "0 characters"},
		"character outside the set":      {"3674257bf6b7a651800000000000000000000000000000000000", "GS1 does not allow"},
		"bits after the last":            {"3674257bf6b7a670800000000000000000000000000000000001", "must be zero"},
	} {
		memory := devicetest.Unhex(t, c.hex)
		_, err := epc.Decode(memory)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v does not say %q", name, err, c.says)
		}
		if errors.Is(err, epc.ErrUnknownHeader) != strings.Contains(c.says, "known") {
			t.Errorf("%s: %v", name, err)
		}
		want := fmt.Sprintf("urn:epc:raw:%d.x%X", len(memory)*8, memory)
		if got := epc.URI(memory); got != want {
			t.Errorf("%s: named %s", name, got)
		}
		if tag, err := devices.NewTag(devices.TagEPC, memory); err == nil {
			if gtin, ok := epc.GTIN14(tag); ok {
				t.Errorf("%s: GTIN %s", name, gtin)
			}
		}
	}
}

func TestTheGreatestCompanyPrefixIsTaken(t *testing.T) {
	memory := devicetest.Unhex(t, "3003a352943ffe4000000001")
	if got := epc.URI(memory); got != "urn:epc:tag:sgtin-96:0.999999999999.9.1" {
		t.Error(got)
	}
}

func TestURIsThatNameNothingAreRefused(t *testing.T) {
	for _, uri := range []string{
		"", "urn:epc:id:", "urn:epc:id:sgtin", "urn:epc:id:sgtin:", "urn:epc:id:sgtin:0614141.812345",
		"urn:epc:id:sgtin:0614141.81234.1", "urn:epc:id:sgtin:0614141.8123450.1", "urn:epc:id:sgtin:06141a1.812345.1",
		"urn:epc:id:sgtin:0614141.81234٣.1", "urn:epc:id:sgtin:0614141.812345.", "urn:epc:id:SGTIN:0614141.812345.1",
		"urn:epc:id:sgtin:0614141.812345.a/b", "urn:epc:id:sgtin:0614141.812345.%2f", "urn:epc:id:sgtin:0614141.812345.%41",
		"urn:epc:id:sgtin:0614141.812345.%2", "urn:epc:id:sgtin:0614141.812345.%", "urn:epc:id:sgtin:0614141.812345.é",
		"urn:epc:id:sscc:0614141.1234567890.1", "urn:epc:id:sscc:0614141.123456789", "urn:epc:id:giai:0614141",
		"urn:epc:id:giai:0614141.", "urn:epc:id:gdti:0614141.12345.400",
	} {
		if id, err := epc.ParseURI(uri); err == nil {
			t.Errorf("%s was parsed as %+v", uri, id)
		}
	}
	for _, uri := range []string{
		"", "urn:epc:tag:sgtin-96", "urn:epc:tag:sgtin-96:8.0614141.812345.1", "urn:epc:tag:sgtin-96:.0614141.812345.1",
		"urn:epc:tag:sgtin-96:0.0614141.812345.01", "urn:epc:tag:sgtin-96:0.0614141.812345.274877906944",
		"urn:epc:tag:sgtin-96:0.0614141.812345.A", "urn:epc:tag:sgtin-64:0.0614141.812345.1",
		"urn:epc:tag:sgtin-96:0.0614141.812345.99999999999999999999", "urn:epc:tag:giai-96:0.0614141.01",
		"urn:epc:tag:giai-96:0.061414112345.4398046511104", "urn:epc:id:sgtin:0614141.812345.1",
	} {
		if tag, err := epc.ParseTagURI(uri); err == nil {
			t.Errorf("%s was parsed as %+v", uri, tag)
		}
	}
}

func TestATagOfAnotherSchemeOrFilterCannotBeEncoded(t *testing.T) {
	id, err := epc.ParseURI("urn:epc:id:sgtin:0614141.812345.6789")
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []epc.Tag{
		{Identity: id, Coding: epc.SSCC96},
		{Identity: id, Coding: 0},
		{Identity: id, Coding: epc.SGTIN96, Filter: 8},
		{Coding: epc.SGTIN96},
	} {
		if memory, err := tag.Encode(); err == nil {
			t.Errorf("%+v was encoded as %x", tag, memory)
		}
	}
}

func TestElementStringsThatNameNothingAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "01", "(01)", "(01)80614141123459(21)6789", "(01)80614141123458", "(01)80614141123458(21)", "(01)8061414112345(21)6789",
		"(00)106141412345678909", "(00)10614141234567890", "(414)0614141123453", "(414)0614141123452(254)",
		"(8003)106141411324540", "(8003)00614141132454", "(8003)006141411324530", "(8004)", "(8004)0614141", "(99)1", "01)80614141123458(21)1",
	} {
		if id, err := epc.ParseElementString(s, 7); err == nil {
			t.Errorf("%s was parsed as %+v", s, id)
		}
	}
	for _, n := range []int{-1, 5, 13} {
		if _, err := epc.ParseElementString("(01)80614141123458(21)6789", n); err == nil {
			t.Errorf("company prefix of %d digits: no error", n)
		}
	}
}

func TestEncodeSGTIN96(t *testing.T) {
	tag, err := epc.EncodeSGTIN96("80614141123458", 7, 3, 6789)
	if err != nil || tag.String() != "epc:3074257bf7194e4000001a85" {
		t.Error(tag, err)
	}
	for _, c := range []struct {
		gtin   string
		prefix int
		filter uint8
		serial uint64
	}{
		{"80614141123459", 7, 3, 1},
		{"8061414112345", 7, 3, 1},
		{"", 7, 3, 1},
		{"8061414112345x", 7, 3, 1},
		{"80614141123458", 5, 3, 1},
		{"80614141123458", 7, 8, 1},
		{"80614141123458", 7, 3, 1 << 38},
	} {
		if tag, err := epc.EncodeSGTIN96(c.gtin, c.prefix, c.filter, c.serial); err == nil {
			t.Errorf("%+v was encoded as %s", c, tag)
		}
	}
}

func TestACardHasNoGTIN(t *testing.T) {
	card, err := devices.NewTag(devices.TagUID, devicetest.Unhex(t, "3074257bf7194e"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []devices.Tag{card, {}} {
		if gtin, ok := epc.GTIN14(tag); ok {
			t.Errorf("%s: %s", tag, gtin)
		}
	}
}

func TestGTIN14AllocatesOnlyItsResult(t *testing.T) {
	tag, err := epc.EncodeSGTIN96("80614141123458", 7, 3, 6789)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() { epc.GTIN14(tag) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGTIN14(b *testing.B) {
	tag, _ := epc.EncodeSGTIN96("80614141123458", 7, 3, 6789)
	b.ReportAllocs()
	for b.Loop() {
		epc.GTIN14(tag)
	}
}

// drawTag draws a tag that its coding can carry.
func drawTag(t *rapid.T) epc.Tag {
	codings := []struct {
		scheme  epc.Scheme
		narrow  epc.Coding // a number below 2^bits
		wide    epc.Coding // text; 0 where there is none
		digits  int
		bits    int
		longest int
	}{
		{epc.SGTIN, epc.SGTIN96, epc.SGTIN198, 13, 38, 20},
		{epc.SSCC, epc.SSCC96, 0, 17, 0, 0},
		{epc.SGLN, epc.SGLN96, epc.SGLN195, 12, 41, 20},
		{epc.GRAI, epc.GRAI96, epc.GRAI170, 12, 38, 16},
		{epc.GIAI, epc.GIAI96, epc.GIAI202, 0, 42, 30},
	}
	c := rapid.SampledFrom(codings).Draw(t, "scheme")
	prefix := rapid.StringMatching("[0-9]{6,12}").Draw(t, "prefix")
	tag := epc.Tag{Coding: c.narrow, Filter: uint8(rapid.IntRange(0, 7).Draw(t, "filter"))}
	tag.Scheme, tag.Prefix = c.scheme, prefix
	if c.digits > 0 {
		tag.Reference = rapid.StringMatching(fmt.Sprintf("[0-9]{%d}", c.digits-len(prefix))).Draw(t, "reference")
	}
	switch {
	case c.scheme == epc.SSCC:
	case rapid.Bool().Draw(t, "wide"):
		longest := c.longest
		if c.scheme == epc.GIAI {
			longest -= len(prefix)
		}
		tag.Coding = c.wide
		tag.Serial = rapid.StringMatching(fmt.Sprintf(`[!-"%%-?A-Z_a-z]{1,%d}`, longest)).Draw(t, "serial")
	default:
		tag.Serial = fmt.Sprint(rapid.Uint64Range(0, 1<<c.bits-1).Draw(t, "number"))
	}
	return tag
}

func TestEveryFormGivesTheSameTagBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := drawTag(t)
		memory, err := tag.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := epc.Decode(memory); err != nil || back != tag {
			t.Fatalf("%x decoded as %+v, %v", memory, back, err)
		}
		if back, err := epc.ParseTagURI(tag.URI()); err != nil || back != tag {
			t.Fatalf("%s parsed as %+v, %v", tag.URI(), back, err)
		}
		if back, err := epc.ParseURI(tag.Identity.URI()); err != nil || back != tag.Identity {
			t.Fatalf("%s parsed as %+v, %v", tag.Identity.URI(), back, err)
		}
		elements := tag.ElementString()
		if back, err := epc.ParseElementString(elements, len(tag.Prefix)); err != nil || back != tag.Identity {
			t.Fatalf("%s parsed as %+v, %v", elements, back, err)
		}
		checkGTIN(t, memory, tag)
	})
}

func TestAWrongDigitNeverPassesTheCheckDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := drawTag(t)
		if tag.Scheme != epc.SGTIN && tag.Scheme != epc.SSCC {
			return
		}
		s := []byte(tag.ElementString())
		at := rapid.IntRange(4, 4+len(tag.Key())-1).Draw(t, "at")
		s[at] = '0' + (s[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if id, err := epc.ParseElementString(string(s), len(tag.Prefix)); err == nil {
			t.Fatalf("%s was parsed as %+v", s, id)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"3074257bf7194e4000001a85", "3154257bf4499602d2000000", "320039318d8401ffffffffff", "3300393243ff740000000000",
		"3434257bf400000000bc6038", "3674257bf6b7a659b2c2bf1000000000000000000000000000", "3776451fd40c0e59b2c2bf1000000000000000000000",
	} {
		b := make([]byte, len(seed)/2)
		fmt.Sscanf(seed, "%x", &b)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, memory []byte) {
		tag, err := epc.Decode(memory)
		if err != nil {
			return
		}
		if again, err := tag.Encode(); err != nil || !bytes.Equal(again, memory) {
			t.Fatalf("%x is %+v, encoded as %x, %v", memory, tag, again, err)
		}
		if back, err := epc.ParseTagURI(tag.URI()); err != nil || back != tag {
			t.Fatalf("%s parsed as %+v, %v", tag.URI(), back, err)
		}
		checkGTIN(t, memory, tag)
	})
}

func FuzzParse(f *testing.F) {
	f.Add("urn:epc:tag:sgtin-198:3.0614141.712345.32a%2Fb", 7)
	f.Add("urn:epc:id:grai:061414113245..0", 12)
	f.Add("(414)0614141123452(254)01", 7)
	f.Fuzz(func(t *testing.T, s string, prefixLen int) {
		if tag, err := epc.ParseTagURI(s); err == nil && tag.URI() != s {
			t.Fatalf("%q parsed as %s", s, tag.URI())
		}
		if id, err := epc.ParseURI(s); err == nil && id.URI() != s {
			t.Fatalf("%q parsed as %s", s, id.URI())
		}
		if id, err := epc.ParseElementString(s, prefixLen); err == nil {
			if again := id.ElementString(); again != strings.TrimSuffix(s, "(254)0") && again != s {
				t.Fatalf("%q parsed as %s", s, again)
			}
		}
	})
}
