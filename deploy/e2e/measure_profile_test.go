package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	edgeapp "github.com/tallydock/tallydock/edge/app"
	edgeconfig "github.com/tallydock/tallydock/edge/config"
	hubapp "github.com/tallydock/tallydock/hub/app"
	hubconfig "github.com/tallydock/tallydock/hub/config"
)

// profilesIn names the folder into which a profiled program writes its profiles.
const profilesIn = "TALLYDOCK_PROFILES_IN"

// TestMain lets this test program stand in for the edge or the hub: under that name it runs the program and profiles it,
// so that a profile holds the program alone, without those who load it.
func TestMain(m *testing.M) {
	run := map[string]func(context.Context, string) error{"edge": runEdge, "hub": runHub}[filepath.Base(os.Args[0])]
	if run == nil {
		os.Exit(m.Run())
	}
	if err := profiled(os.Args[len(os.Args)-1], run); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runEdge(ctx context.Context, config string) error {
	cfg, err := edgeconfig.Load(config, os.LookupEnv)
	if err != nil {
		return err
	}
	edge, err := edgeapp.New(cfg, edgeapp.Options{Log: errorLog(), Software: "profiled", Memory: edgeapp.Memory})
	if err != nil {
		return err
	}
	return edge.Run(ctx)
}

func runHub(ctx context.Context, config string) error {
	cfg, err := hubconfig.Load(config, os.Environ())
	if err != nil {
		return err
	}
	hub, err := hubapp.New(cfg, hubapp.Options{Version: "profiled", Log: errorLog(), Out: io.Discard})
	if err != nil {
		return err
	}
	return hub.Run(ctx)
}

func errorLog() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// profiled runs a program until SIGINT. SIGUSR1 starts the profile of its CPU; at the end that and the profile of its live
// memory are written.
func profiled(config string, run func(context.Context, string) error) error {
	dir := os.Getenv(profilesIn)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGUSR1)
	done := make(chan error, 1)
	go func() { done <- run(ctx, config) }()
	var cpu *os.File
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if s == syscall.SIGUSR1 {
				var err error
				if cpu, err = os.Create(filepath.Join(dir, "cpu.pprof")); err != nil {
					return err
				}
				if err := pprof.StartCPUProfile(cpu); err != nil {
					return err
				}
				continue
			}
			err := writeProfiles(dir, cpu)
			stop()
			return errors.Join(err, <-done)
		}
	}
}

func writeProfiles(dir string, cpu *os.File) error {
	if cpu != nil {
		pprof.StopCPUProfile()
		if err := cpu.Close(); err != nil {
			return err
		}
	}
	heap, err := os.Create(filepath.Join(dir, "heap.pprof"))
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.WriteHeapProfile(heap), heap.Close())
}

// profiledPrograms is a folder with this test program under the names of the programs, and a folder for the profiles.
func profiledPrograms(t *testing.T) (bin, profiles string) {
	t.Helper()
	bin, profiles = t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"edge", "hub"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(profilesIn, profiles)
	return bin, profiles
}

// startProfile makes a profiled program profile its CPU from now on.
func (b *benchHouse) startProfile(program string) {
	b.t.Helper()
	if err := syscall.Kill(b.PID(program), syscall.SIGUSR1); err != nil {
		b.t.Fatal(err)
	}
}

// profileEdge shows where the edge's CPU goes while it works on the road of measureEdgeRoad with movements.
func profileEdge(t *testing.T, _ *figures) {
	for _, l := range roadLoads[1:] {
		bin, profiles := profiledPrograms(t)
		r := openEdgeRoad(t, bin)
		r.drive(l, time.Second) // warms the edge up
		r.h.startProfile("edge")
		r.drive(l, roadSpan)
		if err := r.h.Stop("edge"); err != nil {
			t.Fatal(err)
		}
		showCPU(t, profiles, "edge, "+l.what)
	}
}

// profileHub shows where the hub's CPU goes while it works on the road of measureHubRoad.
func profileHub(t *testing.T, _ *figures) {
	bin, profiles := profiledPrograms(t)
	r := openHubRoad(t, bin)
	r.send(0, 1)
	r.h.startProfile("hub")
	r.send(1, hubRounds)
	if err := r.h.Stop("hub"); err != nil {
		t.Fatal(err)
	}
	showCPU(t, profiles, "hub")
}

// parts are the functions that a profile by parts shows: the project's, the edge's database, and garbage collection.
const parts = `tallydock|dgraph-io/badger/v4\.\(|runtime\.gc(BgMarkWorker|AssistAlloc)$`

func showCPU(t *testing.T, profiles, what string) {
	t.Helper()
	file := filepath.Join(profiles, "cpu.pprof")
	t.Logf("CPU of %s: the functions that take most themselves\n%s", what, top(t, 10, file))
	t.Logf("CPU of %s: the parts that take most with all that they call\n%s", what, top(t, 25, "-cum", "-show="+parts, file))
}

// top is the head of a profile as go tool pprof shows it, without its preamble.
func top(t *testing.T, lines int, args ...string) string {
	t.Helper()
	all := append([]string{"tool", "pprof", "-top", fmt.Sprintf("-nodecount=%d", lines)}, args...)
	out, err := exec.Command("go", all...).CombinedOutput()
	if err != nil {
		t.Logf("cannot show a profile: %v\n%s", err, out)
		return ""
	}
	text := string(out)
	if at := regexp.MustCompile(`(?m)^Duration|^Showing`).FindStringIndex(text); at != nil {
		text = text[at[0]:]
	}
	return strings.ReplaceAll(text, "github.com/tallydock/tallydock/", "")
}
