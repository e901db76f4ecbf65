package reader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/framing"
)

// Port is a stream of bytes to a reader. Read answers (0, nil) when nothing came for about 100 ms; after Close, or when
// the device went away, Read and Write fail.
type Port interface {
	io.ReadWriteCloser
}

// Config is what every serial reader needs.
type Config struct {
	ID   string // the reader's id in the gateway's configuration
	Dial func(ctx context.Context) (Port, error)
	Now  func() time.Time // the gateway's clock, for HostTime
}

// Family is one protocol, whose frames are of type F.
type Family[F any] struct {
	MaxFrame int // the longest frame, in bytes
	Decode   framing.Decoder[F]
	// Work sets the reader up and reads until something fails or ctx ends.
	Work func(ctx context.Context, l *Line[F]) error
	// Stop is the frame that ends a running inventory, sent when ctx has ended so that the reader's field is off; nil where
	// an inventory ends by itself.
	Stop []byte
}

// Tries is how often a question is asked before the reader counts as gone.
const Tries = 3

// LostRounds is how many rounds in a row of a reader that is asked for each may come to nothing before it counts as gone:
// so many that noise on the line does not do it.
const LostRounds = 6

// Line is one connection to a reader. One goroutine uses it.
type Line[F any] struct {
	conf    Config
	port    Port
	frames  *framing.Reader[F]
	sink    devices.Sink
	up      bool
	quality quality
}

// Run opens the port, lets the family work, closes the port, and returns as devices.Driver's Run does.
func Run[F any](ctx context.Context, c Config, sink devices.Sink, f Family[F]) error {
	port, err := c.Dial(ctx)
	if err != nil {
		return end(ctx, c.ID, fmt.Errorf("cannot open its port: %w", err))
	}
	defer port.Close()
	l := &Line[F]{conf: c, port: port, frames: framing.NewReader(port, f.MaxFrame, f.Decode), sink: sink}
	err = f.Work(ctx, l)
	if ctx.Err() != nil && f.Stop != nil {
		_ = l.Send(f.Stop) // it may be gone already
	}
	return end(ctx, c.ID, err)
}

func end(ctx context.Context, id string, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("reader %s: %w", id, err)
}

// Send writes a frame to the reader.
func (l *Line[F]) Send(frame []byte) error {
	if _, err := l.port.Write(frame); err != nil {
		return fmt.Errorf("cannot write to it: %w", err)
	}
	return nil
}

// Next gives the next frame, or framing.ErrSilent when none came within d. The frame may lie in the Line's memory until
// the next call. Now and then it reports the reader's health.
func (l *Line[F]) Next(ctx context.Context, d time.Duration) (F, error) {
	l.judge()
	return l.frames.Next(ctx, d)
}

// Ask sends a question, up to Tries times, until answer says that a frame was the answer. Each try waits up to within.
// answer gets every frame that comes; what is not the answer it handles as it likes. An error of answer ends the
// question; silence is an error that wraps framing.ErrSilent.
func (l *Line[F]) Ask(ctx context.Context, question []byte, within time.Duration, answer func(F) (bool, error)) error {
	for range Tries {
		if err := l.AskOnce(ctx, question, within, answer); !errors.Is(err, framing.ErrSilent) {
			return err
		}
	}
	return fmt.Errorf("it does not answer; check cable, baud rate and power: %w", framing.ErrSilent)
}

// AskOnce is Ask with one try. What comes that is not the answer does not make it wait longer.
func (l *Line[F]) AskOnce(ctx context.Context, question []byte, within time.Duration, answer func(F) (bool, error)) error {
	if err := l.Send(question); err != nil {
		return err
	}
	deadline := time.Now().Add(within)
	for {
		f, err := l.Next(ctx, time.Until(deadline))
		if err != nil {
			return err
		}
		if done, err := answer(f); done || err != nil {
			return err
		}
	}
}

// Up says that the reader has answered; the first time it is reported.
func (l *Line[F]) Up() {
	if l.up {
		return
	}
	l.up = true
	l.frames.Skipped() // what lay on the line before
	l.quality = quality{since: time.Now()}
	l.report(devices.Health{State: devices.Up})
}

// Saw hands a sighting on, with the reader's id, the gateway's time, and a Count of 1 where it has none. Before the reader
// is up a sighting belongs to whoever came before, and is dropped.
func (l *Line[F]) Saw(r devices.Read) {
	if !l.up {
		return
	}
	r.Device, r.HostTime = l.conf.ID, l.conf.Now()
	r.Count = max(r.Count, 1)
	l.sink.Read(r)
}

// Unusable counts a sighting that named no tag.
func (l *Line[F]) Unusable() { l.quality.unusable++ }

// Tally counts what happens now and then and is told with its number, e.g. "rounds found no free radio channel".
func (l *Line[F]) Tally(what string) { l.quality.tally(what) }

// Fault says that a part of the reader fails: one sentence for a technician. It is reported at once, and as long as it is
// said again.
func (l *Line[F]) Fault(reason string) {
	if l.up && l.quality.fault(reason) {
		l.report(devices.Health{State: devices.Degraded, Reason: l.quality.faultsText()})
	}
}

func (l *Line[F]) judge() {
	if !l.up {
		return
	}
	if h, tell := l.quality.judge(time.Now(), l.frames); tell {
		l.report(h)
	}
}

func (l *Line[F]) report(h devices.Health) {
	h.Device, h.At = l.conf.ID, l.conf.Now()
	l.sink.Health(h)
}

// Pause waits d, machine time, or until ctx ends, whose error it then gives.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
