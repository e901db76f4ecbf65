package ruuvi_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/ruuvi"
	"github.com/tallydock/tallydock/devices/unit"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// say writes a report in one line.
func say(r ruuvi.Report) string {
	var parts []string
	for _, v := range r.Values {
		word := v.Value.String()
		if v.Missing {
			word = "missing"
		}
		parts = append(parts, v.Quantity.String()+" "+word)
	}
	if r.HasSequence {
		parts = append(parts, fmt.Sprint("seq ", r.Sequence))
	}
	if r.HasMovements {
		parts = append(parts, fmt.Sprint("moves ", r.Movements))
	}
	if r.HasTxPower {
		parts = append(parts, "tx "+r.TxPower.String())
	}
	if r.Acceleration != nil {
		parts = append(parts, fmt.Sprintf("acc %d %d %d", r.Acceleration.X, r.Acceleration.Y, r.Acceleration.Z))
	}
	if r.Calibrating {
		parts = append(parts, "calibrating")
	}
	return strings.Join(append(parts, r.MAC), ", ")
}

// The vectors of docs.ruuvi.com, and what they say by its tables.
func TestEveryFormatIsReadAsItsSpecificationSays(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{
			"format 3", "03291A1ECE1EFC18F94202CA0B53",
			"humidity 20.5, temperature 26.3, pressure 1027.66, voltage 2.899, acc -1000 -1726 714, ",
		}, {
			"format 3, highest", "03FF7F63FFFF7FFF7FFF7FFFFFFF",
			"humidity 127.5, temperature 127.99, pressure 1155.35, voltage 65.535, acc 32767 32767 32767, ",
		}, {
			"format 3, lowest", "0300FF6300008001800180010000",
			"humidity 0, temperature -127.99, pressure 500, voltage 0, acc -32767 -32767 -32767, ",
		}, {
			"format 5", "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F",
			"temperature 24.3, humidity 53.49, pressure 1000.44, voltage 2.977, seq 205, moves 66, tx 4 dBm, acc 4 -4 1036, CB:B8:33:4C:88:4F",
		}, {
			"format 5, highest", "057FFFFFFEFFFE7FFF7FFF7FFFFFDEFEFFFECBB8334C884F",
			"temperature 163.835, humidity 163.835, pressure 1155.34, voltage 3.646, seq 65534, moves 254, tx 20 dBm, " +
				"acc 32767 32767 32767, CB:B8:33:4C:88:4F",
		}, {
			"format 5, lowest", "058001000000008001800180010000000000CBB8334C884F",
			"temperature -163.835, humidity 0, pressure 500, voltage 1.6, seq 0, moves 0, tx -40 dBm, acc -32767 -32767 -32767, CB:B8:33:4C:88:4F",
		}, {
			"format 5, nothing there", "058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF",
			"temperature missing, humidity missing, pressure missing, voltage missing, ",
		}, {
			"format 6", "06170C5668C79E007000C90501D9FFCD004C884F",
			"temperature 29.5, humidity 55.3, pressure 1011.02, pm2_5 11.2, co2 201, voc_index 10, nox_index 2, illuminance 13026.669, " +
				"seq 205, 4C:88:4F",
		}, {
			"format 6, highest", "067FFF9C40FFFE27109C40FAFAFEFF00074C8F4F",
			"temperature 163.835, humidity 100, pressure 1155.34, pm2_5 1000, co2 40000, voc_index 500, nox_index 500, illuminance 65535, " +
				"seq 0, calibrating, 4C:8F:4F",
		}, {
			"format 6, lowest", "0680010000000000000000000000FF00004C884F",
			"temperature -163.835, humidity 0, pressure 500, pm2_5 0, co2 0, voc_index 0, nox_index 0, illuminance 0, seq 0, 4C:88:4F",
		}, {
			"format 6, nothing there", "068000FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
			"temperature missing, humidity missing, pressure missing, pm2_5 missing, co2 missing, voc_index missing, nox_index missing, " +
				"illuminance missing, seq 255, calibrating, ",
		}, {
			"format E1", "E1170C5668C79E0065007004BD11CA00C90A0213E0ACFFFFFFDECDEE11FFFFFFFFFFCBB8334C884F",
			"temperature 29.5, humidity 55.3, pressure 1011.02, pm1 10.1, pm2_5 11.2, pm4 121.3, pm10 455.4, co2 201, voc_index 20, nox_index 4, " +
				"illuminance 13027, seq 14601710, calibrating, CB:B8:33:4C:88:4F",
		}, {
			"format E1, nothing there", "E18000" + strings.Repeat("F", 74),
			"temperature missing, humidity missing, pressure missing, pm1 missing, pm2_5 missing, pm4 missing, pm10 missing, co2 missing, " +
				"voc_index missing, nox_index missing, illuminance missing, calibrating, ",
		},
	} {
		r, err := ruuvi.Decode(unhex(t, c.in))
		if err != nil || say(r) != c.want {
			t.Errorf("%s:\n%s, %v; want\n%s", c.name, say(r), err, c.want)
		}
	}
}

// A message of a Ruuvi Gateway whose decoded example in the gateway's documentation has pressures 50,000 Pa too high: the
// payload is right.
func TestAnAdvertisementOfARealTag(t *testing.T) {
	const in = "0201061BFF99040514B637A4C5230030FFF8041894F6DA8FC4C6A5B9E0AD06"
	const want = "temperature 26.51, humidity 35.61, pressure 1004.67, voltage 2.791, seq 36804, moves 218, tx 4 dBm, acc 48 -8 1048, C6:A5:B9:E0:AD:06"
	if r, err := ruuvi.Decode(unhex(t, in)); err != nil || say(r) != want {
		t.Errorf("%s, %v; want %s", say(r), err, want)
	}
}

func TestTheSamePayloadInEveryWrapping(t *testing.T) {
	const payload = "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
	want := say(first(ruuvi.Decode(unhex(t, payload))))
	for _, in := range []string{
		"9904" + payload, "0201061BFF9904" + payload, "1F0201061BFF9904" + payload + "C4", "1BFF9904" + payload + "0000",
		hex.EncodeToString(ruuvi.Advert(unhex(t, payload))),
	} {
		if r, err := ruuvi.Decode(unhex(t, in)); err != nil || say(r) != want {
			t.Errorf("%s: %s, %v", in, say(r), err)
		}
	}
}

func first[T any](v T, _ error) T { return v }

func TestWhatIsNoMeasurementIsRefusedWithTheReason(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "no measurement",
		"0201060303AAFE":             "no measurement", // Eddystone
		"020106":                     "no measurement",
		"02010603FF4C00":             "no measurement", // another maker's
		"0201061BFF990405":           "is cut: structure at byte 3 has 27 bytes, 4 are there",
		"990405":                     "has 1 bytes; it has to have 24",
		"9904":                       "cut",
		"9904080000":                 "data format 0x08 is not known",
		"02010605FF990405FF":         "has 2 bytes",
		"990405" + "00" + "00000000": "has 6 bytes",
	} {
		if r, err := ruuvi.Decode(unhex(t, in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %s, %v; want an error with %q", in, say(r), err, want)
		}
	}
	if _, err := ruuvi.Decode(unhex(t, "0201060303AAFE")); !errors.Is(err, ruuvi.ErrOther) {
		t.Errorf("error is %v", err)
	}
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && filepath.Dir(dir) != dir {
		if _, e := os.Stat(filepath.Join(dir, "go.work")); e == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	b, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", "sensors", "ruuvi", name))
	if err != nil {
		t.Skipf("the recorded data are not here: %v", err)
	}
	return b
}

func TestEveryCollectedAdvertisementIsReadOrIsAnothers(t *testing.T) {
	formats, others, broken := map[byte]int{}, 0, 0
	for lines := bufio.NewScanner(bytes.NewReader(fixture(t, "raw_adverts.txt"))); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		r, err := ruuvi.Decode(unhex(t, lines.Text()))
		switch {
		case errors.Is(err, ruuvi.ErrOther):
			others++
		case strings.HasPrefix(lines.Text(), "1E1107DC00240EE5") && err != nil:
			broken++ // a byte of its list of services is missing
		case err != nil:
			t.Errorf("%s: %v", lines.Text(), err)
		default:
			formats[r.Format]++
		}
	}
	if got := fmt.Sprint(formats, others, broken); got != "map[3:11 5:9 6:3 225:3] 6 1" {
		t.Errorf("formats and adverts of others are %s", got)
	}
}

func TestTheOfficialVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			Case     string
			RawHex   string `json:"raw_hex"`
			Expected map[string]string
		}
	}
	if err := json.Unmarshal(fixture(t, "df5_vectors.json"), &file); err != nil {
		t.Fatal(err)
	}
	fields := map[unit.Quantity]string{unit.Temperature: "Temperature", unit.Humidity: "Humidity", unit.Pressure: "Pressure", unit.Voltage: "Voltage"}
	for _, v := range file.Vectors {
		r, err := ruuvi.DecodePayload(unhex(t, v.RawHex))
		if err != nil {
			t.Errorf("%s: %v", v.Case, err)
		}
		for _, value := range r.Values {
			text, _, _ := strings.Cut(v.Expected[fields[value.Quantity]], " ")
			want, err := unit.ParseMilli(strings.TrimSuffix(text, "0"))
			if err != nil {
				want, err = unit.ParseMilli(text)
			}
			if value.Quantity == unit.Pressure {
				want, err = unit.ParseMilli(text)
				want /= 100
			}
			if err != nil || value.Value != want {
				t.Errorf("%s: %s is %s; want %s, %v", v.Case, value.Quantity, value.Value, text, err)
			}
		}
		if fmt.Sprint(r.Sequence) != v.Expected["Measurement Sequence"] || strings.ReplaceAll(r.MAC, ":", " ") != v.Expected["MAC"] {
			t.Errorf("%s: sequence %d of %s", v.Case, r.Sequence, r.MAC)
		}
	}
	if len(file.Vectors) < 3 {
		t.Errorf("%d vectors", len(file.Vectors))
	}
}

func TestWhatIsBeyondTheFormatIsWrittenAsItsEnd(t *testing.T) {
	for in, want := range map[unit.Milli]unit.Milli{170_000: 163_835, -300_000: -163_835, 4_256: 4_255} {
		b, err := ruuvi.EncodeFormat5(ruuvi.Report{Values: []ruuvi.Value{{Quantity: unit.Temperature, Value: in}}})
		if err != nil {
			t.Fatal(err)
		}
		if r := first(ruuvi.DecodePayload(b)); r.Values[0].Value != want || !r.Values[1].Missing || r.MAC != "" || r.HasSequence {
			t.Errorf("%s °C is written as %s", in, say(r))
		}
	}
	if _, err := ruuvi.EncodeFormat5(ruuvi.Report{MAC: "4C:88:4F"}); err == nil {
		t.Error("half an address was written")
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F", "1902010415FF990403291A1ECE1E02DEF94202CA0B5300000000BB",
		"06170C5668C79E007000C90501D9FFCD004C884F", "E1170C5668C79E0065007004BD11CA00C90A0213E0ACFFFFFFDECDEE11FFFFFFFFFFCBB8334C884F",
		"058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ruuvi.Decode(b)
		if err != nil || r.Format != ruuvi.Format5 {
			return
		}
		again, err := ruuvi.EncodeFormat5(r)
		if err != nil {
			t.Fatal(err)
		}
		if r.Acceleration != nil && !bytes.Contains(b, again) {
			t.Errorf("%X was read as %s and is written %X", b, say(r), again)
		}
		if twice := first(ruuvi.DecodePayload(again)); say(twice) != say(r) || !slices.Equal(twice.Values, r.Values) {
			t.Errorf("%s became %s", say(r), say(twice))
		}
	})
}
