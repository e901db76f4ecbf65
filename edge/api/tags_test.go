package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// put lets the shelf read a tag.
func (g *gateway) put(t *testing.T, tag devices.Tag) {
	t.Helper()
	for i := range 3 {
		at := noon.Add(time.Duration(i-60) * time.Second)
		g.road.reconcile.Step(reconcile.Input{Read: &devices.Read{Device: "uhf-a1", Tag: tag, RSSI: -5500, HasRSSI: true, HostTime: at, Count: 1}}, at)
	}
}

func described(t *testing.T, o epc.Options, text string) devices.Tag {
	t.Helper()
	d, err := o.Describe(text)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := devices.ParseTag("epc:" + d.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func TestTagsAreFoundByWhateverNamesThem(t *testing.T) {
	g := newGateway(t)
	const uri = "urn:epc:id:sgtin:0614141.812345.6789"
	a := described(t, epc.Options{Filter: 3}, uri)
	b := described(t, epc.Options{Filter: 1}, "urn:epc:id:sgtin:0614141.812345.7")
	long := described(t, epc.Options{Filter: 1}, "urn:epc:id:sgtin:0614141.812345.A7")
	plus := described(t, epc.Options{}, "https://id.gs1.org/01/80614141123458/21/6789?17=261231")
	box := described(t, epc.Options{Filter: 2}, "urn:epc:id:sscc:0614141.1234567890")
	card, err := devices.NewTag(devices.TagUID, []byte{0x04, 0xa2, 0xb3, 0xc4})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]devices.Tag{"a": a, "b": b, "long": long, "plus": plus, "box": box, "card": card}
	for _, tag := range all {
		g.put(t, tag)
	}
	base := g.serve(t) + "/api/v1/tags?q="
	for q, want := range map[string][]string{
		a.String():                             {"a"},
		a.String()[4:16]:                       {"a"},
		a.String()[20:]:                        {"a"},
		"3074 257B F719 4E40 0000 1A85":        {"a"},
		"0x3074257bf7194e4000001a85":           {"a"},
		uri:                                    {"a", "plus"},
		"80614141123458":                       {"a", "b", "long", "plus"},
		"(01)80614141123458":                   {"a", "b", "long", "plus"},
		"https://id.gs1.org/01/80614141123458": {"a", "b", "long", "plus"},
		"urn:epc:idpat:sgtin:0614141.812345.*": {"a", "b", "long", "plus"},
		"(01)80614141123458(21)7":              {"b"},
		"(01)80614141123458(21)A7":             {"long"},
		"https://shop.example/01/80614141123458/21/6789": {"a", "plus"},
		"urn:epc:id:sscc:0614141.1234567890":             {"box"},
		"uid:04A2B3C4":                                   {"card"}, "04:a2:b3": {"card"},
		"urn:epc:id:sgtin:0614141.812345.5": {}, "ffffffff": {}, "80614141123457": {},
	} {
		r := get(t, base+url.QueryEscape(q))
		if r.status != http.StatusOK {
			t.Errorf("%s answers %d %s", q, r.status, r.body)
			continue
		}
		got := map[string]bool{}
		for _, it := range items(t, r.object(t)) {
			got[it.(map[string]any)["tag"].(string)] = true
		}
		if len(got) != len(want) {
			t.Errorf("%s finds %v; want %v", q, got, want)
		}
		for _, name := range want {
			if !got[all[name].String()] {
				t.Errorf("%s does not find %s", q, name)
			}
		}
	}
}

func TestFoundTagTellsWhereItIsAndWhatItIs(t *testing.T) {
	g := newGateway(t)
	tag := described(t, epc.Options{Filter: 1}, "urn:epc:id:sgtin:0614141.812345.6789")
	g.put(t, tag)
	trace := aTrace(t)
	trace.Tags[1].Tag = tag
	g.road.traces = []*reconcile.Trace{trace}
	f := items(t, get(t, g.serve(t)+"/api/v1/tags?q="+tag.String()).object(t))[0].(map[string]any)
	says(t, f, map[string]string{
		"tag": tag.String(), "state": "present", "location": "SZ1-A-01", "since": "2026-11-22T11:59:01Z", "last_seen": "2026-11-22T11:59:02Z",
	})
	says(t, f["identity"], map[string]string{
		"scheme": "sgtin-96", "gtin": "80614141123458", "serial": "6789", "uri": "urn:epc:id:sgtin:0614141.812345.6789", "reason": "",
	})
	says(t, f["passes"].([]any)[0], map[string]string{"pass": "p1", "door": "D1", "member": "true", "reads": "4", "why": "rises and falls"})
}

func TestRawTagsSayWhyTheyAreRaw(t *testing.T) {
	g := newGateway(t)
	g.read(t, noon.Add(-time.Minute), 1)
	id := items(t, get(t, g.serve(t)+"/api/v1/tags?q=3001").object(t))[0].(map[string]any)["identity"]
	says(t, id, map[string]string{"scheme": "raw", "gtin": ""})
	if id.(map[string]any)["reason"] == "" {
		t.Error("it does not say why")
	}
}

func TestFoundTagsComeInPages(t *testing.T) {
	g := newGateway(t)
	g.read(t, noon.Add(-time.Hour), 5, 3, 1, 4, 2)
	base := g.serve(t) + "/api/v1/tags?q=30&limit=2&after="
	got, next := "", ""
	for range 3 {
		o := get(t, base+next).object(t)
		for _, it := range items(t, o) {
			got += fmt.Sprint(it.(map[string]any)["tag"], " ")
		}
		next = o["next"].(string)
	}
	if got != "epc:3001 epc:3002 epc:3003 epc:3004 epc:3005 " || next != "" {
		t.Errorf("got %q, then %q", got, next)
	}
}
