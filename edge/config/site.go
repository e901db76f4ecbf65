package config

import (
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Device is one reader or sensor.
type Device struct {
	ID      string        `yaml:"id"`      // unique in the gateway
	Driver  string        `yaml:"driver"`  // a name of devices/all, e.g. uhf
	Address string        `yaml:"address"` // serial:/dev/ttyUSB0?baud=115200, tcp:HOST:PORT or mqtt:TOPIC
	Model   string        `yaml:"model"`   // a name of devices/catalog where the driver wants one, e.g. xy-md02
	Poll    time.Duration `yaml:"poll"`    // business time between two requests; 0 = as the driver or the model has it
	// Location is where a sensor stands; readers stand where shelves, tables and doors say.
	Location string            `yaml:"location"`
	Options  map[string]string `yaml:"options"` // what else the driver knows
}

// Settings is the device as its driver wants it.
func (d Device) Settings() devices.Settings {
	return devices.Settings{ID: d.ID, Driver: d.Driver, Address: d.Address, Model: d.Model, Poll: d.Poll, Options: d.Options}
}

// Shelf is a location whose goods an antenna reads. A location may have several.
type Shelf struct {
	Location string `yaml:"location"`
	Device   string `yaml:"device"`
	Antenna  uint8  `yaml:"antenna"` // 0 = every antenna of the reader that is not named elsewhere
	// AbsentAfter is the reader-alive business time without a read after which goods are unseen; 10m where it is left
	// out, 0 = never.
	AbsentAfter *time.Duration `yaml:"absent_after"`
}

// Table is a location with a pad on which cards are put.
type Table struct {
	Location string `yaml:"location"`
	Device   string `yaml:"device"`
	Antenna  uint8  `yaml:"antenna"` // as a shelf's
}

// Antenna is one antenna of one reader.
type Antenna struct {
	Device  string `yaml:"device"`
	Antenna uint8  `yaml:"antenna"`
}

// Confirm is a pad that says which way a pass went.
type Confirm struct {
	Device    string `yaml:"device"`
	Direction string `yaml:"direction"` // in or out
}

// Photocell is an input that tells that something is in a door.
type Photocell struct {
	Device string `yaml:"device"`
	Port   uint8  `yaml:"port"`   // the reader's input, 1, 2, …
	Side   string `yaml:"side"`   // inside, outside or middle; middle
	Active string `yaml:"active"` // the state in which the beam is broken: high or low; high
}

// Door is a portal. It needs antennas on both sides, or something else that tells which way goods go.
type Door struct {
	ID       string    `yaml:"id"`
	Location string    `yaml:"inside_location"` // where goods are that came in
	Inside   []Antenna `yaml:"inside"`
	Outside  []Antenna `yaml:"outside"`
	Middle   []Antenna `yaml:"middle"` // antennas in the door's own line: they tell that something passes, not which way
	// Photocells and the like: where a door has some, a pass is what breaks a beam.
	Photocells []Photocell `yaml:"photocells"`
	// Direction, in or out, of a door whose antennas and photocells cannot tell it, e.g. at a conveyor; "" = both ways.
	Direction string `yaml:"direction"`
	// Confirm are pads by the door: a card tapped there within ten minutes settles the last pass that was not decided.
	Confirm  []Confirm     `yaml:"confirm"`
	Quiet    time.Duration `yaml:"quiet"`     // business time without a read after which a pass closes; 3s
	Longest  time.Duration `yaml:"longest"`   // business time after which a pass closes whatever is read; 20 × quiet, at least 1m
	MinReads uint32        `yaml:"min_reads"` // reads below which a tag does not count as passing; 2
	Signals  Signals       `yaml:"signals"`
}

// Defaults of what stands in lists.
const (
	AbsentAfter  = 10 * time.Minute
	Quiet        = 3 * time.Second
	MinReads     = 2
	shortestPass = time.Minute
)

// fill gives list entries their defaults.
func (c *Config) fill() {
	for i := range c.Shelves {
		if c.Shelves[i].AbsentAfter == nil {
			d := AbsentAfter
			c.Shelves[i].AbsentAfter = &d
		}
	}
	for i := range c.Doors {
		d := &c.Doors[i]
		d.Quiet = orElse(d.Quiet, Quiet)
		d.MinReads = orElse(d.MinReads, MinReads)
		d.Longest = orElse(d.Longest, max(20*d.Quiet, shortestPass))
		for j := range d.Photocells {
			d.Photocells[j].Side = orElse(d.Photocells[j].Side, "middle")
			d.Photocells[j].Active = orElse(d.Photocells[j].Active, "high")
		}
	}
	c.fillRules()
	c.fillOutputs()
}

func orElse[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}
