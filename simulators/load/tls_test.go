package load_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority makes certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.issue("ca", x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue writes NAME.crt and NAME.key; the first is the authority's own.
func (a *authority) issue(name string, c x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.next++
	c.SerialNumber, c.Subject = big.NewInt(a.next), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if a.cert == nil {
		a.cert, a.key = &c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644); err != nil {
		a.t.Fatal(err)
	}
}

func TestEdgesSignInByCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("broker", x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	p := small()
	p.World.Edges, p.Duration, p.Certs = 4, time.Second, a.dir
	for i := range p.World.Edges {
		a.issue(p.World.Edge(i), x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	}
	plain := freeAddress(t)
	_, port, _ := net.SplitHostPort(plain)
	file := func(name string) string { return filepath.Join(a.dir, name) }
	// The hub's door is a listener without TLS.
	b := startBroker(t, "cafile "+file("ca.crt"), "certfile "+file("broker.crt"), "keyfile "+file("broker.key"),
		"require_certificate true", "use_identity_as_username true", "allow_anonymous true",
		"listener "+port+" 127.0.0.1", "allow_anonymous true")
	h := startHub(t, "tcp://"+plain)
	p.Brokers = []string{"ssl://" + b.addr}
	l, r, err := play(t, p, nil)
	if err != nil {
		t.Fatalf("%v\n%v", err, r)
	}
	agree(t, h, l, r)
}
