package r2000

import (
	"bytes"
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
	answerTime = time.Second            // for the answer to a command; a reader at an inventory answers when that has ended
	silence    = time.Second            // without any frame during a round
	afterError = 250 * time.Millisecond // from a round that failed to the next
)

// stay is for how many rounds a FastInventory stays at an antenna.
const stay = 1

// Config of a Driver.
type Config struct {
	ID     string // the reader's id in the gateway's configuration
	Dial   func(ctx context.Context) (reader.Port, error)
	Now    func() time.Time // the gateway's clock, for HostTime
	Addr   byte             // the reader's address; AnyAddress where it is the only one on the line
	Power  unit.DBm         // transmit power of all antennas, whole dBm; 0 leaves it as it is
	Region Region           // the zero Region leaves it as it is
	// Antennas to read with, 1 to 4; none = the one that the reader has set.
	Antennas []uint8
}

// Driver asks for one round after the other. It implements devices.Driver. Reads have Antenna, RSSI in dBm, the channel,
// and no time of the reader's. An antenna that is not connected makes the reader Degraded.
type Driver struct{ conf Config }

// New makes a Driver; Run opens the port.
func New(c Config) *Driver { return &Driver{conf: c} }

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	c := reader.Config{ID: d.conf.ID, Dial: d.conf.Dial, Now: d.conf.Now}
	return reader.Run(ctx, c, sink, reader.Family[Frame]{
		MaxFrame: MaxFrame, Decode: DecodeFrame,
		Work: func(ctx context.Context, l *reader.Line[Frame]) error { return (&run{Line: l, conf: d.conf}).work(ctx) },
	})
}

// run is one Run.
type run struct {
	*reader.Line[Frame]
	conf   Config
	addr   byte // the reader's own, as it answers
	missed int  // rounds in a row that did not end, or failed
}

func (r *run) work(ctx context.Context) error {
	r.addr = r.conf.Addr
	if err := r.ask(ctx, Command{Code: Version}, r.greeted); err != nil {
		return err
	}
	r.Up()
	if err := r.setUp(ctx); err != nil {
		return err
	}
	round := r.round()
	for {
		if err := r.inventory(ctx, round); err != nil {
			return err
		}
	}
}

func (r *run) greeted(f Frame) error {
	if len(f.Data) != 2 {
		return fmt.Errorf("it does not tell its version but %x", f.Data)
	}
	r.addr = f.Addr
	return nil
}

// setUp changes only what is otherwise, because the reader keeps it in flash.
func (r *run) setUp(ctx context.Context) error {
	if c := (Command{Code: SetRegion, Region: r.conf.Region}); c.Region != (Region{}) {
		if err := r.change(ctx, GetRegion, c); err != nil {
			return fmt.Errorf("cannot set region %d: %w", c.Region.Plan, err)
		}
	}
	if c := (Command{Code: SetPower, Power: byte(r.conf.Power / 100)}); c.Power != 0 {
		if err := r.change(ctx, GetPower, c); err != nil {
			return fmt.Errorf("cannot set the power to %s: %w", r.conf.Power, err)
		}
	}
	if len(r.conf.Antennas) == 1 {
		if err := r.ask(ctx, Command{Code: SetAntenna, Antenna: r.conf.Antennas[0]}, done); err != nil {
			return fmt.Errorf("cannot set antenna %d: %w", r.conf.Antennas[0], err)
		}
	}
	return nil
}

// change sets what get tells otherwise.
func (r *run) change(ctx context.Context, get Code, set Command) error {
	same := false
	err := r.ask(ctx, Command{Code: get}, func(f Frame) error {
		same = bytes.Equal(f.Data, set.Frame().Data)
		return nil
	})
	if err != nil || same {
		return err
	}
	return r.ask(ctx, set, done)
}

// done takes an answer that says no more than whether the command was done.
func done(f Frame) error {
	e, _, ok := ParseError(f)
	switch {
	case !ok:
		return fmt.Errorf("its answer %x is not known", f.Data)
	case e != Success:
		return errors.New(e.String())
	}
	return nil
}

// ask sends a command until it is answered.
func (r *run) ask(ctx context.Context, c Command, take func(Frame) error) error {
	c.Addr = r.addr
	return r.Ask(ctx, c.Frame().Append(nil), answerTime, func(f Frame) (bool, error) {
		if f.Code != c.Code || !r.mine(f) {
			return false, nil // an inventory of who came before
		}
		return true, take(f)
	})
}

// mine tells whether a frame comes from the reader that was asked; others may be on the same line, or noise.
func (r *run) mine(f Frame) bool { return r.addr == AnyAddress || f.Addr == r.addr }

// round gives the command of each round.
func (r *run) round() Command {
	c := Command{Addr: r.addr, Code: Inventory, Repeat: 1}
	if len(r.conf.Antennas) > 1 {
		c.Code = FastInventory
		for i, antenna := range r.conf.Antennas[:min(len(r.conf.Antennas), Antennas)] {
			c.Slots[i] = Slot{antenna, stay}
		}
	}
	return c
}

// inventory does a round and hands on what it hears. A reader that reader.LostRounds times in a row does not end one, or
// refuses, is an error; once is noise.
func (r *run) inventory(ctx context.Context, c Command) error {
	if err := r.Send(c.Frame().Append(nil)); err != nil {
		return err
	}
	err := r.listen(ctx, c.Code)
	var refused refusal
	switch {
	case errors.As(err, &refused):
		if err := reader.Pause(ctx, afterError); err != nil {
			return err
		}
	case !errors.Is(err, framing.ErrSilent):
		r.missed = 0
		return err
	}
	if refused.ErrorCode == AntennaMissing { // told as a fault already; it may come back
		r.missed = 0
		return nil
	}
	if r.missed++; r.missed < reader.LostRounds {
		return nil
	}
	return fmt.Errorf("it gives no inventory; check cable, baud rate and power: %w", err)
}

// refusal is a code by which the reader says that a round failed.
type refusal struct{ ErrorCode }

func (e refusal) Error() string { return e.String() }

// listen hands sightings on until the round has ended.
func (r *run) listen(ctx context.Context, round Code) error {
	for {
		f, err := r.Next(ctx, silence)
		if err != nil {
			return err
		}
		if f.Code != round || !r.mine(f) {
			continue
		}
		if _, ended := ParseRoundEnd(f); ended {
			return nil
		}
		if e, antenna, failed := ParseError(f); failed {
			if err := r.failed(e, antenna); err != nil {
				return err
			}
			continue
		}
		r.hear(f)
	}
}

// failed takes a code during a round: of one antenna among several, after which the round goes on, or of the round.
func (r *run) failed(e ErrorCode, antenna uint8) error {
	which := "the antenna"
	if one := len(r.conf.Antennas) == 1; one || antenna != 0 {
		if one {
			antenna = r.conf.Antennas[0]
		}
		which = fmt.Sprintf("antenna %d", antenna)
	}
	switch {
	case e == AntennaMissing:
		r.Fault(which + " is not connected: check its cable")
	case antenna != 0 && len(r.conf.Antennas) > 1:
		r.Tally(fmt.Sprintf("rounds failed at %s: %s", which, e))
	}
	if len(r.conf.Antennas) > 1 && antenna != 0 {
		return nil
	}
	return refusal{e}
}

func (r *run) hear(f Frame) {
	s, err := ParseSighting(f)
	if err != nil {
		r.Unusable()
		return
	}
	seen, err := s.Read()
	if err != nil {
		r.Unusable()
		return
	}
	r.Saw(seen)
}
