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

// Framing is how frames lie among the bytes of a port.
type Framing uint8

// The framings.
const (
	RTU Framing = iota // with a checksum and silence around them: serial lines, and serial device servers
	TCP                // with a head that has a transaction number and a length
)

// Client is the master's side of a line for one device. One goroutine uses it at a time. All times are machine time.
type Client struct {
	Line    *port.Shared
	Framing Framing
	Timeout time.Duration // how long to wait for an answer; 0 = 1 s
	Retries int           // how often to ask again where none came; negative = never, 0 = twice
	// BusyRetries is how often to ask again where the unit said that it is busy; negative = never, 0 = three times.
	BusyRetries          int
	BusyPause            time.Duration // before that; 0 = 100 ms
	PauseAfterConnect    time.Duration // between the opening of the port and the first request
	PauseBetweenRequests time.Duration // between an answer and the next request
	Gap                  time.Duration // silence before a request; 0 = what Silence says of the line

	talk *talk
}

const (
	defaultTimeout     = time.Second
	defaultRetries     = 2
	defaultBusyRetries = 3
	defaultBusyPause   = 100 * time.Millisecond
)

// orDefault gives what a setting means: 0 is its default, and a negative one is 0.
func orDefault[N int | time.Duration](n, standard N) N {
	if n == 0 {
		return standard
	}
	return max(0, n)
}

// Ask sends a request and gives the answer. It asks again when nothing readable came, when the unit said that it is busy,
// and once where a TCP connection had been closed meanwhile. Errors wrap an Exception, ErrNoAnswer, or what the port said.
func (c *Client) Ask(ctx context.Context, r Request) (Response, error) {
	if c.talk == nil {
		c.talk = &talk{}
	}
	frame, err := c.encode(0, r)
	if err != nil {
		return Response{}, err
	}
	silent, busy, redial := orDefault(c.Retries, defaultRetries), orDefault(c.BusyRetries, defaultBusyRetries), 1
	for {
		answer, err := c.once(ctx, r, string(frame))
		var left *int
		switch e := Exception(0); {
		case err == nil || ctx.Err() != nil:
			return answer, err
		case errors.As(err, &e) && e.busy():
			left = &busy
		case errors.Is(err, ErrNoAnswer) || errors.As(err, &e) && e.silent():
			left = &silent
		case errors.Is(err, port.ErrUnplugged) && c.Line.Address().Kind == port.TCP:
			left = &redial
		}
		if left == nil || *left == 0 {
			return answer, err
		}
		*left--
		if left == &busy {
			if err := sleep(ctx, orDefault(c.BusyPause, defaultBusyPause)); err != nil {
				return Response{}, err
			}
		}
	}
}

func (c *Client) encode(transaction uint16, r Request) ([]byte, error) {
	if c.Framing == TCP {
		return EncodeTCPRequest(transaction, r)
	}
	return EncodeRequest(r)
}

// once asks one time. key names the content of the request.
func (c *Client) once(ctx context.Context, r Request, key string) (answer Response, err error) {
	pause := func() error { return sleep(ctx, c.talk.pause(c.Framing, r.Function, key, c.PauseBetweenRequests)) }
	if err := pause(); err != nil { // the line is free for others meanwhile
		return Response{}, err
	}
	err = c.Line.Do(ctx, func(p port.Port) error {
		if c.talk.fresh(p) {
			if err := sleep(ctx, c.PauseAfterConnect); err != nil {
				return err
			}
		}
		if err := pause(); err != nil { // as another of the device's requests may have been made meanwhile
			return err
		}
		answer, err = c.exchange(ctx, p, r, key)
		return err
	})
	if err == nil && answer.Exception != 0 {
		err = fmt.Errorf("unit %d at %s: %w", r.Unit, c.Line.Address().Where(), answer.Exception)
	}
	return answer, err
}

// exchange sends a request over a port that is this Client's for now, and waits for the answer.
func (c *Client) exchange(ctx context.Context, p port.Port, r Request, key string) (Response, error) {
	transaction := c.talk.next()
	if c.Framing == RTU {
		if err := c.quiet(ctx, p); err != nil {
			return Response{}, err
		}
	}
	frame, err := c.encode(transaction, r)
	if err != nil {
		return Response{}, err
	}
	began := time.Now()
	if _, err := p.Write(frame); err != nil {
		return Response{}, err
	}
	answer, err := c.await(ctx, p, r, transaction)
	c.talk.ended(began, r.Function, key, err == nil, c.timeout())
	return answer, err
}

// quiet waits until the line has been silent for the gap, and throws away what came late.
func (c *Client) quiet(ctx context.Context, p port.Port) error {
	var scrap [MaxFrame]byte
	gap := c.Gap
	if gap <= 0 {
		gap = Silence(c.Line.Address())
	}
	deadline, silence := time.Now().Add(c.timeout()), time.Now().Add(gap)
	for time.Now().Before(silence) {
		n, err := p.Read(scrap[:])
		if err != nil {
			return err
		}
		if n > 0 {
			silence = time.Now().Add(gap)
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

// highSpeed is the baud above which the gap does not shrink any more, and leastGap is the gap there.
const (
	highSpeed = 19200
	leastGap  = 1750 * time.Microsecond
)

// Silence is what separates frames on a line: 3.5 characters, and 1.75 ms above 19200 baud. A TCP port has no baud; its
// far end is taken for a fast line.
func Silence(a port.Address) time.Duration {
	if a.Kind != port.Serial {
		return leastGap
	}
	return gap(a.Baud, a.CharBits())
}

// gap is the time of 3.5 characters of so many bits.
func gap(baud, bits int) time.Duration {
	if baud > highSpeed || baud < 1 {
		return leastGap
	}
	return time.Duration(35*bits) * time.Second / time.Duration(10*baud)
}

func (c *Client) timeout() time.Duration { return orDefault(c.Timeout, defaultTimeout) }

// await reads until the answer is found or the time is over. It keeps only as many bytes as two frames may have.
func (c *Client) await(ctx context.Context, p port.Port, r Request, transaction uint16) (Response, error) {
	deadline := time.Now().Add(c.timeout())
	var got []byte
	var chunk [MaxTCPFrame]byte
	for time.Now().Before(deadline) {
		n, err := p.Read(chunk[:])
		if err != nil {
			return Response{}, err
		}
		if err := ctx.Err(); err != nil {
			return Response{}, err
		}
		got = append(got, chunk[:n]...)
		answer, ok := FindResponse(r, got)
		if c.Framing == TCP {
			answer, ok = findTCP(transaction, r, got)
		}
		if ok {
			return answer, nil
		}
		if n == 0 && c.Framing == RTU && damaged(r, got) { // whole and wrong, and nothing comes after it
			return Response{}, fmt.Errorf("unit %d at %s: %w to %s, register %#04x: its checksum is wrong; check the line's "+
				"wiring, termination and baud rate", r.Unit, c.Line.Address().Where(), ErrNoAnswer, r.Function, r.Register)
		}
		if extra := len(got) - 2*MaxTCPFrame; extra > 0 {
			got = got[extra:]
		}
	}
	return Response{}, fmt.Errorf("unit %d at %s: %w within %s to %s, register %#04x (%d bytes heard); check its power, "+
		"wiring, address and baud rate", r.Unit, c.Line.Address().Where(), ErrNoAnswer, c.timeout(), r.Function, r.Register, len(got))
}

// sleep waits for machine time.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
