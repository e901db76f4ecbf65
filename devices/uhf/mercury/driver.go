package mercury

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/framing"
	"github.com/tallydock/tallydock/devices/uhf/reader"
	"github.com/tallydock/tallydock/devices/unit"
)

// Times that the driver keeps to, machine time.
const (
	answerTime  = time.Second     // for the reply to an operation
	longSilence = 3 * time.Second // without any frame while it reads; a status comes each second
)

// Config of a Driver.
type Config struct {
	ID       string // the reader's id in the gateway's configuration
	Dial     func(ctx context.Context) (reader.Port, error)
	Now      func() time.Time // the gateway's clock, for HostTime
	Power    unit.DBm         // transmit power; 0 leaves it as it is
	Region   Region           // 0 leaves it as it is; a reader that was never told a region does not read
	Antennas []uint8          // to read with, 1 to 15; none = 1
}

// Driver reads tags without pause. It implements devices.Driver. Reads have Antenna, RSSI in dBm, phase and channel, and no
// time of the reader's. A reader that is too hot, or whose antenna sends the power back, is Degraded.
type Driver struct{ conf Config }

// New makes a Driver; Run opens the port.
func New(c Config) *Driver {
	if len(c.Antennas) == 0 {
		c.Antennas = []uint8{1}
	}
	return &Driver{conf: c}
}

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	c := reader.Config{ID: d.conf.ID, Dial: d.conf.Dial, Now: d.conf.Now}
	return reader.Run(ctx, c, sink, reader.Family[Frame]{
		MaxFrame: MaxFrame, Decode: DecodeReply, Stop: Command{Op: Read, Stop: true}.Frame().Append(nil),
		Work: func(ctx context.Context, l *reader.Line[Frame]) error { return (&run{l, d.conf}).work(ctx) },
	})
}

// run is one Run.
type run struct {
	*reader.Line[Frame]
	conf Config
}

// work sets the reader up, and reads until something fails. A reader that has fallen silent is set up again: it may have
// been without power for a moment, and then has forgotten all.
func (r *run) work(ctx context.Context) error {
	for {
		if err := r.begin(ctx); err != nil {
			return err
		}
		if err := r.listen(ctx); !errors.Is(err, framing.ErrSilent) {
			return err
		}
	}
}

func (r *run) begin(ctx context.Context) error {
	if err := r.silence(ctx); err != nil {
		return err
	}
	if err := r.do(ctx, Command{Op: Version}); err != nil {
		return err
	}
	r.Up()
	if err := r.do(ctx, Command{Op: Boot}); err != nil && !is(err, UnknownOp) { // its firmware runs already
		return fmt.Errorf("cannot start its firmware: %w", err)
	}
	if err := r.setUp(ctx); err != nil {
		return err
	}
	if err := r.do(ctx, Command{Op: Read}); err != nil {
		return fmt.Errorf("it does not read; is its region set: %w", err)
	}
	return nil
}

// silence stops a reader that may still be reading for whoever came before. Whether it answers that does not matter.
func (r *run) silence(ctx context.Context) error {
	err := r.AskOnce(ctx, Command{Op: Read, Stop: true}.Frame().Append(nil), answerTime, r.replies(Read))
	var refused refusal
	if errors.Is(err, framing.ErrSilent) || errors.As(err, &refused) {
		return nil
	}
	return err
}

func (r *run) setUp(ctx context.Context) error {
	if r.conf.Region != 0 {
		if err := r.do(ctx, Command{Op: SetRegion, Region: r.conf.Region}); err != nil {
			return fmt.Errorf("cannot set region %d: %w", r.conf.Region, err)
		}
	}
	if err := r.do(ctx, Command{Op: SetProtocol}); err != nil {
		return fmt.Errorf("cannot set the protocol to Gen2: %w", err)
	}
	if err := r.do(ctx, Command{Op: SetAntennas, Antennas: r.conf.Antennas}); err != nil {
		return fmt.Errorf("cannot set antennas %v: %w", r.conf.Antennas, err)
	}
	if err := r.do(ctx, Command{Op: SetParameters}); err != nil {
		return fmt.Errorf("cannot have each sighting told: %w", err)
	}
	if r.conf.Power != 0 {
		if err := r.do(ctx, Command{Op: SetPower, Power: r.conf.Power}); err != nil {
			return fmt.Errorf("cannot set the power to %s: %w", r.conf.Power, err)
		}
	}
	return nil
}

// do sends a command until it is answered.
func (r *run) do(ctx context.Context, c Command) error {
	return r.Ask(ctx, c.Frame().Append(nil), answerTime, r.replies(c.Op))
}

func (r *run) replies(op Op) func(Frame) (bool, error) {
	return func(f Frame) (bool, error) {
		switch {
		case f.Op != op:
			r.hear(f)
			return false, nil
		case f.Status != OK:
			return false, refusal{f.Status}
		}
		return true, nil
	}
}

// refusal is a status by which the reader says that it did not do an operation.
type refusal struct{ Status }

func (e refusal) Error() string { return e.String() }

func is(err error, s Status) bool {
	var refused refusal
	return errors.As(err, &refused) && refused.Status == s
}

// listen hands sightings on until the reader falls silent.
func (r *run) listen(ctx context.Context) error {
	for {
		f, err := r.Next(ctx, longSilence)
		if err != nil {
			return err
		}
		if f.Op == Read && f.Status != OK {
			return fmt.Errorf("it reads no more: %w", refusal{f.Status})
		}
		r.hear(f)
	}
}

// hear takes what the reader says by itself.
func (r *run) hear(f Frame) {
	if f.Op != Record {
		return
	}
	if f.Status != OK {
		if f.Status != NoTags {
			r.Fault(f.Status.String())
		}
		return
	}
	s, err := ParseSighting(f)
	if errors.Is(err, errOther) {
		return
	}
	var seen devices.Read
	if err == nil {
		seen, err = s.Read()
	}
	if err != nil {
		r.Unusable()
		return
	}
	r.Saw(seen)
}
