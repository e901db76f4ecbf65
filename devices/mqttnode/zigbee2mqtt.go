package mqttnode

import (
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

// ZigbeeMessage is what Zigbee2MQTT says of one device in one message.
type ZigbeeMessage struct {
	LastSeen time.Time // zero where it does not say, or its clock was not set
	Values   []ZigbeeValue
	Contact  *bool    // whether a door's contact is closed; nil where it does not say
	Unclear  []string // values that are there but are no numbers
}

// ZigbeeValue is one value of a device.
type ZigbeeValue struct {
	Field catalog.Field
	Null  bool // not known: the device has not said it since the bridge started
	Value unit.Milli
}

// ParseZigbee reads a state payload by the fields of its model; of several of one quantity the first counts. Any JSON object is a payload; a lamp's gives no values.
func ParseZigbee(model catalog.Payload, b []byte) (ZigbeeMessage, error) {
	top, ok := membersOf(b)
	if !ok {
		return ZigbeeMessage{}, fmt.Errorf("payload %s is no JSON object", clip(b))
	}
	m := ZigbeeMessage{LastSeen: lastSeen(top["last_seen"])}
	var seen []unit.Quantity
	for _, f := range model.Fields {
		raw, ok := top[f.Field]
		if !ok || slices.Contains(seen, f.Quantity) {
			continue
		}
		seen = append(seen, f.Quantity)
		number, null, err := numberOf(raw)
		value, tooLarge := unit.MilliFromFloat(number * f.Factor())
		if err = errors.Join(err, tooLarge); err != nil {
			m.Unclear = append(m.Unclear, fmt.Sprintf("%s: %v", f.Field, err))
			continue
		}
		m.Values = append(m.Values, ZigbeeValue{Field: f, Null: null, Value: value})
	}
	var contact *bool
	if json.Unmarshal(top["contact"], &contact) == nil {
		m.Contact = contact
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
	if json.Unmarshal(raw, &ms) == nil {
		return unixTime(ms)
	}
	return time.Time{}
}

// NewZigbee makes the driver of a Zigbee2MQTT device that is published at d.Topic, with its availability beneath it. A
// topic that ends with "/#" or "/+" is a whole bridge: the channel of a sample is then the device's topic under it. The
// contact of a single device is its input 1, high while the contact is closed; those of a bridge could not be told apart.
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
	z := zigbee{device: d.ID, bridge: bridge, model: model, known: contacts{}}
	return listen(d, filters, func(m Message, now time.Time) (report, error) {
		channel := ""
		if bridge {
			channel = strings.TrimPrefix(m.Topic, base)
		}
		return z.hear(channel, m, now)
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

// zigbee is one device or one bridge.
type zigbee struct {
	device string
	bridge bool
	model  catalog.Payload
	known  contacts
}

func (z zigbee) hear(channel string, m Message, now time.Time) (report, error) {
	switch {
	case strings.HasSuffix(m.Topic, "/availability"):
		if z.bridge {
			return report{presence: mute}, nil // one device of many
		}
		return report{presence: parsePresence(m.Payload)}, nil
	case strings.HasSuffix(m.Topic, "/bridge/state") && z.bridge:
		return report{presence: parsePresence(m.Payload)}, nil
	case strings.HasPrefix(channel, "bridge/"), m.Retained:
		return report{presence: mute}, nil // the bridge's own affairs, or of unknown age
	}
	said, err := ParseZigbee(z.model, m.Payload)
	if err != nil {
		return report{}, err
	}
	return z.report(channel, said, now), nil
}

func (z zigbee) report(channel string, said ZigbeeMessage, now time.Time) report {
	var r report
	for _, v := range said.Values {
		r.add(devices.Sample{
			Device: z.device, Channel: channel, Quantity: v.Field.Quantity, Value: v.Value, DeviceTime: said.LastSeen, HostTime: now,
		}, v.Null, v.Field.Judge)
	}
	if said.Contact != nil && !z.bridge {
		z.known.change(&r, z.device, 1, *said.Contact, said.LastSeen, now)
	}
	r.unclear(said.Unclear)
	return r
}

// DecodeZigbee2MQTT is the devices.Decoder of Zigbee2MQTT's messages: states, availability, the bridge's state. Where a topic
// is written down the channel is the device's topic under the bridge's.
func DecodeZigbee2MQTT(data []byte) ([]devices.Report, error) {
	models, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	model, err := models.Payload("zigbee2mqtt")
	if err != nil {
		return nil, err
	}
	return decodeHeard(data, func(h heard) (report, error) {
		z := zigbee{model: model, known: contacts{}}
		_, channel, _ := strings.Cut(h.topic, "/")
		switch {
		case strings.HasSuffix(h.topic, "/availability"), channel == "bridge/state":
			return report{presence: parsePresence(h.payload)}, nil
		case strings.HasPrefix(channel, "bridge/"):
			return report{}, nil
		}
		said, err := ParseZigbee(model, h.payload)
		return z.report(channel, said, time.Time{}), err
	})
}
