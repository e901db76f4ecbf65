package e2e_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
	"github.com/tallydock/tallydock/devices/clock"
	edgeapp "github.com/tallydock/tallydock/edge/app"
	edgeconfig "github.com/tallydock/tallydock/edge/config"
	hubapp "github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/catalog"
	hubconfig "github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/simulators/play"
	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/seed"
)

// TestOneHourInProcess runs hub, edge and simulators in this process, so that the race detector sees them work together,
// and compares the hub's stock with the truth.
func TestOneHourInProcess(t *testing.T) {
	if testing.Short() || os.Getenv("TALLYDOCK_E2E") != "" {
		t.Skip("takes more than a minute; make test-go runs it, with the race detector")
	}
	const speed = 60
	s := &site{t: t, House: &house.House{Options: house.Options{
		Dir: t.TempDir(), Listen: free(t), MQTT: free(t), EdgeAPI: free(t), Speed: speed,
	}}}
	script, err := scenario.Builtin("hour")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seed.Write(seed.Config{Scenario: script, Dir: s.Dir, Speed: speed, Listen: s.Listen, MQTT: s.MQTT, EdgeAPI: s.EdgeAPI}); err != nil {
		t.Fatal(err)
	}
	s.importCatalogue()
	if s.Clock, err = clock.Scaled(script.Start, time.Now(), speed); err != nil {
		t.Fatal(err)
	}
	s.runHub()
	s.runSimulators(script)
	s.runEdge()
	s.login()
	s.until(script.Start.Add(65 * time.Minute))
	got, want := s.settled(time.Minute)
	t.Logf("%d places hold what the world says, after %d passes", len(got), len(want.Passes))
	if len(got) < 10 || len(want.Passes) == 0 {
		t.Errorf("%d places and %d passes are too few to prove anything", len(got), len(want.Passes))
	}
}

func (s *site) importCatalogue() {
	s.t.Helper()
	dir := filepath.Join(s.Dir, "hub")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	db, err := sqlite.Open(s.t.Context(), filepath.Join(dir, "hub.db"), time.Now, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for _, kind := range catalog.Kinds() {
		f, err := os.Open(filepath.Join(s.Dir, kind+".csv"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			s.t.Fatal(err)
		}
		_, err = catalog.NewImporter(store.Catalog{DB: db}).Import(s.t.Context(), kind, f)
		f.Close()
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// run runs a part until the test ends; parts stop in the reverse order.
func (s *site) run(name string, part func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := part(ctx); err != nil && ctx.Err() == nil {
			s.t.Errorf("%s: %v", name, err)
		}
	})
	s.t.Cleanup(func() { cancel(); running.Wait() })
}

func (s *site) wait(name string, ready <-chan struct{}) {
	s.t.Helper()
	select {
	case <-ready:
	case <-time.After(time.Minute):
		s.t.Fatalf("the %s is not ready after a minute", name)
	}
}

func (s *site) runHub() {
	s.t.Helper()
	cfg, err := hubconfig.Load(filepath.Join(s.Dir, "hub.yaml"), []string{"TALLYDOCK_HUB_CLOCK=" + s.Clock.Spec()})
	if err != nil {
		s.t.Fatal(err)
	}
	hub, err := hubapp.New(cfg, hubapp.Options{Version: "test", Log: testLog(s.t, "hub"), Out: s.t.Output()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("hub", hub.Run)
	s.wait("hub", hub.Ready())
}

func (s *site) runEdge() {
	s.t.Helper()
	if err := s.CopyPassword(); err != nil {
		s.t.Fatal(err)
	}
	cfg, err := edgeconfig.Load(filepath.Join(s.Dir, "edge.yaml"), func(name string) (string, bool) {
		return s.Clock.Spec(), name == "TALLYDOCK_EDGE_CLOCK"
	})
	if err != nil {
		s.t.Fatal(err)
	}
	edge, err := edgeapp.New(cfg, edgeapp.Options{Log: testLog(s.t, "edge"), Software: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("edge", edge.Run)
	s.wait("edge", edge.Ready())
}

func (s *site) runSimulators(script *scenario.Scenario) {
	s.t.Helper()
	user, password, err := s.DeviceLogin(script.Site.Code)
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := play.New(play.Config{
		Scenario: script, Clock: s.Clock, Dir: s.Dir, Broker: "tcp://" + s.MQTT, User: user, Password: password, Log: testLog(s.t, "sim"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("sim", p.Run)
}

// testLog writes a part's warnings to the test's output.
func testLog(t *testing.T, part string) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})).With("part", part)
}
