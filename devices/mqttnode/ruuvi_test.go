package mqttnode_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

const ruuviAdvert = "0201061BFF99040515AE4C6DC6D7000CFFF803F4ADB6AD697FF41F0C28CBD6"

// The examples of the gateway's documentation, with what their payloads say by the formats' tables. Two of them bring the
// gateway's own decoding with pressures that are 50,000 Pa too high.
var ruuviTable = map[string]string{
	"mqtt-data-from-bluetooth-sensors-without-timestamps": "F4:1F:0C:28:CB:D6 temperature 28.66, F4:1F:0C:28:CB:D6 humidity 54.933, F4:1F:0C:28:CB:D6 pressure 1009.1, F4:1F:0C:28:CB:D6 voltage 2.995, " +
		"tag format 5, address F4:1F:0C:28:CB:D6, measurement 10891, movements 15, transmit power 4 dBm, acceleration 0.008 -0.012 1.008 g",
	"mqtt-time-stamped-data-from-bluetooth-sensors": "F4:1F:0C:28:CB:D6 temperature 27.75 at 2022-05-27T16:13:47Z, F4:1F:0C:28:CB:D6 humidity 48.913 at 2022-05-27T16:13:47Z, " +
		"F4:1F:0C:28:CB:D6 pressure 1009.03 at 2022-05-27T16:13:47Z, F4:1F:0C:28:CB:D6 voltage 2.989 at 2022-05-27T16:13:47Z, " +
		"tag format 5, address F4:1F:0C:28:CB:D6, measurement 27007, movements 173, transmit power 4 dBm, acceleration 0.012 -0.008 1.012 g",
}

func TestRuuviGatewayExamples(t *testing.T) {
	var examples []struct {
		Doc     string
		Example json.RawMessage
	}
	if err := json.Unmarshal(fixture(t, "sensors/ruuvi/gateway_examples.json"), &examples); err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		reports, err := mqttnode.DecodeRuuvi(e.Example)
		if err != nil {
			t.Errorf("%s: %v", e.Doc, err)
		}
		if want, ok := ruuviTable[e.Doc]; ok && say(reports) != want {
			t.Errorf("%s\nis   %s\nwant %s", e.Doc, say(reports), want)
		}
		if !strings.HasPrefix(e.Doc, "http") {
			continue
		}
		samples := 0
		for _, r := range reports {
			if r.Sample == nil {
				continue
			}
			samples++
			if r.Sample.Quality != devices.Good || r.Sample.DeviceTime.Year() < 2022 {
				t.Errorf("%s: %s", e.Doc, saySample(*r.Sample))
			}
		}
		if samples != 8 {
			t.Errorf("%s: %d samples of two tags", e.Doc, samples)
		}
	}
}

func TestRuuviInEveryForm(t *testing.T) {
	const tag = "tag format 5, address F4:1F:0C:28:CB:D6, measurement 27007, movements 173, transmit power 4 dBm, acceleration 0.012 -0.008 1.012 g"
	const values = "F4:1F:0C:28:CB:D6 temperature 27.75, F4:1F:0C:28:CB:D6 humidity 48.913, F4:1F:0C:28:CB:D6 pressure 1009.03, F4:1F:0C:28:CB:D6 voltage 2.989, " + tag
	raw := make([]byte, 31)
	if _, err := fmt.Sscanf(ruuviAdvert, "%x", &raw); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		ruuviAdvert: values,
		"# a tag\n" + ruuviAdvert[14:] + "\r\n0x" + strings.ToLower(ruuviAdvert[10:]): values + ", " + values,
		string(raw):              values,
		"02 01 06 03 03 AA FE\n": "other advertisement carries no measurement of a Ruuvi sensor",
		`{"topic":"ruuvi/C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D6","payload":{"gw_mac":"C8:25:2D:8E:9C:2C","rssi":"-26","ts":1653668027,"data":"02010611FF990403291A1ECE1EFC18F94202CA0B53"}}`: "F4:1F:0C:28:CB:D6 humidity 20.5 at 2022-05-27T16:13:47Z, F4:1F:0C:28:CB:D6 temperature 26.3 at 2022-05-27T16:13:47Z, " +
			"F4:1F:0C:28:CB:D6 pressure 1027.66 at 2022-05-27T16:13:47Z, F4:1F:0C:28:CB:D6 voltage 2.899 at 2022-05-27T16:13:47Z, " +
			"tag format 3, address F4:1F:0C:28:CB:D6, acceleration -1.000 -1.726 0.714 g",
		`{"ts":"0","data":"1BFF9904058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF"}`: "temperature no data, humidity no data, pressure no data, voltage no data, tag format 5",
		`{"data":"0201060303AAFE"}`: "",
		`{"dataFormat":5,"temperature":26.51,"humidity":null,"pressure":100467,"measurementSequenceNumber":7,"id":"c6:a5:b9:e0:ad:06"}`: "C6:A5:B9:E0:AD:06 temperature 26.51, C6:A5:B9:E0:AD:06 humidity no data, C6:A5:B9:E0:AD:06 pressure 1004.67, " +
			"tag format 5, address C6:A5:B9:E0:AD:06, measurement 7",
		`{"topic":"ruuvi/C8:25:2D:8E:9C:2C/gw_status","payload":{"state":"online"}}`: "online",
		"057FFFFFFEFFFE7FFF7FFF7FFFFFDEFEFFFECBB8334C884F": "CB:B8:33:4C:88:4F temperature 163.835 out_of_range, CB:B8:33:4C:88:4F humidity 163.835 out_of_range, " +
			"CB:B8:33:4C:88:4F pressure 1155.34, CB:B8:33:4C:88:4F voltage 3.646, " +
			"tag format 5, address CB:B8:33:4C:88:4F, measurement 65534, movements 254, transmit power 20 dBm, acceleration 32.767 32.767 32.767 g",
	} {
		want = strings.ReplaceAll(want, "-1.000 ", "-1 ")
		if reports, err := mqttnode.DecodeRuuvi([]byte(in)); err != nil || say(reports) != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", in, say(reports), err, want)
		}
	}
	for in, want := range map[string]string{
		"":                     "no advertisement",
		"no hex":               "neither JSON nor hexadecimal",
		`{"data":"zz"}`:        "invalid byte",
		`{"gw_mac":"x"}`:       "neither data nor dataFormat",
		`{"data":{"tags":[]}}`: "no tags",
		`{"data":{"tags":{"F4":{"data":"0201061BFF9904"}}}}`: "tag F4: advertisement is cut",
		`[1]`:                                   "no JSON object",
		"0201061BFF990405":                      "is cut",
		`{"dataFormat":5,"temperature":"warm"}`: "temperature",
	} {
		if reports, err := mqttnode.DecodeRuuvi([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want an error with %q", in, say(reports), err, want)
		}
	}
}

func sighting(gateway, data string) []byte {
	return fmt.Appendf(nil, `{"gw_mac":%q,"rssi":-26,"aoa":[],"gwts":"1767600001","ts":"1767600000","data":%q,"coords":""}`, gateway, data)
}

func TestWhatTwoGatewaysHearOfOneMeasurementComesOnce(t *testing.T) {
	m := startMosquitto(t)
	const one, two = "C8:25:2D:8E:9C:2C", "C8:25:2D:8E:9C:2D"
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) {
		return mqttnode.NewRuuvi(mqttnode.Ruuvi{Device: d, Tag: "f4:1f:0c:28:cb:d6"})
	}, mqttnode.Device{ID: "tag", Topic: "ruuvi/#"})
	m.say(t, "ruuvi/"+one+"/gw_status", true, []byte(`{"state":"online"}`))
	sink.WaitState(t, devices.Up)
	next := strings.Replace(ruuviAdvert, "697F", "6980", 1)
	for _, s := range []struct{ gateway, data string }{
		{one, ruuviAdvert},
		{two, ruuviAdvert},
		{one, ruuviAdvert},
		{one, next},
		{two, ruuviAdvert},
		{two, next},
		{one, "0201061BFF990405138A5F61C4F0FFE4FFDC0414C5B6EC29B3E62EB92E73E5"}, // another tag
		{one, "02010603FF4C00"}, // no tag
		{two, strings.Replace(ruuviAdvert, "697F", "6981", 1)},
	} {
		m.say(t, "ruuvi/"+s.gateway+"/F4:1F:0C:28:CB:D6", false, sighting(s.gateway, s.data))
	}
	sink.Wait(t, "three measurements", func() bool { return len(sink.Samples()) == 12 })
	for _, s := range sink.Samples() {
		if s.Channel != "F4:1F:0C:28:CB:D6" || s.Device != "tag" || s.Quality != devices.Good || !s.DeviceTime.Equal(someDay) {
			t.Errorf("sample is %+v", s)
		}
	}
	if h := sink.Healths(); len(h) != 1 {
		t.Errorf("healths are %+v", h)
	}
}

func TestTheExtendedAdvertisementCounts(t *testing.T) {
	m := startMosquitto(t)
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) {
		return mqttnode.NewRuuvi(mqttnode.Ruuvi{Device: d})
	},
		mqttnode.Device{ID: "air", Topic: "ruuvi/gw/#"})
	m.say(t, "ruuvi/gw/gw_status", true, []byte(`{"state":"online"}`))
	sink.WaitState(t, devices.Up)
	const topic = "ruuvi/gw/CB:B8:33:4C:88:4F"
	m.say(t, topic, false,
		sighting("gw", "17FF990406170C5668C79E007000C90501D9FFCC004C884F"),
		sighting("gw", "2BFF9904E1170C5668C79E0065007004BD11CA00C90A0213E0ACFFFFFFDECDEE11FFFFFFFFFFCBB8334C884F"),
		sighting("gw", "17FF990406170C5668C79E007000C90501D9FFEE004C884F"),
		sighting("gw", "2BFF9904E1170C5668C79E0065007004BD11CA00C90A0213E0ACFFFFFFDECDEF11FFFFFFFFFFCBB8334C884F"))
	sink.Wait(t, "one of format 6 and two of E1", func() bool { return len(sink.Samples()) == 8+11+11 })
	for _, s := range sink.Samples() {
		if s.Channel != "CB:B8:33:4C:88:4F" {
			t.Errorf("sample is %+v", s)
		}
	}
}

func TestOneOfSeveralGatewaysIsGone(t *testing.T) {
	m := startMosquitto(t)
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) {
		return mqttnode.NewRuuvi(mqttnode.Ruuvi{Device: d})
	},
		mqttnode.Device{ID: "tags", Topic: "ruuvi/+/F4:1F:0C:28:CB:D6", Status: "ruuvi/+/gw_status"})
	for _, gw := range []string{"one", "two"} {
		m.say(t, "ruuvi/"+gw+"/gw_status", true, []byte(`{"state":"online"}`))
	}
	sink.WaitState(t, devices.Up)
	m.say(t, "ruuvi/one/gw_status", true, []byte(`{"state":"offline"}`))
	sink.WaitState(t, devices.Degraded)
	m.say(t, "ruuvi/two/gw_status", true, []byte(`{"state":"offline"}`))
	sink.WaitState(t, devices.Down)
	m.say(t, "ruuvi/two/gw_status", true, []byte(`{"state":"online"}`))
	sink.WaitState(t, devices.Degraded)
	m.say(t, "ruuvi/one/gw_status", true, []byte(`{"state":"online"}`))
	sink.WaitState(t, devices.Up)
}

func FuzzDecodeRuuvi(f *testing.F) {
	f.Add([]byte(ruuviAdvert))
	f.Add(sighting("gw", ruuviAdvert))
	f.Add([]byte(`{"data":{"tags":{"F4:1F:0C:28:CB:D6":{"timestamp":"1665742208","data":"` + ruuviAdvert + `"}}}}`))
	f.Add([]byte(`{"dataFormat":5,"temperature":26.51,"pressure":1e300}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if reports, err := mqttnode.DecodeRuuvi(b); err == nil && len(reports) > 2*len(b)+2 {
			t.Errorf("%d reports of %d bytes", len(reports), len(b))
		}
	})
}
