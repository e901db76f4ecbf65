package port

import (
	"context"
	"errors"
	"io"
	"time"
)

// The ways in which a port fails. They are wrapped: test with errors.Is.
var (
	// ErrClosed: the port was used after its Close.
	ErrClosed = errors.New("port is closed")
	// ErrUnplugged: the device or the far end went away.
	ErrUnplugged = errors.New("device went away")
	// ErrBusy: another program, or another device of this configuration, holds the port.
	ErrBusy = errors.New("port is busy")
	// ErrMissing: there is no such device, or nobody listens at that address.
	ErrMissing = errors.New("no device there")
	// ErrWriteTimeout: the line did not take the bytes in time; the port is closed.
	ErrWriteTimeout = errors.New("line does not take the bytes")
)

// Port is a stream of bytes to a device. Read waits up to its timeout for at least one byte and answers (0, nil) when
// none came. Write sends all bytes or fails. One goroutine uses a Port; Close may be called by any, and again.
type Port interface {
	io.ReadWriteCloser
}

// Options of an open port; the zero value gives the defaults. All are machine time.
type Options struct {
	ReadTimeout  time.Duration // how long a Read waits for its first byte; 100 ms
	WriteTimeout time.Duration // how long a Write may take; 5 s
	DialTimeout  time.Duration // how long a TCP connection may take to come about; 5 s
}

func (o Options) withDefaults() Options {
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 100 * time.Millisecond
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 5 * time.Second
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = 5 * time.Second
	}
	return o
}

// Open opens a port without an Opener: for tools and simulators, which have few files open. Errors wrap ErrMissing,
// ErrBusy or the system's own.
func Open(ctx context.Context, a Address, o Options) (Port, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if a.Kind == TCP {
		return openTCP(ctx, a, o.withDefaults())
	}
	return openSerial(a, o.withDefaults())
}
