package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/app"
	"github.com/tallydock/tallydock/edge/config"
)

// write makes a configuration of a gateway with one reader that is not there and a hub that is not there.
func write(t *testing.T, extra string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "edge.yaml")
	text := `
edge: E1
site: S1
data: data
hub: {broker: "tcp://127.0.0.1:1"}
api: {listen: "127.0.0.1:0"}
space: {min_free: 1, ballast: -1}
devices: [{id: uhf-a, driver: uhf, address: "serial:` + dir + `/tty-nowhere?baud=115200"}]
shelves: [{location: A, device: uhf-a}]
` + extra
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func load(t *testing.T, file string) config.Config {
	t.Helper()
	c, err := config.Load(file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t *testing.T, c config.Config) (*app.App, func() error) {
	t.Helper()
	a, err := app.New(c, app.Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Software: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	select {
	case <-a.Ready():
	case err := <-done:
		cancel()
		t.Fatalf("the gateway ended: %v", err)
	}
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("at the end: %v", err)
		}
	})
	return a, stop
}

func get(t *testing.T, a *app.App, path string) string {
	t.Helper()
	res, err := http.Get("http://" + a.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(15 * time.Second); !ok(); {
		if time.Now().After(limit) {
			t.Fatalf("%s did not come to be", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestMissingReaderAndHubAreTold(t *testing.T) {
	a, stop := start(t, load(t, write(t, "")))
	eventually(t, "the reader's reason", func() bool {
		var list struct {
			Items []struct{ ID, State, Reason string }
		}
		if err := json.Unmarshal([]byte(get(t, a, "/api/v1/devices")), &list); err != nil {
			t.Fatal(err)
		}
		return len(list.Items) == 1 && list.Items[0].State == "down" && strings.Contains(list.Items[0].Reason, "tty-nowhere")
	})
	eventually(t, "the health", func() bool {
		h := get(t, a, "/healthz")
		return strings.Contains(h, "degraded") && strings.Contains(h, "uhf-a")
	})
	for _, metric := range []string{"go_goroutines", "tallydock_edge_pipeline_queue", "tallydock_edge_commits_total"} {
		eventually(t, metric, func() bool { return strings.Contains(get(t, a, "/metrics"), metric) })
	}
	if err := stop(); err != nil {
		t.Fatalf("stopping: %v", err)
	}
}

func TestTwoGatewaysDoNotShareAFolder(t *testing.T) {
	c := load(t, write(t, ""))
	start(t, c)
	second, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = second.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by process %d", os.Getpid())) {
		t.Fatalf("the second gateway: %v", err)
	}
}

func TestBusyPortIsToldAndNothingIsLeftOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := load(t, write(t, ""))
	busy := c
	busy.API.Listen = l.Addr().String()
	a, err := app.New(busy, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), busy.API.Listen) {
		t.Fatalf("the port is busy: %v", err)
	}
	start(t, c) // the folder is free again
}

func TestGatewayStartsAgainOnItsFolder(t *testing.T) {
	c := load(t, write(t, ""))
	for range 3 {
		_, stop := start(t, c)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}
