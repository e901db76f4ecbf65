package e2e_test

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tallydock/tallydock/devices/uhf"
)

// feeder is a serial UHF reader on a pseudo terminal that sends frames as fast as the line takes them: the simulated one
// keeps to its line's 480 reads a second.
type feeder struct {
	t       *testing.T
	master  *os.File
	slave   *os.File // held open, so that the line does not hang up
	path    string
	polling chan struct{} // closed when a gateway polls

	mu sync.Mutex // of writing whole frames
}

// newFeeder plugs a reader in at path.
func newFeeder(t *testing.T, path string) *feeder {
	t.Helper()
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &feeder{t: t, master: os.NewFile(uintptr(fd), "/dev/ptmx"), polling: make(chan struct{})}
	t.Cleanup(func() { f.master.Close() })
	var unlocked, number int32
	ioctl(t, fd, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ioctl(t, fd, syscall.TIOCGPTN, unsafe.Pointer(&number))
	f.path = "/dev/pts/" + strconv.Itoa(int(number))
	if f.slave, err = os.OpenFile(f.path, os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.slave.Close() })
	rawLine(t, int(f.slave.Fd()))
	if path != "" {
		if err := os.Symlink(f.path, path); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func ioctl(t *testing.T, fd int, request uintptr, value unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(value)); errno != 0 {
		t.Fatal(errno)
	}
}

// rawLine makes the line hand bytes through as they are.
func rawLine(t *testing.T, fd int) {
	t.Helper()
	var s syscall.Termios
	ioctl(t, fd, syscall.TCGETS, unsafe.Pointer(&s))
	s.Iflag, s.Oflag, s.Lflag = 0, 0, 0
	s.Cflag = s.Cflag&^(syscall.CSIZE|syscall.PARENB) | syscall.CS8 | syscall.CREAD | syscall.CLOCAL
	ioctl(t, fd, syscall.TCSETS, unsafe.Pointer(&s))
}

// answer obeys a gateway's commands until the line is closed.
func (f *feeder) answer() {
	buf, chunk := []byte(nil), make([]byte, 512)
	for {
		n, err := f.master.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:n]...)
		for {
			frame, rest, _, err := uhf.Decode(buf)
			if err != nil {
				buf = append(buf[:0], rest...)
				break
			}
			f.obey(frame)
			buf = append(buf[:0], rest...)
		}
	}
}

func (f *feeder) obey(frame uhf.Frame) {
	c, err := uhf.ParseCommand(frame)
	switch {
	case err != nil:
		f.say(uhf.Failed(uhf.BadCommand).Append(nil))
	case c.Code == uhf.Version:
		f.say(uhf.VersionReply(c.Part, "bench").Append(nil))
	case c.Code == uhf.MultiPoll:
		select {
		case <-f.polling:
		default:
			close(f.polling)
		}
	default:
		f.say(uhf.Done(c.Code).Append(nil))
	}
}

// say sends whole frames and waits until the line has taken them; it reports whether it has.
func (f *feeder) say(frames []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.master.Write(frames)
	if err != nil && !errors.Is(err, os.ErrClosed) {
		f.t.Errorf("line %s: %v", f.path, err)
	}
	return err == nil
}

// awaitPolling waits until a gateway polls the reader.
func (f *feeder) awaitPolling() {
	f.t.Helper()
	select {
	case <-f.polling:
	case <-time.After(30 * time.Second):
		f.t.Fatalf("no gateway polls %s after 30 s", f.path)
	}
}

// frameBytes is the length of the sighting of a tag of 96 bits.
const frameBytes = 24

// sighting appends the frame of a tag that was seen.
func sighting(t *testing.T, b, epc []byte, rssi int8) []byte {
	t.Helper()
	n, err := uhf.NewNotice(epc, rssi)
	if err != nil {
		t.Fatal(err)
	}
	return n.Append(b)
}

// pieces cuts frames so that an answer can go between them.
func pieces(frames []byte) [][]byte {
	const size = 128 * frameBytes
	var out [][]byte
	for len(frames) > size {
		out = append(out, frames[:size:size])
		frames = frames[size:]
	}
	return append(out, frames)
}

func dataSync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
