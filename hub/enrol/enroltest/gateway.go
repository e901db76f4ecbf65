package enroltest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/enrol"
)

// Gateway enrols an edge with a new key and gives what it connects with.
func Gateway(t testing.TB, s *enrol.Service, o enrol.Order) *tls.Certificate {
	t.Helper()
	text, _, err := s.CreateToken(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: o.Edge}}, key)
	if err != nil {
		t.Fatal(err)
	}
	i, _, err := s.Enrol(t.Context(), enrol.Enrolment{
		Secret: Secret(t, text), Edge: o.Edge, CSR: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Certificate{PrivateKey: key}
	for block, rest := pem.Decode(i.Chain); block != nil; block, rest = pem.Decode(rest) {
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
		t.Fatal(err)
	}
	return c
}

// Secret reads a token's secret as the layout says.
func Secret(t testing.TB, token string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "td1."))
	if err != nil {
		t.Fatal(err)
	}
	n := 1 + int(b[0])
	n += 1 + int(b[n]) + 32
	return b[n : n+20]
}
