package enrol

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tallydock/tallydock/hub/fault"
)

func hubLabel(name string) string { return "ca/hub/" + name }

// HubKey gives the key, in PEM, of a hub that signs in at brokers outside by a name. It is made once and kept, sealed, in the
// CA's folder, because some brokers know a hub by its key.
func (c *CA) HubKey(name string) ([]byte, error) {
	if !reserved(name) || name != filepath.Base(name) {
		return nil, errHubName(name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	file := filepath.Join(c.dir, name+".key")
	sealed, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c.newHubKey(name, file)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the key of %s: %w", name, err)
	}
	key, err := unseal(c.keys, hubLabel(name), sealed)
	if err != nil {
		return nil, fmt.Errorf("cannot open the key of %s in %s: %w", name, file, err)
	}
	return keyPEM(key)
}

func (c *CA) newHubKey(name, file string) ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	sealed, err := seal(c.keys, hubLabel(name), key)
	if err == nil {
		err = writeFile(file, sealed)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot keep the key of %s: %w", name, err)
	}
	return keyPEM(key)
}

// resealHubs is Reseal for the keys of hubs. The caller holds the lock.
func (c *CA) resealHubs() (done int, err error) {
	files, err := filepath.Glob(filepath.Join(c.dir, "hub*.key"))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".key")
		sealed, err := os.ReadFile(file)
		if err == nil {
			sealed, err = c.sealAnew(hubLabel(name), sealed)
		}
		if err == nil {
			err = writeFile(file, sealed)
		}
		if err != nil {
			return done, fmt.Errorf("cannot seal the key of %s anew: %w", name, err)
		}
		done++
	}
	return done, err
}

func (c *CA) sealAnew(label string, sealed []byte) ([]byte, error) {
	key, err := unseal(c.keys, label, sealed)
	if err != nil {
		return nil, err
	}
	return seal(c.keys, label, key)
}

// HubTLS is for a hub's connections to the broker at host, which is outside and has a certificate of this CA, where name is
// the hub's user. The hub's certificate is renewed at two thirds of its life.
func (s *Service) HubTLS(name, host string) (*tls.Config, error) {
	key, err := s.cfg.CA.HubKey(name)
	if err != nil {
		return nil, err
	}
	k := &hubKeeper{Service: s, name: name, key: key}
	if _, err := k.get(nil); err != nil {
		return nil, err
	}
	c := s.cfg.CA.ClientTLS(host)
	c.Time, c.GetClientCertificate = s.cfg.Now, k.get
	return c, nil
}

// ClientTLS is for connections without a certificate to a server at host that has one of this CA. Generations that come later
// are known by those of now, which sign them.
func (c *CA) ClientTLS(host string) *tls.Config {
	return &tls.Config{ServerName: host, RootCAs: c.Roots(), MinVersion: tls.VersionTLS12}
}

// hubKeeper has a hub's certificate.
type hubKeeper struct {
	*Service
	name string
	key  []byte

	mu   sync.Mutex
	held *tls.Certificate
}

func (k *hubKeeper) get(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.cfg.Now()
	if k.held != nil && now.Before(renewAt(k.held.Leaf)) {
		return k.held, nil
	}
	p, err := k.cfg.CA.IssueHub(k.name, k.key, now, k.cfg.Life)
	if err != nil {
		return nil, err
	}
	c, err := tls.X509KeyPair(p.Chain, p.Key)
	if err != nil {
		return nil, err
	}
	k.held = &c
	return k.held, nil
}

func errHubName(name string) error {
	return fmt.Errorf("%w: a hub's name at a broker is hub or begins with hub-, and %q does not", fault.Invalid, name)
}

func keyPEM(key any) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
