package sparkplug_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/sparkplug"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && filepath.Dir(dir) != dir {
		if _, e := os.Stat(filepath.Join(dir, "go.work")); e == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	b, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", "sensors", "sparkplug", name))
	if err != nil {
		t.Skipf("the recorded data are not here: %v", err)
	}
	return b
}

// say writes a payload in one line, as the specification's examples show it.
func say(p sparkplug.Payload) string {
	var parts []string
	if p.HasTimestamp {
		parts = append(parts, fmt.Sprint("at ", p.Timestamp))
	}
	for _, m := range p.Metrics {
		s := m.Name
		if m.HasAlias {
			s += fmt.Sprint("#", m.Alias)
		}
		s += fmt.Sprintf(" %s %s", m.Datatype, m.Datatype.Text(m.Value))
		if m.HasTimestamp {
			s += fmt.Sprint(" at ", m.Timestamp)
		}
		if m.Historical {
			s += " historical"
		}
		if m.Null {
			s += " null"
		}
		parts = append(parts, s)
	}
	if p.HasSeq {
		parts = append(parts, fmt.Sprint("seq ", p.Seq))
	}
	return strings.Join(parts, ", ")
}

// The examples of the specification, encoded by protoc.
func TestTheSpecificationsExamples(t *testing.T) {
	for in, want := range map[string]string{
		"08eaf2f5a8a02b12150a08496e707574732f4118eaf2f5a8a02b200b700112150a08496e707574732f4318eaf2f5a8a02b200b70011800": "at 1486144502122, Inputs/A Boolean true at 1486144502122, Inputs/C Boolean true at 1486144502122, seq 0",
		"08eaf2f5a8a02b12210a144e6f646520436f6e74726f6c2f5265626972746818eaf2f5a8a02b200b7001":                           "at 1486144502122, Node Control/Rebirth Boolean true at 1486144502122",
		"08eaf2f5a8a02b12120a05626453657118eaf2f5a8a02b20085800":                                                         "at 1486144502122, bdSeq UInt64 0 at 1486144502122",
		"08eaf2f5a8a02b187b": "at 1486144502122, seq 123",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sparkplug.Decode(b)
		if err != nil || say(p) != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", in, say(p), err, want)
		}
		if again := sparkplug.Encode(p); !bytes.Equal(again, b) {
			t.Errorf("%s is written as %x", in, again)
		}
	}
}

func TestEveryCollectedPayloadIsReadAndWrittenBack(t *testing.T) {
	want := map[string]string{
		"06_DDATA_historical_null.bin": "at 1486144502122, Zone1/Temperature Double 4.3 at 1486144202122 historical, " +
			"Zone1/Temperature Double 4.5 at 1486144262122 historical, Zone1/Temperature Double none at 1486144502122 null, seq 255",
		"01_DDATA.bin":  "at 1486144502122, Inputs/A Boolean true at 1486144502122, Inputs/C Boolean true at 1486144502122, seq 0",
		"02_NCMD.bin":   "at 1486144502122, Node Control/Rebirth Boolean true at 1486144502122",
		"04_NDEATH.bin": "at 1486144502122, bdSeq UInt64 0 at 1486144502122",
		"05_DDEATH.bin": "at 1486144502122, seq 123",
	}
	for name, want := range want {
		b := fixture(t, name)
		p, err := sparkplug.Decode(b)
		if err != nil || say(p) != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", name, say(p), err, want)
		}
		if again := sparkplug.Encode(p); !bytes.Equal(again, b) {
			t.Errorf("%s is written as %x", name, again)
		}
	}
}

// The examples that the specification prints as JSON have a topic each; what they say goes through the codec unchanged.
func TestTheSpecificationsPrintedExamplesGoThroughTheCodec(t *testing.T) {
	var examples []struct {
		Topic   string
		Payload struct {
			Timestamp uint64
			Seq       *uint64
			Metrics   []struct {
				Name      string
				Timestamp uint64
				DataType  string
				Value     any
			}
		}
	}
	if err := json.Unmarshal(fixture(t, "spec_examples.json"), &examples); err != nil {
		t.Fatal(err)
	}
	types := map[string]sparkplug.Datatype{"Boolean": sparkplug.TypeBoolean, "String": sparkplug.TypeString, "UInt64": sparkplug.UInt64}
	for _, e := range examples {
		if topic, err := sparkplug.ParseTopic(e.Topic); err != nil || topic.String() != e.Topic {
			t.Errorf("%s is %+v, %v", e.Topic, topic, err)
		}
		p := sparkplug.Payload{Timestamp: e.Payload.Timestamp, HasTimestamp: true}
		if e.Payload.Seq != nil {
			p.Seq, p.HasSeq = *e.Payload.Seq, true
		}
		want := []string{fmt.Sprint("at ", p.Timestamp)}
		for _, m := range e.Payload.Metrics {
			metric := sparkplug.Metric{Name: m.Name, Timestamp: m.Timestamp, HasTimestamp: true, Datatype: types[m.DataType]}
			word := fmt.Sprint(m.Value)
			switch v := m.Value.(type) {
			case bool:
				metric.Value = sparkplug.Value{Kind: sparkplug.Boolean, Bits: map[bool]uint64{true: 1}[v]}
			case string:
				metric.Value, word = sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte(v)}, `"`+v+`"`
			case float64:
				metric.Value = sparkplug.Value{Kind: sparkplug.Long, Bits: uint64(v)}
			}
			p.Metrics = append(p.Metrics, metric)
			want = append(want, fmt.Sprintf("%s %s %s at %d", m.Name, m.DataType, word, m.Timestamp))
		}
		if p.HasSeq {
			want = append(want, fmt.Sprint("seq ", p.Seq))
		}
		again, err := sparkplug.Decode(sparkplug.Encode(p))
		if err != nil || say(again) != strings.Join(want, ", ") {
			t.Errorf("%s\nis   %s, %v\nwant %s", e.Topic, say(again), err, strings.Join(want, ", "))
		}
	}
}

func TestNumbersOfEveryType(t *testing.T) {
	long := func(v int64) sparkplug.Value { return sparkplug.Value{Kind: sparkplug.Long, Bits: uint64(v)} }
	integer := func(v uint32) sparkplug.Value { return sparkplug.Value{Kind: sparkplug.Int, Bits: uint64(v)} }
	for _, c := range []struct {
		datatype sparkplug.Datatype
		value    sparkplug.Value
		want     string
	}{
		{sparkplug.Int8, integer(255), "-1"},
		{sparkplug.Int8, integer(0xffffffff), "-1"},
		{sparkplug.Int16, integer(65336), "-200"},
		{sparkplug.Int32, integer(0xfffffff6), "-10"},
		{sparkplug.Int32, long(-10), "-10"},
		{sparkplug.Int64, long(-12), "-12"},
		{sparkplug.UInt8, integer(255), "255"},
		{sparkplug.UInt16, integer(65535), "65535"},
		{sparkplug.UInt32, long(4294967295), "4294967295"},
		{sparkplug.UInt64, long(-1), "18446744073709551615"},
		{sparkplug.TypeFloat, sparkplug.Value{Kind: sparkplug.Float, Number: 4.5}, "4.5"},
		{sparkplug.TypeDouble, sparkplug.Value{Kind: sparkplug.Double, Number: 4.3}, "4.3"},
		{sparkplug.TypeBoolean, sparkplug.Value{Kind: sparkplug.Boolean, Bits: 1}, "1"},
		{sparkplug.TypeString, sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte(" -4.25 ")}, "-4.25"},
		{sparkplug.TypeString, sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte("cold")}, "none"},
		{sparkplug.TypeString, sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte("NaN")}, "none"},
		{sparkplug.TypeDouble, sparkplug.Value{Kind: sparkplug.Double, Number: math.Inf(1)}, "none"},
		{sparkplug.Unknown, integer(3), "none"},
		{sparkplug.TypeDateTime, long(3), "none"},
		{sparkplug.Unknown, sparkplug.Value{}, "none"},
		{sparkplug.Unknown, sparkplug.Value{Kind: sparkplug.Bytes, Bytes: []byte{1}}, "none"},
	} {
		got := "none"
		if n, ok := c.datatype.Number(c.value); ok {
			got = fmt.Sprintf("%.10g", n)
			if n == math.Trunc(n) {
				got = fmt.Sprintf("%.0f", n)
			}
		}
		if got != c.want && !(c.want == "18446744073709551615" && got == "18446744073709551616") {
			t.Errorf("%s of %+v is %s, want %s", c.datatype, c.value, got, c.want)
		}
	}
}

func TestPropertiesAndAliasesGoThrough(t *testing.T) {
	in := sparkplug.Payload{UUID: "u", Body: []byte{1}, Metrics: []sparkplug.Metric{{
		Name: "T", Alias: 0, HasAlias: true, Transient: true, MetaData: []byte{8, 1}, Datatype: sparkplug.TypeDouble,
		Properties: []sparkplug.Property{
			{Key: "engUnit", Type: sparkplug.TypeString, Value: sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte("degF")}},
			{Key: "low", Type: sparkplug.TypeDouble, Value: sparkplug.Value{Kind: sparkplug.Double, Number: -20}},
			{Key: "set", Type: 20, Value: sparkplug.Value{Kind: sparkplug.Template, Bytes: []byte{}}},
			{Key: "gone", Null: true},
		},
	}}}
	out, err := sparkplug.Decode(sparkplug.Encode(in))
	if err != nil || !equal(in, out) {
		t.Errorf("%+v became %+v, %v", in, out, err)
	}
	if u := out.Metrics[0].Property("engUnit"); u != "degF" || out.Metrics[0].Property("low") != "" {
		t.Errorf("engUnit is %q", u)
	}
}

func equal(a, b sparkplug.Payload) bool {
	return bytes.Equal(sparkplug.Encode(a), sparkplug.Encode(b)) && say(a) == say(b) && len(a.Metrics) == len(b.Metrics) &&
		slices.EqualFunc(a.Metrics, b.Metrics, func(m, n sparkplug.Metric) bool {
			return m.Value.Equal(n.Value) && m.Transient == n.Transient && slices.EqualFunc(m.Properties, n.Properties,
				func(p, q sparkplug.Property) bool {
					return p.Key == q.Key && p.Type == q.Type && p.Null == q.Null && p.Value.Equal(q.Value)
				})
		})
}

func TestBrokenPayloadsAreRefusedWithTheReason(t *testing.T) {
	for in, want := range map[string]string{
		"08":                         "field 1 at byte 0",
		"0d01020304":                 "wrong wire type",
		"12020a05":                   "metric 0: field 1 at byte 0",
		"12040a02fffe":               "not UTF-8",
		"1202680101":                 "metric 0",
		"ffffffffffffffffffff":       "at byte 0",
		"120b4a090a01611202080c1200": "keys of properties",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := sparkplug.Decode(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %s, %v; want an error with %q", in, say(p), err, want)
		}
	}
	if _, err := sparkplug.Decode(bytes.Repeat([]byte{0x12, 0}, 20_001)); err == nil || !strings.Contains(err.Error(), "more than 20000") {
		t.Errorf("error is %v", err)
	}
}

func TestTopics(t *testing.T) {
	for _, good := range []string{
		"spBv1.0/G/NBIRTH/N", "spBv1.0/G/NDEATH/N", "spBv1.0/G/NDATA/N", "spBv1.0/G/NCMD/N", "spBv1.0/G/DBIRTH/N/D",
		"spBv1.0/G/DDEATH/N/D", "spBv1.0/G/DDATA/N/D", "spBv1.0/G/DCMD/N/D", "spBv1.0/STATE/host-1", "spBv1.0/Sparkplug B Devices/DDATA/Raspberry Pi/Pibrella",
	} {
		if got, err := sparkplug.ParseTopic(good); err != nil || got.String() != good {
			t.Errorf("%s is %+v, %v", good, got, err)
		}
	}
	for bad, want := range map[string]string{
		"":                       "empty level",
		"spAv1.0/G/NBIRTH/N":     "none of Sparkplug B",
		"spBv1.0/G":              "none of Sparkplug B",
		"spBv1.0/G/NBIRTH/N/D":   "has a node and no device",
		"spBv1.0/G/DDATA/N":      "has a node and a device",
		"spBv1.0/G/XDATA/N":      `"XDATA" is not known`,
		"spBv1.0/G/NBIRTH/+":     "wildcard",
		"spBv1.0/STATE/h/more":   "not spBv1.0/STATE/HOST",
		"spBv1.0/G/DDATA/N/D/x":  "has a node and a device",
		"spBv1.0//DDATA/N/D":     "empty level",
		"STATE/host":             "none of Sparkplug B",
		"spBv1.0/G/NBIRTH/N/D/E": "no device",
	} {
		if got, err := sparkplug.ParseTopic(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %+v, %v; want %q", bad, got, err, want)
		}
	}
}

func TestStateIsReadBack(t *testing.T) {
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	b := sparkplug.EncodeState(true, at)
	if string(b) != `{"online":true,"timestamp":1767600000000}` {
		t.Errorf("STATE is %s", b)
	}
	if online, since, err := sparkplug.DecodeState(b); err != nil || !online || !since.Equal(at) {
		t.Errorf("STATE is %v since %s, %v", online, since, err)
	}
	for _, bad := range []string{"ONLINE", "{}", `{"online":"yes"}`} {
		if _, _, err := sparkplug.DecodeState([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"08eaf2f5a8a02b12150a08496e707574732f4118eaf2f5a8a02b200b70011800", "08eaf2f5a8a02b187b",
		"08eaf2f5a8a02b12270a115a6f6e65312f54656d7065726174757265188acbe3a8a02b200a28016933333333333311401801",
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := sparkplug.Decode(b)
		if err != nil {
			return
		}
		once := sparkplug.Encode(p)
		again, err := sparkplug.Decode(once)
		if err != nil || !equal(p, again) {
			t.Errorf("%s became %s, %v", say(p), say(again), err)
		}
		for _, m := range p.Metrics {
			_, _ = m.Datatype.Number(m.Value)
		}
	})
}
