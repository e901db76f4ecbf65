package mqttnode

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

// TasmotaMessage is what a Tasmota node says in one tele/…/SENSOR message.
type TasmotaMessage struct {
	Time    string // the node's clock; usually without a zone, so not a moment
	Values  []TasmotaValue
	Cards   []devices.Tag // cards that its PN532 or RC522 saw
	Unclear []string      // values that are there but are no numbers
}

// TasmotaValue is one value of one sensor of a node.
type TasmotaValue struct {
	Sensor string // the sensor's name in the payload, e.g. "DS18B20-1"; its number changes when a probe is added
	ID     string // the probe's own id where the node tells it: this one stays
	Field  catalog.Field
	Null   bool // the sensor gave no value
	Value  unit.Milli
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

// DecodeTasmota reads a payload by the fields of its model. Temperatures come in °C whatever TempUnit says. Any JSON
// object is a payload; one without sensors gives no values.
func DecodeTasmota(model catalog.Payload, b []byte) (TasmotaMessage, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(b, &top); err != nil {
		return TasmotaMessage{}, fmt.Errorf("payload is no JSON object: %w", err)
	}
	var m TasmotaMessage
	_ = json.Unmarshal(top["Time"], &m.Time) // a Time that is no text is no time
	var tempUnit string
	_ = json.Unmarshal(top["TempUnit"], &tempUnit)
	for _, sensor := range sortedKeys(top) {
		if slices.Contains(model.Ignore, sensor) {
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(top[sensor], &fields) != nil {
			continue // not a sensor: Time, TempUnit, Switch1, …
		}
		if err := m.addSensor(model, sensor, fields, tempUnit); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (m *TasmotaMessage) addSensor(model catalog.Payload, sensor string, fields map[string]json.RawMessage, tempUnit string) error {
	var id string
	_ = json.Unmarshal(fields["Id"], &id)
	if slices.Contains(cardReaders, sensor) {
		return m.addCard(sensor, fields["UID"])
	}
	for _, f := range model.Fields {
		raw, ok := fields[f.Field]
		if !ok {
			continue
		}
		number, null, err := numberOf(raw)
		if err == nil && f.Quantity == unit.Temperature && tempUnit == "F" {
			number = (number - 32) * 5 / 9
		}
		value, tooLarge := unit.MilliFromFloat(number * f.Factor())
		if err = errors.Join(err, tooLarge); err != nil {
			m.Unclear = append(m.Unclear, fmt.Sprintf("%s.%s: %v", sensor, f.Field, err))
			continue
		}
		m.Values = append(m.Values, TasmotaValue{Sensor: sensor, ID: id, Field: f, Null: null, Value: value})
	}
	return nil
}

func (m *TasmotaMessage) addCard(sensor string, raw json.RawMessage) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("%s gives no UID", sensor)
	}
	if len(text) > 2*devices.MaxTagBytes {
		return fmt.Errorf("%s gives a UID of %d digits", sensor, len(text))
	}
	uid, err := hex.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%s: UID %q is no hexadecimal", sensor, text)
	}
	tag, err := devices.NewTag(devices.TagUID, uid)
	if err != nil {
		return fmt.Errorf("%s: %w", sensor, err)
	}
	m.Cards = append(m.Cards, tag)
	return nil
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

// NewTasmota makes the driver of a Tasmota node that publishes its SENSOR messages to c.Topic.
func NewTasmota(c Tasmota) (*Listener, error) {
	model, err := c.Catalog.Payload("tasmota")
	if err != nil {
		return nil, err
	}
	return listen(c.Device, []string{c.Topic}, func(m Message, now time.Time) (report, error) {
		if m.Retained {
			return report{presence: mute}, nil // nobody knows how old it is
		}
		said, err := DecodeTasmota(model, m.Payload)
		if err != nil {
			return report{}, err
		}
		return c.report(said, now), nil
	})
}

func (c Tasmota) report(said TasmotaMessage, now time.Time) report {
	var r report
	at := c.deviceTime(said.Time)
	for _, v := range said.Values {
		s := devices.Sample{
			Device: c.ID, Channel: v.Channel(), Quantity: v.Field.Quantity, Value: v.Value, DeviceTime: at, HostTime: now,
		}
		if v.Null {
			s.Quality, s.Reason = devices.Sentinel, nullReason
		} else {
			s.Quality, s.Reason = c.Catalog.Judge(v.Sensor, v.Field, v.Value)
		}
		r.samples = append(r.samples, s)
	}
	for _, card := range said.Cards {
		r.reads = append(r.reads, devices.Read{Device: c.ID, Tag: card, ReaderTime: at, HostTime: now, Count: 1})
	}
	if len(said.Unclear) > 0 {
		r.lost, r.lostWhy = uint64(len(said.Unclear)), "values that are no numbers: "+strings.Join(said.Unclear, ", ")
	}
	return r
}

// nullReason is the reason of a value that is there as null.
const nullReason = "null"

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
