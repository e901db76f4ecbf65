package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// tcpPort is a socket. The Go runtime keeps its file number safe, so deadlines do all the work.
type tcpPort struct {
	addr Address
	opts Options
	conn net.Conn
	once sync.Once
	err  error
}

func openTCP(ctx context.Context, a Address, o Options) (*tcpPort, error) {
	d := net.Dialer{Timeout: o.DialTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	conn, err := d.DialContext(ctx, "tcp", a.Host)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: nobody answers at %s (%w); check its power, network and address", ErrMissing, a.Host, err)
	}
	return &tcpPort{addr: a, opts: o, conn: conn}, nil
}

// Read implements Port.
func (p *tcpPort) Read(b []byte) (int, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(p.opts.ReadTimeout)); err != nil {
		return 0, p.wrap(err)
	}
	n, err := p.conn.Read(b)
	if n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return n, nil
	}
	return 0, p.wrap(err)
}

// Write implements Port.
func (p *tcpPort) Write(b []byte) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.opts.WriteTimeout)); err != nil {
		return 0, p.wrap(err)
	}
	n, err := p.conn.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = p.Close()
		return n, fmt.Errorf("%s: %w: %d bytes did not leave within %s; check the device and the network",
			p.addr.Host, ErrWriteTimeout, len(b)-n, p.opts.WriteTimeout)
	}
	if err != nil {
		return n, p.wrap(err)
	}
	return n, nil
}

func (p *tcpPort) wrap(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("%s: %w", p.addr.Host, ErrClosed)
	}
	return fmt.Errorf("%s: %w (%w); check the device's power and the network", p.addr.Host, ErrUnplugged, err)
}

// Close implements Port.
func (p *tcpPort) Close() error {
	p.once.Do(func() { p.err = p.conn.Close() })
	return p.err
}
