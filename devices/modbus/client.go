package modbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/port"
)

// ErrNoAnswer says that a unit did not answer, or not readably, in time.
var ErrNoAnswer = errors.New("no readable answer")

// PortOptions are what a Client wants of its line: short reads, so that the line's silence is noticed.
var PortOptions = port.Options{ReadTimeout: 10 * time.Millisecond, WriteTimeout: 2 * time.Second}

// Client is the master's side of a line for one device. All times are machine time.
type Client struct {
	Line    *port.Shared
	Timeout time.Duration // how long to wait for an answer; 0 = 1 s
	Retries int           // how often to ask again; negative = never, 0 = twice
}

const (
	defaultTimeout = time.Second
	defaultRetries = 2
)

// Ask sends a request and gives the answer's registers. It asks again when nothing readable came or when the unit said
// that it is busy. Errors wrap an Exception, ErrNoAnswer, or what the port said.
func (c Client) Ask(ctx context.Context, r Request) ([]uint16, error) {
	frame, err := EncodeRequest(r)
	if err != nil {
		return nil, err
	}
	retries := c.Retries
	if retries == 0 {
		retries = defaultRetries
	}
	for try := 0; ; try++ {
		registers, err := c.once(ctx, r, frame)
		if err == nil || !worthRetry(err) || try >= retries || ctx.Err() != nil {
			return registers, err
		}
	}
}

func worthRetry(err error) bool {
	var e Exception
	if errors.As(err, &e) {
		return e == DeviceBusy || e == Acknowledge
	}
	return errors.Is(err, ErrNoAnswer)
}

func (c Client) once(ctx context.Context, r Request, frame []byte) (registers []uint16, err error) {
	err = c.Line.Do(ctx, func(p port.Port) error {
		if err := c.quiet(ctx, p); err != nil {
			return err
		}
		if _, err := p.Write(frame); err != nil {
			return err
		}
		registers, err = c.await(ctx, p, r)
		return err
	})
	return registers, err
}

// quiet waits until the line has been silent for 3.5 characters, and throws away what came late.
func (c Client) quiet(ctx context.Context, p port.Port) error {
	var scrap [MaxFrame]byte
	deadline := time.Now().Add(c.timeout())
	silence := time.Now().Add(Silence(c.Line.Address()))
	for time.Now().Before(silence) {
		n, err := p.Read(scrap[:])
		if err != nil {
			return err
		}
		if n > 0 {
			silence = time.Now().Add(Silence(c.Line.Address()))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %w: the line is never silent; check its wiring and baud rate", c.Line.Address().Where(), ErrNoAnswer)
		}
	}
	return nil
}

// Silence is what separates frames on a line: 3.5 characters, and 1.75 ms above 19200 baud.
func Silence(a port.Address) time.Duration {
	if a.Kind != port.Serial || a.Baud > 19200 {
		return 1750 * time.Microsecond
	}
	return time.Duration(35*a.CharBits()) * time.Second / time.Duration(10*a.Baud)
}

func (c Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return defaultTimeout
}

// await reads until the answer is found or the time is over. It keeps only as many bytes as a frame may have.
func (c Client) await(ctx context.Context, p port.Port, r Request) ([]uint16, error) {
	deadline := time.Now().Add(c.timeout())
	var got []byte
	var chunk [MaxFrame]byte
	for time.Now().Before(deadline) {
		n, err := p.Read(chunk[:])
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got = append(got, chunk[:n]...)
		if answer, ok := FindResponse(r, got); ok {
			if answer.Exception != 0 {
				return nil, fmt.Errorf("unit %d at %s: %w", r.Unit, c.Line.Address().Where(), answer.Exception)
			}
			return answer.Registers, nil
		}
		if extra := len(got) - 2*MaxFrame; extra > 0 {
			got = got[extra:]
		}
	}
	return nil, fmt.Errorf("unit %d at %s: %w within %s to function %d, register %#04x (%d bytes heard); check its power, "+
		"wiring, address and baud rate", r.Unit, c.Line.Address().Where(), ErrNoAnswer, c.timeout(), r.Function, r.Register, len(got))
}
