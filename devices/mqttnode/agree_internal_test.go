package mqttnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// fields is one JSON object as encoding/json reads it, for comparison.
type fields map[string]json.RawMessage

func asObject(raw json.RawMessage) (fields, bool) {
	var f fields
	return f, len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &f) == nil
}

func (f fields) there(name string) bool { return f[name] != nil && string(f[name]) != "null" }

func (f fields) text(name string, odd *bool) string {
	var s string
	if f.there(name) && json.Unmarshal(f[name], &s) != nil {
		*odd = true
	}
	return s
}

// loose reads a text, and takes what is none for missing.
func (f fields) loose(name string) string {
	odd := false
	return f.text(name, &odd)
}

func (f fields) float(name string, odd *bool) (v float64, ok bool) {
	if !f.there(name) {
		return 0, false
	}
	if json.Unmarshal(f[name], &v) != nil {
		*odd = true
		return 0, false
	}
	return v, true
}

func (f fields) whole(name string, lowest, highest int64, odd *bool) (int64, bool) {
	if !f.there(name) {
		return 0, false
	}
	v, err := strconv.ParseInt(string(f[name]), 10, 64)
	if err != nil {
		var x float64
		if json.Unmarshal(f[name], &x) != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			*odd = true
			return 0, false
		}
		v = int64(x)
	}
	if v < lowest || v > highest {
		*odd = true
		return 0, false
	}
	return v, true
}

// want700 reads an event's fields by encoding/json, in the words of r700Event.describe.
func want700(doc json.RawMessage) string {
	f, ok := asObject(doc)
	if !ok {
		return "no object"
	}
	odd := false
	at, kind := f.text("timestamp", &odd), f.text("eventType", &odd)
	details, found := fields{}, ""
	for _, k := range r700Kinds {
		if !f.there(k + "Event") {
			continue
		}
		o, ok := asObject(f[k+"Event"])
		if !ok {
			odd = true
			continue
		}
		if found != "" {
			return "two kinds"
		}
		details, found = o, k
	}
	said := fmt.Sprintf("%s %q %q", found, kind, at)
	switch found {
	case R700TagInventory:
		port, _ := details.whole("antennaPort", 0, 255, &odd)
		kHz, _ := details.whole("frequency", 0, math.MaxUint32, &odd)
		rssi, has := details.whole("peakRssiCdbm", math.MinInt32, math.MaxInt32, &odd)
		phase, hasPhase := details.float("phaseAngle", &odd)
		said += fmt.Sprintf(" %q %q %q %q %d %d %d %v %g %v", details.text("epc", &odd), details.text("epcHex", &odd),
			details.text("pc", &odd), details.text("lastSeenTime", &odd), port, kHz, rssi, has, phase, hasPhase)
	case R700GPITransition:
		gpi, _ := details.whole("gpi", 1, 255, &odd)
		said += fmt.Sprintf(" %d %q", gpi, details.text("transition", &odd))
	case R700InventoryStatus:
		said += fmt.Sprintf(" %q", details.text("inventoryStatus", &odd))
	case R700Overflow:
		n, _ := details.whole("eventsPurged", 0, math.MaxUint32, &odd)
		said += fmt.Sprintf(" %d", n)
	case R700AntennaConnected, R700AntennaDisconnected:
		port, _ := details.whole("antennaPort", 1, 255, &odd)
		said += fmt.Sprintf(" %d", port)
	}
	if odd {
		return "odd"
	}
	return said
}

func (e *r700Event) describe() string {
	said := fmt.Sprintf("%s %q %q", e.kind, e.other, e.at)
	switch e.kind {
	case R700TagInventory:
		said += fmt.Sprintf(" %q %q %q %q %d %d %d %v %g %v", e.epc, e.epcHex, e.pc, e.seen, e.port, e.kHz, e.rssi, e.hasRSSI, e.phase, e.hasPhase)
	case R700GPITransition:
		said += fmt.Sprintf(" %d %q", e.gpi, e.transition)
	case R700InventoryStatus:
		said += fmt.Sprintf(" %q", e.status)
	case R700Overflow:
		said += fmt.Sprintf(" %d", e.purged)
	case R700AntennaConnected, R700AntennaDisconnected:
		said += fmt.Sprintf(" %d", e.port)
	}
	return said
}

func FuzzR700AgreesWithEncodingJSON(f *testing.F) {
	for _, in := range []string{
		`{"timestamp":"2026-02-26T17:13:37.432087177Z","eventType":"tagInventory","tagInventoryEvent":{"epc":"ikUCJA==",` +
			`"antennaPort":3,"peakRssiCdbm":-7400,"frequency":866900,"transmitPowerCdbm":3150,"phaseAngle":69.0,"pc":"NAA=","lastSeenTime":null}}`,
		`[{"eventType":"overflow","overflowEvent":{"eventsPurged":1}},{"eventType":"gpiTransition","gpiTransitionEvent":{"gpi":1,"transition":"low-to-high"}}]`,
		`{"eventType":"antennaConnected","antennaConnectedEvent":{"antennaPort":1.0}}`, "\r\n",
		`{"eventType":"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"run\u006eing"}}`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		docs, sound := reference(b)
		deep, twice := shape(b)
		if !sound || deep || twice || !utf8.Valid(b) {
			t.Skip("compared are texts that are sound and mean one thing")
		}
		i := 0
		err := walk(b, func(s *scanner) error {
			var e r700Event
			bad := e.scan(s)
			want := want700(docs[i])
			i++
			switch {
			case want == "two kinds":
			case want == "no object":
				if !errors.Is(bad, errNoObject) {
					t.Errorf("%s: %v", docs[i-1], bad)
				}
			case (want == "odd") != (s.odd != nil):
				t.Errorf("%s: encoding/json finds it %s; the scanner says %v", docs[i-1], want, s.odd)
			case want != "odd" && e.describe() != want:
				t.Errorf("%s is\n%s, want\n%s", docs[i-1], e.describe(), want)
			}
			return nil
		})
		if err != nil || i != len(docs) {
			t.Errorf("%d events of %d, %v", i, len(docs), err)
		}
	})
}

// wantZebra reads an event's fields by encoding/json, in the words of zebraEvent.describe.
func wantZebra(doc json.RawMessage) string {
	f, ok := asObject(doc)
	if !ok {
		return "no object"
	}
	if f["eventName"] != nil {
		return "two kinds" // which of the two names stands last, a map does not know
	}
	odd := false
	said := fmt.Sprintf("%q %q %q %q", f.text("type", &odd), f.text("timestamp", &odd), f.loose("id"), f.loose("priority"))
	data := fields{}
	if f.there("data") {
		if data, ok = asObject(f["data"]); !ok {
			odd = true
		}
	}
	if f["pin"] != nil && data["pin"] != nil || f["state"] != nil && data["state"] != nil {
		return "two kinds"
	}
	for _, at := range []fields{f, data} {
		if at["pin"] != nil || at["state"] != nil {
			pin, _ := at.whole("pin", 0, 255, &odd)
			said += fmt.Sprintf(" pin %d %q", pin, at.loose("state"))
		}
	}
	message := string(data["message"])
	if strings.HasPrefix(message, `"`) {
		message = data.text("message", &odd)
	}
	said += fmt.Sprintf(" %q", message)
	batch, own := wantBatch(data, &odd), wantSight(data, &odd)
	for _, nested := range []string{"radio_control", "system", "batteryAlert"} {
		if data[nested] != nil {
			return "two kinds" // compared in tables
		}
	}
	if odd {
		return "odd"
	}
	if !strings.HasPrefix(own, `"" "" ""`) {
		batch = append(batch, own)
	}
	return said + strings.Join(batch, "; ")
}

func wantBatch(data fields, odd *bool) (batch []string) {
	if !data.there("tagData") {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(data["tagData"], &list) != nil {
		*odd = true
		return nil
	}
	for _, one := range list {
		bad := false
		o, ok := asObject(one)
		sight := wantSight(o, &bad)
		if bad || !ok && string(one) != "null" || string(one) == "null" {
			sight = "odd"
		}
		batch = append(batch, sight)
	}
	return batch
}

func wantSight(f fields, odd *bool) string {
	antenna, _ := f.whole("antenna", 0, 255, odd)
	number, _ := f.whole("eventNum", 0, math.MaxInt64, odd)
	reads, _ := f.whole("reads", 0, math.MaxInt64, odd)
	seen, _ := f.whole("seenCount", 0, math.MaxInt64, odd)
	rssi, hasRSSI := f.float("peakRssi", odd)
	mhz, hasMHz := f.float("channel", odd)
	phase, hasPhase := f.float("phase", odd)
	return fmt.Sprintf("%q %q %q %q %d %d %d %d %g %v %g %v %g %v", f.text("idHex", odd), f.text("EPCid", odd), f.text("EPC", odd),
		f.text("PC", odd), antenna, number, reads, seen, rssi, hasRSSI, mhz, hasMHz, phase, hasPhase)
}

func (e *zebraEvent) describe(doc json.RawMessage) string {
	said := fmt.Sprintf("%q %q %q %q", e.named, e.at, e.id, e.priority)
	if f, _ := asObject(doc); f["pin"] != nil || f["state"] != nil {
		said += fmt.Sprintf(" pin %d %q", e.pin, e.state)
	} else if data, _ := asObject(f["data"]); data["pin"] != nil || data["state"] != nil {
		said += fmt.Sprintf(" pin %d %q", e.pin, e.state)
	}
	said += fmt.Sprintf(" %q", e.message)
	var sights []string
	for _, t := range e.tags {
		if t.odd != nil {
			sights = append(sights, "odd")
			continue
		}
		sights = append(sights, fmt.Sprintf("%q %q %q %q %d %d %d %d %g %v %g %v %g %v", t.idHex, t.epcID, t.epc, t.pc, t.antenna,
			t.number, t.reads, t.seen, t.rssi, t.hasRSSI, t.mhz, t.hasMHz, t.phase, t.hasPhase))
	}
	return said + strings.Join(sights, "; ")
}

func FuzzZebraAgreesWithEncodingJSON(f *testing.F) {
	for _, in := range []string{
		`{"data":{"antenna":1,"eventNum":1759,"format":"epc","idHex":"112233","peakRssi":-53,"reads":387321,"channel":866.3,"phase":148.03,` +
			`"PC":"3400","accessResults":["READ-EPC-SUCCESS"]},"timestamp":"2023-04-03T21:50:16.699+0200","type":"SIMPLE"}`,
		`{"type":"BALANCED","data":{"tagData":[{"EPCid":"BEDD","seenCount":1,"eventNum":2},{"EPCid":7},null,{"EPC":"AA"}]}}`,
		`{"type":"GPI","pin":1,"state":"HIGH"}`, `{"component":"RG","data":{"pin":2,"state":"LOW"},"eventNum":9,"type":"gpi"}`,
		`{"type":"ALERT","id":"BATTERY","state":"SET","priority":"HIGH"}`, `[{"type":"error","data":{"message":"radio"}}]`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		docs, sound := reference(b)
		deep, twice := shape(b)
		if !sound || deep || twice || !utf8.Valid(b) {
			t.Skip("compared are texts that are sound and mean one thing")
		}
		i := 0
		var e zebraEvent // used again for each event, as the driver does
		err := walk(b, func(s *scanner) error {
			bad := e.scan(s)
			doc := docs[i]
			want := wantZebra(doc)
			i++
			switch {
			case want == "two kinds":
			case want == "no object":
				if !errors.Is(bad, errNoObject) {
					t.Errorf("%s: %v", doc, bad)
				}
			case (want == "odd") != (bad != nil):
				t.Errorf("%s: encoding/json finds it %s; the scanner says %v", doc, want, bad)
			case want != "odd" && e.describe(doc) != want:
				t.Errorf("%s is\n%s, want\n%s", doc, e.describe(doc), want)
			}
			return nil
		})
		if err != nil || i != len(docs) {
			t.Errorf("%d events of %d, %v", i, len(docs), err)
		}
	})
}
