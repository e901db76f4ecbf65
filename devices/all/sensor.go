package all

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

// gpis are the options that name what is an input's state: gpi1 to gpi8.
const gpis = 8

// valueOptions are the names of quantities and of inputs, as options that say where a device's messages have them.
func valueOptions(suffixes ...string) []string {
	var names []string
	for _, q := range unit.Quantities() {
		for _, suffix := range append([]string{""}, suffixes...) {
			names = append(names, q.String()+suffix)
		}
	}
	for i := range gpis {
		names = append(names, gpiOption(i+1))
	}
	slices.Sort(names)
	return names
}

func gpiOption(port int) string { return "gpi" + strconv.Itoa(port) }

// parseFilter reads the settings of a device whose topic may be a filter, and of option "status", where it tells of its
// presence; "" is nowhere.
func parseFilter(s devices.Settings) (node, error) {
	topic, err := mqttnode.ParseAddress(s.Address)
	if err != nil {
		return node{}, err
	}
	d := node{ID: s.ID, Topic: topic, Expect: s.Poll}
	if option := s.Options["status"]; option != "" && option != noStatus {
		if d.Status, err = mqttnode.ParseAddress("mqtt:" + option); err != nil {
			return node{}, fmt.Errorf("option status: %w", err)
		}
	}
	return d, nil
}

func parseShelly(s devices.Settings, _ *catalog.Catalog) (build, error) {
	d, err := parseFilter(s)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(mqttnode.ShellyBase(d.Topic), "+#") {
		return nil, fmt.Errorf("address %q covers more than one device; write mqtt:DEVICE, mqtt:DEVICE/events/rpc or mqtt:DEVICE/status/#", s.Address)
	}
	return func(env Env) (devices.Driver, error) { return driver(mqttnode.NewShelly(d.in(env))) }, nil
}

func parseRuuvi(s devices.Settings, _ *catalog.Catalog) (build, error) {
	d, err := parseFilter(s)
	if err != nil {
		return nil, err
	}
	tag := strings.ToUpper(s.Options["tag"])
	if tag != "" && !isMAC(tag) {
		return nil, fmt.Errorf("option tag %q is no address such as F4:1F:0C:28:CB:D6", tag)
	}
	return func(env Env) (devices.Driver, error) {
		return driver(mqttnode.NewRuuvi(mqttnode.Ruuvi{Device: d.in(env), Tag: tag}))
	}, nil
}

func isMAC(s string) bool {
	parts := strings.Split(s, ":")
	return len(parts) == 6 && !slices.ContainsFunc(parts, func(p string) bool {
		_, err := strconv.ParseUint(p, 16, 8)
		return len(p) != 2 || err != nil
	})
}

// parseJSON is for devices that publish JSON of any shape. Where the values are a model of the catalogue says, or the options:
// a formula by quantity, its unit by quantity_unit, gpi1 … gpi8, and the formulas of a catalog.Mapping by their names.
func parseJSON(s devices.Settings, models *catalog.Catalog) (build, error) {
	d, err := parseFilter(s)
	if err != nil {
		return nil, err
	}
	model, err := jsonModel(s, models)
	if err != nil {
		return nil, err
	}
	if s.Poll == 0 {
		d.Expect = time.Duration(model.Expect)
	}
	zone, err := parseZone(s)
	if err != nil {
		return nil, err
	}
	m, err := mqttnode.NewMapping(model, zone)
	if err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) { return driver(mqttnode.NewJSON(d.in(env), m)) }, nil
}

// mappingOptions are the options of a catalog.Mapping beside its outputs.
var mappingOptions = []string{"channel", "each", "historical", "time", "time_format", "when"}

func jsonModel(s devices.Settings, models *catalog.Catalog) (catalog.Mapping, error) {
	if s.Model != "" {
		for option := range s.Options {
			if option != "status" && option != "timezone" {
				return catalog.Mapping{}, fmt.Errorf("option %s and model %s contradict each other: the model says where the values are", option, s.Model)
			}
		}
		return models.Mapping(s.Model)
	}
	o := s.Options
	m := catalog.Mapping{
		When: o["when"], Each: o["each"], Channel: o["channel"], Historical: o["historical"],
		Time: catalog.Stamp{Value: o["time"], Format: o["time_format"]},
	}
	for _, q := range unit.Quantities() {
		u := o[q.String()+"_unit"]
		if f := o[q.String()]; f != "" {
			m.Outputs = append(m.Outputs, catalog.Output{Quantity: q, Value: f, Unit: u})
		} else if u != "" {
			return m, fmt.Errorf("option %s_unit is there without option %[1]s", q)
		}
	}
	for i := range gpis {
		if f := o[gpiOption(i+1)]; f != "" {
			m.Outputs = append(m.Outputs, catalog.Output{Input: uint8(i + 1), Value: f})
		}
	}
	if len(m.Outputs) == 0 {
		return m, errors.New("driver json needs a model, or options that say where the values are, such as temperature: t / 10")
	}
	return m, m.Check("options")
}

// parseSparkplug is for Sparkplug B edge nodes. What the metrics are a payload model of the catalogue says, whose fields are
// metrics' names, or the options: temperature: "Sensors/Temp1:Cel, Sensors/Temp2", gpi1: Door/Open.
func parseSparkplug(s devices.Settings, models *catalog.Catalog) (build, error) {
	d, err := parseFilter(s)
	if err != nil {
		return nil, err
	}
	if err := mqttnode.CheckSparkplugTopic(d.Topic); err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	c := mqttnode.Sparkplug{Host: s.Options["host"]}
	if strings.ContainsAny(c.Host, "/+#\x00") {
		return nil, fmt.Errorf("option host %q has one of / + #", c.Host)
	}
	if option := s.Options["reorder"]; option != "" {
		if c.Reorder, err = time.ParseDuration(option); err != nil || c.Reorder <= 0 {
			return nil, fmt.Errorf("option reorder %q is no duration such as 2s", option)
		}
	}
	if c.Metrics, err = sparkplugMetrics(s, models); err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		c := c
		c.Device = d.in(env)
		h, err := mqttnode.NewSparkplug(c)
		if err != nil {
			return nil, err
		}
		return h, nil
	}, nil
}

func sparkplugMetrics(s devices.Settings, models *catalog.Catalog) ([]mqttnode.SparkplugMetric, error) {
	var list []mqttnode.SparkplugMetric
	if s.Model != "" {
		p, err := models.Payload(s.Model)
		if err != nil {
			return nil, err
		}
		for _, f := range p.Fields {
			list = append(list, mqttnode.SparkplugMetric{Field: f})
		}
	}
	for _, q := range unit.Quantities() {
		text := s.Options[q.String()]
		if text == "" {
			continue
		}
		more, err := mqttnode.ParseSparkplugMetrics(q, text)
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", q, err)
		}
		list = append(list, more...)
	}
	for i := range gpis {
		if name := s.Options[gpiOption(i+1)]; name != "" {
			list = append(list, mqttnode.SparkplugMetric{Field: catalog.Field{Field: name}, Input: uint8(i + 1)})
		}
	}
	return list, nil
}
