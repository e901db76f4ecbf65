// Package probe pretends to be Modbus devices of the catalogue: temperature and humidity transmitters, relay modules. One or
// several units share a Bus, which is a pseudo terminal with RTU frames, or a TCP port with Modbus TCP or, as a serial
// device server, with RTU frames. Units can be made to fail in the ways in which real ones do.
package probe

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/line"
)

// Config says what the probe is.
type Config struct {
	Line  *line.Line
	Unit  byte   // bus address; 0 = the model's
	Model string // of the catalogue; "" = xy-md02
}

// Probe is one simulated transmitter, alone on its line.
type Probe struct {
	*Unit
	line *line.Line
	bus  *Bus
	err  error // why there is no such model
}

// Registers of the XY-MD02 that are not of its model, after its vendor's manual.
const (
	xymd02       = "xy-md02"
	unitRegister = 0x0101
	baudRegister = 0x0102
)

// New makes a probe; Run makes it work.
func New(c Config) *Probe {
	if c.Model == "" {
		c.Model = xymd02
	}
	model, err := load(c.Model)
	u := NewUnit(model, c.Unit)
	if c.Model == xymd02 {
		u.Poke(catalog.Holding, unitRegister, uint16(u.address))
		u.Poke(catalog.Holding, baudRegister, 9600)
	}
	return &Probe{Unit: u, line: c.Line, bus: NewBus(u), err: err}
}

func load(model string) (catalog.Modbus, error) {
	models, err := catalog.Load()
	if err != nil {
		return catalog.Modbus{}, err
	}
	return models.Modbus(model)
}

// Set puts the probe in an air of that temperature (°C) and humidity (%RH).
func (p *Probe) Set(temperature, humidity unit.Milli) {
	p.Unit.Set(unit.Temperature, temperature)
	p.Unit.Set(unit.Humidity, max(0, humidity))
}

// Run works until ctx ends, then gives nil, or until the line is closed.
func (p *Probe) Run(ctx context.Context) error {
	if p.err != nil {
		return fmt.Errorf("cannot simulate a probe: %w", p.err)
	}
	return p.bus.Serve(ctx, p.line)
}
