// Package unit has the quantities that devices measure, as fixed-point types: no float drifts through comparisons,
// sums or the wire, and a value cannot be taken for another quantity's.
package unit

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Milli is a value in thousandths of a quantity's unit: 4.25 °C is Milli(4250).
type Milli int64

// Quantity is what a value measures; it fixes the unit.
type Quantity uint8

// The quantities, each with its unit. The numbers are part of the wire and of stored data: they never change.
const (
	Temperature   Quantity = 1 // °C
	Humidity      Quantity = 2 // % relative humidity
	Pressure      Quantity = 3 // hPa
	Battery       Quantity = 4 // % of charge
	Voltage       Quantity = 5 // V
	SignalQuality Quantity = 6 // device's own scale, 0 to 255

	CO2         Quantity = 7  // ppm, carbon dioxide in air
	PM1         Quantity = 8  // µg/m³, particles up to 1 µm
	PM25        Quantity = 9  // µg/m³, particles up to 2.5 µm
	PM4         Quantity = 10 // µg/m³, particles up to 4 µm
	PM10        Quantity = 11 // µg/m³, particles up to 10 µm
	VOCIndex    Quantity = 12 // index of volatile organic compounds, 1 to 500, 100 is the room's usual air
	NOxIndex    Quantity = 13 // index of nitrogen oxides, 1 to 500, 1 is the room's usual air
	Illuminance Quantity = 14 // lx
)

// A quantity's unit has a symbol for people and a code of UCUM for machines.
var quantities = map[Quantity]struct{ name, symbol, ucum string }{
	Temperature:   {"temperature", "°C", "Cel"},
	Humidity:      {"humidity", "%RH", "%"},
	Pressure:      {"pressure", "hPa", "hPa"},
	Battery:       {"battery", "%", "%"},
	Voltage:       {"voltage", "V", "V"},
	SignalQuality: {"signal_quality", "", "1"},
	CO2:           {"co2", "ppm", "[ppm]"},
	PM1:           {"pm1", "µg/m³", "ug/m3"},
	PM25:          {"pm2_5", "µg/m³", "ug/m3"},
	PM4:           {"pm4", "µg/m³", "ug/m3"},
	PM10:          {"pm10", "µg/m³", "ug/m3"},
	VOCIndex:      {"voc_index", "", "1"},
	NOxIndex:      {"nox_index", "", "1"},
	Illuminance:   {"illuminance", "lx", "lx"},
}

// Quantities gives all quantities, in the order of their numbers.
func Quantities() []Quantity { return slices.Sorted(maps.Keys(quantities)) }

// String gives the quantity's name, e.g. "temperature".
func (q Quantity) String() string {
	if d, ok := quantities[q]; ok {
		return d.name
	}
	return "quantity " + strconv.Itoa(int(q))
}

// Symbol gives the unit's symbol, e.g. "°C".
func (q Quantity) Symbol() string { return quantities[q].symbol }

// UCUM gives the unit's code in the Unified Code for Units of Measure, e.g. "Cel".
func (q Quantity) UCUM() string { return quantities[q].ucum }

// ParseQuantity reads what String wrote.
func ParseQuantity(s string) (Quantity, error) {
	for q, d := range quantities {
		if d.name == s {
			return q, nil
		}
	}
	var names []string
	for _, q := range Quantities() {
		names = append(names, q.String())
	}
	last := len(names) - 1
	return 0, fmt.Errorf("quantity %q is not known; use %s or %s", s, strings.Join(names[:last], ", "), names[last])
}

// MarshalText makes a Quantity its name in JSON and YAML.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (q *Quantity) UnmarshalText(b []byte) (err error) {
	*q, err = ParseQuantity(string(b))
	return err
}

// String gives the value as a decimal number without needless zeros, e.g. "-20.5".
func (m Milli) String() string { return decimal(int64(m), 3) }

// ParseMilli reads a decimal number such as "8", "-20.5" or "4.250"; more than three decimals are an error, because
// they would be lost.
func ParseMilli(s string) (Milli, error) {
	v, err := fixed(s, 3)
	return Milli(v), err
}

// MilliFromFloat rounds v to the nearest thousandth; it fails where v is not a number or too large.
func MilliFromFloat(v float64) (Milli, error) {
	if math.IsNaN(v) || math.Abs(v) > 9e12 {
		return 0, fmt.Errorf("value %v cannot be measured", v)
	}
	return Milli(math.Round(v * 1000)), nil
}

// Float gives the value in the quantity's unit.
func (m Milli) Float() float64 { return float64(m) / 1000 }

// MarshalText makes a Milli its decimal number in YAML and JSON keys.
func (m Milli) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Milli) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMilli(string(b))
	return err
}

// DBm is a signal strength in hundredths of dBm: -55 dBm is DBm(-5500).
type DBm int16

// String gives the strength with its unit, e.g. "-55 dBm".
func (d DBm) String() string { return decimal(int64(d), 2) + " dBm" }

// Milliwatt gives the power as a linear value, for sums and centroids.
func (d DBm) Milliwatt() float64 { return math.Pow(10, float64(d)/1000) }

// Phase is the phase of a tag's answer in hundredths of a degree, 0 to 35999.
type Phase uint16

// PhaseOf rounds an angle in degrees, of any turn, to a Phase.
func PhaseOf(degrees float64) Phase {
	turn := math.Mod(degrees, 360)
	if turn < 0 {
		turn += 360
	}
	return Phase(math.Round(turn*100)) % 36000
}

// Degrees gives the angle, from 0 up to 360.
func (p Phase) Degrees() float64 { return float64(p) / 100 }

func decimal(v int64, places int) string {
	sign := ""
	u := uint64(v)
	if v < 0 {
		sign, u = "-", -u
	}
	s := strconv.FormatUint(u, 10)
	for len(s) <= places {
		s = "0" + s
	}
	whole, frac := s[:len(s)-places], strings.TrimRight(s[len(s)-places:], "0")
	if frac != "" {
		frac = "." + frac
	}
	return sign + whole + frac
}

func fixed(s string, places int) (int64, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > places {
		return 0, fmt.Errorf("%q has more than %d decimals", s, places)
	}
	digits := strings.TrimPrefix(strings.TrimPrefix(whole, "-"), "+")
	if digits == "" || strings.ContainsAny(digits+frac, "+-_") {
		return 0, fmt.Errorf("%q is not a decimal number", s)
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", places-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a decimal number", s)
	}
	return v, nil
}
