package uhf_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/uhf"
)

// cable is a pseudo terminal: far is the device's end, and path is where the port is opened.
type cable struct {
	path string

	mu   sync.Mutex
	far  *os.File
	near *os.File // held open, because without any reader of it the far end fails
}

// plug connects a new pseudo terminal, in raw mode.
func (c *cable) plug(t *testing.T) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	defer master.Close()
	raw(t, slave)
	// A descriptor that does not block can be closed while somebody reads from it.
	fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(c.path)
	if err := os.Symlink(slave.Name(), c.path); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.far, c.near = os.NewFile(uintptr(fd), "far end"), slave
}

func raw(t *testing.T, tty *os.File) {
	t.Helper()
	termios, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	termios.Iflag = 0
	termios.Oflag &^= unix.OPOST
	termios.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG | unix.IEXTEN
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, termios); err != nil {
		t.Fatal(err)
	}
}

func (c *cable) unplug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.far.Close()
	_ = c.near.Close()
	_ = os.Remove(c.path)
}

// end gives the device's end as it is now plugged.
func (c *cable) end() *os.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.far
}

func (c *cable) dial(ctx context.Context) (uhf.Port, error) {
	a, err := port.ParseAddress("serial:" + c.path + "?baud=115200")
	if err != nil {
		return nil, err
	}
	return port.Open(ctx, a, port.Options{})
}

func newCable(t *testing.T) *cable {
	t.Helper()
	c := &cable{path: filepath.Join(t.TempDir(), "tty-reader")}
	c.plug(t)
	t.Cleanup(c.unplug)
	return c
}
