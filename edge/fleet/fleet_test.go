package fleet_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/fleet"
)

func ports(t *testing.T) *port.Opener {
	t.Helper()
	o, err := port.NewOpener(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

func build(t *testing.T, c fleet.Config, sink devices.Sink) *fleet.Fleet {
	t.Helper()
	c.Env.Clock = c.Clock
	f, err := fleet.New(c, sink)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// start runs a fleet and gives what stops it and waits for its end.
func start(t *testing.T, f *fleet.Fleet) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
}

func TestDeviceThatIsNotThereIsTriedAgainWithGrowingPauses(t *testing.T) {
	opener, path := ports(t), filepath.Join(t.TempDir(), "tty-none")
	synctest.Test(t, func(t *testing.T) {
		sink, registry := &devicetest.Sink{}, prometheus.NewRegistry()
		f := build(t, fleet.Config{
			Devices:  []devices.Settings{{ID: "uhf-a1", Driver: "uhf", Address: "serial:" + path}},
			Location: func(id string) string { return "at " + id }, Env: all.Env{Ports: opener}, Registerer: registry,
		}, sink)
		if d := f.Snapshot()[0]; d.State != devices.Down || !strings.Contains(d.Reason, "not answered yet") || d.Location != "at uhf-a1" {
			t.Errorf("before Run: %+v", d)
		}
		began := time.Now()
		stop := start(t, f)
		defer stop()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		d := f.Snapshot()[0]
		if d.State != devices.Down || d.Driver != "uhf" || !d.Since.Equal(began) ||
			!strings.Contains(d.Reason, "tty-none does not exist; check the cable") {
			t.Errorf("after five minutes: %+v", d)
		}
		if h := sink.Healths(); len(h) != 1 || h[0].State != devices.Down || h[0].Reason != d.Reason || h[0].Device != "uhf-a1" {
			t.Errorf("the same failure was told as %+v; want it once", h)
		}
		// 8 pauses up to 25.6 s make 51 s, the other 249 s have one of 24 to 30 s each; jitter moves it a little.
		if n := value(t, registry, "failures_total"); n < 14 || n > 20 {
			t.Errorf("the device was tried %v times in five minutes", n)
		}
	})
}

// value gives a metric of the only device; samples are those of good quality.
func value(t *testing.T, r *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "tallydock_edge_device_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 2 || m.GetLabel()[2].GetValue() == "good" {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// held is a Sink that takes nothing until it is opened.
type held struct{ opened chan struct{} }

func (h held) Read(devices.Read)     { <-h.opened }
func (h held) Sample(devices.Sample) { <-h.opened }
func (h held) Health(devices.Health) { <-h.opened }
func (h held) GPI(devices.GPI)       { <-h.opened }

func TestSnapshotAnswersWhileTheSinkIsBusy(t *testing.T) {
	opener, path := ports(t), filepath.Join(t.TempDir(), "tty-none")
	synctest.Test(t, func(t *testing.T) {
		sink := held{make(chan struct{})}
		f := build(t, fleet.Config{
			Devices: []devices.Settings{{ID: "a", Driver: "uhf", Address: "serial:" + path}}, Env: all.Env{Ports: opener},
		}, sink)
		stop := start(t, f)
		time.Sleep(time.Hour)
		if d := f.Snapshot()[0]; !strings.Contains(d.Reason, "does not exist") {
			t.Errorf("got %+v", d)
		}
		close(sink.opened)
		stop()
	})
}

func TestProbeComesBackAfterItWasUnplugged(t *testing.T) {
	p, sink, registry := newProbe(t), &devicetest.Sink{}, prometheus.NewRegistry()
	p.plug(t)
	business, err := clock.Scaled(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), time.Now(), 60)
	if err != nil {
		t.Fatal(err)
	}
	f := build(t, fleet.Config{
		Devices: []devices.Settings{{
			ID: "probe-r", Driver: "modbus", Model: "xy-md02", Address: "serial:" + p.path, Poll: time.Second,
		}}, Env: all.Env{Ports: ports(t)}, Clock: business, Registerer: registry,
	}, sink)
	stop := start(t, f)
	defer stop()

	sink.WaitState(t, devices.Up)
	sink.Wait(t, "samples come", func() bool { return len(sink.Samples()) >= 4 })
	d := f.Snapshot()[0]
	if d.State != devices.Up || d.Reason != "" || d.Reads < 4 || d.Since.Year() != 2026 || d.Since.Month() != time.January {
		t.Errorf("up: %+v", d)
	}
	p.unplug()
	sink.WaitState(t, devices.Down)
	if d := f.Snapshot()[0]; d.State != devices.Down || !strings.Contains(d.Reason, "check the cable") {
		t.Errorf("unplugged: %+v", d)
	}
	before := len(sink.Samples())
	p.plug(t)
	sink.WaitState(t, devices.Up)
	sink.Wait(t, "samples come again", func() bool { return len(sink.Samples()) >= before+2 })
	if value(t, registry, "up") != 1 || value(t, registry, "failures_total") < 1 || value(t, registry, "samples_total") < float64(before) {
		t.Error("the metrics do not show what happened")
	}
	inOrder(t, sink.Healths())
}

// inOrder checks that states were told in an order that can have happened.
func inOrder(t *testing.T, hs []devices.Health) {
	t.Helper()
	var states []devices.HealthState
	for _, h := range hs {
		if len(states) == 0 || states[len(states)-1] != h.State {
			states = append(states, h.State)
		}
	}
	if len(states) < 3 || states[0] != devices.Up || states[len(states)-1] != devices.Up {
		t.Errorf("states were told as %v", states)
	}
	for i := 1; i < len(hs); i++ {
		if hs[i].At.Before(hs[i-1].At) {
			t.Errorf("report %d is older than the one before it: %+v", i, hs)
		}
	}
}

func TestEveryDeviceWithoutADriverIsNamed(t *testing.T) {
	_, err := fleet.New(fleet.Config{Devices: []devices.Settings{
		{ID: "a", Driver: "uhv", Address: "serial:/dev/x"},
		{ID: "b", Driver: "r700", Address: "mqtt:site/SZ1/b/events"},
	}, Env: all.Env{Ports: ports(t)}}, &devicetest.Sink{})
	for _, want := range []string{`device a: driver "uhv" is not known`, "device b speaks MQTT but"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestStatusTakesTheSnapshot(t *testing.T) {
	f := build(t, fleet.Config{
		Devices: []devices.Settings{{ID: "a", Driver: "uhf", Address: "serial:/dev/x"}}, Env: all.Env{Ports: ports(t)},
	}, &devicetest.Sink{})
	b, err := wire.EncodeStatus(wire.Status{Edge: "E1", Devices: f.Snapshot()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := wire.DecodeStatus(b)
	if err != nil || len(s.Devices) != 1 || s.Devices[0].ID != "a" {
		t.Errorf("got %+v, %v", s, err)
	}
}
