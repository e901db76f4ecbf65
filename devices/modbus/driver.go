package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

// Config of a Driver. The times but Poll are machine time.
type Config struct {
	ID          string
	Model       catalog.Modbus
	Unit        byte                  // the device's address on the line; 0 = the model's; 255 is for TCP only
	Poll        time.Duration         // business time between two polls; 0 = the model's
	Framing     Framing               // TCP needs an address of that kind
	Timeout     time.Duration         // to wait for an answer; 0 = 1 s
	Retries     int                   // after no answer; negative = none, 0 = 2
	BusyRetries int                   // after exception 6 SlaveDeviceBusy; negative = none, 0 = 3
	Corrections map[string]unit.Milli // what the device's own corrections should be, by name; 0 where not named
	Identity    map[string]string     // what the device should say of itself, by name; not looked at where not named
	// PauseAfterConnect and PauseBetweenRequests; 0 = the model's, negative = none.
	PauseAfterConnect, PauseBetweenRequests time.Duration

	Opener  *port.Opener
	Address port.Address
	Clock   clock.Clock
	Log     *slog.Logger // nil logs nothing
}

// Driver reads a device's registers again and again, and switches its outputs. It implements devices.Driver and
// devices.Outputs.
type Driver struct {
	conf  Config
	plan  []Read
	talk  talk
	known map[uint8]bool // how the inputs stood when they were last read; of Run
	turn  chan struct{}  // whoever has its token may switch an output
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
	if c.PauseAfterConnect == 0 {
		c.PauseAfterConnect = time.Duration(c.Model.PauseAfterConnect)
	}
	if c.PauseBetweenRequests == 0 {
		c.PauseBetweenRequests = time.Duration(c.Model.PauseBetweenRequests)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("device %s: %w", c.ID, err)
	}
	d := &Driver{conf: c, plan: Plan(c.Model, c.Unit), known: map[uint8]bool{}, turn: make(chan struct{}, 1)}
	d.turn <- struct{}{}
	return d, nil
}

func (c Config) check() error {
	if (c.Unit > lastUnit && (c.Framing != TCP || c.Unit != lastTCPUnit)) || c.Poll < 0 {
		return fmt.Errorf("unit %d or poll %s is not possible", c.Unit, c.Poll)
	}
	if c.Framing == TCP && c.Address.Kind != port.TCP {
		return fmt.Errorf("framing tcp is not for %s", c.Address)
	}
	for name := range c.Corrections {
		if !slices.ContainsFunc(c.Model.Corrections, func(r catalog.Register) bool { return r.Name == name }) {
			return fmt.Errorf("the model has no %s", name)
		}
	}
	for name := range c.Identity {
		if !slices.ContainsFunc(c.Model.Identity, func(i catalog.Identity) bool { return i.Name == name }) {
			return fmt.Errorf("the model has no %s", name)
		}
	}
	return nil
}

// join gives a Client on the device's line. The caller leaves the line.
func (d *Driver) join() (*Client, error) {
	line, err := d.conf.Opener.Share(d.conf.Address, PortOptions)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", d.conf.ID, err)
	}
	c := &Client{
		Line: line, Framing: d.conf.Framing, Timeout: d.conf.Timeout, Retries: d.conf.Retries, BusyRetries: d.conf.BusyRetries,
		PauseAfterConnect: d.conf.PauseAfterConnect, PauseBetweenRequests: d.conf.PauseBetweenRequests, talk: &d.talk,
	}
	if d.conf.Address.Kind == port.TCP { // a serial device server: its line is as the device left the factory
		c.Gap = gap(d.conf.Model.Line.Baud, d.conf.Model.Line.CharBits())
	}
	return c, nil
}

// run is the state of one Run.
type run struct {
	*Driver
	client *Client
	sink   devices.Sink
	odd    string // what is not as expected of the device's own corrections and identity
	told   devices.Health
	spoken bool // told was reported
}

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	client, err := d.join()
	if err != nil {
		return err
	}
	defer client.Line.Leave()
	r := &run{Driver: d, client: client, sink: sink}
	if err := r.start(ctx); err != nil {
		return r.end(ctx, err)
	}
	return r.end(ctx, r.loop(ctx))
}

func (r *run) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	var refused Exception
	if errors.As(err, &refused) && !refused.busy() && !refused.silent() {
		return fmt.Errorf("device %s: %w; check its model and address", r.conf.ID, err)
	}
	return fmt.Errorf("device %s: %w", r.conf.ID, err)
}

// start makes the first poll, which has to be answered, and looks at the device's own corrections and identity.
func (r *run) start(ctx context.Context) error {
	failed, err := r.poll(ctx)
	if err != nil {
		return err
	}
	var odd []string
	for _, c := range r.conf.Model.Corrections {
		what, err := r.correction(ctx, c)
		if err != nil {
			return err
		}
		odd = append(odd, what...)
	}
	for _, i := range r.conf.Model.Identity {
		what, err := r.identity(ctx, i)
		if err != nil {
			return err
		}
		odd = append(odd, what...)
	}
	r.odd = strings.Join(odd, "; ")
	r.tell(failed)
	return nil
}

// correction reads an offset that the device adds by itself, and says where it is not as expected.
func (r *run) correction(ctx context.Context, c catalog.Register) ([]string, error) {
	first, end := c.Span()
	a, err := r.settle(ctx, c.Name, Request{Function: functions[c.Table], Register: uint16(first), Count: uint16(end - first)})
	if err != nil || a == nil {
		return nil, err
	}
	v, quality, _ := c.Measure(catalog.Block{First: uint16(first), Words: a.Registers})
	r.conf.Log.Info("device's own correction", "device", r.conf.ID, "correction", c.Name, "value", v.String(), "quality", quality)
	if want := r.conf.Corrections[c.Name]; v != want {
		return []string{fmt.Sprintf("%s in the device is %s, expected is %s: set it in the device or name it in the options, "+
			"or offsets are applied twice", c.Name, shown(v, c.Quantity), want)}, nil
	}
	return nil, nil
}

// identity reads what tells the device from others, and says where it is another one than expected.
func (r *run) identity(ctx context.Context, i catalog.Identity) ([]string, error) {
	a, err := r.settle(ctx, i.Name, Request{Function: functions[i.Table], Register: i.Register, Count: uint16(i.Words())})
	if err != nil || a == nil {
		return nil, err
	}
	text := i.Text(a.Registers)
	r.conf.Log.Info("device says who it is", "device", r.conf.ID, "what", i.Name, "text", text)
	if want, asked := r.conf.Identity[i.Name]; asked && text != want {
		return []string{fmt.Sprintf("%s of the device is %q, expected is %q: another device answers; check the wiring, or the "+
			"option", i.Name, text, want)}, nil
	}
	return nil, nil
}

// settle reads registers that a device may refuse to tell; nil where it does.
func (r *run) settle(ctx context.Context, name string, ask Request) (*Response, error) {
	ask.Unit = r.conf.Unit
	a, err := r.client.Ask(ctx, ask)
	var refused Exception
	if errors.As(err, &refused) && !refused.silent() {
		r.conf.Log.Info("device does not tell", "device", r.conf.ID, "what", name, "answer", refused)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// loop polls at even times until too many polls in a row have failed.
func (r *run) loop(ctx context.Context) error {
	next, failures := r.conf.Clock.Now(), 0
	for {
		now := r.conf.Clock.Now()
		next = next.Add(r.conf.Poll)
		if next.Before(now) {
			next = now // polls that could not be made are not made up for
		}
		if err := r.conf.Clock.Sleep(ctx, next.Sub(now)); err != nil {
			return err
		}
		failed, err := r.poll(ctx)
		switch {
		case err == nil:
			failures = 0
			r.tell(failed)
		case ctx.Err() != nil || !passing(err) || failures+1 >= failuresToDown:
			return err
		default:
			failures++
			r.tell(err.Error())
		}
	}
}

// passing reports whether a failed poll may be followed by one that is answered.
func passing(err error) bool {
	var e Exception
	return errors.Is(err, ErrNoAnswer) || errors.As(err, &e) && (e.busy() || e.silent())
}

// poll reads every value and input of the model. What the device says it has no value for is reported as such, and failed
// says so.
func (r *run) poll(ctx context.Context) (failed string, err error) {
	for _, read := range r.plan {
		answer, err := r.client.Ask(ctx, read.Request)
		now := r.conf.Clock.Now()
		var refused Exception
		switch {
		case errors.As(err, &refused) && refused.failed():
			failed = err.Error() + "; its probe may be broken or gone"
			r.report(missing(read.values, refused.code()), now)
			continue
		case err != nil:
			return "", err
		}
		r.report(samples(read.values, catalog.Block{First: read.Request.Register, Words: answer.Registers}), now)
		r.watch(states(read.inputs, read.Request.Register, answer), now)
	}
	return failed, nil
}

func (r *run) report(samples []devices.Sample, now time.Time) {
	for _, s := range samples {
		s.Device, s.HostTime = r.conf.ID, now
		r.sink.Sample(s)
	}
}

// watch reports inputs that stand otherwise than when they were last read. How they stand at first is reported too.
func (r *run) watch(inputs []devices.GPI, now time.Time) {
	for _, g := range inputs {
		if was, known := r.known[g.Port]; known && was == g.High {
			continue
		}
		r.known[g.Port] = g.High
		g.Device, g.HostTime = r.conf.ID, now
		r.sink.GPI(g)
	}
}

// tell reports the health where it changed: Up, or Degraded with what is wrong. What is odd about the device is shown while
// nothing worse is.
func (r *run) tell(wrong string) {
	h := devices.Health{Device: r.conf.ID, State: devices.Up}
	if wrong == "" {
		wrong = r.odd
	}
	if wrong != "" {
		h.State, h.Reason = devices.Degraded, wrong
	}
	if r.spoken && r.told == h {
		return
	}
	r.told, r.spoken = h, true
	h.At = r.conf.Clock.Now()
	r.sink.Health(h)
}
