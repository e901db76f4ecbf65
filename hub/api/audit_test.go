package api_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/tenant"
)

// changes gives what the log has of a resource, the newest first.
func (c *client) changes(query string) []any {
	c.t.Helper()
	r := c.do("GET", "/api/v1/audit?"+query, "")
	if r.status != 200 {
		c.t.Fatalf("%d %s", r.status, r.body)
	}
	return r.at("items").([]any)
}

func TestChangesOfUsersAreInTheLog(t *testing.T) {
	h := start(t)
	c := h.signIn("admin")
	made := c.do("POST", "/api/v1/users", `{"name":"Nina","grants":[{"role":"buyer","site":"SZ1"}],"language":"en"}`)
	if made.status != 200 || made.at("user") != "nina" || len(made.at("password").(string)) < 20 {
		t.Fatalf("%d %s", made.status, made.body)
	}
	changed := c.do("POST", "/api/v1/users/nina/grants", `{"grants":[{"role":"finance","site":""}]}`)
	if changed.status != 200 || changed.at("grants", 0, "role") != "finance" {
		t.Fatalf("%d %s", changed.status, changed.body)
	}
	log := c.changes("resource=user&id=nina")
	if len(log) != 2 {
		t.Fatalf("log %v", log)
	}
	e := log[0].(map[string]any)
	before, after := e["before"].(map[string]any), e["after"].(map[string]any)
	if e["user"] != "admin" || e["token"] != "" || e["address"] != "127.0.0.1" || e["request"] != changed.header.Get("X-Request-ID") ||
		e["permission"] != "user:manage" || e["action"] != "setGrants" || e["outcome"] != "done" || len(e["hash"].(string)) != 64 ||
		before["grants"].([]any)[0].(map[string]any)["role"] != "buyer" || after["grants"].([]any)[0].(map[string]any)["role"] != "finance" {
		t.Errorf("entry %v", e)
	}
	all := c.do("GET", "/api/v1/audit?limit=1000", "").body
	for _, secret := range []string{made.at("password").(string), password, "$argon2id", c.cookie.Value, c.csrf} {
		if strings.Contains(all, secret) {
			t.Errorf("the log has the secret %.12s…", secret)
		}
	}
}

func TestChangesThatNoStoreTellsOfAreInTheLogToo(t *testing.T) {
	h := start(t)
	id := h.raise(1)
	c, admin := h.signIn("otto"), h.signIn("admin")
	if r := c.do("POST", "/api/v1/alarms/"+id+"/acknowledge", "{}"); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	refused(t, c.do("POST", "/api/v1/alarms/nothing/acknowledge", "{}"), 404, "not_found")
	refused(t, c.do("POST", "/api/v1/plan", "{}"), 403, "permission_required")
	refused(t, (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"Otto","password":"a wrong guess"}`), 401, "bad_credentials")
	h.token("paula", tenant.PlanRun).do("POST", "/api/v1/plan", "{}")
	want := []map[string]any{
		{"user": "paula", "action": "plan", "resource": "plan", "outcome": "done", "permission": "plan:run"},
		{"user": "otto", "action": "signIn", "resource": "session", "outcome": "refused"},
		{"user": "otto", "action": "plan", "resource": "plan", "outcome": "refused", "permission": "plan:run"},
		{"user": "otto", "action": "acknowledgeAlarm", "resource": "alarms", "id": "nothing", "outcome": "refused"},
		{"user": "otto", "action": "acknowledgeAlarm", "resource": "alarms", "id": id, "outcome": "done", "permission": "alarm:answer"},
	}
	var log []any
	for _, e := range admin.changes("limit=20") {
		if e.(map[string]any)["resource"] != "api-token" {
			log = append(log, e)
		}
	}
	for i, w := range want {
		for name, value := range w {
			if got := log[i].(map[string]any)[name]; got != value {
				t.Errorf("entry %d: %s is %v, want %v: %v", i, name, got, value, log[i])
			}
		}
	}
	if token := log[0].(map[string]any)["token"]; token == "" {
		t.Error("the entry does not name the token")
	}
}

// Every route that changes something leaves an entry, whatever came of it.
func TestEveryChangeIsInTheLog(t *testing.T) {
	h := startWith(t, options{limits: wide})
	c, reader := h.signIn("admin"), h.signIn("admin")
	for _, row := range api.Table() {
		if row.Method == "GET" || row.Method == "OPTIONS" || row.Public {
			continue
		}
		c.ask(row, "x")
		if row.ID == "signOut" {
			c = h.signIn("admin")
		}
		found := false
		for _, e := range reader.changes("limit=30") {
			found = found || e.(map[string]any)["action"] == row.ID
		}
		if !found {
			t.Errorf("%s %s is not in the log", row.Method, row.Path)
		}
	}
}

func TestTheLogIsPagedExportedAndVerified(t *testing.T) {
	h := startWith(t, options{limits: wide})
	c := h.signIn("admin")
	for range 5 {
		c.do("POST", "/api/v1/plan", "{}")
	}
	var seqs []float64
	for next := ""; ; {
		r := c.do("GET", "/api/v1/audit?limit=4&before="+next, "")
		for _, e := range r.at("items").([]any) {
			seqs = append(seqs, e.(map[string]any)["seq"].(float64))
		}
		if next = r.at("next").(string); next == "" {
			break
		}
	}
	export := c.do("GET", "/api/v1/audit/export", "")
	lines := strings.Split(strings.TrimSpace(export.body), "\n")
	if export.header.Get("Content-Type") != "application/x-ndjson" || len(lines) != len(seqs) || len(seqs) < 15 {
		t.Errorf("%d lines, %d entries, %v", len(lines), len(seqs), export.header)
	}
	for i, line := range lines {
		var e struct{ Seq float64 }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != seqs[i] || seqs[i] != float64(len(seqs)-i) {
			t.Errorf("line %d: %v, %s", i, err, line)
		}
	}
	v := c.do("GET", "/api/v1/audit/verify", "")
	if v.status != 200 || v.at("entries") != float64(len(seqs)) || len(v.at("wrong").([]any)) != 0 {
		t.Errorf("%d %s", v.status, v.body)
	}
	refused(t, c.do("GET", "/api/v1/audit?before=x", ""), 422, "invalid")
	refused(t, c.do("GET", "/api/v1/audit?from=yesterday", ""), 422, "invalid")
}

// Changes of the catalogue and of the ledger are in the log once each, with before and after, as what the route is called.
func TestChangesOfTheCatalogueAndTheLedgerAreInTheLog(t *testing.T) {
	h, a, _ := twoSites(t)
	c := h.signIn("admin")
	item := c.must(200, "GET", "/api/v1/items/SKU-1", "")
	made := c.must(201, "POST", "/api/v1/movements", `{"item":"SKU-1","quantity":2,"from":"SUPPLIER","to":"`+a["bay"]+`"}`)
	for _, change := range []struct{ action, resource, id, before, after string }{
		{"move", "movement", made.at("id").(string), "null", `"quantity":2`},
		{"putItem", "item", "SKU-1", `"en":"Whole milk"`, `"en":"Milk"`},
		{"import", "item", "SKU-1", `"name_en":"Milk"`, `"name_en":"Skimmed"`},
		{"discardQuarantine", "discrepancy", a["quarantine"], `"state":"open"`, `"state":"discarded"`},
		{"rejectCount", "count", a["count"], `"state":"submitted"`, `"state":"rejected"`},
		{"releaseReservation", "reservation", a["reservation"], `"state":"held"`, `"state":"released"`},
		{"putPolicy", "policy", "GATE*", "null", `"threshold_permille":700`},
		{"reverseMovement", "movement", made.at("id").(string), `"reverses":""`, `"reverses":"` + made.at("id").(string) + `"`},
	} {
		var r response
		switch change.action {
		case "move":
			r = made
		case "putItem":
			r = c.must(200, "PUT", "/api/v1/items/SKU-1", strings.Replace(item.body, "Whole milk", "Milk", 1), "If-Match", item.header.Get("ETag"))
		case "import":
			r = c.must(200, "POST", "/api/v1/catalog/items/import", "id,name_en\nSKU-1,Skimmed\n")
		case "discardQuarantine":
			r = c.must(200, "POST", "/api/v1/quarantine/"+a["quarantine"]+"/discard", `{"reason":"noise"}`)
		case "rejectCount":
			r = c.must(200, "POST", "/api/v1/counts/"+a["count"]+"/reject", `{"reason":"not believed"}`)
		case "releaseReservation":
			r = c.must(200, "POST", "/api/v1/reservations/"+a["reservation"]+"/release", "{}")
		case "putPolicy":
			r = c.must(201, "PUT", "/api/v1/policies/GATE*", `{"read_point":"GATE*","threshold_permille":700}`, "If-None-Match", "*")
		case "reverseMovement":
			r = c.must(201, "POST", "/api/v1/movements/"+change.id+"/reverse", "{}")
		}
		var mine []api.Change
		text, err := json.Marshal(c.changes("limit=50"))
		if err == nil {
			err = json.Unmarshal(text, &mine)
		}
		if err != nil {
			t.Fatal(err)
		}
		mine = slices.DeleteFunc(mine, func(e api.Change) bool { return e.Request != r.header.Get("X-Request-ID") })
		i := slices.IndexFunc(mine, func(e api.Change) bool { return e.Resource == change.resource && e.ID == change.id })
		if want := map[bool]int{true: 2, false: 1}[change.action == "import"]; i < 0 || len(mine) != want {
			t.Errorf("%s: %d entries: %+v", change.action, len(mine), mine)
			continue
		}
		e := mine[i]
		if e.User != "admin" || e.Action != change.action || e.Outcome != "done" || !strings.Contains(string(e.Before), change.before) || !strings.Contains(string(e.After), change.after) {
			t.Errorf("%s: %+v: %s -> %s", change.action, e, e.Before, e.After)
		}
	}
	refused(t, c.do("POST", "/api/v1/movements", `{"item":"SKU-1","quantity":900,"from":"`+a["bay"]+`","to":"LOSS"}`), 409, "short")
	if e := c.changes("limit=1")[0].(map[string]any); e["action"] != "move" || e["outcome"] != "refused" {
		t.Errorf("a refusal: %v", e)
	}
}
