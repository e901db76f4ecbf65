package uplink_test

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

func TestCatalogueComesAtEveryConnection(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	h.await("the hub's connection", func(h *testHub) bool { return h.client != nil && h.client.IsConnectionOpen() })
	h.set(func(h *testHub) {
		if token := h.client.Publish(wire.Topic(edgeID, wire.DownCatalog), 1, true, []byte("as it came")); !token.WaitTimeout(10 * time.Second) {
			t.Error("the broker does not answer")
		}
	})
	p := startProxy(t, b.addr)
	e := startEdge(t, t.TempDir(), p.Addr().String())
	for _, when := range []string{"at the first connection", "after a cut"} {
		select {
		case got := <-e.catalogs:
			if string(got) != "as it came" {
				t.Errorf("%s: %q", when, got)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: no catalogue comes", when)
		}
		p.cut()
	}
}
