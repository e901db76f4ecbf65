package api_test

import (
	"encoding/json"
	"fmt"
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

func TestWhatIsDoneAndWhatIsRefusedIsInTheLog(t *testing.T) {
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
		{"user": "otto", "action": "acknowledgeAlarm", "resource": "alarm", "id": id, "outcome": "done", "permission": "alarm:answer"},
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

// What people change is told with what it was and what it is, and not by the answer's status alone.
func TestDoneChangesSayWhatChanged(t *testing.T) {
	h, a, b := twoSites(t)
	c := h.signIn("admin")
	const epcisEvent = `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent","eventID":"urn:uuid:%s",` +
		`"eventTime":"2026-01-02T03:04:05Z","eventTimeZoneOffset":"+00:00","epcList":["urn:epc:id:sgtin:0614141.107346.1"],"action":"OBSERVE"}`
	document := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0",` +
		`"creationDate":"2026-01-02T03:04:05Z","epcisBody":{"eventList":[` + fmt.Sprintf(epcisEvent, newID()) + `]}}`
	last := map[string]response{}
	delivery := func() string {
		h.receive("epc:3034000000000000000000dd", a["bay"])
		return c.must(200, "GET", "/api/v1/webhooks/"+last["createWebhook"].at("endpoint", "id").(string)+"/deliveries", "").at("items", 0, "id").(string)
	}
	webhook := func() string { return last["createWebhook"].at("endpoint", "id").(string) }
	const draft = `"url":"https://wms.example/","events":["stock"]`
	for _, step := range []struct {
		status                              int
		method, path, body                  string
		action, resource, before, after, of string // of is what the entry is about; "" = anything
		id                                  func() string
	}{
		{200, "POST", "/alarms/" + a["alarm"] + "/acknowledge", `{"comment":"seen"}`, "acknowledgeAlarm", "alarm", `"state":"unacked"`, `"comment":"seen"`, a["alarm"], nil},
		{200, "POST", "/alarms/" + a["alarm"] + "/shelve", `{"minutes":5,"reason":"works"}`, "shelveAlarm", "alarm", `"pending":"ack`, `"reason":"works"`, a["alarm"], nil},
		{200, "POST", "/alarms/" + b["alarm"] + "/remove-from-service", `{"reason":"works"}`, "removeAlarm", "alarm", `"state":"unacked"`, `"reason":"works"`, b["alarm"], nil},
		{200, "POST", "/doors/" + a["door"] + "/expected", `{"id":"ASN-1","tags":["epc:3034000000000000000000cc"]}`, "expect", "door", "null", `"list":"ASN-1"`, a["door"], nil},
		{200, "POST", "/proposals/" + a["proposal"] + "/approve", `{}`, "approveProposal", "proposal", `"state":"proposed"`, `"state":"approved"`, a["proposal"], nil},
		{200, "POST", "/proposals/" + b["proposal"] + "/reject", `{"reason":"enough"}`, "rejectProposal", "proposal", `"state":"proposed"`, `"reason":"enough"`, b["proposal"], nil},
		{200, "POST", "/plan", `{}`, "plan", "plan", "null", `"considered":2`, "", nil},
		{200, "POST", "/quarantine/" + a["quarantine"] + "/discard", `{"reason":"noise"}`, "discardQuarantine", "discrepancy", `"state":"open"`, `"note":"noise"`, a["quarantine"], nil},
		{200, "POST", "/webhooks", "{" + draft + "}", "createWebhook", "webhook", "null", `"url":"https://wms.example/"`, "", nil},
		{200, "PUT", "/webhooks/{id}", `{"description":"WMS","revision":1,` + draft + "}", "editWebhook", "webhook", `"description":""`, `"description":"WMS"`, "", webhook},
		{200, "POST", "/webhooks/{id}/rotate", `{"overlap_seconds":60}`, "rotateWebhook", "webhook", `"revision":2`, `"rotated":true`, "", webhook},
		{200, "POST", "/webhook-deliveries/{id}/redeliver", `{}`, "redeliver", "webhook-delivery", `"state":"pending"`, `"state":"pending"`, "", delivery},
		{200, "POST", "/webhooks/{id}/redeliver", `{"since":"2026-01-01T00:00:00Z"}`, "redeliverWebhook", "webhook", "null", `"redelivered":0`, "", webhook},
		{200, "POST", "/webhooks/{id}/disable", `{"reason":"moving"}`, "disableWebhook", "webhook", `"state":"enabled"`, `"state":"disabled"`, "", webhook},
		{200, "POST", "/webhooks/{id}/enable", `{}`, "enableWebhook", "webhook", `"state":"disabled"`, `"state":"enabled"`, "", webhook},
		{200, "DELETE", "/webhooks/{id}", "", "removeWebhook", "webhook", `"description":"WMS"`, "null", "", webhook},
		{202, "POST", "/epcis/v2/capture", document, "epcisCapture", "epcis-capture", "null", `"captured":1`, "", nil},
		{201, "POST", "/epcis/v2/events", fmt.Sprintf(epcisEvent, newID()), "epcisCaptureEvent", "epcis-capture", "null", `"captured":1`, "", nil},
		{201, "POST", "/epcis/v2/queries", `{"name":"seen","query":{"eventType":"ObjectEvent"}}`, "epcisAddQuery", "epcis-query", "null", `"eventType":"ObjectEvent"`, "seen", nil},
		{204, "DELETE", "/epcis/v2/queries/seen", "", "epcisRemoveQuery", "epcis-query", `"eventType":"ObjectEvent"`, "null", "seen", nil},
		{204, "POST", "/valuation/items/SKU-1/method", `{"method":"fifo","from":"2026-01-01T00:00:00Z"}`, "setMethod", "valuation-method", "null", `"method":"fifo"`, "SKU-1", nil},
		{204, "POST", "/valuation/items/SKU-1/method", `{"method":"average","from":"2026-02-01T00:00:00Z"}`, "setMethod", "valuation-method", `"method":"fifo"`, `"method":"average"`, "SKU-1", nil},
		{200, "POST", "/users/anke/disabled", `{"disabled":true}`, "disableUser", "user", `"disabled":false`, `"disabled":true`, "anke", nil},
		{200, "POST", "/users/anke/password", ``, "resetPassword", "user", `"made":false`, `"made":true`, "anke", nil},
	} {
		id := step.of
		if step.id != nil {
			id = step.id()
		}
		path := "/api/v1" + step.path
		if strings.HasPrefix(step.path, "/epcis/") {
			path = step.path
		}
		r := c.must(step.status, step.method, strings.Replace(path, "{id}", id, 1), step.body)
		last[step.action] = r
		var mine []api.Change
		text, err := json.Marshal(c.changes("limit=20"))
		if err == nil {
			err = json.Unmarshal(text, &mine)
		}
		if err != nil {
			t.Fatal(err)
		}
		mine = slices.DeleteFunc(mine, func(e api.Change) bool { return e.Request != r.header.Get("X-Request-ID") })
		if len(mine) != 1 {
			t.Errorf("%s: %d entries: %+v", step.action, len(mine), mine)
			continue
		}
		e := mine[0]
		if e.User != "admin" || e.Action != step.action || e.Outcome != "done" || e.Resource != step.resource || id != "" && e.ID != id ||
			!strings.Contains(string(e.Before), step.before) || !strings.Contains(string(e.After), step.after) {
			t.Errorf("%s: %+v: %s -> %s", step.action, e, e.Before, e.After)
		}
	}
	all := c.do("GET", "/api/v1/audit?limit=1000", "").body
	for _, action := range []string{"createWebhook", "rotateWebhook"} {
		if strings.Contains(all, last[action].at("secret").(string)) {
			t.Errorf("the log has the secret of %s", action)
		}
	}
}
