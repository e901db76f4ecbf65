package identity

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// papers are what is kept.
type papers struct {
	Edge        string   `json:"edge"`
	Hub         string   `json:"hub"`           // https address
	Key         string   `json:"key,omitempty"` // PEM; "" = in Config.KeyFile
	Certificate string   `json:"certificate"`   // PEM; this gateway's, then its CA's
	Trust       string   `json:"trust"`         // PEM; roots by which the hub is known
	Brokers     []string `json:"brokers"`
	ClientID    string   `json:"client_id"`
}

// material is papers that were read and found to be right. It is never changed.
type material struct {
	papers
	key   *ecdsa.PrivateKey
	pair  *tls.Certificate // with its Leaf
	roots *x509.CertPool
}

func (m *material) leaf() *x509.Certificate { return m.pair.Leaf }

// read checks papers. key is Config.KeyFile's; nil = it is in the papers.
func (p papers) read(edge string, key *ecdsa.PrivateKey) (*material, error) {
	if p.Edge != edge {
		return nil, fmt.Errorf("it is of gateway %s, and this is %s", p.Edge, edge)
	}
	m := &material{papers: p, key: key, roots: x509.NewCertPool()}
	if m.key == nil {
		var err error
		if m.key, err = parseKey([]byte(p.Key)); err != nil {
			return nil, fmt.Errorf("its key: %w", err)
		}
	}
	chain, err := certificates(p.Certificate)
	if err != nil {
		return nil, fmt.Errorf("its certificate: %w", err)
	}
	roots, err := certificates(p.Trust)
	if err != nil {
		return nil, fmt.Errorf("the hub's roots: %w", err)
	}
	for _, c := range roots {
		m.roots.AddCert(c)
	}
	m.pair = &tls.Certificate{PrivateKey: m.key, Leaf: chain[0]}
	for _, c := range chain {
		m.pair.Certificate = append(m.pair.Certificate, c.Raw)
	}
	return m, m.check(chain)
}

// check finds out whether the parts belong together. Whether the certificate is valid now is for alarms: a gateway whose
// clock is wrong keeps what it has.
func (m *material) check(chain []*x509.Certificate) error {
	leaf := chain[0]
	if !m.key.PublicKey.Equal(leaf.PublicKey) {
		return errors.New("the certificate is not for this gateway's key; enrol anew")
	}
	if leaf.Subject.CommonName != m.Edge {
		return fmt.Errorf("the certificate is of %s, and this is %s", leaf.Subject.CommonName, m.Edge)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: m.roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: leaf.NotAfter,
	})
	if err != nil {
		return fmt.Errorf("the certificate is not of the hub's CA: %w", err)
	}
	return nil
}

// mostCertificates is how many a text may have.
const mostCertificates = 32

// certificates reads PEM with at least one.
func certificates(text string) (list []*x509.Certificate, err error) {
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if list = append(list, c); len(list) > mostCertificates {
			return nil, fmt.Errorf("there are more than %d certificates", mostCertificates)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("there is no certificate in PEM")
	}
	return list, nil
}

// trusts tells whether a root with this hash is in the papers.
func (p papers) trusts(root [32]byte) bool {
	list, _ := certificates(p.Trust)
	for _, c := range list {
		if sha256.Sum256(c.Raw) == root {
			return true
		}
	}
	return false
}

// renewAt is when two thirds of the certificate's life are over.
func (m *material) renewAt() time.Time { return m.leaf().NotAfter.Add(-m.life() / 3) }

func (m *material) life() time.Duration { return m.leaf().NotAfter.Sub(m.leaf().NotBefore) }

func (i *Identity) file() string    { return filepath.Join(i.cfg.Dir, "identity.json") }
func (i *Identity) pending() string { return filepath.Join(i.cfg.Dir, "pending.key") }

// load reads the file; fs.ErrNotExist where there is none.
func (i *Identity) load() (*material, error) {
	text, err := readSecret(i.file())
	if err != nil {
		return nil, err
	}
	var p papers
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("%s: %w", i.file(), err)
	}
	var key *ecdsa.PrivateKey
	if i.cfg.KeyFile != "" {
		if key, err = readKey(i.cfg.KeyFile); err != nil {
			return nil, err
		}
	}
	m, err := p.read(i.cfg.Edge, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.file(), err)
	}
	return m, nil
}

// save writes the file.
func (i *Identity) save(p papers) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(i.file(), append(text, '\n'))
}

// writeFile writes a file that only its owner may read, whole or not at all, durable when it returns.
func writeFile(file string, text []byte) error {
	dir := filepath.Dir(file)
	tmp, err := os.CreateTemp(dir, filepath.Base(file)+".*") // made 0600
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
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// plainID is an edge's id without dots, which some brokers take in no client id.
func plainID(edge string) string { return strings.ReplaceAll(edge, ".", "_") }
