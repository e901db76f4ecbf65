package unit

import (
	"fmt"
	"slices"
	"strings"
)

// conversion leads from a unit to the quantity's own: value × factor + offset.
type conversion struct{ factor, offset float64 }

// units are the spellings of units that devices and people use: the codes of UCUM, the symbols, and what Sparkplug's engUnit
// is seen to hold. Case matters only where it has to: K is kelvin, k is nothing.
var units = map[Quantity]map[string]conversion{
	Temperature: {
		"Cel": {1, 0}, "°C": {1, 0}, "C": {1, 0}, "degC": {1, 0}, "celsius": {1, 0},
		"[degF]": {5.0 / 9, -160.0 / 9}, "°F": {5.0 / 9, -160.0 / 9}, "F": {5.0 / 9, -160.0 / 9}, "degF": {5.0 / 9, -160.0 / 9},
		"fahrenheit": {5.0 / 9, -160.0 / 9},
		"K":          {1, -273.15}, "kelvin": {1, -273.15},
	},
	Humidity:      {"%": {1, 0}, "%RH": {1, 0}, "% RH": {1, 0}, "percent": {1, 0}, "1": {100, 0}},
	Pressure:      {"hPa": {1, 0}, "mbar": {1, 0}, "Pa": {0.01, 0}, "kPa": {10, 0}, "bar": {1000, 0}, "mm[Hg]": {1.333224, 0}, "mmHg": {1.333224, 0}, "inHg": {33.86389, 0}},
	Battery:       {"%": {1, 0}, "percent": {1, 0}, "1": {100, 0}},
	Voltage:       {"V": {1, 0}, "mV": {0.001, 0}},
	SignalQuality: {"1": {1, 0}},
	CO2:           {"[ppm]": {1, 0}, "ppm": {1, 0}},
	PM1:           mass, PM25: mass, PM4: mass, PM10: mass,
	VOCIndex:    {"1": {1, 0}},
	NOxIndex:    {"1": {1, 0}},
	Illuminance: {"lx": {1, 0}, "lux": {1, 0}, "klx": {1000, 0}},
}

var mass = map[string]conversion{"ug/m3": {1, 0}, "µg/m³": {1, 0}, "μg/m³": {1, 0}, "µg/m3": {1, 0}, "mg/m3": {1000, 0}}

// From turns a number that was measured in a unit, such as "[degF]", "Pa" or "mV", into the quantity's own unit. The unit ""
// is the quantity's own. It fails where the unit is not one of the quantity, or the number cannot be measured.
func (q Quantity) From(v float64, unit string) (Milli, error) {
	c, err := q.conversion(unit)
	if err != nil {
		return 0, err
	}
	return MilliFromFloat(v*c.factor + c.offset)
}

// CheckUnit tells whether a unit is one of the quantity's.
func (q Quantity) CheckUnit(unit string) error {
	_, err := q.conversion(unit)
	return err
}

func (q Quantity) conversion(unit string) (conversion, error) {
	if unit == "" {
		return conversion{1, 0}, nil
	}
	if c, ok := units[q][unit]; ok {
		return c, nil
	}
	var known []string
	for name, c := range units[q] {
		if len(name) > 2 && strings.EqualFold(name, unit) {
			return c, nil
		}
		known = append(known, name)
	}
	slices.Sort(known)
	return conversion{}, fmt.Errorf("unit %q is none of %s; use one of %s", unit, q, strings.Join(known, ", "))
}
