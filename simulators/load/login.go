package load

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// login is by what an edge is let in: a name and a password, a certificate, or both.
type login struct {
	User     string `yaml:"user"`
	Password string `yaml:"password"`
	tls      *tls.Config
}

// logins gives one for each edge of the plan, in their order.
func logins(p Plan) ([]login, error) {
	list := make([]login, p.World.Edges)
	if err := readCredentials(p, list); err != nil {
		return nil, err
	}
	roots, err := readRoots(p.Certs)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].tls = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		if p.Certs == "" {
			continue
		}
		name := filepath.Join(p.Certs, p.World.Edge(i))
		pair, err := tls.LoadX509KeyPair(name+".crt", name+".key")
		if err != nil {
			return nil, fmt.Errorf("certificate of edge %s: %w", p.World.Edge(i), err)
		}
		list[i].tls.Certificates = []tls.Certificate{pair}
	}
	return list, nil
}

func readCredentials(p Plan, list []login) error {
	if p.Credentials == "" {
		return nil
	}
	text, err := os.ReadFile(p.Credentials)
	if err != nil {
		return fmt.Errorf("cannot read credentials: %w", err)
	}
	var c struct {
		Edges map[string]login `yaml:"edges"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("credentials %s: %w", p.Credentials, err)
	}
	for i := range list {
		found, ok := c.Edges[p.World.Edge(i)]
		if !ok {
			return fmt.Errorf("credentials %s have no edge %s: start the hub with the hub.yaml that sim load --write-seed writes "+
				"for as many edges", p.Credentials, p.World.Edge(i))
		}
		list[i] = found
	}
	return nil
}

// readRoots reads ca.crt of a folder; nil = the system's.
func readRoots(dir string) (*x509.CertPool, error) {
	if dir == "" {
		return nil, nil
	}
	name := filepath.Join(dir, "ca.crt")
	pem, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", name)
	}
	return pool, nil
}
