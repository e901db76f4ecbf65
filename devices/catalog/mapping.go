package catalog

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/formula"
	"github.com/tallydock/tallydock/devices/unit"
)

// Mapping is a model that publishes JSON of any shape, read by formulas of package formula: a new MQTT model is one such file.
type Mapping struct {
	Expect  Duration `yaml:"expect"`  // how often a message is expected; 0 = not known
	When    string   `yaml:"when"`    // which messages are the model's: a formula that gives true; "" = all
	Each    string   `yaml:"each"`    // a list in the message, to whose elements the other formulas are applied; "" = the message
	Channel string   `yaml:"channel"` // which probe it is; "" = there is one
	Time    Stamp    `yaml:"time"`    // the device's own clock
	// Historical is a formula that is true where the device had kept the values; "" = never.
	Historical string   `yaml:"historical"`
	Outputs    []Output `yaml:"outputs"`
}

// Stamp is where and how a message tells its time.
type Stamp struct {
	Value string `yaml:"value"` // a formula; "" = nowhere
	// Format is "rfc3339", "unix" (seconds), "unix_ms", or a time as Go writes layouts, such as "2006-01-02 15:04:05"; "" takes
	// RFC 3339 and, by their size, seconds and milliseconds.
	Format string `yaml:"format"`
}

// Output is what one value of a message becomes: a Sample where Quantity is set, a change of an input where Input is.
type Output struct {
	Quantity unit.Quantity `yaml:"quantity"`
	Input    uint8         `yaml:"input"`   // 1, 2, …
	Value    string        `yaml:"value"`   // a formula
	Unit     string        `yaml:"unit"`    // in which the value is, e.g. "[degF]"; "" = the quantity's own
	Channel  string        `yaml:"channel"` // where it is not the Mapping's
	Range    `yaml:",inline"`
}

// usual are the limits of an Output that names none: what sensors of the quantity can measure at all.
var usual = map[unit.Quantity]Range{
	unit.Temperature: {Min: -100_000, Max: 300_000}, unit.Humidity: {Max: 100_000}, unit.Pressure: {Min: 300_000, Max: 1_200_000},
	unit.Battery: {Max: 100_000}, unit.Voltage: {Max: 60_000}, unit.SignalQuality: {Max: 255_000}, unit.CO2: {Max: 50_000_000},
	unit.PM1: {Max: 10_000_000}, unit.PM25: {Max: 10_000_000}, unit.PM4: {Max: 10_000_000}, unit.PM10: {Max: 10_000_000},
	unit.VOCIndex: {Max: 500_000}, unit.NOxIndex: {Max: 500_000}, unit.Illuminance: {Max: 200_000_000},
}

// Usual gives the limits of what sensors of a quantity can measure at all.
func Usual(q unit.Quantity) Range { return usual[q] }

// Mapping gives a model that is read by formulas.
func (c *Catalog) Mapping(name string) (Mapping, error) {
	m := c.models[name].Mapping
	if m == nil {
		return Mapping{}, fmt.Errorf("model %q is no JSON message that is known here; known are %s",
			name, strings.Join(c.Names(func(m Model) bool { return m.Mapping != nil }), ", "))
	}
	return *m, nil
}

// Check tells everything that is wrong with a mapping; where names its place in errors.
func (m Mapping) Check(where string) error {
	var errs []error
	note := func(name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s.%s: %w", where, name, err))
		}
	}
	for _, f := range []struct{ name, source string }{
		{"when", m.When},
		{"each", m.Each},
		{"channel", m.Channel},
		{"historical", m.Historical},
		{"time.value", m.Time.Value},
	} {
		if f.source != "" {
			_, err := formula.Compile(f.source)
			note(f.name, err)
		}
	}
	note("time", m.Time.check())
	if m.Expect < 0 {
		note("expect", errors.New("is negative"))
	}
	if len(m.Outputs) == 0 {
		note("outputs", errors.New("are missing"))
	}
	for i, o := range m.Outputs {
		note(fmt.Sprintf("outputs[%d]", i), o.check())
	}
	return errors.Join(errs...)
}

func (s Stamp) check() error {
	switch {
	case s.Format != "" && s.Value == "":
		return errors.New("format without value")
	case s.Format == "" || s.Format == "rfc3339" || s.Format == "unix" || s.Format == "unix_ms":
		return nil
	}
	const day = "2006-01-02T15:04:05"
	t, err := time.Parse(day, day)
	if err == nil {
		if again, err := time.Parse(s.Format, t.Format(s.Format)); err != nil || again.IsZero() || again.YearDay() != t.YearDay() {
			return fmt.Errorf("format %q is not rfc3339, unix, unix_ms or a layout such as 2006-01-02 15:04:05", s.Format)
		}
	}
	return err
}

func (o Output) check() error {
	if (o.Quantity == 0) == (o.Input == 0) {
		return errors.New("exactly one of quantity and input is needed")
	}
	var errs []error
	for name, source := range map[string]string{"value": o.Value, "channel": o.Channel} {
		if source == "" && name == "channel" {
			continue
		}
		if _, err := formula.Compile(source); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if o.Input > 0 {
		if o.Unit != "" || o.Range.Min != 0 || o.Range.Max != 0 || len(o.Sentinels) > 0 {
			errs = append(errs, errors.New("an input has no unit, limits or sentinels"))
		}
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, o.Quantity.CheckUnit(o.Unit), o.Limits().check("limits"))...)
}

// Limits gives the output's Range, with the quantity's usual limits where it names none.
func (o Output) Limits() Range {
	r := o.Range
	if r.Min == 0 && r.Max == 0 {
		r.Min, r.Max = usual[o.Quantity].Min, usual[o.Quantity].Max
	}
	return r
}
