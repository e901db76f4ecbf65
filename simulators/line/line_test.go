package line_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/simulators/line"
)

func open(t *testing.T) *line.Line {
	t.Helper()
	l, err := line.Open(filepath.Join(t.TempDir(), "tty-x"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func slave(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// until reads the line until want is so, or fails after two seconds.
func until(t *testing.T, l *line.Line, want func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Second); !want(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to be")
		}
		if _, err := l.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBytesGoThroughAsTheyAre(t *testing.T) {
	l := open(t)
	f := slave(t, l.Where())
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	if _, err := f.Write(all); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for len(got) < len(all) {
		b := make([]byte, 100)
		n, err := l.Read(b)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		got = append(got, b[:n]...)
	}
	if !bytes.Equal(got, all) {
		t.Errorf("the device got % x", got)
	}
	l.Write(all)
	back := make([]byte, 256)
	for n := 0; n < len(back); {
		m, err := f.Read(back[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if !bytes.Equal(back, all) {
		t.Errorf("the gateway got % x", back)
	}
}

func TestItKnowsWhetherSomebodyListens(t *testing.T) {
	l := open(t)
	until(t, l, func() bool { return !l.Listening() })
	if _, err := l.Read(make([]byte, 1)); err != nil || l.Listening() {
		t.Fatal("somebody listens before the port was opened")
	}
	l.Write([]byte("lost"))
	for range 3 {
		f := slave(t, l.Where())
		until(t, l, l.Listening)
		if !l.Lapsed() {
			t.Error("the time before was not noticed")
		}
		if l.Lapsed() {
			t.Error("it lapsed while somebody listened")
		}
		f.Close()
		until(t, l, func() bool { return !l.Listening() })
	}
}

func TestUnpluggingEndsTheGatewaysReadAndTakesTheLinkAway(t *testing.T) {
	l := open(t)
	f := slave(t, l.Where())
	until(t, l, l.Listening)
	ended := make(chan error, 1)
	go func() {
		_, err := f.Read(make([]byte, 10))
		ended <- err
	}()
	l.Unplug()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the gateway read something")
		}
	case <-time.After(2 * time.Second):
		t.Fatal("the gateway still reads")
	}
	if _, err := os.Lstat(l.Where()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("link: %v", err)
	}
	if err := l.Replug(); err != nil {
		t.Fatal(err)
	}
	g := slave(t, l.Where())
	if _, err := g.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if n, err := l.Read(b); n != 1 || err != nil {
		t.Errorf("after plugging in again: %d %v", n, err)
	}
	l.Close()
	if _, err := l.Read(b); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestAListenerThatDoesNotReadDoesNotBlockTheDevice(t *testing.T) {
	l := open(t)
	slave(t, l.Where())
	until(t, l, l.Listening)
	start := time.Now()
	for range 20 {
		l.Write(make([]byte, 20_000))
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("400 kB took %v", d)
	}
}

func TestAFileInTheWayIsNotRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tty-x")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := line.Open(path); err == nil {
		t.Fatal("it was replaced")
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Error("the file is gone")
	}
}
