package port_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/port"
)

// certified makes a certificate for reader.test that signs itself, and the file that a gateway gets of it.
func certified(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "reader.test"}, DNSNames: []string{"reader.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// secret is a device with TLS that sends back what it gets, in upper case.
func secret(t *testing.T, c *tls.Config) port.Address {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go shout(conn)
		}
	}()
	a, err := port.ParseAddress("tcp:" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func shout(conn net.Conn) {
	defer conn.Close()
	b := make([]byte, 100)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte(strings.ToUpper(string(b[:n]))))
	}
}

func TestASecretPortKeepsTheRulesOfAPort(t *testing.T) {
	cert, file := certified(t)
	a := secret(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	c, err := port.TLS{CAFile: file, ServerName: "reader.test"}.Config(a)
	if err != nil {
		t.Fatal(err)
	}
	p, err := port.OpenTLS(t.Context(), a, port.Options{ReadTimeout: 10 * time.Millisecond}, c)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	for range 3 {
		if n, err := p.Read(b); n != 0 || err != nil {
			t.Fatalf("a read in vain gives %d, %v", n, err)
		}
	}
	if _, err := p.Write([]byte("tag")); err != nil {
		t.Fatal(err)
	}
	got := ""
	for deadline := time.Now().Add(10 * time.Second); got != "TAG" && time.Now().Before(deadline); {
		n, err := p.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got += string(b[:n])
	}
	if got != "TAG" {
		t.Errorf("got %q", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := p.Read(b); !errors.Is(err, port.ErrClosed) {
		t.Errorf("a closed port gives %v", err)
	}
}

func TestAFarEndThatIsNotBelievedIsAnErrorThatSaysWhatToDo(t *testing.T) {
	cert, file := certified(t)
	a := secret(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	old := secret(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	for name, c := range map[string]struct {
		at   port.Address
		tls  port.TLS
		want string
	}{
		"nobody signed it": {a, port.TLS{ServerName: "reader.test"}, "ca_file"},
		"another's name":   {a, port.TLS{CAFile: file}, "server_name"},
		"too old":          {old, port.TLS{Insecure: true}, "TLS 1.2"},
		"believe it":       {a, port.TLS{Insecure: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conf, err := c.tls.Config(c.at)
			if err != nil {
				t.Fatal(err)
			}
			p, err := port.OpenTLS(t.Context(), c.at, port.Options{}, conf)
			if err == nil {
				p.Close()
			}
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || errors.Is(err, port.ErrMissing)) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestBadSettingsOfTLSAreErrors(t *testing.T) {
	a := port.Address{Kind: port.TCP, Host: "127.0.0.1:5085"}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".gone"} {
		if _, err := (port.TLS{CAFile: file}).Config(a); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := port.OpenTLS(t.Context(), port.Address{Kind: port.Serial, Path: "/dev/null"}, port.Options{}, &tls.Config{}); err == nil {
		t.Error("a serial line has TLS")
	}
}
