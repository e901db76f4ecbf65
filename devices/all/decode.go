package all

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/pn532"
	"github.com/tallydock/tallydock/devices/uhf"
	"github.com/tallydock/tallydock/devices/uhf/chafon"
	"github.com/tallydock/tallydock/devices/uhf/mercury"
	"github.com/tallydock/tallydock/devices/uhf/r2000"
)

// protocol is a way in which devices speak, as a technician names it.
type protocol struct {
	name   string
	decode devices.Decoder
}

// protocols is the list of those that can be decoded without a device; Modbus and JSON have one for each model besides.
func protocols() []protocol {
	return []protocol{
		{"llrp", llrp.Decode},
		{"m100", uhf.DecodeM100},
		{"r2000", r2000.Decode},
		{"chafon18", chafon.Decode18},
		{"chafon288", chafon.Decode288},
		{"m6e", mercury.Decode},
		{"pn532", pn532.Decode},
		{"r700", mqttnode.DecodeR700},
		{"zebra", mqttnode.DecodeZebra},
		{"ruuvi", mqttnode.DecodeRuuvi},
		{"tasmota", mqttnode.DecodeTasmota},
		{"zigbee2mqtt", mqttnode.DecodeZigbee2MQTT},
		{"shelly", mqttnode.DecodeShelly},
		{"sparkplug", mqttnode.DecodeSparkplug},
	}
}

// What stands before the model of a device of the catalogue.
const (
	modbusPrefix = "modbus:"
	jsonPrefix   = "json:"
)

// Protocols names the protocols that Decoder knows.
func Protocols() []string {
	var names []string
	for _, p := range protocols() {
		names = append(names, p.name)
	}
	return append(names, modbusPrefix+"MODEL", jsonPrefix+"MODEL")
}

// Decoder gives the decoder of a protocol: one of Protocols.
func Decoder(name string) (devices.Decoder, error) {
	if model, ok := strings.CutPrefix(name, modbusPrefix); ok {
		models, err := catalog.Load()
		if err != nil {
			return nil, err
		}
		return modbus.Decode(models, model)
	}
	if model, ok := strings.CutPrefix(name, jsonPrefix); ok {
		return jsonDecoder(model)
	}
	list := protocols()
	i := slices.IndexFunc(list, func(p protocol) bool { return p.name == name })
	if i < 0 {
		return nil, fmt.Errorf("protocol %q is not known; known are %s", name, strings.Join(Protocols(), ", "))
	}
	return list[i].decode, nil
}

func jsonDecoder(model string) (devices.Decoder, error) {
	models, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	m, err := models.Mapping(model)
	if err != nil {
		return nil, err
	}
	mapping, err := mqttnode.NewMapping(m, time.UTC)
	if err != nil {
		return nil, err
	}
	return mqttnode.DecodeJSON(mapping), nil
}
