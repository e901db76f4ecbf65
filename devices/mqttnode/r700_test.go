package mqttnode_test

import (
	"bytes"
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

// line writes a report as one line, for tables.
func line(r devices.Report) string {
	switch {
	case r.Read != nil:
		s := fmt.Sprintf("%s antenna %d", r.Read.Tag, r.Read.Antenna)
		if r.Read.HasRSSI {
			s += " " + r.Read.RSSI.String()
		}
		if r.Read.HasPhase {
			s += fmt.Sprintf(" %g°", r.Read.Phase.Degrees())
		}
		if r.Read.ChannelKHz > 0 {
			s += fmt.Sprintf(" %d kHz", r.Read.ChannelKHz)
		}
		if r.Read.Seq > 0 {
			s += fmt.Sprintf(" number %d", r.Read.Seq)
		}
		if r.Read.Count != 1 {
			s += fmt.Sprintf(" %d times", r.Read.Count)
		}
		if r.Read.Text != "" {
			s += fmt.Sprintf(" %q", r.Read.Text)
		}
		return s + stamp(r.Read.ReaderTime)
	case r.GPI != nil:
		return fmt.Sprintf("input %d high %v", r.GPI.Port, r.GPI.High) + stamp(r.GPI.ReaderTime)
	case r.Notice != nil:
		return strings.TrimSpace(r.Notice.Code + " " + r.Notice.Text)
	}
	return "nothing"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " at " + t.Format(time.RFC3339Nano)
}

// decodes checks what a decoder makes of a payload, a line each, and the error it ends with.
func decodes(t *testing.T, decode devices.Decoder, in, fault string, want ...string) {
	t.Helper()
	reports, err := decode([]byte(in))
	var got []string
	for _, r := range reports {
		got = append(got, line(r))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s gives\n%s, want\n%s", in, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if (err != nil) != (fault != "") || err != nil && !strings.Contains(err.Error(), fault) {
		t.Errorf("%s ends with %v; want %q", in, err, fault)
	}
}

func TestR700EventsOfRealReaders(t *testing.T) {
	decodes(
		t, mqttnode.DecodeR700, string(fixture(t, "rfid/reader_json/impinj_r700_events.ndjson")), "",
		"epc:8a450224 antenna 3 -74 dBm 866900 kHz at 2026-02-26T17:13:37.432087177Z",
		"epc:e2801191a5030065f26ccbff antenna 1 -73 dBm 919750 kHz at 2025-05-17T16:03:13.944189383Z",
		"epc:e2801191a5030065f26cd01f antenna 2 -73 dBm 919750 kHz at 2025-05-17T16:03:13.944189383Z",
		"epc:7eda9038051002710002c0ae antenna 1 -70 dBm 69° 927250 kHz at 2022-02-22T22:22:22.222Z",
	)
}

func TestR700IdentityInEveryWriting(t *testing.T) {
	for _, fields := range []string{
		`"epc":"4oARkaUDAGXybMv_"`, `"epc":"4oARkaUDAGXybMv/"`, `"epcHex":"E2801191A5030065F26CCBFF"`, `"epc":"*","epcHex":"e2801191a5030065f26ccbff"`,
		`"epc":null,"epcHex":"e2801191a5030065f26ccbff"`, `"epc":"4oARkaUDAGXybMv\u005f"`, `"epc":"4oARkaUDAGXybMv_","pc":"NAA="`,
		`"epc":"4oARkaUDAGXybMv_AAA=","pc":"NAA="`, `"epcHex":"3400e2801191a5030065f26ccbff","pc":"NAA="`,
	} {
		decodes(t, mqttnode.DecodeR700, `{"eventType":"tagInventory","tagInventoryEvent":{`+fields+`}}`, "", "epc:e2801191a5030065f26ccbff antenna 0")
	}
	for text, want := range map[string]string{"ikUCJA==": "epc:8a450224", "ikUCJA": "epc:8a450224"} {
		decodes(t, mqttnode.DecodeR700, `{"tagInventoryEvent":{"epc":"`+text+`"}}`, "", want+" antenna 0")
	}
	for fields, want := range map[string]string{
		``: "neither epc nor epcHex", `"epc":"*"`: "no base64", `"epcHex":"xyz"`: "no hexadecimal", `"epc":7`: `"epc" is no text`,
		`"epcHex":"` + strings.Repeat("0", 126) + `"`: "1 to 62", `"epcHex":"` + strings.Repeat("0", 199) + `"`: "199 digits",
		`"epc":"` + strings.Repeat("A", 99) + `"`: "99 characters", `"epc":"ikUCJA==","antennaPort":300`: "300, which is not possible",
		`"epc":"ikUCJA==","antennaPort":"3"`: "no number", `"epc":"ikUCJA==","phaseAngle":{}`: "no number",
	} {
		decodes(t, mqttnode.DecodeR700, `{"eventType":"tagInventory","tagInventoryEvent":{`+fields+`}}`, want)
	}
}

func TestR700SightingsWithoutTheirOptionalFields(t *testing.T) {
	for fields, want := range map[string]string{
		``: "", `,"antennaPort":null,"peakRssiCdbm":null,"frequency":null,"phaseAngle":null,"lastSeenTime":null,"pc":null,"tid":7`: "",
		`,"peakRssiCdbm":-40000`:                                      "", // more than can be
		`,"peakRssiCdbm":-5550.0,"phaseAngle":-90`:                    " -55.5 dBm 270°",
		`,"lastSeenTime":"2026-02-26T18:13:37.4+01:00"`:               " at 2026-02-26T17:13:37.4Z",
		`,"lastSeenTime":"soon"`:                                      "",
		`,"tagMemoryData":[{"x":[1,{"y":[]}]}],"new":{"deep":[[[]]]}`: "",
	} {
		decodes(t, mqttnode.DecodeR700, `{"eventType":"tagInventory","tagInventoryEvent":{"epc":"ikUCJA=="`+fields+`}}`, "", "epc:8a450224 antenna 0"+want)
	}
}

func TestR700EventsOfEveryKind(t *testing.T) {
	const at = `{"timestamp":"2026-02-26T17:13:37Z","eventType":`
	for in, want := range map[string]string{
		`"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"armed"}}`:                "inventory_status armed",
		`"antennaConnected","antennaConnectedEvent":{"antennaPort":3,"antennaName":"door"}}`:   "antenna_connected antenna 3",
		`"antennaDisconnected","antennaDisconnectedEvent":{"antennaPort":3}}`:                  "antenna_disconnected antenna 3; check the cable",
		`"gpiTransition","gpiTransitionEvent":{"gpi":2,"transition":"low-to-high"}}`:           "input 2 high true at 2026-02-26T17:13:37Z",
		`"gpiTransition","gpiTransitionEvent":{"gpi":2,"transition":"high-to-low"}}`:           "input 2 high false at 2026-02-26T17:13:37Z",
		`"overflow","overflowEvent":{"eventsPurged":12}}`:                                      "overflow the reader threw 12 events away",
		`"diagnostic","diagnosticEvent":{"code":1}}`:                                           "other_event diagnostic",
		`null,"antennaConnectedEvent":{"antennaPort":1}}`:                                      "antenna_connected antenna 1",
		`"tagInventory","inventoryStatusEvent":null,"tagInventoryEvent":{"epcHex":"AA"}}`:      "epc:aa antenna 0 at 2026-02-26T17:13:37Z",
		`"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"\u0072unning\u0007\n"}}`: "inventory_status running",
	} {
		decodes(t, mqttnode.DecodeR700, at+in, "", want)
	}
	for in, want := range map[string]string{
		`"tagInventory"}`:                          "has a type but not what belongs to it",
		`"tagInventory","tagInventoryEvent":null}`: "has a type but not what belongs to it",
		`"tagInventory","tagInventoryEvent":[]}`:   "no object",
		`"brewCoffee"}`:                            `"brewCoffee" is not known`,
		`null}`:                                    "no type",
		`7}`:                                       "no text",
		`"antennaConnected","antennaConnectedEvent":{}}`:                "names no antenna",
		`"antennaConnected","antennaConnectedEvent":{"antennaPort":0}}`: "0, which is not possible",
		`"inventoryStatus","inventoryStatusEvent":{}}`:                  "no status",
		`"gpiTransition","gpiTransitionEvent":{"gpi":1}}`:               "low-to-high or high-to-low",
		`"overflow","overflowEvent":{"eventsPurged":-1}}`:               "not possible",
		`"overflow","overflowEvent":{"eventsPurged":1`:                  "ends too early",
	} {
		decodes(t, mqttnode.DecodeR700, at+in, want)
	}
}

func TestR700PayloadsInEveryForm(t *testing.T) {
	const one = `{"tagInventoryEvent":{"epcHex":"01"}}`
	const two = `{"tagInventoryEvent":{"epcHex":"02"}}`
	for in, want := range map[string]string{
		"":                          "no_event a keep-alive or an empty list",
		"\r\n":                      "no_event a keep-alive or an empty list",
		"[]":                        "no_event a keep-alive or an empty list",
		one:                         "epc:01 antenna 0",
		one + "\r\n\r\n" + two:      "epc:01 antenna 0 epc:02 antenna 0",
		"[" + one + "," + two + "]": "epc:01 antenna 0 epc:02 antenna 0",
		`{"topic":"a","payload":` + one + "}\n" + `{"topic":"a","payload":"{\"tagInventoryEvent\":{\"epcHex\":\"02\"}}\r\n"}`: "epc:01 antenna 0 epc:02 antenna 0",
		`{"topic":"status","payload":"online"}{"topic":"status","payload":"Offline"}`:                                         "online offline",
	} {
		reports, err := mqttnode.DecodeR700([]byte(in))
		var got []string
		for _, r := range reports {
			got = append(got, line(r))
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s gives %s, %v; want %s", in, strings.Join(got, " "), err, want)
		}
	}
	decodes(t, mqttnode.DecodeR700, one+`{"eventType":7}`+two, "no text", "epc:01 antenna 0")
	decodes(t, mqttnode.DecodeR700, one+two[:20], "ends too early", "epc:01 antenna 0")
	decodes(t, mqttnode.DecodeR700, one+`[7]`, "no JSON object", "epc:01 antenna 0")
}

// watch runs a driver of a pretend reader and gives what it reports.
func watch(t *testing.T, m *mosquitto, make func(mqttnode.Device) (*mqttnode.Listener, error), d mqttnode.Device) *devicetest.Sink {
	t.Helper()
	gateway, run := m.gateway(t)
	d.Broker = gateway
	driver := must[*mqttnode.Listener](t)(make(d))
	run()
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver, sink)
	return sink
}

const r700Topic = "site/SZ1/r700-b/events"

// watchR700 runs the driver of a reader that is up.
func watchR700(t *testing.T) (*mosquitto, *devicetest.Sink) {
	t.Helper()
	m := startMosquitto(t)
	m.say(t, r700Topic, true, []byte(`{"eventType":"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"running"}}`))
	sink := watch(t, m, mqttnode.NewR700, mqttnode.Device{ID: "r700-b", Topic: r700Topic})
	sink.WaitState(t, devices.Up)
	return m, sink
}

// reason gives the reason of the health reported last.
func reason(sink *devicetest.Sink) string {
	h := sink.Healths()
	return h[len(h)-1].Reason
}

func losses(sink *devicetest.Sink) (lost []uint64) {
	for _, h := range sink.Healths() {
		if h.Lost > 0 {
			lost = append(lost, h.Lost)
		}
	}
	return lost
}

func TestR700TellsOfLossAndTime(t *testing.T) {
	m, sink := watchR700(t)
	overflow := []byte(`{"timestamp":"2026-02-26T17:13:30Z","eventType":"overflow","overflowEvent":{"eventsPurged":12}}`)
	m.say(t, r700Topic, false, overflow, overflow, // sent again, as QoS 1 may
		[]byte(`{"timestamp":"2026-02-26T17:13:37.432087177Z","eventType":"tagInventory","tagInventoryEvent":`+
			`{"epc":"ikUCJA==","antennaPort":3,"lastSeenTime":"2026-02-26T17:13:37.4Z"}}`))
	sink.Wait(t, "a read", func() bool { return len(sink.Reads()) == 1 })
	if lost := losses(sink); !slices.Equal(lost, []uint64{12}) || sink.State() != devices.Degraded || !strings.Contains(reason(sink), "threw 12 events away") {
		t.Errorf("health is %+v", sink.Healths())
	}
	r := sink.Reads()[0]
	want := time.Date(2026, 2, 26, 17, 13, 37, 400_000_000, time.UTC)
	if r.Device != "r700-b" || r.Antenna != 3 || r.HasRSSI || !r.ReaderTime.Equal(want) || r.HostTime.IsZero() || r.Count != 1 {
		t.Errorf("read is %+v", r)
	}
}

func TestR700IsDegradedWhileAnAntennaIsGoneOrItReadsNothing(t *testing.T) {
	m, sink := watchR700(t)
	event := func(kind, details string) {
		m.say(t, r700Topic, false, fmt.Appendf(nil, `{"eventType":%q,"%sEvent":{%s}}`, kind, kind, details))
	}
	event("antennaDisconnected", `"antennaPort":3`)
	sink.WaitState(t, devices.Degraded)
	if !strings.Contains(reason(sink), "antenna 3;") {
		t.Errorf("reason is %s", reason(sink))
	}
	event("antennaConnected", `"antennaPort":3`)
	sink.WaitState(t, devices.Up)
	event("antennaDisconnected", `"antennaPort":3`)
	sink.WaitState(t, devices.Degraded)
	event("tagInventory", `"epcHex":"01","antennaPort":3`) // the event that it is back was purged
	sink.WaitState(t, devices.Up)
	event("inventoryStatus", `"inventoryStatus":"idle"`)
	sink.WaitState(t, devices.Degraded)
	if !strings.Contains(reason(sink), "idle") {
		t.Errorf("reason is %s", reason(sink))
	}
	event("inventoryStatus", `"inventoryStatus":"armed"`)
	sink.WaitState(t, devices.Up)
}

func TestARetainedR700EventIsNoSighting(t *testing.T) {
	m := startMosquitto(t)
	m.say(t, r700Topic, true, []byte(`{"eventType":"tagInventory","tagInventoryEvent":{"epcHex":"01","antennaPort":3}}`))
	sink := watch(t, m, mqttnode.NewR700, mqttnode.Device{ID: "r700-b", Topic: r700Topic})
	sink.WaitState(t, devices.Up) // it was heard
	m.say(t, r700Topic, false, []byte(`{"eventType":"tagInventory","tagInventoryEvent":{"epcHex":"02","antennaPort":3}}`))
	sink.Wait(t, "a read", func() bool { return len(sink.Reads()) > 0 })
	if tag := sink.Reads()[0].Tag.String(); tag != "epc:02" {
		t.Errorf("the first read is of %s", tag)
	}
}

func TestAnR700ThatSaysGoodbyeInItsOwnWordsIsDown(t *testing.T) {
	m := startMosquitto(t)
	sink := watch(t, m, mqttnode.NewR700, mqttnode.Device{ID: "r700-b", Topic: r700Topic, Status: "status"})
	for _, c := range []struct {
		message string
		state   devices.HealthState
	}{
		{"Connected", devices.Up},
		{`{"status":"disconnected","reader":"dock 1"}`, devices.Down},
		{`{"status":"connected","reader":"dock 1"}`, devices.Up},
		{"OFFLINE", devices.Down},
	} {
		m.say(t, "status", true, []byte(c.message))
		sink.WaitState(t, c.state)
	}
}

func FuzzDecodeR700(f *testing.F) {
	f.Add([]byte(`{"timestamp":"2026-02-26T17:13:37Z","eventType":"tagInventory","tagInventoryEvent":{"epc":"ikUCJA==","antennaPort":3,"pc":"NAA="}}`))
	f.Add([]byte(`[{"eventType":"overflow","overflowEvent":{"eventsPurged":1}},{"antennaConnectedEvent":{"antennaPort":1}}]`))
	f.Add([]byte(`{"topic":"x","payload":"{\"eventType\":\"gpiTransition\",\"gpiTransitionEvent\":{\"gpi\":1,\"transition\":\"low-to-high\"}}"}`))
	f.Add([]byte("\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		reports, _ := mqttnode.DecodeR700(b)
		sane(t, b, reports)
	})
}

// sane checks what holds of all that a decoder gives: one thing in each report, in bounds, and no more than the payload
// has room for.
func sane(t *testing.T, b []byte, reports []devices.Report) {
	t.Helper()
	if len(reports) > len(b)/2+1 {
		t.Errorf("%d reports of %d bytes", len(reports), len(b))
	}
	for _, r := range reports {
		set := 0
		for _, is := range []bool{r.Read != nil, r.GPI != nil, r.Sample != nil, r.Notice != nil} {
			if is {
				set++
			}
		}
		if set != 1 || r.Read != nil && (r.Read.Tag.IsZero() || r.Read.Count == 0 || r.Read.Phase >= 36000) || r.GPI != nil && r.GPI.Port == 0 {
			t.Errorf("report is %s: %+v %+v", line(r), r.Read, r.GPI)
		}
	}
}

func FuzzR700ReadsBackWhatItWrites(f *testing.F) {
	f.Add([]byte{0x8a, 0x45, 2, 0x24}, uint8(3), int16(-7400), uint16(6900), int64(1772125117432087177))
	f.Fuzz(func(t *testing.T, epc []byte, antenna uint8, rssi int16, phase uint16, nanos int64) {
		tag, err := devices.NewTag(devices.TagEPC, epc)
		at := time.Unix(0, nanos).UTC()
		if err != nil || at.Year() < 2021 {
			t.Skip("no tag, or no set clock")
		}
		e := mqttnode.R700Read(at, epc, int(antenna), unit.DBm(rssi))
		e.TagInventory.Phase = float64(phase%36000) / 100
		reports, err := mqttnode.DecodeR700(must[[]byte](t)(mqttnode.EncodeR700(e)))
		if err != nil || len(reports) != 1 || reports[0].Read == nil {
			t.Fatalf("%v, %v", reports, err)
		}
		r := reports[0].Read
		if r.Tag != tag || r.Antenna != antenna || r.RSSI != unit.DBm(rssi) || !r.ReaderTime.Equal(at) || r.Phase != unit.Phase(phase%36000) {
			t.Errorf("read is %+v", r)
		}
	})
}

func BenchmarkDecodeR700(b *testing.B) {
	const epc = "\x30\x36\x1f\x4b\x3c\x00\x00\x40\x00\x00\x00\x01"
	one := must[[]byte](b)(mqttnode.EncodeR700(mqttnode.R700Read(someDay, []byte(epc), 3, -5550)))
	decodeAll(b, mqttnode.DecodeR700, one, 64)
}

// decodeAll measures a decoder by a payload of n times the same event, a line each.
func decodeAll(b *testing.B, decode devices.Decoder, one []byte, n int) {
	payload := bytes.Repeat(append(one, '\r', '\n'), n)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if reports, err := decode(payload); err != nil || len(reports) != n {
			b.Fatalf("%d reports, %v", len(reports), err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}
