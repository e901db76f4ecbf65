package mqttnode

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

// The topics beneath a Shelly's own.
const (
	shellyEvents = "/events/rpc" // notifications
	shellyStatus = "/status/"    // the status of a component, where the device is set up to tell it
	shellyOnline = "/online"     // "true", and "false" by its will
)

// shellyFrame is a notification, an answer to Shelly.GetStatus, or the bare status.
type shellyFrame struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
}

// shelly is one device, of generation 2 and later. A notification tells what changed; what a component said before it holds on.
type shelly struct {
	device  string
	known   contacts
	errors  map[string][]string // of components, as last told
	sleeper bool                // it sleeps between its reports, and is no less well for being offline
}

// maxComponents bounds the components of which errors are kept.
const maxComponents = 256

// NewShelly makes the driver of a Shelly of generation 2, 3 or 4. d.Topic is the device's own topic, such as
// shellyplusht-b8d61a8b17cc, or one of those beneath it. An input of the device is high while its state is true; input:0 is
// port 1.
func NewShelly(d Device) (*Listener, error) {
	base := ShellyBase(d.Topic)
	filters := []string{base + shellyEvents}
	if strings.HasPrefix(d.Topic, base+shellyStatus) {
		filters[0] = base + shellyStatus + "#"
	}
	if d.Status == "" {
		filters = append(filters, base+shellyOnline)
	}
	s := &shelly{device: d.ID, known: contacts{}, errors: map[string][]string{}}
	return listen(d, filters, func(m Message, now time.Time) (report, error) {
		if m.Retained && !strings.HasSuffix(m.Topic, shellyOnline) {
			return report{presence: mute}, nil // nobody knows how old it is
		}
		return s.hear(m.Topic, m.Payload, now)
	})
}

// ShellyBase gives the device's own topic of one of its topics.
func ShellyBase(topic string) string {
	topic = strings.TrimSuffix(topic, shellyEvents)
	if i := strings.LastIndex(topic+"/", shellyStatus); i > 0 {
		return topic[:i]
	}
	return topic
}

func (s *shelly) hear(topic string, payload []byte, now time.Time) (report, error) {
	if strings.HasSuffix(topic, shellyOnline) {
		return report{presence: s.online(payload)}, nil
	}
	var r report
	if i := strings.LastIndex(topic, shellyStatus); i >= 0 {
		return r, s.component(&r, topic[i+len(shellyStatus):], payload, time.Time{}, now)
	}
	var f shellyFrame
	if err := json.Unmarshal(payload, &f); err != nil {
		return r, fmt.Errorf("message is no JSON object: %w", err)
	}
	switch {
	case f.Method == "NotifyEvent":
		return r, s.events(&r, f.Params, now)
	case f.Method == "NotifyStatus" || f.Method == "NotifyFullStatus":
		return r, s.status(&r, f.Params, now)
	case f.Method != "":
		return r, nil // a request of somebody
	case f.Result != nil:
		return r, s.status(&r, f.Result, now)
	}
	return r, s.status(&r, payload, now)
}

func (s *shelly) online(payload []byte) presence {
	switch strings.TrimSpace(string(payload)) {
	case "true":
		return online
	case "false":
		if s.sleeper {
			return mute
		}
		return offline
	}
	return parsePresence(payload)
}

// status reads a status: a member for each component.
func (s *shelly) status(r *report, raw json.RawMessage, now time.Time) error {
	parts, ok := membersOf(raw)
	if !ok {
		return fmt.Errorf("status %s is no JSON object", clip(raw))
	}
	var sys struct {
		Unixtime     *float64 `json:"unixtime"`
		WakeupPeriod float64  `json:"wakeup_period"`
	}
	_ = json.Unmarshal(parts["sys"], &sys) // where it does not fit it says nothing
	s.sleeper = s.sleeper || sys.WakeupPeriod > 0
	at := stampOf(parts["ts"])
	if at.IsZero() && sys.Unixtime != nil {
		at = unixTime(*sys.Unixtime)
	}
	for _, name := range sortedKeys(parts) {
		if err := s.component(r, name, parts[name], at, now); err != nil {
			r.lost++
			r.lostWhy = err.Error()
		}
	}
	return nil
}

// shellyField is one value of a component.
type shellyField struct {
	quantity unit.Quantity
	path     []string
	unit     string
}

// shellyFields are the values of the components by their kind; of several of one quantity the first that is there counts.
var shellyFields = map[string][]shellyField{
	"temperature": {{unit.Temperature, []string{"tC"}, ""}, {unit.Temperature, []string{"tF"}, "[degF]"}},
	"humidity":    {{unit.Humidity, []string{"rh"}, ""}},
	"illuminance": {{unit.Illuminance, []string{"lux"}, ""}},
	"voltmeter":   {{unit.Voltage, []string{"voltage"}, ""}},
	"devicepower": {{unit.Battery, []string{"battery", "percent"}, ""}, {unit.Voltage, []string{"battery", "V"}, ""}},
}

// component reads one component, such as "temperature:0". Components that measure nothing of the room say nothing.
func (s *shelly) component(r *report, name string, raw json.RawMessage, at, now time.Time) error {
	kind, number, _ := strings.Cut(name, ":")
	fields := shellyFields[kind]
	if fields == nil && kind != "input" {
		return nil
	}
	parts, ok := membersOf(raw)
	if !ok {
		return nil // null: the component is not there
	}
	id, err := strconv.ParseUint(number, 10, 8)
	if err != nil && number != "" {
		return fmt.Errorf("component %q has no number from 0 to 255", name)
	}
	if kind == "input" {
		return s.input(r, uint8(id), parts, at, now)
	}
	channel := strings.TrimPrefix(number, "0") // "" is the first of its kind, and the only one on most devices
	s.overlay(name, parts)
	sample := devices.Sample{Device: s.device, Channel: channel, DeviceTime: at, HostTime: now}
	return s.values(r, name, fields, parts, sample)
}

// overlay keeps what the component says of its errors.
func (s *shelly) overlay(name string, parts map[string]json.RawMessage) {
	raw, ok := parts["errors"]
	if !ok {
		return
	}
	var list []string
	_ = json.Unmarshal(raw, &list)
	if len(list) == 0 {
		delete(s.errors, name)
	} else if len(s.errors) < maxComponents {
		s.errors[name] = list
	}
}

func (s *shelly) values(r *report, name string, fields []shellyField, parts map[string]json.RawMessage, sample devices.Sample) error {
	_, told := parts["errors"]
	broken := s.errors[name]
	var done unit.Quantity
	for i, f := range fields {
		raw, there := follow(parts, f.path)
		if f.quantity == done || !there && !(told && len(broken) > 0 && i == 0) {
			continue
		}
		number, null := 0.0, true
		if there {
			var err error
			if number, null, err = numberOf(raw); err != nil {
				return fmt.Errorf("%s.%s %w", name, strings.Join(f.path, "."), err)
			}
		}
		if next := i + 1; null && next < len(fields) && fields[next].quantity == f.quantity {
			if raw, ok := follow(parts, fields[next].path); ok && string(raw) != "null" {
				continue // said in the other unit
			}
		}
		value, err := f.quantity.From(number, f.unit)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		sample.Quantity, sample.Value, done = f.quantity, value, f.quantity
		r.addShelly(sample, null, broken, noBattery(parts))
	}
	return nil
}

// addShelly adds a value; a component that has an error has no value, but one that it calls out of range.
func (r *report) addShelly(sample devices.Sample, null bool, broken []string, noBattery bool) {
	r.add(sample, null, func(v unit.Milli) (devices.Quality, string) {
		if noBattery {
			return devices.NoData, "no_battery"
		}
		if len(broken) > 0 {
			return devices.OutOfRange, broken[0]
		}
		return catalog.Usual(sample.Quantity).Judge(v)
	})
	if last := &r.samples[len(r.samples)-1]; null && len(broken) > 0 {
		last.Reason = broken[0]
	}
}

// noBattery reports whether a device works from the mains and what it says of a battery is of an empty compartment.
func noBattery(parts map[string]json.RawMessage) bool {
	external, ok := follow(parts, []string{"external", "present"})
	if !ok || string(external) != "true" {
		return false
	}
	raw, _ := follow(parts, []string{"battery", "V"})
	volts, null, err := numberOf(raw)
	return err == nil && (null || volts < 1)
}

func follow(parts map[string]json.RawMessage, path []string) (json.RawMessage, bool) {
	raw, ok := parts[path[0]]
	if !ok || len(path) == 1 {
		return raw, ok
	}
	inner, ok := membersOf(raw)
	if !ok {
		return nil, false
	}
	return follow(inner, path[1:])
}

// input reads the state of an input; a button's is null.
func (s *shelly) input(r *report, id uint8, parts map[string]json.RawMessage, at, now time.Time) error {
	var state *bool
	if json.Unmarshal(parts["state"], &state) == nil && state != nil && id < math.MaxUint8 {
		s.known.change(r, s.device, id+1, *state, at, now)
	}
	return nil
}

// events reads a NotifyEvent: what a button does, and that the device goes to sleep.
func (s *shelly) events(r *report, raw json.RawMessage, now time.Time) error {
	var params struct {
		TS     json.RawMessage `json:"ts"`
		Events []struct {
			Component string          `json:"component"`
			Event     string          `json:"event"`
			TS        json.RawMessage `json:"ts"`
		} `json:"events"`
	}
	if err := json.Unmarshal(raw, &params); err != nil {
		return fmt.Errorf("NotifyEvent cannot be read: %w", err)
	}
	for _, e := range params.Events {
		at := stampOf(e.TS)
		if at.IsZero() {
			at = stampOf(params.TS)
		}
		kind, number, _ := strings.Cut(e.Component, ":")
		id, err := strconv.ParseUint(number, 10, 8)
		switch {
		case kind == "input" && err == nil && id < math.MaxUint8 && (e.Event == "btn_down" || e.Event == "btn_up"):
			s.known.change(r, s.device, uint8(id)+1, e.Event == "btn_down", at, now)
		case kind == "sys" && e.Event == "sleep":
			s.sleeper = true
		}
		r.notices = append(r.notices, devices.Notice{Code: "event", Text: e.Component + " " + e.Event})
	}
	return nil
}

// DecodeShelly is the devices.Decoder of a Shelly's messages: notifications, the answer to Shelly.GetStatus, the topics online
// and status/COMPONENT.
func DecodeShelly(data []byte) ([]devices.Report, error) {
	s := &shelly{known: contacts{}, errors: map[string][]string{}}
	return decodeHeard(data, func(h heard) (report, error) {
		if h.topic == "" && len(h.payload) > 0 && h.payload[0] != '{' {
			return report{}, fmt.Errorf("message %s is no JSON object", clip(h.payload))
		}
		return s.hear(h.topic, h.payload, time.Time{})
	})
}

// ShellyReading is what a simulated Shelly H&T says when it wakes.
type ShellyReading struct {
	ID          string // e.g. "shellyplusht-b8d61a8b17cc"
	At          time.Time
	Temperature unit.Milli
	Humidity    unit.Milli
	Battery     unit.Milli // %
	Volts       unit.Milli
	Full        bool // NotifyFullStatus as after a sleep, else NotifyStatus with what changed
	NoSensor    bool // the sensor does not answer
}

// EncodeShelly writes a notification.
func EncodeShelly(s ShellyReading) ([]byte, error) {
	number := func(v unit.Milli) json.Number { return json.Number(v.String()) }
	tF := unit.Milli(math.Round(float64(s.Temperature)*9/5/100))*100 + 32_000
	temperature := map[string]any{"id": 0, "tC": number(s.Temperature), "tF": number(tF)}
	if s.NoSensor {
		temperature = map[string]any{"id": 0, "tC": nil, "tF": nil, "errors": []string{"read"}}
	}
	params := map[string]any{"ts": float64(s.At.UnixMilli()) / 1000, "temperature:0": temperature}
	method := "NotifyStatus"
	if s.Full {
		method = "NotifyFullStatus"
		params["humidity:0"] = map[string]any{"id": 0, "rh": number(s.Humidity)}
		params["devicepower:0"] = map[string]any{
			"id": 0, "battery": map[string]any{"V": number(s.Volts), "percent": number(s.Battery)}, "external": map[string]any{"present": false},
		}
		params["sys"] = map[string]any{"time": nil, "unixtime": nil, "wakeup_period": 600}
	}
	return json.Marshal(map[string]any{"src": s.ID, "dst": s.ID + "/events", "method": method, "params": params})
}
