package all_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/port"
)

// good has the settings of one device of each driver, as a configuration writes them.
var good = []devices.Settings{
	{ID: "uhf-a1", Driver: "uhf", Address: "serial:/dev/ttyUSB0?baud=115200", Options: map[string]string{"power": "26", "region": "cn900"}},
	{ID: "pad-qa", Driver: "pn532", Address: "serial:/dev/ttyUSB5?baud=115200", Poll: 100 * time.Millisecond},
	{
		ID: "probe-r", Driver: "modbus", Model: "xy-md02", Address: "serial:/dev/ttyUSB6?baud=9600", Poll: 30 * time.Second,
		Options: map[string]string{"unit": "1", "timeout": "500ms", "temperature_correction": "-0.5"},
	},
	{ID: "r700-b", Driver: "r700", Address: "mqtt:site/SZ1/r700-b/events"},
	{ID: "zebra-x", Driver: "zebra", Address: "mqtt:site/SZ1/zebra-x/tags", Options: map[string]string{"status": "none"}},
	{ID: "node-r", Driver: "tasmota", Address: "mqtt:site/SZ1/node-r/tele/SENSOR", Options: map[string]string{"timezone": "UTC"}},
	{ID: "z2m-1", Driver: "zigbee2mqtt", Address: "mqtt:site/SZ1/z2m-1"},
}

func env(t *testing.T) all.Env {
	t.Helper()
	o, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	b, err := mqttnode.New(mqttnode.Config{URL: "tcp://127.0.0.1:1883", ClientID: "SZ1-E1"})
	if err != nil {
		t.Fatal(err)
	}
	return all.Env{Ports: o, MQTT: b}
}

func TestADriverIsMadeOfEverySettings(t *testing.T) {
	e := env(t)
	var names []string
	for _, s := range good {
		names = append(names, s.Driver)
		if err := all.Check(s); err != nil {
			t.Errorf("Check: %v", err)
		}
		if d, err := all.New(s, e); err != nil || d == nil {
			t.Errorf("New: %v, %v", d, err)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, all.Names()) {
		t.Errorf("drivers are %v; these were tried: %v", all.Names(), names)
	}
}

func with(driver string, change func(*devices.Settings)) devices.Settings {
	i := slices.IndexFunc(good, func(s devices.Settings) bool { return s.Driver == driver })
	s := good[i]
	options := map[string]string{}
	for k, v := range s.Options {
		options[k] = v
	}
	s.Options = options
	change(&s)
	return s
}

func TestBadSettingsNameTheDeviceAndWhatIsPossible(t *testing.T) {
	option := func(name, value string) func(*devices.Settings) {
		return func(s *devices.Settings) { s.Options[name] = value }
	}
	address := func(a string) func(*devices.Settings) { return func(s *devices.Settings) { s.Address = a } }
	for _, c := range []struct {
		driver string
		change func(*devices.Settings)
		want   string
	}{
		{"uhf", func(s *devices.Settings) { s.ID = "" }, "no id"},
		{"uhf", func(s *devices.Settings) { s.Driver = "uhv" }, `device uhf-a1: driver "uhv" is not known; known are modbus, pn532, r700`},
		{"uhf", func(s *devices.Settings) { s.Model = "x" }, "has no models"},
		{"uhf", func(s *devices.Settings) { s.Poll = time.Second }, "poll is not for driver uhf"},
		{"uhf", address("mqtt:x"), "serial:/dev/NAME"},
		{"uhf", option("powr", "26"), `option "powr" is not known to driver uhf; known are power, region`},
		{"uhf", option("power", "99"), "up to 33 dBm"},
		{"uhf", option("region", "mars"), "known are cn800"},
		{"pn532", option("x", "1"), "known are none"},
		{"pn532", func(s *devices.Settings) { s.Poll = -1 }, "negative"},
		{"modbus", func(s *devices.Settings) { s.Model = "xy" }, `device probe-r: model "xy" is no Modbus device that is known here; known are xy-md02`},
		{"modbus", option("unit", "0"), "1 to 247"},
		{"modbus", option("timeout", "soon"), "500ms"},
		{"modbus", option("temperature_correction", "warm"), "temperature_correction"},
		{"modbus", option("x", "1"), "known are unit, timeout, temperature_correction, humidity_correction"},
		{"modbus", address("serial:/dev/x?baud=slow"), "baud"},
		{"r700", address("serial:/dev/x"), "mqtt:TOPIC"},
		{"r700", address("mqtt:site/#"), "more than one topic"},
		{"r700", option("status", "site/SZ1/r700-b/events"), "already"},
		{"zebra", option("status", "a/#/b"), "option status"},
		{"zigbee2mqtt", func(s *devices.Settings) { s.Options["status"] = "a/#/b" }, "option status"},
		{"tasmota", option("timezone", "Mars/Olympus"), "Asia/Shanghai"},
		{"zigbee2mqtt", address("mqtt:a/#/b"), "the last"},
	} {
		s := with(c.driver, c.change)
		err := all.Check(s)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.driver, err, c.want)
		}
		if d, err := all.New(s, env(t)); err == nil || d != nil {
			t.Errorf("New made %v, %v of bad settings", d, err)
		}
	}
}

func TestMQTTDevicesNeedABroker(t *testing.T) {
	e := env(t)
	e.MQTT = nil
	for _, s := range good {
		_, err := all.New(s, e)
		if mqtt := strings.HasPrefix(s.Address, "mqtt:"); mqtt != (err != nil) || mqtt && !strings.Contains(err.Error(), "no mqtt section") {
			t.Errorf("%s: error is %v", s.ID, err)
		}
	}
}
