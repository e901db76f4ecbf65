package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/reconcile"
)

func TestCountOfALocationIsAskedForAndShown(t *testing.T) {
	g := newGateway(t)
	at := g.conf.Plan.Places[0].Location
	url := g.serve(t)
	r := post(t, url+"/api/v1/locations/"+at+"/count", `{"name":"li.wei","for":"10s"}`, nil)
	if r.status != http.StatusOK || r.object(t)["location"] != at || r.object(t)["id"] == "" {
		t.Fatalf("answers %d %s", r.status, r.body)
	}
	for body, path := range map[string]string{
		`{"name":"a","for":"2h"}`: at, `{"name":"a","for":"soon"}`: at, `{"name":""}`: at,
	} {
		if r := post(t, url+"/api/v1/locations/"+path+"/count", body, nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: answers %d %s", body, r.status, r.body)
		}
	}
	if r := post(t, url+"/api/v1/locations/NOWHERE/count", `{"name":"a"}`, nil); r.status != http.StatusConflict {
		t.Errorf("a place without a reader answers %d %s", r.status, r.body)
	}
	tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, 1})
	if err != nil {
		t.Fatal(err)
	}
	g.road.counted = []reconcile.Counted{{
		ID: "c1", Location: at, From: noon, To: noon.Add(time.Minute), Complete: true, Found: 3, Missing: []devices.Tag{tag},
	}}
	items := get(t, url+"/api/v1/counts").object(t)["items"].([]any)
	if len(items) != 1 {
		t.Fatalf("%d counts", len(items))
	}
	says(t, items[0], map[string]string{
		"id": "c1", "location": at, "from": "2026-11-22T12:00:00Z", "to": "2026-11-22T12:01:00Z", "complete": "true", "found": "3", "missing": "[epc:3001]",
	})
}

func TestListIsPutAtItsDoor(t *testing.T) {
	g := newGateway(t)
	url := g.serve(t) + "/api/v1/doors/"
	body := `{"id":"ASN-1","direction":"in","tags":["3034257BF400B7800004CB2F","urn:epc:tag:sscc-96:0.0614141.1234567890"],"items":[{"gtin":"09521234543213","quantity":4}]}`
	if r := post(t, url+"D1/expected", body, nil); r.status != http.StatusOK {
		t.Fatalf("answers %d %s", r.status, r.body)
	}
	if len(g.road.expected) != 1 {
		t.Fatalf("%d lists were handed over", len(g.road.expected))
	}
	e := g.road.expected[0]
	if e.ID != "ASN-1" || e.Door != "D1" || len(e.Tags) != 2 || e.Tags[0].String() != "epc:3034257bf400b7800004cb2f" || e.Items[0].Quantity != 4 {
		t.Errorf("list %+v", e)
	}
	if r := post(t, url+"D9/expected", body, nil); r.status != http.StatusConflict {
		t.Errorf("another gateway's door answers %d %s", r.status, r.body)
	}
	for _, bad := range []string{`{"id":"A","tags":["nonsense"]}`, `{"id":"A","tag":[]}`, `{`} {
		if r := post(t, url+"D1/expected", bad, nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: answers %d %s", bad, r.status, r.body)
		}
	}
}
