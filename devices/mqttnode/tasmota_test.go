package mqttnode_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

func tasmotaModel(t testing.TB) (*catalog.Catalog, catalog.Payload) {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Payload("tasmota")
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

// What the collected payloads say, by a piece of each that no other has. All others measure nothing.
var tasmotaTable = map[string]string{
	`"ANALOG":{"Illuminance":8}`:     "ANALOG illuminance 8",
	`LYWSD03-52680f`:                 "LYWSD02-a2fd09 temperature 21.4, LYWSD02-a2fd09 humidity 57, LYWSD02-a2fd09 battery 2, LYWSD03-52680f temperature 21.1, LYWSD03-52680f humidity 58, LYWSD03-52680f battery 100, MJ_HT_V1-d8799d temperature 21.4, MJ_HT_V1-d8799d humidity 54.6",
	`00:00","Switch1":"OFF"`:         "input 1 low",
	`00:00","Switch1":"ON"`:          "input 1 high",
	`00:01","Switch1":"ON"`:          "input 1 high",
	`"OBJTMP":23.8`:                  "MLX90614 temperature 23.8",
	`"MPU6050":{"Temperature":27.7`:  "MPU6050 temperature 27.7",
	`"MPU6050":{"Temperature":25.0`:  "MPU6050 temperature 25",
	`18:23:24","PN532"`:              "uid:94d8fc5f",
	`18:31:39","PN532"`:              "uid:94d8fc5f ILOVETASMOTA",
	`20:05:48","PN532"`:              "uid:53bb1f05110001 I love tasmota",
	`18:41:12","PN532"`:              "uid:94d8fc5f ILOVETASMOTA",
	`"Id":"030597946B04"`:            "030597946B04 temperature 20.9",
	`Vibration_sensor`:               "Vibration_sensor signal_quality 153",
	`"0006!02"`:                      "IKEA_remote signal_quality 75",
	`"0008!06"`:                      "IKEA_remote signal_quality 75",
	`"0004<02"`:                      "IKEA_Light signal_quality 80",
	`"0004<00"`:                      "IKEA_Light signal_quality 80",
	`"0004<03"`:                      "IKEA_Light signal_quality 80",
	`"AM2301": {"Temperature": 24.6`: "AM2301 temperature 24.6, AM2301 humidity 58.2",
	`"BH1750": {"Illuminance": 79`:   "BH1750 illuminance 79",
	`"Id": "00000566CC39"`:           "00000566CC39 temperature 13.3, 0000059352D4 temperature 1.2, 000005937C90 temperature 22.5",
	`"NeoPool": {"Time"`:             "NeoPool temperature 23.5 at 2021-06-01T09:00:00Z",
}

// say writes reports in one line.
func say(reports []devices.Report) string {
	var list []string
	for _, r := range reports {
		switch {
		case r.Sample != nil:
			list = append(list, saySample(*r.Sample))
		case r.GPI != nil:
			list = append(list, fmt.Sprintf("input %d %s", r.GPI.Port, map[bool]string{true: "high", false: "low"}[r.GPI.High]))
		case r.Read != nil:
			list = append(list, strings.TrimSpace(r.Read.Tag.String()+" "+r.Read.Text))
		case r.Notice.Code != "no_value":
			list = append(list, strings.TrimSpace(r.Notice.Code+" "+r.Notice.Text))
		}
	}
	return strings.Join(list, ", ")
}

func saySample(s devices.Sample) string {
	word := s.Value.String()
	if s.Quality != devices.Good {
		word += " " + s.Reason
	}
	if s.Quality == devices.NoData {
		word = "no data"
	}
	if s.Historical {
		word += " historical"
	}
	if !s.DeviceTime.IsZero() {
		word += " at " + s.DeviceTime.Format(time.RFC3339Nano)
	}
	return strings.TrimSpace(s.Channel + " " + s.Quantity.String() + " " + word)
}

func TestEveryCollectedTasmotaPayloadIsRead(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(fixture(t, "sensors/tasmota/payloads.jsonl")))
	lines.Buffer(nil, 1<<20)
	payloads, found := 0, map[string]bool{}
	for lines.Scan() {
		var line struct{ Payload string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		payloads++
		want := ""
		for piece, said := range tasmotaTable {
			if strings.Contains(line.Payload, piece) {
				want, found[piece] = said, true
			}
		}
		reports, err := mqttnode.DecodeTasmota(lines.Bytes())
		if got := say(reports); err != nil || got != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", line.Payload, got, err, want)
		}
	}
	t.Logf("%d payloads, %d of them with something", payloads, len(found))
	if len(found) != len(tasmotaTable) {
		t.Errorf("%d of the table's payloads were found", len(found))
	}
}

func TestTasmotaFormsThatTheCollectionDoesNotHave(t *testing.T) {
	for in, want := range map[string]string{
		`{"StatusSNS":{"Time":"2021-01-13T23:58:41+01:00","DS18B20":{"Id":"01","Temperature":85.0},"TempUnit":"C"}}`:   "01 temperature 85 ds18b20_power_on_reset at 2021-01-13T22:58:41Z",
		`{"StatusSNS":{"Switch1":"ON","Switch2":"OFF"}}`:                                                               "input 1 high, input 2 low",
		`{"Switch1":{"Action":"ON"}}`:                                                                                  "input 1 high",
		`{"Switch1":{"Action":"TOGGLE"}}`:                                                                              "",
		`{"Switch0":"ON","Switch":"ON","Switch999":"ON","Switcher":"ON"}`:                                              "",
		`{"DS18B20":{"Id":"01","Temperature":-127},"DHT11":{"Temperature":null}}`:                                      "DHT11 temperature no data, 01 temperature -127 ds18b20_disconnected",
		`{"DS18B20":{"Id":"01","Temperature":127.94}}`:                                                                 "01 temperature 127.94 ds18b20_no_power",
		`{"DS18B20":{"Temperature":185},"TempUnit":"F"}`:                                                               "DS18B20 temperature 85 ds18b20_power_on_reset",
		`{"BME280":{"Temperature":21.5,"Humidity":41.2,"DewPoint":7.8,"Pressure":750},"PressureUnit":"mmHg"}`:          "BME280 temperature 21.5, BME280 humidity 41.2, BME280 pressure 999.918",
		`{"SHT3X-0x44":{"Temperature":3.9,"Humidity":101}}`:                                                            "SHT3X-0x44 temperature 3.9, SHT3X-0x44 humidity 101 out_of_range",
		`{"SCD40":{"CarbonDioxide":612,"eCO2":0},"SEN5X":{"PM1":1.1,"PM2.5":2.5,"PM4":4,"PM10":10,"NOx":1,"VOC":100}}`: "SCD40 co2 612, SEN5X pm1 1.1, SEN5X pm2_5 2.5, SEN5X pm4 4, SEN5X pm10 10, SEN5X voc_index 100, SEN5X nox_index 1",
		`{"ZbReceived":{"0x5ADF":{"Device":"0x5ADF","Temperature":4.3,"BatteryPercentage":97,"Battery":96}}}`:          "0x5ADF temperature 4.3, 0x5ADF battery 96",
		`{"TempUnit":"K","AM2301":{"Temperature":1}}`:                                                                  "AM2301 temperature -272.15 out_of_range",
		`{"TempUnit":"X","AM2301":{"Temperature":1}}`:                                                                  `unclear values that are no numbers: AM2301.Temperature: unit "X" is none of temperature`,
		"Online": "online",
		`{"topic":"tele/n/LWT","payload":"Offline"}`: "offline",
	} {
		if reports, err := mqttnode.DecodeTasmota([]byte(in)); err != nil || !strings.HasPrefix(say(reports), want) || want == "" && say(reports) != "" {
			t.Errorf("%s\nis   %s, %v\nwant %s", in, say(reports), err, want)
		}
	}
}

func TestRecordingsInEveryForm(t *testing.T) {
	const one, two = `{"AM2301":{"Temperature":1}}`, `{"AM2301":{"Temperature":2}}`
	const want = "AM2301 temperature 1, AM2301 temperature 2"
	for _, in := range []string{
		one + two, one + "\r\n" + two + "\n", "[" + one + "," + two + "]",
		`{"topic":"a","payload":` + one + `}` + "\n" + `{"topic":"b","payload":"{\"AM2301\":{\"Temperature\":2}}","qos":1}`,
	} {
		if reports, err := mqttnode.DecodeTasmota([]byte(in)); err != nil || say(reports) != want {
			t.Errorf("%s is %s, %v", in, say(reports), err)
		}
	}
	for in, want := range map[string]string{
		"": "no message", one + "{": "message 1 is no JSON", "{": "message 0 is no JSON", "cold": "no JSON object",
		`{"topic":"tele/x","payload":"cold"}`: "tele/x: payload is no JSON object",
	} {
		if reports, err := mqttnode.DecodeTasmota([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want an error with %q", in, say(reports), err, want)
		}
	}
}

func TestTasmotaProbesAreKeyedByTheirOwnID(t *testing.T) {
	_, model := tasmotaModel(t)
	m, err := mqttnode.ParseTasmota(model, []byte(`{"Time":"2021-01-02T09:09:44","DS18B20-1":{"Id":"00000566CC39","Temperature":13.3},`+
		`"DS18B20-2":{"Id":"0000059352D4","Temperature":null},"AM2301":{"Temperature":24.6,"Humidity":58.2},`+
		`"ESP32":{"Temperature":53.9},"TempUnit":"C"}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range m.Values {
		word := v.Value.String()
		if v.Null {
			word = "null"
		}
		got = append(got, v.Channel()+" "+v.Field.Quantity.String()+" "+word)
	}
	const want = "AM2301 temperature 24.6, AM2301 humidity 58.2, 00000566CC39 temperature 13.3, 0000059352D4 temperature null"
	if strings.Join(got, ", ") != want {
		t.Errorf("values are %s", strings.Join(got, ", "))
	}
}

func TestTasmotaFahrenheitBecomesCelsius(t *testing.T) {
	_, model := tasmotaModel(t)
	for in, want := range map[string]unit.Milli{"185": 85000, "-196.6": -127000, "32": 0, "40.1": 4500, "-4": -20000} {
		m, err := mqttnode.ParseTasmota(model, []byte(`{"DS18B20":{"Temperature":`+in+`},"AM2301":{"Humidity":50},"TempUnit":"F"}`))
		if err != nil || len(m.Values) != 2 || m.Values[1].Value != want || m.Values[0].Value != 50000 {
			t.Errorf("%s °F is %+v, %v; want %s °C", in, m.Values, err, want)
		}
	}
}

func TestTasmotaValuesThatAreNoNumbersAreCounted(t *testing.T) {
	_, model := tasmotaModel(t)
	m, err := mqttnode.ParseTasmota(model, []byte(`{"AM2301":{"Temperature":"warm","Humidity":"58.2","Pressure":1e300}}`))
	if err != nil || len(m.Values) != 1 || m.Values[0].Value != 58200 || len(m.Unclear) != 2 {
		t.Errorf("message is %+v, %v", m, err)
	}
	for _, bad := range []string{``, `7`, `[]`, `{"PN532":{}}`, `{"PN532":{"UID":"zz"}}`, `{"RC522":{"UID":""}}`} {
		if m, err := mqttnode.ParseTasmota(model, []byte(bad)); err == nil {
			t.Errorf("%s is %+v", bad, m)
		}
	}
}

func TestTasmotaDriverJudgesAndStampsValues(t *testing.T) {
	models, _ := tasmotaModel(t)
	m := startMosquitto(t)
	const topic = "site/SZ1/node-r/tele/SENSOR"
	m.say(t, topic, true, []byte(`{"DS18B20":{"Id":"01","Temperature":99}}`)) // retained: of unknown age
	m.say(t, "lwt", true, []byte("Online"))
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) {
		return mqttnode.NewTasmota(mqttnode.Tasmota{Device: d, Catalog: models, Zone: time.FixedZone("CST", 8*3600)})
	}, mqttnode.Device{ID: "node-r", Topic: topic, Status: "lwt"})
	sink.WaitState(t, devices.Up)
	m.say(t, topic, false,
		[]byte(`{"Time":"2026-01-05T16:00:00","DS18B20":{"Id":"01","Temperature":85.0},"TempUnit":"C"}`),
		[]byte(`{"Time":"1970-01-01T00:00:09","DS18B20":{"Id":"01","Temperature":4.2}}`),
		[]byte(`{"Time":"2026-01-05T16:00:00","PN532":{"UID":"94D8FC5F","DATA":""}}`),
		[]byte(`{"DS18B20":{"Id":"01","Temperature":null}}`))
	sink.Wait(t, "three samples and a read", func() bool { return len(sink.Samples()) == 3 && len(sink.Reads()) == 1 })
	s := sink.Samples()
	if s[0].Quality != devices.Sentinel || s[0].Reason != "ds18b20_power_on_reset" || !s[0].DeviceTime.Equal(someDay) {
		t.Errorf("sample of 85 °C is %+v", s[0])
	}
	if s[1].Quality != devices.Good || s[1].Value != 4200 || !s[1].DeviceTime.IsZero() || s[1].Channel != "01" {
		t.Errorf("sample of 4.2 °C is %+v", s[1])
	}
	if s[2].Quality != devices.NoData || s[2].Reason != "null" {
		t.Errorf("sample of null is %+v", s[2])
	}
	if r := sink.Reads()[0]; r.Tag.String() != "uid:94d8fc5f" || r.Device != "node-r" || r.Count != 1 {
		t.Errorf("read is %+v", r)
	}
	m.say(t, "lwt", true, []byte("Offline"))
	sink.WaitState(t, devices.Down)
	m.say(t, "lwt", true, []byte("Online"))
	sink.WaitState(t, devices.Up)
}

func TestSimulatedTasmotaPayloadsAreReadBack(t *testing.T) {
	_, model := tasmotaModel(t)
	b, err := mqttnode.EncodeTasmota(someDay, mqttnode.TasmotaProbe{
		Name: "DS18B20", ID: "0A", Values: map[string]unit.Milli{"Temperature": -20500},
	})
	if err != nil || string(b) != `{"DS18B20":{"Id":"0A","Temperature":-20.5},"TempUnit":"C","Time":"2026-01-05T08:00:00"}` {
		t.Errorf("payload is %s, %v", b, err)
	}
	m, err := mqttnode.ParseTasmota(model, b)
	if err != nil || len(m.Values) != 1 || m.Values[0].Value != -20500 || m.Values[0].ID != "0A" {
		t.Errorf("message is %+v, %v", m, err)
	}
}

// The devicetest package is used for its Sink; this keeps the compiler honest about Listener being a Driver.
var (
	_ devices.Driver = (*mqttnode.Listener)(nil)
	_ devices.Sink   = (*devicetest.Sink)(nil)
)

func TestTasmotaSwitchesAreTheNodesInputs(t *testing.T) {
	models, _ := tasmotaModel(t)
	m := startMosquitto(t)
	const topic, result = "site/SZ1/door/tele/SENSOR", "site/SZ1/door/stat/RESULT"
	m.say(t, "lwt", true, []byte("Online"))
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) {
		return mqttnode.NewTasmota(mqttnode.Tasmota{Device: d, Catalog: models})
	}, mqttnode.Device{ID: "door", Topic: topic, Events: result, Status: "lwt"})
	sink.WaitState(t, devices.Up)
	m.say(t, topic, false, []byte(`{"Time":"2026-01-05T16:00:00+08:00","Switch1":"OFF","Switch2":"ON"}`))
	m.say(t, result, false, []byte(`{"Switch1":{"Action":"ON"}}`))
	m.say(t, topic, false, []byte(`{"Switch1":"ON","Switch2":"ON"}`), []byte(`{"Switch1":"OFF"}`)) // the first repeats what is known
	sink.Wait(t, "four changes", func() bool { return len(sink.GPIs()) == 4 })
	var got []string
	for _, g := range sink.GPIs() {
		got = append(got, fmt.Sprintf("%s%d %t", g.Device, g.Port, g.High))
	}
	if list := strings.Join(got, " "); list != "door1 false door2 true door1 true door1 false" {
		t.Errorf("inputs are %s", list)
	}
	if at := sink.GPIs()[0].ReaderTime; !at.Equal(someDay) {
		t.Errorf("the node's time is %s", at)
	}
}

func FuzzDecodeTasmota(f *testing.F) {
	_, model := tasmotaModel(f)
	f.Add([]byte(`{"Time":"2021-01-13T23:58:41","DS18B20":{"Id":"030597946B04","Temperature":20.9},"TempUnit":"F"}`))
	f.Add([]byte(`{"PN532":{"UID":"94D8FC5F"},"BME280":{"Temperature":null,"Humidity":"5","Pressure":1e999}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := mqttnode.ParseTasmota(model, b)
		if err == nil && len(m.Values) > len(b) {
			t.Errorf("%d values of %d bytes", len(m.Values), len(b))
		}
	})
}
