package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestDocumentsAreChangedOnlyAsTheyWereRead(t *testing.T) {
	h := startWith(t, options{limits: wide})
	h.catalogue()
	c := h.signIn("admin")
	for path, v := range map[string]struct{ first, second, other string }{
		"/items/NEW-1": {
			`{"id":"NEW-1","gtin":"4006381333931","name":{"en":"New","zh":""},"unit":"","category":"","cost":1}`,
			`{"id":"NEW-1","gtin":"","name":{"en":"Newer","zh":"新"},"unit":"KGM","category":"x","cost":2}`, "#/id",
		},
		"/items/SKU-1/packs/CS": {
			`{"item":"SKU-1","code":"CS","units":12,"gtin":"","name":{"en":"","zh":""}}`,
			`{"item":"SKU-1","code":"CS","units":6,"gtin":"","name":{"en":"Case","zh":""}}`, "#/item",
		},
		"/items/SKU-1/lots/" + url.PathEscape("L/1 ü"): {
			`{"item":"SKU-1","lot":"L/1 ü","made":"","expires":"2026-12-31","supplier":""}`,
			`{"item":"SKU-1","lot":"L/1 ü","made":"2026-01-01","expires":"2026-12-31","supplier":""}`, "#/item",
		},
		"/locations/SZ1-B": {
			`{"code":"SZ1-B","site":"SZ1","parent":"","kind":"zone","name":{"en":"","zh":""},"x":0,"y":0,"w":0,"h":0}`,
			`{"code":"SZ1-B","site":"SZ1","parent":"SZ1-A","kind":"bay","name":{"en":"B","zh":""},"x":1,"y":2,"w":3,"h":4}`, "#/code",
		},
		"/suppliers/S-1": {`{"id":"S-1","name":{"en":"One","zh":""}}`, `{"id":"S-1","name":{"en":"One Ltd","zh":""}}`, "#/id"},
		"/policies/" + url.PathEscape("SZ1-*"): {
			`{"read_point":"SZ1-*","threshold_permille":700}`, `{"read_point":"SZ1-*","threshold_permille":800}`, "#/read_point",
		},
	} {
		at := "/api/v1" + path
		refused(t, c.do("GET", at, ""), 404, "not_found")
		refused(t, c.do("PUT", at, v.first), 428, "precondition_required")
		refused(t, c.with("PUT", at, v.first, "If-Match", "*"), 412, "precondition_failed")
		made := c.must(201, "PUT", at, v.first, "If-None-Match", "*")
		tag := made.header.Get("ETag")
		if read := c.must(200, "GET", at, ""); read.header.Get("ETag") != tag || !strings.HasPrefix(tag, `"`) || read.body != made.body {
			t.Errorf("%s: read %s %s; want %s %s", path, read.header.Get("ETag"), read.body, tag, made.body)
		}
		if same := c.with("GET", at, "", "If-None-Match", `"x", `+tag); same.status != 304 || same.body != "" || same.header.Get("ETag") != tag {
			t.Errorf("%s: %d %q of what is known", path, same.status, same.body)
		}
		refused(t, c.with("PUT", at, v.second, "If-None-Match", "*"), 412, "precondition_failed")
		refused(t, c.with("PUT", at, v.second, "If-Match", `"other"`), 412, "precondition_failed")
		other := c.with("PUT", at+"x", v.second, "If-Match", "*")
		refused(t, other, 422, "invalid")
		if p := other.at("errors", 0, "pointer"); p != v.other && len(strings.Split(path, "/")) == 3 {
			t.Errorf("%s: another key is pointed at by %v; want %s", path, p, v.other)
		}
		changed := c.must(200, "PUT", at, v.second, "If-Match", tag)
		if changed.header.Get("ETag") == tag {
			t.Errorf("%s: changed, and its ETag is the same", path)
		}
		refused(t, c.with("PUT", at, v.first, "If-Match", tag), 412, "precondition_failed")
		refused(t, c.do("DELETE", at, ""), 428, "precondition_required")
		refused(t, c.with("DELETE", at, "", "If-Match", tag), 412, "precondition_failed")
		c.must(204, "DELETE", at, "", "If-Match", changed.header.Get("ETag"))
		refused(t, c.with("DELETE", at, "", "If-Match", "*"), 404, "not_found")
	}
}

func TestDocumentsAreCheckedAsImportsAre(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("paula")
	for path, v := range map[string]struct{ body, pointer, code string }{
		"/items/A%20B":           {`{"id":"A B","gtin":"","name":{"en":"x","zh":""},"unit":"","category":"","cost":0}`, "#/id", "bad_id"},
		"/items/A":               {`{"id":"A","gtin":"123","name":{"en":"x","zh":""},"unit":"","category":"","cost":0}`, "#/gtin", "not_a_gtin"},
		"/items/B":               {`{"id":"B","gtin":"","name":{"en":"","zh":""},"unit":"","category":"","cost":0}`, "#/name/en", "nameless"},
		"/items/NONE/packs/CS":   {`{"item":"NONE","code":"CS","units":1,"gtin":"","name":{"en":"","zh":""}}`, "#/item", "unknown_item"},
		"/items/SKU-1/packs/CS":  {`{"item":"SKU-1","code":"CS","units":0,"gtin":"","name":{"en":"","zh":""}}`, "#/units", "out_of_range"},
		"/locations/SZ1-C":       {`{"code":"SZ1-C","site":"SZ1","parent":"NONE","kind":"bay","name":{"en":"","zh":""},"x":0,"y":0,"w":0,"h":0}`, "#/parent", "unknown_place"},
		"/locations/SZ1-D":       {`{"code":"SZ1-D","site":"SZ1","parent":"SZ1-D","kind":"bay","name":{"en":"","zh":""},"x":0,"y":0,"w":0,"h":0}`, "#/parent", "in_itself"},
		"/locations/SZ1-E":       {`{"code":"SZ1-E","site":"SZ1","parent":"","kind":"cave","name":{"en":"","zh":""},"x":0,"y":0,"w":0,"h":0}`, "#/kind", "not_one_of"},
		"/items/SKU-1/lots/L-99": {`{"item":"SKU-1","lot":"L-99","made":"2026-02-01","expires":"2026-01-01","supplier":""}`, "#/expires", "too_early"},
	} {
		r := c.with("PUT", "/api/v1"+path, v.body, "If-None-Match", "*")
		refused(t, r, 422, "invalid")
		if r.at("errors", 0, "pointer") != v.pointer || r.at("errors", 0, "code") != v.code {
			t.Errorf("%s: %s; want %s %s", path, r.body, v.pointer, v.code)
		}
	}
}

func TestWhatTheLedgerKnowsIsNotDeleted(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("paula")
	h.signIn("otto").must(201, "POST", "/api/v1/movements", receiveTen)
	c.must(201, "PUT", "/api/v1/items/SKU-1/lots/L1", `{"item":"SKU-1","lot":"L1","made":"","expires":"","supplier":""}`, "If-None-Match", "*")
	for _, path := range []string{"/items/SKU-1", "/items/SKU-1/lots/L1", "/locations/SZ1-A-01", "/locations/SZ1"} {
		refused(t, c.with("DELETE", "/api/v1"+path, "", "If-Match", "*"), 409, "conflict")
	}
}

// walk follows the links of a list and gives the ids of what it has.
func (c *client) walk(path, id string) (ids []string) {
	c.t.Helper()
	for pages := 0; path != ""; pages++ {
		r := c.must(200, "GET", path, "")
		items, isList := r.at("items").([]any)
		if !isList || pages > 100 {
			c.t.Fatalf("%s: page %d: %s", path, pages, r.body)
		}
		for _, v := range items {
			ids = append(ids, fmt.Sprint(v.(map[string]any)[id]))
		}
		link := r.header.Get("Link")
		if (link == "") != (r.at("next") == "") {
			c.t.Errorf("%s: next %q and Link %q", path, r.at("next"), link)
		}
		if path = ""; link != "" {
			path, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		}
	}
	return ids
}

func TestListsAreReadPageByPageByTheirLinks(t *testing.T) {
	h := startWith(t, options{limits: wide})
	h.demand()
	var rows strings.Builder
	rows.WriteString("id,name_en\n")
	for i := range 23 {
		fmt.Fprintf(&rows, "ITEM-%02d,x\n", i)
	}
	h.importCSV("items", rows.String())
	h.importCSV("packs", strings.Replace(strings.ReplaceAll(rows.String(), ",x\n", ",CS,2\n"), "id,name_en", "item,code,units", 1))
	c := h.signIn("admin")
	for i := range 11 {
		c.must(201, "POST", "/api/v1/movements", fmt.Sprintf(`{"item":"ITEM-%02d","lot":"L%d","quantity":3,"from":"SUPPLIER","to":"SZ1-A-01"}`, i%3, i))
		c.must(201, "POST", "/api/v1/reservations", fmt.Sprintf(`{"item":"ITEM-%02d","places":["SZ1-A-01"],"quantity":1}`, i%3))
		c.must(201, "POST", "/api/v1/counts", `{"site":"SZ1","locations":["SZ1-A-01"]}`)
	}
	for path, v := range map[string]struct {
		id string
		n  int
	}{
		"/catalog/items?limit=4":                    {"id", 25},
		"/catalog/locations?limit=1":                {"code", 3},
		"/catalog/packs?limit=4":                    {"item", 23},
		"/stock/balances?limit=3&location=SZ1-A-01": {"lot", 11},
		"/movements?limit=4":                        {"id", 11},
		"/movements?limit=4&item=ITEM-00":           {"id", 4},
		"/reservations?limit=2":                     {"id", 11},
		"/counts?limit=5":                           {"id", 11},
		"/policies?limit=5":                         {"read_point", 0},
	} {
		ids := c.walk("/api/v1"+path, v.id)
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) != v.n || len(seen) != v.n {
			t.Errorf("%s: %d, of them %d different; want %d", path, len(ids), len(seen), v.n)
		}
	}
	for _, path := range []string{"/catalog/items?cursor=nothing", "/stock/balances?cursor=!", "/counts?cursor=x", "/catalog/items?limit=0", "/movements?limit=501"} {
		refused(t, c.do("GET", "/api/v1"+path, ""), 422, "invalid")
	}
}
