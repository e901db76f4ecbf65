package all

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

// noStatus as option "status" says that the device tells nothing of its presence.
const noStatus = "none"

// parseReader is for UHF readers: a topic of tag events, and beside it the topic "status" where the reader and its MQTT
// will say "online" and "offline". Option "events" is a second topic, where Zebra's readers tell of inputs and of
// themselves.
func parseReader(make func(mqttnode.Device) (*mqttnode.Listener, error)) func(devices.Settings, *catalog.Catalog) (build, error) {
	return func(s devices.Settings, _ *catalog.Catalog) (build, error) {
		d, err := parseNode(s, "status")
		if err != nil {
			return nil, err
		}
		if err := d.parseEvents(s.Options["events"]); err != nil {
			return nil, fmt.Errorf("option events: %w", err)
		}
		return func(env Env) (devices.Driver, error) { return driver(make(d.in(env))) }, nil
	}
}

func parseTasmota(s devices.Settings, models *catalog.Catalog) (build, error) {
	d, err := parseNode(s, "LWT")
	if err != nil {
		return nil, err
	}
	if s.Poll == 0 {
		p, err := models.Payload("tasmota")
		if err != nil {
			return nil, err
		}
		d.Expect = time.Duration(p.Expect)
	}
	if err := d.parseEvents(s.Options["events"]); err != nil {
		return nil, fmt.Errorf("option events: %w", err)
	}
	t := mqttnode.Tasmota{Catalog: models}
	if t.Zone, err = parseZone(s); err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		t := t
		t.Device = d.in(env)
		return driver(mqttnode.NewTasmota(t))
	}, nil
}

func (n *node) parseEvents(topic string) (err error) {
	if topic == "" {
		return nil
	}
	if topic == n.Topic || topic == n.Status {
		return fmt.Errorf("%q is another topic of the device already", topic)
	}
	n.Events, err = mqttnode.ParseAddress("mqtt:" + topic)
	return err
}

// parseTasmotaTag is for the card reader of a Tasmota node, which speaks only when there is a card.
func parseTasmotaTag(s devices.Settings, _ *catalog.Catalog) (build, error) {
	d, err := parseNode(s, "LWT")
	if err != nil {
		return nil, err
	}
	zone, err := parseZone(s)
	if err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		return driver(mqttnode.NewTasmotaTag(mqttnode.Tasmota{Device: d.in(env), Zone: zone}))
	}, nil
}

// parseZone reads the zone of a node's clock; nil where it is not given.
func parseZone(s devices.Settings) (*time.Location, error) {
	name := s.Options["timezone"]
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("option timezone %q is not known; write it as in Asia/Shanghai: %w", name, err)
	}
	return zone, nil
}

func parseZigbee(s devices.Settings, models *catalog.Catalog) (build, error) {
	topic, err := mqttnode.ParseAddress(s.Address)
	if err != nil {
		return nil, err
	}
	d := node{ID: s.ID, Topic: topic, Expect: s.Poll}
	if option := s.Options["status"]; option != "" {
		if d.Status, err = mqttnode.ParseAddress("mqtt:" + option); err != nil {
			return nil, fmt.Errorf("option status: %w", err)
		}
	}
	return func(env Env) (devices.Driver, error) { return driver(mqttnode.NewZigbee(d.in(env), models)) }, nil
}

// node is a mqttnode.Device that is not in an Env yet.
type node mqttnode.Device

func (n node) in(env Env) mqttnode.Device {
	d := mqttnode.Device(n)
	d.Broker, d.Clock, d.Log = env.MQTT, env.Clock, env.Log
	return d
}

// parseNode reads the settings of a device that has one topic, and finds where it tells of its presence: in option
// "status", else in a topic beside its own.
func parseNode(s devices.Settings, status string) (node, error) {
	topic, err := mqttnode.ParseAddress(s.Address)
	if err != nil {
		return node{}, err
	}
	if strings.ContainsAny(topic, "+#") {
		return node{}, fmt.Errorf("address %q covers more than one topic; driver %s wants the one of the device", s.Address, s.Driver)
	}
	d := node{ID: s.ID, Topic: topic, Expect: s.Poll}
	switch option := s.Options["status"]; option {
	case noStatus:
	case "":
		d.Status = mqttnode.Sibling(topic, status)
	default:
		if d.Status, err = mqttnode.ParseAddress("mqtt:" + option); err != nil {
			return node{}, fmt.Errorf("option status: %w", err)
		}
	}
	if d.Status == topic {
		return node{}, fmt.Errorf("option status: %q is the topic of the device's messages already", topic)
	}
	return d, nil
}

// driver keeps a nil Listener from becoming a Driver that is not nil.
func driver(l *mqttnode.Listener, err error) (devices.Driver, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}
