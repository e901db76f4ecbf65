package catalog_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

func TestAMappingIsOneFile(t *testing.T) {
	m, err := load(t).Mapping("openmqttgateway")
	if err != nil || len(m.Outputs) == 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	if r := m.Outputs[0].Limits(); r.Min != -100_000 || r.Max != 300_000 {
		t.Errorf("limits are %+v", r)
	}
	if _, err := load(t).Mapping("tasmota"); err == nil || !strings.Contains(err.Error(), "known are openmqttgateway") {
		t.Errorf("error is %v", err)
	}
	for _, q := range unit.Quantities() {
		if r := catalog.Usual(q); q != 0 && r.Min >= r.Max {
			t.Errorf("%s has no usual limits", q)
		}
	}
}

func TestBadMappingsAreRefusedWithThePlace(t *testing.T) {
	const good = "name: x\ntitle: X\nmapping:\n  channel: id\n  time: {value: ts, format: unix}\n  outputs:\n" +
		"    - {quantity: temperature, value: t / 10, unit: '[degF]', min: \"-40\", max: \"80\"}\n    - {input: 1, value: door == \"open\"}\n"
	if _, err := catalog.ParseModel([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"t / 10", "t /", `mapping.outputs[0]: value: formula "t /": column 3`},
		{"channel: id", "channel: nope(id)", "mapping.channel: "},
		{"'[degF]'", "mV", `unit "mV" is none of temperature`},
		{"format: unix", "format: tomorrow", "mapping.time: format"},
		{"{value: ts, format: unix}", "{format: unix}", "format without value"},
		{"format: unix", "format: '15:04'", "mapping.time: format"},
		{`max: "80"`, `max: "-50"`, "min -40 is not below max -50"},
		{"{input: 1, ", "{input: 1, unit: V, ", "an input has no unit"},
		{"{input: 1, ", "{input: 1, quantity: voltage, ", "exactly one of quantity and input"},
		{"{input: 1, ", "{", "exactly one of quantity and input"},
		{"channel: id", "chanel: id", "chanel"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%q is not in the model", c.old)
		}
		_, err := catalog.ParseModel([]byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v; want one with %q", c.new, err, c.want)
		}
	}
	if _, err := catalog.ParseModel([]byte("name: x\ntitle: X\nmapping: {expect: -1s}\n")); err == nil ||
		!strings.Contains(err.Error(), "outputs: are missing") || !strings.Contains(err.Error(), "expect: is negative") {
		t.Errorf("error is %v", err)
	}
}
