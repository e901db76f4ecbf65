package broker_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/secret"
)

// secured is a broker whose edges have certificates.
type secured struct {
	*broker.Broker
	t        *testing.T
	identity *enrol.Service
	trust    []byte
	metrics  *prometheus.Registry

	mu    sync.Mutex
	ahead time.Duration // of the hub's clock
}

func (s *secured) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *secured) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func certificateUser(id string) broker.User {
	u := broker.EdgeUser(id, "SZ1")
	u.Certificate = true
	return u
}

// secure runs a broker on an address with the test's password users, and SZ1-C1 and SZ1-C2 who have certificates alone.
func secure(t *testing.T, listen string, plain ...netip.Prefix) *secured {
	t.Helper()
	s := &secured{t: t, metrics: prometheus.NewRegistry()}
	keys, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := enrol.OpenCA(t.TempDir(), keys, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.trust = ca.Trust()
	s.identity, err = enrol.New(t.Context(), enrol.Config{
		Store: enroltest.NewMemory(), CA: ca, Hub: "https://hub.example", Now: s.now, Changed: func() { s.Recheck() },
	})
	if err != nil {
		t.Fatal(err)
	}
	config, err := s.identity.BrokerTLS([]string{"hub.example"})
	if err != nil {
		t.Fatal(err)
	}
	s.Broker, err = broker.New(broker.Config{
		Dir: t.TempDir(), Listen: listen, Users: append(testUsers(), certificateUser("SZ1-C1"), certificateUser("SZ1-C2")), Log: quiet(),
		TLS: &broker.TLS{Config: config, Identify: s.identity.Identify, Plain: plain}, Metrics: s.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	return s
}

// by gives options for TLS, with a certificate or none.
func (s *secured) by(user, password string, c *tls.Certificate) *mqtt.ClientOptions {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.trust)
	config := &tls.Config{RootCAs: roots, ServerName: "hub.example"}
	if c != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil }
		user = c.Leaf.Subject.CommonName
	}
	o := options(s.Addr(), user, password).SetTLSConfig(config)
	o.Servers[0].Scheme = "ssl"
	if c != nil {
		o.SetUsername("").SetPassword("")
	}
	return o
}

func (s *secured) enrolled(id string) *tls.Certificate {
	s.t.Helper()
	return enroltest.Gateway(s.t, s.identity, enrol.Order{Edge: id, Site: "SZ1"})
}

func refused(t *testing.T, what string, o *mqtt.ClientOptions) {
	t.Helper()
	c := mqtt.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(20*time.Second) || token.Error() == nil {
		t.Errorf("%s came in", what)
		c.Disconnect(0)
	}
}

func TestCertificatesAndPasswordsShareAPort(t *testing.T) {
	s := secure(t, "127.0.0.1:0")
	edge := connect(t, s.by("", "", s.enrolled("SZ1-C1")))
	connect(t, s.by("SZ1-E1", "e1-pw", nil)) // a password by TLS
	hub := connect(t, options(s.Addr(), "hub", "hub-pw"))
	_, heard := subscribe(t, hub, wire.HubFilter)
	wait(t, edge.Publish(wire.Topic("SZ1-C1", wire.UpMovements), 1, false, "own"))
	if got := receive(t, heard); got != "own" {
		t.Errorf("heard %q", got)
	}
	refused(t, "a certificate's user by an empty password", options(s.Addr(), "SZ1-C1", ""))
	refused(t, "a certificate's user by a password", s.by("SZ1-C1", "e1-pw", nil))
	refused(t, "an edge that is enrolled and no user", s.by("", "", s.enrolled("SZ1-C9")))
	named := s.by("", "", s.enrolled("SZ1-C2"))
	refused(t, "a certificate under the name of another", named.SetUsername("SZ1-E1").SetPassword("e1-pw"))
}

func TestConnectionsEndWithTheirCertificates(t *testing.T) {
	s := secure(t, "127.0.0.1:0")
	lost := make(chan string, 4)
	come := func(id string, c *tls.Certificate) {
		connect(t, s.by("", "", c).SetConnectionLostHandler(func(mqtt.Client, error) { lost <- id }))
	}
	first, second := s.enrolled("SZ1-C1"), s.enrolled("SZ1-C2")
	come("SZ1-C1", first)
	come("SZ1-C2", second)
	next := func(want string) {
		t.Helper()
		select {
		case got := <-lost:
			if got != want {
				t.Errorf("%s was cut off, and not %s", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s was not cut off", want)
		}
	}
	if got := s.gauge("tallydock_broker_client_certificate_expiry_timestamp_seconds"); got != float64(first.Leaf.NotAfter.Unix()) {
		t.Errorf("the first certificate ends at %v, says the metric", got)
	}
	if _, err := s.identity.Revoke(t.Context(), enrol.Target{Edge: "SZ1-C1"}, "stolen", "admin"); err != nil {
		t.Fatal(err)
	}
	next("SZ1-C1")
	refused(t, "a revoked certificate", s.by("", "", first))
	s.pass(91 * 24 * time.Hour)
	s.Recheck()
	next("SZ1-C2")
	refused(t, "an expired certificate", s.by("", "", second))
	if got := s.gauge("tallydock_broker_client_certificate_expiry_timestamp_seconds"); got != 0 {
		t.Errorf("nobody is connected, and a certificate ends at %v", got)
	}
}

func TestEdgeThatIsNoUserAnyMoreIsCutOff(t *testing.T) {
	s := secure(t, "127.0.0.1:0")
	lost := make(chan struct{})
	connect(t, s.by("", "", s.enrolled("SZ1-C1")).SetConnectionLostHandler(func(mqtt.Client, error) { close(lost) }))
	stays := connect(t, s.by("", "", s.enrolled("SZ1-C2")))
	if err := s.SetUsers([]broker.User{certificateUser("SZ1-C2")}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lost:
	case <-time.After(20 * time.Second):
		t.Fatal("the connection stayed")
	}
	wait(t, stays.Publish(wire.Topic("SZ1-C2", wire.UpSamples), 1, false, "x"))
}

func TestPasswordsWithoutTLSAreForNamedNetworks(t *testing.T) {
	own := ownAddress(t)
	for name, c := range map[string]struct {
		plain []netip.Prefix
		in    bool
	}{
		"none":        {nil, false},
		"another":     {[]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, false},
		"its own one": {[]netip.Prefix{netip.PrefixFrom(own, own.BitLen())}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := secure(t, net.JoinHostPort("", "0"), c.plain...)
			_, port, _ := net.SplitHostPort(s.Addr())
			from := func(o *mqtt.ClientOptions) *mqtt.ClientOptions {
				o.Servers[0].Host = net.JoinHostPort(own.String(), port)
				return o
			}
			plain := from(options(s.Addr(), "SZ1-devices", "dev-pw"))
			if c.in {
				connect(t, plain)
			} else {
				refused(t, "a password without TLS", plain)
			}
			connect(t, from(s.by("SZ1-devices", "dev-pw", nil)).SetClientID("by-TLS"))
			local := options(s.Addr(), "SZ1-devices", "dev-pw").SetClientID("local")
			local.Servers[0].Host = net.JoinHostPort("127.0.0.1", port)
			connect(t, local)
		})
	}
}

// ownAddress is one by which this machine is reached from others.
func ownAddress(t *testing.T) netip.Addr {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr()
		}
	}
	t.Skip("this machine has no address but loopback")
	return netip.Addr{}
}

func (s *secured) gauge(name string) float64 {
	s.t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}
