// Package all is the one list of drivers: it turns what a configuration says of a device into the driver that speaks
// with it.
package all

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/uhf/chafon"
)

// Env is what drivers work with. Make all drivers of a gateway with one Env, and before the Broker runs.
type Env struct {
	Ports *port.Opener
	MQTT  *mqttnode.Broker // nil where the gateway has no MQTT devices
	Clock clock.Clock
	Log   *slog.Logger // nil logs nothing
}

// build makes the driver of settings that were found good.
type build func(Env) (devices.Driver, error)

// kind is one driver of the list. parse checks everything that can be checked without opening anything.
type kind struct {
	name    string
	options []string // beside those that the device's model brings
	parse   func(devices.Settings, *catalog.Catalog) (build, error)
}

// kinds is the list. A new protocol is a folder and a line here.
func kinds() []kind {
	return []kind{
		{"chafon18", []string{"address", "power", "region"}, parseChafon(chafon.Reader18, 1)},
		{"chafon288", []string{"address", "antennas", "power", "region"}, parseChafon(chafon.Reader288, 8)},
		{"json", slices.Concat(valueOptions("_unit"), mappingOptions, []string{"status", "timezone"}), parseJSON},
		{"llrp", llrpOptions, parseLLRP},
		{"m6e", []string{"antennas", "power", "region"}, parseM6e},
		{"modbus", modbusOptions, parseModbus},
		{"pn532", nil, parsePN532},
		{"r2000", []string{"address", "antennas", "power", "region"}, parseR2000},
		{"r700", []string{"status"}, parseReader(mqttnode.NewR700)},
		{"rfd40", []string{"events", "status"}, parseReader(mqttnode.NewHandheld)},
		{"ruuvi", []string{"status", "tag"}, parseRuuvi},
		{"shelly", []string{"status"}, parseShelly},
		{"sparkplug", append(valueOptions(), "host", "reorder"), parseSparkplug},
		{"tasmota", []string{"events", "status", "timezone"}, parseTasmota},
		{"tasmota-tag", []string{"status", "timezone"}, parseTasmotaTag},
		{"uhf", []string{"power", "region"}, parseUHF},
		{"zebra", []string{"events", "status"}, parseReader(mqttnode.NewZebra)},
		{"zigbee2mqtt", []string{"status"}, parseZigbee},
	}
}

// Names gives the drivers that a configuration can name, sorted.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Check tells what is wrong with a device's settings, without opening anything; nil when a driver can be made of them.
func Check(s devices.Settings) error {
	_, err := parse(s)
	return err
}

// New makes the driver of a device. Errors name the device, and what is possible where something is not known.
func New(s devices.Settings, env Env) (devices.Driver, error) {
	b, err := parse(s)
	if err != nil {
		return nil, err
	}
	if env.Ports == nil {
		return nil, errors.New("drivers need an opener of ports")
	}
	d, err := b(env)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", s.ID, err)
	}
	return d, nil
}

func parse(s devices.Settings) (build, error) {
	if s.ID == "" {
		return nil, errors.New("device has no id")
	}
	b, err := parseKind(s)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", s.ID, err)
	}
	return b, nil
}

func parseKind(s devices.Settings) (build, error) {
	i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == s.Driver })
	if i < 0 {
		return nil, fmt.Errorf("driver %q is not known; known are %s", s.Driver, strings.Join(Names(), ", "))
	}
	k := kinds()[i]
	models, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	if s.Poll < 0 {
		return nil, fmt.Errorf("poll %s is negative", s.Poll)
	}
	known, err := k.known(s, models)
	if err != nil {
		return nil, err
	}
	for option := range s.Options {
		if !slices.Contains(known, option) {
			return nil, fmt.Errorf("option %q is not known to driver %s; known are %s", option, k.name, orNone(known))
		}
	}
	return k.parse(s, models)
}

// known gives the options of a driver for this device.
func (k kind) known(s devices.Settings, models *catalog.Catalog) ([]string, error) {
	known := slices.Clone(k.options)
	if k.name != "modbus" {
		if s.Model != "" && k.name != "json" && k.name != "sparkplug" {
			return nil, fmt.Errorf("driver %s has no models; leave model %q out", k.name, s.Model)
		}
		return known, nil
	}
	m, err := models.Modbus(s.Model)
	if err != nil {
		return nil, err
	}
	return append(known, modelOptions(m)...), nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
