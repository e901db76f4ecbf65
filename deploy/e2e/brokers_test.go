package e2e_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// brokers are one broker, or a cluster of some, outside of the hubs.
type brokers interface {
	// address of the nth way in.
	address(n int) string
	// kill ends the nth broker at once; restart brings it back.
	kill(t *testing.T, n int)
	restart(t *testing.T, n int)
}

// byName has Mosquitto go by names of users in place of client ids. Then nobody can end a hub's connection but itself, and an
// ack from before may come late, which costs a repetition.
const byName = "use_username_as_clientid true"

// mosquitto is Debian's.
type mosquitto struct {
	host, conf string
	byName     bool
	cmd        *exec.Cmd
}

func startMosquitto(t *testing.T, options ...string) *mosquitto {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	dir := t.TempDir()
	m := &mosquitto{host: free(t), conf: filepath.Join(dir, "mosquitto.conf"), byName: slices.Contains(options, byName)}
	_, port, _ := net.SplitHostPort(m.host)
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 200\n"+
		"persistence true\npersistence_location %s/\nautosave_interval 1\nuser root\n%s\n", port, dir, strings.Join(options, "\n"))
	if err := os.WriteFile(m.conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	m.restart(t, 0)
	t.Cleanup(func() {
		if m.cmd != nil {
			m.kill(t, 0)
		}
	})
	return m
}

func (m *mosquitto) address(int) string { return "tcp://" + m.host }

func (m *mosquitto) kill(t *testing.T, _ int) {
	if err := m.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = m.cmd.Wait()
	m.cmd = nil
}

func (m *mosquitto) restart(t *testing.T, _ int) {
	t.Helper()
	m.cmd = exec.Command("mosquitto", "-c", m.conf)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitPort(t, m.host)
}

func awaitPort(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing listens at %s", address)
		}
	}
}

// natsCluster is three NATS servers with MQTT listeners, the engine that the hub embeds.
type natsCluster struct {
	opts    []*server.Options
	servers []*server.Server
	hosts   []string
}

func startNATSCluster(t *testing.T) *natsCluster {
	t.Helper()
	const nodes = 3
	c := &natsCluster{servers: make([]*server.Server, nodes)}
	var routes []*url.URL
	var ports []int
	for range nodes {
		_, port, _ := net.SplitHostPort(free(t))
		n, _ := strconv.Atoi(port)
		ports = append(ports, n)
		routes = append(routes, &url.URL{Scheme: "nats", Host: "127.0.0.1:" + port})
	}
	for n := range nodes {
		host := free(t)
		_, port, _ := net.SplitHostPort(host)
		mqtt, _ := strconv.Atoi(port)
		c.hosts = append(c.hosts, host)
		c.opts = append(c.opts, &server.Options{
			ServerName: fmt.Sprint("n", n), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: filepath.Join(t.TempDir(), "js"), Routes: routes,
			Cluster: server.ClusterOpts{Name: "td", Host: "127.0.0.1", Port: ports[n]},
			MQTT: server.MQTTOpts{
				Host: "127.0.0.1", Port: mqtt, MaxAckPending: 1000, AckWait: 2 * time.Second, ConsumerReplicas: 1, ConsumerMemoryStorage: true,
			},
		})
	}
	for n := range nodes {
		c.begin(t, n)
	}
	for n := range nodes {
		c.await(t, n)
	}
	t.Cleanup(func() {
		for _, s := range c.servers {
			s.Shutdown()
			s.WaitForShutdown()
		}
	})
	return c
}

func (c *natsCluster) begin(t *testing.T, n int) {
	t.Helper()
	s, err := server.NewServer(c.opts[n].Clone())
	if err != nil {
		t.Fatal(err)
	}
	c.servers[n] = s
	go s.Start()
}

func (c *natsCluster) await(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c.servers[n].ReadyForConnections(50*time.Millisecond) && c.servers[n].JetStreamIsCurrent() && c.agreed() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("NATS server %d did not come up", n)
		}
	}
}

// agreed reports whether one of the servers leads the others.
func (c *natsCluster) agreed() bool {
	for _, s := range c.servers {
		if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(c.servers) {
			return true
		}
	}
	return false
}

func (c *natsCluster) address(n int) string { return "tcp://" + c.hosts[n%len(c.hosts)] }

// kill stops a server; in one process that is as near to a kill as it comes.
func (c *natsCluster) kill(_ *testing.T, n int) {
	c.servers[n].Shutdown()
	c.servers[n].WaitForShutdown()
}

func (c *natsCluster) restart(t *testing.T, n int) {
	c.begin(t, n)
	c.await(t, n)
}
