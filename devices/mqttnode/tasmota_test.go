package mqttnode_test

import (
	"bufio"
	"bytes"
	"encoding/json"
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

func TestEveryCollectedTasmotaPayloadIsRead(t *testing.T) {
	_, model := tasmotaModel(t)
	lines := bufio.NewScanner(bytes.NewReader(fixture(t, "sensors/tasmota/payloads.jsonl")))
	lines.Buffer(nil, 1<<20)
	payloads, withValues, values, cards := 0, 0, 0, 0
	for lines.Scan() {
		var line struct{ Payload string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		payloads++
		m, err := mqttnode.DecodeTasmota(model, []byte(line.Payload))
		if err != nil || len(m.Unclear) > 0 {
			t.Errorf("%s: %v %v", line.Payload, err, m.Unclear)
		}
		values += len(m.Values)
		cards += len(m.Cards)
		if len(m.Values) > 0 {
			withValues++
		}
	}
	t.Logf("%d payloads: %d of them with values, %d values, %d cards", payloads, withValues, values, cards)
	if payloads == 0 || withValues != 7 || values != 17 || cards != 4 {
		t.Errorf("%d payloads give values: %d, values %d, cards %d; want 7, 17, 4", payloads, withValues, values, cards)
	}
}

func TestTasmotaProbesAreKeyedByTheirOwnID(t *testing.T) {
	_, model := tasmotaModel(t)
	m, err := mqttnode.DecodeTasmota(model, []byte(`{"Time":"2021-01-02T09:09:44","DS18B20-1":{"Id":"00000566CC39","Temperature":13.3},`+
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
		m, err := mqttnode.DecodeTasmota(model, []byte(`{"DS18B20":{"Temperature":`+in+`},"AM2301":{"Humidity":50},"TempUnit":"F"}`))
		if err != nil || len(m.Values) != 2 || m.Values[1].Value != want || m.Values[0].Value != 50000 {
			t.Errorf("%s °F is %+v, %v; want %s °C", in, m.Values, err, want)
		}
	}
}

func TestTasmotaValuesThatAreNoNumbersAreCounted(t *testing.T) {
	_, model := tasmotaModel(t)
	m, err := mqttnode.DecodeTasmota(model, []byte(`{"AM2301":{"Temperature":"warm","Humidity":"58.2","Pressure":1e300}}`))
	if err != nil || len(m.Values) != 1 || m.Values[0].Value != 58200 || len(m.Unclear) != 2 {
		t.Errorf("message is %+v, %v", m, err)
	}
	for _, bad := range []string{``, `7`, `[]`, `{"PN532":{}}`, `{"PN532":{"UID":"zz"}}`, `{"RC522":{"UID":""}}`} {
		if m, err := mqttnode.DecodeTasmota(model, []byte(bad)); err == nil {
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
	if s[2].Quality != devices.Sentinel || s[2].Reason != "null" {
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
	m, err := mqttnode.DecodeTasmota(model, b)
	if err != nil || len(m.Values) != 1 || m.Values[0].Value != -20500 || m.Values[0].ID != "0A" {
		t.Errorf("message is %+v, %v", m, err)
	}
}

// The devicetest package is used for its Sink; this keeps the compiler honest about Listener being a Driver.
var (
	_ devices.Driver = (*mqttnode.Listener)(nil)
	_ devices.Sink   = (*devicetest.Sink)(nil)
)

func FuzzDecodeTasmota(f *testing.F) {
	_, model := tasmotaModel(f)
	f.Add([]byte(`{"Time":"2021-01-13T23:58:41","DS18B20":{"Id":"030597946B04","Temperature":20.9},"TempUnit":"F"}`))
	f.Add([]byte(`{"PN532":{"UID":"94D8FC5F"},"BME280":{"Temperature":null,"Humidity":"5","Pressure":1e999}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := mqttnode.DecodeTasmota(model, b)
		if err == nil && len(m.Values) > len(b) {
			t.Errorf("%d values of %d bytes", len(m.Values), len(b))
		}
	})
}
