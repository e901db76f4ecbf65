package uhf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/framing"
	"github.com/tallydock/tallydock/devices/unit"
)

// Port is a stream of bytes to a reader. Read answers (0, nil) when nothing came for about 100 ms; after Close, or when
// the device went away, Read and Write fail.
type Port interface {
	io.ReadWriteCloser
}

// Times that the driver keeps to, machine time.
const (
	answerTime  = 500 * time.Millisecond // for the answer to a command
	tries       = 3                      // how often a command is sent before the reader counts as gone
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

// run is the state of one Run.
type run struct {
	Config
	port    Port
	frames  *framing.Reader[Frame]
	sink    devices.Sink
	out     [32]byte // for frames to the reader
	up      bool
	quality quality
}

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	port, err := d.conf.Dial(ctx)
	if err != nil {
		return d.end(ctx, fmt.Errorf("cannot open its port: %w", err))
	}
	defer port.Close()
	r := &run{Config: d.conf, port: port, frames: framing.NewReader(port, MaxFrame, Decode), sink: sink}
	err = r.work(ctx)
	if ctx.Err() != nil {
		_ = r.send(Command{Code: Stop}) // so that the reader's field is off; it may be gone already
	}
	return d.end(ctx, err)
}

func (d *Driver) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("reader %s: %w", d.conf.ID, err)
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
	for {
		if err := r.send(Command{Code: MultiPoll, Rounds: MaxRounds}); err != nil {
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
	if err := r.send(Command{Code: Stop}); err != nil {
		return err
	}
	_, err := r.answer(ctx, Stop)
	var refused refusal
	if errors.Is(err, framing.ErrSilent) || errors.As(err, &refused) {
		return nil
	}
	return err
}

// greet asks what the reader is; one that answers is up.
func (r *run) greet(ctx context.Context) error {
	if _, err := r.ask(ctx, Command{Code: Version, Part: Hardware}); err != nil {
		return err
	}
	if !r.up {
		r.up = true
		r.frames.Skipped() // what lay on the line before
		r.quality = quality{since: time.Now()}
		r.sink.Health(devices.Health{Device: r.ID, State: devices.Up, At: r.Now()})
	}
	return nil
}

func (r *run) setUp(ctx context.Context) error {
	if r.Region != 0 {
		if _, err := r.ask(ctx, Command{Code: SetRegion, Region: r.Region}); err != nil {
			return fmt.Errorf("cannot set region %d: %w", r.Region, err)
		}
	}
	if r.Power != 0 {
		if _, err := r.ask(ctx, Command{Code: SetPower, Power: r.Power}); err != nil {
			return fmt.Errorf("cannot set the power to %s: %w", r.Power, err)
		}
	}
	return nil
}

// ask sends a command until it is answered. Sightings that come meanwhile are handed on.
func (r *run) ask(ctx context.Context, c Command) (Frame, error) {
	for range tries {
		if err := r.send(c); err != nil {
			return Frame{}, err
		}
		f, err := r.answer(ctx, c.Code)
		if !errors.Is(err, framing.ErrSilent) {
			return f, err
		}
	}
	return Frame{}, fmt.Errorf("it does not answer; check cable, baud rate and power: %w", framing.ErrSilent)
}

func (r *run) answer(ctx context.Context, code Code) (Frame, error) {
	deadline := time.Now().Add(answerTime)
	for {
		f, err := r.frames.Next(ctx, time.Until(deadline))
		if err != nil {
			return Frame{}, err
		}
		if f.Type == ResponseFrame && f.Code == code {
			return f, nil
		}
		if why, failed := ParseFailure(f); failed && why != NoTag && why != HopFail {
			return Frame{}, refusal{why}
		}
		r.hear(f)
	}
}

// refusal is a reader's answer that a command failed.
type refusal struct{ why FailureCode }

func (e refusal) Error() string { return e.why.String() }

// listen hands sightings on until the reader falls silent.
func (r *run) listen(ctx context.Context) error {
	for {
		f, err := r.frames.Next(ctx, longSilence)
		if err != nil {
			return err
		}
		if why, failed := ParseFailure(f); failed && why == BadCommand {
			return fmt.Errorf("it does not poll: %w", refusal{why})
		}
		r.hear(f)
		r.judge()
	}
}

// hear takes what the reader says by itself. Before the reader is up that is somebody else's.
func (r *run) hear(f Frame) {
	if !r.up {
		return
	}
	if why, failed := ParseFailure(f); failed && why == HopFail {
		r.quality.hops++
	}
	if f.Type != NoticeFrame {
		return
	}
	n, err := ParseNotice(f)
	if err != nil {
		r.quality.unusable++
		return
	}
	tag, err := n.Tag()
	if err != nil {
		r.quality.unusable++
		return
	}
	r.sink.Read(devices.Read{
		Device: r.ID, Tag: tag, RSSI: unit.DBm(n.RSSI) * 100, HasRSSI: true, HostTime: r.Now(), Count: 1,
	})
}

func (r *run) judge() {
	h, tell := r.quality.judge(time.Now(), r.frames)
	if !tell {
		return
	}
	h.Device, h.At = r.ID, r.Now()
	r.sink.Health(h)
}

func (r *run) send(c Command) error {
	if _, err := r.port.Write(c.Frame().Append(r.out[:0])); err != nil {
		return fmt.Errorf("cannot write to it: %w", err)
	}
	return nil
}
