package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

//go:embed models/*.yaml
var embedded embed.FS

// Catalog is a set of models by name.
type Catalog struct {
	models map[string]Model
}

// Load reads the models that are built in.
func Load() (*Catalog, error) { return Parse(embedded) }

// Parse reads every models/*.yaml of a file system. The first bad model is an error that names its file.
func Parse(files fs.FS) (*Catalog, error) {
	names, err := fs.Glob(files, "models/*.yaml")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no models in models/*.yaml: %w", fs.ErrNotExist)
	}
	c := &Catalog{models: map[string]Model{}}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("cannot read device model %s: %w", name, err)
		}
		m, err := ParseModel(b)
		if err != nil {
			return nil, fmt.Errorf("device model %s: %w", name, err)
		}
		if m.Name+".yaml" != path.Base(name) {
			return nil, fmt.Errorf("device model %s calls itself %q; name and file have to agree", name, m.Name)
		}
		c.models[m.Name] = m
	}
	return c, nil
}

// Modbus gives a model that is read by Modbus.
func (c *Catalog) Modbus(name string) (Modbus, error) {
	m := c.models[name].Modbus
	if m == nil {
		return Modbus{}, fmt.Errorf("model %q is no Modbus device that is known here; known are %s",
			name, strings.Join(c.Names(func(m Model) bool { return m.Modbus != nil }), ", "))
	}
	return *m, nil
}

// Payload gives a model that publishes JSON.
func (c *Catalog) Payload(name string) (Payload, error) {
	m := c.models[name].Payload
	if m == nil {
		return Payload{}, fmt.Errorf("model %q is no payload that is known here; known are %s",
			name, strings.Join(c.Names(func(m Model) bool { return m.Payload != nil }), ", "))
	}
	return *m, nil
}

// Names gives the names of the models that which wants, sorted.
func (c *Catalog) Names(which func(Model) bool) []string {
	var names []string
	for name, m := range c.models {
		if which(m) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Probe gives what is known of a sensor by the name that a node gives it, e.g. "DS18B20-2".
func (c *Catalog) Probe(sensor string) (Probe, bool) {
	for _, name := range c.Names(func(m Model) bool { return m.Probe != nil }) {
		p := c.models[name].Probe
		if slices.ContainsFunc(p.Match, func(m string) bool { return sensor == m || strings.HasPrefix(sensor, m+"-") }) {
			return *p, true
		}
	}
	return Probe{}, false
}

// Judge says what a value of a sensor is worth: by the sensor's own range where it is known, else by the field's.
func (c *Catalog) Judge(sensor string, f Field, v unit.Milli) (devices.Quality, string) {
	if p, ok := c.Probe(sensor); ok {
		for _, pv := range p.Values {
			if pv.Quantity == f.Quantity {
				return pv.Judge(v)
			}
		}
	}
	return f.Judge(v)
}
