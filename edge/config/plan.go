package config

import (
	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/site"
)

// DeviceSettings gives the devices as package devices/all wants them.
func (c *Config) DeviceSettings() []devices.Settings {
	var list []devices.Settings
	for _, d := range c.Devices {
		list = append(list, d.Settings())
	}
	return list
}

// Plan makes the plan of read points.
func (c *Config) Plan() (*site.Plan, error) {
	s := site.Spec{Edge: c.Edge}
	for _, b := range c.Shelves {
		s.Shelves = append(s.Shelves, site.Bay{
			Location: b.Location, Source: site.Source{Device: b.Device, Antenna: b.Antenna}, AbsentAfter: *b.AbsentAfter,
		})
	}
	for _, b := range c.Tables {
		s.Tables = append(s.Tables, site.Bay{Location: b.Location, Source: site.Source{Device: b.Device, Antenna: b.Antenna}})
	}
	for _, d := range c.Doors {
		s.Doors = append(s.Doors, site.Door{
			ID: d.ID, Location: d.Location, Inside: sources(d.Inside), Outside: sources(d.Outside), Middle: sources(d.Middle),
			Photocells: photocells(d.Photocells), Way: ways[d.Direction], Confirm: confirms(d.Confirm),
			Quiet: d.Quiet, Longest: d.Longest, MinReads: d.MinReads,
		})
	}
	return site.New(s)
}

func sources(as []Antenna) []site.Source {
	out := make([]site.Source, len(as))
	for i, a := range as {
		out[i] = site.Source{Device: a.Device, Antenna: a.Antenna}
	}
	return out
}

// ways by the words of a configuration.
var ways = map[string]site.Way{"in": site.OnlyIn, "out": site.OnlyOut}

func confirms(cs []Confirm) []site.Confirm {
	out := make([]site.Confirm, len(cs))
	for i, c := range cs {
		out[i] = site.Confirm{Source: site.Source{Device: c.Device}, Way: ways[c.Direction]}
	}
	return out
}

func photocells(ps []Photocell) []site.Photocell {
	sides := map[string]site.Kind{"inside": site.Inside, "outside": site.Outside, "middle": site.Middle}
	out := make([]site.Photocell, len(ps))
	for i, p := range ps {
		out[i] = site.Photocell{Device: p.Device, Port: p.Port, Side: sides[p.Side], Low: p.Active == "low"}
	}
	return out
}

// LocationOf tells where a device is: as its own entry says, else where its antenna stands, else where a rule about it
// says; "" where nobody does.
func (c *Config) LocationOf(plan *site.Plan, device string) string {
	for _, d := range c.Devices {
		if d.ID == device && d.Location != "" {
			return d.Location
		}
	}
	if at := plan.LocationOf(device); at != "" {
		return at
	}
	for _, r := range c.Rules {
		if r.Device == device && r.Location != "" {
			return r.Location
		}
	}
	return ""
}
