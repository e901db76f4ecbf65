package chafon

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
	answerTime  = time.Second            // for the answer to a command; a reader at an inventory answers when that has ended
	margin      = 500 * time.Millisecond // for what comes beyond the time that an inventory may take
	defaultPoll = 20 * time.Millisecond
	tenth       = 100 * time.Millisecond
	unlimited   = 5 * time.Second
)

// scan is how UHFReader288 is asked: 16 slots in the first round, no memory of tags seen, half a second per antenna.
var scan = Scan{Q: 4, Session: 0, Time: 5}

// Config of a Driver.
type Config struct {
	ID      string // the reader's id in the gateway's configuration
	Dialect Dialect
	Dial    func(ctx context.Context) (reader.Port, error)
	Now     func() time.Time // the gateway's clock, for HostTime
	Addr    byte             // the reader's address; AnyAddress where it is the only one on the line
	Power   unit.DBm         // transmit power, whole dBm; 0 leaves it as it is
	Band    Band             // the zero Band leaves it as it is
	// Antennas are asked in turn, 1 to 8; none = 1. UHFReader18 has one.
	Antennas []uint8
	Poll     time.Duration // machine time from the end of an inventory to the next; 0 = 20 ms
}

// Driver asks for one inventory after the other, antenna by antenna. It implements devices.Driver. Reads of UHFReader18
// have Antenna 0 and no RSSI; those of UHFReader288 have both, the RSSI on the reader's own scale. None has a time of the
// reader's.
type Driver struct{ conf Config }

// New makes a Driver; Run opens the port.
func New(c Config) *Driver {
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	if len(c.Antennas) == 0 {
		c.Antennas = []uint8{1}
	}
	return &Driver{conf: c}
}

// Run implements devices.Driver. No inventory needs to be stopped at its end: each ends by itself.
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
	info   Info
	live   bool // the reader reports by itself
	missed int  // inventories in a row that were not answered, or refused
}

func (r *run) work(ctx context.Context) error {
	if err := r.greet(ctx); err != nil {
		return err
	}
	if err := r.setUp(ctx); err != nil {
		return err
	}
	for {
		for _, antenna := range r.conf.Antennas {
			if err := r.inventory(ctx, antenna); err != nil {
				return err
			}
			if err := reader.Pause(ctx, r.conf.Poll); err != nil {
				return err
			}
		}
	}
}

// greet asks what the reader is; one that answers is up. A reader that reports by itself, for whoever came before, is told
// to wait until it is asked.
func (r *run) greet(ctx context.Context) error {
	err := r.ask(ctx, Command{Code: GetInfo}, func(f Frame) (err error) {
		r.info, err = ParseInfo(f)
		r.info.More = nil
		return err
	})
	if err != nil {
		return err
	}
	r.Up()
	if !r.live {
		return nil
	}
	if err := r.ask(ctx, Command{Code: SetMode}, done); err != nil {
		return fmt.Errorf("cannot stop its own reports: %w", err)
	}
	return nil
}

// setUp changes only what is otherwise, because the reader keeps it in a memory that wears out.
func (r *run) setUp(ctx context.Context) error {
	if highest, lowest := r.conf.Band.Bytes(); r.conf.Band != (Band{}) && (highest != r.info.Highest || lowest != r.info.Lowest) {
		if err := r.ask(ctx, Command{Code: SetRegion, Band: r.conf.Band}, done); err != nil {
			return fmt.Errorf("cannot set band %d: %w", r.conf.Band.Number, err)
		}
	}
	if power := byte(r.conf.Power / 100); power != 0 && power != r.info.Power {
		if err := r.ask(ctx, Command{Code: SetPower, Power: power}, done); err != nil {
			return fmt.Errorf("cannot set the power to %s: %w", r.conf.Power, err)
		}
	}
	return nil
}

// done takes an answer that says no more than whether the command was done.
func done(f Frame) error {
	s, err := StatusOf(f)
	if err == nil && s != OK {
		err = errors.New(s.String())
	}
	return err
}

// ask sends a command until it is answered. Sightings that come meanwhile are handed on.
func (r *run) ask(ctx context.Context, c Command, take func(Frame) error) error {
	return r.Ask(ctx, r.frame(c), answerTime, func(f Frame) (bool, error) {
		if f.Code != c.Code || !r.mine(f) {
			r.hear(f)
			return false, nil
		}
		return true, take(f)
	})
}

func (r *run) frame(c Command) []byte {
	c.Addr = r.conf.Addr
	return c.Frame(r.conf.Dialect).Append(nil)
}

// mine tells whether a frame comes from the reader that was asked; others may be on the same line.
func (r *run) mine(f Frame) bool { return r.conf.Addr == AnyAddress || f.Addr == r.conf.Addr }

// inventory asks an antenna and hands on what it hears. A reader that reader.LostRounds times in a row does not answer, or
// refuses, is an error; once is noise.
func (r *run) inventory(ctx context.Context, antenna uint8) error {
	err := r.round(ctx, antenna)
	var refused refusal
	if !errors.Is(err, framing.ErrSilent) && !errors.As(err, &refused) {
		r.missed = 0
		return err
	}
	if r.missed++; r.missed < reader.LostRounds {
		return nil
	}
	return fmt.Errorf("it gives no inventory; check driver, cable, baud rate and power: %w", err)
}

// refusal is a status by which the reader says that it did nothing.
type refusal struct{ Status }

func (e refusal) Error() string { return e.String() }

func (r *run) round(ctx context.Context, antenna uint8) error {
	s := scan
	s.Antenna = antenna
	longest := r.longest()
	if err := r.Send(r.frame(Command{Code: Inventory, Scan: s})); err != nil {
		return err
	}
	for {
		f, err := r.Next(ctx, longest+margin)
		if err != nil {
			return err
		}
		if ended, err := r.answered(f, antenna); ended || err != nil {
			return err
		}
	}
}

// longest is the longest that an inventory takes to say something.
func (r *run) longest() time.Duration {
	switch {
	case r.conf.Dialect == Reader288:
		return time.Duration(scan.Time) * tenth
	case r.info.ScanTime == 0: // without a limit, as its manual says
		return unlimited
	default:
		return time.Duration(r.info.ScanTime) * tenth
	}
}

// answered takes a frame during an inventory and tells whether that has ended.
func (r *run) answered(f Frame, antenna uint8) (bool, error) {
	if f.Code != Inventory || !r.mine(f) {
		r.hear(f)
		return false, nil
	}
	t, err := ParseTags(r.conf.Dialect, f)
	if err != nil {
		r.Unusable()
	}
	r.saw(t)
	switch t.Status {
	case More:
		return false, nil
	case Full:
		r.Tally("inventories filled the reader's memory: too many tags at once")
	case NoAntenna:
		r.Fault(fmt.Sprintf("antenna %d is not connected: check its cable", antenna))
	case BadLength, BadCommand, BadArgument, ExecFailed:
		return true, refusal{t.Status}
	}
	return true, nil
}

// hear takes what the reader says by itself.
func (r *run) hear(f Frame) {
	if f.Code != Live || r.conf.Dialect != Reader288 || !r.mine(f) {
		return
	}
	r.live = true
	if t, err := ParseLive(f); err == nil {
		r.saw(t)
	}
}

func (r *run) saw(t Tags) {
	for _, s := range t.Seen {
		seen, err := s.Read(r.conf.Dialect, t.Antenna())
		if err != nil {
			r.Unusable()
			continue
		}
		r.Saw(seen)
	}
}
