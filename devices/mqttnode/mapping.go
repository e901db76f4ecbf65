package mqttnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/formula"
	"github.com/tallydock/tallydock/devices/unit"
)

// What a Mapping reads at most: a sensor's message is short.
const (
	maxMapped   = 256 << 10 // bytes of a message
	maxElements = 1000      // of a list in it
)

// Mapping reads JSON messages by the formulas of a model.
type Mapping struct {
	when, each, channel, historical, stamp formula.Formula
	format                                 string
	zone                                   *time.Location
	outputs                                []mappedOutput
}

type mappedOutput struct {
	catalog.Output
	limits         catalog.Range
	value, channel formula.Formula
}

// MappedMessage is what one message says.
type MappedMessage struct {
	Values  []MappedValue
	Unclear []string // values that are there but are not what they should be
}

// MappedValue is one value: a Sample's, or the state of an input.
type MappedValue struct {
	Output     catalog.Output
	Channel    string
	Value      unit.Milli
	High       bool // of an input
	Null       bool // the message says that there is no value
	Quality    devices.Quality
	Reason     string
	At         time.Time // the device's clock; zero where it does not say
	Historical bool
}

// NewMapping prepares a model. zone is where the device's clock is, for times without one; nil = such times are not known.
func NewMapping(model catalog.Mapping, zone *time.Location) (*Mapping, error) {
	if err := model.Check("mapping"); err != nil {
		return nil, err
	}
	m := &Mapping{format: model.Time.Format, zone: zone}
	for target, source := range map[*formula.Formula]string{
		&m.when: model.When, &m.each: model.Each, &m.channel: model.Channel, &m.historical: model.Historical, &m.stamp: model.Time.Value,
	} {
		if source == "" {
			continue
		}
		var err error
		if *target, err = formula.Compile(source); err != nil {
			return nil, err
		}
	}
	for _, o := range model.Outputs {
		out := mappedOutput{Output: o, limits: o.Limits(), channel: m.channel}
		var err error
		if out.value, err = formula.Compile(o.Value); err != nil {
			return nil, err
		}
		if o.Channel != "" {
			if out.channel, err = formula.Compile(o.Channel); err != nil {
				return nil, err
			}
		}
		m.outputs = append(m.outputs, out)
	}
	return m, nil
}

// Parse reads one message. It fails where that is no JSON, too long, or a formula about all of it goes wrong.
func (m *Mapping) Parse(topic string, payload []byte) (MappedMessage, error) {
	var said MappedMessage
	if len(payload) > maxMapped {
		return said, fmt.Errorf("message has %d bytes; at most %d are read", len(payload), maxMapped)
	}
	var root any
	if err := json.Unmarshal(payload, &root); err != nil {
		return said, fmt.Errorf("message is no JSON: %w", err)
	}
	whole := formula.Of(root, root, topic)
	if is, err := m.wanted(whole); err != nil || !is {
		return said, err
	}
	elements := []any{root}
	if !m.each.IsZero() {
		v, err := m.each.Eval(whole)
		if err != nil || v.Absent() || v.Null() {
			return said, err
		}
		if elements, err = v.List(); err != nil {
			return said, fmt.Errorf("each: %w", err)
		}
		if len(elements) > maxElements {
			return said, fmt.Errorf("each: %d elements; at most %d are read", len(elements), maxElements)
		}
	}
	for _, e := range elements {
		m.element(&said, formula.Of(e, root, topic))
	}
	return said, nil
}

func (m *Mapping) wanted(whole formula.Scope) (bool, error) {
	if m.when.IsZero() {
		return true, nil
	}
	v, err := m.when.Eval(whole)
	if err != nil || v.Absent() || v.Null() {
		return false, err
	}
	is, err := v.Bool()
	if err != nil {
		err = fmt.Errorf("when: %w", err)
	}
	return is, err
}

func (m *Mapping) element(said *MappedMessage, scope formula.Scope) {
	at, err := m.time(scope)
	if err != nil {
		said.Unclear = append(said.Unclear, err.Error())
	}
	historical := false
	if v, err := m.historical.Eval(scope); err == nil && !v.Absent() && !v.Null() {
		historical, _ = v.Bool()
	}
	for _, o := range m.outputs {
		v, ok, err := o.read(scope)
		if err != nil {
			said.Unclear = append(said.Unclear, err.Error())
		} else if ok {
			v.At, v.Historical = at, historical
			said.Values = append(said.Values, v)
		}
	}
}

// read evaluates one output; not ok where the message says nothing of it.
func (o mappedOutput) read(scope formula.Scope) (v MappedValue, ok bool, err error) {
	got, err := o.value.Eval(scope)
	if err != nil || got.Absent() {
		return v, false, err
	}
	v.Output, v.Null = o.Output, got.Null()
	channel, err := o.channel.Eval(scope)
	if err != nil {
		return v, false, err
	}
	v.Channel = channel.Text()
	switch {
	case o.Input > 0 && v.Null:
		return v, false, nil
	case o.Input > 0:
		v.High, err = got.Bool()
	case v.Null:
		v.Quality, v.Reason = devices.NoData, nullReason
	default:
		var number float64
		if number, err = got.Number(); err == nil {
			v.Value, err = o.Quantity.From(number, o.Unit)
		}
		v.Quality, v.Reason = o.limits.Judge(v.Value)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", o.Output.Value, err)
	}
	return v, err == nil, err
}

// time reads the device's clock. A text without a zone is in the model's.
func (m *Mapping) time(scope formula.Scope) (time.Time, error) {
	v, err := m.stamp.Eval(scope)
	if err != nil || v.Absent() || v.Null() {
		return time.Time{}, err
	}
	number, bad := v.Number()
	switch m.format {
	case "":
		if bad == nil {
			return unixTime(number), nil
		}
		return deviceTime(v.Text()), nil
	case "rfc3339":
		return deviceTime(v.Text()), nil
	case "unix":
		return unixTime(number), bad
	case "unix_ms":
		return unixTime(number / 1000), bad
	}
	return m.layout(v.Text())
}

// layout reads a text by a layout. One without a zone is a moment only where the zone of the device's clock is known.
func (m *Mapping) layout(text string) (time.Time, error) {
	zone := m.zone
	if zone == nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(m.format, text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %.40q is not written as %q", text, m.format)
	}
	if m.zone == nil { // a text without a zone is another moment elsewhere
		other, err := time.ParseInLocation(m.format, text, time.FixedZone("elsewhere", 3600))
		if err != nil || !other.Equal(t) {
			return time.Time{}, nil
		}
	}
	return stampOrZero(t.UTC()), nil
}

// NewJSON makes the driver of a device that publishes JSON to d.Topic, which may be a filter.
func NewJSON(d Device, m *Mapping) (*Listener, error) {
	if m == nil {
		return nil, errors.New("driver json needs a model or the options that say where the values are")
	}
	known := contacts{}
	return listen(d, []string{d.Topic}, func(msg Message, now time.Time) (report, error) {
		if msg.Retained {
			return report{presence: mute}, nil // nobody knows how old it is
		}
		said, err := m.Parse(msg.Topic, msg.Payload)
		return said.report(d.ID, known, now), err
	})
}

func (said MappedMessage) report(device string, known contacts, now time.Time) report {
	var r report
	for _, v := range said.Values {
		if v.Output.Input > 0 {
			known.change(&r, device, v.Output.Input, v.High, v.At, now)
			continue
		}
		r.samples = append(r.samples, devices.Sample{
			Device: device, Channel: v.Channel, Quantity: v.Output.Quantity, Value: v.Value, Quality: v.Quality, Reason: v.Reason,
			DeviceTime: v.At, HostTime: now, Historical: v.Historical,
		})
	}
	r.unclear(said.Unclear)
	return r
}

// DecodeJSON makes the devices.Decoder of a model.
func DecodeJSON(m *Mapping) devices.Decoder {
	return func(data []byte) ([]devices.Report, error) {
		return decodeHeard(data, func(h heard) (report, error) {
			said, err := m.Parse(h.topic, h.payload)
			return said.report("", contacts{}, time.Time{}), err
		})
	}
}
