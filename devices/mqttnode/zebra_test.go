package mqttnode_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

func TestZebraEventsOfRealReaders(t *testing.T) {
	m := startMosquitto(t)
	const topic = "site/SZ1/zebra-x/tags"
	lines := bytes.Split(bytes.TrimSpace(fixture(t, "rfid/reader_json/zebra_ziotc_events.ndjson")), []byte("\n"))
	batch := fixture(t, "rfid/reader_json/zebra_rfd40_dataEVT_batch.json")
	m.say(t, "site/SZ1/zebra-x/status", true, []byte("online"))
	sink := watch(t, m, mqttnode.NewZebra, mqttnode.Device{ID: "zebra-x", Topic: topic, Status: "site/SZ1/zebra-x/status"})
	sink.WaitState(t, devices.Up)
	m.say(t, topic, false, append(lines, batch)...)
	sink.Wait(t, "three reads", func() bool { return len(sink.Reads()) == 3 })
	for i, want := range []struct {
		tag     string
		antenna uint8
		rssi    string
		seq     uint64
		count   uint32
		at      string
	}{
		{"epc:112233445566778899001134", 1, "-53 dBm", 1759, 387321, "2023-04-03T19:50:16.699Z"},
		{"epc:aa0004ef55555555aa21bf43", 1, "-34 dBm", 22, 1, "2026-08-13T09:14:28.651Z"},
		{"epc:bedd11112222333344445555", 0, "-39 dBm", 1, 1, "2019-08-24T14:15:22Z"},
	} {
		r := sink.Reads()[i]
		at := must[time.Time](t)(time.Parse(time.RFC3339Nano, want.at))
		if at.Year() < 2020 {
			at = time.Time{} // the clock was not set
		}
		if r.Tag.String() != want.tag || r.Antenna != want.antenna || r.RSSI.String() != want.rssi || r.Seq != want.seq ||
			r.Count != want.count || !r.ReaderTime.Equal(at) {
			t.Errorf("read %d is %+v (%s, %s), want %+v", i, r, r.Tag, r.RSSI, want)
		}
	}
}

func TestZebraGapsAreLossAndARestartIsNone(t *testing.T) {
	m := startMosquitto(t)
	const topic = "site/SZ1/zebra-x/tags"
	m.say(t, "st", true, []byte("online"))
	sink := watch(t, m, mqttnode.NewZebra, mqttnode.Device{ID: "zebra-x", Topic: topic, Status: "st"})
	sink.WaitState(t, devices.Up)
	var payloads [][]byte
	for _, n := range []int{100, 101, 105, 106, 1, 2, 4} {
		payloads = append(payloads, fmt.Appendf(nil, `{"type":"SIMPLE","data":{"idHex":"e2%04x","eventNum":%d}}`, n, n))
	}
	m.say(t, topic, false, payloads...)
	sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) == len(payloads) })
	var lost []uint64
	for _, h := range sink.Healths() {
		if h.Lost > 0 {
			lost = append(lost, h.Lost)
		}
	}
	if fmt.Sprint(lost) != "[3 1]" {
		t.Errorf("lost is %v, want [3 1]", lost)
	}
	if r := sink.Reads()[0]; r.HasRSSI || !r.ReaderTime.IsZero() || r.Count != 1 {
		t.Errorf("a read without its optional fields is %+v", r)
	}
}

func TestZebraOtherEventsAreNoReads(t *testing.T) {
	for _, in := range []string{`{"type":"GPI","pin":1,"state":"LOW"}`, `{"type":"heartbeat","data":{}}`, `[]`} {
		events, err := mqttnode.DecodeZebra([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		for _, e := range events {
			if e.Data.IDHex != "" || len(e.Data.TagData) > 0 {
				t.Errorf("%s gives %+v", in, e)
			}
		}
	}
}

func FuzzDecodeZebra(f *testing.F) {
	f.Add([]byte(`{"data":{"antenna":1,"eventNum":1759,"idHex":"112233","peakRssi":-53,"reads":3},"timestamp":"2023-04-03T21:50:16.699+0200","type":"SIMPLE"}`))
	f.Add([]byte(`{"type":"x","data":{"tagData":[{"EPCid":"BEDD","seenCount":1}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, _ := mqttnode.DecodeZebra(b)
		for _, e := range events {
			once, err := mqttnode.EncodeZebra(e)
			if err != nil {
				t.Fatal(err)
			}
			again, err := mqttnode.DecodeZebra(once)
			if err != nil || len(again) != 1 {
				t.Fatalf("%s read back is %v, %v", once, again, err)
			}
			if twice, err := mqttnode.EncodeZebra(again[0]); err != nil || !bytes.Equal(once, twice) {
				t.Errorf("%s became %s, %v", once, twice, err)
			}
		}
	})
}
