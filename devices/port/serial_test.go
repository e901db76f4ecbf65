package port_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices/port"
)

func open(t *testing.T, a port.Address, o port.Options) port.Port {
	t.Helper()
	p, err := port.Open(context.Background(), a, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// readN reads until n bytes have come.
func readN(t *testing.T, p port.Port, n int) []byte {
	t.Helper()
	var got []byte
	b := make([]byte, 64)
	for deadline := time.Now().Add(5 * time.Second); len(got) < n; {
		k, err := p.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:k]...)
		if time.Now().After(deadline) {
			t.Fatalf("only %x came", got)
		}
	}
	return got
}

func TestBytesPassBothWaysUnchanged(t *testing.T) {
	c := newCable(t)
	p := open(t, c.address(t), port.Options{})
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	if n, err := p.Write(every); n != len(every) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
	got := make([]byte, 256)
	if _, err := c.device.Read(got); err != nil || !bytes.Equal(got, every) {
		t.Fatalf("device got %x, %v", got, err)
	}
	if _, err := c.device.Write(every); err != nil {
		t.Fatal(err)
	}
	if got := readN(t, p, 256); !bytes.Equal(got, every) {
		t.Errorf("port got %x", got)
	}
}

func TestReadAnswersZeroAndNoErrorAfterItsTimeout(t *testing.T) {
	p := open(t, newCable(t).address(t), port.Options{ReadTimeout: 60 * time.Millisecond})
	began := time.Now()
	n, err := p.Read(make([]byte, 10))
	if n != 0 || err != nil {
		t.Errorf("Read = %d, %v; want 0, nil", n, err)
	}
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("Read came back after %s", took)
	}
}

func TestUnplugEndsReadAndWriteAndReplugWorks(t *testing.T) {
	c := newCable(t)
	p := open(t, c.address(t), port.Options{ReadTimeout: 5 * time.Second})
	failed := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 10))
		failed <- err
	}()
	c.unplug()
	if err := <-failed; !errors.Is(err, port.ErrUnplugged) || !strings.Contains(err.Error(), c.link) {
		t.Errorf("Read: %v; want ErrUnplugged that names the port", err)
	}
	if _, err := p.Write([]byte("x")); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("Write: %v; want ErrUnplugged", err)
	}
	_ = p.Close()
	if _, err := port.Open(context.Background(), c.address(t), port.Options{}); !errors.Is(err, port.ErrMissing) {
		t.Errorf("Open while unplugged: %v; want ErrMissing", err)
	}
	c.plug(t)
	p = open(t, c.address(t), port.Options{})
	if _, err := c.device.Write([]byte("back")); err != nil {
		t.Fatal(err)
	}
	if got := readN(t, p, 4); string(got) != "back" {
		t.Errorf("got %q", got)
	}
}

func TestASecondOpenerIsToldThatThePortIsBusy(t *testing.T) {
	c := newCable(t)
	first := open(t, c.address(t), port.Options{})
	other := filepath.Join(t.TempDir(), "other-name")
	target, err := os.Readlink(c.link)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, other); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{c.link, other, target} {
		a := c.address(t)
		a.Path = path
		_, err := port.Open(context.Background(), a, port.Options{})
		if !errors.Is(err, port.ErrBusy) || !strings.Contains(err.Error(), "fuser") {
			t.Errorf("second Open as %s: %v; want ErrBusy and what to do", path, err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_ = open(t, c.address(t), port.Options{}).Close()
}

func TestAMissingDeviceIsNamed(t *testing.T) {
	a, err := port.ParseAddress("serial:/dev/tty-not-there")
	if err != nil {
		t.Fatal(err)
	}
	_, err = port.Open(context.Background(), a, port.Options{})
	if !errors.Is(err, port.ErrMissing) || !strings.Contains(err.Error(), "/dev/tty-not-there does not exist; check") {
		t.Errorf("error is %v", err)
	}
}

func TestAFileIsNoSerialPort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := port.Address{Kind: port.Serial, Path: path, Baud: 9600, Data: 8, Parity: port.NoParity, Stop: 1}
	_, err := port.Open(context.Background(), a, port.Options{})
	if err == nil || !strings.Contains(err.Error(), "no serial port") {
		t.Errorf("error is %v", err)
	}
}

// The library's own Write after Close goes to whatever file got the number since; this one must not.
func TestWriteAfterCloseReachesNoFile(t *testing.T) {
	c := newCable(t)
	p := open(t, c.address(t), port.Options{})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var victims []*os.File
	for i := range 8 { // one of these has the number that the port had
		f, err := os.Create(filepath.Join(dir, string(rune('a'+i))))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		victims = append(victims, f)
	}
	if n, err := p.Write([]byte("JUNK")); n != 0 || !errors.Is(err, port.ErrClosed) {
		t.Errorf("Write after Close = %d, %v; want 0, ErrClosed", n, err)
	}
	if n, err := p.Read(make([]byte, 4)); n != 0 || !errors.Is(err, port.ErrClosed) {
		t.Errorf("Read after Close = %d, %v; want 0, ErrClosed", n, err)
	}
	for _, f := range victims {
		if s, err := f.Stat(); err != nil || s.Size() != 0 {
			t.Errorf("%s has %d bytes", f.Name(), s.Size())
		}
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestABlockedWriteIsGivenUpAndThePortClosed(t *testing.T) {
	c := newCable(t)
	p := open(t, c.address(t), port.Options{WriteTimeout: 100 * time.Millisecond})
	began := time.Now()
	_, err := p.Write(make([]byte, 1<<20)) // a pseudo terminal takes some ten thousand
	if !errors.Is(err, port.ErrWriteTimeout) {
		t.Fatalf("Write: %v; want ErrWriteTimeout", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Write took %s", took)
	}
	if _, err := p.Write([]byte("x")); !errors.Is(err, port.ErrClosed) {
		t.Errorf("next Write: %v; want ErrClosed", err)
	}
	again := open(t, c.address(t), port.Options{})
	_ = again.Close()
}

func TestCloseEndsAReadOfAnotherGoroutine(t *testing.T) {
	p := open(t, newCable(t).address(t), port.Options{ReadTimeout: time.Minute})
	failed := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := p.Read(make([]byte, 10))
		failed <- err
	}()
	<-started
	began := time.Now()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, port.ErrClosed) {
		t.Errorf("Read: %v; want ErrClosed", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("Close took %s", took)
	}
}

// fillNumbers opens files until one has a number of 1024 or more.
func fillNumbers(t *testing.T) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 1200 {
		t.Skipf("only %d files can be open here; 1200 are needed", limit.Cur)
	}
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Skipf("cannot open 1024 files: %v", err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if f.Fd() >= 1030 {
			return
		}
	}
}

func TestAHighFileNumberIsAnErrorNotAPanic(t *testing.T) {
	c := newCable(t)
	fillNumbers(t)
	_, err := port.Open(context.Background(), c.address(t), port.Options{})
	if err == nil || !strings.Contains(err.Error(), "1024") {
		t.Errorf("error is %v; want one about file numbers", err)
	}
}

func TestAnOpenerKeepsLowNumbersForPorts(t *testing.T) {
	c := newCable(t)
	o, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	fillNumbers(t)
	for round := range 3 {
		p, err := o.Open(context.Background(), c.address(t), port.Options{})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, err := c.device.Write([]byte("ok")); err != nil {
			t.Fatal(err)
		}
		if got := readN(t, p, 2); string(got) != "ok" {
			t.Errorf("got %q", got)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
