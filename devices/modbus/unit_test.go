package modbus_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
)

// pretend is a line with units on a pseudo terminal.
type pretend struct {
	link string

	mu     sync.Mutex
	master *os.File
	mute   bool
	units  map[byte]*registers
	before []byte // said before each answer
	asked  int
	wg     sync.WaitGroup
}

// registers of one unit. next, where it is not empty, gives the input registers of each coming request in turn.
type registers struct {
	input, holding map[uint16]uint16
	next           []uint16
	busy           int              // how many of the next requests are refused so
	refuse         modbus.Exception // of every request
	silent         bool
}

func newPretend(t *testing.T, units map[byte]*registers) *pretend {
	t.Helper()
	p := &pretend{link: filepath.Join(t.TempDir(), "tty-probe"), units: units}
	p.plug(t)
	t.Cleanup(p.unplug)
	return p
}

func (p *pretend) plug(t *testing.T) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	defer slave.Close()
	termios, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	termios.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	termios.Oflag &^= unix.OPOST
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, termios); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(slave.Name(), p.link); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.master = master
	p.mu.Unlock()
	p.wg.Go(func() { p.serve(master) })
}

func (p *pretend) unplug() {
	p.mu.Lock()
	_ = p.master.Close()
	p.mu.Unlock()
	p.wg.Wait()
	_ = os.Remove(p.link)
}

func (p *pretend) serve(master *os.File) {
	var got []byte
	b := make([]byte, 256)
	for {
		n, err := master.Read(b)
		if err != nil && !os.IsTimeout(err) {
			if pe, ok := err.(*os.PathError); !ok || pe.Err != unix.EIO { // EIO: nobody has the other end open
				return
			}
			unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
			if p.gone(master) {
				return
			}
		}
		got = append(got, b[:n]...)
		for len(got) >= 8 {
			if r, n, err := modbus.DecodeRequest(got); err == nil {
				p.answer(master, r)
				got = got[n:]
				continue
			}
			got = got[1:]
		}
	}
}

func (p *pretend) gone(master *os.File) bool {
	_, err := master.Stat()
	return err != nil
}

func (p *pretend) answer(master *os.File, r modbus.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	u := p.units[r.Unit]
	if p.mute || u == nil {
		return
	}
	frame, err := modbus.EncodeResponse(u.answer(r))
	if err != nil {
		return
	}
	_, _ = master.Write(append(append([]byte(nil), p.before...), frame...))
}

func (u *registers) answer(r modbus.Request) modbus.Response {
	out := modbus.Response{Unit: r.Unit, Function: r.Function, Exception: u.refuse}
	if u.silent { // no frame can be made of an unknown function
		return modbus.Response{}
	}
	if u.busy > 0 {
		u.busy--
		out.Exception = modbus.DeviceBusy
	}
	if out.Exception != 0 {
		return out
	}
	table := u.holding
	if r.Function == modbus.ReadInput {
		table = u.input
		if len(u.next) > 0 {
			u.input[r.Register], u.next = u.next[0], u.next[1:]
		}
	}
	for i := range r.Count {
		v, ok := table[r.Register+i]
		if !ok {
			out.Exception = modbus.IllegalAddress
			return out
		}
		out.Registers = append(out.Registers, v)
	}
	return out
}

// set changes something while the line is not serving.
func (p *pretend) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *pretend) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *pretend) say(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.master.Write(b)
}

func (p *pretend) address(t *testing.T) port.Address {
	t.Helper()
	a, err := port.ParseAddress("serial:" + p.link + "?baud=19200")
	if err != nil {
		t.Fatal(err)
	}
	return a
}
