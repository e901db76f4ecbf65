package enrol

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
)

const (
	// backdate is how far before now a certificate begins, for clocks that are late: less where it is for less than a hundred
	// minutes.
	backdate = 10 * time.Minute

	edgeURN = "urn:tallydock:edge:"
	hubURN  = "urn:tallydock:hub:"
	keyURN  = "urn:tallydock:key:"
	// serverName is the common name of servers, which no edge can have: some brokers take the common name for the user.
	serverName = "Tallydock server"
)

// Pair is a certificate with its chain and its key, both in PEM, for programs that read them from files.
type Pair struct {
	Chain []byte
	Key   []byte
	// Public is the SHA-256 of the SubjectPublicKeyInfo, by which brokers know keys.
	Public [32]byte
}

// EdgeOf gives the edge and site of an edge's certificate. It looks at the names only: whether the certificate is of this CA
// and valid is for the TLS handshake and Identify.
func EdgeOf(leaf *x509.Certificate) (edge, site string, err error) {
	if len(leaf.URIs) != 2 {
		return "", "", fmt.Errorf("%w: the certificate is not an edge's", fault.Forbidden)
	}
	id, ours := strings.CutPrefix(leaf.URIs[0].String(), edgeURN)
	if !ours || wire.ValidEdgeID(id) != nil || leaf.Subject.CommonName != id {
		return "", "", fmt.Errorf("%w: the certificate is not an edge's", fault.Forbidden)
	}
	if len(leaf.Subject.OrganizationalUnit) == 1 {
		site = leaf.Subject.OrganizationalUnit[0]
	}
	return id, site, nil
}

// edge issues a certificate for an edge's key.
func (c *CA) edge(id, site string, key *ecdsa.PublicKey, now time.Time, life time.Duration) (Certificate, error) {
	g := c.issuer()
	t := client(edgeURN, id, now, life)
	t.Subject.OrganizationalUnit = []string{site}
	leaf, err := g.issueClient(t, key)
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{
		Serial: SerialText(leaf.SerialNumber), Edge: id, Site: site, Key: keyHash(leaf), Generation: g.number, DER: leaf.Raw,
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Issued: now,
	}, nil
}

// IssueHub makes a client certificate for a hub that signs in at a broker outside, where name is its user. key is the one
// that it has, in PEM; nil = a new one.
func (c *CA) IssueHub(name string, key []byte, now time.Time, life time.Duration) (Pair, error) {
	if err := wire.ValidEdgeID(name); err != nil || !reserved(name) {
		return Pair{}, errHubName(name)
	}
	return c.issuer().pair(client(hubURN, name, now, life), key, (*generation).issueClient)
}

// IssueServer makes a certificate for a server of these names: hosts and IP addresses. node says that the server also dials
// others of its kind, as the nodes of a cluster do. key is the one that it has, in PEM; nil = a new one.
func (c *CA) IssueServer(names []string, node bool, key []byte, now time.Time, life time.Duration) (Pair, error) {
	t, err := server(names, now, life)
	if err != nil {
		return Pair{}, err
	}
	if node {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	return c.issuer().pair(t, key, (*generation).issue)
}

// RevocationLists gives, in PEM, a list of each trusted generation for brokers that know revoked certificates by it. They
// refuse everybody when it is older than life, so it is to be written anew well before.
func (c *CA) RevocationLists(revoked []Certificate, now time.Time, life time.Duration) ([]byte, error) {
	var text []byte
	for _, g := range c.trusted() {
		list := &x509.RevocationList{
			Number: big.NewInt(now.UnixMilli()), ThisUpdate: now, NextUpdate: now.Add(life),
		}
		for _, r := range revoked {
			serial, ok := new(big.Int).SetString(r.Serial, 16)
			if ok && r.Generation == g.number && !r.Revoked.IsZero() {
				list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
					x509.RevocationListEntry{SerialNumber: serial, RevocationTime: r.Revoked})
			}
		}
		der, err := x509.CreateRevocationList(rand.Reader, list, g.issuing, g.key)
		if err != nil {
			return nil, fmt.Errorf("cannot make the revocation list of generation %d: %w", g.number, err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	return text, nil
}

func client(urn, name string, now time.Time, life time.Duration) *x509.Certificate {
	t := leaf(name, now, life)
	t.URIs = []*url.URL{uri(urn + name)}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return t
}

func server(names []string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	t := leaf(serverName, now, life)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		t.DNSNames = append(t.DNSNames, n)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: a server's certificate needs the names and addresses by which edges reach it", fault.Invalid)
	}
	return t, nil
}

func leaf(name string, now time.Time, life time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-min(backdate, life/10)),
		NotAfter: now.Add(life), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func uri(urn string) *url.URL {
	return &url.URL{Scheme: "urn", Opaque: strings.TrimPrefix(urn, "urn:")}
}

// KeyName is the URI in a client's certificate that is of its key alone.
func KeyName(key [32]byte) string { return keyURN + hex.EncodeToString(key[:]) }

// issueClient signs a client's certificate, which names its key: some brokers know clients by such a name and by nothing else.
func (g *generation) issueClient(t *x509.Certificate, key *ecdsa.PublicKey) (*x509.Certificate, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	t.URIs = append(t.URIs, uri(KeyName(sha256.Sum256(der))))
	return g.issue(t, key)
}

// issue signs a certificate, which does not outlive its issuer.
func (g *generation) issue(t *x509.Certificate, key *ecdsa.PublicKey) (*x509.Certificate, error) {
	if t.NotAfter.After(g.issuing.NotAfter) {
		t.NotAfter = g.issuing.NotAfter
	}
	c, err := sign(t, g.issuing, key, g.key)
	if err != nil {
		return nil, fmt.Errorf("cannot issue a certificate for %s: %w", t.Subject.CommonName, err)
	}
	return c, nil
}

// pair has a certificate issued for a key in PEM, or for a new one where that is nil.
func (g *generation) pair(t *x509.Certificate, held []byte,
	issue func(*generation, *x509.Certificate, *ecdsa.PublicKey) (*x509.Certificate, error),
) (Pair, error) {
	key, err := keyOf(held)
	if err != nil {
		return Pair{}, err
	}
	c, err := issue(g, t, &key.PublicKey)
	if err != nil {
		return Pair{}, err
	}
	text, err := keyPEM(key)
	if err != nil {
		return Pair{}, err
	}
	chain := append(certificatePEM(c.Raw), certificatePEM(g.issuing.Raw)...)
	for _, x := range g.cross {
		chain = append(chain, certificatePEM(x.Raw)...)
	}
	return Pair{chain, text, keyHash(c)}, nil
}

// keyOf reads a key in PEM, or makes one where there is none.
func keyOf(text []byte) (*ecdsa.PrivateKey, error) {
	if text == nil {
		return newKey()
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%w: the key is not PEM", fault.Invalid)
	}
	return privateKey(block.Bytes)
}

func keyHash(c *x509.Certificate) [32]byte { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// SerialText is a serial number as it is stored and shown: 32 hexadecimal digits.
func SerialText(n *big.Int) string { return fmt.Sprintf("%032x", n) }

// reserved tells whether a name is a hub's own at brokers.
func reserved(name string) bool { return name == "hub" || strings.HasPrefix(name, "hub-") }
