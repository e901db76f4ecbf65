package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/edge/site"
)

func (c *Config) hasDevice(id string) bool {
	return slices.ContainsFunc(c.Devices, func(d Device) bool { return d.ID == id })
}

// virtual are location codes that stand for no place of a site.
var virtual = []string{"SUPPLIER", site.Customer, "PRODUCTION", "LOSS", "IN_TRANSIT"}

func (f *findings) location(path, code string) {
	switch {
	case code == "":
		f.add(path, "is missing; write the location's code")
	case len(code) > 64 || strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		f.add(path, "%q is no location code; use 1 to 64 characters without spaces", code)
	case slices.Contains(virtual, code):
		f.add(path, "%q stands for no place of a site; use another code", code)
	}
}

// antennas notes which antenna stands where, to find the one that stands at two read points.
type antennas map[Antenna]string

func (c *Config) antenna(f *findings, used antennas, path string, a Antenna) {
	if !c.hasDevice(a.Device) {
		f.add(path+".device", "%q is none of the devices", a.Device)
		return
	}
	if at, twice := used[a]; twice {
		f.add(path, "antenna %d of %s stands at %s already", a.Antenna, a.Device, at)
		return
	}
	used[a] = path
}

func (c *Config) checkPlaces(f *findings) {
	used, places := antennas{}, map[string]string{}
	for i, s := range c.Shelves {
		path := fmt.Sprintf("shelves[%d]", i)
		f.location(path+".location", s.Location)
		c.antenna(f, used, path, Antenna{s.Device, s.Antenna})
		places[s.Location] = path
		if *s.AbsentAfter < 0 {
			f.add(path+".absent_after", "is %s; use 0 (never) or more", *s.AbsentAfter)
		}
	}
	for i, t := range c.Tables {
		path := fmt.Sprintf("tables[%d]", i)
		f.location(path+".location", t.Location)
		c.antenna(f, used, path, Antenna{t.Device, t.Antenna})
		if at := places[t.Location]; at != "" && t.Location != "" {
			f.add(path+".location", "%q is the location of %s already", t.Location, at)
		}
		places[t.Location] = path
	}
	doors := map[string]string{}
	for i, d := range c.Doors {
		path := fmt.Sprintf("doors[%d]", i)
		f.id(path, d.ID, doors)
		c.checkDoor(f, used, path, d)
		if at := places[d.Location]; at != "" && d.Location != "" {
			f.add(path+".inside_location", "%q is the location of %s already; goods that came in need a place of their own",
				d.Location, at)
		}
	}
}

func (c *Config) checkDoor(f *findings, used antennas, path string, d Door) {
	f.location(path+".inside_location", d.Location)
	for _, side := range []struct {
		name string
		list []Antenna
	}{{"inside", d.Inside}, {"outside", d.Outside}, {"middle", d.Middle}} {
		for i, a := range side.list {
			c.antenna(f, used, fmt.Sprintf("%s.%s[%d]", path, side.name, i), a)
		}
	}
	c.checkWay(f, path, d)
	c.checkSignals(f, path+".signals", d.Signals)
	if d.Quiet < 0 {
		f.add(path+".quiet", "is %s; use more than 0", d.Quiet)
	}
	if d.Longest < 2*d.Quiet {
		f.add(path+".longest", "is %s; use at least twice quiet, which is %s", d.Longest, d.Quiet)
	}
}

// checkWay checks what tells the direction of a door's passes.
func (c *Config) checkWay(f *findings, path string, d Door) {
	sides := map[string]bool{}
	for i, p := range d.Photocells {
		at := fmt.Sprintf("%s.photocells[%d]", path, i)
		if !c.hasDevice(p.Device) {
			f.add(at+".device", "%q is none of the devices", p.Device)
		}
		if !slices.Contains([]string{"inside", "outside", "middle"}, p.Side) {
			f.add(at+".side", "is %q; use inside, outside or middle", p.Side)
		}
		if !slices.Contains([]string{"high", "low"}, p.Active) {
			f.add(at+".active", "is %q; use high or low", p.Active)
		}
		sides[p.Side] = true
	}
	for i, p := range d.Confirm {
		at := fmt.Sprintf("%s.confirm[%d]", path, i)
		if !c.hasDevice(p.Device) {
			f.add(at+".device", "%q is none of the devices", p.Device)
		}
		if p.Direction != "in" && p.Direction != "out" {
			f.add(at+".direction", "is %q; use in or out", p.Direction)
		}
	}
	if !slices.Contains([]string{"", "in", "out"}, d.Direction) {
		f.add(path+".direction", "is %q; use in or out, or leave it out", d.Direction)
	}
	if len(d.Inside)+len(d.Outside)+len(d.Middle) == 0 {
		f.add(path, "has no antennas; name those inside and those outside")
	}
	tells := d.Direction != "" || sides["inside"] && sides["outside"]
	for _, side := range []struct {
		name string
		list []Antenna
	}{{"inside", d.Inside}, {"outside", d.Outside}} {
		if len(side.list) == 0 && !tells {
			f.add(path+"."+side.name, "is missing; a direction needs an antenna on each side, photocells on both, or direction: in or out")
		}
	}
}
