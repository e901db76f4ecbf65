package fleet_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices/modbus"
)

// probe is a Modbus thermometer at the far end of a pseudo terminal.
type probe struct {
	path string

	mu  sync.Mutex
	far *os.File
}

func newProbe(t *testing.T) *probe {
	t.Helper()
	p := &probe{path: filepath.Join(t.TempDir(), "tty-probe")}
	t.Cleanup(p.unplug)
	return p
}

// plug connects it; it answers from then on.
func (p *probe) plug(t *testing.T) {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	termios, err := unix.IoctlGetTermios(int(near.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	termios.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	termios.Oflag &^= unix.OPOST
	if err := unix.IoctlSetTermios(int(near.Fd()), unix.TCSETS, termios); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(near.Name(), p.path); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.far = far
	p.mu.Unlock()
	go func() {
		defer near.Close() // held until then, because without any reader of it the far end fails
		answer(far)
	}()
}

// answer answers requests with 4.3 °C and 60 %RH, and corrections of 0, until the line is closed.
func answer(line *os.File) {
	var have []byte
	b := make([]byte, 64)
	for {
		n, err := line.Read(b)
		if err != nil {
			return
		}
		have = append(have, b[:n]...)
		req, length, err := modbus.DecodeRequest(have)
		if err != nil {
			continue
		}
		have = have[length:]
		values := map[uint16]uint16{1: 43, 2: 600}
		res := modbus.Response{Unit: req.Unit, Function: req.Function}
		for i := range req.Count {
			res.Registers = append(res.Registers, values[req.Register+i])
		}
		if frame, err := modbus.EncodeResponse(res); err == nil {
			_, _ = line.Write(frame)
		}
	}
}

func (p *probe) unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.far != nil {
		_ = p.far.Close()
		p.far = nil
	}
	_ = os.Remove(p.path)
}
