package ingest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/ingest"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
)

// An edge finds the catalogue at the broker, whenever it connects.
func TestCatalogueIsLeftForEveryEdgeThatSpeaks(t *testing.T) {
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	items := store.Catalog{DB: h.DB}
	if _, err := items.Put(context.Background(), catalog.Rows{Kind: "items", Items: []catalog.Item{
		{ID: "SKU-7", GTIN: "10614141543219", Name: catalog.Text{EN: "Milk", ZH: "牛奶"}, Unit: "EA"},
	}}); err != nil {
		t.Fatal(err)
	}
	in := intake.New(intake.Config{Hub: "hub-1", Threshold: 600, Now: time.Now, NewID: newID}, store.Intake{DB: h.DB})
	ear := ingest.New(ingest.Config{Broker: "tcp://" + b.Addr(), User: "hub", Password: "hub-pw", Log: quiet(), Catalog: items.EdgeItems}, in)
	run(t, ear.Run)
	<-ear.Ready()
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	var last atomic.Pointer[wire.Catalog]
	hear := func(_ mqtt.Client, m mqtt.Message) {
		codec, err := wire.NewCodec()
		if err != nil {
			t.Error(err)
			return
		}
		c, err := codec.DecodeCatalog(m.Payload())
		if err != nil {
			t.Error(err)
			return
		}
		last.Store(&c)
	}
	e.status(onlineStatus())
	eventually(t, "the catalogue is there", func() bool { // retained, so each subscription gets it
		e.client.Subscribe(wire.Topic("SZ1-E1", wire.DownCatalog), 1, hear).WaitTimeout(5 * time.Second)
		return last.Load() != nil
	})
	want := wire.CatalogItem{GTIN: "10614141543219", Code: "SKU-7", NameEN: "Milk", NameZH: "牛奶"}
	if c := last.Load(); len(c.Items) != 1 || c.Items[0] != want {
		t.Errorf("got %+v", c)
	}
}
