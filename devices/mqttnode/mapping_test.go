package mqttnode_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

func mapping(t testing.TB, model catalog.Mapping, zone *time.Location) *mqttnode.Mapping {
	t.Helper()
	m, err := mqttnode.NewMapping(model, zone)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A logger that sends several probes in one message, old values among them.
var logger = catalog.Mapping{
	When: `kind == "data"`, Each: "probes", Channel: "sn", Historical: "old", Time: catalog.Stamp{Value: "at ?? $root.at"},
	Outputs: []catalog.Output{
		{Quantity: unit.Temperature, Value: "t / 10", Range: catalog.Range{
			Min: -40_000, Max: 60_000, Sentinels: []catalog.Sentinel{{Value: 85_000, Reason: "power_on"}},
		}},
		{Quantity: unit.Temperature, Value: "tf", Unit: "[degF]", Channel: `sn + "/board"`},
		{Quantity: unit.Humidity, Value: "rh"},
		{Input: 2, Value: `door == "open"`},
	},
}

func TestJSONOfAnyShapeIsReadByFormulas(t *testing.T) {
	decode := mqttnode.DecodeJSON(mapping(t, logger, nil))
	for in, want := range map[string]string{
		`{"kind":"data","at":1767600000,"probes":[{"sn":"A","t":42,"rh":55.5,"tf":39.2},{"sn":"B","t":-185,"rh":null,"at":1767599940,"old":true,"door":"open"}]}`: "input 2 high, A temperature 4.2 at 2026-01-05T08:00:00Z, A/board temperature 4 at 2026-01-05T08:00:00Z, A humidity 55.5 at 2026-01-05T08:00:00Z, " +
			"B temperature -18.5 historical at 2026-01-05T07:59:00Z, B humidity no data historical at 2026-01-05T07:59:00Z",
		`{"kind":"data","at":1767600000123,"probes":{"sn":"A","t":850}}`:                 "A temperature 85 power_on at 2026-01-05T08:00:00.123Z",
		`{"kind":"data","at":"2026-01-05T16:00:00+08:00","probes":[{"sn":"A","t":605}]}`: "A temperature 60.5 out_of_range at 2026-01-05T08:00:00Z",
		`{"kind":"data","probes":[{"sn":7,"t":"42"}]}`:                                   `unclear values that are no numbers: formula "t / 10": column 3`,
		`{"kind":"data","probes":[{"sn":"A","rh":"55"},{"sn":"A","rh":"wet"}]}`:          "A humidity 55, unclear values that are no numbers: rh: \"wet\" is no number",
		`{"kind":"hello"}`:             "",
		`{"kind":"data"}`:              "",
		`{"kind":"data","probes":[]}`:  "",
		`{"kind":"data","probes":[7]}`: "",
		`{}`:                           "",
		`21.5`:                         "",
	} {
		if reports, err := decode([]byte(in)); err != nil || !strings.HasPrefix(say(reports), want) || want == "" && say(reports) != "" {
			t.Errorf("%s\nis   %s, %v\nwant %s", in, say(reports), err, want)
		}
	}
	for in, want := range map[string]string{
		`{"kind":"data","probes":7}`:                                     "each: 7 is no list",
		`{"topic":"x","payload":"{"}`:                                    "x: message is no JSON",
		`{"topic":"x","payload":"` + strings.Repeat("x", 300_000) + `"}`: "at most 262144",
		`{"kind":"data","probes":[` + strings.Repeat("1,", 1000) + `1]}`: "at most 1000",
	} {
		if reports, err := decode([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s is %s, %v; want an error with %q", in, say(reports), err, want)
		}
	}
}

func TestTimesOfEveryFormat(t *testing.T) {
	east := time.FixedZone("CST", 8*3600)
	for _, c := range []struct {
		format, in string
		zone       *time.Location
		want       string
	}{
		{"unix", "1767600000", nil, "2026-01-05T08:00:00Z"},
		{"unix", `"1767600000"`, nil, "2026-01-05T08:00:00Z"},
		{"unix_ms", "1767600000123", nil, "2026-01-05T08:00:00.123Z"},
		{"unix", "12", nil, ""},
		{"rfc3339", `"2026-01-05T16:00:00+08:00"`, nil, "2026-01-05T08:00:00Z"},
		{"rfc3339", `"2026-01-05T16:00:00"`, nil, ""},
		{"2006-01-02 15:04:05", `"2026-01-05 16:00:00"`, east, "2026-01-05T08:00:00Z"},
		{"2006-01-02 15:04:05", `"2026-01-05 16:00:00"`, nil, ""}, // nobody knows in which zone
		{"2006-01-02 15:04:05 -0700", `"2026-01-05 16:00:00 +0800"`, nil, "2026-01-05T08:00:00Z"},
		{"2006-01-02 15:04:05", `"1970-01-01 00:00:09"`, east, ""},
		{"unix", `"noon"`, nil, "unclear"},
		{"2006-01-02 15:04:05", `"noon"`, east, "unclear"},
		{"", "null", nil, ""},
	} {
		m := mapping(t, catalog.Mapping{
			Time: catalog.Stamp{Value: "at", Format: c.format}, Outputs: []catalog.Output{{Quantity: unit.Temperature, Value: "t"}},
		}, c.zone)
		said, err := m.Parse("", []byte(`{"t":1,"at":`+c.in+`}`))
		if err != nil || len(said.Values) != 1 {
			t.Fatalf("%+v, %v", said, err)
		}
		got := ""
		if at := said.Values[0].At; len(said.Unclear) > 0 {
			got = "unclear"
		} else if !at.IsZero() {
			got = at.Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%s as %q is %s %v; want %s", c.in, c.format, got, said.Unclear, c.want)
		}
	}
}

func TestAModelOfTheCatalogueNeedsNoCode(t *testing.T) {
	models, _ := zigbeeModel(t)
	model := must[catalog.Mapping](t)(models.Mapping("openmqttgateway"))
	decode := mqttnode.DecodeJSON(mapping(t, model, nil))
	const in = `{"id":"A4:C1:38:01:02:03","name":"LYWSD03MMC","rssi":-60,"brand":"Xiaomi","model":"LYWSD03MMC","tempc":4.6,"tempf":40.28,"hum":51.2,"batt":99,"volt":2.958}`
	const want = "A4:C1:38:01:02:03 temperature 4.6, A4:C1:38:01:02:03 humidity 51.2, A4:C1:38:01:02:03 battery 99, A4:C1:38:01:02:03 voltage 2.958"
	if reports, err := decode([]byte(in)); err != nil || say(reports) != want {
		t.Errorf("%s, %v", say(reports), err)
	}
}

func TestTheJSONDriverMeasuresAndSeesInputs(t *testing.T) {
	m := startMosquitto(t)
	m.say(t, "status", true, []byte("online"))
	m.say(t, "loggers/l1/data", true, []byte(`{"kind":"data","probes":[{"sn":"A","t":99}]}`)) // retained: of unknown age
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) {
		return mqttnode.NewJSON(d, mapping(t, logger, nil))
	},
		mqttnode.Device{ID: "log", Topic: "loggers/+/data", Status: "status"})
	sink.WaitState(t, devices.Up)
	m.say(t, "loggers/l1/data", false,
		[]byte(`{"kind":"data","probes":[{"sn":"A","t":42,"door":"open"},{"sn":"A","door":"open"}]}`),
		[]byte(`{"kind":"data","probes":[{"sn":"A","door":"closed","t":43}]}`))
	sink.Wait(t, "two samples", func() bool { return len(sink.Samples()) == 2 })
	if g := sink.GPIs(); len(g) != 2 || !g[0].High || g[1].High || g[0].Port != 2 {
		t.Errorf("inputs are %+v", g)
	}
	if s := sink.Samples()[0]; s.Device != "log" || s.Channel != "A" || s.Value != 4_200 {
		t.Errorf("sample is %+v", s)
	}
	m.say(t, "loggers/l1/data", false, []byte(`{`))
	sink.WaitState(t, devices.Degraded)
	if _, err := mqttnode.NewJSON(mqttnode.Device{ID: "x"}, nil); err == nil {
		t.Error("a driver without a mapping was made")
	}
	if _, err := mqttnode.NewMapping(catalog.Mapping{}, nil); err == nil {
		t.Error("an empty mapping was made")
	}
}

func FuzzMapping(f *testing.F) {
	m := mapping(f, logger, nil)
	f.Add([]byte(`{"kind":"data","at":1767600000,"probes":[{"sn":"A","t":42,"rh":55.5,"tf":39.2,"door":"open"}]}`))
	f.Add([]byte(`{"kind":"data","at":"2026-01-05T16:00:00+08:00","probes":[{"sn":{},"t":[],"rh":1e300,"old":3}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		said, err := m.Parse("a/b", b)
		if err == nil && len(said.Values)+len(said.Unclear) > 5*(len(b)+1) {
			t.Errorf("%+v", said)
		}
	})
}
