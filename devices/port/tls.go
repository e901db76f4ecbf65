package port

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// TLS says how a TCP port is kept secret and whom it believes.
type TLS struct {
	CAFile     string // PEM certificates that sign the far end's; "" = the system's
	ServerName string // the name in the far end's certificate; "" = the host of the address
	Insecure   bool   // believe any certificate: the line is secret, but who answers is not known
}

// Config gives the settings for a connection to a. TLS 1.2 is the least: readers that stay in service for ten years and
// more often know no 1.3, and 1.1 is broken.
func (t TLS) Config(a Address) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, InsecureSkipVerify: t.Insecure}
	if c.ServerName == "" {
		host, _, err := net.SplitHostPort(a.Host)
		if err != nil {
			return nil, fmt.Errorf("address %s: %w", a, err)
		}
		c.ServerName = host
	}
	if t.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificates that the device's is checked against: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM form", t.CAFile)
	}
	return c, nil
}

// OpenTLS opens a TCP port with TLS. DialTimeout is for the connection and again for the handshake. A far end that is not
// believed is an error that is not ErrMissing.
func OpenTLS(ctx context.Context, a Address, o Options, c *tls.Config) (Port, error) {
	if a.Kind != TCP {
		return nil, fmt.Errorf("address %s cannot have TLS: it is no TCP port", a)
	}
	o = o.withDefaults()
	p, err := openTCP(ctx, a, o)
	if err != nil {
		return nil, err
	}
	shake, cancel := context.WithTimeout(ctx, o.DialTimeout)
	defer cancel()
	conn := tls.Client(p.conn, c)
	if err := conn.HandshakeContext(shake); err != nil {
		_ = p.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: no secure connection: %w; %s", a.Host, err, advice(err))
	}
	p.conn = conn
	return p, nil
}

// advice tells what to do about a handshake that failed.
func advice(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &unknown):
		return "name the certificate that signed the device's in ca_file"
	case errors.As(err, &name):
		return "give the name in the device's certificate as server_name"
	default:
		return "check that the device speaks TLS 1.2 or later at this port"
	}
}
