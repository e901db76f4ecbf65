package e2e_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/identity"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/uplink"
	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/secret"
)

const (
	gatewayID = "SZ1.E1"
	oneDay    = 24 * time.Hour
)

// office is a hub's part that enrols edges, with its broker; and a clock that it shares with the gateways.
type office struct {
	*enrol.Service
	t      *testing.T
	ca     *enrol.CA
	broker string // host:port
	mqtt   *broker.Broker

	mu    sync.Mutex
	ahead time.Duration
	acts  []enrol.Act
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Add(o.ahead)
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ahead += d
}

func (o *office) audit(facts []enrol.Fact) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range facts {
		o.acts = append(o.acts, f.Act)
	}
}

// start runs part until the test ends.
func (o *office) start(part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(o.t.Context()))
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	o.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
			o.t.Error(err)
		}
	})
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t}
	keys, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	if o.ca, err = enrol.OpenCA(t.TempDir(), keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Service, err = enrol.New(t.Context(), enrol.Config{
		Store: enroltest.NewMemory(), CA: o.ca, Hub: "https://" + l.Addr().String() + "/edge", Now: o.now,
		Brokers: []string{"ssl://127.0.0.1:8883"}, Changed: func() { o.mqtt.Recheck() },
	})
	if err != nil {
		t.Fatal(err)
	}
	o.openBroker()
	o.openDoor(l)
	return o
}

func (o *office) openBroker() {
	o.t.Helper()
	conf, err := o.BrokerTLS([]string{"127.0.0.1"})
	if err != nil {
		o.t.Fatal(err)
	}
	user := broker.EdgeUser(gatewayID, "SZ1")
	user.Certificate = true
	b, err := broker.New(broker.Config{
		Dir: o.t.TempDir(), Listen: "127.0.0.1:0", Users: []broker.User{user}, Log: slog.New(slog.DiscardHandler),
		TLS: &broker.TLS{Config: conf, Identify: o.Identify},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.start(b.Run)
	<-b.Ready()
	o.broker, o.mqtt = b.Addr(), b
}

// openDoor serves edges below /edge.
func (o *office) openDoor(l net.Listener) {
	o.t.Helper()
	conf, err := o.EdgeTLS([]string{"127.0.0.1"})
	if err != nil {
		o.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/edge/", http.StripPrefix("/edge", o.Handler(o.audit)))
	srv := &http.Server{Handler: mux, TLSConfig: conf, ErrorLog: slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelDebug)}
	o.start(func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = srv.Close() })
		return srv.ServeTLS(l, "", "")
	})
}

func (o *office) token(replace bool) string {
	o.t.Helper()
	text, _, err := o.CreateToken(o.t.Context(), enrol.Order{Edge: gatewayID, Site: "SZ1", Replace: replace, By: "admin"})
	if err != nil {
		o.t.Fatal(err)
	}
	return text
}

// gateway is an edge: its identity, and an uplink that connects by it.
type gateway struct {
	*identity.Identity
	o  *office
	up *uplink.Uplink
}

func (o *office) identity() *identity.Identity {
	o.t.Helper()
	i, err := identity.Open(identity.Config{Dir: o.t.TempDir(), Edge: gatewayID, Now: o.now})
	if err != nil {
		o.t.Fatal(err)
	}
	return i
}

func (o *office) gateway() *gateway {
	o.t.Helper()
	g := &gateway{Identity: o.identity(), o: o}
	box, _, err := store.Open(o.t.Context(), store.Options{Dir: o.t.TempDir(), Edge: gatewayID, MemTable: 1 << 20, BallastBytes: -1})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { box.Close() })
	g.up, err = uplink.New(uplink.Config{
		Edge: gatewayID, Site: "SZ1", Broker: "ssl://" + o.broker, TLS: g.TLS("127.0.0.1"),
		RetryFirst: 10 * time.Millisecond, RetryMost: 50 * time.Millisecond,
	}, box, func(wire.Command) {})
	if err != nil {
		o.t.Fatal(err)
	}
	o.start(g.up.Run)
	return g
}

// until waits for what no signal tells of.
func (o *office) until(what string, holds func() bool) {
	o.t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("it never came that %s", what)
		}
	}
}

func (g *gateway) connected() bool { return g.up.State().Connected }

// keep runs the renewal until it has come to something.
func (g *gateway) keep(what string, holds func() bool) {
	g.o.t.Helper()
	ctx, cancel := context.WithCancel(g.o.t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	g.o.until(what, holds)
	cancel()
	if err := <-done; err != nil {
		g.o.t.Error(err)
	}
}

// TestGatewayFromTokenToRevocation is the whole life of a gateway's identity, over real connections.
func TestGatewayFromTokenToRevocation(t *testing.T) {
	o := openOffice(t)
	g := o.gateway()
	token := o.token(false)
	if err := g.Enrol(t.Context(), token, false); err != nil {
		t.Fatal(err)
	}
	o.until("the gateway comes in by its certificate", g.connected)

	thief := o.identity()
	var no *identity.Refusal
	if err := thief.Enrol(t.Context(), token, false); !errors.As(err, &no) || !strings.Contains(no.Message, "was used at") {
		t.Errorf("a replayed token: %v", err)
	}

	first := g.Certificate()
	o.pass(64 * oneDay)
	g.keep("the certificate is renewed at two thirds of its life", func() bool { return !g.Certificate().Equal(first) })
	if !g.connected() {
		t.Error("the renewal cost the connection")
	}

	second := g.Certificate()
	o.pass(100 * oneDay) // in a box
	o.mqtt.Recheck()
	o.until("the gateway is cut off when its certificate has expired", func() bool { return !g.connected() })
	if got := g.Alarms(); len(got) != 1 || got[0].Kind != identity.Expired {
		t.Errorf("alarms %+v", got)
	}
	g.keep("the expired certificate is renewed within the grace", func() bool { return !g.Certificate().Equal(second) })
	o.until("the gateway comes in again", g.connected)

	if err := o.ca.Rollover(o.now()); err != nil {
		t.Fatal(err)
	}
	third := g.Certificate()
	o.pass(64 * oneDay)
	g.keep("a certificate of the new root comes", func() bool { return !g.Certificate().Equal(third) })

	if g.Certificate().Issuer.String() == third.Issuer.String() {
		t.Error("it is of the old root")
	}

	if _, err := o.Revoke(t.Context(), enrol.Target{Edge: gatewayID}, "stolen", "admin"); err != nil {
		t.Fatal(err)
	}
	o.until("the revoked gateway is cut off", func() bool { return !g.connected() })
	o.pass(64 * oneDay)
	g.keep("the hub refuses the renewal", func() bool {
		return slices.ContainsFunc(g.Alarms(), func(a identity.Alarm) bool { return a.Kind == identity.Refused })
	})
	if g.connected() {
		t.Error("a revoked gateway came in")
	}
	if err := g.Enrol(t.Context(), o.token(false), true); err != nil {
		t.Fatal(err)
	}
	o.until("the gateway that was enrolled anew comes in", g.connected)

	o.mu.Lock()
	defer o.mu.Unlock()
	want := []enrol.Act{enrol.Enrolled, enrol.Refused, enrol.Renewed, enrol.RenewedLate, enrol.Renewed, enrol.Refused, enrol.Enrolled}
	if !slices.Equal(o.acts, want) {
		t.Errorf("the auditor heard %v, want %v", o.acts, want)
	}
}

// TestReplacedGatewayIsCutOff gives a gateway's name to another one while it is connected.
func TestReplacedGatewayIsCutOff(t *testing.T) {
	o := openOffice(t)
	old := o.gateway()
	if err := old.Enrol(t.Context(), o.token(false), false); err != nil {
		t.Fatal(err)
	}
	o.until("the old one comes in", old.connected)
	if err := o.identity().Enrol(t.Context(), o.token(true), false); err != nil {
		t.Fatal(err)
	}
	o.until("the old one is cut off", func() bool { return !old.connected() })
}

// TestGatewayKnowsItsHub has a gateway meet others who answer in the hub's place.
func TestGatewayKnowsItsHub(t *testing.T) {
	o, other := openOffice(t), openOffice(t)
	i := o.identity()
	if err := i.Enrol(t.Context(), o.token(false), false); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		address, host string
		in            bool
	}{
		"its hub's broker":         {o.broker, "127.0.0.1", true},
		"under another name":       {o.broker, "hub.example", false},
		"under another address":    {o.broker, "127.0.0.2", false},
		"the broker of another":    {other.broker, "127.0.0.1", false},
		"an edge that plays a hub": {playHub(t, i), "127.0.0.1", false},
	} {
		conn, err := tls.Dial("tcp", c.address, i.TLS(c.host))
		if (err == nil) != c.in {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// playHub listens with a gateway's certificate.
func playHub(t *testing.T, i *identity.Identity) string {
	t.Helper()
	own, err := i.TLS("").GetClientCertificate(&tls.CertificateRequestInfo{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*own}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}()
	return l.Addr().String()
}
