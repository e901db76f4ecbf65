package enrol_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/secret"
)

func openCA(t *testing.T, dir string, keys enrol.Sealer) *enrol.CA {
	t.Helper()
	ca, err := enrol.OpenCA(dir, keys, start)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestCAIsMadeOnceAndItsKeysAreSealed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	keys := newKeys(t)
	first, again := openCA(t, dir, keys), openCA(t, dir, keys)
	if !bytes.Equal(first.Trust(), again.Trust()) {
		t.Error("the second time another root")
	}
	file := filepath.Join(dir, "generation-1.pem")
	text, err := os.ReadFile(file)
	if st, _ := os.Stat(file); err != nil || st.Mode() != 0o600 || strings.Contains(string(text), "PRIVATE KEY") {
		t.Errorf("mode %v, %v:\n%s", st.Mode(), err, text)
	}
	if _, err := enrol.OpenCA(dir, newKeys(t), start); !errors.Is(err, secret.ErrKey) || !strings.Contains(err.Error(), file) {
		t.Errorf("with another key: %v", err)
	}
}

func TestCAIsSealedAnewByANewKey(t *testing.T) {
	dir := t.TempDir()
	old, fresh := secret.NewKey(), secret.NewKey()
	keys := func(text string) *secret.Keyring {
		k, err := secret.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if err := openCA(t, dir, keys(old)).Rollover(start); err != nil {
		t.Fatal(err)
	}
	hubs, err := openCA(t, dir, keys(old)).HubKey("hub-1")
	if err != nil {
		t.Fatal(err)
	}
	ca := openCA(t, dir, keys(fresh+"\n"+old))
	if n, err := ca.Reseal(); n != 3 || err != nil {
		t.Fatalf("%d files, %v", n, err)
	}
	again := openCA(t, dir, keys(fresh))
	if err := again.Rollover(start); err != nil || !bytes.HasPrefix(again.Trust(), ca.Trust()) {
		t.Errorf("without the old key: %v", err)
	}
	if key, err := again.HubKey("hub-1"); err != nil || !bytes.Equal(key, hubs) {
		t.Errorf("the hub's key without the old key: %v", err)
	}
}

func TestSpoiltCAIsNotReplaced(t *testing.T) {
	dir, keys := t.TempDir(), newKeys(t)
	openCA(t, dir, keys)
	file := filepath.Join(dir, "generation-1.pem")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := bytes.SplitAfter(whole, []byte("-----END TALLYDOCK SEALED KEY-----\n"))
	for name, text := range map[string][]byte{
		"cut short":      whole[:len(whole)/2],
		"empty":          nil,
		"keys swapped":   bytes.Join([][]byte{parts[1], parts[0]}, nil),
		"a bit flipped":  bytes.Replace(whole, []byte("A"), []byte("B"), 1),
		"not a PEM file": []byte("hello"),
	} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := enrol.OpenCA(dir, keys, start); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(file); !bytes.Equal(now, text) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// meet makes a TLS connection by two configurations and gives the errors of client and server.
func meet(t *testing.T, client, server *tls.Config) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			tc := tls.Server(c, server)
			if err = tc.Handshake(); err == nil {
				_, err = tc.Write([]byte("x"))
			}
		}
		served <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tc := tls.Client(c, client)
	err = tc.Handshake()
	if err == nil {
		_, err = io.ReadFull(tc, make([]byte, 1))
	}
	c.Close()
	return errors.Join(err, <-served)
}

// clientOf is how a gateway connects that trusts a bundle.
func (g *gateway) clientOf(trust []byte, name string, now func() time.Time) *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trust)
	c := &tls.Config{RootCAs: roots, ServerName: name, Time: now}
	if g.Chain != nil {
		issuing := g.Chain[bytes.Index(g.Chain, []byte("END"))+20:]
		own := &tls.Certificate{Certificate: [][]byte{g.Certificate.DER, derOf(issuing)}, PrivateKey: g.key}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil } // asked for or not
	}
	return c
}

func TestRolloverLocksNobodyOut(t *testing.T) {
	h := newHub(t)
	old := h.enrolled("SZ1-E1")
	server, err := h.BrokerTLS([]string{"hub.example"})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.add(day)
	if err := h.ca.Rollover(h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	fresh := h.enrolled("SZ1-E2")
	connect := func(g *gateway) error { return meet(t, g.clientOf(g.Trust, "hub.example", h.clock.Now), server) }
	if err := errors.Join(connect(old), connect(fresh)); err != nil {
		t.Errorf("after the rollover: %v", err)
	}
	if fresh.Certificate.Generation != 2 || bytes.Count(fresh.Trust, []byte("BEGIN")) != 2 {
		t.Errorf("a new edge is of generation %d and trusts\n%s", fresh.Certificate.Generation, fresh.Trust)
	}
	if err := h.ca.Rollover(h.clock.Now()); err != nil { // twice: who trusts the first alone still knows the third
		t.Fatal(err)
	}
	if err := errors.Join(connect(old), connect(fresh)); err != nil {
		t.Errorf("after two rollovers: %v", err)
	}
	refused(t, h.ca.Retire(3), fault.Conflict, "make a new one first")
	refused(t, h.ca.Retire(7), fault.NotFound, "no generation 7")
	if err := h.ca.Retire(1); err != nil {
		t.Fatal(err)
	}
	if err := connect(old); err == nil {
		t.Error("a certificate of a retired generation comes in")
	}
	if err := connect(fresh); err != nil {
		t.Error(err)
	}
	if _, err := h.renew(old); !errors.Is(err, fault.Forbidden) {
		t.Errorf("renewal of a retired one: %v", err)
	}
}

func TestGenerationsAreKept(t *testing.T) {
	dir, keys := t.TempDir(), newKeys(t)
	ca := openCA(t, dir, keys)
	if err := ca.Rollover(start.Add(day)); err != nil {
		t.Fatal(err)
	}
	list := openCA(t, dir, keys).Generations()
	if len(list) != 2 || list[0].Issues || !list[1].Issues || list[1].Number != 2 || list[0].Fingerprint == list[1].Fingerprint {
		t.Errorf("%+v", list)
	}
	if err := ca.Retire(1); err != nil {
		t.Fatal(err)
	}
	if list := openCA(t, dir, keys).Generations(); len(list) != 1 || list[0].Number != 2 {
		t.Errorf("after the retirement: %+v", list)
	}
}

func TestListenerKnowsItsEdges(t *testing.T) {
	foreign := newHub(t).enrolled("SZ1-E1")
	for name, c := range map[string]struct {
		change func(h *hub, g *gateway, c *tls.Config)
		in     bool
	}{
		"its own certificate": {func(*hub, *gateway, *tls.Config) {}, true},
		"none: by password":   {func(_ *hub, _ *gateway, c *tls.Config) { c.GetClientCertificate = nil }, true},
		"another hub's": {func(_ *hub, _ *gateway, c *tls.Config) {
			c.GetClientCertificate = foreign.clientOf(nil, "", nil).GetClientCertificate
		}, false},
		"expired": {func(h *hub, _ *gateway, c *tls.Config) {
			h.clock.add(91 * day)
			c.Time = func() time.Time { return start }
		}, false},
		"revoked":                  {func(h *hub, g *gateway, _ *tls.Config) { h.Revoke(h.t.Context(), enrol.Target{Edge: g.id}, "", "") }, false},
		"a server of another name": {func(_ *hub, _ *gateway, c *tls.Config) { c.ServerName = "other.example" }, false},
		"TLS 1.1": {func(_ *hub, _ *gateway, c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			g := h.enrolled("SZ1-E1")
			server, err := h.BrokerTLS([]string{"hub.example", "127.0.0.1"})
			if err != nil {
				t.Fatal(err)
			}
			client := g.clientOf(g.Trust, "hub.example", h.clock.Now)
			c.change(h, g, client)
			if err := meet(t, client, server); (err == nil) != c.in {
				t.Errorf("came in: %v; %v", err == nil, err)
			}
		})
	}
}

func TestServersCertificateIsRenewedByItself(t *testing.T) {
	h := newHub(t)
	server, err := h.EdgeTLS([]string{"hub.example"})
	if err != nil {
		t.Fatal(err)
	}
	get := func() *x509.Certificate {
		c, err := server.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf
	}
	first := get()
	h.clock.add(59 * day)
	if !first.Equal(get()) {
		t.Error("renewed too early")
	}
	h.clock.add(2 * day)
	if next := get(); next.Equal(first) || next.NotAfter != h.clock.Now().Add(90*day) {
		t.Errorf("not renewed: valid to %v", next.NotAfter)
	}
	if _, err := h.EdgeTLS(nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("a server without names: %v", err)
	}
}

// Commands make and retire generations while the hub runs.
func TestCATakesUpWhatAnotherProgramDid(t *testing.T) {
	dir, keys := t.TempDir(), newKeys(t)
	running, command := openCA(t, dir, keys), openCA(t, dir, keys)
	if err := command.Rollover(start); err != nil {
		t.Fatal(err)
	}
	if err := running.Reload(); err != nil || !bytes.Equal(running.Trust(), command.Trust()) || len(running.Generations()) != 2 {
		t.Errorf("after a rollover %+v, %v", running.Generations(), err)
	}
	if err := command.Retire(1); err != nil {
		t.Fatal(err)
	}
	if err := running.Reload(); err != nil || len(running.Generations()) != 1 || running.Generations()[0].Number != 2 {
		t.Errorf("after the retirement %+v, %v", running.Generations(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "generation-3.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := running.Reload(); err == nil || len(running.Generations()) != 1 {
		t.Errorf("a spoilt file: %+v, %v", running.Generations(), err)
	}
	for _, n := range []string{"2", "3"} {
		if err := os.Remove(filepath.Join(dir, "generation-"+n+".pem")); err != nil {
			t.Fatal(err)
		}
	}
	if err := running.Reload(); err == nil || !strings.Contains(err.Error(), "nothing in it any more") || len(running.Generations()) != 1 {
		t.Errorf("an empty folder: %+v, %v", running.Generations(), err)
	}
}

// A hub keeps its key at brokers outside, which may know it by that, and has its certificate renewed.
func TestHubKeepsItsKeyAndRenewsItsCertificate(t *testing.T) {
	h := newHub(t)
	conf, err := h.HubTLS("hub-1", "broker.example")
	if err != nil {
		t.Fatal(err)
	}
	get := func() *x509.Certificate {
		t.Helper()
		c, err := conf.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf
	}
	first := get()
	if conf.ServerName != "broker.example" || first.Subject.CommonName != "hub-1" || first.URIs[0].String() != "urn:tallydock:hub:hub-1" {
		t.Errorf("%q is %v, %v", conf.ServerName, first.Subject, first.URIs)
	}
	if _, _, err := enrol.EdgeOf(first); err == nil {
		t.Error("a hub passes for an edge")
	}
	h.clock.add(61 * day)
	next := get()
	if next.Equal(first) || !bytes.Equal(next.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo) || next.NotAfter != h.clock.Now().Add(90*day) {
		t.Errorf("renewed to %v, by the same key: %v", next.NotAfter, bytes.Equal(next.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo))
	}
	again, err := h.ca.HubKey("hub-1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.ca.IssueHub("hub-1", again, start, day)
	if err != nil || p.Public != sha256.Sum256(first.RawSubjectPublicKeyInfo) || !bytes.Equal(p.Key, again) {
		t.Errorf("another key after a restart: %v", err)
	}
	if _, err := h.HubTLS("SZ1-E1", "broker.example"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a hub with an edge's name: %v", err)
	}
}

func TestPairsForProgramsOutside(t *testing.T) {
	ca := openCA(t, t.TempDir(), newKeys(t))
	node, err := ca.IssueServer([]string{"n1.example", "10.0.0.1"}, true, nil, start, day)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(node.Chain, node.Key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pair.Leaf
	if leaf.VerifyHostname("n1.example") != nil || leaf.VerifyHostname("10.0.0.1") != nil || len(leaf.ExtKeyUsage) != 2 ||
		node.Public != sha256.Sum256(leaf.RawSubjectPublicKeyInfo) {
		t.Errorf("%v %v", leaf.DNSNames, leaf.ExtKeyUsage)
	}
	if _, _, err := enrol.EdgeOf(leaf); err == nil {
		t.Error("a server passes for an edge")
	}
	if _, err := ca.IssueHub("SZ1-E1", nil, start, day); !errors.Is(err, fault.Invalid) {
		t.Errorf("a hub with an edge's name: %v", err)
	}
}
