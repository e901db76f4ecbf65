package app_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/store"
)

// free finds an address of a host that nobody listens at.
func free(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// enrolling is a configuration whose hub enrols edges, and listens at host.
func enrolling(t *testing.T, host string) config.Config {
	t.Helper()
	c := configuration(t)
	c.MQTT.Listen, c.Enrol.Listen = free(t, host), free(t, host)
	c.Enrol.URL = "https://" + c.Enrol.Listen + "/edge"
	return c
}

// office is the hub's enrolment as a command opens it, which works beside the running hub, and with a clock of its own.
type office struct {
	*enrol.Service
	t     *testing.T
	cfg   config.Config
	ca    *enrol.CA
	ahead time.Duration
}

func newOffice(t *testing.T, cfg config.Config) *office {
	t.Helper()
	o := &office{t: t, cfg: cfg}
	db, err := app.OpenDatabase(t.Context(), cfg, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if o.ca, err = app.OpenCA(cfg); err != nil {
		t.Fatal(err)
	}
	o.Service, err = enrol.New(t.Context(), enrol.Config{
		Store: store.Enrol{DB: db}, CA: o.ca, Hub: cfg.Enrol.URL, Brokers: cfg.BrokerURLs(), Now: func() time.Time { return time.Now().Add(o.ahead) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// enrolled gives the certificate that an edge got some time from now.
func (o *office) enrolled(edge string, ahead time.Duration) *tls.Certificate {
	o.t.Helper()
	o.ahead = ahead
	defer func() { o.ahead = 0 }()
	return enroltest.Gateway(o.t, o.Service, enrol.Order{Edge: edge, Site: "SZ1", Replace: true})
}

func (o *office) token(ahead time.Duration, edge string) []byte {
	o.t.Helper()
	o.ahead = ahead
	defer func() { o.ahead = 0 }()
	text, _, err := o.CreateToken(o.t.Context(), enrol.Order{Edge: edge, Site: "SZ1", Replace: true})
	if err != nil {
		o.t.Fatal(err)
	}
	return enroltest.Secret(o.t, text)
}

func (o *office) revoke(edge string) {
	o.t.Helper()
	if _, err := o.Revoke(o.t.Context(), enrol.Target{Edge: edge}, "stolen", "admin"); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) tls(c *tls.Certificate) *tls.Config {
	conf := o.ca.ClientTLS("127.0.0.1")
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if c == nil {
			return &tls.Certificate{}, nil
		}
		return c, nil
	}
	return conf
}

// caller is how somebody comes to the broker.
type caller struct {
	plain              bool // without TLS
	certificate        *tls.Certificate
	id, user, password string
	lost               chan struct{}
}

func (o *office) call(c caller) (mqtt.Client, error) {
	scheme := "ssl://"
	if c.plain {
		scheme = "tcp://"
	}
	opt := mqtt.NewClientOptions().AddBroker(scheme + o.cfg.MQTT.Listen).SetClientID(c.id).SetUsername(c.user).SetPassword(c.password).
		SetAutoReconnect(false).SetConnectTimeout(10 * time.Second).SetTLSConfig(o.tls(c.certificate)).SetProtocolVersion(4)
	if c.lost != nil {
		opt.SetConnectionLostHandler(func(mqtt.Client, error) { close(c.lost) })
	}
	client := mqtt.NewClient(opt)
	token := client.Connect()
	if !token.WaitTimeout(20 * time.Second) {
		return nil, errors.New("no answer")
	}
	return client, token.Error()
}

func (o *office) mustCall(c caller) mqtt.Client {
	o.t.Helper()
	client, err := o.call(c)
	if err != nil {
		o.t.Fatalf("%s cannot connect: %v", c.id, err)
	}
	o.t.Cleanup(func() { client.Disconnect(0) })
	return client
}

// TestNobodyGetsInWhereHeMayNot makes attempts on a hub as it is wired: at its broker, and where edges enrol.
func TestNobodyGetsInWhereHeMayNot(t *testing.T) {
	cfg := enrolling(t, "127.0.0.1")
	run(t, cfg)
	s := &siege{office: newOffice(t, cfg)}
	s.connections()
	s.topics()
	s.tokens()
	s.renewals()
	s.revokedWhileConnected()
	if !t.Failed() {
		t.Logf("%d attempts, 0 got in", s.attempts)
	}
}

// siege counts attempts.
type siege struct {
	*office
	attempts int
}

func (s *siege) attempt(what string, gotIn bool) {
	s.t.Helper()
	s.attempts++
	if gotIn {
		s.t.Errorf("%s got in", what)
	}
}

func (s *siege) connections() {
	own := s.enrolled("SZ1-E2", 0)
	expired, early, revoked := s.enrolled("SZ1-E3", -91*24*time.Hour), s.enrolled("SZ1-E4", time.Hour), s.enrolled("SZ1-E5", 0)
	s.revoke("SZ1-E5")
	replaced := s.enrolled("SZ1-E6", 0)
	s.enrolled("SZ1-E6", 0)
	stolen := *own
	stolen.PrivateKey = newKey(s.t)
	server, err := s.ca.IssueServer([]string{"127.0.0.1"}, true, nil, time.Now(), time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	played, err := tls.X509KeyPair(server.Chain, server.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	foreign := newOffice(s.t, enrolling(s.t, "127.0.0.1")).enrolled("SZ1-E2", 0)
	s.settle("SZ1-E2", own)
	for what, c := range map[string]caller{
		"nobody":                                 {id: "SZ1-E2"},
		"an edge without a certificate":          {id: "SZ1-E2", user: "SZ1-E2"},
		"a guess of an edge's password":          {id: "SZ1-E1", user: "SZ1-E1", password: "SZ1-E1"},
		"a guess of the hub's password":          {id: "hub-x", user: "hub", password: "hub"},
		"a guess without TLS":                    {plain: true, id: "SZ1-E1", user: "SZ1-E1", password: "SZ1-E1"},
		"an enrolled edge without TLS":           {plain: true, id: "SZ1-E2", user: "SZ1-E2"},
		"an expired certificate":                 {id: "SZ1-E3", certificate: expired},
		"a certificate that is not valid yet":    {id: "SZ1-E4", certificate: early},
		"a revoked certificate":                  {id: "SZ1-E5", certificate: revoked},
		"the certificate of a replaced gateway":  {id: "SZ1-E6", certificate: replaced},
		"a certificate of another hub":           {id: "SZ1-E2", certificate: foreign},
		"a certificate that it signed itself":    {id: "SZ1-E2", certificate: signedBy(s.t, nil)},
		"one that an edge's certificate signed":  {id: "SZ1-E2", certificate: signedBy(s.t, own)},
		"an edge's certificate without its key":  {id: "SZ1-E2", certificate: &stolen},
		"a server's certificate":                 {id: "SZ1-E2", certificate: &played},
		"its own by another edge's client id":    {id: "SZ1-E1", certificate: own},
		"its own by the hub's client id":         {id: "hub-1", certificate: own},
		"its own under another edge's name":      {id: "SZ1-E2", user: "SZ1-E1", certificate: own},
		"its own under the hub's name":           {id: "SZ1-E2", user: "hub", password: "x", certificate: own},
		"its own under the name of all devices":  {id: "SZ1-E2", user: "devices-SZ1", certificate: own},
		"a hub's certificate of a broker abroad": {id: "hub", certificate: s.hubs()},
	} {
		client, err := s.call(c)
		s.attempt(what, err == nil)
		if err == nil {
			client.Disconnect(0)
		}
	}
	s.mustCall(caller{id: "SZ1-E2", certificate: own}).Disconnect(0) // it is not all that is refused
}

// settle waits until the running hub has heard of what the office did: it looks once a second.
func (s *siege) settle(edge string, c *tls.Certificate) {
	s.t.Helper()
	// SZ1-E2 enrols by the door, so that the broker knows it at once; the others are not let in whoever knows them.
	if _, err := s.ask("/enrol", s.enrolment(s.token(0, edge), edge, csr(s.t, edge, c.PrivateKey.(*ecdsa.PrivateKey)))); err != nil {
		s.t.Fatal(err)
	}
	<-time.After(2 * time.Second)
}

func (s *siege) hubs() *tls.Certificate {
	p, err := s.ca.IssueHub("hub", nil, time.Now(), time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := tls.X509KeyPair(p.Chain, p.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	return &c
}

// ear hears what a client subscribes to.
type ear struct {
	mu    sync.Mutex
	heard []string
}

func (e *ear) on(t *testing.T, c mqtt.Client, filter string) (allowed bool) {
	t.Helper()
	token := c.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, m.Topic()+" "+string(m.Payload()))
	})
	if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatalf("no answer to a subscription to %s: %v", filter, token.Error())
	}
	return token.(*mqtt.SubscribeToken).Result()[filter] < 0x80
}

func (e *ear) has(text string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.heard {
		if strings.Contains(h, text) {
			return true
		}
	}
	return false
}

func (e *ear) until(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !e.has(text); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never heard %q", text)
		}
	}
}

// topics are another edge's, and what is not an edge's at all. What the attacker says honestly after each shows that the
// broker has dealt with it.
func (s *siege) topics() {
	logins, err := config.EnsureCredentials(s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	hub := s.mustCall(caller{plain: true, id: "hub-ear", user: logins.Hub.User, password: string(logins.Hub.Password)})
	victim := s.mustCall(caller{plain: true, id: "SZ1-E1", user: "SZ1-E1", password: string(logins.Edges["SZ1-E1"].Password)})
	attacker := s.mustCall(caller{id: "SZ1-E7", certificate: s.door("SZ1-E7")})
	var atHub, atVictim, own ear
	if !atHub.on(s.t, hub, wire.HubFilter) || !atVictim.on(s.t, victim, wire.Topic("SZ1-E1", "down/#")) || !atVictim.on(s.t, victim, "site/SZ1/#") {
		s.t.Fatal("what is allowed is refused")
	}
	other := (wire.Partition("SZ1-E7") + 1) % wire.Partitions
	for i, topic := range []string{
		wire.Topic("SZ1-E1", wire.UpMovements), wire.Topic("SZ1-E1", wire.UpAlarms), wire.Topic("SZ1-E1", wire.UpSamples),
		wire.Topic("SZ1-E1", wire.UpStatus), wire.Topic("SZ1-E1", wire.DownAck), wire.Topic("SZ1-E1", wire.DownCommand),
		wire.Topic("SZ1-E1", wire.DownConfig), wire.Topic("SZ1-E1", wire.DownCatalog), wire.Topic("SZ1-E7", wire.DownAck),
		fmt.Sprintf("td/v1/%d/SZ1-E7/up/movements", other), "td/v1/0/SZ1-E1/up/movements", "site/SZ1/probe/tele/SENSOR", "$SYS/broker/x",
	} {
		for _, retained := range []bool{false, true} {
			text, honest := fmt.Sprintf("forged %d %v.", i, retained), fmt.Sprintf("honest %d %v.", i, retained)
			attacker.Publish(topic, 1, retained, text).WaitTimeout(20 * time.Second)
			attacker.Publish(wire.Topic("SZ1-E7", wire.UpSamples), 1, false, honest).WaitTimeout(20 * time.Second)
			atHub.until(s.t, honest)
			s.attempt("to publish on "+topic, atHub.has(text) || atVictim.has(text))
		}
	}
	for _, filter := range []string{
		wire.Topic("SZ1-E1", wire.DownCommand), wire.Topic("SZ1-E1", "down/#"), wire.Topic("SZ1-E1", wire.UpSamples), wire.HubFilter,
		"td/v1/+/+/down/#", "td/#", "#", "+/+/+/+/down/command", "$SYS/#", "$MQTT/#",
	} {
		own.on(s.t, attacker, filter)
		hub.Publish(wire.Topic("SZ1-E1", wire.DownCommand), 1, false, "for SZ1-E1").WaitTimeout(20 * time.Second)
		hub.Publish(wire.Topic("SZ1-E7", wire.DownAck), 1, false, "for you").WaitTimeout(20 * time.Second)
		var mine ear
		if !mine.on(s.t, attacker, wire.Topic("SZ1-E7", wire.DownAck)) {
			s.t.Fatal("its own ack is refused")
		}
		s.attempt("to hear "+filter, own.has("SZ1-E1"))
	}
}

// door enrols an edge by the hub's own listener and gives its certificate.
func (s *siege) door(edge string) *tls.Certificate {
	s.t.Helper()
	key := newKey(s.t)
	got, err := s.ask("/enrol", s.enrolment(s.token(0, edge), edge, csr(s.t, edge, key)))
	if err != nil {
		s.t.Fatal(err)
	}
	c := &tls.Certificate{PrivateKey: key}
	for block, rest := pem.Decode([]byte(got["certificate"].(string))); block != nil; block, rest = pem.Decode(rest) {
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *siege) enrolment(secret []byte, edge, request string) map[string]any {
	return map[string]any{"secret": base64.RawURLEncoding.EncodeToString(secret), "edge": edge, "csr": request}
}

// ask posts to where edges ask; the error is the hub's refusal.
func (s *siege) ask(path string, body map[string]any) (answer map[string]any, err error) {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: s.tls(nil), DisableKeepAlives: true}, Timeout: 20 * time.Second}
	for {
		r, err := client.Post(s.cfg.Enrol.URL+path, "application/json", bytes.NewReader(text))
		if err != nil {
			s.t.Fatal(err)
		}
		err = json.NewDecoder(r.Body).Decode(&answer)
		r.Body.Close()
		switch {
		case r.StatusCode == http.StatusTooManyRequests: // it is for the address, which all here share
			<-time.After(time.Second)
			continue
		case err != nil:
			s.t.Fatal(err)
		case r.StatusCode != http.StatusOK:
			return nil, fmt.Errorf("%d %v", r.StatusCode, answer["message"])
		}
		return answer, nil
	}
}

// tokens are such that are not good for who shows them.
func (s *siege) tokens() {
	used := s.token(0, "SZ1-E8")
	key := newKey(s.t)
	body := s.enrolment(used, "SZ1-E8", csr(s.t, "SZ1-E8", key))
	if _, err := s.ask("/enrol", body); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.ask("/enrol", body); err != nil {
		s.t.Errorf("who asks again with the same key, because the answer was lost: %v", err)
	}
	withdrawn := s.token(0, "SZ1-E9")
	hash := sha256.Sum256(withdrawn)
	if _, err := s.Withdraw(s.t.Context(), enrol.Token{Hash: hash}.ID(), "admin"); err != nil {
		s.t.Fatal(err)
	}
	guess := make([]byte, 20)
	_, _ = rand.Read(guess)
	foreign := newOffice(s.t, enrolling(s.t, "127.0.0.1")).token(0, "SZ1-E9")
	open := s.token(0, "SZ1-E9")
	fresh := csr(s.t, "SZ1-E8", newKey(s.t))
	of9 := csr(s.t, "SZ1-E9", newKey(s.t))
	for what, body := range map[string]map[string]any{
		"a replayed token":                    s.enrolment(used, "SZ1-E8", fresh),
		"a replayed token for another edge":   s.enrolment(used, "SZ1-E9", of9),
		"an expired token":                    s.enrolment(s.token(-25*time.Hour, "SZ1-E9"), "SZ1-E9", of9),
		"a withdrawn token":                   s.enrolment(withdrawn, "SZ1-E9", of9),
		"a token that was guessed":            s.enrolment(guess, "SZ1-E9", of9),
		"an empty token":                      s.enrolment(nil, "SZ1-E9", of9),
		"a token of another hub":              s.enrolment(foreign, "SZ1-E9", of9),
		"another edge's token":                s.enrolment(open, "SZ1-E8", fresh),
		"a request in another edge's name":    s.enrolment(open, "SZ1-E9", fresh),
		"a request for the hub's name":        s.enrolment(open, "hub", csr(s.t, "hub", newKey(s.t))),
		"a token with the path of a renewal":  {"certificate": "", "csr": of9, "nonce": "", "signature": guess},
		"a token with a key that was revoked": s.enrolment(s.token(0, "SZ1-E10"), "SZ1-E10", s.revokedRequest("SZ1-E10")),
	} {
		path := "/enrol"
		if body["nonce"] != nil {
			path = "/renew"
		}
		_, err := s.ask(path, body)
		s.attempt(what, err == nil)
	}
}

// revokedRequest is for a key that an edge had.
func (s *siege) revokedRequest(edge string) string {
	c := s.enrolled(edge, 0)
	s.revoke(edge)
	return csr(s.t, edge, c.PrivateKey.(*ecdsa.PrivateKey))
}

// renewals are by those who do not have the key of a certificate that may be renewed.
func (s *siege) renewals() {
	good, thief := s.enrolled("SZ1-E11", 0), newKey(s.t)
	revoked := s.enrolled("SZ1-E12", 0)
	s.revoke("SZ1-E12")
	old := s.enrolled("SZ1-E13", -121*24*time.Hour)
	foreign := newOffice(s.t, enrolling(s.t, "127.0.0.1")).enrolled("SZ1-E11", 0)
	mine := func(c *tls.Certificate) *ecdsa.PrivateKey { return c.PrivateKey.(*ecdsa.PrivateKey) }
	once := s.renewal(good, "SZ1-E11", mine(good), mine(good), s.nonce())
	if _, err := s.ask("/renew", once); err != nil {
		s.t.Fatal(err)
	}
	for what, body := range map[string]map[string]any{
		"a renewal a second time":                    once,
		"a renewal for another key":                  s.renewal(good, "SZ1-E11", thief, thief, s.nonce()),
		"a renewal that another key signed":          s.renewal(good, "SZ1-E11", mine(good), thief, s.nonce()),
		"a renewal with a nonce of one's own":        s.renewal(good, "SZ1-E11", mine(good), mine(good), base64.RawURLEncoding.EncodeToString(make([]byte, 56))),
		"a renewal under another edge's name":        s.renewal(good, "SZ1-E1", mine(good), mine(good), s.nonce()),
		"a renewal of a revoked certificate":         s.renewal(revoked, "SZ1-E12", mine(revoked), mine(revoked), s.nonce()),
		"a renewal beyond the grace":                 s.renewal(old, "SZ1-E13", mine(old), mine(old), s.nonce()),
		"a renewal of another hub's certificate":     s.renewal(foreign, "SZ1-E11", mine(foreign), mine(foreign), s.nonce()),
		"a renewal of one that was signed by nobody": s.renewal(signedBy(s.t, nil), "SZ1-E2", thief, thief, s.nonce()),
	} {
		_, err := s.ask("/renew", body)
		s.attempt(what, err == nil)
	}
}

func (s *siege) nonce() string {
	s.t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: s.tls(nil), DisableKeepAlives: true}, Timeout: 20 * time.Second}
	for {
		r, err := client.Get(s.cfg.Enrol.URL + "/nonce")
		if err != nil {
			s.t.Fatal(err)
		}
		var b struct{ Nonce string }
		err = json.NewDecoder(r.Body).Decode(&b)
		r.Body.Close()
		if r.StatusCode == http.StatusOK && err == nil {
			return b.Nonce
		}
		<-time.After(time.Second)
	}
}

func (s *siege) renewal(c *tls.Certificate, edge string, key, signer *ecdsa.PrivateKey, nonce string) map[string]any {
	s.t.Helper()
	request := csr(s.t, edge, key)
	block, _ := pem.Decode([]byte(request))
	sum := sha256.Sum256(enrol.RenewalProof(nonce, block.Bytes))
	signature, err := ecdsa.SignASN1(rand.Reader, signer, sum[:])
	if err != nil {
		s.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	return map[string]any{"certificate": string(text), "csr": request, "nonce": nonce, "signature": signature}
}

// revokedWhileConnected is to stay when another program, such as the command, revokes the certificate.
func (s *siege) revokedWhileConnected() {
	own := s.door("SZ1-E14")
	lost := make(chan struct{})
	s.mustCall(caller{id: "SZ1-E14", certificate: own, lost: lost})
	s.revoke("SZ1-E14")
	select {
	case <-lost:
		s.attempt("to stay after revocation", false)
	case <-time.After(10 * time.Second):
		s.attempt("to stay after revocation", true)
	}
	_, err := s.call(caller{id: "SZ1-E14", certificate: own})
	s.attempt("to come again after revocation", err == nil)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func csr(t *testing.T, edge string, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: edge}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// signedBy makes an edge's certificate without the CA: signed by another edge's, or by itself.
func signedBy(t *testing.T, by *tls.Certificate) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SZ1-E2"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, URIs: []*url.URL{{Scheme: "urn", Opaque: "tallydock:edge:SZ1-E2"}},
	}
	parent, signer, chain := template, any(key), [][]byte(nil)
	if by != nil {
		parent, signer, chain = by.Leaf, by.PrivateKey, by.Certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: append([][]byte{der}, chain...), PrivateKey: key}
}

// A hub that enrols edges goes on with those that have passwords, from this machine.
func TestPasswordsGoOnBesideCertificates(t *testing.T) {
	cfg := enrolling(t, "127.0.0.1")
	hub, _, _ := run(t, cfg)
	logins, err := config.EnsureCredentials(cfg)
	if err != nil {
		t.Fatal(err)
	}
	edge := logins.Edges["SZ1-E1"]
	if err := connect(hub, "edge-SZ1-E1", edge.User, string(edge.Password)); err != nil {
		t.Error(err)
	}
	if ack := publishMovement(t, hub, cfg); ack.Upto != 1 {
		t.Errorf("ack %+v", ack)
	}
	s := &siege{office: newOffice(t, cfg)}
	s.mustCall(caller{id: "SZ1-E1-certificate", certificate: s.door("SZ1-E1")})
	if err := connect(hub, "edge-SZ1-E1", edge.User, string(edge.Password)); err != nil {
		t.Errorf("with a certificate the password ended, which nobody has said: %v", err)
	}
}

// Where the hub listens at an address of the network, it finds its own broker there by TLS, and passwords are taken without TLS
// from networks only that are named.
func TestPasswordsFromTheNetworkNeedTLS(t *testing.T) {
	host := ownAddress(t)
	for name, c := range map[string]struct {
		plain []string
		in    bool
	}{"not named": {nil, false}, "named": {[]string{host + "/32"}, true}} {
		t.Run(name, func(t *testing.T) {
			cfg := enrolling(t, host)
			cfg.MQTT.Plain = c.plain
			hub, _, _ := run(t, cfg)
			logins, err := config.EnsureCredentials(cfg)
			if err != nil {
				t.Fatal(err)
			}
			device := logins.Devices["SZ1"]
			if err := connect(hub, "node-1", device.User, string(device.Password)); (err == nil) != c.in {
				t.Errorf("a device by its password without TLS: %v", err)
			}
			if !c.in {
				return // publishMovement signs in by a password
			}
			if ack := publishMovement(t, hub, cfg); ack.Upto != 1 { // so the hub hears at its own broker
				t.Errorf("ack %+v", ack)
			}
			if _, err := app.SendConfiguration(t.Context(), cfg, "SZ1-E1", "rules: []", 0); err != nil {
				t.Error(err)
			}
		})
	}
}

// ownAddress is an address of this machine that is not loopback's.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has loopback addresses only")
	return ""
}

// An edge that is enrolled and in no configuration is known after a restart, and can be told what to work by.
func TestEnrolledEdgeIsKnownAfterARestart(t *testing.T) {
	cfg := enrolling(t, "127.0.0.1")
	cfg.Edges = nil
	_, _, stop := run(t, cfg)
	s := &siege{office: newOffice(t, cfg)}
	own := s.door("SZ9-E1")
	s.mustCall(caller{id: "SZ9-E1", certificate: own}).Disconnect(0)
	if _, err := app.SendConfiguration(t.Context(), cfg, "SZ9-E1", "rules: []", 0); err != nil {
		t.Error(err)
	}
	if _, err := app.SendConfiguration(t.Context(), cfg, "SZ9-E2", "rules: []", 0); err == nil || !strings.Contains(err.Error(), "was never enrolled") {
		t.Errorf("an edge that nobody knows: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	run(t, cfg)
	client := s.mustCall(caller{id: "SZ9-E1", certificate: own})
	var heard ear
	if !heard.on(t, client, wire.Topic("SZ9-E1", wire.DownConfig)) {
		t.Error("its own configuration is refused")
	}
	heard.until(t, "SZ9-E1/down/config")
}

func TestWithoutEnrolmentCommandsSaySo(t *testing.T) {
	cfg := configuration(t)
	if _, err := app.OpenCA(cfg); err == nil || !strings.Contains(err.Error(), "set enrol.url") {
		t.Errorf("got %v", err)
	}
}
