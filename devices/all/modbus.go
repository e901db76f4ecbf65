package all

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
)

func parseModbus(s devices.Settings, models *catalog.Catalog) (build, error) {
	m, err := models.Modbus(s.Model)
	if err != nil {
		return nil, err
	}
	line := port.Line{Baud: m.Line.Baud, Data: m.Line.Data, Parity: port.Parity(m.Line.Parity[0]), Stop: m.Line.Stop}
	address, err := port.ParseAddressFor(s.Address, line)
	if err != nil {
		return nil, err
	}
	c := modbus.Config{ID: s.ID, Model: m, Poll: s.Poll, Address: address, Corrections: map[string]unit.Milli{}}
	if err := modbusOptions(&c, s.Options); err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		c.Opener, c.Clock, c.Log = env.Ports, env.Clock, env.Log
		return modbus.New(c)
	}, nil
}

func modbusOptions(c *modbus.Config, options map[string]string) error {
	for name, value := range options {
		switch name {
		case "unit":
			n, err := strconv.ParseUint(value, 10, 8)
			if err != nil || n < 1 || n > 247 {
				return fmt.Errorf("option unit %q is not 1 to 247", value)
			}
			c.Unit = byte(n)
		case "timeout":
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return fmt.Errorf("option timeout %q is no duration such as 500ms", value)
			}
			c.Timeout = d
		default:
			v, err := unit.ParseMilli(value)
			if err != nil {
				return fmt.Errorf("option %s: %w", name, err)
			}
			c.Corrections[name] = v
		}
	}
	return nil
}
