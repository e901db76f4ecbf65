package influx_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/influx"
	"github.com/tallydock/tallydock/hub/series/seriestest"
)

// server is an influxd 1.8 of a test.
type server struct {
	binary, dir, addr string
	process           *exec.Cmd
}

// first is the influxd of all tests that do no harm to it.
var first struct {
	sync.Once
	server
	err error
}

// shared gives first, and starts it for the first test that asks. A test is skipped where there is no influxd, unless
// TALLYDOCK_INFLUX is must.
func shared(t testing.TB) *server {
	t.Helper()
	binary := findInfluxd()
	switch {
	case binary != "":
	case os.Getenv("TALLYDOCK_INFLUX") == "must":
		t.Fatal("there is no influxd: make bin/tools/influxd")
	default:
		t.Skip("there is no influxd: make bin/tools/influxd")
	}
	first.Do(func() {
		var dir string
		if dir, first.err = os.MkdirTemp("", "influxd"); first.err == nil {
			first.server = server{binary: binary, dir: dir, addr: freeAddress()}
			first.err = first.start(true)
		}
	})
	if first.err != nil {
		t.Fatal(first.err)
	}
	return &first.server
}

func TestMain(m *testing.M) {
	code := m.Run()
	if first.process != nil {
		first.kill()
	}
	if first.dir != "" {
		os.RemoveAll(first.dir)
	}
	os.Exit(code)
}

func findInfluxd() string {
	if path, err := filepath.Abs("../../../bin/tools/influxd"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("influxd")
	if err != nil {
		return ""
	}
	return path
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs influxd and waits until it answers. Without Flux it cannot be queried, but is there at once.
func (s *server) start(flux bool, settings ...string) error {
	s.process = exec.Command(s.binary, "-config", os.DevNull)
	s.process.Env = append(os.Environ(),
		"INFLUXDB_REPORTING_DISABLED=true", "INFLUXDB_BIND_ADDRESS=127.0.0.1:0", "INFLUXDB_META_DIR="+filepath.Join(s.dir, "meta"),
		"INFLUXDB_DATA_DIR="+filepath.Join(s.dir, "data"), "INFLUXDB_DATA_WAL_DIR="+filepath.Join(s.dir, "wal"),
		"INFLUXDB_DATA_INDEX_VERSION=tsi1", "INFLUXDB_MONITOR_STORE_ENABLED=false", "INFLUXDB_HTTP_BIND_ADDRESS="+s.addr,
		"INFLUXDB_HTTP_LOG_ENABLED=false", fmt.Sprintf("INFLUXDB_HTTP_FLUX_ENABLED=%v", flux))
	s.process.Env = append(s.process.Env, settings...)
	said, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer said.Close()
	s.process.Stderr = said
	if err := s.process.Start(); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if r, err := http.Get("http://" + s.addr + "/ping"); err == nil {
			r.Body.Close()
			return nil
		}
	}
	s.kill()
	text, _ := os.ReadFile(said.Name())
	return fmt.Errorf("influxd does not answer:\n%s", text)
}

// kill is kill -9.
func (s *server) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// influxQL runs a statement.
func (s *server) influxQL(t testing.TB, database, statement string) string {
	t.Helper()
	r, err := http.PostForm("http://"+s.addr+"/query?u=hub&p=pass", url.Values{"db": {database}, "q": {statement}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || strings.Contains(string(b), `"error"`) {
		t.Fatalf("%s: %d %s, %v", statement, r.StatusCode, b, err)
	}
	return string(b)
}

// database makes an empty one and gives its name.
func (s *server) database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("%s %d", strings.ReplaceAll(t.Name(), "/", "_"), time.Now().UnixNano())
	s.influxQL(t, "", fmt.Sprintf("CREATE DATABASE %q", name))
	t.Cleanup(func() { s.influxQL(t, "", fmt.Sprintf("DROP DATABASE %q", name)) })
	return name
}

func open(t testing.TB, c influx.Config, directory influx.Directory) *influx.DB {
	t.Helper()
	db, err := influx.New(c, directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// hub writes to InfluxDB what it notes the sensors of, as a hub's own database does.
type hub struct {
	*influx.DB
	sensors *seriestest.Memory
}

func openHub(t testing.TB, addr, database string) hub {
	h := hub{sensors: new(seriestest.Memory)}
	h.DB = open(t, influx.Config{URL: "http://" + addr, Bucket: database + "/autogen"}, h.sensors)
	return h
}

func (h hub) Write(ctx context.Context, samples []series.Sample) error {
	if err := h.sensors.Write(ctx, samples); err != nil {
		return err
	}
	return h.DB.Write(ctx, samples)
}

func TestContract(t *testing.T) {
	s := shared(t)
	seriestest.Run(t, func(t *testing.T) seriestest.Harness {
		h := openHub(t, s.addr, s.database(t))
		return seriestest.Harness{Sink: h, Source: h}
	})
}

// write writes a line, as somebody else might.
func (s *server) write(t testing.TB, database, line string) {
	t.Helper()
	r, err := http.Post("http://"+s.addr+"/write?db="+url.QueryEscape(database), "", strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", line, r.Status)
	}
}
