package play_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/simulators/line"
	"github.com/tallydock/tallydock/simulators/play"
	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/world"
)

const speed = 120

// broker starts a real broker and gives its URL.
func broker(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed: install the Debian package to run this test")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr).Port
	l.Close()
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n", at)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("mosquitto", "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return fmt.Sprintf("tcp://127.0.0.1:%d", at)
}

// gateway runs the real drivers of every device, again when one fails, and keeps what they say.
type gateway struct {
	stop func()

	mu      sync.Mutex
	reads   []devices.Read
	samples []devices.Sample
}

func (g *gateway) Read(r devices.Read) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reads = append(g.reads, r)
}

func (g *gateway) Sample(s devices.Sample) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.samples = append(g.samples, s)
}

func (g *gateway) Health(devices.Health) {}

// GPI implements devices.Sink.
func (g *gateway) GPI(devices.GPI) {}

func settings(s *scenario.Scenario, dir string) []devices.Settings {
	var list []devices.Settings
	add := func(id, driver, model string, baud int) {
		list = append(list, devices.Settings{
			ID: id, Driver: driver, Model: model, Address: fmt.Sprintf("serial:%s?baud=%d", line.Path(dir, id), baud),
		})
	}
	for _, r := range s.Readers {
		if r.Driver == scenario.UHF {
			add(r.ID, r.Driver, "", 115200)
			continue
		}
		list = append(list, devices.Settings{ID: r.ID, Driver: r.Driver, Address: "mqtt:site/SZ1/" + r.ID + "/events"})
	}
	for _, p := range s.Pads {
		add(p.ID, scenario.PN532, "", 115200)
	}
	for _, p := range s.Probes {
		if p.Driver == scenario.Modbus {
			add(p.ID, p.Driver, p.Model, 9600)
			continue
		}
		list = append(list, devices.Settings{ID: p.ID, Driver: p.Driver, Address: "mqtt:site/SZ1/" + p.ID + "/tele/SENSOR"})
	}
	return list
}

func start(t *testing.T, s *scenario.Scenario, dir, url string, clk clock.Clock) *gateway {
	t.Helper()
	b, err := mqttnode.New(mqttnode.Config{URL: url, ClientID: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := port.NewOpener(10)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, v := range settings(s, dir) {
		d, err := all.New(v, all.Env{Ports: ports, MQTT: b, Clock: clk})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			for ctx.Err() == nil {
				_ = d.Run(ctx, g)
				select {
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	running.Go(func() { _ = b.Run(ctx) })
	g.stop = func() {
		cancel()
		running.Wait()
		ports.Close()
	}
	return g
}

func TestAGatewaySeesWhatTheScenarioPlays(t *testing.T) {
	s, err := scenario.Builtin("hour")
	if err != nil {
		t.Fatal(err)
	}
	url, dir := broker(t), t.TempDir()
	clk, err := clock.Scaled(s.Start, time.Now(), speed)
	if err != nil {
		t.Fatal(err)
	}
	p, err := play.New(play.Config{Scenario: s, Clock: clk, Dir: dir, Broker: url})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	time.Sleep(time.Second)
	before := read(t, dir)
	if len(before.Units) == 0 || len(before.Passes) != 0 || len(before.Visits) != 0 {
		t.Errorf("%d units, %d passes and %d visits before a gateway was there", len(before.Units), len(before.Passes), len(before.Visits))
	}
	g := start(t, s, dir, url, clk)
	until(t, dir, "a pass of door 2", func(truth *world.Truth) bool {
		return slices.ContainsFunc(truth.Passes, func(f world.Fact) bool { return f.Door == "SZ1-D2" && f.Direction != world.TurnedBack })
	})
	if up, down := p.AtWork(); len(up) != 10 || len(down) != 0 {
		t.Errorf("at work are %v, not %v", up, down)
	}
	if err := p.Unplug("uhf-d2-out"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	if err := p.Replug("uhf-d2-out"); err != nil {
		t.Fatal(err)
	}
	until(t, dir, "the pass is repeated", func(truth *world.Truth) bool {
		repeated := slices.ContainsFunc(truth.Passes, func(f world.Fact) bool { return f.Repeat > 0 })
		return repeated && len(truth.Passes) > 5 && len(truth.Visits) > 1
	})
	g.stop()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	truth := read(t, dir)
	check(t, s, truth, g)
	if _, err := os.Stat(filepath.Join(dir, play.FinalFile)); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "tty-*")); len(left) != 0 {
		t.Errorf("links are left: %v", left)
	}
}

func read(t *testing.T, dir string) *world.Truth {
	t.Helper()
	truth, err := play.ReadTruth(dir, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return truth
}

// until waits for a truth to come about.
func until(t *testing.T, dir, what string, so func(*world.Truth) bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !so(read(t, dir)); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not come to be", what)
		}
	}
}

// check compares what the gateway got with what was true.
func check(t *testing.T, s *scenario.Scenario, truth *world.Truth, g *gateway) {
	t.Helper()
	seen := map[devices.Tag]map[string]int{}
	for _, r := range g.reads {
		if seen[r.Tag] == nil {
			seen[r.Tag] = map[string]int{}
		}
		seen[r.Tag][fmt.Sprint(r.Device, "/", r.Antenna)]++
	}
	missing, onShelf := 0, 0
	for tag, u := range truth.Units {
		if u.Unreadable || slices.Contains([]string{world.Supplier, world.Customer, world.Hand, "SZ1-DOCK"}, u.Location) {
			continue
		}
		if onShelf++; len(seen[tag]) == 0 {
			missing++
		}
	}
	if onShelf < 100 || missing > 10 {
		t.Errorf("of %d tags at rest %d were never read", onShelf, missing)
	}
	doors := map[string]scenario.Door{}
	for _, d := range s.Doors {
		doors[d.ID] = d
	}
	repeated := 0
	for _, p := range truth.Passes {
		repeated += p.Repeat
		d := doors[p.Door]
		for _, tag := range p.Tags {
			for _, a := range []scenario.Antenna{d.Inside, d.Outside} {
				if n := seen[tag][fmt.Sprint(a.Device, "/", a.Number)]; n < 2 && p.Direction != world.TurnedBack {
					t.Errorf("%v went %s through %s at %s and was read %d times by %s", tag, p.Direction, p.Door, p.At, n, a.Device)
				}
			}
		}
	}
	t.Logf("%d reads, %d samples, %d passes, %d of them repeated, %d visits", len(g.reads), len(g.samples), len(truth.Passes), repeated, len(truth.Visits))
	for _, v := range truth.Visits {
		if len(seen[v.Tag]) == 0 {
			t.Errorf("card %v lay on the pad and was not read", v.Tag)
		}
	}
	probes := map[string]int{}
	for _, v := range g.samples {
		probes[v.Device]++
	}
	if probes["probe-r"] < 10 || probes["node-r"] < 10 {
		t.Errorf("samples are %v", probes)
	}
}
