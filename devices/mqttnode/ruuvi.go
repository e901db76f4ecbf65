package mqttnode

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/ruuvi"
	"github.com/tallydock/tallydock/devices/unit"
)

// RuuviMessage is one sighting of one tag, as a Ruuvi Gateway publishes it on ruuvi/GATEWAY/TAG.
type RuuviMessage struct {
	Tag    string    // the tag's address, "F4:1F:0C:28:CB:D6", as far as it is known
	At     time.Time // when the gateway heard it; zero where it does not say
	Report ruuvi.Report
}

// ruuviSighting is a sighting in JSON. The gateway writes its numbers as texts or as numbers.
type ruuviSighting struct {
	Data        string          `json:"data"`
	TS          json.RawMessage `json:"ts"`
	Timestamp   json.RawMessage `json:"timestamp"` // in the history
	ID          string          `json:"id"`
	Format      json.RawMessage `json:"dataFormat"`
	Temperature json.RawMessage `json:"temperature"`
	Humidity    json.RawMessage `json:"humidity"`
	Pressure    json.RawMessage `json:"pressure"` // Pa
	Voltage     json.RawMessage `json:"voltage"`
	Sequence    json.RawMessage `json:"measurementSequenceNumber"`
}

// ParseRuuvi reads a payload: one sighting, or the gateway's history {"data":{"tags":{TAG:…}}}. topic is where it came from, or
// "". What the tag sent counts before what the gateway made of it. A sighting of another maker's beacon gives nothing.
func ParseRuuvi(topic string, b []byte) ([]RuuviMessage, error) {
	top, ok := membersOf(b)
	if !ok {
		return nil, fmt.Errorf("payload %s is no JSON object", clip(b))
	}
	if history, ok := membersOf(top["data"]); ok {
		return ruuviHistory(history)
	}
	m, err := parseSighting(tagOfTopic(topic), b)
	if errors.Is(err, ruuvi.ErrOther) {
		return nil, nil
	}
	return []RuuviMessage{m}, err
}

func ruuviHistory(history map[string]json.RawMessage) ([]RuuviMessage, error) {
	tags, ok := membersOf(history["tags"])
	if !ok {
		return nil, errors.New("the gateway's history has no tags")
	}
	var list []RuuviMessage
	var errs error
	for _, tag := range sortedKeys(tags) {
		m, err := parseSighting(tag, tags[tag])
		switch {
		case errors.Is(err, ruuvi.ErrOther):
		case err != nil:
			errs = errors.Join(errs, fmt.Errorf("tag %s: %w", tag, err))
		default:
			list = append(list, m)
		}
	}
	return list, errs
}

func parseSighting(tag string, b []byte) (RuuviMessage, error) {
	var s ruuviSighting
	if err := json.Unmarshal(b, &s); err != nil {
		return RuuviMessage{}, fmt.Errorf("sighting cannot be read: %w", err)
	}
	m := RuuviMessage{At: stampOf(s.TS)}
	if m.At.IsZero() {
		m.At = stampOf(s.Timestamp)
	}
	var err error
	if s.Data == "" {
		m.Report, err = s.decoded()
	} else {
		var advert []byte
		if advert, err = hex.DecodeString(s.Data); err == nil {
			m.Report, err = ruuvi.Decode(advert)
		}
	}
	m.Tag = addressOf(m.Report.MAC, s.ID, tag)
	return m, err
}

// addressOf takes the longest of what is known of a tag's address.
func addressOf(known ...string) string {
	best := ""
	for _, a := range known {
		if len(a) > len(best) {
			best = a
		}
	}
	return strings.ToUpper(best)
}

// tagOfTopic gives the last level of a topic where it is an address.
func tagOfTopic(topic string) string {
	last := topic[strings.LastIndexByte(topic, '/')+1:]
	if b, err := hex.DecodeString(strings.ReplaceAll(last, ":", "")); err != nil || len(b) != 6 {
		return ""
	}
	return last
}

func stampOf(raw json.RawMessage) time.Time {
	if v, null, err := numberOf(raw); err == nil && !null {
		return unixTime(v)
	}
	return time.Time{}
}

// decoded reads what the gateway made of an advertisement that it does not pass on.
func (s ruuviSighting) decoded() (ruuvi.Report, error) {
	format, _, err := numberOf(s.Format)
	if err != nil || !(format >= 0 && format <= 255) {
		return ruuvi.Report{}, errors.New("sighting has neither data nor dataFormat")
	}
	r := ruuvi.Report{Format: byte(format)}
	for _, f := range []struct {
		quantity unit.Quantity
		raw      json.RawMessage
		unit     string
	}{
		{unit.Temperature, s.Temperature, ""},
		{unit.Humidity, s.Humidity, ""},
		{unit.Pressure, s.Pressure, "Pa"},
		{unit.Voltage, s.Voltage, ""},
	} {
		if f.raw == nil {
			continue
		}
		number, null, err := numberOf(f.raw)
		value, bad := f.quantity.From(number, f.unit)
		if err = errors.Join(err, bad); err != nil {
			return r, fmt.Errorf("%s: %w", f.quantity, err)
		}
		r.Values = append(r.Values, ruuvi.Value{Quantity: f.quantity, Value: value, Missing: null})
	}
	if n, null, err := numberOf(s.Sequence); err == nil && !null && n >= 0 && n < 1<<24 {
		r.Sequence, r.HasSequence, r.SequenceSpan = uint32(n), true, 1<<24-1
	}
	return r, nil
}

// ruuviLimits are what the sensors of the tags can measure; other quantities have the usual limits.
var ruuviLimits = map[unit.Quantity]catalog.Range{
	unit.Temperature: {Min: -55_000, Max: 125_000}, unit.Humidity: {Max: 100_000}, unit.Pressure: {Min: 300_000, Max: 1_155_350},
	unit.Voltage: {Min: 1_600, Max: 3_646},
}

func judgeRuuvi(q unit.Quantity) judgement {
	if r, ok := ruuviLimits[q]; ok {
		return r.Judge
	}
	return catalog.Usual(q).Judge
}

// Ruuvi is what the driver of Ruuvi tags needs beside Device.
type Ruuvi struct {
	Device
	Tag string // the address of the one tag that is meant; "" = all that are heard
}

// gatewayStatus is the last level of the topic on which a Ruuvi Gateway tells of its presence.
const gatewayStatus = "/gw_status"

// NewRuuvi makes the driver of the tags that a Ruuvi Gateway hears, at ruuvi/GATEWAY/#, or that several do, at ruuvi/+/TAG with
// their presence at Status ruuvi/+/gw_status. The channel of a sample is the tag's address. What two gateways hear of one
// measurement comes once; that one of several gateways is gone is a trouble, that all are is the end.
func NewRuuvi(c Ruuvi) (*Listener, error) {
	heard, gateways := ruuviMemory{tags: map[string]*ruuviTag{}}, map[string]bool{}
	filters, status := []string{c.Topic}, c.Status
	if status != "" {
		filters = append(filters, status)
		c.Status = "" // it is read here
	}
	return listen(c.Device, filters, func(m Message, now time.Time) (report, error) {
		if strings.HasSuffix(m.Topic, gatewayStatus) || status != "" && Matches(status, m.Topic) {
			return gatewayPresence(gateways, m), nil
		}
		if m.Retained {
			return report{presence: mute}, nil // nobody knows how old it is
		}
		said, err := ParseRuuvi(m.Topic, m.Payload)
		var r report
		for _, s := range said {
			if (c.Tag == "" || strings.EqualFold(c.Tag, s.Tag)) && heard.isNew(s, now) {
				r.addRuuvi(c.ID, s, now)
			}
		}
		return r, err
	})
}

// gatewayPresence notes what a gateway, or its will, says of its presence.
func gatewayPresence(gateways map[string]bool, m Message) report {
	p := parsePresence(m.Payload)
	if p == mute || len(gateways) >= ruuviTags {
		return report{presence: mute}
	}
	gateways[m.Topic] = p == online
	of := trouble{name: m.Topic}
	if p == online {
		return report{presence: online, troubles: []trouble{of}}
	}
	of.why = fmt.Sprintf("gateway %s is gone; check its power and network", strings.TrimSuffix(m.Topic, gatewayStatus))
	for _, there := range gateways {
		if there {
			p = mute
		}
	}
	return report{presence: p, troubles: []trouble{of}}
}

func (r *report) addRuuvi(device string, m RuuviMessage, now time.Time) {
	for _, v := range m.Report.Values {
		r.add(devices.Sample{
			Device: device, Channel: m.Tag, Quantity: v.Quantity, Value: v.Value, DeviceTime: m.At, HostTime: now,
		}, v.Missing, judgeRuuvi(v.Quantity))
	}
}

// What a ruuviMemory keeps at most.
const (
	ruuviTags         = 1000
	ruuviMeasurements = 128 // of one tag: so far may one gateway lag behind another; half of format 6's numbers
)

// extendedHolds is how long after an E1 advertisement one of format 6 of the same tag is superfluous.
const extendedHolds = time.Minute

// ruuviMemory finds the measurements that were heard before.
type ruuviMemory struct{ tags map[string]*ruuviTag }

type ruuviTag struct {
	extended time.Time // when it was last heard in format E1
	last     [ruuviMeasurements]measurement
	next     int
}

// measurement is what tells one of a tag's measurements from the others; a tag that starts anew counts from 0 again.
type measurement struct {
	format   byte
	sequence uint32
	values   uint64 // a hash of them
}

func measurementOf(r ruuvi.Report) measurement {
	h := fnv.New64a()
	for _, v := range r.Values {
		_, _ = fmt.Fprintln(h, v.Quantity, int64(v.Value), v.Missing) // a hash takes everything
	}
	return measurement{r.Format, r.Sequence, h.Sum64()}
}

// isNew tells whether a sighting is of a measurement that was not heard yet. Measurements without a number always are.
func (mem *ruuviMemory) isNew(m RuuviMessage, now time.Time) bool {
	key := m.Tag[max(len(m.Tag)-len("28:CB:D6"), 0):] // what format 6 and the others have in common
	t := mem.tags[key]
	if t == nil {
		if len(mem.tags) >= ruuviTags {
			clear(mem.tags)
		}
		t = &ruuviTag{}
		mem.tags[key] = t
	}
	switch m.Report.Format {
	case ruuvi.FormatE1:
		t.extended = now
	case ruuvi.Format6:
		if !t.extended.IsZero() && now.Sub(t.extended) < extendedHolds {
			return false
		}
	}
	if !m.Report.HasSequence {
		return true
	}
	this := measurementOf(m.Report)
	if slices.Contains(t.last[:min(t.next, ruuviMeasurements)], this) {
		return false
	}
	t.last[t.next%ruuviMeasurements] = this
	t.next++
	return true
}

// DecodeRuuvi is the devices.Decoder of Ruuvi's advertisements: messages of a Ruuvi Gateway; lines of hexadecimal digits, or
// bytes, of an advertisement, of the manufacturer's data in it, or of the payload in that.
func DecodeRuuvi(data []byte) ([]devices.Report, error) {
	if text := bytes.TrimSpace(data); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return decodeHeard(data, decodeRuuviMessage)
	}
	var reports []devices.Report
	adverts, err := adverts(data)
	for _, b := range adverts {
		r, bad := ruuvi.Decode(b)
		switch {
		case errors.Is(bad, ruuvi.ErrOther):
			reports = append(reports, notice("other", "%s", bad))
		case bad != nil:
			return reports, bad
		default:
			reports = append(reports, ruuviReports(RuuviMessage{Tag: r.MAC, Report: r})...)
		}
	}
	return reports, err
}

func decodeRuuviMessage(h heard) (report, error) {
	if strings.HasSuffix(h.topic, gatewayStatus) {
		return report{presence: parsePresence(h.payload)}, nil
	}
	said, err := ParseRuuvi(h.topic, h.payload)
	var r report
	for _, m := range said {
		r.addRuuvi("", m, time.Time{})
		r.notices = append(r.notices, ruuviNotice(m))
	}
	return r, err
}

func ruuviReports(m RuuviMessage) []devices.Report {
	var r report
	r.addRuuvi("", m, time.Time{})
	r.notices = []devices.Notice{ruuviNotice(m)}
	return r.list()
}

// ruuviNotice tells what of a sighting is no Sample.
func ruuviNotice(m RuuviMessage) devices.Notice {
	r := m.Report
	parts := []string{fmt.Sprintf("format %X", r.Format)}
	if m.Tag != "" {
		parts = append(parts, "address "+m.Tag)
	}
	if r.HasSequence {
		parts = append(parts, fmt.Sprintf("measurement %d", r.Sequence))
	}
	if r.HasMovements {
		parts = append(parts, fmt.Sprintf("movements %d", r.Movements))
	}
	if r.HasTxPower {
		parts = append(parts, "transmit power "+r.TxPower.String())
	}
	if a := r.Acceleration; a != nil {
		parts = append(parts, fmt.Sprintf("acceleration %s %s %s g", unit.Milli(a.X), unit.Milli(a.Y), unit.Milli(a.Z)))
	}
	if r.Calibrating {
		parts = append(parts, "the air's sensors are being calibrated")
	}
	return devices.Notice{Code: "tag", Text: strings.Join(parts, ", ")}
}

// adverts takes lines of hexadecimal digits apart, with "#" before a remark; bytes that are no such text are one advertisement.
func adverts(data []byte) ([][]byte, error) {
	if bytes.ContainsFunc(data, func(c rune) bool { return c < '\t' || c > '~' }) {
		return [][]byte{data}, nil
	}
	var list [][]byte
	for i, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.NewReplacer(" ", "", ":", "", "\r", "", "\t", "").Replace(strings.TrimPrefix(line, "0x"))
		if line == "" {
			continue
		}
		b, err := hex.DecodeString(line)
		if err != nil {
			return list, fmt.Errorf("line %d is neither JSON nor hexadecimal: %w", i+1, err)
		}
		list = append(list, b)
	}
	if len(list) == 0 {
		return nil, errors.New("there is no advertisement")
	}
	return list, nil
}
