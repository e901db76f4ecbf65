package mqttnode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

// TasmotaMessage is what a Tasmota node says in one tele/…/SENSOR message.
type TasmotaMessage struct {
	Time     string // the node's clock; usually without a zone, so not a moment
	Values   []TasmotaValue
	Cards    []TasmotaTag    // cards that its PN532 or RC522 saw
	Switches []TasmotaSwitch // in the order of their numbers
	Unclear  []string        // values that are there but are no numbers
}

// TasmotaValue is one value of one sensor of a node.
type TasmotaValue struct {
	Sensor string // the sensor's name in the payload, e.g. "DS18B20-1"; its number changes when a probe is added
	ID     string // the probe's own id where the node tells it: this one stays
	Field  catalog.Field
	Null   bool // the sensor gave no value
	Value  unit.Milli
}

// TasmotaSwitch is the state of an input that the node is set up to have as a switch, such as a door contact.
type TasmotaSwitch struct {
	Port uint8 // 1, 2, …
	On   bool
}

// Channel names the probe of a device: by its id, else by its name.
func (v TasmotaValue) Channel() string {
	if v.ID != "" {
		return v.ID
	}
	return v.Sensor
}

// cardReaders are the sensors whose UID is a card's.
var cardReaders = []string{"PN532", "RC522"}

// zigbeeBridge is the member that holds what the devices behind a node with a Zigbee radio say, each under its name. Other
// members whose names begin like it are the radio's own affairs, or values of unknown age.
const zigbeeBridge = "ZbReceived"

// tasmotaDepth is how deep the objects of sensors are looked into: StatusSNS, bridge, sensor, part of a sensor.
const tasmotaDepth = 4

// ParseTasmota reads a payload by the fields of its model: tele/…/SENSOR, and the same in a StatusSNS as a node answers the
// command Status 8 or 10. Temperatures come in °C and pressures in hPa whatever TempUnit and PressureUnit say. Any JSON object
// is a payload; one without sensors gives no values.
func ParseTasmota(model catalog.Payload, b []byte) (TasmotaMessage, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(b, &top); err != nil {
		return TasmotaMessage{}, fmt.Errorf("payload is no JSON object: %w", err)
	}
	if inner, ok := membersOf(top["StatusSNS"]); ok {
		top, b = inner, top["StatusSNS"]
	}
	p := tasmotaParser{model: model}
	_ = json.Unmarshal(top["Time"], &p.Time) // a Time that is no text is no time
	_ = json.Unmarshal(top["TempUnit"], &p.temperature)
	_ = json.Unmarshal(top["PressureUnit"], &p.pressure)
	for _, name := range sortedKeys(top) {
		p.member(name, top[name])
	}
	slices.SortFunc(p.Switches, func(a, b TasmotaSwitch) int { return int(a.Port) - int(b.Port) })
	var err error
	p.Cards, err = TasmotaTags(b)
	return p.TasmotaMessage, err
}

// tasmotaParser is a message that is being read.
type tasmotaParser struct {
	TasmotaMessage
	model       catalog.Payload
	temperature string // the unit; "" = °C
	pressure    string // the unit; "" = hPa
}

func (p *tasmotaParser) member(name string, raw json.RawMessage) {
	if port, ok := switchPort(name); ok {
		p.addSwitch(port, raw)
		return
	}
	if fields, ok := membersOf(raw); ok && !slices.Contains(cardReaders, name) {
		p.sensor(name, fields, 1)
	}
}

func (p *tasmotaParser) sensor(name string, fields map[string]json.RawMessage, depth int) {
	bridge := name == zigbeeBridge
	if slices.Contains(p.model.Ignore, name) || depth > tasmotaDepth || strings.HasPrefix(name, "Zb") && !bridge {
		return
	}
	if !bridge {
		p.values(name, fields)
	}
	for _, part := range sortedKeys(fields) {
		inner, ok := membersOf(fields[part])
		switch {
		case ok && bridge:
			_ = json.Unmarshal(inner["Name"], &part) // as its owner calls it
			p.sensor(part, inner, depth+1)
		case ok:
			p.sensor(name+"."+part, inner, depth+1)
		}
	}
}

func (p *tasmotaParser) values(sensor string, fields map[string]json.RawMessage) {
	var id string
	_ = json.Unmarshal(fields["Id"], &id)
	var seen []unit.Quantity
	for _, f := range p.model.Fields {
		raw, ok := fields[f.Field]
		if !ok || slices.Contains(seen, f.Quantity) {
			continue
		}
		seen = append(seen, f.Quantity)
		number, null, err := numberOf(raw)
		value, bad := f.Quantity.From(number*f.Factor(), p.unit(f.Quantity))
		if err = errors.Join(err, bad); err != nil {
			p.Unclear = append(p.Unclear, fmt.Sprintf("%s.%s: %v", sensor, f.Field, err))
			continue
		}
		p.Values = append(p.Values, TasmotaValue{Sensor: sensor, ID: id, Field: f, Null: null, Value: value})
	}
}

// unit gives the unit in which the node writes a quantity.
func (p *tasmotaParser) unit(q unit.Quantity) string {
	switch q {
	case unit.Temperature:
		return p.temperature
	case unit.Pressure:
		return p.pressure
	}
	return ""
}

// addSwitch reads "ON", and {"Action":"ON"} as a node says it at once when a switch changes. Other actions, such as TOGGLE,
// are no state.
func (p *tasmotaParser) addSwitch(port uint8, raw json.RawMessage) {
	var word string
	if fields, ok := membersOf(raw); ok {
		raw = fields["Action"]
	}
	_ = json.Unmarshal(raw, &word)
	if word == "ON" || word == "OFF" {
		p.Switches = append(p.Switches, TasmotaSwitch{port, word == "ON"})
	}
}

// switchPort reads "Switch1".
func switchPort(name string) (uint8, bool) {
	digits, ok := strings.CutPrefix(name, "Switch")
	n, err := strconv.ParseUint(digits, 10, 8)
	return uint8(n), ok && err == nil && n > 0
}

// membersOf reads a JSON object; not ok where it is something else.
func membersOf(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	var fields map[string]json.RawMessage
	return fields, json.Unmarshal(raw, &fields) == nil
}

// numberOf reads a JSON number, a number as text, or null.
func numberOf(raw json.RawMessage) (v float64, null bool, err error) {
	if bytes.Equal(raw, []byte("null")) {
		return 0, true, nil
	}
	raw = bytes.Trim(raw, `"`)
	if err := json.Unmarshal(raw, &v); err != nil {
		return 0, false, errors.New("is no number")
	}
	return v, false, nil
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TasmotaProbe is what a simulated node says of one sensor: for a DS18B20 its Id and Temperature.
type TasmotaProbe struct {
	Name   string
	ID     string
	Values map[string]unit.Milli // by field, e.g. "Temperature"
}

// EncodeTasmota writes a SENSOR payload in °C. at is written as the node does, without a zone.
func EncodeTasmota(at time.Time, probes ...TasmotaProbe) ([]byte, error) {
	top := map[string]any{"Time": at.Format("2006-01-02T15:04:05"), "TempUnit": "C"}
	for _, p := range probes {
		fields := map[string]any{}
		if p.ID != "" {
			fields["Id"] = p.ID
		}
		for name, v := range p.Values {
			fields[name] = json.Number(v.String())
		}
		top[p.Name] = fields
	}
	return json.Marshal(top)
}

// Tasmota is what the driver of a Tasmota node needs beside Device.
type Tasmota struct {
	Device
	Catalog *catalog.Catalog
	Zone    *time.Location // the zone of the node's clock; nil = not known, so DeviceTime stays empty
}

// NewTasmota makes the driver of a Tasmota node that publishes its SENSOR messages to c.Topic, and, where c.Events is set, what
// its switches do there at once, as on stat/…/RESULT. A switch that is ON is an input that is high.
func NewTasmota(c Tasmota) (*Listener, error) {
	model, err := c.Catalog.Payload("tasmota")
	if err != nil {
		return nil, err
	}
	known := contacts{}
	return listen(c.Device, []string{c.Topic}, func(m Message, now time.Time) (report, error) {
		if m.Retained {
			return report{presence: mute}, nil // nobody knows how old it is
		}
		said, err := ParseTasmota(model, m.Payload)
		return c.report(said, known, now), err
	})
}

// DecodeTasmota is the devices.Decoder of Tasmota's sensors, switches and cards. A node's time has no zone, so DeviceTime is
// empty unless the payload writes one.
func DecodeTasmota(data []byte) ([]devices.Report, error) {
	models, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	model, err := models.Payload("tasmota")
	if err != nil {
		return nil, err
	}
	node := Tasmota{Catalog: models}
	return decodeHeard(data, func(h heard) (report, error) {
		if p := parsePresence(h.payload); p != mute && (h.topic == "" || strings.HasSuffix(h.topic, "/LWT")) {
			return report{presence: p}, nil
		}
		said, err := ParseTasmota(model, h.payload)
		return node.report(said, contacts{}, time.Time{}), err
	})
}

func (c Tasmota) report(said TasmotaMessage, known contacts, now time.Time) report {
	var r report
	at := c.deviceTime(said.Time)
	for _, v := range said.Values {
		r.add(devices.Sample{
			Device: c.ID, Channel: v.Channel(), Quantity: v.Field.Quantity, Value: v.Value, DeviceTime: at, HostTime: now,
		}, v.Null, func(value unit.Milli) (devices.Quality, string) { return c.Catalog.Judge(v.Sensor, v.Field, value) })
	}
	for _, card := range said.Cards {
		r.reads = append(r.reads, devices.Read{Device: c.ID, Tag: card.Tag, Text: card.Text, ReaderTime: at, HostTime: now, Count: 1})
	}
	for _, s := range said.Switches {
		known.change(&r, c.ID, s.Port, s.On, at, now)
	}
	r.unclear(said.Unclear)
	return r
}

// deviceTime reads the node's time: as it is written where it has a zone, else in the node's.
func (c Tasmota) deviceTime(s string) time.Time {
	if t := deviceTime(s); !t.IsZero() || c.Zone == nil {
		return t
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05", s, c.Zone)
	if err != nil || t.Before(oldest) {
		return time.Time{}
	}
	return t.UTC()
}
