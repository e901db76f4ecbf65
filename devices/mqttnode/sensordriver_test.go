package mqttnode_test

import (
	"fmt"
	"testing"

	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/ruuvi"
	"github.com/tallydock/tallydock/devices/unit"
)

// sensors are the kinds of sensors whose drivers dialects does not have.
func sensors(t *testing.T) []dialect {
	reading := func(i int) unit.Milli { return unit.Milli(1000 + 100*i) }
	return []dialect{
		{
			"shelly", "shelly-1/events/rpc",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) { return mqttnode.NewShelly(d) },
			func(t *testing.T, i int) ([]byte, string) {
				v := reading(i)
				return must[[]byte](t)(mqttnode.EncodeShelly(mqttnode.ShellyReading{ID: "shelly-1", At: someDay, Temperature: v})), v.String()
			},
		}, {
			"ruuvi", "ruuvi/gw/F4:1F:0C:28:CB:D6",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) {
				return mqttnode.NewRuuvi(mqttnode.Ruuvi{Device: d})
			},
			func(t *testing.T, i int) ([]byte, string) {
				v := reading(i)
				b := must[[]byte](t)(ruuvi.EncodeFormat5(ruuvi.Report{
					MAC: "F4:1F:0C:28:CB:D6", Values: []ruuvi.Value{{Quantity: unit.Temperature, Value: v}}, Sequence: uint32(i), HasSequence: true,
				}))
				return sighting("gw", fmt.Sprintf("%X", ruuvi.Advert(b))), v.String()
			},
		}, {
			"json", "loggers/l1/data",
			func(t *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) {
				return mqttnode.NewJSON(d, mapping(t, catalog.Mapping{Outputs: []catalog.Output{{Quantity: unit.Temperature, Value: "t / 10"}}}, nil))
			},
			func(_ *testing.T, i int) ([]byte, string) {
				return fmt.Appendf(nil, `{"t":%d}`, reading(i)/100), reading(i).String()
			},
		},
	}
}

func TestSensorDrivers(t *testing.T) {
	for _, d := range sensors(t) {
		t.Run(d.name, func(t *testing.T) {
			devicetest.Run(t, func(t *testing.T) devicetest.Bench { return bench(t, d) })
		})
	}
}
