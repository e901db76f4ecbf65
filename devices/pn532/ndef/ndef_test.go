package ndef_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/pn532/ndef"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessagesOfCardsAreRead(t *testing.T) {
	for name, c := range map[string]struct{ hex, want string }{
		"nothing":                          {"", ""},
		"an empty record":                  {"d00000", ""},
		"three texts as on a card":         {"910105 5402656e6869 110105 5402656e6869 510105 5402656e6869", "hi"},
		"a URI with a prefix":              {"d1010c 55 01 6578616d706c652e636f6d", "http://www.example.com"},
		"a URI without a prefix":           {"d10104 55 00 613a62", "a:b"},
		"an EPC":                           {"d10108 55 1e 736774696e3a31", "urn:epc:id:sgtin:1"},
		"a long record":                    {"c101 00000005 54 02656e6869", "hi"},
		"with an id":                       {"d9010502 54 6162 02656e6869", "hi"},
		"UTF-16, big endian":               {"d10107 54 82 656e 4f60 597d", "你好"},
		"UTF-16, byte order mark":          {"d10109 54 82 656e feff 4f60 597d", "你好"},
		"UTF-16, little endian":            {"d10109 54 82 656e fffe 604f 7d59", "你好"},
		"UTF-16, a pair":                   {"d10107 54 82 656e d83d de00", "😀"},
		"a text in three chunks":           {"b10103 54 02656e 360001 68 560001 69", "hi"},
		"a MIME record, then a text":       {"920a01 746578742f706c61696e 41 510104 54 00 616263", "abc"},
		"an external record alone":         {"d40301 613a62 41", ""},
		"a type that is a URI":             {"d30300 613a62", "a:b"},
		"a poster":                         {"d10210 5370 910104 5400 616263 510104 5500 613a62", "a:b"},
		"a broken record and a whole":      {"910101 55 77 510104 54 00 616263", "abc"},
		"an empty text and then a URI":     {"910101 54 00 510104 55 00 613a62", "a:b"},
		"an unknown type and then a URI":   {"950001 41 510104 55 00 613a62", "a:b"},
		"a poster within a poster is none": {"9101 04 5400 616263 5102 00 5370", "abc"},
	} {
		records, err := ndef.Parse(unhex(t, c.hex))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := ndef.First(records); got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ hex, want string }{
		"a cut header":           {"d101", "ends within it"},
		"a cut long length":      {"c101 0000", "ends within it"},
		"a cut id length":        {"d90100", "ends within it"},
		"a cut payload":          {"d10105 54 0265", "type, id and payload have 6 bytes and 3 are there"},
		"4 GiB":                  {"c101 ffffffff 54 00", "4294967296 bytes"},
		"no beginning":           {"510104 54 00 616263", "does not say that the message begins"},
		"two beginnings":         {"910104 54 00 616263 d10104 54 00 616263", "record at byte 8: it says that the message begins"},
		"no end":                 {"910104 54 00 616263", "without a last record"},
		"something after it":     {"d10104 54 00 616263 00", "1 bytes follow"},
		"chunks without an end":  {"b10103 54 02656e 760001 68", "within a row of chunks"},
		"chunks that change":     {"b10103 54 02656e 510104 54 00 616263", "follows a chunk and is none"},
		"a stray chunk":          {"d60001 68", "no kind of type name"},
		"empty but not":          {"d00001 68", "empty and is not"},
		"unknown but with type":  {"d50100 68", "unknown and has one"},
		"well-known, no type":    {"d10000", "type is missing"},
		"a kind that is not yet": {"d70000", "7 is no kind"},
	} {
		if records, err := ndef.Parse(unhex(t, c.hex)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, error %v; want one with %q", name, records, err, c.want)
		}
	}
}

func TestBrokenContentIsRefusedWithTheReason(t *testing.T) {
	for name, c := range map[string]struct{ hex, want string }{
		"URI without a code":       {"d10100 55", "prefix code is missing"},
		"URI code 24":              {"d10102 55 2461", "0x24; 0x00 to 0x23"},
		"URI that is empty":        {"d10101 55 00", "empty"},
		"URI with a line feed":     {"d10103 55 00610a", "no URI has"},
		"URI that is no UTF-8":     {"d10103 55 0061ff", "no URI has"},
		"text without language":    {"d10100 54", "within its language"},
		"text cut in its language": {"d10102 54 0565", "within its language"},
		"text that is no UTF-8":    {"d10104 54 02656eff", "UTF-8 and is not"},
		"UTF-16 of odd length":     {"d10104 54 82656eff", "odd"},
		"half a pair":              {"d10105 54 82656ed83d", "half a pair"},
		"a zero character":         {"d10104 54 02656e00", "zero character"},
		"a poster with a text":     {"d10208 5370 d10104 5400 616263", "no URI"},
		"a poster that is cut":     {"d10203 5370 d10104", "smart poster: record at byte 0"},
	} {
		records, err := ndef.Parse(unhex(t, c.hex))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s, err := ndef.First(records); s != "" || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, error %v; want one with %q", name, s, err, c.want)
		}
	}
}

func TestEveryPrefixIsReadAndWritten(t *testing.T) {
	for code, prefix := range []string{
		"", "http://www.", "https://www.", "http://", "https://", "tel:", "mailto:", "ftp://anonymous:anonymous@", "ftp://ftp.",
		"ftps://", "sftp://", "smb://", "nfs://", "ftp://", "dav://", "news:", "telnet://", "imap:", "rtsp://", "urn:", "pop:",
		"sip:", "sips:", "tftp:", "btspp://", "btl2cap://", "btgoep://", "tcpobex://", "irdaobex://", "file://", "urn:epc:id:",
		"urn:epc:tag:", "urn:epc:pat:", "urn:epc:raw:", "urn:epc:", "urn:nfc:",
	} {
		r := ndef.Record{TNF: ndef.WellKnown, Type: "U", Payload: append([]byte{byte(code)}, "x1"...)}
		uri, err := r.URI()
		if err != nil || uri != prefix+"x1" {
			t.Errorf("code %02x: %q, %v; want %q", code, uri, err, prefix+"x1")
		}
		if again := ndef.NewURI(uri); !reflect.DeepEqual(again, r) {
			t.Errorf("%q is written as % x, want % x", uri, again.Payload, r.Payload)
		}
	}
}

func TestTypesHaveNames(t *testing.T) {
	for want, r := range map[string]ndef.Record{
		"urn:nfc:wkt:Sp":          {TNF: ndef.WellKnown, Type: "Sp"},
		"text/plain":              {TNF: ndef.Media, Type: "text/plain"},
		"https://example.com/a":   {TNF: ndef.Absolute, Type: "https://example.com/a"},
		"urn:nfc:ext:android:pkg": {TNF: ndef.External, Type: "android:pkg"},
		"empty":                   {},
		"unknown":                 {TNF: ndef.Unknown},
	} {
		if got := r.Name(); got != want {
			t.Errorf("%+v is called %q, want %q", r, got, want)
		}
	}
}

func TestARecordOfAnotherKindSaysSo(t *testing.T) {
	for _, r := range []ndef.Record{{}, {TNF: ndef.External, Type: "U", Payload: []byte{0, 'a'}}, {TNF: ndef.Media, Type: "T", Payload: []byte{0, 'a'}}} {
		if _, err := r.URI(); !errors.Is(err, ndef.ErrOther) {
			t.Errorf("%s as URI: %v", r.Name(), err)
		}
		if _, err := r.Text(); !errors.Is(err, ndef.ErrOther) {
			t.Errorf("%s as text: %v", r.Name(), err)
		}
	}
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	for want, r := range map[string]ndef.Record{
		"type is missing":    {TNF: ndef.WellKnown},
		"empty and is not":   {Payload: []byte{1}},
		"no kind":            {TNF: 6},
		"type of 300, id of": {TNF: ndef.External, Type: strings.Repeat("x", 300)},
	} {
		if b, err := ndef.Append(nil, ndef.NewURI("a:b"), r); err == nil || !strings.Contains(err.Error(), want) || b != nil {
			t.Errorf("%+v: % x, %v", r, b, err)
		}
	}
	if _, err := ndef.NewText(ndef.Text{Language: strings.Repeat("x", 64)}); err == nil {
		t.Error("a language of 64 bytes: no error")
	}
}

func record(t *rapid.T) ndef.Record {
	r := ndef.Record{
		TNF: rapid.SampledFrom([]ndef.TNF{ndef.Empty, ndef.WellKnown, ndef.Media, ndef.Absolute, ndef.External, ndef.Unknown}).Draw(t, "tnf"),
	}
	if r.TNF == ndef.Empty {
		return r
	}
	r.ID = rapid.StringN(0, 20, 255).Draw(t, "id")
	r.Payload = rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "payload")
	if r.TNF != ndef.Unknown {
		r.Type = rapid.StringN(1, 20, 255).Draw(t, "type")
	}
	return r
}

func same(a, b ndef.Record) bool {
	return a.TNF == b.TNF && a.Type == b.Type && a.ID == b.ID && bytes.Equal(a.Payload, b.Payload)
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []ndef.Record
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			want = append(want, record(t))
		}
		message, err := ndef.Append(nil, want...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ndef.Parse(message)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
		for i := range got {
			if !same(got[i], want[i]) {
				t.Fatalf("record %d is %+v, want %+v", i, got[i], want[i])
			}
		}
	})
}

func TestTextsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := ndef.Text{
			Language: rapid.StringMatching(`[a-zA-Z-]{0,63}`).Draw(t, "language"),
			Text:     strings.Map(drop, rapid.String().Draw(t, "text")),
			UTF16:    rapid.Bool().Draw(t, "utf16"),
		}
		r, err := ndef.NewText(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Text(); err != nil || got != want {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
	})
}

// drop takes out what a text cannot have, or what begins it and is a byte order mark.
func drop(c rune) rune {
	if c == 0 || c == 0xFFFD || c == 0xFEFF || c == 0xFFFE {
		return -1
	}
	return c
}

func TestURIsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringMatching(`(https://www\.|urn:epc:id:|urn:|[a-z]+:)[!-~]{1,80}`).Draw(t, "uri")
		if got, err := ndef.NewURI(want).URI(); err != nil || got != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		poster, err := ndef.NewPoster(ndef.Record{TNF: ndef.Media, Type: "image/png", Payload: []byte{1}}, ndef.NewURI(want), ndef.NewURI("a:b"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := poster.URI(); err != nil || got != want {
			t.Fatalf("in a poster: %q, %v; want %q", got, err, want)
		}
	})
}

func ExampleFirst() {
	message, _ := ndef.Append(nil, ndef.NewURI("https://id.example.org/01/09506000134352/21/7"))
	records, _ := ndef.Parse(message)
	fmt.Println(len(message))
	fmt.Println(ndef.First(records))
	// Output:
	// 42
	// https://id.example.org/01/09506000134352/21/7 <nil>
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "d00000", "91010554026 56e6869 5101055402656e6869", "b1010354 02656e 360001 68 560001 69", "d10210 5370 910104 5400 616263 510104 5500 613a62",
		"d9010502 54 6162 02656e6869", "c101ffffffff5400", "d10107 54 82 656e d83d de00",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := ndef.Parse(b)
		size := 0
		for _, r := range records {
			size += len(r.Payload) + len(r.Type) + len(r.ID) + 3
			_, _ = r.URI()
			_, _ = r.Text()
		}
		if size > len(b) {
			t.Fatalf("%d bytes of records from %d", size, len(b))
		}
		if s, _ := ndef.First(records); len(s) > 2*len(b)+30 {
			t.Fatalf("%d bytes of text from %d", len(s), len(b))
		}
		if err != nil {
			return
		}
		again, err := ndef.Append(nil, records...)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ndef.Parse(again)
		if err != nil || len(back) != len(records) {
			t.Fatalf("%+v, %v; want %+v", back, err, records)
		}
		for i := range back {
			if !same(back[i], records[i]) {
				t.Fatalf("record %d is %+v, want %+v", i, back[i], records[i])
			}
		}
	})
}
