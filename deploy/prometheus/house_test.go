// Package prometheus_test proves what operators are given: alert rules by their own tests, and each query of rules and
// dashboards against a real Prometheus that scrapes a real hub and a real gateway.
package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	edgeapp "github.com/tallydock/tallydock/edge/app"
	edgeconfig "github.com/tallydock/tallydock/edge/config"
	hubapp "github.com/tallydock/tallydock/hub/app"
	hubconfig "github.com/tallydock/tallydock/hub/config"
)

// house is a hub and a gateway that know each other, and no goods.
type house struct {
	hub, edge   string    // where they show /metrics, host:port
	hubMetrics  []*metric // that they have
	edgeMetrics []*metric
}

// metric is what a registry knows of a metric.
type metric struct{ name, help, labels string }

var built struct {
	sync.Once
	house
	err  error
	stop []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	for i := len(built.stop) - 1; i >= 0; i-- {
		built.stop[i]()
	}
	os.Exit(code)
}

// running gives the house that all tests share.
func running(t *testing.T) house {
	t.Helper()
	built.Do(func() { built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.house
}

func build() error {
	dir, err := os.MkdirTemp("", "tallydock-metrics")
	if err != nil {
		return err
	}
	built.stop = append(built.stop, func() { os.RemoveAll(dir) })
	log := slog.New(slog.DiscardHandler)
	built.hub, built.edge = free(), free()
	mqtt := free()
	c := hubconfig.Default()
	c.Data, c.Listen, c.MQTT.Listen = filepath.Join(dir, "hub"), built.hub, mqtt
	c.Edges = []hubconfig.Edge{{ID: "SZ1-E1", Site: "SZ1"}}
	c.DeviceSites = []string{"SZ1"}
	c.Influx.URL, c.Influx.Bucket = "http://127.0.0.1:9", "tallydock/autogen" // where nobody is: its metrics are there all the same
	hub, err := hubapp.New(c, hubapp.Options{Version: "test", Log: log, Out: io.Discard})
	if err != nil {
		return err
	}
	if err := run(hub.Run, hub.Ready()); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	logins, err := hubconfig.EnsureCredentials(c)
	if err != nil {
		return err
	}
	text := fmt.Sprintf(`
edge: SZ1-E1
site: SZ1
data: %s
hub: {broker: "tcp://%s", user: SZ1-E1, password_file: %s}
api: {listen: "%s"}
devices:
  - {id: relay, driver: modbus, model: xy-md02, address: "tcp:127.0.0.1:9", poll: 30s, options: {unit: "1"}}
`, filepath.Join(dir, "edge"), mqtt, filepath.Join(dir, "password"), built.edge)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "password"), []byte(logins.Edges["SZ1-E1"].Password), 0o600),
		os.WriteFile(filepath.Join(dir, "edge.yaml"), []byte(text), 0o600)); err != nil {
		return err
	}
	ec, err := edgeconfig.Load(filepath.Join(dir, "edge.yaml"), func(string) (string, bool) { return "", false })
	if err != nil {
		return err
	}
	edge, err := edgeapp.New(ec, edgeapp.Options{Log: log, Software: "test"})
	if err != nil {
		return err
	}
	if err := run(edge.Run, edge.Ready()); err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	built.hubMetrics, built.edgeMetrics = described(hub), described(edge)
	return nil
}

// run runs a program in this process until the tests are over.
func run(program func(context.Context) error, ready <-chan struct{}) error {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- program(ctx) }()
	built.stop = append(built.stop, func() { cancel(); <-done })
	select {
	case <-ready:
		return nil
	case err := <-done:
		done <- err
		return fmt.Errorf("ended: %w", err)
	case <-time.After(time.Minute):
		return errors.New("not ready within a minute")
	}
}

var descText = regexp.MustCompile(`fqName: "([^"]+)", help: "((?:[^"\\]|\\.)*)".*variableLabels: \{([^}]*)\}`)

func described(c interface{ Describe(chan<- *prometheus.Desc) }) (all []*metric) {
	descs := make(chan *prometheus.Desc, 1000)
	c.Describe(descs)
	close(descs)
	for d := range descs {
		if m := descText.FindStringSubmatch(d.String()); m != nil {
			all = append(all, &metric{m[1], m[2], m[3]})
		}
	}
	return all
}

func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return ""
	}
	defer l.Close()
	return l.Addr().String()
}

// tool finds prometheus or promtool: in bin/tools, where make test-go puts Debian's, or on the PATH.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/tools/" + name)
	if err == nil {
		if _, err = os.Stat(path); err == nil {
			return path
		}
	}
	if path, err = exec.LookPath(name); err == nil {
		return path
	}
	if os.Getenv("TALLYDOCK_PROMETHEUS") == "must" {
		t.Fatalf("there is no %s; make test-go fetches it", name)
	}
	t.Skipf("there is no %s; make test-go fetches it", name)
	return ""
}

// server starts a Prometheus with the rules of this folder that scrapes the house, and gives its URL.
func server(t *testing.T, h house) string {
	t.Helper()
	binary := tool(t, "prometheus")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, at := t.TempDir(), free()
	text := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%s/alerts.yaml, %s/records.yaml]
scrape_configs:
  - {job_name: tallydock-hub, static_configs: [{targets: ["%s"]}]}
  - {job_name: tallydock-edge, static_configs: [{targets: ["%s"]}]}
`, here, here, h.hub, h.edge)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+at, "--log.level=warn")
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	url := "http://" + at
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if r, err := http.Get(url + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return url
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("Prometheus is not ready after a minute")
		}
	}
}
