package port

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// line is a port that several devices hang on, such as an RS-485 bus. turn holds one token: whoever has it may use
// the port; the fields below belong to the token's holder. users belongs to the Opener's lock.
type line struct {
	key   string
	addr  Address
	opts  Options
	turn  chan struct{}
	users int

	open Port
}

// Shared is one device's part in a line.
type Shared struct {
	opener *Opener
	line   *line
	left   bool
}

// Share joins the line at an address, which stays closed until the first Do. Devices that name the same port, by
// whatever link, share one connection; they must agree on how the line is set up. Leave it with Leave.
func (o *Opener) Share(a Address, opts Options) (*Shared, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, fmt.Errorf("%s: the port opener: %w", a.Where(), ErrClosed)
	}
	key := lineKey(a)
	l := o.lines[key]
	if l == nil {
		l = &line{key: key, addr: a, opts: opts, turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		o.lines[key] = l
	}
	if !sameLine(l.addr, a) {
		return nil, fmt.Errorf("%s and %s are one line but are set up differently; give both the same parameters", l.addr, a)
	}
	l.users++
	return &Shared{opener: o, line: l}, nil
}

func lineKey(a Address) string {
	if a.Kind == TCP {
		return "tcp:" + a.Host
	}
	if real, err := filepath.EvalSymlinks(a.Path); err == nil {
		return real
	}
	return filepath.Clean(a.Path)
}

func sameLine(a, b Address) bool {
	a.Path, b.Path = "", ""
	return a == b
}

// Do waits for its turn, opens the port if it is not open, and calls f with it. An error of f that wraps ErrUnplugged,
// ErrClosed or ErrWriteTimeout closes the port, so that the next Do opens it anew. f must not keep the port.
func (s *Shared) Do(ctx context.Context, f func(Port) error) error {
	l := s.line
	select {
	case <-l.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { l.turn <- struct{}{} }()
	if s.left {
		return fmt.Errorf("%s: %w", l.addr.Where(), ErrClosed)
	}
	if l.open == nil {
		p, err := s.opener.Open(ctx, l.addr, l.opts)
		if err != nil {
			return err
		}
		l.open = p
	}
	err := f(l.open)
	if errors.Is(err, ErrUnplugged) || errors.Is(err, ErrClosed) || errors.Is(err, ErrWriteTimeout) {
		_ = l.open.Close()
		l.open = nil
	}
	return err
}

// Address tells which line it is.
func (s *Shared) Address() Address { return s.line.addr }

// Leave ends this device's part; the last one closes the port. It waits for a Do that is under way.
func (s *Shared) Leave() {
	l := s.line
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	if s.left {
		return
	}
	s.left = true
	if s.opener.forget(l) && l.open != nil {
		_ = l.open.Close()
		l.open = nil
	}
}

// forget takes one user off a line and reports whether it was the last.
func (o *Opener) forget(l *line) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	l.users--
	if l.users > 0 {
		return false
	}
	delete(o.lines, l.key)
	return true
}
