package epc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

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
		{"2d74257bf4499602d2000000", "gsrn-96:3.0614141.1234567890", "gsrn:0614141.1234567890", "(8018)061414112345678902"},
		{"2e74257bf4499602d2000000", "gsrnp-96:3.0614141.1234567890", "gsrnp:0614141.1234567890", "(8017)061414112345678902"},
		{"2c74257bf46072000000162e", "gdti-96:3.0614141.12345.5678", "gdti:0614141.12345.5678", "(253)06141411234525678"},
		{"3f74f4e4e612640000019907", "sgcn-96:3.4012345.67890.04711", "sgcn:4012345.67890.04711", "(255)401234567890104711"},
		{"3c74257bf400c0e680003039", "cpi-96:3.0614141.98765.12345", "cpi:0614141.98765.12345", "(8010)061414198765(8011)12345"},
		{"4074f4e4e40c0e40820000000f6c", "itip-110:3.4012345.012345.01.02.987", "itip:4012345.012345.01.02.987", "(8006)040123451234560102(21)987"},
		{"350007ab70425d4000000586", "gid-96:31415.271828.1414", "gid:31415.271828.1414", ""},
		{"2f320434147455900000162e", "usdod-96:3.CAGEY.5678", "usdod:CAGEY.5678", ""},
		{"3b0e0cf5e76c9047759ad00373dc7602e72000", "adi-var:3.35962.PQ7VZ4.M37GXB92", "adi:35962.PQ7VZ4.M37GXB92", ""},
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
		"unprogrammed":                   {"000000000000000000000000", "header is not known"},
		"nothing":                        {"", "empty"},
		"partition 7":                    {"307c257bf7194e4000001a85", "partition 7"},
		"company prefix of 13 digits":    {"3003a3529440000000000001", "company prefix 1000000000000"},
		"item reference of 2 digits":     {"300000000000068000000001", "reference 10"},
		"asset type where there is none": {"3300393243ff744000000000", "reference 1"},
		"SSCC with its reserve in use":   {"3154257bf4499602d2000001", "must be zero"},
		"too short":                      {"3074257bf7194e400000", "10 bytes are too few"},
		"more after it":                  {"3074257bf7194e4000001a850001", "must be zero"},
		"longer than any EPC":            {"30" + strings.Repeat("00", 62), "at most 62"},
		"text after its end":             {"3674257bf6b7a67080c400000000000000000000000000000000", "must be zero"},
		"no text":                        {"3674257bf6b7a640000000000000000000000000000000000000", "0 characters"},
		"character outside the set":      {"3674257bf6b7a651800000000000000000000000000000000000", "GS1 does not allow"},
		"bits after the last":            {"3674257bf6b7a670800000000000000000000000000000000001", "must be zero"},
		"coupon serial without its 1":    {"3f74f4e4e612640000000007", "the 1 that keeps its zeros"},
		"part of 9 digits in CPI-96":     {"3c74257bf7fffffc80003039", "has more than 8 digits"},
		"piece 121":                      {"4074f4e4e40c0ffc820000000f6c", "piece 121"},
		"CAGE code with an O":            {"2f32043414f455900000162e", "CAGE"},
		"ADI that does not end":          {"3b0e0cf5e76c9047759ad00373dc", "ends within it"},
		"CPI serial of 13 digits":        {"3d14257bf71cadd35d80e8d4a51000", "serial"},

		"digit of a GTIN that is none":    {"f737952114112a4538566cb0afc4", "A is not a digit"},
		"wrong check digit of a GTIN":     {"f73795211411234548566cb0afc4", "79521141123453 would be right"},
		"serial in a reserved script":     {"f737952114112345 3c566cb0afc4", "encoding indicator 6 is reserved"},
		"+ that ends within its serial":   {"f737952114112345385 66", "too few"},
		"reserved date of a DSGTIN":       {"fb372cde795211411234538566cb0afc40", "date 7 is reserved"},
		"the 31st of a month of 30 days":  {"fb342cdf795211411234538566cb0afc40", "220631 is not a day"},
		"GRAI that does not start with 0": {"f131952114112345 48566cb0afc4", "starts with a 0"},
		"document without serial":         {"f6395211411234540000", "without a serial"},
		"GIAI without end":                {"fa3952114132", "too few"},
		"GIAI with a digit that is none":  {"fa3952114132b0000000", "B is neither a digit nor a mark"},
		"host of nothing":                 {"ef0095201234567891238000", "wrong check digit"},
		"host without a character":        {"ef009520123456789123580000", "host"},
		"reserved name of a host":         {"ef0095201234567891235840c08", "is reserved"},
	} {
		memory := words(t, strings.ReplaceAll(c.hex, " ", ""))
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

// A tag may announce more words than its EPC needs: readers then give zeros after it.
func TestZerosAfterAnEPCAreNoPartOfIt(t *testing.T) {
	for _, digits := range []string{"3074257bf7194e4000001a85", "f73795211411234538566cb0afc4", "3d74257bf75411def6b4cc00000003039000"} {
		want, err := epc.Decode(words(t, digits))
		if err != nil {
			t.Fatal(err)
		}
		for _, zeros := range []string{"00", "0000", "00000000"} {
			memory := words(t, digits+zeros)
			got, err := epc.Decode(memory)
			if err != nil || !equal(got, want) {
				t.Errorf("%x: %+v, %v", memory, got, err)
			}
			checkGTIN(t, memory, want)
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
		"urn:epc:id:giai:0614141.", "urn:epc:id:gdti:0614141.12345.", "urn:epc:id:sgtin:.8061414112345.1", "urn:epc:id:giai:.061414112",
		"urn:epc:idpat:sgtin:0614141.812345.*", "urn:epc:id:sgtin:0614141.812345.*é", "urn:epc:class:sgtin:0614141.812345.1",
		"urn:epc:id:lgtin:0614141.812345.1", "urn:epc:id:itip:4012345.012345.1.02.987", "urn:epc:id:itip:4012345.012345.0102.987",
		"urn:epc:id:adi:W81X9C.3KL#.1", "urn:epc:id:adi:W81X9C.%23KL.1", "urn:epc:id:adi:W81X9C.KL.1%23", "urn:epc:id:adi:W81XO.KL.1",
		"urn:epc:id:usdod:2S194.012", "urn:epc:id:gid:0.0.", "urn:epc:id:gid:1.16777216.0", "urn:epc:id:cpi:0614141.12a.1",
		"urn:epc:id:cpi:0614141.123.01", "urn:epc:id:cpi:0614141..1", "urn:epc:id:imovn:123456", "urn:epc:id:bic:CSQA3054383",
		"urn:epc:id:sgcn:4012345.67890.4711a", "urn:epc:id:payto:1", "urn:epc:id:ginc:0614141.0123456789012345678901234",
	} {
		if id, err := epc.ParseURI(uri); err == nil {
			t.Errorf("%s was parsed as %+v", uri, id)
		}
	}
	for _, uri := range []string{
		"", "urn:epc:tag:sgtin-96", "urn:epc:tag:sgtin-96:8.0614141.812345.1", "urn:epc:tag:sgtin-96:.0614141.812345.1",
		"urn:epc:tag:sgtin-96:03.0614141.812345.1",
		"urn:epc:tag:sgtin-96:0.0614141.812345.01", "urn:epc:tag:sgtin-96:0.0614141.812345.274877906944",
		"urn:epc:tag:sgtin-96:0.0614141.812345.A", "urn:epc:tag:sgtin-64:0.0614141.812345.1",
		"urn:epc:tag:sgtin-96:0.0614141.812345.99999999999999999999", "urn:epc:tag:giai-96:0.0614141.01",
		"urn:epc:tag:giai-96:0.061414112345.4398046511104", "urn:epc:id:sgtin:0614141.812345.1", "urn:epc:tag:sgtin+:0.0614141.812345.1",
		"urn:epc:tag:usdod-96:16.2S194.1", "urn:epc:tag:adi-var:64.2S194..1", "urn:epc:tag:gid-96:0.1.2.3", "urn:epc:tag:cpi-96:0.0614141.012.1",
		"urn:epc:tag:cpi-96:0.0614141.12.2147483648", "urn:epc:tag:gdti-113:0.0614141.12345.A",
	} {
		if tag, err := epc.ParseTagURI(uri); err == nil {
			t.Errorf("%s was parsed as %+v", uri, tag)
		}
	}
	for _, uri := range []string{
		"", "urn:epc:raw:", "urn:epc:raw:96", "urn:epc:raw:96.", "urn:epc:raw:96.x", "urn:epc:raw:96.x3074", "urn:epc:raw:16.x30f4",
		"urn:epc:raw:16.3074", "urn:epc:raw:0.x", "urn:epc:raw:-8.x30", "urn:epc:raw:16.xA2.x3074", "urn:epc:raw:504.x" + strings.Repeat("00", 63),
		"urn:epc:raw:16.xZZZZ", "urn:epc:raw:99999999999999999999.x00",
	} {
		if memory, err := epc.ParseRawURI(uri); err == nil {
			t.Errorf("%s was parsed as %x", uri, memory)
		}
	}
}

func TestGDTI113KeepsLeadingZeros(t *testing.T) {
	tag, err := epc.ParseTagURI("urn:epc:tag:gdti-113:3.0614141.12345.00123")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := tag.Encode()
	if err != nil || len(memory) != 16 {
		t.Fatalf("%x, %v", memory, err)
	}
	if back, err := epc.Decode(memory); err != nil || !equal(back, tag) {
		t.Errorf("%x: %+v, %v", memory, back, err)
	}
}

func TestATagThatItsCodingCannotCarryIsRefused(t *testing.T) {
	id, err := epc.ParseURI("urn:epc:id:sgtin:0614141.812345.6789")
	if err != nil {
		t.Fatal(err)
	}
	date := epc.Element{AI: "17", Value: "261231"}
	for _, c := range []struct {
		tag  epc.Tag
		says string
	}{
		{epc.Tag{Identity: id, Coding: epc.SSCC96}, "sgtin cannot be written as sscc-96"},
		{epc.Tag{Identity: id, Coding: 0}, "cannot be written as coding 0x00"},
		{epc.Tag{Identity: id, Coding: epc.SGTIN96, Filter: 8}, "filter 8"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Filter: 8}, "filter 8"},
		{epc.Tag{Coding: epc.SGTIN96}, "cannot be written"},
		{epc.Tag{Identity: id.Bare(), Coding: epc.SGTIN96}, "length of the company prefix is not known"},
		{epc.Tag{Identity: id, Coding: epc.SGTIN96, Date: date}, "no room for a date"},
		{epc.Tag{Identity: id, Coding: epc.SGTIN96, Data: []epc.Element{date}}, "no room for"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Date: date}, "no room for a date"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Host: "a.b"}, "no room for a host"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlusPlus}, "host"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlusPlus, Host: "A.B"}, "host"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlusPlus, Host: strings.Repeat("x", 64)}, "at most 63"},
		{epc.Tag{Identity: id, Coding: epc.DSGTINPlus}, "date is of ()"},
		{epc.Tag{Identity: id, Coding: epc.DSGTINPlus, Date: epc.Element{AI: "17", Value: "261331"}}, "not a day"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Data: []epc.Element{{AI: "999", Value: "1"}}}, "not known"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Data: []epc.Element{{AI: "x", Value: "1"}}}, "digits"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Data: []epc.Element{{AI: "3103", Value: "12"}}}, "(3103)"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Unread: "012"}, "of 0 and 1"},
		{epc.Tag{Identity: id, Coding: epc.SGTINPlus, Data: []epc.Element{{AI: "91", Value: strings.Repeat("a!", 45)}}}, "at most 62"},
	} {
		memory, err := c.tag.Encode()
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v was encoded as %x, %v; %q not said", c.tag, memory, err, c.says)
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

func TestGTIN14OfRelease2(t *testing.T) {
	for _, digits := range []string{"f73795211411234538566cb0afc4", "fb342cde795211411234538566cb0afc4", "fd3795211411234538566cb0afc525065f1876f0d996d800"} {
		tag, err := devices.NewTag(devices.TagEPC, words(t, digits))
		if err != nil {
			t.Fatal(err)
		}
		if gtin, ok := epc.GTIN14(tag); !ok || gtin != "79521141123453" {
			t.Errorf("%s: %q, %v", digits, gtin, ok)
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

func BenchmarkDecode(b *testing.B) {
	for name, digits := range map[string]string{
		"sgtin-96": "3074257bf7194e4000001a85", "sgtin-198": "3674257bf6b7a659b2c2bf1000000000000000000000000000000",
		"sgtin+": "f73795211411234538566cb0afc4",
	} {
		memory := words(b, digits)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = epc.Decode(memory)
			}
		})
	}
}
