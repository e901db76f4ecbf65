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
	{
		ID: "uhf-c1", Driver: "chafon18", Address: "serial:/dev/ttyUSB1", Poll: 50 * time.Millisecond,
		Options: map[string]string{"power": "30", "region": "cn800", "address": "0x01"},
	},
	{
		ID: "uhf-c4", Driver: "chafon288", Address: "serial:/dev/ttyUSB2?baud=115200",
		Options: map[string]string{"power": "26", "region": "eu", "antennas": "1, 8", "address": "255"},
	},
	{
		ID: "uhf-r4", Driver: "r2000", Address: "serial:/dev/ttyUSB3",
		Options: map[string]string{"power": "33", "region": "cn900", "antennas": "1,2,3,4", "address": "1"},
	},
	{ID: "uhf-m6", Driver: "m6e", Address: "tcp:192.0.2.9:4001", Options: map[string]string{"power": "26.5", "region": "in", "antennas": "1"}},
	{
		ID: "gate-1", Driver: "llrp", Address: "tcp:192.0.2.7",
		Options: map[string]string{"antennas": "1,2,4", "power": "27.5", "session": "1", "gpi": "1, 2", "mode": "1000", "tari": "0"},
	},
	{ID: "pad-qa", Driver: "pn532", Address: "serial:/dev/ttyUSB5?baud=115200", Poll: 100 * time.Millisecond},
	{
		ID: "probe-r", Driver: "modbus", Model: "xy-md02", Address: "serial:/dev/ttyUSB6?baud=9600", Poll: 30 * time.Second,
		Options: map[string]string{"unit": "1", "timeout": "500ms", "temperature_correction": "-0.5"},
	},
	{ID: "r700-b", Driver: "r700", Address: "mqtt:site/SZ1/r700-b/events"},
	{ID: "zebra-x", Driver: "zebra", Address: "mqtt:site/SZ1/zebra-x/tags", Options: map[string]string{"status": "none"}},
	{
		ID: "hand-1", Driver: "rfd40", Address: "mqtt:t1/DATA/clients/data1event/S1",
		Options: map[string]string{"status": "t1/DATA/clients/rfid/S1", "events": "t1/MGMT/clients/event/S1"},
	},
	{ID: "desk-1", Driver: "tasmota-tag", Address: "mqtt:site/SZ1/desk-1/tele/SENSOR", Options: map[string]string{"timezone": "UTC"}},
	{ID: "node-r", Driver: "tasmota", Address: "mqtt:site/SZ1/node-r/tele/SENSOR", Options: map[string]string{"timezone": "UTC"}},
	{ID: "z2m-1", Driver: "zigbee2mqtt", Address: "mqtt:site/SZ1/z2m-1"},
	{ID: "ht-1", Driver: "shelly", Address: "mqtt:site/SZ1/shellyplusht-b8d61a8b17cc"},
	{ID: "tag-1", Driver: "ruuvi", Address: "mqtt:ruuvi/+/F4:1F:0C:28:CB:D6", Options: map[string]string{"tag": "f4:1f:0c:28:cb:d6"}},
	{
		ID: "line-1", Driver: "sparkplug", Address: "mqtt:spBv1.0/Plant/+/Line1/#",
		Options: map[string]string{"temperature": "Sensors/Temp1:Cel, Sensors/Temp2:degF", "gpi1": "Door/Open", "host": "tally", "reorder": "3s"},
	},
	{
		ID: "log-1", Driver: "json", Address: "mqtt:loggers/+/data",
		Options: map[string]string{"temperature": "t / 10", "temperature_unit": "[degF]", "gpi1": `door == "open"`, "channel": "topic(1)", "time": "ts", "time_format": "unix"},
	},
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
		{"uhf", func(s *devices.Settings) { s.Driver = "uhv" }, `device uhf-a1: driver "uhv" is not known; known are chafon18, chafon288, json, llrp, m6e, modbus, pn532, r2000, r700`},
		{"uhf", func(s *devices.Settings) { s.Model = "x" }, "has no models"},
		{"uhf", func(s *devices.Settings) { s.Poll = time.Second }, "poll is not for driver uhf"},
		{"uhf", address("mqtt:x"), "serial:/dev/NAME"},
		{"uhf", option("powr", "26"), `option "powr" is not known to driver uhf; known are power, region`},
		{"uhf", option("power", "99"), "up to 33 dBm"},
		{"uhf", option("region", "mars"), "known are cn800"},
		{"chafon18", option("antennas", "1"), "known are address, power, region"},
		{"chafon18", option("power", "20.5"), "no whole number of dBm, which is all that driver chafon18 can set"},
		{"chafon18", option("address", "256"), "0x00 to 0xFF"},
		{"chafon288", option("antennas", "9"), "from 1 to 8"},
		{"chafon288", option("antennas", "1,1"), "different antennas"},
		{"chafon288", address("mqtt:x"), "serial:/dev/NAME"},
		{"r2000", option("antennas", "1,5"), "from 1 to 4"},
		{"r2000", option("region", "kr"), "known are cn900, eu, us"},
		{"r2000", func(s *devices.Settings) { s.Poll = time.Second }, "poll is not for driver r2000"},
		{"m6e", option("antennas", "x"), "from 1 to 15"},
		{"m6e", option("region", "mars"), "known are au, cn900, eu, in, jp, kr, nz, us"},
		{"m6e", option("address", "1"), "known are antennas, power, region"},
		{"m6e", func(s *devices.Settings) { s.Poll = time.Second }, "poll is not for driver m6e"},
		{"pn532", option("x", "1"), "known are none"},
		{"pn532", func(s *devices.Settings) { s.Poll = -1 }, "negative"},
		{"modbus", func(s *devices.Settings) { s.Model = "xy" }, `device probe-r: model "xy" is no Modbus device that is known here; known are comet-t3411, cwt-th`},
		{"modbus", option("unit", "0"), "1 to 247"},
		{"modbus", option("timeout", "soon"), "500ms"},
		{"modbus", option("temperature_correction", "warm"), "temperature_correction"},
		{"modbus", option("x", "1"), "known are unit, timeout, framing, retries, busy_retries, " +
			"pause_after_connect, pause_between_requests, temperature_correction, humidity_correction"},
		{"modbus", address("serial:/dev/x?baud=slow"), "baud"},
		{"llrp", address("serial:/dev/x"), "no network address"},
		{"llrp", address("tcp:"), "tcp:HOST:PORT"},
		{"llrp", option("antennas", "1,x"), "antennas"},
		{"llrp", option("antennas", "0"), "1 to 255"},
		{"llrp", option("gpi", "300"), "option gpi"},
		{"llrp", option("session", "4"), "0 to 3"},
		{"llrp", option("power", "99"), "up to 33 dBm"},
		{"llrp", option("search", "far"), "dual, focus, single"},
		{"llrp", option("version", "2"), "known are 1.0.1, 1.1"},
		{"llrp", option("tls", "maybe"), "on or off"},
		{"llrp", option("insecure", "yes"), "tls to be on"},
		{"llrp", option("ca_file", "/ca.pem"), "tls to be on"},
		{"llrp", func(s *devices.Settings) { s.Options["tls"], s.Options["insecure"] = "on", "true" }, "yes or no"},
		{"llrp", func(s *devices.Settings) { delete(s.Options, "mode"); s.Options["tari"] = "6250" }, "wants option mode"},
		{"r700", address("serial:/dev/x"), "mqtt:TOPIC"},
		{"r700", address("mqtt:site/#"), "more than one topic"},
		{"r700", option("status", "site/SZ1/r700-b/events"), "already"},
		{"zebra", option("status", "a/#/b"), "option status"},
		{"zebra", option("events", "a/#/b"), "option events"},
		{"zebra", option("events", "site/SZ1/zebra-x/tags"), "already"},
		{"r700", option("events", "a"), `option "events" is not known`},
		{"tasmota-tag", option("timezone", "Mars/Olympus"), "Asia/Shanghai"},
		{"zigbee2mqtt", func(s *devices.Settings) { s.Options["status"] = "a/#/b" }, "option status"},
		{"tasmota", option("timezone", "Mars/Olympus"), "Asia/Shanghai"},
		{"zigbee2mqtt", address("mqtt:a/#/b"), "the last"},
		{"tasmota", option("events", "site/SZ1/node-r/tele/SENSOR"), "option events"},
		{"shelly", address("mqtt:+/events/rpc"), "more than one device"},
		{"shelly", option("status", "a/#/b"), "option status"},
		{"ruuvi", option("tag", "F4:1F"), "F4:1F:0C:28:CB:D6"},
		{"ruuvi", address("ruuvi/#"), "mqtt:TOPIC"},
		{"sparkplug", address("mqtt:spBv1.0/G/NDATA/n"), "spBv1.0/GROUP/+/NODE/#"},
		{"sparkplug", option("temperature", "T:furlong"), `option temperature: `},
		{"sparkplug", option("reorder", "soon"), "2s"},
		{"sparkplug", option("host", "a/b"), "option host"},
		{"sparkplug", func(s *devices.Settings) { s.Model = "x" }, `model "x" is no payload`},
		{"json", option("temperature", "t /"), `options.outputs[0]: value: formula "t /": column 3`},
		{"json", option("temperature_unit", "V"), `unit "V" is none of temperature`},
		{"json", option("humidity_unit", "%"), "without option humidity"},
		{"json", option("timezone", "Mars"), "Asia/Shanghai"},
		{"json", func(s *devices.Settings) { s.Options = nil }, "needs a model, or options"},
		{"json", func(s *devices.Settings) { s.Model = "openmqttgateway" }, "contradict each other"},
		{"json", func(s *devices.Settings) { s.Model, s.Options = "xy-md02", nil }, "known are openmqttgateway"},
		{"json", option("temprature", "t"), `option "temprature" is not known to driver json; known are battery, battery_unit`},
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
