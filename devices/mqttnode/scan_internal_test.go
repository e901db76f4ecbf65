package mqttnode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// skipAll tells whether the scanner takes a text for JSON values, one after the other or in arrays.
func skipAll(b []byte) error {
	return walk(b, func(s *scanner) error { s.skip(); return nil })
}

func TestTheScannerTakesJSONAndNothingElse(t *testing.T) {
	for _, in := range []string{
		"", " \r\n", "{}", "[]", "[{}]", `{"a":[1,-0,0.5,1e9,1E-9,-1.25e+3,true,false,null,"x\"\u00e9\\"]}`, `{"a":1}{"b":2}`,
		"{\"a\":1}\r\n\r\n[{\"b\":2}]", `"x"`, "12", strings.Repeat("[", 32) + strings.Repeat("]", 32),
	} {
		if err := skipAll([]byte(in)); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
	for in, want := range map[string]string{
		"{": "ends too early", `{"a"`: "ends too early", `{"a":`: "ends too early", `{"a":1`: "ends too early", "[1": "ends too early",
		`{"a":1,}`: "a name in quotes", "[1,]": "a value is missing", "[1 2]": "a comma", `{"a" 1}`: "a colon", `{a:1}`: "a name in quotes",
		"01x": "a value is missing", "-": "a value is missing", "1.": "a value is missing", "1e": "a value is missing", ".5": "a value is missing",
		"nul": "a value is missing", "True": "a value is missing", "{\"a\":\"x\n\"}": "control character", `"x`: "no end", `"\x"`: "escape",
		"\x00": "zero byte", "[1]]": "a value is missing", strings.Repeat("[", 40): "nested deeper", strings.Repeat(`{"a":`, 40): "nested deeper",
	} {
		if err := skipAll([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v; want one with %q", in, err, want)
		}
	}
}

func TestAValueOfAnotherTypeIsNotedAndPassed(t *testing.T) {
	s := &scanner{text: []byte(`{"text":7,"number":"x","whole":1.5,"far":300,"huge":1e999,"list":{},"none":null,"last":"here"}`)}
	var faults []string
	s.object()
	for name, ok := s.member(); ok; name, ok = s.member() {
		s.odd = nil
		switch string(name) {
		case "text":
			s.word()
		case "number", "huge":
			s.number()
		case "whole", "far":
			s.whole(0, 255)
		case "list":
			s.array()
		case "none":
			if w, _ := s.whole(0, 255); w != 0 || s.odd != nil {
				t.Errorf("null is %d, %v", w, s.odd)
			}
		case "last":
			if string(s.word()) != "here" {
				t.Error("the last member was not given")
			}
		}
		if s.odd != nil {
			faults = append(faults, s.odd.Error())
		}
	}
	const want = `"text" is no text; "number" is no number; "whole" is no whole number that can be; "far" is 300, which is not ` +
		`possible; "huge" is no number that can be; "list" is no array`
	if got := strings.Join(faults, "; "); got != want || s.cut != nil || s.more() {
		t.Errorf("faults are %s, %v", got, s.cut)
	}
}

// reference reads a payload by encoding/json: its documents, and whether all of it is JSON.
func reference(b []byte) (docs []json.RawMessage, sound bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	for {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return docs, errors.Is(err, io.EOF)
		}
		var list []json.RawMessage
		if one[0] == '[' && json.Unmarshal(one, &list) == nil {
			docs = append(docs, list...)
			continue
		}
		docs = append(docs, one)
	}
}

// shape finds what the two readers are allowed to see differently: deep nesting, and a name that comes twice.
func shape(b []byte) (deep, twice bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	var names []map[string]bool
	isName := false
	for {
		token, err := d.Token()
		if err != nil {
			return deep, twice
		}
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				names = append(names, map[string]bool{})
			case '[':
				names = append(names, nil)
			default:
				names = names[:len(names)-1]
			}
			isName = true
		case string:
			if n := len(names); n > 0 && names[n-1] != nil && isName {
				twice = twice || names[n-1][v]
				names[n-1][v] = true
				isName = false
				continue
			}
			isName = true
		default:
			isName = true
		}
		deep = deep || len(names) > deepest
	}
}

func FuzzScannerAgreesWithEncodingJSON(f *testing.F) {
	for _, in := range []string{
		`{"a":[1,-0.5e+9,true,null,"x\"\u00e9"]}`, "[1]\r\n{}", `{"a":1,}`, "\"\xff\"", `"\ud800"`, "1.5.5", "[[[[", "nulll", `{"a"}`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := skipAll(b)
		if err != nil && strings.Contains(err.Error(), "nested deeper") {
			t.Skip("nested deeper than the scanner goes")
		}
		if _, sound := reference(b); sound != (err == nil) {
			t.Errorf("%q: encoding/json takes it: %v; the scanner says %v", b, sound, err)
		}
	})
}

func TestMomentReadsWhatTheSensorsTimeReaderReads(t *testing.T) {
	for _, in := range []string{
		"2026-02-26T17:13:37.432087177Z", "2023-04-03T21:50:16.699+0200", "2023-04-03T21:50:16+02:00", "2026-01-05T16:00:00-0330",
		"1970-01-01T00:00:09Z", "2026-13-05T16:00:00Z", "2026-01-05T16:00:00", "", "Z", "+0200", "2026-01-05T16:00:00+2500",
		"2026-01-05T16:00:00+02:60", "2026-01-05T16:00:00.123456789123456789123Z", "2026-01-05T24:00:00Z", "2026-01-05T16:00:00+02",
	} {
		if got, want := moment([]byte(in)), deviceTime(in); !got.Equal(want) {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
}

func FuzzMoment(f *testing.F) {
	for _, in := range []string{"2026-02-26T17:13:37.432087177Z", "2023-04-03T21:50:16.699+0200", "2026-01-05T16:00:00-03:30"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if got, want := moment([]byte(in)), deviceTime(in); !got.Equal(want) && len(in) <= 60 {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	})
}

func TestAPCWordCutsTheEPCToItsLength(t *testing.T) {
	epc := []byte{0xe2, 0x80, 0x11, 0x91, 1, 2, 3, 4, 5, 6, 7, 8}
	for _, c := range []struct {
		pc       pcWord
		id, want []byte
	}{
		{0, epc, epc},
		{0x3400, epc, epc},
		{0x3400, append(slices.Clone(epc), 0, 0, 0, 0), epc},
		{0x3400, append([]byte{0x34, 0x00}, epc...), epc}, // the word itself stands before it
		{0x3000, append([]byte{0x34, 0x00}, epc[:10]...), append([]byte{0x34, 0x00}, epc[:10]...)},
		{0x1000, epc, epc[:4]},
		{0x3e00, epc, epc}, // an XPC word was counted and taken out
	} {
		if got := c.pc.cut(slices.Clone(c.id)); !bytes.Equal(got, c.want) {
			t.Errorf("PC %04x makes % x of % x", c.pc, got, c.id)
		}
	}
	if pc := pcOfBase64([]byte("NAA=")); pc != 0x3400 {
		t.Errorf("PC is %04x", pc)
	}
	if pc := pcOfHex([]byte("3400")); pc != 0x3400 {
		t.Errorf("PC is %04x", pc)
	}
	for _, bad := range []string{"", "N", "*", "NAAA", "34000", "zzzz"} {
		if pc := max(pcOfBase64([]byte(bad)), pcOfHex([]byte(bad))); pc != 0 {
			t.Errorf("%q is PC %04x", bad, pc)
		}
	}
}
