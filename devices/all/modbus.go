package all

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
)

// modbusPort is where devices listen for Modbus TCP.
const modbusPort = "502"

// modbusOptions are those that every Modbus device has; its model brings more.
var modbusOptions = []string{
	"unit", "timeout", "framing", "retries", "busy_retries", "pause_after_connect", "pause_between_requests",
}

// modelOptions are those that a Modbus model brings: what is expected in its corrections and its identity.
func modelOptions(m catalog.Modbus) []string {
	var names []string
	for _, c := range m.Corrections {
		names = append(names, c.Name)
	}
	for _, i := range m.Identity {
		names = append(names, i.Name)
	}
	return names
}

func parseModbus(s devices.Settings, models *catalog.Catalog) (build, error) {
	m, err := models.Modbus(s.Model)
	if err != nil {
		return nil, err
	}
	line := port.Line{Baud: m.Line.Baud, Data: m.Line.Data, Parity: port.Parity(m.Line.Parity[0]), Stop: m.Line.Stop}
	address, err := port.ParseAddressFor(withPort(s.Address), line)
	if err != nil {
		return nil, err
	}
	c := modbus.Config{
		ID: s.ID, Model: m, Poll: s.Poll, Address: address, Corrections: map[string]unit.Milli{}, Identity: map[string]string{},
	}
	if address.Kind == port.TCP {
		c.Framing = modbus.TCP
	}
	for _, name := range slices.Concat(modbusOptions, modelOptions(m)) {
		if value, given := s.Options[name]; given {
			if err := setModbus(&c, name, value); err != nil {
				return nil, err
			}
		}
	}
	if c.Unit == 255 && c.Framing != modbus.TCP {
		return nil, errors.New("option unit 255 is for framing tcp; on a line it is 1 to 247")
	}
	return func(env Env) (devices.Driver, error) {
		c := c
		c.Opener, c.Clock, c.Log = env.Ports, env.Clock, env.Log
		return modbus.New(c)
	}, nil
}

// withPort adds the port of Modbus TCP to a TCP address that has none.
func withPort(address string) string {
	host, tcp := strings.CutPrefix(address, "tcp:")
	if !tcp || host == "" {
		return address
	}
	if _, _, err := net.SplitHostPort(host); err == nil {
		return address
	}
	return "tcp:" + net.JoinHostPort(strings.Trim(host, "[]"), modbusPort)
}

func setModbus(c *modbus.Config, name, value string) (err error) {
	switch name {
	case "unit":
		n, err := strconv.ParseUint(value, 10, 8)
		if err != nil || n < 1 || n > 247 && n != 255 {
			return fmt.Errorf("option unit %q is not 1 to 247", value)
		}
		c.Unit = byte(n)
	case "timeout":
		if c.Timeout, err = parseTime(name, value); err == nil && c.Timeout <= 0 {
			return fmt.Errorf("option timeout %q is no duration such as 500ms", value)
		}
	case "framing":
		return setFraming(c, value)
	case "retries":
		c.Retries, err = parseRetries(name, value)
	case "busy_retries":
		c.BusyRetries, err = parseRetries(name, value)
	case "pause_after_connect":
		c.PauseAfterConnect, err = parsePause(name, value)
	case "pause_between_requests":
		c.PauseBetweenRequests, err = parsePause(name, value)
	default:
		return setExpected(c, name, value)
	}
	return err
}

// setExpected takes what a correction or an identity of the model should be.
func setExpected(c *modbus.Config, name, value string) error {
	if slices.ContainsFunc(c.Model.Identity, func(i catalog.Identity) bool { return i.Name == name }) {
		c.Identity[name] = value
		return nil
	}
	v, err := unit.ParseMilli(value)
	if err != nil {
		return fmt.Errorf("option %s: %w", name, err)
	}
	c.Corrections[name] = v
	return nil
}

func setFraming(c *modbus.Config, value string) error {
	switch {
	case value == "rtu":
		c.Framing = modbus.RTU
	case value != "tcp":
		return fmt.Errorf("option framing %q is not rtu or tcp", value)
	case c.Address.Kind != port.TCP:
		return errors.New("option framing tcp is for addresses such as tcp:HOST; a serial line has rtu")
	}
	return nil
}

// parseRetries reads a number of retries; of none the Config wants a negative one.
func parseRetries(name, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 10 {
		return 0, fmt.Errorf("option %s %q is not 0 to 10", name, value)
	}
	if n == 0 {
		return -1, nil
	}
	return n, nil
}

// longestPause keeps a device from holding its line.
const longestPause = 10 * time.Second

// parsePause reads a pause; of none the Config wants a negative one.
func parsePause(name, value string) (time.Duration, error) {
	d, err := parseTime(name, value)
	if err != nil || d < 0 || d > longestPause {
		return 0, fmt.Errorf("option %s %q is no duration from 0s to %s", name, value, longestPause)
	}
	if d == 0 {
		return -1, nil
	}
	return d, nil
}

func parseTime(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("option %s %q is no duration such as 500ms", name, value)
	}
	return d, nil
}
