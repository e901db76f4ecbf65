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
)

func TestABatchOfARealHandheld(t *testing.T) {
	decodes(
		t, mqttnode.DecodeZebra, string(fixture(t, "rfid/reader_json/zebra_rfd40_dataEVT_batch.json")), "",
		"epc:bedd11112222333344445555 antenna 0 -39 dBm 0° 911750 kHz number 1", // its clock was not set
	)
}

func TestBatchesOfHandhelds(t *testing.T) {
	const envelope = `{"type":"BALANCED_PERFORMANCE","timestamp":"2026-08-24T14:15:22Z","data":{"tagData":[%s]}}`
	decodes(
		t, mqttnode.DecodeZebra, fmt.Sprintf(envelope, `{"EPCid":"AA01","eventNum":1,"seenCount":3},{"EPC":"AA02","eventNum":2}`), "",
		"epc:aa01 antenna 0 number 1 3 times at 2026-08-24T14:15:22Z", "epc:aa02 antenna 0 number 2 at 2026-08-24T14:15:22Z",
	)
	decodes(t, mqttnode.DecodeZebra, fmt.Sprintf(envelope, ``), "", "no_tag")
	decodes(t, mqttnode.DecodeZebra, `{"type":"BALANCED","data":{"barcodeData":[{"decodedBarcode":"1"}]}}`, "", "no_tag")
	const first = "epc:aa01 antenna 0 at 2026-08-24T14:15:22Z"
	decodes(t, mqttnode.DecodeZebra, fmt.Sprintf(envelope, `{"EPCid":"AA01"},{"eventNum":2}`), "no identity", first)
	decodes(t, mqttnode.DecodeZebra, fmt.Sprintf(envelope, `{"EPCid":"AA01"},7`), "no object", first)
	decodes(t, mqttnode.DecodeZebra, fmt.Sprintf(envelope, `{"EPCid":"AA01"},{"EPCid":"AA02","seenCount":{}}`), "no number", first)
}

func TestHandheldsTellOfThemselves(t *testing.T) {
	for in, want := range map[string]string{
		`{"eventName":"heartbeat","eventNumber":120,"data":{"inventoryStatus":{"rfidStatus":"INPROGRESS"},"batteryAlert":{"status":"HIGH","chargePercentage":85}}}`: "heartbeat battery HIGH",
		`{"type":"ALERT","timestamp":"2026-08-24T14:15:22Z","state":"SET","id":"BATTERY","priority":"CRITICAL","alertDetails":{"batteryInfo":{}}}`:                  "alert BATTERY SET (priority CRITICAL)",
		`{"type":"NOTIFICATION","state":"ONESHOT","id":"FIRMWARE_UPDATE","priority":"LOW","alertDetails":{}}`:                                                       "other_event NOTIFICATION",
	} {
		decodes(t, mqttnode.DecodeZebra, in, "", want)
	}
}

const (
	handTopic  = "t1/DATA/clients/data1event/S1"
	handEvents = "t1/MGMT/clients/event/S1"
	handStatus = "t1/DATA/clients/rfid/S1"
)

func watchHandheld(t *testing.T) (*mosquitto, *devicetest.Sink) {
	t.Helper()
	m := startMosquitto(t)
	m.say(t, handStatus, true, []byte(`{"eventName":"mqttConnEVT","timestamp":"10:11:12","data":{"connectionState":"CONNECTED","deviceModel":"RFD4031"}}`))
	sink := watch(t, m, mqttnode.NewHandheld, mqttnode.Device{ID: "hand-1", Topic: handTopic, Events: handEvents, Status: handStatus})
	sink.WaitState(t, devices.Up)
	return m, sink
}

func TestAHandheldIsDegradedWhileAnAlertIsSet(t *testing.T) {
	m, sink := watchHandheld(t)
	alert := func(state, priority string) {
		m.say(t, handEvents, false, fmt.Appendf(nil, `{"type":"ALERT","state":%q,"id":"NETWORK_EVENT","priority":%q}`, state, priority))
	}
	alert("SET", "LOW")
	alert("SET", "HIGH")
	sink.WaitState(t, devices.Degraded)
	if !strings.Contains(reason(sink), "NETWORK_EVENT SET (priority HIGH)") {
		t.Errorf("reason is %s", reason(sink))
	}
	alert("CLEAR", "HIGH")
	sink.WaitState(t, devices.Up)
	for _, c := range []struct {
		battery string
		state   devices.HealthState
	}{{"LOW", devices.Degraded}, {"CHARGING", devices.Up}, {"CRITICAL", devices.Degraded}, {"FULL", devices.Up}} {
		m.say(t, handEvents, false, fmt.Appendf(nil, `{"eventName":"heartbeat","data":{"batteryAlert":{"status":%q}}}`, c.battery))
		sink.WaitState(t, c.state)
	}
	alert("ONESHOT", "CRITICAL")
	sink.WaitState(t, devices.Degraded)
	m.say(t, handStatus, true, []byte(`{"eventName":"mqttConnEVT","data":{"connectionState":"DISCONNECTED"}}`))
	sink.WaitState(t, devices.Down)
}

func TestOneBadRecordOfABatchIsCountedAndTheOthersStay(t *testing.T) {
	m, sink := watchHandheld(t)
	m.say(t, handTopic, false, []byte(`{"type":"X","timestamp":"2026-08-24T14:15:22Z","data":{"tagData":[{"EPCid":"AA01","eventNum":1},`+
		`{"eventNum":2},{"EPCid":7,"eventNum":3},{"EPCid":"AA04","eventNum":4},{"EPCid":"AA06","eventNum":6}]}}`))
	sink.Wait(t, "the reads", func() bool { return len(sink.Reads()) == 3 })
	var seq []uint64
	for _, r := range sink.Reads() {
		seq = append(seq, r.Seq)
	}
	if !slices.Equal(seq, []uint64{1, 4, 6}) || !slices.Equal(losses(sink), []uint64{3}) {
		t.Errorf("reads are %v, lost %v: %s", seq, losses(sink), reason(sink))
	}
}

// cards and handhelds are the drivers of this package that are not in dialects.
func moreDialects() []dialect {
	return []dialect{
		{
			"rfd40", "site/SZ1/hand-1/data1event/S1",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) { return mqttnode.NewHandheld(d) },
			func(t *testing.T, i int) ([]byte, string) {
				return must[[]byte](t)(mqttnode.EncodeZebra(mqttnode.HandheldBatch(someDay, uint64(i+1), epc(t, i)))), epc(t, i).String()
			},
		}, {
			"tasmota-tag", "site/SZ1/desk-1/tele/SENSOR",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) {
				return mqttnode.NewTasmotaTag(mqttnode.Tasmota{Device: d, Zone: time.UTC})
			},
			func(t *testing.T, i int) ([]byte, string) {
				tag := must[devices.Tag](t)(devices.ParseTag(fmt.Sprintf("uid:94d8%04x", i)))
				return must[[]byte](t)(mqttnode.EncodeTasmotaTag(someDay, mqttnode.TasmotaTag{Sensor: "PN532", Tag: tag})), tag.String()
			},
		},
	}
}

func TestDriversOfHandheldsAndCardReaders(t *testing.T) {
	for _, d := range moreDialects() {
		t.Run(d.name, func(t *testing.T) {
			devicetest.Run(t, func(t *testing.T) devicetest.Bench { return bench(t, d) })
		})
	}
}

func FuzzHandheldBatchIsReadBack(f *testing.F) {
	f.Add([]byte{1}, uint8(3), uint32(7))
	f.Fuzz(func(t *testing.T, id []byte, n uint8, from uint32) {
		tag, err := devices.NewTag(devices.TagEPC, id)
		if err != nil {
			t.Skip("no tag")
		}
		tags := slices.Repeat([]devices.Tag{tag}, int(n))
		reports, err := mqttnode.DecodeZebra(must[[]byte](t)(mqttnode.EncodeZebra(mqttnode.HandheldBatch(someDay, uint64(from)+1, tags...))))
		if err != nil || len(reports) != max(len(tags), 1) {
			t.Fatalf("%d reports of %d, %v", len(reports), n, err)
		}
		for i, r := range reports[:len(tags)] {
			if r.Read.Tag != tag || r.Read.Seq != uint64(from)+1+uint64(i) || !r.Read.ReaderTime.Equal(someDay) {
				t.Errorf("read %d is %+v", i, r.Read)
			}
		}
	})
}
