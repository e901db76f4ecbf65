package pn532

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/framing"
)

// Port is a stream of bytes to a pad. Read answers (0, nil) when nothing came for about 100 ms; after Close, or when the
// device went away, Read and Write fail.
type Port interface {
	io.ReadWriteCloser
}

// Times that the driver keeps to, machine time.
const (
	ackTime     = 300 * time.Millisecond // for the ACK of a command; the chip takes 15 ms
	answerTime  = time.Second            // for the response
	tries       = 3                      // how often a command is sent before the pad counts as gone
	defaultPoll = 250 * time.Millisecond
)

// repeat is after how much business time a card that still lies there is reported again.
const repeat = time.Second

// Config of a Driver.
type Config struct {
	ID   string // the pad's id in the gateway's configuration
	Dial func(ctx context.Context) (Port, error)
	Now  func() time.Time // the gateway's clock: for HostTime, and for when to report a card again
	Poll time.Duration    // machine time from one look at the pad to the next; 0 = 250 ms
}

// Driver looks again and again which cards lie on the pad, at most MaxTargets. It implements devices.Driver. It reports a
// card when it appears and, while it lies there, again each second of Now, or at each look where those are further
// apart. Reads have Antenna 0 and no RSSI.
type Driver struct{ conf Config }

// New makes a Driver; Run opens the port.
func New(c Config) *Driver {
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	return &Driver{conf: c}
}

// run is the state of one Run.
type run struct {
	Config
	port   Port
	frames *framing.Reader[Frame]
	sink   devices.Sink
	told   map[devices.Tag]time.Time // the cards on the pad, and when each was reported last
	state  devices.HealthState       // as reported last
}

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	port, err := d.conf.Dial(ctx)
	if err != nil {
		err = fmt.Errorf("cannot open its port: %w", err)
	} else {
		defer port.Close()
		r := &run{Config: d.conf, port: port, frames: framing.NewReader(port, MaxFrame, Decode), sink: sink}
		err = r.work(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("pad %s: %w", d.conf.ID, err)
}

func (r *run) work(ctx context.Context) error {
	if err := r.wake(ctx); err != nil {
		return err
	}
	look := time.NewTicker(r.Poll)
	defer look.Stop()
	for {
		if err := r.look(ctx); err != nil {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wake brings the pad from sleep to polling. One that tells its firmware is up.
func (r *run) wake(ctx context.Context) error {
	if _, err := r.ask(ctx, Command{Code: SAMConfiguration}, WakeUp); err != nil {
		return err
	}
	f, err := r.ask(ctx, Command{Code: GetFirmwareVersion}, "")
	if err != nil {
		return err
	}
	if _, err := ParseFirmware(f); err != nil {
		return err
	}
	// An empty pad is to answer at once, not when a card comes.
	if _, err := r.ask(ctx, Command{Code: RFConfiguration, Tries: 1}, ""); err != nil {
		return fmt.Errorf("cannot set how often it tries: %w", err)
	}
	r.health(devices.Up, "")
	return nil
}

// health reports a state unless it was the last one too.
func (r *run) health(state devices.HealthState, reason string) {
	if r.state == state {
		return
	}
	r.state = state
	r.sink.Health(devices.Health{Device: r.ID, State: state, Reason: reason, At: r.Now()})
}

// look reports the cards that lie on the pad.
func (r *run) look(ctx context.Context) error {
	f, err := r.ask(ctx, Command{Code: InListPassiveTarget, Targets: MaxTargets}, "")
	if err != nil {
		return err
	}
	targets, err := ParseTargets(f)
	if err != nil { // the card's fault, not the pad's
		r.health(devices.Degraded, fmt.Sprintf("a card that lies there cannot be read: %v; take it away", err))
		return nil
	}
	r.health(devices.Up, "")
	here := make(map[devices.Tag]time.Time, len(targets))
	for _, target := range targets {
		tag, err := devices.NewTag(devices.TagUID, target.UID)
		if err != nil {
			return err
		}
		here[tag] = r.report(tag)
	}
	r.told = here
	return nil
}

// report reports a card unless it just was, and gives when it was reported last.
func (r *run) report(tag devices.Tag) time.Time {
	now := r.Now()
	last, told := r.told[tag]
	if age := now.Sub(last); told && age >= 0 && age < repeat {
		return last
	}
	r.sink.Read(devices.Read{Device: r.ID, Tag: tag, HostTime: now, Count: 1})
	return now
}

// ask sends a command, after a prologue, until it is acknowledged and answered.
func (r *run) ask(ctx context.Context, c Command, prologue string) (Frame, error) {
	out := []byte(prologue)
	for range tries {
		if _, err := r.port.Write(c.Frame().Append(out)); err != nil {
			return Frame{}, fmt.Errorf("cannot write to it: %w", err)
		}
		f, err := r.answer(ctx, c.Code)
		if !errors.Is(err, framing.ErrSilent) {
			return f, err
		}
		// An ACK from the host ends what the chip may still be doing, so that no answer comes late.
		out = Frame{Kind: ACK}.Append([]byte(prologue))
	}
	return Frame{}, fmt.Errorf("it does not answer; check cable, power and that its switches say HSU: %w", framing.ErrSilent)
}

// answer waits for the ACK and then for the response. A response before the ACK is a late one to an earlier command.
func (r *run) answer(ctx context.Context, code Code) (Frame, error) {
	acknowledged := false
	deadline := time.Now().Add(ackTime)
	for {
		f, err := r.frames.Next(ctx, time.Until(deadline))
		switch {
		case err != nil:
			return Frame{}, err
		case f.Kind == ACK:
			acknowledged, deadline = true, time.Now().Add(answerTime)
		case !acknowledged:
		case f.Kind == SyntaxError:
			return Frame{}, fmt.Errorf("it does not understand command 0x%02x", byte(code))
		case f.Kind == Data && f.Direction == FromChip && f.Code == code.Response():
			return f, nil
		}
	}
}
