package faults_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// The edge program of these tests is built with a time package of its own, in which a test moves what time.Now shows while
// the monotonic clock goes on: what setting a machine's clock does to a process, without touching this machine's.
const (
	shiftInTime = `package time

import "sync/atomic"

// WallShift is by how many seconds the wall clock of this program is moved.
var WallShift atomic.Int64
`
	shiftInEdge = `package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

func init() {
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			var seconds int64
			if _, err := fmt.Sscan(lines.Text(), &seconds); err == nil {
				time.WallShift.Store(seconds)
			}
		}
	}()
}
`
)

// readsClock is where Go's time.Now asks the runtime.
var readsClock = regexp.MustCompile(`(?s)(\nfunc Now\(\) Time \{\n.*?sec, nsec, mono := [a-zA-Z]+\(\)\n)`)

// buildShiftedEdge builds an edge program whose wall clock moves by the seconds on its standard input.
func buildShiftedEdge(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("there is no Go to build the edge with: %v", err)
	}
	std := filepath.Join(strings.TrimSpace(string(out)), "src", "time")
	source, err := os.ReadFile(filepath.Join(std, "time.go"))
	if err != nil {
		t.Skipf("Go's sources are missing: %v", err)
	}
	if !readsClock.Match(source) {
		t.Skip("time.Now of this Go is written differently: bring readsClock up to date")
	}
	dir := t.TempDir()
	replace := map[string]string{}
	put := func(place, text string) {
		file := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[place] = file
	}
	put(filepath.Join(std, "time.go"), readsClock.ReplaceAllString(string(source), "${1}\tsec += WallShift.Load()\n"))
	put(filepath.Join(std, "wallshift.go"), shiftInTime)
	put(filepath.Join(root, "edge", "cmd", "edge", "wallshift.go"), shiftInEdge)
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "edge")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-overlay", file, "-o", program, "./edge/cmd/edge")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the edge: %v\n%s", err, out)
	}
	return program
}

// shifted is a running edge whose clock a test moves.
type shifted struct {
	t   *testing.T
	in  io.WriteCloser
	end func()
}

// runShifted runs the program with a configuration until the test ends; it must not end by itself.
func runShifted(t *testing.T, program, config string) *shifted {
	t.Helper()
	cmd := exec.Command(program, "run", "--config", config)
	in, err1 := cmd.StdinPipe()
	log, err2 := cmd.StderrPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	s := &shifted{t: t, in: in}
	var logging sync.WaitGroup
	logging.Go(func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.Contains(lines.Text(), "level=ERROR") || strings.Contains(lines.Text(), "panic") {
				t.Log(lines.Text())
			}
		}
	})
	s.end = sync.OnceFunc(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("the edge had ended: %v", err)
		}
		late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		logging.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the edge: %v", err)
		}
		late.Stop()
	})
	t.Cleanup(s.end)
	return s
}

// shift moves the wall clock of the program by so many seconds from the machine's.
func (s *shifted) shift(seconds int64) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, seconds); err != nil {
		s.t.Errorf("cannot move the clock: %v", err)
	}
}
