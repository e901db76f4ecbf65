// Package catalog knows device models as data: register maps, payload maps, the codes by which a probe says that it has
// no value, and the limits of what it can measure. A new Modbus or MQTT model is one YAML file in models/ and nothing
// else.
package catalog

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Model is one device model. Exactly one of the pointers is set.
type Model struct {
	Name    string   `yaml:"name"`  // as configurations name it, e.g. "xy-md02"
	Title   string   `yaml:"title"` // for people
	Modbus  *Modbus  `yaml:"modbus"`
	Payload *Payload `yaml:"payload"`
	Probe   *Probe   `yaml:"probe"`
	Mapping *Mapping `yaml:"mapping"`
}

// Modbus is a model that is read by Modbus. What is said of serial lines holds for a device on such a line, be it behind a
// serial device server.
type Modbus struct {
	Line                 Line       `yaml:"line"`                   // how the device leaves the factory
	Unit                 uint8      `yaml:"unit"`                   // its address on the line, 1 to 247
	Poll                 Duration   `yaml:"poll"`                   // how often to read it
	MaxInsert            uint16     `yaml:"max_insert"`             // how many registers that nobody wants may be read to save a request
	MaxRead              uint16     `yaml:"max_read"`               // how many registers a request may ask for; 0 = 125
	PauseAfterConnect    Duration   `yaml:"pause_after_connect"`    // after the port was opened
	PauseBetweenRequests Duration   `yaml:"pause_between_requests"` // after an answer
	Values               []Register `yaml:"values"`                 // what it measures
	Corrections          []Register `yaml:"corrections"`            // offsets that the device adds by itself
	Identity             []Identity `yaml:"identity"`               // what tells it from others
	Inputs               []Ports    `yaml:"inputs"`                 // contacts that it watches
	Outputs              []Ports    `yaml:"outputs"`                // lamps and relays that it switches: coils, or bits of holding registers
}

// Line is the set-up of a serial line.
type Line struct {
	Baud   int    `yaml:"baud"`
	Data   int    `yaml:"data"`
	Parity string `yaml:"parity"` // N, O or E
	Stop   int    `yaml:"stop"`
}

// CharBits tells how many bits a character takes on the line: 10 for 8N1.
func (l Line) CharBits() int {
	if l.Parity == "N" {
		return 1 + l.Data + l.Stop
	}
	return 2 + l.Data + l.Stop
}

// Range is what can be measured, and what is not a measurement.
type Range struct {
	Min       unit.Milli `yaml:"min"`
	Max       unit.Milli `yaml:"max"`
	Sentinels []Sentinel `yaml:"sentinels"`
}

// Sentinel is a code by which a device says that it has no value.
type Sentinel struct {
	Value  unit.Milli `yaml:"value"`
	Within unit.Milli `yaml:"within"` // how far off the code may be, where a device rounds it
	Reason string     `yaml:"reason"`
}

// OutOfRangeReason is the reason of a value outside of a Range.
const OutOfRangeReason = "out_of_range"

// Judge says what a value is worth and why.
func (r Range) Judge(v unit.Milli) (devices.Quality, string) {
	for _, s := range r.Sentinels {
		if v >= s.Value-s.Within && v <= s.Value+s.Within {
			return devices.Sentinel, s.Reason
		}
	}
	if v < r.Min || v > r.Max {
		return devices.OutOfRange, OutOfRangeReason
	}
	return devices.Good, ""
}

// Payload is a model that publishes JSON objects.
type Payload struct {
	Expect Duration `yaml:"expect"` // how often a message is expected; 0 = not known
	Fields []Field  `yaml:"fields"`
	Ignore []string `yaml:"ignore"` // sensors by name that measure the device itself
}

// Field is one value of a payload, by its name there. Value = number × Scale.
type Field struct {
	Field    string        `yaml:"field"`
	Quantity unit.Quantity `yaml:"quantity"`
	Scale    unit.Milli    `yaml:"scale"` // thousandths; 0 = 1
	Range    `yaml:",inline"`
}

// Factor is Scale as a number.
func (f Field) Factor() float64 {
	if f.Scale == 0 {
		return 1
	}
	return f.Scale.Float()
}

// Probe is a sensor that hangs on a node, and whose name a payload tells.
type Probe struct {
	Match  []string     `yaml:"match"` // its names; a payload may add "-1", "-2", …
	Values []ProbeValue `yaml:"values"`
}

// ProbeValue is the range of one of a probe's quantities.
type ProbeValue struct {
	Quantity unit.Quantity `yaml:"quantity"`
	Range    `yaml:",inline"`
}

// Duration is a time.Duration that YAML writes as "30s".
type Duration time.Duration

// UnmarshalText reads "30s".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}
