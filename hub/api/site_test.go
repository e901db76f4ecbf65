package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/tenant"
)

// The sites; every name of the second has its code in it.
const (
	siteA = "NORTH"
	siteB = "SOUTH"
)

// site fills a site with one thing of every kind, and gives their ids by the routes that show them.
func (h *hub) site(site string) map[string]string {
	h.t.Helper()
	edge, bay, door := site+"-E1", site+"-A-01", site+"-D1"
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	h.importCSV("locations", fmt.Sprintf("code,site,parent,kind,name_en,x,y,w,h\n%[1]s,%[1]s,,site,%[1]s,0,0,0,0\n%[2]s,%[1]s,%[1]s,bay,%[2]s,1,2,30,4\n", site, bay))
	var demand strings.Builder
	demand.WriteString("item,site,day,quantity\n")
	for i := 1; i <= 120; i++ {
		fmt.Fprintf(&demand, "SKU-1,%s,%s,%d\n", site, time.Now().UTC().AddDate(0, 0, -i).Format(time.DateOnly), 8+i%5)
	}
	h.importCSV("demand", demand.String())
	_, _, err := store.Intake{DB: h.db}.Status(h.t.Context(), wire.Status{
		Edge: edge, Site: site, Online: true, At: at, Software: "1",
		Doors:   []wire.Door{{ID: door, Location: bay, Devices: []string{site + "-r1"}}},
		Devices: []wire.Device{{ID: site + "-r1", State: devices.Up, Location: bay}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	id := map[string]string{"stockRow": bay, "alarm": uuid.Must(uuid.NewV7()).String(), "quarantine": uuid.Must(uuid.NewV7()).String()}
	id["excursion"], id["pass"], id["door"] = site+"-X1", site+"-P1", door
	h.take(func(tx intake.Tx) error {
		err := tx.PutAlarm(edge, 1, 1, wire.Alarm{
			ID: id["alarm"], Rule: site + "-rule", Source: "probe", Location: bay, Class: "cold_chain", Priority: alarm.Critical,
			From: alarm.Normal, To: alarm.Unacked, Action: alarm.Raise, At: at, Reason: "high",
		})
		if err != nil {
			return err
		}
		err = tx.PutExcursion(edge, wire.Excursion{
			ID: id["excursion"], Rule: site + "-rule", Source: "probe", Location: bay, Quantity: unit.Temperature, Kind: "high", Limit: 8000,
			Began: at, Worst: 9000, WorstAt: at,
		})
		if err != nil {
			return err
		}
		if err := tx.PutPass(edge, wire.Pass{ID: id["pass"], Door: door, Direction: wire.In, Opened: at, Closed: at, Tags: 3}); err != nil {
			return err
		}
		if err := tx.PutVerdict(edge, wire.Verdict{Door: door, Pass: id["pass"], List: site + "-ASN", Signal: "ok", At: at}); err != nil {
			return err
		}
		if err := tx.PutSample(edge, wire.Sample{Device: site + "-probe", Location: bay, Quantity: unit.Temperature, Value: 4000, At: at}); err != nil {
			return err
		}
		return tx.Park(intake.Entry{
			ID: id["quarantine"], Key: edge + "/1/7", Edge: edge, Epoch: 1, Seq: 7, At: at, Reason: intake.BadMessage, Detail: "no envelope",
			Record: []byte(`{"bytes":"00"}`), State: intake.Open, Raw: []byte{0},
		})
	})
	id["tag"] = "epc:3034000000000000000000" + map[string]string{siteA: "aa", siteB: "bb"}[site]
	id["movement"] = h.receive(id["tag"], bay)
	id["bay"], id["site"], id["reservation"], id["count"] = bay, site, newID(), newID()
	books := store.Ledger{DB: h.db}
	err = books.Do(h.t.Context(), &ledger.Reserve{
		ID: id["reservation"], Key: site, Item: "SKU-1", Places: []string{bay}, Quantity: 1, For: site + "-SO", Actor: "x", At: at,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := books.OpenCount(h.t.Context(), ledger.Count{ID: id["count"], Site: site, Locations: []string{bay}, OpenedBy: "x", OpenedAt: at}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := books.CountByHand(h.t.Context(), id["count"], ledger.ByHand{Location: bay, Item: "SKU-1", Quantity: 3, Actor: "x", At: at}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := books.SubmitCount(h.t.Context(), id["count"], "x"); err != nil {
		h.t.Fatal(err)
	}
	return id
}

// twoSites is a hub of two sites, with a proposal for each.
func twoSites(t *testing.T) (h *hub, a, b map[string]string) {
	h = startWith(t, options{limits: wide})
	h.importCSV("items", "id,name_en\nSKU-1,Whole milk\n")
	h.importCSV("suppliers", "id,name_en\nS1,Dairy Ltd\n")
	h.importCSV("sources", "item,supplier,lead_time_days,lead_time_sd_days,moq,pack_multiple,price\nSKU-1,S1,3,1,10,5,2.5\n")
	a, b = h.site(siteA), h.site(siteB)
	h.value()
	c := h.signIn("admin")
	if r := c.do("POST", "/api/v1/plan", "{}"); r.status != 200 || r.at("proposals") != 2.0 {
		t.Fatalf("plan: %d %s", r.status, r.body)
	}
	list := c.do("GET", "/api/v1/proposals", "")
	for i := range 2 {
		to := map[string]map[string]string{siteA: a, siteB: b}[list.at("items", i, "site").(string)]
		to["proposal"] = list.at("items", i, "id").(string)
	}
	for name, role := range map[string]tenant.Role{"anton": tenant.Admin, "anke": tenant.Viewer} {
		putUser(t, h.db, name, tenant.Grants{{Role: role, Site: siteA}})
	}
	return h, a, b
}

// idFor is the id that a route is about.
func idFor(row api.TableRow, ids map[string]string) string {
	if row.ID == "stockRow" {
		return ids["stockRow"]
	}
	for part, kind := range map[string]string{
		"/movements/": "movement", "/doors/": "door", "/passes/": "pass", "/alarms/": "alarm", "/excursions/": "excursion",
		"/proposals/": "proposal", "/quarantine/": "quarantine", "/reservations/": "reservation", "/counts/": "count", "/units/": "tag",
		"/locations/": "bay",
	} {
		if strings.Contains(row.Path, part+"{") {
			return ids[kind]
		}
	}
	if strings.Contains(row.Path, "{") && !strings.Contains(row.Path, "{kind}") {
		return "x"
	}
	return ""
}

// question is the query that a route needs to show something.
func question(row api.TableRow) string {
	switch row.ID {
	case "series":
		return "?from=" + time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339)
	case "valuationEntries":
		return "?item=SKU-1"
	}
	return ""
}

// bodies are what changes need to get as far as the thing itself.
var bodies = map[string]string{
	"shelveAlarm": `{"minutes":5,"reason":"x"}`, "removeAlarm": `{"reason":"x"}`, "rejectProposal": `{"reason":"x"}`, "discardQuarantine": `{"reason":"x"}`,
	"expect": `{"id":"ASN-1"}`, "import": "id,name_en\nSKU-9,Nine\n", "rejectCount": `{"reason":"x"}`,
	"move": `{"item":"SKU-1","quantity":1,"from":"SUPPLIER","to":"{bay}"}`, "reserve": `{"item":"SKU-1","places":["{bay}"],"quantity":1}`,
	"openCount": `{"site":"{site}","locations":["{bay}"]}`, "sweep": `{"location":"{bay}","tags":[]}`,
	"countByHand": `{"location":"{bay}","item":"SKU-1","quantity":1}`, "packUnit": `{"children":["epc:3034000000000000000000cc"]}`,
	"correctQuarantine": `{"item":"SKU-1","reason":"x"}`,
}

// siteless are routes that show what is of no site.
var siteless = []string{
	"items", "suppliers", "packs", "lots", "item", "supplier", "pack", "lot", "template", "periods", "orders",
}

// named are routes whose bodies name places, which are not in the catalogue for who does not reach them.
var named = []string{"move", "reserve", "openCount"}

// A user of one site sees nothing of another and changes nothing there, by any route of the table.
func TestNobodyReachesBeyondTheSite(t *testing.T) {
	h, _, b := twoSites(t)
	admin, anton := h.signIn("admin"), h.signIn("anton")
	token := h.token("anton", tenant.Permissions()...)
	narrow := h.siteToken("admin", siteA)
	shown, touched := 0, 0
	for _, row := range api.Table() {
		if row.Public || row.Anybody {
			continue
		}
		for who, c := range map[string]*client{"a user": anton, "a token": token, "a token of a user of all sites": narrow} {
			id := idFor(row, b)
			path := pathOf(row, id) + question(row)
			body := bodies[row.ID]
			if body == "" && row.Method != "GET" {
				body = "{}"
			}
			body = strings.NewReplacer("{bay}", b["bay"], "{site}", b["site"]).Replace(body)
			r := c.do(row.Method, path, body)
			switch {
			case slices.Contains(named, row.ID):
				touched++
				if refused(t, r, 422, "invalid"); r.at("errors", 0, "code") != "unknown_location" {
					t.Errorf("%s by %s: %s", row.ID, who, r.body)
				}
			case row.Whole:
				if r.status != 403 {
					t.Errorf("%s %s by %s: %d %s", row.Method, path, who, r.status, r.body)
				}
			case row.Method != "GET" || id != "" && !slices.Contains([]string{"passes", "verdicts"}, row.ID):
				touched++
				if r.status != 404 {
					t.Errorf("%s %s by %s: %d %s", row.Method, path, who, r.status, r.body)
				}
			default:
				if r.status != 200 || strings.Contains(r.body, siteB) {
					t.Errorf("%s %s by %s: %d %s", row.Method, path, who, r.status, r.body)
				}
				if all := admin.do(row.Method, path, ""); strings.Contains(all.body, siteB) {
					shown++
				} else if !slices.Contains(siteless, row.ID) && row.ID != "stockSnapshot" {
					t.Errorf("%s shows nothing of the other site to anybody, so this test says nothing: %s", path, all.body)
				}
			}
		}
	}
	t.Logf("0 got in: %d lists narrowed, %d things of the other site not found", shown, touched)
	if shown < 30 || touched < 45 {
		t.Errorf("only %d lists and %d things were tried", shown, touched)
	}
}

// siteToken gives a program with a token that is narrowed to a site.
func (h *hub) siteToken(user, site string) *client {
	h.t.Helper()
	u, err := h.users.User(h.t.Context(), user)
	if err != nil {
		h.t.Fatal(err)
	}
	text, _, err := h.users.MakeToken(h.t.Context(), tenant.Principal{User: u.Name, Grants: u.Grants},
		tenant.TokenWish{Name: "narrow", Scopes: tenant.Permissions(), Sites: []string{site}, Life: time.Hour})
	if err != nil {
		h.t.Fatal(err)
	}
	return &client{hub: h, token: text}
}

func TestTheOwnSiteIsThere(t *testing.T) {
	h, a, _ := twoSites(t)
	c := h.signIn("anton")
	for _, row := range api.Table() {
		if row.Public || row.Anybody || row.Whole || row.Method != "GET" || slices.Contains(siteless, row.ID) {
			continue
		}
		path := pathOf(row, idFor(row, a)) + question(row)
		if r := c.do("GET", path, ""); r.status != 200 || !strings.Contains(r.body, siteA) && row.ID != "unit" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	for _, change := range [][2]string{
		{"/alarms/" + a["alarm"] + "/acknowledge", "{}"},
		{"/quarantine/" + a["quarantine"] + "/discard", `{"reason":"x"}`},
		{"/proposals/" + a["proposal"] + "/approve", "{}"},
		{"/doors/" + a["door"] + "/expected", `{"id":"ASN-1"}`},
	} {
		if r := c.do("POST", "/api/v1"+change[0], change[1]); r.status != 200 {
			t.Errorf("%s: %d %s", change[0], r.status, r.body)
		}
	}
	if r := c.do("GET", "/api/v1/orders", ""); !strings.Contains(r.body, siteA) {
		t.Errorf("orders: %s", r.body)
	}
}

// TestListsAreOfOneSite: site= narrows the lists of the console; a site beyond reach has nothing.
func TestListsAreOfOneSite(t *testing.T) {
	h, _, _ := twoSites(t)
	admin, anke := h.signIn("admin"), h.signIn("anke")
	if r := admin.do("GET", "/api/v1/sites", ""); r.status != 200 || len(r.at("items").([]any)) != 2 || r.at("items", 0, "id") != siteA ||
		r.at("items", 1, "name", "en") != siteB || r.at("items", 1, "places") != 2.0 || r.at("items", 1, "edges") != 1.0 || r.at("items", 1, "online") != 1.0 {
		t.Errorf("sites: %d %s", r.status, r.body)
	}
	if r := anke.do("GET", "/api/v1/sites", ""); len(r.at("items").([]any)) != 1 || r.at("items", 0, "id") != siteA {
		t.Errorf("sites of one: %s", r.body)
	}
	refused(t, anke.do("GET", "/api/v1/stock/snapshot?site="+siteB, ""), 404, "not_found")
	from := "from=" + time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339)
	for _, path := range []string{
		"/stock/snapshot", "/stock/snapshot?item=SKU-1", "/edges", "/doors", "/alarms", "/alarms?state=all", "/proposals", "/proposals?state=all",
		"/series?" + from, "/series?quantity=temperature&" + from,
	} {
		with := path + map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "site=" + siteB
		if r := admin.do("GET", "/api/v1"+with, ""); r.status != 200 || !strings.Contains(r.body, siteB) || strings.Contains(r.body, siteA) {
			t.Errorf("%s: %d %s", with, r.status, r.body)
		}
		if strings.HasPrefix(path, "/stock") {
			continue
		}
		r := anke.do("GET", "/api/v1"+with, "")
		if key := map[bool]string{true: "sensors", false: "items"}[strings.HasPrefix(path, "/series")]; r.status != 200 || len(r.at(key).([]any)) != 0 {
			t.Errorf("%s from elsewhere: %d %s", with, r.status, r.body)
		}
	}
	for _, path := range []string{"/stock/snapshot?after=x", "/proposals?cursor=x", "/series?quantity=loudness"} {
		refused(t, admin.do("GET", "/api/v1"+path, ""), 422, "invalid")
	}
}

// Whoever has every permission at one site changes nothing of the ledger at another, whatever is named in what is sent; nor
// is told where things are there.
func TestNobodyWritesTheLedgerBeyondTheSite(t *testing.T) {
	h, a, b := twoSites(t)
	admin, anton := h.signIn("admin"), h.signIn("anton")
	moved := admin.must(201, "POST", "/api/v1/movements", fmt.Sprintf(`{"item":"SKU-1","quantity":4,"from":"SUPPLIER","to":%q}`, b["bay"]))
	between := admin.must(201, "POST", "/api/v1/movements", fmt.Sprintf(`{"item":"SKU-1","quantity":2,"from":%q,"to":%q}`, b["bay"], a["bay"])).at("id").(string)
	both := admin.must(201, "POST", "/api/v1/reservations", fmt.Sprintf(`{"item":"SKU-1","places":[%q,%q],"quantity":4}`, a["bay"], b["bay"])).at("id").(string)
	if holds := admin.must(200, "GET", "/api/v1/reservations/"+both, "").at("holds").([]any); len(holds) != 2 {
		t.Fatalf("holds %v", holds)
	}
	pallet, mixed := "epc:3074000000000000000000f1", "epc:3074000000000000000000f2"
	admin.must(200, "POST", "/api/v1/units/"+pallet+"/pack", fmt.Sprintf(`{"children":[%q]}`, b["tag"]))
	stray := anton.must(201, "POST", "/api/v1/counts", fmt.Sprintf(`{"site":%q,"locations":[%q]}`, siteA, a["bay"]))
	at := "/api/v1/counts/" + stray.at("id").(string)
	anton.must(200, "POST", at+"/sweeps", fmt.Sprintf(`{"location":%q,"tags":[%q,%q]}`, a["bay"], a["tag"], b["tag"]))
	if r := anton.must(200, "POST", at+"/submit", "{}"); r.at("lines", 0, "from") != "ELSEWHERE" || strings.Contains(r.body, siteB) {
		t.Errorf("what the books have elsewhere: %s", r.body)
	}
	seal := admin.must(200, "GET", "/api/v1/ledger/seal", "").body
	for _, try := range []struct {
		path, body string
		status     int
	}{
		{"/movements", fmt.Sprintf(`{"item":"SKU-1","quantity":1,"from":%q,"to":%q}`, b["bay"], a["bay"]), 422},
		{"/movements", fmt.Sprintf(`{"item":"SKU-1","quantity":1,"from":%q,"to":%q}`, a["bay"], b["bay"]), 422},
		{"/movements", fmt.Sprintf(`{"item":"SKU-1","quantity":1,"from":%q,"to":"LOSS"}`, b["bay"]), 422},
		{"/movements", fmt.Sprintf(`{"tags":[%q],"from":%q,"to":"CUSTOMER"}`, b["tag"], b["bay"]), 422},
		{"/movements", fmt.Sprintf(`{"tags":[%q],"from":%q,"to":"CUSTOMER"}`, b["tag"], a["bay"]), 409},
		{"/movements", fmt.Sprintf(`{"tags":[%q],"from":"SUPPLIER","to":%q}`, b["tag"], a["bay"]), 409},
		{"/movements", `{"item":"SKU-1","quantity":1,"from":"SUPPLIER","to":"CUSTOMER"}`, 403},
		{"/movements", `{"item":"SKU-1","quantity":1,"from":"IN_TRANSIT","to":"LOSS"}`, 403},
		{"/movements", fmt.Sprintf(`{"item":"SKU-1","quantity":1,"from":%q,"to":"CUSTOMER","reservation":%q}`, a["bay"], b["reservation"]), 404},
		{"/movements/" + b["movement"] + "/reverse", "{}", 404},
		{"/movements/" + moved.at("id").(string) + "/reverse", "{}", 404},
		{"/movements/" + between + "/reverse", "{}", 403},
		{"/reservations", fmt.Sprintf(`{"item":"SKU-1","places":[%q,%q],"quantity":1}`, a["bay"], b["bay"]), 422},
		{"/reservations/" + b["reservation"] + "/release", "{}", 404},
		{"/reservations/" + both + "/release", "{}", 403},
		{"/units/" + a["tag"] + "/pack", fmt.Sprintf(`{"children":[%q]}`, b["tag"]), 404},
		{"/units/" + b["tag"] + "/pack", fmt.Sprintf(`{"children":[%q]}`, a["tag"]), 404},
		{"/units/" + mixed + "/pack", fmt.Sprintf(`{"children":[%q,%q]}`, a["tag"], b["tag"]), 404},
		{"/units/" + mixed + "/pack", fmt.Sprintf(`{"children":[%q]}`, pallet), 404},
		{"/units/" + mixed + "/pack", `{"children":["epc:3034000000000000000000cc"]}`, 404},
		{"/units/" + pallet + "/pack", fmt.Sprintf(`{"children":[%q]}`, a["tag"]), 404},
		{"/units/" + pallet + "/unpack", "{}", 404},
		{"/counts", fmt.Sprintf(`{"site":%q,"locations":[%q]}`, siteA, b["bay"]), 422},
		{"/counts", fmt.Sprintf(`{"site":%q,"locations":[%q]}`, siteB, a["bay"]), 404},
		{"/counts/" + b["count"] + "/approve", "{}", 404},
		{"/counts/" + b["count"] + "/cancel", "{}", 404},
		{"/counts/" + stray.at("id").(string) + "/approve", "{}", 403},
		{"/quarantine/" + a["quarantine"] + "/correct", fmt.Sprintf(`{"to":%q,"reason":"x"}`, b["bay"]), 404},
		{"/quarantine/" + b["quarantine"] + "/correct", fmt.Sprintf(`{"to":%q,"reason":"x"}`, a["bay"]), 404},
		{"/periods", `{"until":"2020-01-01T00:00:00Z"}`, 403},
	} {
		r := anton.do("POST", "/api/v1"+try.path, try.body)
		if r.status != try.status || strings.Contains(r.body, siteB) && !strings.Contains(try.body, siteB) {
			t.Errorf("%s %s: %d %s; want %d", try.path, try.body, r.status, r.body, try.status)
		}
	}
	if after := admin.must(200, "GET", "/api/v1/ledger/seal", "").body; after != seal {
		t.Errorf("the ledger was written: %s; it was %s", after, seal)
	}
	if r := anton.must(200, "GET", "/api/v1/reservations/"+both, ""); r.at("quantity") != 2.0 || len(r.at("holds").([]any)) != 1 || strings.Contains(r.body, siteB) {
		t.Errorf("a reservation at both sites: %s", r.body)
	}
	refused(t, anton.do("GET", "/api/v1/units/"+pallet, ""), 404, "not_found")
	for _, kind := range []string{"locations", "levels", "demand", "glns", "tags", "sources"} {
		if r := anton.must(200, "GET", "/api/v1/catalog/"+kind+"/export", ""); strings.Contains(r.body, siteB) {
			t.Errorf("%s: %s", kind, r.body)
		}
	}
	for _, query := range []string{"?location=" + b["bay"], "?location=SUPPLIER"} {
		if r := anton.must(200, "GET", "/api/v1/stock/balances"+query, ""); len(r.at("items").([]any)) != 0 {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	// What is partly elsewhere is for those who may do it there too, and what is here is for those who are here.
	admin.must(200, "POST", at+"/approve", "{}")
	anton.must(201, "POST", "/api/v1/movements", fmt.Sprintf(`{"item":"SKU-1","quantity":1,"from":%q,"to":"CUSTOMER","reservation":%q}`, a["bay"], both))
	anton.must(200, "POST", "/api/v1/units/"+mixed+"/pack", fmt.Sprintf(`{"children":[%q]}`, a["tag"]))
	if r := anton.must(200, "GET", "/api/v1/units/"+mixed, ""); r.at("contents", 0) != a["tag"] {
		t.Errorf("%s", r.body)
	}
	admin.must(200, "POST", "/api/v1/reservations/"+both+"/release", "{}")
}

func TestAMovementBetweenSitesHidesItsFarEnd(t *testing.T) {
	h, _, _ := twoSites(t)
	id := uuid.Must(uuid.NewV7()).String()
	line := ledger.Line{Item: "SKU-1", Lot: "L1", From: siteB + "-A-01", FromState: ledger.Available, To: siteA + "-A-01", ToState: ledger.Available, Quantity: 1}
	err := store.Ledger{DB: h.db}.Post(t.Context(), ledger.Movement{
		ID: id, Kind: ledger.Move, Source: "edge:" + siteB + "-E1", EffectiveAt: time.Now(), RecordedAt: time.Now(), Key: siteB + "/1/1",
		Evidence: ledger.Evidence{ReadPoint: siteB + "-A-01", Reads: 7}, Lines: []ledger.Line{line},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := h.signIn("anke").do("GET", "/api/v1/movements/"+id, "")
	if r.status != 200 || r.at("entries", 0, "location") != "ELSEWHERE" || r.at("entries", 1, "location") != siteA+"-A-01" || r.at("source") != "edge:ELSEWHERE" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := h.signIn("vera").do("GET", "/api/v1/movements/"+id, ""); r.at("entries", 0, "location") != siteB+"-A-01" {
		t.Errorf("for all sites: %s", r.body)
	}
}

func TestTheStreamIsNarrowedToo(t *testing.T) {
	h, _, _ := twoSites(t)
	for who, want := range map[string]struct {
		has, not []string
	}{
		"anke": {[]string{siteA, "stock", "alarm", "pass", "sample", "edge"}, []string{siteB}},
		"vera": {[]string{siteA, siteB}, nil},
		"carl": {nil, []string{siteA, siteB, "stock", "alarm"}},
	} {
		c := h.signIn(who)
		_, messages := c.listen("?since=0", "")
		next(t, messages) // hello
		var all strings.Builder
		h.emit(1) // ends what is looked at, for those who hear of it
		for done := time.After(4 * time.Second); done != nil; {
			select {
			case m := <-messages:
				if m.event != "hb" {
					all.WriteString(m.event + " " + m.data + "\n")
				} else {
					done = nil
				}
			case <-done:
				done = nil
			}
		}
		for _, text := range want.has {
			if !strings.Contains(all.String(), text) {
				t.Errorf("%s does not hear of %s:\n%s", who, text, all.String())
			}
		}
		for _, text := range want.not {
			if strings.Contains(all.String(), text) {
				t.Errorf("%s hears of %s:\n%s", who, text, all.String())
			}
		}
	}
}
