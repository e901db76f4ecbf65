package all

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/pn532"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/uhf"
	"github.com/tallydock/tallydock/devices/unit"
)

// readerLine is how UHF modules and NFC pads leave the factory.
var readerLine = port.Line{Baud: 115200, Data: 8, Parity: port.NoParity, Stop: 1}

// powerLimits of UHF modules, and of most countries' rules.
const (
	lowestPower  unit.DBm = 0
	highestPower unit.DBm = 33_00
)

// regions by the names that a configuration uses.
var regions = map[string]uhf.Region{
	"cn900": uhf.China900, "cn800": uhf.China800, "us": uhf.US, "eu": uhf.Europe, "kr": uhf.Korea,
}

func parseUHF(s devices.Settings, _ *catalog.Catalog) (build, error) {
	address, err := port.ParseAddressFor(s.Address, readerLine)
	if err != nil {
		return nil, err
	}
	c := uhf.Config{ID: s.ID}
	if c.Power, err = parsePower(s.Options["power"]); err != nil {
		return nil, err
	}
	if c.Region, err = regionOf(regions, s.Options["region"]); err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		c := c
		c.Now = env.Clock.Now
		c.Dial = env.dialer(address)
		return uhf.New(c), nil
	}, noPoll(s)
}

// parsePower reads a number of dBm; "" leaves the reader's power as it is.
func parsePower(s string) (unit.DBm, error) {
	if s == "" {
		return 0, nil
	}
	v, err := unit.ParseMilli(s)
	power := unit.DBm(v / 10)
	if err != nil || v%10 != 0 || v/10 <= unit.Milli(lowestPower) || v/10 > unit.Milli(highestPower) {
		return 0, fmt.Errorf("option power %q is no number of dBm above %s and up to %s", s, lowestPower, highestPower)
	}
	return power, nil
}

func parsePN532(s devices.Settings, _ *catalog.Catalog) (build, error) {
	address, err := port.ParseAddressFor(s.Address, readerLine)
	if err != nil {
		return nil, err
	}
	c := pn532.Config{ID: s.ID, Poll: s.Poll}
	return func(env Env) (devices.Driver, error) {
		c := c
		c.Now = env.Clock.Now
		c.Dial = func(ctx context.Context) (pn532.Port, error) { return env.dial(ctx, address) }
		return pn532.New(c), nil
	}, nil
}

// readerReads is how long a Read of a reader's port waits: the drivers' timeouts count on it.
const readerReads = 100 * time.Millisecond

func (e Env) dial(ctx context.Context, a port.Address) (port.Port, error) {
	return e.Ports.Open(ctx, a, port.Options{ReadTimeout: readerReads})
}
