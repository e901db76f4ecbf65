package uhf

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

// Port is a stream of bytes to a reader.
type Port = reader.Port

// Times that the driver keeps to, machine time.
const (
	answerTime  = 500 * time.Millisecond // for the answer to a command
	longSilence = 2 * time.Second        // without any frame while polling: the rounds have ended, or the reader is gone
)

// Config of a Driver.
type Config struct {
	ID     string // the reader's id in the gateway's configuration
	Dial   func(ctx context.Context) (Port, error)
	Now    func() time.Time // the gateway's clock, for HostTime
	Power  unit.DBm         // transmit power; 0 leaves it as it is
	Region Region           // 0 leaves it as it is
}

// Driver reads tags without pause. It implements devices.Driver. Reads have Antenna 0, RSSI, and no time of the reader's.
type Driver struct{ conf Config }

// New makes a Driver; Run opens the port.
func New(c Config) *Driver { return &Driver{conf: c} }

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	c := reader.Config{ID: d.conf.ID, Dial: d.conf.Dial, Now: d.conf.Now}
	return reader.Run(ctx, c, sink, reader.Family[Frame]{
		MaxFrame: MaxFrame, Decode: Decode, Stop: Command{Code: Stop}.Frame().Append(nil),
		Work: func(ctx context.Context, l *reader.Line[Frame]) error { return (&run{l, d.conf}).work(ctx) },
	})
}

// run is one Run.
type run struct {
	*reader.Line[Frame]
	conf Config
}

// work sets the reader up, and polls until something fails. When the reader has fallen silent it is greeted again, which
// tells whether its rounds had just ended.
func (r *run) work(ctx context.Context) error {
	if err := r.silence(ctx); err != nil {
		return err
	}
	if err := r.greet(ctx); err != nil {
		return err
	}
	if err := r.setUp(ctx); err != nil {
		return err
	}
	poll := Command{Code: MultiPoll, Rounds: MaxRounds}.Frame().Append(nil)
	for {
		if err := r.Send(poll); err != nil {
			return err
		}
		if err := r.listen(ctx); !errors.Is(err, framing.ErrSilent) {
			return err
		}
		if err := r.greet(ctx); err != nil {
			return err
		}
	}
}

// silence stops a reader that may still be polling for whoever came before. Whether it answers that does not matter.
func (r *run) silence(ctx context.Context) error {
	err := r.AskOnce(ctx, Command{Code: Stop}.Frame().Append(nil), answerTime, r.answers(Stop))
	var refused refusal
	if errors.Is(err, framing.ErrSilent) || errors.As(err, &refused) {
		return nil
	}
	return err
}

// greet asks what the reader is; one that answers is up.
func (r *run) greet(ctx context.Context) error {
	if err := r.ask(ctx, Command{Code: Version, Part: Hardware}); err != nil {
		return err
	}
	r.Up()
	return nil
}

func (r *run) setUp(ctx context.Context) error {
	if r.conf.Region != 0 {
		if err := r.ask(ctx, Command{Code: SetRegion, Region: r.conf.Region}); err != nil {
			return fmt.Errorf("cannot set region %d: %w", r.conf.Region, err)
		}
	}
	if r.conf.Power != 0 {
		if err := r.ask(ctx, Command{Code: SetPower, Power: r.conf.Power}); err != nil {
			return fmt.Errorf("cannot set the power to %s: %w", r.conf.Power, err)
		}
	}
	return nil
}

// ask sends a command until it is answered. Sightings that come meanwhile are handed on.
func (r *run) ask(ctx context.Context, c Command) error {
	return r.Ask(ctx, c.Frame().Append(nil), answerTime, r.answers(c.Code))
}

func (r *run) answers(code Code) func(Frame) (bool, error) {
	return func(f Frame) (bool, error) {
		if f.Type == ResponseFrame && f.Code == code {
			return true, nil
		}
		if why, failed := ParseFailure(f); failed && why != NoTag && why != HopFail {
			return false, refusal{why}
		}
		r.hear(f)
		return false, nil
	}
}

// refusal is a reader's answer that a command failed.
type refusal struct{ why FailureCode }

func (e refusal) Error() string { return e.why.String() }

// listen hands sightings on until the reader falls silent.
func (r *run) listen(ctx context.Context) error {
	for {
		f, err := r.Next(ctx, longSilence)
		if err != nil {
			return err
		}
		if why, failed := ParseFailure(f); failed && why == BadCommand {
			return fmt.Errorf("it does not poll: %w", refusal{why})
		}
		r.hear(f)
	}
}

// hear takes what the reader says by itself.
func (r *run) hear(f Frame) {
	if why, failed := ParseFailure(f); failed && why == HopFail {
		r.Tally("rounds found no free radio channel: check region and other readers")
	}
	if f.Type != NoticeFrame {
		return
	}
	seen, err := sighting(f)
	if err != nil {
		r.Unusable()
		return
	}
	r.Saw(seen)
}

// sighting gives the Read of a notice.
func sighting(f Frame) (devices.Read, error) {
	n, err := ParseNotice(f)
	if err != nil {
		return devices.Read{}, err
	}
	tag, err := n.Tag()
	if err != nil {
		return devices.Read{}, err
	}
	return devices.Read{Tag: tag, RSSI: unit.DBm(n.RSSI) * 100, HasRSSI: true, Count: 1}, nil
}
