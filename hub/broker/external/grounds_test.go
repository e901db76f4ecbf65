package external_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"

	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/broker/external"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/secret"
)

const (
	day  = 24 * time.Hour
	site = "SZ1"
)

// office is the hub's side of every ground: the CA and who is enrolled.
type office struct {
	*enrol.Service
	t       *testing.T
	ca      *enrol.CA
	changed func()

	mu  sync.Mutex
	now time.Duration // from the machine's clock
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, changed: func() {}}
	keys, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	if o.ca, err = enrol.OpenCA(t.TempDir(), keys, time.Now().Add(-400*day)); err != nil {
		t.Fatal(err)
	}
	o.Service, err = enrol.New(t.Context(), enrol.Config{
		Store: enroltest.NewMemory(), CA: o.ca, Hub: "https://localhost", Now: o.clock, Changed: func() { o.changed() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Add(o.now)
}

func (o *office) set(ahead time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = ahead
}

// enrolled gives a certificate that an edge was given at another time than now.
func (o *office) enrolled(edge string, ahead time.Duration) *tls.Certificate {
	o.t.Helper()
	o.set(ahead)
	defer o.set(0)
	return enroltest.Gateway(o.t, o.Service, enrol.Order{Edge: edge, Site: site, Replace: true})
}

func (o *office) revoke(edge string) {
	o.t.Helper()
	if _, err := o.Revoke(o.t.Context(), enrol.Target{Edge: edge}, "stolen", "admin"); err != nil {
		o.t.Fatal(err)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pair(t *testing.T, chain, key []byte) *tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// users are those whom a broker outside lets in: the hub, and the edges that have a certificate of use.
func (o *office) users(hub enrol.Pair) []external.User {
	o.t.Helper()
	u := broker.HubUser("hub-1")
	u.Certificate = true
	users := []external.User{{User: u, Keys: []string{enrol.KeyName(hub.Public)}}}
	usable, err := o.Usable(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, c := range usable {
		u := broker.EdgeUser(c.Edge, c.Site)
		u.Certificate = true
		users = append(users, external.User{User: u, Keys: []string{enrol.KeyName(c.Key)}})
	}
	return users
}

func (o *office) server(node bool, names ...string) (external.Server, enrol.Pair) {
	o.t.Helper()
	p, err := o.ca.IssueServer(names, node, nil, time.Now(), day)
	if err != nil {
		o.t.Fatal(err)
	}
	return external.Server{Chain: p.Chain, Key: p.Key, Trust: o.ca.Trust()}, p
}

func (o *office) hub() (*tls.Certificate, enrol.Pair) {
	o.t.Helper()
	p, err := o.ca.IssueHub("hub-1", nil, time.Now(), day)
	if err != nil {
		o.t.Fatal(err)
	}
	return pair(o.t, p.Chain, p.Key), p
}

// ground is a broker on which attempts are made.
type ground struct {
	name string
	*office
	addrs  []string         // of its nodes
	hubAs  dial             // how the hub comes in
	secret string           // what makes the client ids of its edges hard to guess; "" where the broker binds them
	update func()           // makes the broker know who is revoked; connections may be cut
	node   *tls.Certificate // of a node of a cluster; nil = it is none
	inside map[string]bool  // addresses where nobody but nodes comes in; true = it speaks before TLS begins
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// embedded is the hub's own broker.
func embedded(t *testing.T, o *office) *ground {
	t.Helper()
	config, err := o.BrokerTLS([]string{"localhost", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	password, err := bcrypt.GenerateFromPassword([]byte("hub-pw"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	hub := broker.HubUser("hub-1")
	hub.PasswordHash = string(password)
	users := []broker.User{hub}
	for _, id := range []string{"SZ1-E1", "SZ1-E2", "SZ1-E3", "SZ1-E4", "SZ1-E5", "SZ1-E6", "SZ1-E7"} {
		u := broker.EdgeUser(id, site)
		u.Certificate = true
		users = append(users, u)
	}
	b, err := broker.New(broker.Config{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: users, Log: slog.New(slog.DiscardHandler),
		TLS: &broker.TLS{Config: config, Identify: o.Identify},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-b.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	o.changed = b.Recheck
	return &ground{
		name: "embedded", office: o, addrs: []string{b.Addr()}, update: func() {},
		hubAs: dial{id: "hub-1-x", user: "hub-1", password: "hub-pw"},
	}
}

// mosquitto is a Mosquitto that runs by the files that are written for it.
func mosquitto(t *testing.T, o *office) *ground {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	dir, addr := t.TempDir(), free(t)
	show, _ := o.server(false, "localhost", "127.0.0.1")
	certificate, hub := o.hub()
	write := func() {
		lists, err := o.RevocationLists(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		files, err := external.Mosquitto{Dir: dir, Listen: addr, Server: show, Revocations: lists, Users: o.users(hub)}.Files()
		if err != nil {
			t.Fatal(err)
		}
		// Started by root it would become a user who cannot read the test's folder.
		head := "log_dest stderr\nlog_type all\n"
		if os.Getuid() == 0 {
			head += "user root\n"
		}
		files["mosquitto.conf"] = append([]byte(head), files["mosquitto.conf"]...)
		if err := files.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	write()
	daemon := exec.Command(program, "-c", filepath.Join(dir, "mosquitto.conf"))
	said := start(t, daemon)
	await(t, said, " running")
	return &ground{
		name: "Mosquitto", office: o, addrs: []string{addr}, hubAs: dial{id: "any", certificate: certificate},
		update: func() {
			write()
			if err := daemon.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			await(t, said, "Reloading config")
		},
	}
}

// start runs a program until the test ends and gives the lines that it logs.
func start(t *testing.T, program *exec.Cmd) <-chan string {
	t.Helper()
	program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := program.StderrPipe()
	if err == nil {
		err = program.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 100)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if line := lines.Text(); strings.Contains(line, "running") || strings.Contains(line, "Server is ready") || strings.Contains(line, "Reload") || strings.Contains(line, "rror") {
				said <- line
			}
		}
	}()
	t.Cleanup(func() {
		_ = program.Process.Kill()
		for range said { // until it is gone
		}
		_ = program.Wait()
	})
	return said
}

// await waits until a program says something; it logs what else it says.
func await(t *testing.T, said <-chan string, what string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case line, on := <-said:
			if !on {
				t.Fatalf("it ended and never said %q", what)
			}
			if strings.Contains(line, what) {
				return
			}
			t.Log(line)
		case <-limit:
			t.Fatalf("it never said %q", what)
		}
	}
}

// cluster is three NATS servers that run by the files that are written for them.
func cluster(t *testing.T, o *office) *ground {
	t.Helper()
	dir, data := t.TempDir(), t.TempDir()
	certificate, hub := o.hub()
	c := external.NATS{Cluster: "hub", Dir: dir, Data: data}
	g := &ground{
		name: "NATS cluster", office: o, secret: "-" + rand.Text(), inside: map[string]bool{},
		hubAs: dial{id: "hub-1-" + rand.Text(), certificate: certificate},
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		show, p := o.server(true, "localhost", "127.0.0.1")
		n := external.Node{Name: name, MQTT: free(t), Client: free(t), Route: free(t), Server: show, Key: p.Public}
		c.Nodes = append(c.Nodes, n)
		g.addrs = append(g.addrs, n.MQTT)
		g.inside[n.Route], g.inside[n.Client] = false, true
		g.node = pair(t, p.Chain, p.Key)
	}
	write := func() {
		c.Users = o.users(hub)
		files, err := c.Files()
		if err == nil {
			err = files.Write(dir)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write()
	var nodes []*exec.Cmd
	var said []<-chan string
	for _, n := range c.Nodes {
		node := exec.Command(os.Args[0], "-test.run=^TestNode$")
		node.Env = append(os.Environ(), nodeFile+"="+filepath.Join(dir, n.Name+".conf"))
		nodes, said = append(nodes, node), append(said, start(t, node))
	}
	for _, s := range said {
		await(t, s, "Server is ready")
	}
	g.update = func() {
		write()
		for i, n := range nodes {
			if err := n.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			await(t, said[i], "Reloaded server configuration")
		}
	}
	return g
}

// nodeFile names the environment variable that has TestNode run a node of a cluster by a file.
const nodeFile = "TALLYDOCK_TEST_NODE_FILE"

// TestNode is no test: it is a NATS server, in a process of its own as users run it.
func TestNode(t *testing.T) {
	file := os.Getenv(nodeFile)
	if file == "" {
		t.Skip("a NATS server for other tests")
	}
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
}
