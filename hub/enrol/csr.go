package enrol

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/tallydock/tallydock/hub/fault"
)

// maxPEM is the longest request or certificate in bytes.
const maxPEM = 8 << 10

// request is a certificate request that was checked.
type request struct {
	der []byte
	key *ecdsa.PublicKey
	spk [32]byte // SHA-256 of the SubjectPublicKeyInfo
}

// parseRequest reads a CSR in PEM for an edge. Of what it asks for, only the key counts, and the common name must be the
// edge's id.
func parseRequest(text []byte, edge string) (request, error) {
	der, err := onePEM(text, "CERTIFICATE REQUEST")
	if err != nil {
		return request{}, fmt.Errorf("%w: the certificate request: %w", fault.Invalid, err)
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return request{}, fmt.Errorf("%w: the certificate request cannot be read: %w", fault.Invalid, err)
	}
	key, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return request{}, fmt.Errorf("%w: the certificate request is for another kind of key; use ECDSA on P-256", fault.Invalid)
	}
	if err := r.CheckSignature(); err != nil {
		return request{}, fmt.Errorf("%w: the certificate request is not signed by its own key: %w", fault.Invalid, err)
	}
	if r.Subject.CommonName != edge {
		return request{}, fmt.Errorf("%w: the certificate request is for %.80q, and not for %q", fault.Invalid, r.Subject.CommonName, edge)
	}
	return request{der, key, sha256.Sum256(r.RawSubjectPublicKeyInfo)}, nil
}

// parseLeaf reads one certificate in PEM.
func parseLeaf(text []byte) (*x509.Certificate, error) {
	der, err := onePEM(text, "CERTIFICATE")
	if err != nil {
		return nil, fmt.Errorf("%w: the certificate: %w", fault.Invalid, err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: the certificate cannot be read: %w", fault.Invalid, err)
	}
	return c, nil
}

// onePEM gives the first block of a text, which must be of a kind.
func onePEM(text []byte, kind string) ([]byte, error) {
	if len(text) > maxPEM {
		return nil, fmt.Errorf("it has %d bytes; at most %d are possible", len(text), maxPEM)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("it is not PEM of the type %s", kind)
	}
	return block.Bytes, nil
}
