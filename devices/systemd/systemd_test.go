package systemd_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/systemd"
)

func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

// listen is a service manager's socket.
func listen(t *testing.T, name string) func() string {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return func() string {
		b := make([]byte, 4096)
		_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func TestManagerIsTold(t *testing.T) {
	for _, socket := range []string{filepath.Join(t.TempDir(), "notify"), fmt.Sprintf("@tallydock-test-%d", os.Getpid())} {
		heard := listen(t, socket)
		m, err := systemd.Connect(env(map[string]string{"NOTIFY_SOCKET": socket}))
		if err != nil {
			t.Fatal(err)
		}
		for want, tell := range map[string]func() error{
			"READY=1\nSTATUS=3 devices, and so on": func() error { return m.Ready("3 devices,\nand so on ") },
			"STOPPING=1":                           m.Stopping,
			"WATCHDOG=1":                           m.Alive,
			"STATUS=busy":                          func() error { return m.Status("busy") },
		} {
			if err := tell(); err != nil {
				t.Fatal(err)
			}
			if got := heard(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if err := m.Reloading(); err != nil {
			t.Fatal(err)
		}
		us, ok := strings.CutPrefix(heard(), "RELOADING=1\nMONOTONIC_USEC=")
		if n, err := strconv.ParseInt(us, 10, 64); !ok || err != nil || n <= 0 {
			t.Errorf("reloading at %q", us)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if err := m.Alive(); err != nil {
			t.Errorf("after the end: %v", err)
		}
	}
}

func TestWithoutAManagerNothingHappens(t *testing.T) {
	m, err := systemd.Connect(env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Ready("x"), m.Reloading(), m.Stopping(), m.Status("x"), m.Alive(), m.Close()); err != nil {
		t.Error(err)
	}
	if m.Watchdog() != 0 {
		t.Error("nobody watches")
	}
}

func TestManagerThatCannotBeReachedIsTold(t *testing.T) {
	for socket, want := range map[string]string{
		filepath.Join(t.TempDir(), "nobody"): "no such file", "vsock:2:1": "neither a path",
	} {
		m, err := systemd.Connect(env(map[string]string{"NOTIFY_SOCKET": socket}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", socket, err)
		}
		if err := m.Ready("x"); err != nil {
			t.Errorf("%s: the manager that came with the error: %v", socket, err)
		}
	}
}

func TestWatchdogIsForThisProcess(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	listen(t, socket)
	for name, c := range map[string]struct {
		env  map[string]string
		want time.Duration
	}{
		"asked":   {map[string]string{"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())}, 30 * time.Second},
		"of all":  {map[string]string{"WATCHDOG_USEC": "500000"}, 500 * time.Millisecond},
		"another": {map[string]string{"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0},
		"none":    {nil, 0}, "strange": {map[string]string{"WATCHDOG_USEC": "-5"}, 0}, "text": {map[string]string{"WATCHDOG_USEC": "1s"}, 0},
		"endless": {map[string]string{"WATCHDOG_USEC": "9223372036854775807"}, 0},
	} {
		all := map[string]string{"NOTIFY_SOCKET": socket}
		for k, v := range c.env {
			all[k] = v
		}
		m, err := systemd.Connect(env(all))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Watchdog(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		m.Close()
	}
}

func TestLinesHaveALevelAndNoTime(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(systemd.NewLines(&b, slog.LevelInfo)).With("part", "uplink")
	log.Debug("not this")
	log.Info("connected", "time", "noon", "level", 9)
	log.Warn("two\nlines", "err", errors.New("a\nb"))
	log.WithGroup("g").Error("bad", "time", "late", "level", 3)
	log.Log(t.Context(), slog.LevelError+4, "worse")
	want := "<6>msg=connected part=uplink time=noon level=9\n" +
		"<4>msg=\"two\\nlines\" part=uplink err=\"a\\nb\"\n" +
		"<3>msg=bad part=uplink g.time=late g.level=3\n" +
		"<3>msg=worse part=uplink\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	b.Reset()
	slog.New(systemd.NewLines(&b, slog.LevelDebug)).Debug("x")
	if b.String() != "<7>msg=x\n" {
		t.Errorf("got %q", b.String())
	}
}

func TestLinesOfManyDoNotMix(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(systemd.NewLines(&b, slog.LevelInfo))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 100 {
				log.With("i", i).Info("line")
			}
		})
	}
	all.Wait()
	for l := range strings.Lines(b.String()) {
		if !strings.HasPrefix(l, "<6>msg=line i=") || len(l) != len("<6>msg=line i=0\n") {
			t.Fatalf("%q", l)
		}
	}
}

func TestJournalIsKnownByItsStream(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	name := fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
	for stream, want := range map[string]bool{name: true, "1:2": false, "": false} {
		if got := systemd.InJournal(f, env(map[string]string{"JOURNAL_STREAM": stream})); got != want {
			t.Errorf("%q: got %v", stream, got)
		}
	}
	if systemd.InJournal(f, env(nil)) {
		t.Error("without a journal")
	}
}
