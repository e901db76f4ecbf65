package external_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
)

const patience = 20 * time.Second

// dial is how somebody comes to a broker.
type dial struct {
	node           int // which of the broker's
	id             string
	certificate    *tls.Certificate
	user, password string
	open           bool   // without TLS
	server         string // name that the broker must have; "" = localhost
	will           string // its topic
	newest         uint16 // TLS version, at most
	lost           func()
	line           *net.Conn // is set to the connection
}

// try connects; the error is why it is kept out.
func (g *ground) try(d dial) (mqtt.Client, error) {
	address := g.addrs[d.node%len(g.addrs)]
	o := mqtt.NewClientOptions().AddBroker("ssl://" + address).SetClientID(d.id).SetUsername(d.user).SetPassword(d.password).
		SetAutoReconnect(false).SetConnectTimeout(patience).SetOrderMatters(false).SetProtocolVersion(4)
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (line net.Conn, err error) {
		if d.open {
			line, err = net.Dial("tcp", address)
		} else {
			line, err = tls.Dial("tcp", address, g.tls(d))
		}
		if d.line != nil {
			*d.line = line
		}
		return line, err
	})
	if d.will != "" {
		o.SetWill(d.will, "forged will", 1, true)
	}
	if d.lost != nil {
		o.SetConnectionLostHandler(func(mqtt.Client, error) { d.lost() })
	}
	client := mqtt.NewClient(o)
	token := client.Connect()
	if !token.WaitTimeout(patience) {
		return nil, fmt.Errorf("no answer within %v", patience)
	}
	return client, token.Error()
}

func (g *ground) tls(d dial) *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(g.ca.Trust())
	c := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	if d.server != "" {
		c.ServerName = d.server
	}
	if d.newest != 0 {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, d.newest
	}
	if d.certificate != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return d.certificate, nil }
	}
	return c
}

// connect is try that must succeed; a cluster may need some time at first.
func (g *ground) connect(t *testing.T, d dial) mqtt.Client {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		client, err := g.try(d)
		if err == nil {
			t.Cleanup(func() { client.Disconnect(0) })
			return client
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %q cannot connect: %v", g.name, d.id, err)
		}
		time.Sleep(50 * time.Millisecond) // servers that find one another: there is nothing to wait on
	}
}

// ear keeps what a subscriber hears.
type ear struct {
	mu    sync.Mutex
	heard []string
	news  chan struct{}
}

func newEar() *ear { return &ear{news: make(chan struct{}, 1)} }

func (e *ear) hear(_ mqtt.Client, m mqtt.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, m.Topic()+" "+string(m.Payload()))
	select {
	case e.news <- struct{}{}:
	default:
	}
}

// until waits until something was heard.
func (e *ear) until(t *testing.T, what string) {
	t.Helper()
	if !e.within(patience, what) {
		t.Fatalf("never heard %q", what)
	}
}

// soon is whether it is heard within a moment.
func (e *ear) soon(what string) bool { return e.within(500*time.Millisecond, what) }

func (e *ear) within(d time.Duration, what string) bool {
	limit := time.After(d)
	for !e.has(what) {
		select {
		case <-e.news:
		case <-limit:
			return e.has(what)
		}
	}
	return true
}

// has tells whether a message had all of these in its topic or its text.
func (e *ear) has(all ...string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.heard, func(h string) bool {
		return !slices.ContainsFunc(all, func(what string) bool { return !strings.Contains(h, what) })
	})
}

// on subscribes, and tells whether the broker said yes, which Mosquitto always does.
func (e *ear) on(t *testing.T, c mqtt.Client, filter string) (allowed bool) {
	t.Helper()
	token := c.Subscribe(filter, 1, e.hear)
	if !token.WaitTimeout(patience) {
		t.Fatalf("no answer to a subscription to %s", filter)
	}
	return token.Error() == nil && token.(*mqtt.SubscribeToken).Result()[filter] < 0x80
}

func say(t *testing.T, c mqtt.Client, topic, text string, retained bool) {
	t.Helper()
	if !c.Publish(topic, 1, retained, text).WaitTimeout(patience) {
		t.Fatalf("no answer to what was said on %s", topic)
	}
}

// scene is a ground with its people: the hub, the victim SZ1-E1, and the attacker SZ1-E2, who is enrolled too.
type scene struct {
	*ground
	t           *testing.T
	hub, victim mqtt.Client
	hubEar      *ear
	victimEar   *ear
	own         *tls.Certificate // the attacker's
	attempts    int
	barriers    int

	mu   sync.Mutex
	gone []string // whose connection was lost
}

func set(t *testing.T, g *ground) *scene {
	t.Helper()
	s := &scene{ground: g, t: t, own: g.enrolled("SZ1-E2", 0)}
	certificate := g.enrolled("SZ1-E1", 0)
	g.update()
	as := g.hubAs
	as.lost, as.node = func() { s.lost("the hub") }, 2
	s.hub = g.connect(t, as)
	s.victim = g.connect(t, dial{id: g.idOf("SZ1-E1"), certificate: certificate, lost: func() { s.lost("the victim") }})
	s.listen()
	s.steady()
	return s
}

// idOf is the client id by which an edge connects.
func (g *ground) idOf(edge string) string { return edge + g.secret }

func (s *scene) lost(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = append(s.gone, who)
}

// listen gives hub and victim new ears for all that they may hear.
func (s *scene) listen() {
	s.t.Helper()
	s.hubEar, s.victimEar = newEar(), newEar()
	yes := s.hubEar.on(s.t, s.hub, wire.HubFilter) && s.victimEar.on(s.t, s.victim, wire.Topic("SZ1-E1", "down/#")) &&
		s.victimEar.on(s.t, s.victim, "site/SZ1/#")
	if !yes {
		s.t.Fatalf("%s refuses what is allowed", s.name)
	}
}

// steady shows that hub and victim hear one another, so that what was said before has come by now.
func (s *scene) steady() {
	s.t.Helper()
	s.barriers++
	text := fmt.Sprintf("barrier %d.", s.barriers)
	say(s.t, s.victim, wire.Topic("SZ1-E1", wire.UpSamples), text, false)
	s.hubEar.until(s.t, text)
	say(s.t, s.hub, wire.Topic("SZ1-E1", wire.DownCommand), text, false)
	s.victimEar.until(s.t, text)
}

// attempt counts one.
func (s *scene) attempt(name string, gotIn bool) {
	s.t.Helper()
	s.attempts++
	if gotIn {
		s.t.Errorf("%s: %s got in", s.name, name)
	}
}

// attacker connects as what it is.
func (s *scene) attacker() mqtt.Client {
	s.t.Helper()
	return s.connect(s.t, dial{id: s.idOf("SZ1-E2"), certificate: s.own, node: 1})
}
