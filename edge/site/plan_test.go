package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/site"
)

func spec() site.Spec {
	return site.Spec{
		Edge: "E1",
		Shelves: []site.Bay{
			{Location: "A", Source: site.Source{Device: "one"}, AbsentAfter: time.Minute},
			{Location: "B", Source: site.Source{Device: "four", Antenna: 1}},
			{Location: "B", Source: site.Source{Device: "four", Antenna: 2}, AbsentAfter: time.Hour},
		},
		Tables: []site.Bay{{Location: "QA", Source: site.Source{Device: "pad"}}},
		Doors: []site.Door{{
			ID: "D1", Location: "DOCK", Inside: []site.Source{{Device: "four", Antenna: 3}}, Outside: []site.Source{{Device: "out"}},
		}},
	}
}

func TestAntennaLeadsToItsReadPoint(t *testing.T) {
	p, err := site.New(spec())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		device  string
		antenna uint8
		kind    site.Kind
		id      string
	}{
		{"one", 0, site.Shelf, "A"},
		{"one", 4, site.Shelf, "A"}, // antenna 0 stands for all of them
		{"four", 1, site.Shelf, "B"},
		{"four", 2, site.Shelf, "B"},
		{"four", 3, site.Inside, "D1"},
		{"out", 1, site.Outside, "D1"},
		{"pad", 0, site.Table, "QA"},
	} {
		if pt, ok := p.Find(c.device, c.antenna); !ok || pt.Kind != c.kind || pt.ID != c.id {
			t.Errorf("antenna %d of %s: %+v", c.antenna, c.device, pt)
		}
	}
	if _, ok := p.Find("four", 4); ok {
		t.Error("an antenna that stands nowhere was found")
	}
	if i, _ := p.PlaceOf("B"); p.Places[i].AbsentAfter != time.Hour || len(p.Places[i].Devices) != 1 {
		t.Errorf("two antennas at one shelf: %+v", p.Places[i])
	}
	for device, want := range map[string]string{"one": "A", "four": "B", "out": "DOCK", "pad": "QA", "else": ""} {
		if got := p.LocationOf(device); got != want {
			t.Errorf("%s is at %q, want %q", device, got, want)
		}
	}
	if got := p.DoorDevices(0); len(got) != 2 {
		t.Errorf("the door's readers: %q", got)
	}
}

func TestAntennaAtTwoReadPointsIsRefused(t *testing.T) {
	s := spec()
	s.Tables[0].Source = site.Source{Device: "one"}
	s.Doors[0].Outside[0] = site.Source{Device: "four", Antenna: 1}
	_, err := site.New(s)
	if err == nil || !strings.Contains(err.Error(), "antenna 0 of one stands at A and at QA") ||
		!strings.Contains(err.Error(), "antenna 1 of four stands at B and at D1") {
		t.Fatalf("got %v", err)
	}
}

func TestOccurrenceHasOneName(t *testing.T) {
	p, err := site.New(spec())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	id := p.Occurrence(at, "pass", "D1")
	if id != p.Occurrence(at, "pass", "D1") {
		t.Error("the same occurrence has two names")
	}
	if len(id) != 36 || id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) {
		t.Errorf("%s is no UUIDv7", id)
	}
	if id == p.Occurrence(at, "passD1") || id == p.Occurrence(at.Add(time.Microsecond), "pass", "D1") || id > p.Occurrence(at.Add(time.Second), "a") {
		t.Error("names clash or are out of order")
	}
}
