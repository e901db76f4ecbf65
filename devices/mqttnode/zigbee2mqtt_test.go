package mqttnode_test

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/clock"
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

// What the collected payloads say, by a piece of each that no other has. All others, of lamps and covers, measure nothing.
var zigbeeTable = map[string]string{
	`"temperature": -0.85`: "weather_sensor temperature -0.85",
	`"temperature": 0.08`:  "weather_sensor temperature 0.08, weather_sensor humidity 0.01, weather_sensor pressure 2 out_of_range",
	`"temperature": 0.01`:  "spammer1 temperature 0.01",
	`"temperature": 0.03`:  "spammer1 temperature 0.03",
	`"temperature": -0.8}`: "weather_sensor temperature -0.8",
	`"temperature": -1}`:   "weather_sensor temperature -1",
	`"illuminance": 381`:   "occupancy_sensor battery 100, occupancy_sensor voltage 3.045, occupancy_sensor illuminance 381",
	`bridge/state`:         "online",
	`remote/availability", "payload": {"state": "online"`:                "online",
	`bulb_color/availability", "payload": {"state": "offline"`:           "offline",
	`/remote/availability", "payload": {"state": "offline"`:              "offline",
	`bulb_new_name/availability", "payload": {"state": "online"`:         "online",
	`bulb_new_name/availability", "payload": {"state": "offline"`:        "offline",
	`group_tradfri_remote/availability", "payload": {"state": "online"`:  "online",
	`group_tradfri_remote/availability", "payload": {"state": "offline"`: "offline",
	`"linkquality": 99`: "bulb signal_quality 99",
}

func TestEveryCollectedZigbeePayloadIsRead(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(fixture(t, "sensors/zigbee2mqtt/payloads.jsonl")))
	payloads, found := 0, map[string]bool{}
	for lines.Scan() {
		payloads++
		want := ""
		for piece, said := range zigbeeTable {
			if strings.Contains(lines.Text(), piece) {
				want, found[piece] = said, true
			}
		}
		if reports, err := mqttnode.DecodeZigbee2MQTT(lines.Bytes()); err != nil || say(reports) != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", lines.Text(), say(reports), err, want)
		}
	}
	t.Logf("%d payloads, %d of them with something", payloads, len(found))
	if len(found) != len(zigbeeTable) {
		t.Errorf("%d of the table's payloads were found", len(found))
	}
}

func TestZigbeeFormsThatTheCollectionDoesNotHave(t *testing.T) {
	for in, want := range map[string]string{
		`{"temperature":null,"battery":"97","last_seen":"2026-01-05T16:00:00+08:00"}`: "temperature no data at 2026-01-05T08:00:00Z, battery 97 at 2026-01-05T08:00:00Z",
		`{"contact":false,"voltage":3000}`:                                            "input 1 low, voltage 3",
		`{"contact":null}`:                                                            "",
		`{"illuminance":9000,"illuminance_lux":8}`:                                    "illuminance 8",
		`{"co2":612,"pm25":3,"voc_index":101}`:                                        "co2 612, pm2_5 3, voc_index 101",
		`{"temperature":"warm"}`:                                                      "unclear values that are no numbers: temperature: is no number",
		`{"topic":"zigbee2mqtt/a/b","payload":{"temperature":1}}`:                     "a/b temperature 1",
		`{"topic":"zigbee2mqtt/a/availability","payload":"offline"}`:                  "offline",
		`{"topic":"zigbee2mqtt/bridge/devices","payload":[{"temperature":1}]}`:        "",
	} {
		if reports, err := mqttnode.DecodeZigbee2MQTT([]byte(in)); err != nil || say(reports) != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", in, say(reports), err, want)
		}
	}
	if reports, err := mqttnode.DecodeZigbee2MQTT([]byte(`7`)); err == nil {
		t.Errorf("7 is %s", say(reports))
	}
}

func TestZigbeeSilenceAndContact(t *testing.T) {
	models, _ := zigbeeModel(t)
	m := startMosquitto(t)
	fast := must[clock.Clock](t)(clock.Scaled(someDay, time.Now(), 600))
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) { return mqttnode.NewZigbee(d, models) },
		mqttnode.Device{ID: "door", Topic: "z/door", Expect: time.Minute, Clock: fast})
	m.say(t, "z/door/availability", true, []byte(`online`))
	sink.WaitState(t, devices.Up)
	m.say(t, "z/door", false, []byte(`{"contact":true}`), []byte(`{"contact":true}`), []byte(`{"contact":false}`))
	sink.Wait(t, "two changes", func() bool { return len(sink.GPIs()) == 2 })
	if g := sink.GPIs(); !g[0].High || g[1].High || g[0].Port != 1 {
		t.Errorf("inputs are %+v", g)
	}
	sink.WaitState(t, devices.Degraded)
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
		m, err := mqttnode.ParseZigbee(model, []byte(in))
		if err != nil || len(m.Values) != 1 {
			t.Errorf("%s is %+v, %v", in, m, err)
			continue
		}
		v := m.Values[0]
		if got := fmt.Sprint(v.Field.Quantity, " ", v.Value, " ", v.Null); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
	if m, err := mqttnode.ParseZigbee(model, []byte(`{"battery":true,"humidity":[]}`)); err != nil || len(m.Unclear) != 2 {
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
		if m, err := mqttnode.ParseZigbee(model, []byte(in)); err != nil || !m.LastSeen.Equal(want) {
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
		m, err := mqttnode.ParseZigbee(model, b)
		if err == nil && len(m.Values)+len(m.Unclear) > len(model.Fields) {
			t.Errorf("%+v", m)
		}
	})
}
