package catalog_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

func load(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryBuiltInModelIsValid(t *testing.T) {
	c := load(t)
	all := c.Names(func(m catalog.Model) bool { return m.Modbus != nil })
	if got := strings.Join(all, " "); got != "comet-t3411 cwt-th dl-100 ee071 ee160 relay-8 rs-ws-n01 sensecap-one sensecap-th "+
		"siemens-qfa31 vaisala-hmdw110 vaisala-hmp vaisala-hmp110 xy-md02" {
		t.Errorf("models are %s", got)
	}
}

// Worked values of the vendor's manual.
func TestXYMD02RegistersScaleAsTheManualSays(t *testing.T) {
	m, err := load(t).Modbus("xy-md02")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value int
		raw   uint16
		want  unit.Milli
	}{{0, 0x0131, 30500}, {0, 0xFF33, -20500}, {1, 0x0222, 54600}} {
		r := m.Values[c.value]
		got, quality, _ := r.Measure(catalog.Block{First: r.Register, Words: []uint16{c.raw}})
		if got != c.want || quality != devices.Good {
			t.Errorf("%s of %#04x = %s %s, want %s", r.Quantity, c.raw, got, quality, c.want)
		}
		if raw := r.Raw(c.want, nil); len(raw) != 1 || raw[0] != c.raw {
			t.Errorf("%s of %s is raw %#04x, want %#04x", r.Quantity, c.want, raw, c.raw)
		}
	}
	if m.Values[0].Register != 1 || m.Values[1].Register != 2 || m.Values[0].Table != catalog.Input {
		t.Errorf("registers are %+v", m.Values)
	}
	if len(m.Corrections) != 2 || m.Corrections[0].Register != 0x0103 || m.Corrections[0].Table != catalog.Holding {
		t.Errorf("corrections are %+v", m.Corrections)
	}
}

func TestDS18B20CodesAreNotTemperatures(t *testing.T) {
	c := load(t)
	p, err := c.Payload("tasmota")
	if err != nil {
		t.Fatal(err)
	}
	field := p.Fields[0]
	for _, x := range []struct {
		value   string
		quality devices.Quality
		reason  string
	}{
		{"85", devices.Sentinel, "ds18b20_power_on_reset"},
		{"85.1", devices.Good, ""},
		{"84.9", devices.Good, ""},
		{"127.94", devices.Sentinel, "ds18b20_no_power"},
		{"127.9", devices.Sentinel, "ds18b20_no_power"},
		{"-127", devices.Sentinel, "ds18b20_disconnected"},
		{"125.1", devices.OutOfRange, catalog.OutOfRangeReason},
		{"-55", devices.Good, ""},
		{"-55.1", devices.OutOfRange, catalog.OutOfRangeReason},
		{"4.25", devices.Good, ""},
	} {
		v, err := unit.ParseMilli(x.value)
		if err != nil {
			t.Fatal(err)
		}
		if q, reason := c.Judge("DS18B20-2", field, v); q != x.quality || reason != x.reason {
			t.Errorf("%s °C is %s %q, want %s %q", x.value, q, reason, x.quality, x.reason)
		}
	}
	if q, _ := c.Judge("SHT3X", field, 85000); q != devices.Good {
		t.Errorf("85 °C of an unknown sensor is %s, want good", q)
	}
}

func TestUnknownModelNamesTheKnownOnes(t *testing.T) {
	_, err := load(t).Modbus("xymd02")
	if err == nil || !strings.Contains(err.Error(), "xy-md02") {
		t.Errorf("error is %v", err)
	}
	if _, err := load(t).Modbus("tasmota"); err == nil {
		t.Error("a payload model was given as a Modbus one")
	}
}

func TestBadModelsAreRefused(t *testing.T) {
	const good = "name: x\ntitle: X\nprobe:\n  match: [A]\n  values: [{quantity: humidity, min: \"0\", max: \"100\"}]\n"
	if _, err := catalog.ParseModel([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", good + "colour: red\n", "colour"},
		{"unknown quantity", strings.Replace(good, "humidity", "wetness", 1), "wetness"},
		{"no title", strings.Replace(good, "title: X\n", "", 1), "title"},
		{"range upside down", strings.Replace(good, `"100"`, `"-1"`, 1), "min 0 is not below max -1"},
		{"nothing in it", "name: x\ntitle: X\n", "exactly one"},
		{"two kinds", good + "payload:\n  fields: [{field: T, quantity: temperature, min: \"0\", max: \"1\"}]\n", "exactly one"},
		{"more documents", good + "---\nname: y\n", "more than one document"},
		{
			"bad register", "name: x\ntitle: X\nmodbus:\n  line: {baud: 9600, data: 8, parity: N, stop: 1}\n  unit: 0\n  poll: 1s\n" +
				"  values: [{quantity: humidity, table: coil, register: 1, type: float, scale: \"0\", min: \"0\", max: \"1\"}]\n",
			"modbus.values[0].table \"coil\"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := catalog.ParseModel([]byte(c.yaml))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestAModelHasTheNameOfItsFile(t *testing.T) {
	files := fstest.MapFS{"models/a.yaml": {Data: []byte(
		"name: b\ntitle: B\nprobe:\n  match: [A]\n  values: [{quantity: humidity, min: \"0\", max: \"100\"}]\n")}}
	if _, err := catalog.Parse(files); err == nil || !strings.Contains(err.Error(), "models/a.yaml") {
		t.Errorf("error is %v", err)
	}
}
