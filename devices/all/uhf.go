package all

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/uhf/chafon"
	"github.com/tallydock/tallydock/devices/uhf/mercury"
	"github.com/tallydock/tallydock/devices/uhf/r2000"
	"github.com/tallydock/tallydock/devices/uhf/reader"
	"github.com/tallydock/tallydock/devices/unit"
)

// chafonLine is how Chafon's readers leave the factory.
var chafonLine = port.Line{Baud: 57600, Data: 8, Parity: port.NoParity, Stop: 1}

// The regions of each family by the names that a configuration uses.
var (
	chafonRegions = map[string]chafon.Band{
		"cn900": chafon.China900, "cn800": chafon.China800, "us": chafon.US, "eu": chafon.Europe, "kr": chafon.Korea,
	}
	r2000Regions = map[string]r2000.Region{"cn900": r2000.China, "us": r2000.FCC, "eu": r2000.ETSI}
	m6eRegions   = map[string]mercury.Region{
		"cn900": mercury.China, "us": mercury.NorthAmerica, "eu": mercury.Europe, "kr": mercury.Korea, "in": mercury.India,
		"jp": mercury.Japan, "au": mercury.Australia, "nz": mercury.NewZealand,
	}
)

// serialReader is what settings say of a serial UHF reader of any family.
type serialReader struct {
	at       port.Address
	address  byte // the reader's own on its line; 255 is any
	power    unit.DBm
	antennas []uint8
}

// parseSerialReader reads the options that families share; whole says that the reader knows whole dBm only, and antennas
// is how many it has at most.
func parseSerialReader(s devices.Settings, line port.Line, whole bool, antennas uint8) (c serialReader, err error) {
	if c.at, err = port.ParseAddressFor(s.Address, line); err != nil {
		return c, err
	}
	if c.power, err = parsePower(s.Options["power"]); err != nil {
		return c, err
	}
	if whole && c.power%100 != 0 {
		return c, fmt.Errorf("option power %q is no whole number of dBm, which is all that driver %s can set", s.Options["power"], s.Driver)
	}
	if c.antennas, err = parseAntennas(s.Options["antennas"], antennas); err != nil {
		return c, err
	}
	c.address = 0xFF
	if a := s.Options["address"]; a != "" {
		n, err := strconv.ParseUint(a, 0, 8)
		if err != nil {
			return c, fmt.Errorf("option address %q is not 0 to 255, or 0x00 to 0xFF; 255 is whatever reader answers", a)
		}
		c.address = byte(n)
	}
	return c, nil
}

// parseAntennas reads a list such as "1,2,4"; "" is none.
func parseAntennas(s string, most uint8) (list []uint8, err error) {
	if s == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(part), 10, 8)
		if err != nil || n < 1 || n > uint64(most) || slices.Contains(list, uint8(n)) {
			return nil, fmt.Errorf("option antennas %q is no list such as 1,2 of different antennas from 1 to %d", s, most)
		}
		list = append(list, uint8(n))
	}
	return list, nil
}

// regionOf finds a region by its name; "" is the zero region, which leaves the reader's as it is.
func regionOf[R any](regions map[string]R, name string) (r R, err error) {
	if name == "" {
		return r, nil
	}
	r, ok := regions[name]
	if !ok {
		return r, fmt.Errorf("option region %q is not known; known are %s", name, strings.Join(slices.Sorted(maps.Keys(regions)), ", "))
	}
	return r, nil
}

func noPoll(s devices.Settings) error {
	if s.Poll != 0 {
		return fmt.Errorf("poll is not for driver %s: it reads without pause", s.Driver)
	}
	return nil
}

func (e Env) dialer(a port.Address) func(context.Context) (reader.Port, error) {
	return func(ctx context.Context) (reader.Port, error) { return e.dial(ctx, a) }
}

// parseChafon reads the settings of a dialect with so many antennas.
func parseChafon(dialect chafon.Dialect, antennas uint8) func(devices.Settings, *catalog.Catalog) (build, error) {
	return func(s devices.Settings, _ *catalog.Catalog) (build, error) {
		c, err := parseSerialReader(s, chafonLine, true, antennas)
		if err != nil {
			return nil, err
		}
		band, err := regionOf(chafonRegions, s.Options["region"])
		if err != nil {
			return nil, err
		}
		return func(env Env) (devices.Driver, error) {
			return chafon.New(chafon.Config{
				ID: s.ID, Dialect: dialect, Dial: env.dialer(c.at), Now: env.Clock.Now, Addr: c.address, Power: c.power, Band: band,
				Antennas: c.antennas, Poll: s.Poll,
			}), nil
		}, nil
	}
}

func parseR2000(s devices.Settings, _ *catalog.Catalog) (build, error) {
	c, err := parseSerialReader(s, readerLine, true, r2000.Antennas)
	if err != nil {
		return nil, err
	}
	region, err := regionOf(r2000Regions, s.Options["region"])
	if err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		return r2000.New(r2000.Config{
			ID: s.ID, Dial: env.dialer(c.at), Now: env.Clock.Now, Addr: c.address, Power: c.power, Region: region,
			Antennas: c.antennas,
		}), nil
	}, noPoll(s)
}

func parseM6e(s devices.Settings, _ *catalog.Catalog) (build, error) {
	c, err := parseSerialReader(s, readerLine, false, 15)
	if err != nil {
		return nil, err
	}
	region, err := regionOf(m6eRegions, s.Options["region"])
	if err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		return mercury.New(mercury.Config{
			ID: s.ID, Dial: env.dialer(c.at), Now: env.Clock.Now, Power: c.power, Region: region, Antennas: c.antennas,
		}), nil
	}, noPoll(s)
}
