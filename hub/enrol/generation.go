package enrol

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const sealedBlock = "TALLYDOCK SEALED KEY"

func rootLabel(n int) string    { return fmt.Sprintf("ca/root/%d", n) }
func issuingLabel(n int) string { return fmt.Sprintf("ca/issuing/%d", n) }

// generate makes a generation and writes its file. The caller holds the lock.
func (c *CA) generate(n int, now time.Time) (*generation, error) {
	rootKey, err := newKey()
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	which := fmt.Sprintf("%d %.6x", n, newSerial()) // so that no two hubs' roots have one name
	root, issuing := authority("Tallydock root "+which, 2, now), authority("Tallydock issuing "+which, 0, now)
	issuing.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	g := &generation{number: n, key: key}
	if g.root, err = sign(root, root, &rootKey.PublicKey, rootKey); err != nil {
		return nil, err
	}
	if g.issuing, err = sign(issuing, g.root, &key.PublicKey, rootKey); err != nil {
		return nil, err
	}
	if g.sealedRoot, err = seal(c.keys, rootLabel(n), rootKey); err != nil {
		return nil, err
	}
	for _, before := range c.generations {
		cross, err := c.crossSign(g, before, now)
		if err != nil {
			return nil, err
		}
		g.cross = append(g.cross, cross)
	}
	return g, c.write(g)
}

// crossSign signs g's root by the root of a generation before it.
func (c *CA) crossSign(g, by *generation, now time.Time) (*x509.Certificate, error) {
	key, err := unseal(c.keys, rootLabel(by.number), by.sealedRoot)
	if err != nil {
		return nil, fmt.Errorf("cannot open the root key of generation %d: %w", by.number, err)
	}
	t := authority("", 1, now)
	t.RawSubject, t.NotAfter = g.root.RawSubject, by.root.NotAfter
	return sign(t, by.root, g.root.PublicKey, key)
}

func authority(name string, pathLen int, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: name, Organization: []string{"Tallydock"}},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: pathLen, MaxPathLenZero: pathLen == 0,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func sign(template, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// newSerial is 127 random bits, so that it is positive, and never 0.
func newSerial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}

func (c *CA) write(g *generation) error {
	sealedIssuing, err := seal(c.keys, issuingLabel(g.number), g.key)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.Write(certificatePEM(g.root.Raw))
	b.Write(pem.EncodeToMemory(&pem.Block{Type: sealedBlock, Bytes: g.sealedRoot}))
	b.Write(certificatePEM(g.issuing.Raw))
	b.Write(pem.EncodeToMemory(&pem.Block{Type: sealedBlock, Bytes: sealedIssuing}))
	for _, x := range g.cross {
		b.Write(certificatePEM(x.Raw))
	}
	return writeFile(c.file(g.number), b.Bytes())
}

func (c *CA) read(file string) (*generation, error) {
	g := &generation{}
	if _, err := fmt.Sscanf(filepath.Base(file), "generation-%d.pem", &g.number); err != nil {
		return nil, errors.New("its name is not generation-NUMBER.pem")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	var sealed [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == sealedBlock {
			sealed = append(sealed, block.Bytes)
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, certificate)
	}
	if len(certificates) < 2 || len(sealed) != 2 {
		return nil, errors.New("it is not whole; put it back from a backup")
	}
	g.root, g.issuing, g.cross, g.sealedRoot = certificates[0], certificates[1], certificates[2:], sealed[0]
	if g.key, err = unseal(c.keys, issuingLabel(g.number), sealed[1]); err != nil {
		return nil, err
	}
	if !g.key.PublicKey.Equal(g.issuing.PublicKey) || g.issuing.CheckSignatureFrom(g.root) != nil {
		return nil, errors.New("its parts do not belong together; put it back from a backup")
	}
	return g, nil
}

// writeFile writes a file that only its owner may read, whole or not at all, durable when it returns.
func writeFile(file string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // made 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
