package mqttnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

// ZigbeeMessage is what Zigbee2MQTT says of one device in one message.
type ZigbeeMessage struct {
	LastSeen time.Time // zero where it does not say, or its clock was not set
	Values   []ZigbeeValue
	Unclear  []string // values that are there but are no numbers
}

// ZigbeeValue is one value of a device.
type ZigbeeValue struct {
	Field catalog.Field
	Null  bool // not known: the device has not said it since the bridge started
	Value unit.Milli
}

// DecodeZigbee reads a state payload by the fields of its model. Any JSON object is a payload; a lamp's gives no values.
func DecodeZigbee(model catalog.Payload, b []byte) (ZigbeeMessage, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(b, &top); err != nil {
		return ZigbeeMessage{}, fmt.Errorf("payload is no JSON object: %w", err)
	}
	m := ZigbeeMessage{LastSeen: lastSeen(top["last_seen"])}
	for _, f := range model.Fields {
		raw, ok := top[f.Field]
		if !ok {
			continue
		}
		number, null, err := numberOf(raw)
		value, tooLarge := unit.MilliFromFloat(number * f.Factor())
		if err = errors.Join(err, tooLarge); err != nil {
			m.Unclear = append(m.Unclear, fmt.Sprintf("%s: %v", f.Field, err))
			continue
		}
		m.Values = append(m.Values, ZigbeeValue{Field: f, Null: null, Value: value})
	}
	return m, nil
}

// lastSeen reads ISO 8601 text or milliseconds since 1970, as the bridge is set up to write them.
func lastSeen(raw json.RawMessage) time.Time {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return deviceTime(text)
	}
	var ms float64
	if json.Unmarshal(raw, &ms) == nil && ms > 0 && ms < math.MaxInt32*1000 {
		if t := time.UnixMilli(int64(ms)).UTC(); t.After(oldest) {
			return t
		}
	}
	return time.Time{}
}

// NewZigbee makes the driver of a Zigbee2MQTT device that is published at d.Topic, with its availability beneath it. A
// topic that ends with "/#" or "/+" is a whole bridge: the channel of a sample is then the device's topic under it.
func NewZigbee(d Device, c *catalog.Catalog) (*Listener, error) {
	model, err := c.Payload("zigbee2mqtt")
	if err != nil {
		return nil, err
	}
	base, bridge := bridgeBase(d.Topic)
	filters := []string{d.Topic}
	if !bridge && d.Status == "" {
		filters = append(filters, d.Topic+"/availability")
	}
	return listen(d, filters, func(m Message, now time.Time) (report, error) {
		channel := ""
		if bridge {
			channel = strings.TrimPrefix(m.Topic, base)
		}
		return zigbeeReport(d.ID, channel, bridge, model, m, now)
	})
}

func bridgeBase(topic string) (base string, bridge bool) {
	for _, wild := range []string{"#", "+"} {
		if base, ok := strings.CutSuffix(topic, wild); ok {
			return base, true
		}
	}
	return topic, false
}

func zigbeeReport(device, channel string, bridge bool, model catalog.Payload, m Message, now time.Time) (report, error) {
	switch {
	case strings.HasSuffix(m.Topic, "/availability"):
		if bridge {
			return report{presence: mute}, nil // one device of many
		}
		return report{presence: parsePresence(m.Payload)}, nil
	case strings.HasSuffix(m.Topic, "/bridge/state") && bridge:
		return report{presence: parsePresence(m.Payload)}, nil
	case strings.HasPrefix(channel, "bridge/"), m.Retained:
		return report{presence: mute}, nil // the bridge's own affairs, or of unknown age
	}
	said, err := DecodeZigbee(model, m.Payload)
	if err != nil {
		return report{}, err
	}
	var r report
	for _, v := range said.Values {
		s := devices.Sample{
			Device: device, Channel: channel, Quantity: v.Field.Quantity, Value: v.Value, DeviceTime: said.LastSeen, HostTime: now,
		}
		if v.Null {
			s.Quality, s.Reason = devices.Sentinel, nullReason
		} else {
			s.Quality, s.Reason = v.Field.Judge(v.Value)
		}
		r.samples = append(r.samples, s)
	}
	if len(said.Unclear) > 0 {
		r.lost, r.lostWhy = uint64(len(said.Unclear)), "values that are no numbers: "+strings.Join(said.Unclear, ", ")
	}
	return r, nil
}
