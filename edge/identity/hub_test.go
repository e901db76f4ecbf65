package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"hash/crc32"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

const day = 24 * time.Hour

// ca is one root that issues by itself.
type ca struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(t testing.TB, now time.Time) *ca {
	t.Helper()
	c := &ca{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "test root " + now.String()}, NotBefore: now.Add(-day),
		NotAfter: now.Add(4000 * day), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	c.cert = c.sign(template, template, &c.key.PublicKey)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (c *ca) sign(template, parent *x509.Certificate, key any) *x509.Certificate {
	c.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

// issue gives a certificate for a client (no name in names) or a server.
func (c *ca) issue(name string, key *ecdsa.PublicKey, from, to time.Time, names ...string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to, DNSNames: names,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if len(names) == 0 {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		t.URIs = []*url.URL{{Scheme: "urn", Opaque: "tallydock:edge:" + name}}
	}
	return c.sign(t, c.cert, key)
}

func (c *ca) pem() string { return certPEM(c.cert) }

func certPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// hub answers as the documented shapes say, through pipes.
type hub struct {
	t    testing.TB
	name string // by which it is dialled
	ca   *ca
	life time.Duration
	ch   chan net.Conn

	mu     sync.Mutex
	server tls.Certificate
	roots  string            // of its answers
	date   func() time.Time  // of its clock
	away   bool              // nobody answers
	ahead  time.Duration     // of the gateway's clock
	no     map[string]string // path -> message of a refusal
	spoil  func(path string, answer map[string]any) any
	asked  []string // paths
	shown  []bool   // whether a certificate was shown with each
	nonce  string
	given  []*x509.Certificate
}

func newHub(t testing.TB) *hub {
	t.Helper()
	h := &hub{
		t: t, name: "hub.example", ca: newCA(t, time.Now()), life: 90 * day, ch: make(chan net.Conn), date: time.Now,
		no: map[string]string{},
	}
	h.roots = h.ca.pem()
	h.serveAs(h.ca, time.Now().Add(-time.Hour), time.Now().Add(400*day))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /edge/enrol", h.enrol)
	mux.HandleFunc("GET /edge/nonce", h.getNonce)
	mux.HandleFunc("POST /edge/renew", h.renew)
	mux.HandleFunc("GET /edge/trust", func(w http.ResponseWriter, r *http.Request) {
		h.reply(w, r, map[string]any{"trust": h.roots})
	})
	srv := &http.Server{
		Handler: h.guard(mux), ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{ClientAuth: tls.RequestClientCert, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			c := h.server
			return &c, nil
		}},
	}
	go srv.ServeTLS(h, "", "")
	t.Cleanup(func() { srv.Close() })
	return h
}

// serveAs gives the hub a server's certificate.
func (h *hub) serveAs(c *ca, from, to time.Time) {
	h.t.Helper()
	key := newKey(h.t)
	leaf := c.issue("server", &key.PublicKey, from, to, h.name)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = tls.Certificate{Certificate: [][]byte{leaf.Raw, c.cert.Raw}, PrivateKey: key}
}

// Accept, Close, Addr and dial make it a listener of pipes.
func (h *hub) Accept() (net.Conn, error) {
	c, ok := <-h.ch
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (h *hub) Close() error   { h.mu.Lock(); defer h.mu.Unlock(); h.away = true; close(h.ch); return nil }
func (h *hub) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (h *hub) dial(context.Context, string, string) (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away {
		h.asked = append(h.asked, "away")
		return nil, io.ErrUnexpectedEOF
	}
	mine, its := net.Pipe()
	h.ch <- its
	return mine, nil
}

func (h *hub) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hub) paths() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.asked...)
}

// guard notes who asks what, refuses, and says what time it is.
func (h *hub) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.asked, h.shown = append(h.asked, r.URL.Path), append(h.shown, len(r.TLS.PeerCertificates) > 0)
		message, refused := h.no[r.URL.Path]
		w.Header().Set("Date", h.date().UTC().Format(http.TimeFormat))
		h.mu.Unlock()
		if refused {
			w.WriteHeader(http.StatusForbidden)
			json.NewEncoder(w).Encode(map[string]string{"error": "not permitted", "message": message})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *hub) reply(w http.ResponseWriter, r *http.Request, answer map[string]any) {
	h.mu.Lock()
	spoil := h.spoil
	h.mu.Unlock()
	if spoil == nil {
		json.NewEncoder(w).Encode(answer)
		return
	}
	switch v := spoil(r.URL.Path, answer).(type) {
	case nil: // the line breaks
		panic(http.ErrAbortHandler)
	case []byte:
		w.Write(v)
	default:
		json.NewEncoder(w).Encode(v)
	}
}

func (h *hub) enrol(w http.ResponseWriter, r *http.Request) {
	var b struct{ Secret, Edge, CSR string }
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		h.t.Errorf("body of an enrolment: %v", err)
	}
	secret, err := base64.RawURLEncoding.DecodeString(b.Secret)
	if err != nil || string(secret) != secretText {
		h.t.Errorf("secret %q, %v", secret, err)
	}
	h.reply(w, r, h.issue(b.Edge, h.request(b.Edge, b.CSR)))
}

func (h *hub) request(edge, text string) *x509.CertificateRequest {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		h.t.Errorf("no request in %q", text)
		return &x509.CertificateRequest{}
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil || csr.Subject.CommonName != edge {
		h.t.Errorf("request of %v, %v", csr.Subject, err)
	}
	return csr
}

func (h *hub) issue(edge string, csr *x509.CertificateRequest) map[string]any {
	now := h.date()
	c := h.ca.issue(edge, csr.PublicKey.(*ecdsa.PublicKey), now.Add(-min(10*time.Minute, h.life/10)), now.Add(h.life))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.given = append(h.given, c)
	return map[string]any{"certificate": certPEM(c), "trust": h.roots, "brokers": []string{"ssl://hub.example:8883"}}
}

func (h *hub) getNonce(w http.ResponseWriter, r *http.Request) {
	h.set(func() { h.nonce = rand.Text() })
	h.reply(w, r, map[string]any{"nonce": h.nonce, "expires": h.date().Add(5 * time.Minute)})
}

func (h *hub) renew(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Certificate, CSR, Nonce string
		Signature               []byte
	}
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		h.t.Errorf("body of a renewal: %v", err)
	}
	block, _ := pem.Decode([]byte(b.Certificate))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		h.t.Error(err)
		return
	}
	csr := h.request(c.Subject.CommonName, b.CSR)
	asked := sha256.Sum256(csr.Raw)
	sum := sha256.Sum256(append([]byte("tallydock renew 1\n"+b.Nonce+"\n"), asked[:]...))
	if b.Nonce != h.nonce || !ecdsa.VerifyASN1(c.PublicKey.(*ecdsa.PublicKey), sum[:], b.Signature) {
		h.t.Error("the renewal is not signed, or not for this nonce")
	}
	if !c.PublicKey.(*ecdsa.PublicKey).Equal(csr.PublicKey) {
		h.t.Error("the renewal is for another key")
	}
	h.reply(w, r, h.issue(c.Subject.CommonName, csr))
}

const secretText = "defghijklmnopqrstuvw"

// token is for an edge at this hub.
func (h *hub) token(edge string) string {
	return tokenOf("https://"+h.name+"/edge", edge, sha256.Sum256(h.ca.cert.Raw))
}

func tokenOf(address, edge string, root [32]byte) string {
	b := append([]byte{byte(len(address))}, address...)
	b = append(append(b, byte(len(edge))), edge...)
	b = append(append(b, root[:]...), secretText...)
	return sealed(b)
}

func sealed(b []byte) string {
	return "td1." + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}
