package scenario

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// checker collects what is wrong with a scenario.
type checker struct {
	s         *Scenario
	locations map[string]Location
	devices   map[string]string // id to driver
	errs      []error
}

func (c *checker) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *checker) require(ok bool, format string, args ...any) {
	if !ok {
		c.fail(format, args...)
	}
}

func (s *Scenario) check() error {
	c := &checker{s: s, locations: map[string]Location{}, devices: map[string]string{}}
	c.top()
	c.places()
	c.readers()
	c.padsAndProbes()
	c.doors()
	c.suppliersAndItems()
	c.totes()
	c.days()
	return errors.Join(c.errs...)
}

func (c *checker) top() {
	s := c.s
	c.require(s.Name != "", "name: is missing")
	c.require(!s.Start.IsZero(), "start: is missing; write a moment such as 2026-01-05T07:00:00Z")
	c.require(s.End.IsZero() || s.End.After(s.Start), "end: is not after start")
	c.require(s.Site.Code != "" && s.Site.Edge != "", "site: code or edge is missing")
	c.require(s.Site.CompanyPrefix >= 6 && s.Site.CompanyPrefix <= 12, "site.company_prefix_digits: is not 6 to 12")
	c.require(s.Radio.ShelfEvery >= time.Second, "radio.shelf_every: is less than a second")
	c.permille("radio.unreadable_permille", s.Radio.Unreadable)
	c.permille("radio.cross_read_permille", s.Radio.CrossRead)
	c.permille("work.turn_back_permille", s.Work.TurnBack)
	c.require(s.Radio.DockStray == 0 || s.Radio.DockStray >= time.Second, "radio.dock_stray_every: is less than a second")
	c.upTo("work.relocations", s.Work.Relocations, 10_000)
}

// upTo checks a number that a world's size depends on.
func (c *checker) upTo(path string, v, most int) {
	c.require(v >= 0 && v <= most, "%s: %d is not 0 to %d", path, v, most)
}

func (c *checker) permille(path string, v int) {
	c.upTo(path, v, 1000)
}

func (c *checker) places() {
	kinds := []string{"zone", "cold_room", "bay", "dock", "table"}
	for i, l := range c.s.Locations {
		path := fmt.Sprintf("locations[%d]", i)
		c.require(l.Code != "", "%s.code: is missing", path)
		_, twice := c.locations[l.Code]
		c.require(!twice && l.Code != c.s.Site.Code, "%s.code: %s is there twice", path, l.Code)
		c.require(slices.Contains(kinds, l.Kind), "%s.kind: %q is none of %v", path, l.Kind, kinds)
		if _, ok := c.locations[l.Parent]; l.Parent != "" && !ok {
			c.fail("%s.parent: %s is not a location listed before it", path, l.Parent)
		}
		c.locations[l.Code] = l
	}
}

// at checks that code is a location of the kind.
func (c *checker) at(path, code, kind string) {
	l, ok := c.locations[code]
	c.require(ok, "%s: location %q is not listed", path, code)
	c.require(!ok || l.Kind == kind, "%s: location %s is a %s, not a %s", path, code, l.Kind, kind)
}

func (c *checker) device(path, id, driver string, drivers ...string) {
	c.require(id != "", "%s.id: is missing", path)
	_, twice := c.devices[id]
	c.require(!twice, "%s.id: device %s is there twice", path, id)
	c.require(slices.Contains(drivers, driver), "%s.driver: %q is none of %v", path, driver, drivers)
	c.devices[id] = driver
}

func (c *checker) readers() {
	seen := map[string]string{}
	for i, r := range c.s.Readers {
		path := fmt.Sprintf("readers[%d]", i)
		c.device(path, r.ID, r.Driver, UHF, R700)
		for antenna, bay := range r.Bays {
			where := fmt.Sprintf("%s.bays[%d]", path, antenna)
			c.at(where, bay, "bay")
			c.antenna(where, r.Driver, antenna)
			c.require(seen[bay] == "", "%s: %s is already seen by %s", where, bay, seen[bay])
			seen[bay] = r.ID
		}
	}
}

func (c *checker) antenna(path, driver string, n uint8) {
	c.require(driver != UHF || n == 0, "%s: a serial reader has only antenna 0", path)
	c.require(driver != R700 || n >= 1 && n <= 4, "%s: an R700 has antennas 1 to 4", path)
}

func (c *checker) padsAndProbes() {
	for i, p := range c.s.Pads {
		path := fmt.Sprintf("pads[%d]", i)
		c.device(path, p.ID, PN532, PN532)
		c.at(path+".location", p.Location, "table")
	}
	for i, r := range c.s.ColdRooms {
		path := fmt.Sprintf("cold_rooms[%d]", i)
		c.at(path+".location", r.Location, "cold_room")
		c.require(r.Low < r.Set && r.Set < r.High, "%s: set is not between low and high", path)
		for j, span := range r.DoorOpen {
			c.require(span.From < span.To, "%s.door_open[%d]: from is not before to", path, j)
		}
	}
	for i, p := range c.s.Probes {
		path := fmt.Sprintf("probes[%d]", i)
		c.device(path, p.ID, p.Driver, Modbus, Tasmota)
		known := slices.ContainsFunc(c.s.ColdRooms, func(r ColdRoom) bool { return r.Location == p.Location })
		c.require(known, "%s.location: %q is not one of cold_rooms", path, p.Location)
		c.require(p.Driver != Modbus || p.Model != "", "%s.model: is missing", path)
		c.require(p.Driver != Tasmota || p.Channel != "", "%s.channel: is missing; write the DS18B20's id", path)
		c.require(p.Period >= time.Second, "%s.period: is less than a second", path)
	}
}

func (c *checker) doors() {
	used := map[Antenna]string{}
	ids := map[string]bool{}
	for i, d := range c.s.Doors {
		path := fmt.Sprintf("doors[%d]", i)
		c.require(d.ID != "" && !ids[d.ID], "%s.id: is missing or there twice", path)
		ids[d.ID] = true
		c.at(path+".floor", d.Floor, "dock")
		c.require(d.PassUnits > 0 && d.PassUnits <= 1000, "%s.pass_units: %d is not 1 to 1000", path, d.PassUnits)
		c.upTo(path+".strays", d.Strays, 100)
		for side, a := range map[string]Antenna{".inside": d.Inside, ".outside": d.Outside} {
			driver, ok := c.devices[a.Device]
			c.require(ok, "%s%s: device %q is not a reader", path, side, a.Device)
			c.antenna(path+side, driver, a.Number)
			c.require(used[a] == "", "%s%s: antenna is already used by %s", path, side, used[a])
			used[a] = path + side
		}
	}
	for i, id := range c.s.Work.Doors {
		c.require(ids[id], "work.doors[%d]: door %q is not listed", i, id)
	}
	for i, d := range c.s.Deliveries {
		c.require(ids[d.Door], "deliveries[%d].door: door %q is not listed", i, d.Door)
	}
}

func (c *checker) suppliersAndItems() {
	suppliers, items, gtins := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, s := range c.s.Suppliers {
		c.require(s.ID != "" && !suppliers[s.ID], "suppliers[%d].id: is missing or there twice", i)
		c.require(s.LeadTime > 0, "suppliers[%d].lead_time_days: is not positive", i)
		suppliers[s.ID] = true
	}
	for i, it := range c.s.Items {
		path := fmt.Sprintf("items[%d]", i)
		c.require(it.ID != "" && !items[it.ID], "%s.id: is missing or there twice", path)
		items[it.ID] = true
		c.require(it.GTIN == "" || validGTIN(it.GTIN), "%s.gtin: %q is not 14 digits with a right check digit", path, it.GTIN)
		c.require(it.GTIN == "" || !gtins[it.GTIN], "%s.gtin: %s is there twice", path, it.GTIN)
		gtins[it.GTIN] = true
		c.item(path, it, suppliers)
	}
	for i, d := range c.s.Deliveries {
		c.require(suppliers[d.Supplier], "deliveries[%d].supplier: %q is not listed", i, d.Supplier)
		c.upTo(fmt.Sprintf("deliveries[%d].most", i), d.Most, 10_000)
		c.upTo(fmt.Sprintf("deliveries[%d].fill", i), d.Fill, 100)
	}
}

func (c *checker) item(path string, it Item, suppliers map[string]bool) {
	kinds := []string{"none", "smooth", "intermittent", "erratic", "lumpy"}
	c.require(slices.Contains(kinds, it.Demand.Kind), "%s.demand.kind: %q is none of %v", path, it.Demand.Kind, kinds)
	c.require(it.Demand.Daily >= 0 && it.Demand.Daily <= 10_000, "%s.demand.daily: is not 0 to 10000", path)
	c.upTo(path+".stock", it.Stock, 100_000)
	c.upTo(path+".pack", it.Pack, 10_000)
	c.require(it.Supplier == "" || suppliers[it.Supplier], "%s.supplier: %q is not listed", path, it.Supplier)
	for j, bay := range it.Bays {
		c.at(fmt.Sprintf("%s.bays[%d]", path, j), bay, "bay")
	}
	tagged := it.Stock > 0 || it.Supplier != ""
	c.require(!tagged || it.GTIN != "" && len(it.Bays) > 0, "%s: stock needs a gtin and a bay", path)
	c.require(it.Min >= 0 && it.Min <= it.Max, "%s: min is not between 0 and max", path)
}

func (c *checker) totes() {
	items := map[string]bool{}
	for _, it := range c.s.Items {
		items[it.ID] = true
	}
	for i, t := range c.s.Totes {
		uid, err := hex.DecodeString(t.UID)
		ok := err == nil && (len(uid) == 4 || len(uid) == 7 || len(uid) == 10)
		c.require(ok, "totes[%d].uid: %q is not 4, 7 or 10 bytes in hexadecimal", i, t.UID)
		c.require(items[t.Item], "totes[%d].item: %q is not listed", i, t.Item)
	}
}

func (c *checker) days() {
	for i, v := range c.s.Inspections {
		c.require(c.devices[v.Pad] == PN532, "inspections[%d].pad: %q is not a pad", i, v.Pad)
		c.require(len(c.s.Totes) > 0, "inspections[%d]: there are no totes", i)
	}
	c.require(c.s.Work.From < c.s.Work.To, "work: from is not before to")
	c.require(c.s.Work.Wave >= time.Minute, "work.wave: is less than a minute")
	for i, f := range c.s.Faults {
		path := fmt.Sprintf("faults[%d]", i)
		driver := c.devices[f.Device]
		kinds := map[string][]string{Modbus: {Silence, Garbage}, Tasmota: {Silence, PowerOn}}[driver]
		c.require(kinds != nil, "%s.device: %q is not a probe", path, f.Device)
		c.require(kinds == nil || slices.Contains(kinds, f.Kind), "%s.kind: %q is none of %v", path, f.Kind, kinds)
		c.require(f.From < f.To, "%s: from is not before to", path)
	}
}

// validGTIN checks the 14 digits of a GTIN by the check digit rule of the GS1 General Specifications, section 7.9.
func validGTIN(s string) bool {
	if len(s) != 14 {
		return false
	}
	sum := 0
	for i, r := range s {
		if r < '0' || r > '9' {
			return false
		}
		sum += int(r-'0') * (3 - 2*(i%2))
	}
	return sum%10 == 0
}
