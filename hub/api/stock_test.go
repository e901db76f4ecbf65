package api_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestSnapshotHasStockAndLevelsInColumns(t *testing.T) {
	h := start(t)
	h.catalogue()
	h.receive("epc:30340000000000000000000a", "SZ1-A-01")
	h.receive("epc:30340000000000000000000b", "SZ1-A-01")
	r := h.signIn("vera").do("GET", "/api/v1/stock/snapshot", "")
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	cols, err := json.Marshal(r.at("cols"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"item":[0,1],"location":[0,0],"max":[0,20],"min":[0,5],"on_hand":[2,0],"seen_ms":[1795334400000,0],"unseen":[0,0]}`
	if string(cols) != want {
		t.Errorf("columns %s\nwant    %s", cols, want)
	}
	if r.at("site") != "SZ1" || r.at("seq").(float64) < 1 || r.at("now_ms").(float64) < 1e12 {
		t.Errorf("head of %s", r.body)
	}
	if r.at("items", 0, "name", "zh") != "全脂牛奶" || r.at("locations", 2, "code") != "SZ1-A-01" || r.at("places", 0) != "SZ1-A-01" || r.at("locations", 2, "w") != 30.0 ||
		r.at("locations", 2, "temp_low") != nil || r.at("items", 0, "unit") != "EA" {
		t.Errorf("names of %s", r.body)
	}
}

func TestEmptyHubAnswersListsNotNull(t *testing.T) {
	h := start(t)
	c := h.signIn("vera")
	if r := c.do("GET", "/api/v1/stock/snapshot", ""); r.status != 200 || strings.Contains(r.body, ":null") {
		t.Errorf("snapshot: %d %s", r.status, r.body)
	}
	for _, path := range []string{
		"/movements", "/catalog/items", "/catalog/locations", "/catalog/suppliers", "/doors", "/doors/SZ1-D1/passes", "/alarms?state=all",
		"/edges", "/proposals?state=all", "/orders", "/quarantine",
	} {
		if r := c.do("GET", "/api/v1"+path, ""); r.status != 200 || strings.TrimSpace(r.body) != `{"items":[],"next":""}` {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := c.do("GET", "/api/v1/series", ""); r.status != 200 || strings.TrimSpace(r.body) != `{"sensors":[],"next":""}` {
		t.Errorf("series: %d %s", r.status, r.body)
	}
}

func TestUnknownThingsAreNotFound(t *testing.T) {
	h := start(t)
	c := h.signIn("admin")
	for _, request := range []string{
		"GET /movements/x", "GET /stock/x/y", "GET /passes/x", "GET /alarms/x", "GET /proposals/x", "POST /alarms/x/acknowledge",
		"POST /alarms/x/unshelve", "POST /proposals/x/approve", "POST /quarantine/x/retry",
	} {
		method, path, _ := strings.Cut(request, " ")
		body := ""
		if method == "POST" {
			body = "{}"
		}
		t.Run(request, func(t *testing.T) { refused(t, c.do(method, "/api/v1"+path, body), 404, "not_found") })
	}
}

func TestRowOfStockIsExplained(t *testing.T) {
	h := start(t)
	h.catalogue()
	id := h.receive("epc:30340000000000000000000a", "SZ1-A-01")
	c := h.signIn("vera")
	r := c.do("GET", "/api/v1/stock/SKU-1/SZ1-A-01", "")
	if r.status != 200 || r.at("row", "on_hand") != 1.0 || r.at("row", "seen_at") != "2026-11-22T08:00:00Z" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r.at("tags", 0, "tag") != "epc:30340000000000000000000a" || r.at("tags", 0, "state") != "available" || r.at("tags", 0, "lot") != "L1" {
		t.Errorf("tags of %s", r.body)
	}
	if r.at("movements", 0, "id") != id || r.at("movements", 0, "evidence", "reads") != 7.0 || r.at("movements", 0, "entries", 1, "quantity") != 1.0 {
		t.Errorf("movements of %s", r.body)
	}
	one := c.do("GET", "/api/v1/movements/"+id, "")
	if one.status != 200 || one.at("kind") != "receive" || one.at("entries", 0, "location") != "SUPPLIER" {
		t.Errorf("movement: %d %s", one.status, one.body)
	}
	if r := c.do("GET", "/api/v1/stock/SKU-2/SZ1-A-01", ""); r.status != 200 || r.at("row", "min") != 5.0 || r.at("row", "seen_at") != nil {
		t.Errorf("a row with only a level: %d %s", r.status, r.body)
	}
}

func TestMovementsArePagedNewestFirst(t *testing.T) {
	h := start(t)
	var want []string
	for i := range 7 {
		want = append([]string{h.receive(fmt.Sprintf("epc:3034000000000000000000%02x", i), "SZ1-A-01")}, want...)
	}
	other := h.receive("epc:3034000000000000000000ff", "SZ1-A-02")
	c := h.signIn("vera")
	var got []string
	path := "/api/v1/movements?location=SZ1-A-01&limit=3"
	for next := ""; ; {
		r := c.do("GET", path+"&before="+next, "")
		for _, m := range r.at("items").([]any) {
			got = append(got, m.(map[string]any)["id"].(string))
		}
		if next = r.at("next").(string); next == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for filter, id := range map[string]string{
		"tag=epc:3034000000000000000000ff": other, "item=SKU-1&location=SZ1-A-02": other, "limit=1": other,
	} {
		if r := c.do("GET", "/api/v1/movements?"+filter, ""); len(r.at("items").([]any)) != 1 || r.at("items", 0, "id") != id {
			t.Errorf("%s: %s", filter, r.body)
		}
	}
	refused(t, c.do("GET", "/api/v1/movements?limit=100000", ""), 422, "invalid")
}

func TestImportTakesAllRowsOrNone(t *testing.T) {
	h := start(t)
	c := h.signIn("paula")
	r := c.do("POST", "/api/v1/catalog/items/import", "id,name_en\nSKU-1,Milk\nSKU-2,Butter\n")
	if r.status != 200 || r.at("rows") != 2.0 || r.at("inserted") != 2.0 || r.at("kind") != "items" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r = c.do("POST", "/api/v1/catalog/items/import", "id,name_en,cost\nSKU-3,Cheese,1.5\n,Nameless,x\n")
	refused(t, r, 422, "import_refused")
	if r.at("errors", 0, "line") != 3.0 || r.at("errors", 0, "column") != "cost" ||
		r.at("errors", 1, "column") != "id" || r.at("report", "problems", 1, "hint", "zh") != "每行都须有值" || r.at("params", "kind") != "items" {
		t.Errorf("errors of %s", r.body)
	}
	if r := c.do("GET", "/api/v1/catalog/items", ""); len(r.at("items").([]any)) != 2 {
		t.Errorf("after the refused file: %s", r.body)
	}
	refused(t, c.do("POST", "/api/v1/catalog/colours/import", "id\n1\n"), 422, "invalid")
}

func TestAnswersAreCompressedForThoseWhoTakeIt(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("vera")
	r := c.request(t.Context(), "GET", "/api/v1/stock/snapshot", "")
	r.Header.Set("Accept-Encoding", "gzip")
	packed := c.send(r)
	if packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", packed.header)
	}
	z, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.NewDecoder(z).Decode(&v); err != nil || v["site"] != "SZ1" {
		t.Errorf("%v, %v", v, err)
	}
}
