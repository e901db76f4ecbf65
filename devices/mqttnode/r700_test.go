package mqttnode_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

func TestR700EventsOfRealReaders(t *testing.T) {
	events, err := mqttnode.DecodeR700(fixture(t, "rfid/reader_json/impinj_r700_events.ndjson"))
	if err != nil || len(events) != 4 {
		t.Fatalf("%d events, %v; want 4", len(events), err)
	}
	for i, want := range []struct {
		tag     string
		antenna int
		rssi    int
	}{
		{"epc:8a450224", 3, -7400},
		{"epc:e2801191a5030065f26ccbff", 1, -7300},
		{"epc:e2801191a5030065f26cd01f", 2, -7300},
		{"epc:7eda9038051002710002c0ae", 1, -7000},
	} {
		e := events[i].TagInventory
		tag, err := e.Identity()
		if err != nil || tag.String() != want.tag || e.AntennaPort != want.antenna || *e.PeakRSSI != want.rssi {
			t.Errorf("event %d is %s at %d with %d, %v; want %+v", i, tag, e.AntennaPort, *e.PeakRSSI, err, want)
		}
	}
}

func TestR700IdentityInEveryWritingOfBase64(t *testing.T) {
	for _, tag := range []mqttnode.R700Tag{
		{EPC: "4oARkaUDAGXybMv_"},
		{EPC: "4oARkaUDAGXybMv/"},
		{EPCHex: "E2801191A5030065F26CCBFF"},
		{EPC: "never looked at", EPCHex: "e2801191a5030065f26ccbff"},
	} {
		if id, err := tag.Identity(); err != nil || id.String() != "epc:e2801191a5030065f26ccbff" {
			t.Errorf("%+v is %s, %v", tag, id, err)
		}
	}
	for text, want := range map[string]string{"ikUCJA==": "epc:8a450224", "ikUCJA": "epc:8a450224"} {
		if id, err := (mqttnode.R700Tag{EPC: text}).Identity(); err != nil || id.String() != want {
			t.Errorf("%s is %s, %v", text, id, err)
		}
	}
	for _, tag := range []mqttnode.R700Tag{{}, {EPC: "*"}, {EPCHex: "xyz"}, {EPCHex: string(bytes.Repeat([]byte("0"), 62))}} {
		if id, err := tag.Identity(); err == nil {
			t.Errorf("%+v is %s", tag, id)
		}
	}
}

func TestR700KeepAliveIsNoEventAndNeighboursOfABrokenEventStay(t *testing.T) {
	for _, in := range []string{"", "\r\n", "[]"} {
		if events, err := mqttnode.DecodeR700([]byte(in)); len(events) != 0 || err != nil {
			t.Errorf("%q gives %v, %v", in, events, err)
		}
	}
	const lines = `{"eventType":"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"running"}}` + "\r\n" +
		`{"eventType":7}` + "\r\n\r\n" + `{"eventType":"overflow","overflowEvent":{"eventsPurged":12}}`
	events, err := mqttnode.DecodeR700([]byte(lines))
	if len(events) != 2 || err == nil || events[1].Overflow.EventsPurged != 12 {
		t.Errorf("events are %+v, %v", events, err)
	}
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

func TestR700TellsOfLossAntennasAndTime(t *testing.T) {
	m := startMosquitto(t)
	const topic = "site/SZ1/r700-b/events"
	m.say(t, topic, true, []byte(`{"eventType":"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"running"}}`))
	sink := watch(t, m, mqttnode.NewR700, mqttnode.Device{ID: "r700-b", Topic: topic})
	sink.WaitState(t, devices.Up)

	m.say(t, topic, false, []byte(`{"eventType":"antennaDisconnected","antennaDisconnectedEvent":{"antennaPort":3}}`))
	sink.WaitState(t, devices.Degraded)
	m.say(t, topic, false, []byte(`{"eventType":"antennaConnected","antennaConnectedEvent":{"antennaPort":3}}`))
	sink.WaitState(t, devices.Up)

	m.say(t, topic, false, []byte(`{"eventType":"overflow","overflowEvent":{"eventsPurged":12}}`),
		[]byte(`{"timestamp":"2026-02-26T17:13:37.432087177Z","eventType":"tagInventory","tagInventoryEvent":`+
			`{"epc":"ikUCJA==","antennaPort":3,"lastSeenTime":"2026-02-26T17:13:37.4Z"}}`))
	sink.Wait(t, "a read", func() bool { return len(sink.Reads()) == 1 })
	h := sink.Healths()
	if last := h[len(h)-1]; last.Lost != 12 || last.State != devices.Degraded {
		t.Errorf("health after the overflow is %+v", last)
	}
	r := sink.Reads()[0]
	want := time.Date(2026, 2, 26, 17, 13, 37, 400_000_000, time.UTC)
	if r.Device != "r700-b" || r.Antenna != 3 || r.HasRSSI || !r.ReaderTime.Equal(want) || r.HostTime.IsZero() || r.Count != 1 {
		t.Errorf("read is %+v", r)
	}
}

func FuzzDecodeR700(f *testing.F) {
	f.Add([]byte(`{"timestamp":"2026-02-26T17:13:37Z","eventType":"tagInventory","tagInventoryEvent":{"epc":"ikUCJA==","antennaPort":3}}`))
	f.Add([]byte(`[{"eventType":"overflow","overflowEvent":{"eventsPurged":1}}]`))
	f.Add([]byte("\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, _ := mqttnode.DecodeR700(b)
		for _, e := range events {
			if e.TagInventory != nil {
				_, _ = e.TagInventory.Identity()
			}
			once, err := mqttnode.EncodeR700(e)
			if err != nil {
				t.Fatal(err)
			}
			again, err := mqttnode.DecodeR700(once)
			if err != nil || len(again) != 1 {
				t.Fatalf("%s read back is %v, %v", once, again, err)
			}
			if twice, err := mqttnode.EncodeR700(again[0]); err != nil || !bytes.Equal(once, twice) {
				t.Errorf("%s became %s, %v", once, twice, err)
			}
		}
	})
}
