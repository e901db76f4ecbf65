// Package line is the far end of a serial line: a pseudo terminal that a gateway opens like a serial port, and that can
// be unplugged.
//
// What is written while nobody has the port open is lost, as on a real line. The line's speed is not simulated here: who
// writes paces himself (see Baud).
package line

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// readWait is how long a Read waits for bytes, and so the longest that a change of Listening goes unnoticed.
	readWait = 20 * time.Millisecond
	// writeWait is how long a Write waits for a listener that does not take its bytes; the rest is lost, as in the
	// overrun of a UART.
	writeWait = 10 * time.Millisecond
)

// Line is a serial line seen from the device. One goroutine reads; any may call the other methods.
type Line struct {
	path      string
	listening atomic.Bool
	lapsed    atomic.Bool // nobody listened at some moment since Lapsed was asked

	mu     sync.Mutex
	master *os.File // nil while unplugged
	closed bool
}

// Open plugs a new line in: path becomes a symbolic link to it. A link that is there is replaced; anything else is an
// error.
func Open(path string) (*Line, error) {
	l := &Line{path: path}
	if err := l.Replug(); err != nil {
		return nil, err
	}
	return l, nil
}

// Where is the path at which the line is plugged in.
func (l *Line) Where() string { return l.path }

// Path is where a device of a simulated site is plugged in, in the site's folder.
func Path(dir, device string) string { return filepath.Join(dir, "tty-"+device) }

// Replug plugs the line in again after Unplug. On a line that is plugged in it does nothing.
func (l *Line) Replug() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("line %s: %w", l.path, os.ErrClosed)
	}
	if l.master != nil {
		return nil
	}
	master, slave, err := terminal()
	if err != nil {
		return fmt.Errorf("cannot make a pseudo terminal for %s: %w", l.path, err)
	}
	if err := link(slave, l.path); err != nil {
		_ = master.Close()
		return err
	}
	l.master = master
	return nil
}

// Unplug takes the line out: the link goes, and who has the port open gets an error.
func (l *Line) Unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.master == nil {
		return
	}
	_ = os.Remove(l.path)
	_ = l.master.Close()
	l.master = nil
	l.quiet()
}

// Close unplugs the line for good. Read ends with os.ErrClosed.
func (l *Line) Close() {
	l.Unplug()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// Listening reports whether some program has the port open.
func (l *Line) Listening() bool { return l.listening.Load() }

// Lapsed reports whether nobody listened at some moment since it was asked last.
func (l *Line) Lapsed() bool { return l.lapsed.Swap(!l.listening.Load()) }

func (l *Line) quiet() {
	l.listening.Store(false)
	l.lapsed.Store(true)
}

func (l *Line) file() (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("line %s: %w", l.path, os.ErrClosed)
	}
	return l.master, nil
}

// Read waits a moment for bytes from the gateway; (0, nil) where none came. It fails only when the line is closed.
func (l *Line) Read(b []byte) (int, error) {
	f, err := l.file()
	if err != nil {
		return 0, err
	}
	if f == nil {
		time.Sleep(readWait)
		return 0, nil
	}
	_ = f.SetReadDeadline(time.Now().Add(readWait))
	n, err := f.Read(b)
	switch {
	case n > 0, errors.Is(err, os.ErrDeadlineExceeded):
		l.listening.Store(true)
	case err != nil: // EIO: nobody has the other end open; or it was unplugged meanwhile
		l.quiet()
		time.Sleep(readWait)
	}
	return max(n, 0), nil
}

// Write sends b to the gateway, as far as somebody takes it.
func (l *Line) Write(b []byte) {
	f, err := l.file()
	if err != nil || f == nil || !l.listening.Load() {
		return
	}
	_ = f.SetWriteDeadline(time.Now().Add(writeWait))
	_, _ = f.Write(b)
}

// terminal makes a raw pseudo terminal and gives its master, which counts as hung up until the slave is opened, and the
// slave's path.
func terminal() (*os.File, string, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	master := os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, "", errors.Join(err, master.Close())
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, "", errors.Join(err, master.Close())
	}
	slave := "/dev/pts/" + strconv.Itoa(n)
	if err := touch(slave); err != nil {
		return nil, "", errors.Join(err, master.Close())
	}
	return master, slave, nil
}

// touch opens the slave once, which makes its settings raw and lets the master see the hang-up that follows.
func touch(slave string) error {
	fd, err := unix.Open(slave, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == nil {
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CREAD | unix.CLOCAL
		err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
	return errors.Join(err, unix.Close(fd))
}

// link makes path a symbolic link to target, over a link that is there.
func link(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of %s: %w", path, err)
	}
	old, err := os.Lstat(path)
	switch {
	case err == nil && old.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("%s is there and is no link; remove it or choose another folder", path)
	case err == nil:
		err = os.Remove(path)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err == nil {
		err = os.Symlink(target, path)
	}
	if err != nil {
		return fmt.Errorf("cannot plug in %s: %w", path, err)
	}
	return nil
}
