package mqttnode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

const zebraTopic = "site/SZ1/zebra-x/tags"

// watchZebra runs the driver of a reader that is up.
func watchZebra(t *testing.T) (*mosquitto, *devicetest.Sink) {
	t.Helper()
	m := startMosquitto(t)
	m.say(t, "site/SZ1/zebra-x/status", true, []byte("online"))
	sink := watch(t, m, mqttnode.NewZebra, mqttnode.Device{
		ID: "zebra-x", Topic: zebraTopic, Events: "site/SZ1/zebra-x/events", Status: "site/SZ1/zebra-x/status",
	})
	sink.WaitState(t, devices.Up)
	return m, sink
}

func TestZebraEventsOfRealReaders(t *testing.T) {
	decodes(
		t, mqttnode.DecodeZebra, string(fixture(t, "rfid/reader_json/zebra_ziotc_events.ndjson")), "",
		"epc:112233445566778899001134 antenna 1 -53 dBm number 1759 387321 times at 2023-04-03T19:50:16.699Z",
		"epc:aa0004ef55555555aa21bf43 antenna 1 -34 dBm 148.04° 866300 kHz number 22 at 2026-08-13T09:14:28.651Z",
	)
}

func TestZebraEventsOfEveryMode(t *testing.T) {
	for _, mode := range []string{"SIMPLE", "INVENTORY", "PORTAL", "DIRECTIONALITY", "CONVEYOR", "CUSTOM", "A_MODE_TO_COME"} {
		decodes(
			t, mqttnode.DecodeZebra, `{"data":{"antenna":2,"eventNum":7,"format":"uii","idHex":"E200",`+
				`"XPC":"0100","accessResults":["READ-USER-SUCCESS",{"x":[null]}],"zoneHistory":[{"Zone":2,"timestamp":1699540400724}]},"type":"`+mode+`"}`, "",
			"epc:e200 antenna 2 number 7",
		)
	}
	for fields, want := range map[string]string{
		`"idHex":"E200","PC":"1000"`:     "epc:e200 antenna 0", // more than there is: something was taken out
		`"idHex":"0800E200","PC":"0800"`: "epc:e200 antenna 0",
		`"idHex":"E2000000","PC":"0800"`: "epc:e200 antenna 0",
		`"idHex":"E200","PC":"none","CRC":7,"peakRssi":-1e9,"phase":720.5,"channel":0,"reads":0`:                 "epc:e200 antenna 0 0.5°",
		`"idHex":"E200","peakRssi":null,"antenna":null,"eventNum":null,"reads":null,"channel":null,"phase":null`: "epc:e200 antenna 0",
		`"idHex":"E200","peakRssi":-53.25,"reads":99999999999`:                                                   "epc:e200 antenna 0 -53.25 dBm 4294967295 times",
	} {
		decodes(t, mqttnode.DecodeZebra, `{"type":"SIMPLE","data":{`+fields+`}}`, "", want)
	}
	for fields, want := range map[string]string{
		`"idHex":"E20"`: "no hexadecimal", `"idHex":"` + strings.Repeat("00", 63) + `"`: "1 to 62", `"idHex":""`: "no identity",
		`"idHex":null`: "no identity", `"idHex":7`: "no text", `"idHex":"E2","antenna":"1"`: "no number", `"idHex":"E2","antenna":256`: "not possible",
		`"idHex":"E2","eventNum":-1`: "not possible", `"idHex":"E2","eventNum":1.5`: "no whole number", `"tagData":7`: "no array",
	} {
		decodes(t, mqttnode.DecodeZebra, `{"type":"SIMPLE","data":{`+fields+`}}`, want)
	}
}

func TestZebraTellsOfItself(t *testing.T) {
	const at = `,"timestamp":"2026-09-07T12:21:53.635+0000"`
	for in, want := range map[string]string{
		`{"type":"GPI","pin":1,"state":"HIGH"}`:                                                 "input 1 high true",
		`{"type":"GPI","pin":4,"state":"LOW"` + at + `}`:                                        "input 4 high false at 2026-09-07T12:21:53.635Z",
		`{"component":"RG","data":{"pin":2,"state":"LOW"},"eventNum":9,"type":"gpi"` + at + `}`: "input 2 high false at 2026-09-07T12:21:53.635Z",
		`{"component":"RG","data":{"pin":2,"state":"LOW"},"eventNum":9,"type":"gpo"` + at + `}`: "other_event gpo",
		`{"component":"RC","data":{"message":"PA over temperature"},"type":"error"}`:            "reader_fault the reader reports error: PA over temperature",
		`{"component":"RC","data":{},"type":"warning"}`:                                         "reader_fault the reader reports warning: without a message",
		`{"type":"userapp_event","data":{"event":"x"}}`:                                         "other_event userapp_event",
		`{"component":"RG","data":{"radio_control":{"antennas":{"1":"disconnected","4":"connected","x":"connected","5":7},"cpu":0.1,` +
			`"radioConnection":"connected"},"system":{"GPI":{"1":"HIGH"},"flash":null,"temperature":{"ambient":23,"pa":21}},"userapps":[]},` +
			`"eventNum":328,"type":"heartbeat"}`: "heartbeat radio connected; antenna 4 connected; 23 °C",
		`{"type":"heartbeat","data":{"radio_control":[],"system":7,"batteryAlert":null}}`:                                               "heartbeat",
		`{"type":"heartbeat","data":{"radio_control":{"antennas":7,"radioConnection":{}},"system":{"temperature":{"ambient":"warm"}}}}`: "heartbeat",
		`{"component":"RC","data":{"message":{"code":7}},"type":"error"}`:                                                               `reader_fault the reader reports error: {"code":7}`,
		`{"component":"RG","data":{"radio_control":{"antennas":{"1":"disconnected","4":"connected"},"radioConnection":"connected"},` +
			`"system":{"temperature":{"ambient":23,"pa":21}}},"type":"heartbeat"}`: "heartbeat radio connected; antenna 4 connected; 23 °C",
		`{"type":"heartbeat","data":{"system":{"temperature":41}}}`: "heartbeat",
		`{"type":"heartbeat"}`: "heartbeat",
	} {
		decodes(t, mqttnode.DecodeZebra, in, "", want)
	}
	for in, want := range map[string]string{
		`{"type":"GPI"}`: "1 to 255, HIGH or LOW", `{"type":"GPI","pin":1,"state":"MAYBE"}`: "HIGH or LOW", `{"type":"GPI","pin":0,"state":"LOW"}`: "1 to 255",
		`{"type":"GPI","pin":"1","state":"LOW"}`: "no number", `{"type":"brew","data":{}}`: "not known", `{}`: "neither a type nor a tag",
		`{"type":"PORTAL","data":{}}`: "no identity", `{"type":"PORTAL","data":null}`: "no identity", `{"type":"PORTAL","data":[]}`: "no object",
	} {
		decodes(t, mqttnode.DecodeZebra, in, want)
	}
}

func TestZebraGapsAreLossAndARestartIsNone(t *testing.T) {
	m, sink := watchZebra(t)
	var payloads [][]byte
	for _, n := range []int{100, 101, 105, 106, 1, 2, 4} {
		payloads = append(payloads, fmt.Appendf(nil, `{"type":"SIMPLE","data":{"idHex":"e2%04x","eventNum":%d}}`, n, n))
	}
	m.say(t, zebraTopic, false, payloads...)
	sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) == len(payloads) })
	if lost := losses(sink); !slices.Equal(lost, []uint64{3, 1}) || !strings.Contains(reason(sink), "1 events of the reader are missing before number 4") {
		t.Errorf("lost is %v, reason %s; want [3 1]", lost, reason(sink))
	}
	if r := sink.Reads()[0]; r.HasRSSI || !r.ReaderTime.IsZero() || r.Count != 1 || r.Device != "zebra-x" || r.HostTime.IsZero() {
		t.Errorf("a read without its optional fields is %+v", r)
	}
}

func TestZebraIsDegradedByWhatItSaysOfItself(t *testing.T) {
	m, sink := watchZebra(t)
	events := "site/SZ1/zebra-x/events"
	heartbeat := func(antennas, radio string) {
		m.say(t, events, false, fmt.Appendf(nil, `{"type":"heartbeat","eventNum":1,"data":{"radio_control":{"antennas":{%s},"radioConnection":%q}}}`, antennas, radio))
	}
	heartbeat(`"1":"connected","2":"disconnected"`, "connected") // port 2 has no antenna
	m.say(t, events, false, []byte(`{"type":"gpi","data":{"pin":1,"state":"LOW"}}`))
	sink.Wait(t, "the input", func() bool { return len(sink.GPIs()) == 1 })
	if g := sink.GPIs()[0]; g.Port != 1 || g.High || g.Device != "zebra-x" || g.HostTime.IsZero() || sink.State() != devices.Up {
		t.Errorf("input is %+v; the reader is %s", g, sink.State())
	}
	heartbeat(`"1":"disconnected","2":"disconnected"`, "connected")
	sink.WaitState(t, devices.Degraded)
	if !strings.Contains(reason(sink), "antenna 1;") {
		t.Errorf("reason is %s", reason(sink))
	}
	heartbeat(`"1":"connected"`, "disconnected")
	sink.Wait(t, "the radio is gone", func() bool { return strings.Contains(reason(sink), "radio") })
	heartbeat(`"1":"connected"`, "connected")
	sink.WaitState(t, devices.Up)
	m.say(t, events, false, []byte(`{"type":"error","data":{"message":"PA over temperature"}}`))
	sink.WaitState(t, devices.Degraded)
	if !strings.Contains(reason(sink), "PA over temperature") || len(losses(sink)) > 0 {
		t.Errorf("health is %+v", sink.Healths())
	}
}

func TestABigMessageArrivesWholeAndInOrder(t *testing.T) {
	const n = 5000
	m, sink := watchZebra(t)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"type":"SIMPLE","timestamp":"2026-01-05T08:00:00.000+0000","data":{"idHex":"e2%06x","eventNum":%d}}`, i, i+1)
	}
	m.say(t, zebraTopic, false, []byte("["+b.String()[1:]+"]"))
	sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) == n })
	for i, r := range sink.Reads() {
		if r.Seq != uint64(i+1) || r.Tag.String() != fmt.Sprintf("epc:e2%06x", i) {
			t.Fatalf("read %d is %+v", i, r)
		}
	}
	if len(losses(sink)) > 0 || sink.State() != devices.Up {
		t.Errorf("health is %+v", sink.Healths())
	}
}

func TestWhatTheBrokerSendsAgainIsNoLoss(t *testing.T) {
	m := startMosquitto(t)
	m.say(t, "st", true, []byte("online"))
	gateway, run := m.gateway(t)
	stop := run()
	driver := must[*mqttnode.Listener](t)(mqttnode.NewZebra(mqttnode.Device{ID: "zebra-x", Topic: zebraTopic, Status: "st", Broker: gateway}))
	first := &devicetest.Sink{}
	devicetest.Start(t, driver, first)
	first.WaitState(t, devices.Up)
	event := func(n int) []byte {
		return fmt.Appendf(nil, `{"type":"SIMPLE","timestamp":"2026-01-05T08:00:%02d.000+0000","data":{"idHex":"e2%02x","eventNum":%d}}`, n, n, n)
	}
	m.say(t, zebraTopic, false, event(10), event(11))
	first.Wait(t, "two reads", func() bool { return len(first.Reads()) == 2 })
	stop() // the acknowledgement of the second may be on its way still
	m.say(t, zebraTopic, false, event(11), event(12), event(10), event(13))
	again, run := m.gateway(t)
	driver = must[*mqttnode.Listener](t)(mqttnode.NewZebra(mqttnode.Device{ID: "zebra-x", Topic: zebraTopic, Status: "st", Broker: again}))
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver, sink)
	run()
	sink.Wait(t, "number 13", func() bool {
		return slices.ContainsFunc(sink.Reads(), func(r devices.Read) bool { return r.Seq == 13 })
	})
	if len(losses(sink)) > 0 {
		t.Errorf("health is %+v", sink.Healths())
	}
}

func FuzzDecodeZebra(f *testing.F) {
	f.Add([]byte(`{"data":{"antenna":1,"eventNum":1759,"idHex":"112233","peakRssi":-53,"reads":3},"timestamp":"2023-04-03T21:50:16.699+0200","type":"SIMPLE"}`))
	f.Add([]byte(`{"type":"x","data":{"tagData":[{"EPCid":"BEDD","seenCount":1,"PC":"0800"}],"barcodeData":[]}}`))
	f.Add([]byte(`{"type":"heartbeat","data":{"radio_control":{"antennas":{"1":"connected"}},"system":{"temperature":{"ambient":1}},"batteryAlert":{"status":"LOW"}}}`))
	f.Add([]byte(`{"type":"ALERT","id":"BATTERY","state":"SET","priority":"HIGH"}{"type":"GPI","pin":1,"state":"LOW"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		reports, _ := mqttnode.DecodeZebra(b)
		sane(t, b, reports)
	})
}

func FuzzZebraReadsBackWhatItWrites(f *testing.F) {
	f.Add([]byte{0x8a, 0x45, 2, 0x24}, uint8(3), int16(-7400), uint32(7), int64(1772125117432))
	f.Fuzz(func(t *testing.T, epc []byte, antenna uint8, rssi int16, number uint32, millis int64) {
		tag, err := devices.NewTag(devices.TagEPC, epc)
		at := time.UnixMilli(millis).UTC()
		if err != nil || at.Year() < 2021 || at.Year() > 9999 || rssi < -30000 || rssi > 30000 {
			t.Skip("no tag, no set clock, or no strength that can be")
		}
		e := mqttnode.ZebraRead(at, uint64(number), tag, int(antenna), unit.DBm(rssi))
		reports, err := mqttnode.DecodeZebra(must[[]byte](t)(mqttnode.EncodeZebra(e)))
		if err != nil || len(reports) != 1 || reports[0].Read == nil {
			t.Fatalf("%v, %v", reports, err)
		}
		r := reports[0].Read
		if r.Tag != tag || r.Antenna != antenna || r.RSSI != unit.DBm(rssi) || !r.ReaderTime.Equal(at) || r.Seq != uint64(number) {
			t.Errorf("read is %+v", r)
		}
	})
}

func BenchmarkDecodeZebra(b *testing.B) {
	tag, err := devices.ParseTag("epc:30361f4b3c00004000000001")
	if err != nil {
		b.Fatal(err)
	}
	decodeAll(b, mqttnode.DecodeZebra, must[[]byte](b)(mqttnode.EncodeZebra(mqttnode.ZebraRead(someDay, 7, tag, 1, -5500))), 64)
}
