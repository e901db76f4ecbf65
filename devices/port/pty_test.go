package port_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices/port"
)

// cable is a pseudo terminal: the device's end, and a link by which the port is opened.
type cable struct {
	device *os.File
	link   string
}

func newCable(t *testing.T) *cable {
	t.Helper()
	c := &cable{link: filepath.Join(t.TempDir(), "tty-reader")}
	c.plug(t)
	t.Cleanup(c.unplug)
	return c
}

func (c *cable) plug(t *testing.T) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	raw(t, slave)
	if err := os.Symlink(slave.Name(), c.link); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	c.device = master
}

func raw(t *testing.T, tty *os.File) {
	t.Helper()
	termios, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	termios.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	termios.Oflag &^= unix.OPOST
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, termios); err != nil {
		t.Fatal(err)
	}
}

func (c *cable) unplug() {
	_ = c.device.Close()
	_ = os.Remove(c.link)
}

func (c *cable) address(t *testing.T) port.Address {
	t.Helper()
	a, err := port.ParseAddress("serial:" + c.link + "?baud=115200")
	if err != nil {
		t.Fatal(err)
	}
	return a
}
