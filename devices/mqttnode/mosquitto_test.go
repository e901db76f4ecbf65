package mqttnode_test

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

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/mqttnode"
)

// mosquitto is a real broker on an ephemeral port that keeps its sessions over a restart.
type mosquitto struct {
	url, conf string
	cmd       *exec.Cmd
}

func startMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	number := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { // mosquitto gives up root
		t.Fatal(err)
	}
	m := &mosquitto{url: fmt.Sprintf("tcp://127.0.0.1:%d", number), conf: filepath.Join(dir, "mosquitto.conf")}
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\npersistence true\npersistence_location %s/\nuser %s\n",
		number, dir, userName())
	if err := os.WriteFile(m.conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	t.Cleanup(m.stop)
	return m
}

func userName() string {
	if os.Geteuid() == 0 {
		return "root"
	}
	return os.Getenv("USER")
}

func (m *mosquitto) start(t *testing.T) {
	t.Helper()
	m.cmd = exec.Command("mosquitto", "-c", m.conf)
	m.cmd.Stderr = os.Stderr
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	host := m.url[len("tcp://"):]
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", host)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("mosquitto does not listen at %s: %v", host, err)
		}
	}
}

func (m *mosquitto) stop() {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	_ = m.cmd.Wait()
	m.cmd = nil
}

// say publishes with QoS 1 and waits for the broker.
func (m *mosquitto) say(t *testing.T, topic string, retained bool, payloads ...[]byte) {
	t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(m.url).SetClientID("device").SetAutoReconnect(false))
	if token := c.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		t.Fatalf("the pretend device cannot connect: %v", token.Error())
	}
	defer c.Disconnect(100)
	for _, p := range payloads {
		if token := c.Publish(topic, 1, retained, p); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Fatalf("the pretend device cannot publish: %v", token.Error())
		}
	}
}

// gateway makes a Broker that connects to m; run starts it.
func (m *mosquitto) gateway(t *testing.T) (b *mqttnode.Broker, run func() (stop func())) {
	t.Helper()
	b, err := mqttnode.New(mqttnode.Config{URL: m.url, ClientID: "SZ1-E1"})
	if err != nil {
		t.Fatal(err)
	}
	return b, func() func() { return runBroker(t, b) }
}

func runBroker(t *testing.T, b *mqttnode.Broker) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Run did not end with its context")
		}
	}
	t.Cleanup(stop)
	return stop
}
