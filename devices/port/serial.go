package port

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	bugst "go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// readSlice is the longest time that a Read stays inside the operating system, and so the longest that Close waits
// for it.
const readSlice = 20 * time.Millisecond

// closeGrace is how long Close waits for a Read or Write that is inside the operating system before it closes the
// file under it.
const closeGrace = 250 * time.Millisecond

// serialPort is a tty. closed is set first and looked at, under mu, before each entry into the operating system; busy
// counts the entries, so that Close knows when the file number is nobody's any more.
type serialPort struct {
	addr    Address
	opts    Options
	tty     bugst.Port
	lock    *os.File
	release func() // gives the file numbers back to the Opener; may be nil

	mu     sync.Mutex
	closed bool
	busy   int
	idle   chan struct{} // closed when busy has come down to 0 after closed was set
	done   chan struct{} // closed when the file is closed
}

func openSerial(a Address, o Options) (*serialPort, error) {
	lock, err := lockTTY(a.Path)
	if err != nil {
		return nil, err
	}
	tty, err := bugst.Open(a.Path, modeOf(a))
	if err != nil {
		_ = lock.Close()
		return nil, openError(a.Path, err)
	}
	if err := tty.SetReadTimeout(min(readSlice, o.ReadTimeout)); err != nil {
		_ = tty.Close()
		_ = lock.Close()
		return nil, fmt.Errorf("cannot set the read timeout of %s: %w", a.Path, err)
	}
	p := &serialPort{addr: a, opts: o, tty: tty, lock: lock, idle: make(chan struct{}), done: make(chan struct{})}
	if err := p.probe(); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// probe notices a file number that select(2) does not know before the first byte is lost.
func (p *serialPort) probe() error {
	_, err := p.guardedRead(nil)
	var high *highFileError
	if errors.As(err, &high) {
		return err
	}
	return nil
}

func modeOf(a Address) *bugst.Mode {
	m := &bugst.Mode{BaudRate: a.Baud, DataBits: a.Data}
	switch a.Parity {
	case OddParity:
		m.Parity = bugst.OddParity
	case EvenParity:
		m.Parity = bugst.EvenParity
	}
	if a.Stop == 2 {
		m.StopBits = bugst.TwoStopBits
	}
	return m
}

// lockTTY takes the advisory lock of the device itself, which holds whatever name or link it was opened by.
func lockTTY(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, openError(path, err)
	}
	// Not os.NewFile with a pollable file: the lock's file is never read.
	lock := os.NewFile(uintptr(fd), path)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, busyError(path)
		}
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return lock, nil
}

func busyError(path string) error {
	return fmt.Errorf("%w: %s is held by another program or another device of this configuration; "+
		"stop it (see: fuser %s) or give each device a port of its own", ErrBusy, path, path)
}

func openError(path string, err error) error {
	var pe *bugst.PortError
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%w: %s does not exist; check the cable and the name (ls /dev/serial/by-id)", ErrMissing, path)
	case errors.Is(err, unix.EACCES), errors.As(err, &pe) && pe.Code() == bugst.PermissionDenied:
		return fmt.Errorf("cannot open %s: permission denied; add this program's user to the group of the device "+
			"(usually dialout)", path)
	case errors.Is(err, unix.EBUSY), errors.As(err, &pe) && pe.Code() == bugst.PortBusy:
		return busyError(path)
	case errors.As(err, &pe) && pe.Code() == bugst.InvalidSerialPort:
		return fmt.Errorf("cannot open %s: it is no serial port: %w", path, err)
	}
	return fmt.Errorf("cannot open %s: %w", path, err)
}

// enter books one entry into the operating system; leave ends it.
func (p *serialPort) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("%s: %w", p.addr.Path, ErrClosed)
	}
	p.busy++
	return nil
}

func (p *serialPort) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if p.closed && p.busy == 0 {
		close(p.idle)
	}
}

// Read implements Port.
func (p *serialPort) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	deadline := time.Now().Add(p.opts.ReadTimeout)
	for {
		n, err := p.readSlice(b)
		if n > 0 || err != nil || !time.Now().Before(deadline) {
			return n, err
		}
	}
}

func (p *serialPort) readSlice(b []byte) (int, error) {
	if err := p.enter(); err != nil {
		return 0, err
	}
	defer p.leave()
	n, err := p.guardedRead(b)
	if err != nil && n == 0 {
		return 0, p.gone(err)
	}
	return n, nil
}

type highFileError struct{ path string }

func (e *highFileError) Error() string {
	return fmt.Sprintf("cannot read %s: its file number is 1024 or more, which the serial library cannot wait for; "+
		"open serial ports before other files, or raise the Opener's reserve", e.path)
}

// guardedRead reads and turns the library's panic about a file number of 1024 or more into an error.
func (p *serialPort) guardedRead(b []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, &highFileError{p.addr.Path}
		}
	}()
	if b == nil {
		return p.probeRead()
	}
	return p.tty.Read(b)
}

// probeRead goes through the library's wait without taking a byte: read(2) of zero bytes.
func (p *serialPort) probeRead() (int, error) { return p.tty.Read([]byte{}) }

func (p *serialPort) gone(err error) error {
	var high *highFileError
	if errors.As(err, &high) || errors.Is(err, ErrClosed) {
		return err
	}
	return fmt.Errorf("%s: %w (%w); check the cable and the device's power", p.addr.Path, ErrUnplugged, err)
}

// Write implements Port: it sends all of b, or closes the port after WriteTimeout and gives the write up.
func (p *serialPort) Write(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	if err := p.enter(); err != nil {
		return 0, err
	}
	// The library's Write cannot be interrupted, so it has a goroutine of its own, which ends with the system call.
	out := make(chan result, 1)
	own := append([]byte(nil), b...)
	go func() {
		defer p.leave()
		n, err := p.writeAll(own)
		out <- result{n, err}
	}()
	watchdog := time.NewTimer(p.opts.WriteTimeout)
	defer watchdog.Stop()
	select {
	case r := <-out:
		if r.err != nil {
			return r.n, p.gone(r.err)
		}
		return r.n, nil
	case <-watchdog.C:
		_ = p.Close()
		return 0, fmt.Errorf("%s: %w: %d bytes did not leave within %s; check flow control and the device's power",
			p.addr.Path, ErrWriteTimeout, len(b), p.opts.WriteTimeout)
	}
}

func (p *serialPort) writeAll(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		if p.isClosed() {
			return sent, ErrClosed
		}
		n, err := p.tty.Write(b[sent:])
		sent += n
		if err != nil && !errors.Is(err, unix.EINTR) {
			return sent, err
		}
	}
	return sent, nil
}

func (p *serialPort) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Close implements Port. It waits until no Read or Write is inside the operating system: up to readSlice for a Read; a
// Write that hangs is woken by throwing away what the line has not taken, and left behind after closeGrace.
func (p *serialPort) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.done
		return nil
	}
	p.closed = true
	if p.busy == 0 {
		close(p.idle)
	}
	p.mu.Unlock()
	defer close(p.done)
	p.waitIdle()
	err := p.tty.Close()
	_ = p.lock.Close()
	if p.release != nil {
		p.release()
	}
	if err != nil {
		return fmt.Errorf("cannot close %s: %w", p.addr.Path, err)
	}
	return nil
}

func (p *serialPort) waitIdle() {
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	flush := time.NewTicker(closeGrace / 10)
	defer flush.Stop()
	for {
		select {
		case <-p.idle:
			return
		case <-grace.C:
			return
		case <-flush.C:
			_ = p.tty.ResetOutputBuffer()
		}
	}
}
