package uplink_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

func publish(t *testing.T, h *testHub, payload []byte) {
	t.Helper()
	h.set(func(h *testHub) {
		if token := h.client.Publish(wire.Topic(edgeID, wire.DownConfig), 1, true, payload); !token.WaitTimeout(10 * time.Second) {
			t.Error("the broker does not answer")
		}
	})
}

func (e *edge) config(t *testing.T) wire.Configuration {
	t.Helper()
	select {
	case c := <-e.configs:
		return c
	case <-time.After(30 * time.Second):
		t.Fatal("no configuration comes")
		return wire.Configuration{}
	}
}

func TestConfigurationComesNowAndAtEveryConnection(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	h.await("the hub's connection", func(h *testHub) bool { return h.client != nil && h.client.IsConnectionOpen() })
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	send := func(version uint64) {
		p, err := wire.EncodeConfiguration(wire.Configuration{Edge: edgeID, Version: version, Text: "rules: []\n"}.Sign(key))
		if err != nil {
			t.Fatal(err)
		}
		publish(t, h, p)
	}
	send(1)
	p := startProxy(t, b.addr)
	e := startEdge(t, t.TempDir(), p.Addr().String())
	if c := e.config(t); c.Version != 1 || !c.SignedBy(key.Public().(ed25519.PublicKey)) {
		t.Fatalf("retained: %+v", c)
	}
	publish(t, h, []byte("no configuration"))
	publish(t, h, nil)
	send(2)
	if c := e.config(t); c.Version != 2 {
		t.Fatalf("while connected: %+v", c)
	}
	p.cut()
	if c := e.config(t); c.Version != 2 {
		t.Fatalf("after a cut: %+v", c)
	}
}

func TestNewsAreToldAtOnce(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	h.await("the hub's connection", func(h *testHub) bool { return h.client != nil && h.client.IsConnectionOpen() })
	e := startEdge(t, t.TempDir(), b.addr)
	var before int
	h.await("the first status", func(h *testHub) bool { before = len(h.status); return before > 0 })
	e.up.Tell() // the next one is due in half a minute only
	h.await("another status", func(h *testHub) bool { return len(h.status) > before })
}
