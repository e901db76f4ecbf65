package app_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/systemd"
	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/doctor"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestHubIsReadyWhenItHearsEdges(t *testing.T) {
	hub, _, _ := run(t, configuration(t))
	if status, body := get(t, hub.URL()+"/healthz"); status != 200 || body != "{\"status\":\"ok\"}\n" {
		t.Errorf("healthz: %d %s", status, body)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		status, body := get(t, hub.URL()+"/readyz")
		if status == 200 {
			break
		}
		if status != 503 || !strings.Contains(body, "broker") || time.Now().After(deadline) {
			t.Fatalf("readyz: %d %s", status, body)
		}
	}
}

// manager is a service manager that hears.
func manager(t *testing.T) (m *systemd.Manager, heard chan string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	env := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "300000"}
	if m, err = systemd.Connect(func(name string) (string, bool) { v, ok := env[name]; return v, ok }); err != nil {
		t.Fatal(err)
	}
	heard = make(chan string, 1000)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := l.Read(b)
			if err != nil {
				return
			}
			heard <- string(b[:n])
		}
	}()
	return m, heard
}

func hears(t *testing.T, heard chan string, want string) {
	t.Helper()
	for {
		select {
		case got := <-heard:
			if strings.HasPrefix(got, want) {
				return
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("the service manager never heard %s", want)
		}
	}
}

func TestServiceManagerHearsOfTheHubsLife(t *testing.T) {
	m, heard := manager(t)
	hub, err := app.New(configuration(t), app.Options{Log: slog.New(slog.DiscardHandler), Out: io.Discard, Manager: m, Drain: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	hears(t, heard, "READY=1\nSTATUS=serving http://127.0.0.1:")
	hears(t, heard, "WATCHDOG=1")
	hears(t, heard, "WATCHDOG=1")
	stop()
	hears(t, heard, "STOPPING=1")
	// It goes on serving while it says that it is not ready, and others hear of that.
	if status, body := get(t, hub.URL()+"/readyz"); status != 503 || !strings.Contains(body, "stopping") {
		t.Errorf("readyz: %d %s", status, body)
	}
	if status, _ := get(t, hub.URL()+"/healthz"); status != 200 {
		t.Errorf("healthz: %d", status)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func examine(t *testing.T, c config.Config) map[string]doctor.Finding {
	t.Helper()
	found := map[string]doctor.Finding{}
	doctor.Examine(t.Context(), app.Examination(c), func(f doctor.Finding) {
		if f.Level >= found[f.Check].Level {
			found[f.Check] = f
		}
	})
	return found
}

func TestDoctorLooksAtAHubThatRunsAndAtOneThatDoesNot(t *testing.T) {
	c := configuration(t)
	c.Listen, c.MQTT.Listen = address(t), address(t)
	if err := os.Chmod(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if f := examine(t, c)["database"]; f.Level != doctor.OK || !strings.Contains(f.Says, "none yet") {
		t.Errorf("before: %+v", f)
	}
	_, _, stop := run(t, c)
	file := filepath.Join(c.Data, app.DatabaseFile)
	if err := os.Chmod(file, 0o600); err != nil { // as by the program's umask
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"console's port": "answers", "broker's port": "answers", "broker": "may sign in", "database": "as they were written", "data folder": "are free",
	} {
		if f := examine(t, c)[name]; f.Level != doctor.OK || !strings.Contains(f.Says, want) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if f := examine(t, c)["broker's port"]; f.Level != doctor.OK || !strings.Contains(f.Says, "is free") {
		t.Errorf("after: %+v", f)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(text); i++ {
		text[i] ^= 0xa5
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := examine(t, c)["database"]; f.Level != doctor.Problem {
		t.Errorf("a damaged file: %+v", f)
	}
}

func address(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
