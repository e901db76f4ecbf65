package mqttnode_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

func zigbeeModel(t testing.TB) (*catalog.Catalog, catalog.Payload) {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Payload("zigbee2mqtt")
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

func TestEveryCollectedZigbeePayloadIsRead(t *testing.T) {
	_, model := zigbeeModel(t)
	lines := bufio.NewScanner(bytes.NewReader(fixture(t, "sensors/zigbee2mqtt/payloads.jsonl")))
	payloads, values := 0, 0
	for lines.Scan() {
		var line struct{ Payload json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		payloads++
		m, err := mqttnode.DecodeZigbee(model, line.Payload)
		if err != nil || len(m.Unclear) > 0 {
			t.Errorf("%s: %v %v", line.Payload, err, m.Unclear)
		}
		values += len(m.Values)
	}
	t.Logf("%d payloads, %d values", payloads, values)
	if payloads == 0 || values != 11 {
		t.Errorf("%d payloads give %d values, want 11", payloads, values)
	}
}

func TestZigbeeNumbersTextAndNull(t *testing.T) {
	_, model := zigbeeModel(t)
	for in, want := range map[string]string{
		`{"temperature":-0.85}`:                     "temperature -0.85 false",
		`{"battery":"97"}`:                          "battery 97 false",
		`{"battery":97}`:                            "battery 97 false",
		`{"voltage":3045}`:                          "voltage 3.045 false",
		`{"humidity":null}`:                         "humidity 0 true",
		`{"pressure":1013.25}`:                      "pressure 1013.25 false",
		`{"linkquality":99,"device_temperature":9}`: "signal_quality 99 false",
	} {
		m, err := mqttnode.DecodeZigbee(model, []byte(in))
		if err != nil || len(m.Values) != 1 {
			t.Errorf("%s is %+v, %v", in, m, err)
			continue
		}
		v := m.Values[0]
		if got := fmt.Sprint(v.Field.Quantity, " ", v.Value, " ", v.Null); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
	if m, err := mqttnode.DecodeZigbee(model, []byte(`{"battery":true,"humidity":[]}`)); err != nil || len(m.Unclear) != 2 {
		t.Errorf("message is %+v, %v", m, err)
	}
}

func TestZigbeeLastSeenInBothWritings(t *testing.T) {
	_, model := zigbeeModel(t)
	for in, want := range map[string]time.Time{
		`{"last_seen":"2026-01-05T16:00:00+08:00"}`: someDay,
		`{"last_seen":1767600000000}`:               someDay,
		`{"last_seen":1000}`:                        {},
		`{"last_seen":-1e300}`:                      {},
		`{"last_seen":null}`:                        {},
	} {
		if m, err := mqttnode.DecodeZigbee(model, []byte(in)); err != nil || !m.LastSeen.Equal(want) {
			t.Errorf("%s is %s, %v; want %s", in, m.LastSeen, err, want)
		}
	}
}

func TestZigbeeBridgeNamesItsDevicesAsChannels(t *testing.T) {
	models, _ := zigbeeModel(t)
	m := startMosquitto(t)
	m.say(t, "zigbee2mqtt/bridge/state", true, []byte(`{"state":"online"}`))
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) { return mqttnode.NewZigbee(d, models) },
		mqttnode.Device{ID: "bridge", Topic: "zigbee2mqtt/#"})
	sink.WaitState(t, devices.Up)
	m.say(t, "zigbee2mqtt/bridge/devices", false, []byte(`[{"temperature":1}]`))
	m.say(t, "zigbee2mqtt/cold/one/availability", false, []byte(`{"state":"offline"}`))
	m.say(t, "zigbee2mqtt/cold/one", false, []byte(`{"temperature":4.2}`))
	sink.Wait(t, "a sample", func() bool { return len(sink.Samples()) == 1 })
	if s := sink.Samples()[0]; s.Device != "bridge" || s.Channel != "cold/one" || s.Value != unit.Milli(4200) {
		t.Errorf("sample is %+v", s)
	}
	if sink.State() != devices.Up {
		t.Errorf("the bridge is %s because one of its devices is offline", sink.State())
	}
	m.say(t, "zigbee2mqtt/bridge/state", true, []byte(`offline`))
	sink.WaitState(t, devices.Down)
}

func TestZigbeeDeviceAvailability(t *testing.T) {
	models, _ := zigbeeModel(t)
	m := startMosquitto(t)
	m.say(t, "site/SZ1/z2m-1/availability", true, []byte(`{"state":"offline"}`))
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) { return mqttnode.NewZigbee(d, models) },
		mqttnode.Device{ID: "z2m-1", Topic: "site/SZ1/z2m-1"})
	sink.WaitState(t, devices.Down)
	m.say(t, "site/SZ1/z2m-1/availability", true, []byte(`{"state":"online"}`))
	sink.WaitState(t, devices.Up)
}

func FuzzDecodeZigbee(f *testing.F) {
	_, model := zigbeeModel(f)
	f.Add([]byte(`{"temperature":-0.85,"battery":"97","voltage":null,"last_seen":1767600000000}`))
	f.Add([]byte(`{"last_seen":"2026-01-05T16:00:00+08:00","humidity":1e400}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := mqttnode.DecodeZigbee(model, b)
		if err == nil && len(m.Values)+len(m.Unclear) > len(model.Fields) {
			t.Errorf("%+v", m)
		}
	})
}
