// Package influxtest runs real InfluxDB 1.8 servers for tests: each in a folder of its own, on a free port of loopback.
package influxtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is an influxd. Its folder and its address stay the same when it is killed and started again.
type Server struct {
	Dir, Addr string

	binary  string
	process *exec.Cmd
}

// New makes a server that keeps its data in a folder; Start starts it. The test is skipped where there is no influxd, unless
// TALLYDOCK_INFLUX is must.
func New(t testing.TB, dir string) *Server {
	t.Helper()
	binary := find()
	switch {
	case binary != "":
	case os.Getenv("TALLYDOCK_INFLUX") == "must":
		t.Fatal("there is no influxd: make bin/tools/influxd")
	default:
		t.Skip("there is no influxd: make bin/tools/influxd")
	}
	return &Server{Dir: dir, Addr: freeAddress(t), binary: binary}
}

// find gives the path of influxd: in bin/tools of the folders above, or where programs are; "" where there is none.
func find() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "bin", "tools", "influxd")
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

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// URL is where the server answers.
func (s *Server) URL() string { return "http://" + s.Addr }

// Start runs influxd and waits until it answers. Without Flux it cannot be queried, but is there at once.
func (s *Server) Start(flux bool, settings ...string) error {
	s.process = exec.Command(s.binary, "-config", os.DevNull)
	s.process.Env = append(os.Environ(),
		"INFLUXDB_REPORTING_DISABLED=true", "INFLUXDB_BIND_ADDRESS=127.0.0.1:0", "INFLUXDB_META_DIR="+filepath.Join(s.Dir, "meta"),
		"INFLUXDB_DATA_DIR="+filepath.Join(s.Dir, "data"), "INFLUXDB_DATA_WAL_DIR="+filepath.Join(s.Dir, "wal"),
		"INFLUXDB_DATA_INDEX_VERSION=tsi1", "INFLUXDB_MONITOR_STORE_ENABLED=false", "INFLUXDB_HTTP_BIND_ADDRESS="+s.Addr,
		"INFLUXDB_HTTP_LOG_ENABLED=false", fmt.Sprintf("INFLUXDB_HTTP_FLUX_ENABLED=%v", flux))
	s.process.Env = append(s.process.Env, settings...)
	said, err := os.OpenFile(filepath.Join(s.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer said.Close()
	s.process.Stderr = said
	if err := s.process.Start(); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if r, err := http.Get(s.URL() + "/ping"); err == nil {
			r.Body.Close()
			return nil
		}
	}
	s.Kill()
	text, _ := os.ReadFile(said.Name())
	return fmt.Errorf("influxd does not answer:\n%s", text)
}

// Kill is kill -9; it does nothing where the server does not run.
func (s *Server) Kill() {
	if s.process != nil && s.process.Process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
	}
}

// InfluxQL runs a statement.
func (s *Server) InfluxQL(t testing.TB, database, statement string) string {
	t.Helper()
	r, err := http.PostForm(s.URL()+"/query?u=hub&p=pass", url.Values{"db": {database}, "q": {statement}})
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

// Database makes an empty one for a test and gives its name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("%s %d", strings.ReplaceAll(t.Name(), "/", "_"), time.Now().UnixNano())
	s.InfluxQL(t, "", fmt.Sprintf("CREATE DATABASE %q", name))
	t.Cleanup(func() { s.InfluxQL(t, "", fmt.Sprintf("DROP DATABASE %q", name)) })
	return name
}

// Write writes a line of line protocol, as somebody else might.
func (s *Server) Write(t testing.TB, database, line string) {
	t.Helper()
	r, err := http.Post(s.URL()+"/write?db="+url.QueryEscape(database), "", strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", line, r.Status)
	}
}
