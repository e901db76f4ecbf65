// Package postgrestest runs real PostgreSQL servers for tests: each in a folder of its own, on a free port of loopback.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that this machine has no PostgreSQL.
var ErrMissing = errors.New("no PostgreSQL here: install the Debian package postgresql")

// Server is a running server.
type Server struct {
	Dir  string // its data
	Port int

	bin     string
	options []string
	cmd     *exec.Cmd
	log     bytes.Buffer
	made    atomic.Int64
}

// Binaries gives the folder of the newest PostgreSQL's programs. Errors: ErrMissing.
func Binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		if p, err := exec.LookPath("postgres"); err == nil {
			return filepath.Dir(p), nil
		}
		return "", ErrMissing
	}
	return filepath.Dir(slices.Max(found)), nil
}

// New makes a server's data folder and starts it, with settings ("fsync=off"). Errors: ErrMissing.
func New(settings ...string) (*Server, error) {
	bin, err := Binaries()
	if err != nil {
		return nil, err
	}
	base, err := os.MkdirTemp("", "tallydock-postgres")
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: filepath.Join(base, "data"), bin: bin, options: settings}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := giveAway(base); err != nil {
		return nil, err
	}
	init := s.command("initdb", "-D", s.Dir, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, s.Start()
}

// Start starts a server that was stopped or killed, and waits until it answers.
func (s *Server) Start() error {
	args := []string{"-D", s.Dir, "-p", strconv.Itoa(s.Port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
	for _, o := range s.options {
		args = append(args, "-c", o)
	}
	s.cmd = s.command("postgres", args...)
	s.log.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := pgx.Connect(context.Background(), s.URL("postgres")); err == nil {
			return c.Close(context.Background())
		}
	}
	return fmt.Errorf("PostgreSQL did not come up: %s", s.log.String())
}

// command is one of PostgreSQL's programs, which do not run as root.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = filepath.Dir(s.Dir)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if uid, gid, ok := owner(); ok {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return c
}

// owner is whom the server runs as where this process is root.
func owner() (uid, gid uint32, ok bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u = &user.User{Uid: "65534", Gid: "65534"}
	}
	n, _ := strconv.Atoi(u.Uid)
	g, _ := strconv.Atoi(u.Gid)
	return uint32(n), uint32(g), true
}

func giveAway(dir string) error {
	uid, gid, ok := owner()
	if !ok {
		return nil
	}
	return os.Chown(dir, int(uid), int(gid))
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// URL of one of the server's databases.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.Port, database)
}

// Database makes an empty database and gives its URL.
func (s *Server) Database(ctx context.Context) (string, error) {
	name := fmt.Sprintf("hub%d_%d", os.Getpid(), s.made.Add(1))
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return s.URL(name), nil
}

// Kill ends the server at once, without a word.
func (s *Server) Kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
}

// Close stops the server and removes its data.
func (s *Server) Close() error {
	_ = s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown
	done := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		s.Kill()
	}
	return os.RemoveAll(filepath.Dir(s.Dir))
}

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log is what the server said since it started.
func (s *Server) Log() string { return strings.TrimSpace(s.log.String()) }

// shared is the server of Main.
var shared *Server

// Main runs a package's tests with one server for all of them, which forgets its data anyway and so does not wait for the
// disk.
func Main(m *testing.M) { os.Exit(Tests{m}.Run()) }

// Tests are tests that have a server while they run.
type Tests struct{ M interface{ Run() int } }

// Run runs them and gives the exit code.
func (t Tests) Run() int {
	s, err := New("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
	if err != nil && !errors.Is(err, ErrMissing) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared = s
	code := t.M.Run()
	if s != nil {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return code
}

// URL gives an empty database on the package's server, and skips the test where there is none.
func URL(t testing.TB) string {
	t.Helper()
	if shared == nil {
		t.Skip(ErrMissing)
	}
	url, err := shared.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}
