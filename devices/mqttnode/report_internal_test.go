package mqttnode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/unit"
)

// story keeps what a driver hands over, in one order.
type story struct{ lines []string }

func (s *story) Read(r devices.Read)     { s.lines = append(s.lines, r.Tag.String()) }
func (s *story) GPI(g devices.GPI)       { s.lines = append(s.lines, fmt.Sprintf("%d:%v", g.Port, g.High)) }
func (s *story) Sample(v devices.Sample) { s.lines = append(s.lines, v.Value.String()) }
func (s *story) Health(h devices.Health) {
	s.lines = append(s.lines, strings.TrimSpace(fmt.Sprintf("%s %d %s", h.State, h.Lost, h.Reason)))
}

// hears gives what a driver makes of messages.
func hears(decode decoder, messages ...Message) string {
	l := &Listener{dev: Device{ID: "dev", Clock: clock.Clock{}, Log: slog.New(slog.DiscardHandler)}, decode: decode}
	var s story
	for _, m := range messages {
		l.take(m, &s)
	}
	return strings.Join(s.lines, "\n")
}

func TestInputsAndReadsOfAMessageKeepTheirOrder(t *testing.T) {
	const gpi = `{"eventType":"gpiTransition","gpiTransitionEvent":{"gpi":1,"transition":"%s"}}`
	const tag = `{"eventType":"tagInventory","tagInventoryEvent":{"epcHex":"%02x"}}`
	payload := fmt.Sprintf(tag+gpi+tag+tag+gpi+gpi+tag, 1, "low-to-high", 2, 3, "high-to-low", "low-to-high", 4)
	got := hears((&r700{}).decode, Message{Payload: []byte(payload)})
	if want := "up 0\nepc:01\n1:true\nepc:02\nepc:03\n1:false\n1:true\nepc:04"; got != want {
		t.Errorf("the sink heard\n%s, want\n%s", got, want)
	}
}

func TestEventsThatAreNoneAreCountedAndTheOthersStay(t *testing.T) {
	const payload = `[{"tagInventoryEvent":{"epcHex":"01"}},{"tagInventoryEvent":{}},7,{"eventType":null},` +
		`{"eventType":"somethingNew"},{"tagInventoryEvent":{"epcHex":"02","antennaPort":"x"}},{"tagInventoryEvent":{"epcHex":"03"}}]`
	got := hears((&r700{}).decode, Message{Payload: []byte(payload)})
	if want := "degraded 4 an event was not understood: a sighting has neither"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nepc:01\nepc:03") {
		t.Errorf("the sink heard\n%s", got)
	}
	got = hears((&r700{}).decode, Message{Topic: "t", Payload: []byte(payload[:60])})
	if want := "degraded 1 a message on t was not understood: payload is no JSON at byte 60: it ends too early\nepc:01"; got != want {
		t.Errorf("the sink heard\n%s, want\n%s", got, want)
	}
}

func TestALongTextOfADeviceMakesNoLongReason(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, payload := range []string{
		`{"eventType":"` + long + `"}`, `{"tagInventoryEvent":{"epc":"` + long + `"}}`, `{"tagInventoryEvent":{"epcHex":"zz` + long[:58] + `"}}`,
		`{"` + long + `":1,"timestamp":7}`, `{"eventType":"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"` + long + `"}}`,
		`{"type":"error","data":{"message":"` + long + `"}}`, `{"type":"ALERT","id":"` + long + `","state":"SET"}`, `{"type":"` + long + `"}`,
		`{"type":"gpi","pin":1,"state":"` + long + `"}`, `{"PN532":{"UID":"` + long + `"}}`,
	} {
		tags := func(m Message, _ time.Time) (report, error) { _, err := TasmotaTags(m.Payload); return report{}, err }
		for _, d := range []decoder{(&r700{}).decode, (&zebra{}).decode, tags} {
			if got := hears(d, Message{Payload: []byte(payload)}); len(got) > 500 {
				t.Errorf("%.60s…: the reason has %d bytes: %.200s", payload, len(got), got)
			}
		}
	}
}

func TestADeviceCannotFillTheMemoryWithTroubles(t *testing.T) {
	var v vitals
	for i := range 1000 {
		v.trouble(trouble{fmt.Sprint("alert ", i), "it burns"}, time.Time{})
	}
	if len(v.troubles) != mostTroubles {
		t.Errorf("%d troubles are kept", len(v.troubles))
	}
}

func TestTroublesLastUntilTheyAreOver(t *testing.T) {
	v := vitals{}
	v.heard(noon)
	v.trouble(trouble{"b", "second"}, noon)
	v.trouble(trouble{"a", "first"}, noon)
	v.says(t, noon, 0, "degraded first")
	v.trouble(trouble{name: "a"}, noon)
	v.says(t, noon, 0, "degraded second")
	v = v.again(0)
	v.says(t, noon, 0, "nothing") // not heard again yet
	v.heard(noon)
	v.says(t, noon, 0, "degraded second")
	v.trouble(trouble{name: "b"}, noon)
	v.says(t, noon, 0, "up")
	v.trouble(trouble{why: "once"}, noon)
	v.says(t, noon, 0, "degraded once")
	v.says(t, noon.Add(v.next(noon)), 0, "up")
}

// benchDriver measures what a driver does with a message of n events.
func benchDriver(b *testing.B, decode decoder, one string, n int) {
	m := Message{Payload: []byte(strings.Repeat(one+"\r\n", n))}
	b.SetBytes(int64(len(m.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := decode(m, noon); err != nil || len(r.reads) != n || r.lost > 0 {
			b.Fatalf("%d reads, %d lost: %s, %v", len(r.reads), r.lost, r.lostWhy, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

const (
	oneR700 = `{"timestamp":"2026-02-26T17:13:37.432087177Z","eventType":"tagInventory","tagInventoryEvent":{"epc":"4oARkaUDAGXybMv_",` +
		`"antennaPort":3,"peakRssiCdbm":-7400,"frequency":866900,"transmitPowerCdbm":3150}}`
	oneZebra = `{"data":{"CRC":"0b18","PC":"3400","antenna":1,"channel":866.3,"format":"epc","idHex":"aa0004ef55555555aa21bf43",` +
		`"peakRssi":-34,"phase":148.039794921875,"reads":1},"timestamp":"2026-08-13T09:14:28.651+0000","type":"CUSTOM"}`
)

func BenchmarkR700Driver(b *testing.B) {
	b.Run("64 events", func(b *testing.B) { benchDriver(b, (&r700{}).decode, oneR700, 64) })
	b.Run("1 event", func(b *testing.B) { benchDriver(b, (&r700{}).decode, oneR700, 1) })
	b.Run("encoding-json", func(b *testing.B) { benchDriver(b, jsonR700, oneR700, 64) })
}

func BenchmarkZebraDriver(b *testing.B) {
	b.Run("64 events", func(b *testing.B) { benchDriver(b, (&zebra{}).decode, oneZebra, 64) })
	b.Run("1 event", func(b *testing.B) { benchDriver(b, (&zebra{}).decode, oneZebra, 1) })
	b.Run("encoding-json", func(b *testing.B) { benchDriver(b, jsonZebra, oneZebra, 64) })
}

// jsonR700 and jsonZebra do the same by encoding/json, for comparison.
func jsonR700(m Message, now time.Time) (report, error) {
	var said report
	d := json.NewDecoder(bytes.NewReader(m.Payload))
	for d.More() {
		var e R700Event
		if err := d.Decode(&e); err != nil {
			return said, err
		}
		tag, err := tagOfBase64([]byte(e.TagInventory.EPC), 0)
		said.reads = append(said.reads, devices.Read{
			Tag: tag, Antenna: uint8(e.TagInventory.AntennaPort), ReaderTime: deviceTime(e.Timestamp), HostTime: now, Count: 1,
			RSSI: unit.DBm(*e.TagInventory.PeakRSSI), HasRSSI: true, ChannelKHz: uint32(e.TagInventory.Frequency),
		})
		if err != nil {
			return said, err
		}
	}
	return said, nil
}

func jsonZebra(m Message, now time.Time) (report, error) {
	var said report
	d := json.NewDecoder(bytes.NewReader(m.Payload))
	for d.More() {
		var e ZebraEvent
		if err := d.Decode(&e); err != nil {
			return said, err
		}
		tag, err := tagOfHex([]byte(e.Data.IDHex), pcOfHex([]byte(e.Data.PC)))
		said.reads = append(said.reads, devices.Read{
			Tag: tag, Antenna: uint8(e.Data.Antenna), ReaderTime: deviceTime(e.Timestamp), HostTime: now, Count: 1,
			RSSI: unit.DBm(*e.Data.PeakRSSI * 100), HasRSSI: true, Phase: unit.PhaseOf(*e.Data.Phase), HasPhase: true,
		})
		if err != nil {
			return said, err
		}
	}
	return said, nil
}

func TestPresenceInAnObject(t *testing.T) {
	for in, want := range map[string]presence{
		`{"status":"connected"}`: online, `{"reader":"dock 1","mqtt":"DISCONNECTED"}`: offline, `{"data":{"connectionState":"CONNECTED"}}`: online,
		`{"before":"connected","state":"offline"}`: offline, `{"a":"connected","b":"disconnected"}`: mute, `{"state":"busy","b":"online"}`: online,
		`{"a":{"b":{"c":"online"}}}`: mute, `{"a":["online"]}`: mute, `{"state":"online"}x`: mute, `{"state":"online"`: mute, `{"state":null}`: mute,
		`"Offline"`: offline, `"offline" x`: mute, ` {"state":"online"} `: online, strings.Repeat("x", 1000): mute,
	} {
		if got := parsePresence([]byte(in)); got != want {
			t.Errorf("%s is %d, want %d", in, got, want)
		}
	}
}
