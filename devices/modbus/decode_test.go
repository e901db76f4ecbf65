package modbus_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/modbus"
)

func decoder(t testing.TB, model string) devices.Decoder {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	d, err := modbus.Decode(c, model)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lines is a line for each report.
func lines(reports []devices.Report) string {
	var out []string
	for _, r := range reports {
		switch {
		case r.Sample != nil:
			s := r.Sample
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", s.Quantity, s.Value, s.Quality, s.Reason)))
		case r.GPI != nil:
			out = append(out, fmt.Sprintf("input %d %v", r.GPI.Port, r.GPI.High))
		case r.Notice != nil:
			out = append(out, r.Notice.Code)
		}
	}
	return strings.Join(out, "; ")
}

// Frames of each model: those with a checksum are of the makers' manuals, the others are put together after their register
// maps and get one here. The EE160's manual prints its frames with unit F5, but their checksums are those of unit F2.
var frames = []struct{ model, frame, want string }{
	{"xy-md02", "010400010001600A / 01040201317974", "read_input_registers; temperature 30.5 good"},
	{"xy-md02", "01040201317974", "temperature 30.5 good; address_assumed"},
	{"xy-md02", "01040201317974 / 010402FF33 +", "temperature 30.5 good; address_assumed; temperature -20.5 good; address_assumed"},
	{"xy-md02", "010404 0131 0222 +", "temperature 30.5 good; humidity 54.6 good; address_assumed"},
	{"xy-md02", "010400020001900A / 0104020222 +", "read_input_registers; humidity 54.6 good"},
	{"xy-md02", "010404 7FFF 03E9 +", "temperature 3276.7 sentinel code_7fff; humidity 100.1 out_of_range out_of_range; address_assumed"},
	{"xy-md02", "010301030001 + / 010302FFFB +", "read_holding_registers; correction"},
	{"xy-md02", "010302FFFB +", "registers"},
	{"xy-md02", "018402C2C1", "illegal_data_address"},
	{"xy-md02", "010601030005 + / 010601030005 +", "write_single_register; write_single_register_done"},
	{"rs-ws-n01", "010300000002C40B / 0103040292FF9B5A3D", "read_holding_registers; humidity 65.8 good; temperature -10.1 good"},
	{"rs-ws-n01", "0103040292FF9B5A3D", "humidity 65.8 good; temperature -10.1 good; address_assumed"},
	{"cwt-th", "010304 01E6 FF9F +", "humidity 48.6 good; temperature -9.7 good; address_assumed"},
	{"ee160", "F20300190002010F / F2030451F041BA9810", "read_holding_registers; temperature 23.29 good"},
	{"ee160", "F2030451F041BA9810", "temperature 23.29 good; address_assumed"},
	{"ee071", "F704 06 09F6 02AA 1388 +", "temperature 25.5 good; humidity 50 good; address_assumed"},
	{"vaisala-hmp", "F003 08 7AE1 41F4 0000 41B4 +", "humidity 30.56 good; temperature 22.5 good; address_assumed"},
	{"vaisala-hmp110", "F003 08 0000 7FC0 0000 41B4 +", "humidity 0 no_data not_a_number; temperature 22.5 good; address_assumed"},
	{"vaisala-hmdw110", "F003 04 7AE1 41F4 +", "humidity 30.56 good; address_assumed"},
	{"comet-t3411", "0103 04 FFCE 01C2 +", "temperature -5 good; humidity 45 good; address_assumed"},
	{"comet-t3411", "0103 1034 0002 + / 0103 04 1096 0042 +", "read_holding_registers; identity"},
	{"sensecap-th", "2A04 04 0AEE 1AB2 +", "temperature 27.98 good; humidity 68.34 good; address_assumed"},
	{"sensecap-one", "01040000000271CB / 01040400006E8CD641", "read_input_registers; temperature 28.3 good"},
	{"sensecap-one", "01040C 00006E8C 0000CB20 05F5E100 +", "temperature 28.3 good; humidity 52 good; pressure 1000 good; address_assumed"},
	{"siemens-qfa31", "010308 0866 0000 1194 0001 +", "temperature 21.5 good; humidity 0 no_data status_1; address_assumed"},
	{"dl-100", "010404 1194 FA24 +", "humidity 45 good; temperature -15 good; address_assumed"},
	{"relay-8", "0102 0000 0008 + / 0102 01 05 +", "read_discrete_inputs; input 1 true; input 2 false; input 3 true; input 4 false; " +
		"input 5 false; input 6 false; input 7 false; input 8 false"},
	{"relay-8", "0105 0002 FF00 + / 0105 0002 FF00 +", "write_single_coil; write_single_coil_done"},
	{"relay-8", "0101 0000 0008 + / 0101 01 04 +", "read_coils; bits"},
	// Modbus TCP
	{"xy-md02", "000100000006010400010002 / 00010000000701040401310222", "read_input_registers; temperature 30.5 good; humidity 54.6 good"},
	{"dl-100", "0007000000070104041194FA24", "humidity 45 good; temperature -15 good; address_assumed"},
	{"xy-md02", "000100000003018406", "slave_device_busy"},
}

// checksummed puts frames together; one that ends with "+" gets its checksum.
func checksummed(t testing.TB, s string) []byte {
	var out []byte
	for frame := range strings.SplitSeq(s, "/") {
		text, open := strings.CutSuffix(strings.TrimSpace(frame), "+")
		b := unhex(t, text)
		if open {
			b = sum(b)
		}
		out = append(out, b...)
	}
	return out
}

func TestFramesOfEveryModel(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range frames {
		seen[c.model] = true
		got, err := decoder(t, c.model)(checksummed(t, c.frame))
		if err != nil || lines(got) != c.want {
			t.Errorf("%s %s:\n%s, %v; want\n%s", c.model, c.frame, lines(got), err, c.want)
		}
	}
	models, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range models.Names(func(m catalog.Model) bool { return m.Modbus != nil }) {
		if !seen[name] {
			t.Errorf("model %s has no frame here", name)
		}
	}
}

func TestADecoderRefusesWhatIsNoFrame(t *testing.T) {
	for _, c := range []struct{ frame, want string }{
		{"", "there are no bytes"},
		{"01040201317975", "its checksum is 7975, and that of its content is 7974"},
		{"0104020131", "its end is missing"},
		{"010402013179", "its end is missing"},
		{"01040201317974 0104", "byte 7"},
		{"30 32 34 2E 36 43", "function 50 is not known"},
		{"000100010006010400010002", "function 1"},
	} {
		got, err := decoder(t, "xy-md02")(unhex(t, c.frame))
		if !errors.Is(err, modbus.ErrNoFrame) || c.want != "function 1" && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s is %s, %v; want %q", c.frame, lines(got), err, c.want)
		}
	}
	got, err := decoder(t, "xy-md02")(unhex(t, "01040201317974 0104"))
	if err == nil || lines(got) != "temperature 30.5 good; address_assumed" {
		t.Errorf("what stood before is %s, %v", lines(got), err)
	}
	models, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := modbus.Decode(models, "xymd02"); err == nil || !strings.Contains(err.Error(), "xy-md02") {
		t.Errorf("unknown model: %v", err)
	}
}

func FuzzDecoder(f *testing.F) {
	for _, c := range frames {
		f.Add(checksummed(f, c.frame))
	}
	models := []devices.Decoder{decoder(f, "xy-md02"), decoder(f, "siemens-qfa31"), decoder(f, "relay-8"), decoder(f, "ee160")}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, decode := range models {
			reports, err := decode(b)
			if err != nil && !errors.Is(err, modbus.ErrNoFrame) {
				t.Errorf("error is %v", err)
			}
			for _, r := range reports {
				if r.Sample != nil && r.Sample.Quality != devices.Good && r.Sample.Reason == "" {
					t.Errorf("sample is %+v", r.Sample)
				}
			}
			if len(reports) > 100*len(b) {
				t.Errorf("%d reports of %d bytes", len(reports), len(b))
			}
		}
	})
}
