package mqttnode_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

// A real H&T that wakes from its sleep: its clock is not told, its battery compartment is empty.
const shellyWake = `{"src":"shellyplusht-b8d61a8b17cc","dst":"shellyplusht-b8d61a8b17cc/events","method":"NotifyFullStatus","params":{"ts":1680962879.62,"ble":{},` +
	`"cloud":{"connected":false},"devicepower:0":{"id":0,"battery":{"V":0.43,"percent":0},"external":{"present":true}},"ht_ui":{},"humidity:0":{"id":0,"rh":42.2},` +
	`"sys":{"mac":"B8D61A8B17CC","time":null,"unixtime":null,"uptime":3,"wakeup_reason":{"boot":"deepsleep_wake","cause":"status_update"},"wakeup_period":600},` +
	`"temperature:0":{"id":0,"tC":19.8,"tF":67.6},"wifi":{"rssi":-55},"ws":{"connected":false}}}`

func TestShellyMessages(t *testing.T) {
	for in, want := range map[string]string{
		shellyWake: "battery no data at 2023-04-08T14:07:59.62Z, voltage no data at 2023-04-08T14:07:59.62Z, humidity 42.2 at 2023-04-08T14:07:59.62Z, temperature 19.8 at 2023-04-08T14:07:59.62Z",
		`{"method":"NotifyStatus","params":{"ts":1767600000.5,"temperature:0":{"id":0,"tC":-18.25,"tF":-0.9}}}`:                                                                                                                 "temperature -18.25 at 2026-01-05T08:00:00.5Z",
		`{"method":"NotifyStatus","params":{"ts":5.2,"temperature:100":{"id":100,"tF":39.2},"temperature:101":{"id":101,"tC":null,"tF":null}}}`:                                                                                 "100 temperature 4, 101 temperature no data",
		`{"method":"NotifyStatus","params":{"temperature:0":{"id":0,"tC":null,"tF":null,"errors":["read"]}}}`:                                                                                                                   "temperature no data",
		`{"method":"NotifyStatus","params":{"temperature:0":{"id":0,"errors":["read"]}}}`:                                                                                                                                       "temperature no data",
		`{"method":"NotifyStatus","params":{"temperature:0":{"id":0,"tC":-60,"errors":["out_of_range"]}}}`:                                                                                                                      "temperature -60 out_of_range",
		`{"method":"NotifyStatus","params":{"devicepower:0":{"id":0,"battery":{"V":5.95,"percent":98},"external":{"present":false}}}}`:                                                                                          "battery 98, voltage 5.95",
		`{"method":"NotifyStatus","params":{"illuminance:0":{"id":0,"lux":120,"illumination":"bright"},"voltmeter:100":{"id":100,"voltage":4.321},"input:1":{"id":1,"state":true}}}`:                                            "input 2 high, illuminance 120, 100 voltage 4.321",
		`{"method":"NotifyStatus","params":{"input:0":{"id":0,"state":null},"switch:0":{"id":0,"output":false,"temperature":{"tC":64.4}},"humidity:0":null}}`:                                                                   "",
		`{"method":"NotifyStatus","params":{"humidity:0":{"id":0,"rh":"wet"}}}`:                                                                                                                                                 "unclear humidity:0.rh is no number",
		`{"method":"NotifyStatus","params":{"humidity:x":{"rh":4}}}`:                                                                                                                                                            `unclear component "humidity:x" has no number from 0 to 255`,
		`{"method":"NotifyEvent","params":{"ts":1767600000.5,"events":[{"component":"input:0","id":0,"event":"btn_down","ts":1767600000.25},{"component":"sys","event":"sleep"}]}}`:                                             "input 1 high, event input:0 btn_down, event sys sleep",
		`{"id":1,"src":"shelly","dst":"x","result":{"humidity:0":{"rh":40},"sys":{"unixtime":1767600000}}}`:                                                                                                                     "humidity 40 at 2026-01-05T08:00:00Z",
		`{"topic":"shelly-1/status/temperature:0","payload":{"id":0,"tC":4.2,"tF":39.6}}`:                                                                                                                                       "temperature 4.2",
		`{"topic":"shelly-1/online","payload":"true"}` + "\n" + `{"topic":"shelly-1/online","payload":"false"}`:                                                                                                                 "online, offline",
		`{"id":1,"src":"hub","method":"Shelly.GetStatus"}`:                                                                                                                                                                      "",
		`{"method":"NotifyStatus","params":{"temperature:0":{"tC":4,"errors":["read"]}}}{"method":"NotifyStatus","params":{"temperature:0":{"tC":5}}}{"method":"NotifyStatus","params":{"temperature:0":{"tC":6,"errors":[]}}}`: "temperature 4 read, temperature 5 read, temperature 6",
	} {
		if reports, err := mqttnode.DecodeShelly([]byte(in)); err != nil || say(reports) != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", in, say(reports), err, want)
		}
	}
	for in, want := range map[string]string{
		`{"method":"NotifyStatus"}`:            "no JSON object",
		`{"method":"NotifyEvent","params":[]}`: "NotifyEvent cannot be read",
		`[7]`:                                  "no JSON object",
		"true":                                 "no JSON object",
		`{"topic":"a/events/rpc","payload":"zzz"}`: "a/events/rpc: message is no JSON object",
	} {
		if reports, err := mqttnode.DecodeShelly([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %s, %v; want an error with %q", in, say(reports), err, want)
		}
	}
}

func TestTheStatusOfARealGen4Device(t *testing.T) {
	reports, err := mqttnode.DecodeShelly(fixture(t, "sensors/shelly/shellymini1gen4_Shelly.GetStatus.json"))
	if err != nil || say(reports) != "input 1 low" { // the relay's own temperature is none of the room
		t.Errorf("status is %s, %v", say(reports), err)
	}
}

func TestTheErrorOfAComponentNamesTheReason(t *testing.T) {
	reports, err := mqttnode.DecodeShelly([]byte(`{"temperature:0":{"id":0,"tC":null,"errors":["read"]},"devicepower:0":{"battery":{"V":0,"percent":0},"external":{"present":true}}}`))
	if err != nil || len(reports) != 3 {
		t.Fatalf("%s, %v", say(reports), err)
	}
	if b, v := reports[0].Sample, reports[2].Sample; b.Reason != "no_battery" || b.Quality != devices.NoData || v.Reason != "read" || v.Quality != devices.NoData {
		t.Errorf("samples are %+v, %+v", b, v)
	}
}

func TestShellyTopics(t *testing.T) {
	for topic, want := range map[string]string{
		"shelly-1": "shelly-1", "site/shelly-1/events/rpc": "site/shelly-1", "shelly-1/status/#": "shelly-1", "a/status/temperature:0": "a",
	} {
		if got := mqttnode.ShellyBase(topic); got != want {
			t.Errorf("%s is of %s, want %s", topic, got, want)
		}
	}
}

func TestAShellyThatSleepsIsNotDown(t *testing.T) {
	m := startMosquitto(t)
	m.say(t, "ht/online", true, []byte("false"))
	sink := watch(t, m, mqttnode.NewShelly, mqttnode.Device{ID: "ht", Topic: "ht"})
	sink.WaitState(t, devices.Down)
	m.say(t, "ht/online", true, []byte("true"))
	sink.WaitState(t, devices.Up)
	m.say(t, "ht/events/rpc", false, []byte(shellyWake))
	sink.Wait(t, "its values", func() bool { return len(sink.Samples()) == 4 })
	m.say(t, "ht/online", true, []byte("false"))
	m.say(t, "ht/events/rpc", false, must[[]byte](t)(mqttnode.EncodeShelly(mqttnode.ShellyReading{
		ID: "ht", At: someDay, Temperature: 4_200, Humidity: 55_000, Battery: 90_000, Volts: 5_900, Full: true,
	})))
	sink.Wait(t, "its next values", func() bool { return len(sink.Samples()) == 8 })
	if s := sink.Samples()[7]; s.Value != 4_200 || !s.DeviceTime.Equal(someDay) || s.Channel != "" {
		t.Errorf("sample is %+v", s)
	}
	if sink.State() != devices.Up {
		t.Errorf("a device that sleeps is %s", sink.State())
	}
}

func TestAShellyOnTheMainsSaysGoodbye(t *testing.T) {
	m := startMosquitto(t)
	m.say(t, "s1/online", true, []byte("true"))
	m.say(t, "s1/status/temperature:0", true, []byte(`{"id":0,"tC":99}`)) // retained: of unknown age
	sink := watch(t, m, mqttnode.NewShelly, mqttnode.Device{ID: "s1", Topic: "s1/status/#"})
	sink.WaitState(t, devices.Up)
	m.say(t, "s1/status/input:0", false, []byte(`{"id":0,"state":true}`), []byte(`{"id":0,"state":true}`), []byte(`{"id":0,"state":false}`))
	m.say(t, "s1/status/temperature:0", false, []byte(`{"id":0,"tC":3.5,"tF":38.3}`))
	sink.Wait(t, "a sample", func() bool { return len(sink.Samples()) == 1 })
	if g := sink.GPIs(); len(g) != 2 || !g[0].High || g[1].High || g[0].Port != 1 || sink.Samples()[0].Value != 3_500 {
		t.Errorf("inputs are %+v, samples %+v", g, sink.Samples())
	}
	m.say(t, "s1/online", true, []byte("false"))
	sink.WaitState(t, devices.Down)
}

func TestAShellyThatSaysNothingForTwoPeriodsIsDegraded(t *testing.T) {
	m := startMosquitto(t)
	m.say(t, "s1/online", true, []byte("true"))
	sink := watch(t, m, mqttnode.NewShelly, mqttnode.Device{ID: "s1", Topic: "s1", Expect: time.Millisecond})
	sink.WaitState(t, devices.Degraded)
}

func FuzzDecodeShelly(f *testing.F) {
	f.Add([]byte(shellyWake))
	f.Add([]byte(`{"method":"NotifyEvent","params":{"events":[{"component":"input:0","event":"btn_up","ts":1e300}]}}`))
	f.Add([]byte(`{"topic":"a/status/temperature:0","payload":{"tC":null,"errors":["read"]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if reports, err := mqttnode.DecodeShelly(b); err == nil && len(reports) > len(b)+1 {
			t.Errorf("%d reports of %d bytes", len(reports), len(b))
		}
	})
}
