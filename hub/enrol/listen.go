package enrol

import (
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

// BrokerTLS is for a broker's listener of these names: who shows a certificate must show an edge's that is valid and not
// revoked; who shows none is let through, for the broker to ask for a password.
func (s *Service) BrokerTLS(names []string) (*tls.Config, error) {
	return s.listener(names, func(c *tls.Config) {
		c.ClientAuth = tls.VerifyClientCertIfGiven
		c.VerifyConnection = func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 {
				return nil
			}
			_, err := s.Identify(cs.PeerCertificates[0])
			return err
		}
	})
}

// EdgeTLS is for the listener of Handler: a certificate is asked for and not checked, because one that has expired may be
// renewed.
func (s *Service) EdgeTLS(names []string) (*tls.Config, error) {
	return s.listener(names, func(c *tls.Config) {
		c.MinVersion, c.ClientAuth = tls.VersionTLS13, tls.RequestClientCert
		c.NextProtos = []string{"h2", "http/1.1"}
	})
}

// listener makes a TLS configuration whose own certificate and trust are always those of now.
func (s *Service) listener(names []string, set func(*tls.Config)) (*tls.Config, error) {
	keeper := &serverKeeper{ca: s.cfg.CA, names: names, life: s.cfg.Life, now: s.cfg.Now}
	if _, err := keeper.get(nil); err != nil {
		return nil, err
	}
	s.metrics.serve(keeper)
	current := func() *tls.Config {
		c := &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: keeper.get, ClientCAs: s.cfg.CA.Roots(), Time: s.cfg.Now,
			SessionTicketsDisabled: true, // a session that goes on would not show its certificate anew
		}
		set(c)
		return c
	}
	c := current()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return current(), nil }
	return c, nil
}

// serverKeeper has a server's certificate and gets a new one at two thirds of its life, or when the CA has a new generation.
type serverKeeper struct {
	ca    *CA
	names []string
	life  time.Duration
	now   func() time.Time

	mu         sync.Mutex
	held       *tls.Certificate
	generation int
}

func (k *serverKeeper) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, g := k.now(), k.ca.issuer()
	if k.held != nil && k.generation == g.number && now.Before(renewAt(k.held.Leaf)) {
		return k.held, nil
	}
	c, err := k.issue(g, now)
	if err != nil && k.held == nil {
		return nil, err
	}
	if err == nil {
		k.held, k.generation = c, g.number
	}
	return k.held, nil
}

// issue makes a certificate with the whole chain: an edge looks for a root in it at its first contact.
func (k *serverKeeper) issue(g *generation, now time.Time) (*tls.Certificate, error) {
	t, err := server(k.names, now, k.life)
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	leaf, err := g.issue(t, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{leaf.Raw, g.issuing.Raw}, PrivateKey: key, Leaf: leaf}
	for _, x := range g.cross {
		c.Certificate = append(c.Certificate, x.Raw)
	}
	for _, x := range k.ca.trusted() {
		c.Certificate = append(c.Certificate, x.root.Raw)
	}
	return c, nil
}

func (k *serverKeeper) expires() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held.Leaf.NotAfter
}

// renewAt is when two thirds of a certificate's life are over.
func renewAt(c *x509.Certificate) time.Time { return c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3) }

// verify checks that a certificate is of a trusted generation and for clients, whatever the time is.
func (c *CA) verify(leaf *x509.Certificate) error {
	between := x509.NewCertPool()
	for _, g := range c.trusted() {
		between.AddCert(g.issuing)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: c.Roots(), Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		CurrentTime: leaf.NotAfter,
	})
	return err
}
