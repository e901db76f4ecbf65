package all_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
)

func modbusDevice(address, model string, options map[string]string) devices.Settings {
	return devices.Settings{ID: "m-1", Driver: "modbus", Model: model, Address: address, Options: options}
}

func TestModbusDevicesOfEveryKindAreMade(t *testing.T) {
	for _, s := range []devices.Settings{
		modbusDevice("serial:/dev/ttyUSB0", "rs-ws-n01", nil),
		modbusDevice("tcp:192.0.2.7", "dl-100", map[string]string{"unit": "255", "humidity_correction": "1.5"}),
		modbusDevice("tcp:[2001:db8::7]", "relay-8", map[string]string{"framing": "tcp"}),
		modbusDevice("tcp:192.0.2.7:4001", "ee160", map[string]string{"framing": "rtu", "retries": "0", "busy_retries": "5"}),
		modbusDevice("tcp:gw.example:502", "comet-t3411", map[string]string{
			"serial_number": "12345678", "pause_after_connect": "0s", "pause_between_requests": "50ms",
		}),
	} {
		if d, err := all.New(s, env(t)); err != nil || d == nil {
			t.Errorf("%s at %s: %v, %v", s.Model, s.Address, d, err)
		}
	}
}

func TestARelayModuleHasOutputs(t *testing.T) {
	d, err := all.New(modbusDevice("tcp:192.0.2.7", "relay-8", nil), env(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := d.(devices.Outputs); !ok {
		t.Errorf("%T has no outputs", d)
	}
}

func TestBadModbusOptionsSayWhatIsPossible(t *testing.T) {
	for _, c := range []struct{ address, name, value, want string }{
		{"serial:/dev/x", "framing", "tcp", "a serial line has rtu"},
		{"tcp:h", "framing", "ascii", "is not rtu or tcp"},
		{"serial:/dev/x", "unit", "255", "for framing tcp"},
		{"tcp:h", "unit", "250", "1 to 247"},
		{"tcp:h", "retries", "-1", "is not 0 to 10"},
		{"tcp:h", "busy_retries", "many", "is not 0 to 10"},
		{"tcp:h", "pause_after_connect", "1h", "from 0s to 10s"},
		{"tcp:h", "pause_between_requests", "soon", "from 0s to 10s"},
		{"tcp:h", "timeout", "0s", "no duration such as 500ms"},
		{"tcp:h:0", "", "", "a port from 1 to 65535"},
	} {
		options := map[string]string{c.name: c.value}
		if c.name == "" {
			options = nil
		}
		err := all.Check(modbusDevice(c.address, "xy-md02", options))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s=%s: error is %v, want one with %q", c.address, c.name, c.value, err, c.want)
		}
	}
}
