package enrol_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/secret"
)

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// clock is a clock that is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// hub is a Service with what it stands on.
type hub struct {
	*enrol.Service
	t       testing.TB
	clock   *clock
	ca      *enrol.CA
	store   *enroltest.Memory
	changed int // how often Changed was called
}

func newKeys(t testing.TB) *secret.Keyring {
	t.Helper()
	keys, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func newHub(t testing.TB) *hub {
	t.Helper()
	h := &hub{t: t, clock: &clock{now: start}, store: enroltest.NewMemory()}
	var err error
	if h.ca, err = enrol.OpenCA(t.TempDir(), newKeys(t), start); err != nil {
		t.Fatal(err)
	}
	h.Service, err = enrol.New(t.Context(), enrol.Config{
		Store: h.store, CA: h.ca, Hub: "https://hub.example:8443/edge", Brokers: []string{"ssl://hub.example:8883"},
		Now: h.clock.Now, Changed: func() { h.changed++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// order makes a token and gives its secret.
func (h *hub) order(o enrol.Order) []byte {
	h.t.Helper()
	text, _, err := h.CreateToken(h.t.Context(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	return enroltest.Secret(h.t, text)
}

// gateway is an edge's side: a key and what was issued for it.
type gateway struct {
	id  string
	key *ecdsa.PrivateKey
	enrol.Issued
}

func newGateway(t testing.TB, id string) *gateway {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &gateway{id: id, key: key}
}

func (g *gateway) csr(t testing.TB) []byte {
	t.Helper()
	return csrPEM(t, &x509.CertificateRequest{Subject: pkix.Name{CommonName: g.id}}, g.key)
}

func csrPEM(t testing.TB, template *x509.CertificateRequest, key any) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func (h *hub) enrol(g *gateway, secret []byte) ([]enrol.Fact, error) {
	h.t.Helper()
	i, facts, err := h.Enrol(h.t.Context(), enrol.Enrolment{Secret: secret, Edge: g.id, CSR: g.csr(h.t), From: "192.0.2.7:4000"})
	if err == nil {
		g.Issued = i
	}
	return facts, err
}

// enrolled gives a gateway that is enrolled.
func (h *hub) enrolled(id string) *gateway {
	h.t.Helper()
	g := newGateway(h.t, id)
	if _, err := h.enrol(g, h.order(enrol.Order{Edge: id, Site: "SZ1"})); err != nil {
		h.t.Fatal(err)
	}
	return g
}

// renewal is what the gateway asks with.
func (g *gateway) renewal(t testing.TB, nonce string) enrol.Renewal {
	t.Helper()
	r := enrol.Renewal{Certificate: g.Chain, CSR: g.csr(t), Nonce: nonce}
	r.Signature = g.prove(t, r)
	return r
}

func (g *gateway) prove(t testing.TB, r enrol.Renewal) []byte {
	t.Helper()
	block, _ := pem.Decode(r.CSR)
	sum := sha256.Sum256(enrol.RenewalProof(r.Nonce, block.Bytes))
	signature, err := ecdsa.SignASN1(rand.Reader, g.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func (h *hub) renew(g *gateway) ([]enrol.Fact, error) {
	h.t.Helper()
	i, facts, err := h.Renew(h.t.Context(), g.renewal(h.t, h.freshNonce()))
	if err == nil {
		g.Issued = i
	}
	return facts, err
}

// gone tells whether a gateway is revoked.
func (h *hub) gone(g *gateway) bool { return h.Revoked(leafOf(h.t, g.Chain)) }

func leafOf(t testing.TB, chain []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(chain)
	if block == nil {
		t.Fatalf("no PEM in %q", chain)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refused checks an error's kind and that it says something.
func refused(t *testing.T, err, kind error, says string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v; want %v that says %q", err, kind, says)
	}
}

func derOf(text []byte) []byte {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	return block.Bytes
}
