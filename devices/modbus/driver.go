package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
)

// failuresToDown is how many polls in a row may fail before the driver gives up; the first poll must succeed.
const failuresToDown = 3

// Config of a Driver.
type Config struct {
	ID          string
	Model       catalog.Modbus
	Unit        byte                  // the device's address on the line; 0 = the model's
	Poll        time.Duration         // business time between two polls; 0 = the model's
	Timeout     time.Duration         // machine time to wait for an answer; 0 = 1 s
	Corrections map[string]unit.Milli // what the device's own corrections should be, by name; 0 where not named
	Opener      *port.Opener
	Address     port.Address
	Clock       clock.Clock
	Log         *slog.Logger // nil logs nothing
}

// Driver reads a device's registers again and again. It implements devices.Driver.
type Driver struct {
	conf Config
}

// New makes a Driver; Run opens the line.
func New(c Config) (*Driver, error) {
	if c.ID == "" || c.Opener == nil {
		return nil, errors.New("a modbus device needs an id and an opener of ports")
	}
	if c.Unit == 0 {
		c.Unit = c.Model.Unit
	}
	if c.Poll == 0 {
		c.Poll = time.Duration(c.Model.Poll)
	}
	if c.Unit > 247 || c.Poll < 0 {
		return nil, fmt.Errorf("device %s: unit %d or poll %s is not possible", c.ID, c.Unit, c.Poll)
	}
	for name := range c.Corrections {
		if !hasCorrection(c.Model, name) {
			return nil, fmt.Errorf("device %s: the model has no %s", c.ID, name)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Driver{conf: c}, nil
}

func hasCorrection(m catalog.Modbus, name string) bool {
	for _, r := range m.Corrections {
		if r.Name == name {
			return true
		}
	}
	return false
}

// run is the state of one Run.
type run struct {
	Config
	client    Client
	sink      devices.Sink
	corrected string // why the device's own corrections are not as expected
	told      devices.Health
	toldOnce  bool
}

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	line, err := d.conf.Opener.Share(d.conf.Address, PortOptions)
	if err != nil {
		return fmt.Errorf("device %s: %w", d.conf.ID, err)
	}
	defer line.Leave()
	r := &run{Config: d.conf, client: Client{Line: line, Timeout: d.conf.Timeout}, sink: sink}
	if err := r.start(ctx); err != nil {
		return r.end(ctx, err)
	}
	return r.end(ctx, r.loop(ctx))
}

func (r *run) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("device %s: %w", r.ID, err)
}

// start makes the first poll, which has to succeed, and looks at the device's own corrections.
func (r *run) start(ctx context.Context) error {
	if err := r.poll(ctx); err != nil {
		return err
	}
	var wrong []string
	for _, c := range r.Model.Corrections {
		raw, err := r.read(ctx, c)
		var refused Exception
		switch {
		case errors.As(err, &refused):
			r.Log.Info("device does not tell its own correction", "device", r.ID, "correction", c.Name, "answer", refused)
			continue
		case err != nil:
			return err
		}
		v := c.Value(raw)
		r.Log.Info("device's own correction", "device", r.ID, "correction", c.Name, "value", v.String())
		if v != r.Corrections[c.Name] {
			wrong = append(wrong, fmt.Sprintf("%s in the device is %s %s, expected is %s", c.Name, v, c.Quantity.Symbol(),
				r.Corrections[c.Name]))
		}
	}
	if len(wrong) > 0 {
		r.corrected = strings.Join(wrong, "; ") + ": set it in the device or name it in the options, or offsets are applied twice"
	}
	r.tell(devices.Up, "")
	return nil
}

// loop polls at even times until too many polls in a row have failed.
func (r *run) loop(ctx context.Context) error {
	next, failures := r.Clock.Now(), 0
	for {
		now := r.Clock.Now()
		next = next.Add(r.Poll)
		if next.Before(now) {
			next = now // polls that could not be made are not made up for
		}
		if err := r.Clock.Sleep(ctx, next.Sub(now)); err != nil {
			return err
		}
		err := r.poll(ctx)
		switch {
		case err == nil:
			failures = 0
			r.tell(devices.Up, "")
		case ctx.Err() != nil || !errors.Is(err, ErrNoAnswer) || failures+1 >= failuresToDown:
			return err
		default:
			failures++
			r.tell(devices.Degraded, err.Error())
		}
	}
}

// poll reads every value of the model; neighbours in one table are asked for together.
func (r *run) poll(ctx context.Context) error {
	for _, group := range neighbours(r.Model.Values) {
		registers, err := r.client.Ask(ctx, r.request(group[0], len(group)))
		if err != nil {
			return err
		}
		now := r.Clock.Now()
		for i, reg := range group {
			v := reg.Value(registers[i])
			quality, reason := reg.Judge(v)
			r.sink.Sample(devices.Sample{
				Device: r.ID, Quantity: reg.Quantity, Value: v, Quality: quality, Reason: reason, HostTime: now,
			})
		}
	}
	return nil
}

func (r *run) read(ctx context.Context, reg catalog.Register) (uint16, error) {
	registers, err := r.client.Ask(ctx, r.request(reg, 1))
	if err != nil {
		return 0, err
	}
	return registers[0], nil
}

func (r *run) request(first catalog.Register, count int) Request {
	f := ReadInput
	if first.Table == catalog.Holding {
		f = ReadHolding
	}
	return Request{Unit: r.Unit, Function: f, Register: first.Register, Count: uint16(count)}
}

// neighbours cuts registers into stretches that follow one another in one table.
func neighbours(all []catalog.Register) [][]catalog.Register {
	var groups [][]catalog.Register
	for i, reg := range all {
		if i > 0 && reg.Table == all[i-1].Table && reg.Register == all[i-1].Register+1 && len(groups[len(groups)-1]) < MaxRegisters {
			groups[len(groups)-1] = append(groups[len(groups)-1], reg)
			continue
		}
		groups = append(groups, []catalog.Register{reg})
	}
	return groups
}

// tell reports the health where it changed. A wrong correction is shown while nothing worse is.
func (r *run) tell(state devices.HealthState, reason string) {
	if state == devices.Up && r.corrected != "" {
		state, reason = devices.Degraded, r.corrected
	}
	if r.toldOnce && r.told.State == state && r.told.Reason == reason {
		return
	}
	r.told = devices.Health{Device: r.ID, State: state, Reason: reason, At: r.Clock.Now()}
	r.toldOnce = true
	r.sink.Health(r.told)
}
