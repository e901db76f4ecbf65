package port_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/port"
)

func TestAddressesAreReadAndWrittenAlike(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"serial:/dev/ttyUSB0", "serial:/dev/ttyUSB0?baud=9600&parity=N&data=8&stop=1"},
		{"serial:/dev/ttyUSB0?baud=115200", "serial:/dev/ttyUSB0?baud=115200&parity=N&data=8&stop=1"},
		{"serial:/dev/ttyUSB0?baud=250000&parity=E&data=7&stop=2", "serial:/dev/ttyUSB0?baud=250000&parity=E&data=7&stop=2"},
		{"tcp:10.0.0.9:4001", "tcp:10.0.0.9:4001"},
		{"tcp:[::1]:4001", "tcp:[::1]:4001"},
	} {
		a, err := port.ParseAddress(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if a.String() != c.out {
			t.Errorf("%s is written %s, want %s", c.in, a, c.out)
		}
		if b, err := port.ParseAddress(a.String()); err != nil || a != b {
			t.Errorf("%s read back is %+v, %v", a, b, err)
		}
	}
}

func TestBadAddressesSayWhatToWrite(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "serial:/dev/NAME",
		"/dev/ttyUSB0":                   "serial:/dev/NAME",
		"usb:1":                          "serial:/dev/NAME",
		"serial:":                        "names no device",
		"serial:/dev/x?baud=fast":        `baud "fast"`,
		"serial:/dev/x?baud=0":           "300 to 4000000",
		"serial:/dev/x?parity=M":         "use N, O or E",
		"serial:/dev/x?data=9":           "7 or 8",
		"serial:/dev/x?stop=3":           "1 or 2",
		"serial:/dev/x?speed=9600":       `"speed" is not known`,
		"serial:/dev/x?baud=1200&baud=1": "given 2 times",
		"tcp:host":                       "tcp:HOST:PORT",
		"tcp::80":                        "tcp:HOST:PORT",
		"tcp:host:99999":                 "1 to 65535",
	} {
		if _, err := port.ParseAddress(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want one with %q", in, err, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"serial:/dev/x?baud=1200", "tcp:h:1", "serial:a?%", "serial:?", "tcp:[::1%e]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := port.ParseAddress(s)
		if err != nil {
			return
		}
		if b, err := port.ParseAddress(a.String()); err != nil || a != b {
			t.Errorf("%q became %+v, which read back is %+v, %v", s, a, b, err)
		}
	})
}
