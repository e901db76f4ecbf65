package ingest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/view"
)

// doorsAre waits until the doors read like want: "ID NAME @LOCATION of EDGE: STATE", each followed by a semicolon.
func (h *hub) doorsAre(t *testing.T, want string) {
	t.Helper()
	var got string
	eventually(t, "the doors are "+want, func() bool {
		all, err := store.Fleet{DB: h.DB}.Doors(context.Background(), "", noon.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		now := ""
		for _, d := range all {
			now += fmt.Sprintf("%s %s @%s of %s: %s;", d.ID, d.Name.EN, d.Location, d.Edge, d.State)
		}
		if now != got {
			got = now
			t.Log(got)
		}
		return got == want
	})
}

func TestDoorsAreThoseThatEdgesName(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	at := catalog.Rows{Kind: "locations", Locations: []catalog.Location{
		{Code: "SZ1-D1", Site: "SZ1", Parent: "SZ1", Kind: catalog.Bay, Name: catalog.Text{EN: "Goods-in", ZH: "收货"}},
	}}
	if _, err := (store.Catalog{DB: h.DB}).Put(ctx, at); err != nil {
		t.Fatal(err)
	}
	h.listen(t, b, nil)
	one, two := newEdge(t, b.Addr(), "SZ1-E1", false), newEdge(t, b.Addr(), "SZ1-E2", false)
	s := onlineStatus()
	began := s.At
	s.Devices = []wire.Device{{ID: "r700-d1", State: devices.Up, Since: noon}, {ID: "uhf-d2i", State: devices.Up, Since: noon}, {ID: "uhf-d2o", State: devices.Degraded, Since: noon}}
	s.Doors = []wire.Door{
		{ID: "SZ1-D2", Location: "SZ1-DOCK", Devices: []string{"uhf-d2o", "uhf-d2i"}},
		{ID: "SZ1-D1", Location: "SZ1-DOCK", Devices: []string{"r700-d1"}},
		{ID: "SZ1-D1", Location: "SZ1-DOCK", Devices: []string{"r700-d1"}},
	}
	one.status(s)
	h.doorsAre(t, "SZ1-D1 Goods-in @SZ1-DOCK of SZ1-E1: idle;SZ1-D2 SZ1-D2 @SZ1-DOCK of SZ1-E1: idle;")
	s.Devices[1].State, s.At = devices.Down, time.Now()
	one.status(s)
	h.doorsAre(t, "SZ1-D1 Goods-in @SZ1-DOCK of SZ1-E1: idle;SZ1-D2 SZ1-D2 @SZ1-DOCK of SZ1-E1: down;")
	one.put(wire.Record{Pass: &wire.Pass{ID: "pass-1", Door: "SZ1-D1", Opened: noon}})
	one.deliver(ctx)
	two.put(wire.Record{Pass: &wire.Pass{ID: "pass-2", Door: "SZ1-D9", Direction: wire.In, Opened: noon, Closed: noon.Add(time.Second)}})
	two.deliver(ctx)
	s.Devices[1].State, s.At = devices.Up, time.Now()
	s.Doors[0].ID = "SZ1-D3"
	one.status(s)
	h.doorsAre(t, "SZ1-D1 Goods-in @SZ1-DOCK of SZ1-E1: passing;SZ1-D3 SZ1-D3 @SZ1-DOCK of SZ1-E1: idle;SZ1-D9 SZ1-D9 @ of SZ1-E2: idle;")
	snap, err := store.View{DB: h.DB}.StockPage(ctx, view.PageFilter{})
	if err != nil || len(snap.Doors) != 3 || snap.Doors[0].Name.ZH != "收货" || snap.Doors[2].ID != "SZ1-D9" || snap.Doors[2].Name.EN != "SZ1-D9" {
		t.Errorf("snapshot's doors %+v, %v", snap.Doors, err)
	}
	one.status(wire.Status{At: began}) // its will
	h.doorsAre(t, "SZ1-D1 Goods-in @SZ1-DOCK of SZ1-E1: down;SZ1-D3 SZ1-D3 @SZ1-DOCK of SZ1-E1: down;SZ1-D9 SZ1-D9 @ of SZ1-E2: idle;")
}

// limit makes one of a quantity at a place; "" for a side that it does not have.
func limit(t *testing.T, location string, q unit.Quantity, low, high string) wire.Limit {
	t.Helper()
	l := wire.Limit{Location: location, Quantity: q, HasLow: low != "", HasHigh: high != ""}
	for text, to := range map[string]*unit.Milli{low: &l.Low, high: &l.High} {
		if text == "" {
			continue
		}
		v, err := unit.ParseMilli(text)
		if err != nil {
			t.Fatal(err)
		}
		*to = v
	}
	return l
}

func span(low, high *float64) string {
	text := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprint(*v)
	}
	return text(low) + ".." + text(high)
}

// limitsAre waits until the snapshot shows these limits of the temperature at a place, and the series of its probe, too.
func (h *hub) limitsAre(t *testing.T, place, want string) {
	t.Helper()
	var got string
	eventually(t, "the limits at "+place+" are "+want, func() bool {
		snap, err := store.View{DB: h.DB}.StockPage(context.Background(), view.PageFilter{})
		if err != nil {
			t.Fatal(err)
		}
		all, err := h.series().Query(context.Background(), series.Query{From: noon, To: noon.Add(time.Hour)})
		if err != nil || len(all) != 1 || all[0].Location != place {
			t.Fatalf("series %+v, %v", all, err)
		}
		for _, p := range snap.Places {
			if p.Code == place {
				got = span(p.TempLow, p.TempHigh)
			}
		}
		return got == want && span(all[0].Low, all[0].High) == want
	})
}

func TestLimitsAreThoseThatEdgesHoldAPlaceTo(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	if _, err := (store.Catalog{DB: h.DB}).Put(ctx, catalog.Rows{Kind: "locations", Locations: []catalog.Location{
		{Code: "SZ1-R", Site: "SZ1", Parent: "SZ1", Kind: catalog.Zone},
	}}); err != nil {
		t.Fatal(err)
	}
	h.listen(t, b, nil)
	one, two := newEdge(t, b.Addr(), "SZ1-E1", false), newEdge(t, b.Addr(), "SZ1-E2", false)
	one.put(moved(0))
	one.deliver(ctx)
	one.sendSamples(t)
	h.limitsAre(t, "SZ1-R", "-..-")
	tell := func(e *edge, limits ...wire.Limit) {
		s := onlineStatus()
		s.Limits = limits
		e.status(s)
	}
	high := limit(t, "SZ1-R", unit.Temperature, "", "8")
	tell(one, high)
	h.limitsAre(t, "SZ1-R", "-..8")
	tell(one, limit(t, "SZ1-R", unit.Temperature, "2", "9"), limit(t, "SZ1-R", unit.Humidity, "30", "60"), limit(t, "SZ1-A-01", unit.Temperature, "1", "1"), high)
	h.limitsAre(t, "SZ1-R", "2..8")
	tell(two, limit(t, "SZ1-R", unit.Temperature, "2.5", "20"))
	h.limitsAre(t, "SZ1-R", "2.5..8")
	tell(one)
	h.limitsAre(t, "SZ1-R", "2.5..20")
	var place view.Place
	snap, _ := store.View{DB: h.DB}.StockPage(ctx, view.PageFilter{})
	for _, p := range snap.Places {
		if p.Code == "SZ1-A-01" {
			place = p
		}
	}
	if span(place.TempLow, place.TempHigh) != "-..-" {
		t.Errorf("a place that nobody holds to limits has %s", span(place.TempLow, place.TempHigh))
	}
}

// TestAnOldStatusChangesNothing: a status from before, such as a retained one, comes after a newer one.
func TestAnOldStatusChangesNothing(t *testing.T) {
	ctx := context.Background()
	h := openHub(t, hubFile(t))
	kept := store.Intake{DB: h.DB}
	now := onlineStatus()
	now.Edge, now.Doors = "SZ1-E1", []wire.Door{{ID: "SZ1-D1"}}
	old := now
	old.At, old.Doors = now.At.Add(-time.Minute), []wire.Door{{ID: "SZ1-D7"}}
	for _, s := range []wire.Status{now, old} {
		if _, _, err := kept.Status(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	doors, err := store.Fleet{DB: h.DB}.Doors(ctx, "", noon)
	if err != nil || len(doors) != 1 || doors[0].ID != "SZ1-D1" || doors[0].State != fleet.DoorIdle {
		t.Errorf("doors %+v, %v", doors, err)
	}
}
