package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// parseKey reads an ECDSA key on P-256 in PEM, PKCS #8 or SEC 1.
func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("it is not a private key")
		}
		key, _ = parsed.(*ecdsa.PrivateKey)
	}
	if key == nil || key.Curve != elliptic.P256() {
		return nil, errors.New("it is another kind of key; make one by: openssl ecparam -name prime256v1 -genkey -noout")
	}
	return key, nil
}

// readKey reads a key's file, which only its owner may read. A file that is not there is fs.ErrNotExist.
func readKey(file string) (*ecdsa.PrivateKey, error) {
	text, err := readSecret(file)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", file, err)
	}
	return key, nil
}

// readSecret reads a file that only its owner may read.
func readSecret(file string) ([]byte, error) {
	st, err := os.Stat(file)
	if err == nil && st.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("%s can be read by others (mode %#o): chmod 600 it, and enrol anew if others may have done so", file, st.Mode().Perm())
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// enrolKey gives the key to enrol with: Config.KeyFile's, one for which an enrolment was begun, or a new one.
func (i *Identity) enrolKey() (*ecdsa.PrivateKey, error) {
	if i.cfg.KeyFile != "" {
		return readKey(i.cfg.KeyFile)
	}
	key, err := readKey(i.pending())
	if m := i.has.Load(); err == nil && (m == nil || !key.Equal(m.key)) {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot go on with the enrolment that was begun: %w; remove that file", err)
	}
	if key, err = newKey(); err != nil {
		return nil, err
	}
	text, err := keyPEM(key)
	if err == nil {
		err = writeFile(i.pending(), text)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot keep the new key: %w", err)
	}
	return key, nil
}

// request makes a certificate request in DER.
func request(edge string, key *ecdsa.PrivateKey) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: edge}}, key)
}

func requestPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// prove signs a renewal.
func prove(key *ecdsa.PrivateKey, nonce string, csr []byte) ([]byte, error) {
	asked := sha256.Sum256(csr)
	sum := sha256.Sum256(append([]byte("tallydock renew 1\n"+nonce+"\n"), asked[:]...))
	return ecdsa.SignASN1(rand.Reader, key, sum[:])
}
