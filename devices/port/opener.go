package port

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// filesPerPort is how many low file numbers an open serial port needs: the tty and the two ends of the library's
// closing pipe.
const filesPerPort = 3

// Opener opens the ports of a gateway. It holds low file numbers for them, because a gateway's sockets and tables may
// take all numbers below 1024 by the time that a reader is plugged in again, and it shares lines that several devices
// hang on. It is safe for use by several goroutines.
type Opener struct {
	mu      sync.Mutex
	reserve []*os.File
	lines   map[string]*line
	closed  bool
}

// NewOpener makes an Opener that can keep ports serial ports open at once whatever else is open. Make it before the
// gateway opens its stores and sockets, and Close it after the last port.
func NewOpener(ports int) (*Opener, error) {
	o := &Opener{lines: map[string]*line{}}
	for range ports * filesPerPort {
		if err := o.hold(); err != nil {
			_ = o.Close()
			return nil, err
		}
	}
	return o, nil
}

func (o *Opener) hold() error {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("cannot hold a file number for a serial port: %w; raise the limit of open files (ulimit -n)", err)
	}
	o.reserve = append(o.reserve, f)
	return nil
}

// Open opens a port; see Open of the package.
func (o *Opener) Open(ctx context.Context, a Address, opts Options) (Port, error) {
	if a.Kind == TCP {
		return Open(ctx, a, opts)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, fmt.Errorf("%s: the port opener: %w", a.Path, ErrClosed)
	}
	held := o.free(filesPerPort)
	p, err := openSerial(a, opts.withDefaults())
	if err != nil {
		return nil, errors.Join(err, o.holdAll(held))
	}
	p.release = func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if !o.closed {
			_ = o.holdAll(held) // a port less in reserve is no reason to fail a Close
		}
	}
	return p, nil
}

func (o *Opener) holdAll(n int) error {
	for range n {
		if err := o.hold(); err != nil {
			return err
		}
	}
	return nil
}

// free closes up to n placeholders, so that the next files that are opened get their numbers.
func (o *Opener) free(n int) int {
	n = min(n, len(o.reserve))
	for _, f := range o.reserve[len(o.reserve)-n:] {
		_ = f.Close()
	}
	o.reserve = o.reserve[:len(o.reserve)-n]
	return n
}

// Close gives the file numbers back. Ports that are open stay open.
func (o *Opener) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.free(len(o.reserve))
	return nil
}
