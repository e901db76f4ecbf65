package config

import (
	"errors"
	"fmt"
	"os"
)

// LoadPlaces reads of a configuration what a replay needs: where antennas and photocells stand, and the rules. What a
// running gateway needs besides, such as a hub, may be missing; devices that places name need no entry of their own.
func LoadPlaces(file string, env func(name string) (string, bool)) (Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("cannot read configuration: %w", err)
	}
	c, err := decode(text, env)
	if err == nil {
		c.Edge, c.Site = orElse(c.Edge, "edge"), orElse(c.Site, "site")
		c.implyDevices()
		var f findings
		c.checkPlaces(&f)
		c.checkRules(&f)
		err = errors.Join(f...)
	}
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s:\n%w", file, err)
	}
	return c, nil
}

// implyDevices adds the devices that only places name.
func (c *Config) implyDevices() {
	name := func(id string) {
		if id != "" && !c.hasDevice(id) {
			c.Devices = append(c.Devices, Device{ID: id})
		}
	}
	for _, s := range c.Shelves {
		name(s.Device)
	}
	for _, t := range c.Tables {
		name(t.Device)
	}
	for _, d := range c.Doors {
		for _, side := range [][]Antenna{d.Inside, d.Outside, d.Middle} {
			for _, a := range side {
				name(a.Device)
			}
		}
		for _, p := range d.Photocells {
			name(p.Device)
		}
	}
}
