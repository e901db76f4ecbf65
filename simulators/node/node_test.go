package node_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/node"
)

// mosquitto is a real broker that can be stopped and started.
type mosquitto struct {
	url, conf string
	cmd       *exec.Cmd
}

func broker(t *testing.T) *mosquitto {
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
	dir := t.TempDir()
	m := &mosquitto{url: fmt.Sprintf("tcp://127.0.0.1:%d", at), conf: filepath.Join(dir, "mosquitto.conf")}
	text := fmt.Sprintf("user root\nlistener %d 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\npersistence true\n"+
		"persistence_location %s/\n", at, dir)
	if err := os.WriteFile(m.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	t.Cleanup(m.stop)
	return m
}

func (m *mosquitto) start(t *testing.T) {
	t.Helper()
	m.cmd = exec.Command("mosquitto", "-c", m.conf)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (m *mosquitto) stop() {
	_ = m.cmd.Process.Signal(syscall.SIGTERM) // it saves its sessions
	_ = m.cmd.Wait()
}

func run(t *testing.T, f func(context.Context) error) context.CancelFunc {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	return stop
}

// gateway starts the gateway's driver for a device.
func gateway(t *testing.T, m *mosquitto, s devices.Settings) *devicetest.Sink {
	t.Helper()
	b, err := mqttnode.New(mqttnode.Config{URL: m.url, ClientID: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ports.Close() })
	d, err := all.New(s, all.Env{Ports: ports, MQTT: b})
	if err != nil {
		t.Fatal(err)
	}
	run(t, b.Run)
	sink := &devicetest.Sink{}
	run(t, func(ctx context.Context) error { // as a gateway does: again when the connection broke
		for ctx.Err() == nil {
			_ = d.Run(ctx, sink)
		}
		return nil
	})
	return sink
}

func tag(t *testing.T, n int) devices.Tag {
	t.Helper()
	tag, err := devices.ParseTag(fmt.Sprintf("epc:30361f4b3c0000400000%04x", n))
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not come to be", what)
		}
	}
}

func TestTheDriverReadsWhatTheR700Publishes(t *testing.T) {
	m := broker(t)
	sink := gateway(t, m, devices.Settings{ID: "r700-b", Driver: "r700", Address: "mqtt:site/SZ1/r700-b/events"})
	r := node.NewR700(node.Config{
		ID: "r700-b", URL: m.url, Topic: "site/SZ1/r700-b/events", Status: "site/SZ1/r700-b/status",
	}, time.Now)
	stop := run(t, r.Run)
	sink.WaitState(t, devices.Up)
	at := time.Date(2026, 1, 5, 7, 0, 0, 123_000_000, time.UTC)
	for i := range 500 {
		r.Sight(at.Add(time.Duration(i)*time.Millisecond), uint8(1+i%4), tag(t, i), unit.DBm(-5550-i))
	}
	sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) >= 500 })
	for i, got := range sink.Reads() {
		want := at.Add(time.Duration(i) * time.Millisecond)
		if got.Tag != tag(t, i) || got.Antenna != uint8(1+i%4) || got.RSSI != unit.DBm(-5550-i) || !got.ReaderTime.Equal(want) {
			t.Fatalf("read %d is %+v", i, got)
		}
	}
	stop()
	sink.WaitState(t, devices.Down)
}

func TestEventsWaitWhileTheBrokerIsGone(t *testing.T) {
	m := broker(t)
	sink := gateway(t, m, devices.Settings{ID: "r700-b", Driver: "r700", Address: "mqtt:site/SZ1/r700-b/events"})
	r := node.NewR700(node.Config{
		ID: "r700-b", URL: m.url, Topic: "site/SZ1/r700-b/events", Status: "site/SZ1/r700-b/status",
	}, time.Now)
	run(t, r.Run)
	sink.WaitState(t, devices.Up)
	eventually(t, "ready", r.Ready)
	r.Lapsed()
	if r.Lapsed() {
		t.Error("it lapsed while it was connected")
	}
	m.stop()
	eventually(t, "not ready", func() bool { return !r.Ready() })
	for i := range 200 {
		r.Sight(time.Now(), 1, tag(t, i), -5500)
	}
	m.start(t)
	sink.Wait(t, "what was read meanwhile", func() bool { return distinct(sink) == 200 })
	if !r.Lapsed() {
		t.Error("it did not notice that the broker was gone")
	}
}

func distinct(sink *devicetest.Sink) int {
	tags := map[devices.Tag]bool{}
	for _, r := range sink.Reads() {
		tags[r.Tag] = true
	}
	return len(tags)
}

func TestAFullBufferIsToldOf(t *testing.T) {
	m := broker(t)
	r := node.NewR700(node.Config{
		ID: "r700-b", URL: m.url, Topic: "site/SZ1/r700-b/events", Status: "site/SZ1/r700-b/status",
	}, time.Now)
	for range 21_000 {
		r.Sight(time.Now(), 1, tag(t, 1), -5500)
	}
	if r.Purged() != 1000 {
		t.Errorf("%d events were thrown away", r.Purged())
	}
	sink := gateway(t, m, devices.Settings{ID: "r700-b", Driver: "r700", Address: "mqtt:site/SZ1/r700-b/events"})
	time.Sleep(200 * time.Millisecond) // the gateway subscribes before the reader speaks
	run(t, r.Run)
	sink.Wait(t, "the reads", func() bool { return len(sink.Reads()) >= 20_000 })
	r.Sight(time.Now(), 1, tag(t, 2), -5500)
	sink.Wait(t, "the loss", func() bool { return lost(sink) == 1000 && distinct(sink) == 2 })
}

func lost(sink *devicetest.Sink) (n uint64) {
	for _, h := range sink.Healths() {
		n += h.Lost
	}
	return n
}

func TestTheDriverMeasuresWhatTheTasmotaNodePublishes(t *testing.T) {
	m := broker(t)
	sink := gateway(t, m, devices.Settings{ID: "node-r", Driver: "tasmota", Address: "mqtt:site/SZ1/node-r/tele/SENSOR"})
	n := node.NewTasmota(node.Config{
		ID: "node-r", URL: m.url, Topic: "site/SZ1/node-r/tele/SENSOR", Status: "site/SZ1/node-r/tele/LWT",
	}, "00000566CC39")
	run(t, n.Run)
	sink.WaitState(t, devices.Up)
	n.Report(time.Now(), 4_560)
	sink.Wait(t, "the value", func() bool { return len(sink.Samples()) > 0 })
	if s := sink.Samples()[0]; s.Value != 4_500 || s.Channel != "00000566CC39" || s.Quality != devices.Good {
		t.Errorf("sample is %+v", s)
	}
	n.PowerOn(true)
	n.Report(time.Now(), 4_560)
	sink.Wait(t, "the value after power-on", func() bool { return len(sink.Samples()) > 1 })
	if s := sink.Samples()[1]; s.Quality != devices.Sentinel || s.Value != 85_000 {
		t.Errorf("sample is %+v", s)
	}
	n.PowerOn(false)
	n.Silence(true)
	n.Report(time.Now(), 9_000)
	n.Silence(false)
	n.Report(time.Now(), 5_000)
	sink.Wait(t, "the value after the silence", func() bool { return len(sink.Samples()) > 2 })
	if s := sink.Samples()[2]; s.Value != 5_000 {
		t.Errorf("sample is %+v", s)
	}
}
