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
}

// Modbus is a model that is read by Modbus RTU.
type Modbus struct {
	Line        Line       `yaml:"line"`        // how the device leaves the factory
	Unit        uint8      `yaml:"unit"`        // its address on the line, 1 to 247
	Poll        Duration   `yaml:"poll"`        // how often to read it
	Values      []Register `yaml:"values"`      // what it measures
	Corrections []Register `yaml:"corrections"` // offsets that the device adds by itself
}

// Line is the set-up of a serial line.
type Line struct {
	Baud   int    `yaml:"baud"`
	Data   int    `yaml:"data"`
	Parity string `yaml:"parity"` // N, O or E
	Stop   int    `yaml:"stop"`
}

// Table is one of Modbus's register tables.
type Table string

// The tables that can be read.
const (
	Input   Table = "input"   // read by function 04
	Holding Table = "holding" // read by function 03
)

// RawType is how a register's 16 bits are to be read.
type RawType string

// The types of a register.
const (
	Int16  RawType = "int16"
	Uint16 RawType = "uint16"
)

// Register is one value in a register. Value = raw × Scale; what lies outside Min to Max cannot be measured.
type Register struct {
	Name     string        `yaml:"name"` // of a correction: the option that says what is expected there
	Quantity unit.Quantity `yaml:"quantity"`
	Table    Table         `yaml:"table"`
	Register uint16        `yaml:"register"`
	Type     RawType       `yaml:"type"`
	Scale    unit.Milli    `yaml:"scale"` // of one raw count, in the quantity's unit
	Range    `yaml:",inline"`
}

// Value scales what the register holds.
func (r Register) Value(raw uint16) unit.Milli {
	if r.Type == Int16 {
		return unit.Milli(int16(raw)) * r.Scale
	}
	return unit.Milli(raw) * r.Scale
}

// Raw is the inverse of Value, for simulators: the nearest count.
func (r Register) Raw(v unit.Milli) uint16 {
	half := r.Scale / 2
	if v < 0 {
		half = -half
	}
	return uint16(int64((v + half) / r.Scale))
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
