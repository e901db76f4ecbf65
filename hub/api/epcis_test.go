package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
	"github.com/tallydock/tallydock/hub/view"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// onBoth runs a test on a hub of each kind of database.
func onBoth(t *testing.T, f func(t *testing.T, open func(t *testing.T) *hub)) {
	t.Run("sqlite", func(t *testing.T) { f(t, start) })
	t.Run("postgres", func(t *testing.T) {
		f(t, func(t *testing.T) *hub {
			url := postgrestest.URL(t)
			return startOn(t, func(told func([]event.Event)) (*store.DB, error) {
				return postgres.Open(t.Context(), url, time.Now, told)
			})
		})
	})
}

// published are the examples that GS1 and OpenEPCIS publish, beside the repository, by their path.
func published(t *testing.T) map[string]string {
	t.Helper()
	const root = "../../../shared/data/rfid/epcis"
	all := map[string]string{}
	for _, folder := range []string{"examples_gs1", "examples_openepcis"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(filepath.Ext(path), ".json") {
				return err
			}
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(root, path)
			all[filepath.ToSlash(name)] = string(text)
			return err
		})
		if err != nil {
			t.Skipf("the published examples are not at %s: %v", root, err)
		}
	}
	return all
}

// epcisDo asks the binding.
func (c *client) epcisDo(method, path, body string, headers ...string) response {
	c.t.Helper()
	r := c.request(c.t.Context(), method, path, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.send(r)
}

// worldOf imports what events name: an item for each GTIN, a location for each place.
func (h *hub) worldOf(examples map[string]string) {
	h.t.Helper()
	items, places := map[string]string{}, map[string]bool{} // items with their unit
	for _, text := range examples {
		doc, _ := epcis.Decode(strings.NewReader(text), epcis.Limits{})
		for _, e := range doc.Events {
			k := e.Keys()
			for _, p := range []string{k.ReadPoint, k.BizLocation} {
				if p != "" {
					places[p] = true
				}
			}
			for _, o := range k.EPCs {
				if m := gtin.FindStringSubmatch(o.EPC); m != nil && items[m[1]] == "" {
					items[m[1]] = "EA"
				}
			}
			for _, q := range slices.Concat(e.Quantities, e.InputQuantities, e.OutputQuantities) {
				if m := gtin.FindStringSubmatch(epcis.Canonical(q.Class)); m != nil && q.UOM != "" {
					items[m[1]] = q.UOM
				}
			}
		}
	}
	csv := "id,name_en,gtin,unit\n"
	for _, g := range slices.Sorted(maps.Keys(items)) {
		csv += "I" + g + ",Item," + g + "," + items[g] + "\n"
	}
	h.importCSV("items", csv)
	locations, glns := "code,site,kind,name_en\nS,S,site,Site\n", "gln,location\n"
	for i, p := range slices.Sorted(maps.Keys(places)) {
		locations += fmt.Sprintf("P%d,S,zone,Place\n", i)
		glns += fmt.Sprintf("%q,P%d\n", p, i) // a place may be geo:22.3,114.1
	}
	h.importCSV("locations", locations)
	h.importCSV("glns", glns)
}

var gtin = regexp.MustCompile(`^https://id\.gs1\.org/(?:01|8006)/(\d{14})`)

// bare is an event without what a repository adds.
func bare(t *testing.T, text []byte, want epcis.Event) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	delete(v, "recordTime")
	delete(v, "@context")
	if want.ID == "" {
		delete(v, "eventID")
	}
	return v
}

// query reads all pages of a query and gives the events by their keys.
func (c *client) query(path string) map[string]epcis.Event {
	c.t.Helper()
	all := map[string]epcis.Event{}
	for path != "" {
		r := c.epcisDo("GET", path, "")
		if r.status != 200 {
			c.t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		doc, err := epcis.Decode(strings.NewReader(r.body), epcis.Limits{})
		if err != nil {
			c.t.Fatalf("%s: %v", path, err)
		}
		for _, e := range doc.Events {
			if _, twice := all[e.Key()]; twice {
				c.t.Errorf("%s comes twice", e.Key())
			}
			all[e.Key()] = e
		}
		path, _, _ = strings.Cut(strings.TrimPrefix(r.header.Get("Link"), "<"), ">")
	}
	return all
}

// Every published example: what is right is captured, what is wrong is refused with its reasons; what was captured is
// answered as it came, and captured again by another hub it is the same.
func TestPublishedEventsAreCapturedAndGivenBack(t *testing.T) {
	examples := published(t)
	onBoth(t, func(t *testing.T, open func(t *testing.T) *hub) {
		h := open(t)
		h.worldOf(examples)
		c := h.signIn("otto")
		want := map[string]epcis.Event{}
		accepted, refused, contradicted, parked, events := 0, 0, 0, 0, 0
		for _, name := range slices.Sorted(maps.Keys(examples)) {
			if strings.Contains(name, "/Queries/") {
				continue // queries
			}
			path, text := "/epcis/v2/capture", examples[name]
			doc, wrong := epcis.Decode(strings.NewReader(text), epcis.Limits{})
			single := doc.Type != epcis.CaptureDocument && doc.Type != epcis.QueryDocument
			if single {
				path = "/epcis/v2/events"
			}
			r := c.epcisDo("POST", path, text, "GS1-Capture-Error-Behaviour", "rollback")
			if wrong != nil {
				refused++
				if r.status != 400 || r.at("type") != "epcisException:ValidationException" || len(r.at("errors").([]any)) == 0 {
					t.Errorf("%s: %d %s", name, r.status, r.body)
				}
				t.Logf("%s is refused: %.300v", name, wrong)
				continue
			}
			if single && r.status == 409 {
				contradicted++
				continue
			}
			if single && (r.status != 201 || r.header.Get("Location") == "") || !single && r.status != 202 {
				t.Errorf("%s: %d %s", name, r.status, r.body)
				continue
			}
			if !single {
				job := c.epcisDo("GET", r.header.Get("Location"), "")
				if job.at("success") == false {
					contradicted++
					if job.at("errors", 0, "status") != 409.0 || job.at("tallydock:captured") != 0.0 {
						t.Errorf("%s: %s", name, job.body)
					}
					continue
				}
				parked += int(job.at("tallydock:discrepancies").(float64))
			}
			accepted++
			for _, e := range doc.Events {
				events++
				if _, twice := want[e.Key()]; !twice {
					want[e.Key()] = e
				}
			}
		}
		t.Logf("%d examples accepted with %d events, %d of them new; %d refused; %d contradict others; %d events are discrepancies",
			accepted, events, len(want), refused, contradicted, parked)
		if accepted < 50 || refused < 9 {
			t.Errorf("%d accepted, %d refused", accepted, refused)
		}
		sameEvents(t, c.query("/epcis/v2/events?perPage=7&orderBy=eventTime&orderDirection=ASC"), want)
		all := c.epcisDo("GET", "/epcis/v2/events?perPage=1000", "")
		other := open(t).signIn("otto")
		if r := other.epcisDo("POST", "/epcis/v2/capture", all.body); r.status != 202 {
			t.Fatalf("captured again: %d %s", r.status, r.body)
		}
		sameEvents(t, other.query("/epcis/v2/events"), want)
		if wrong, err := (store.Ledger{DB: h.db}).Check(t.Context()); err != nil || len(wrong) > 0 {
			t.Errorf("books: %+v, %v", wrong, err)
		}
		h.explained(t, want)
	})
}

func sameEvents(t *testing.T, got, want map[string]epcis.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
	for key, w := range want {
		g, ok := got[key]
		if !ok {
			t.Errorf("%s is not there", key)
			continue
		}
		is, _ := g.MarshalJSON()
		was, _ := w.MarshalJSON()
		if !reflect.DeepEqual(bare(t, is, w), bare(t, was, w)) || epcis.EventHash(g) != epcis.EventHash(w) {
			t.Errorf("%s is\n%s\nwas\n%s", key, is, was)
		}
	}
}

// explained checks that each event is booked, is a discrepancy, or means nothing for the stock.
func (h *hub) explained(t *testing.T, events map[string]epcis.Event) {
	t.Helper()
	waiting := map[string]string{}
	open, err := store.Intake{DB: h.db}.Quarantine(t.Context(), "open")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range open {
		waiting[string(e.Raw)] = string(e.Reason)
	}
	booked := map[string]bool{}
	page, _, err := store.View{DB: h.db}.Movements(t.Context(), view.MovementFilter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page {
		booked[strings.TrimPrefix(m.Source, "epcis:")] = true
	}
	reasons, kinds := map[string]int{}, map[string]int{}
	for key, e := range events {
		switch {
		case waiting[key] != "":
			reasons["discrepancy: "+waiting[key]]++
			kinds["discrepancy"]++
		case booked[e.Identity()]:
			reasons["booked"]++
			kinds["booked"]++
		default:
			reasons["no stock: "+e.Type+" "+string(e.Action)+" "+e.BizStep]++
		}
	}
	if want := map[string]int{"booked": 10, "discrepancy": 14}; !maps.Equal(kinds, want) {
		t.Errorf("of the events are %v, want %v", kinds, want)
	}
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		t.Logf("%3d %s", reasons[r], r)
	}
}

func TestEPCISResources(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(t *testing.T) *hub) {
		h := open(t)
		h.importCSV("locations", "code,site,kind,name_en\nS1,S1,site,Site\nDOCK,S1,dock,Dock\n")
		h.importCSV("items", "id,name_en,gtin\nMILK,Milk,80614141123458\n")
		c := h.signIn("otto")
		event := func(n int, step string) string {
			return fmt.Sprintf(`{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"ObjectEvent","eventID":"urn:uuid:%d",
				"eventTime":"2026-03-0%dT12:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"%s",
				"readPoint":{"id":"urn:tallydock:location:DOCK"},"epcList":["urn:epc:id:sgtin:0614141.812345.%d"]}`, n, n, step, n)
		}
		for i, step := range []string{"receiving", "storing", "shipping"} {
			r := c.epcisDo("POST", "/epcis/v2/events", event(i+1, step), "Content-Type", "application/ld+json")
			if r.status != 201 || r.header.Get("Location") != "/epcis/v2/events/"+url.PathEscape(fmt.Sprintf("urn:uuid:%d", i+1)) {
				t.Fatalf("%d %s %v", r.status, r.body, r.header)
			}
		}
		if r := c.epcisDo("GET", "/epcis/v2/events/urn:uuid:2", ""); r.status != 200 || r.at("epcisBody", "queryResults", "resultsBody", "eventList", 0, "bizStep") != "storing" {
			t.Errorf("%d %s", r.status, r.body)
		}
		for path, members := range map[string]string{
			"/epcis/v2":              `"capture"`,
			"/epcis/v2/epcs":         "https://id.gs1.org/01/80614141123458/21/1",
			"/epcis/v2/bizSteps":     `["receiving","shipping","storing"]`,
			"/epcis/v2/dispositions": `[]`,
			"/epcis/v2/readPoints":   `["urn:tallydock:location:DOCK"]`,
			"/epcis/v2/bizLocations": `[]`,
			"/epcis/v2/eventTypes":   `["ObjectEvent"]`,
			"/epcis/v2/epcs/" + url.PathEscape("https://example.com/01/80614141123458/21/1"): `["events"]`,
		} {
			if r := c.epcisDo("GET", path, ""); r.status != 200 || !strings.Contains(r.body, members) || r.at("type") != "Collection" {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
		for path, n := range map[string]int{
			"/epcis/v2/bizSteps/receiving/events":                                                        1,
			"/epcis/v2/eventTypes/all/events":                                                            3,
			"/epcis/v2/eventTypes/ObjectEvent/events":                                                    3,
			"/epcis/v2/eventTypes/AggregationEvent/events":                                               0,
			"/epcis/v2/readPoints/urn:tallydock:location:DOCK/events?perPage=1":                          3,
			"/epcis/v2/epcs/" + url.PathEscape("https://example.com/01/80614141123458/21/1") + "/events": 1,
			"/epcis/v2/events?EQ_bizStep=shipping|storing&GE_eventTime=2026-03-03T00:00:00Z":             1,
			"/epcis/v2/events?MATCH_epc=urn:epc:idpat:sgtin:0614141.*.*&perPage=2":                       3,
		} {
			if got := c.query(path); len(got) != n {
				t.Errorf("%s: %d events, want %d", path, len(got), n)
			}
		}
		first := c.epcisDo("GET", "/epcis/v2/epcs?perPage=2", "")
		next, _, _ := strings.Cut(strings.TrimPrefix(first.header.Get("Link"), "<"), ">")
		if second := c.epcisDo("GET", next, ""); len(first.at("member").([]any)) != 2 || len(second.at("member").([]any)) != 1 || second.header.Get("Link") != "" {
			t.Errorf("pages %s, %s", first.body, second.body)
		}
		for name, f := range map[string]struct {
			method, path, body string
			headers            []string
			status             int
			exception          string
		}{
			"no such event":      {"GET", "/epcis/v2/events/urn:uuid:9", "", nil, 404, "NoSuchResource"},
			"no such step":       {"GET", "/epcis/v2/bizSteps/packing", "", nil, 404, "NoSuchResource"},
			"no such path":       {"GET", "/epcis/v2/nothing", "", nil, 404, "NoSuchResource"},
			"no such capture":    {"GET", "/epcis/v2/capture/9", "", nil, 404, "NoSuchResource"},
			"no parameter":       {"GET", "/epcis/v2/events?EQ_nothing=1", "", nil, 400, "Validation"},
			"too much":           {"GET", "/epcis/v2/events?maxEventCount=2", "", nil, 413, "QueryTooLarge"},
			"XML is asked for":   {"GET", "/epcis/v2/events", "", []string{"Accept", "application/xml"}, 406, "NotAcceptable"},
			"another version":    {"GET", "/epcis/v2/events", "", []string{"GS1-EPCIS-Version", "1.2.0"}, 406, "NotAcceptable"},
			"XML is sent":        {"POST", "/epcis/v2/capture", "<x/>", []string{"Content-Type", "application/xml"}, 415, "UnsupportedMediaType"},
			"another behaviour":  {"POST", "/epcis/v2/capture", "{}", []string{"GS1-Capture-Error-Behaviour", "hope"}, 400, "Validation"},
			"no JSON":            {"POST", "/epcis/v2/capture", "{", nil, 400, "Validation"},
			"too large":          {"POST", "/epcis/v2/capture", `{"x":"` + strings.Repeat("x", 8<<20) + `"}`, nil, 413, "CaptureLimitExceeded"},
			"a contradiction":    {"POST", "/epcis/v2/events", strings.Replace(event(1, "receiving"), "OBSERVE", "ADD", 1), nil, 409, "ResourceAlreadyExists"},
			"a document at once": {"POST", "/epcis/v2/events", strings.Replace(event(1, "receiving"), "ObjectEvent", "EPCISDocument", 1), nil, 400, "Validation"},
		} {
			r := c.epcisDo(f.method, f.path, f.body, f.headers...)
			if r.status != f.status || r.at("type") != "epcisException:"+f.exception+"Exception" || r.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		options := c.epcisDo("OPTIONS", "/epcis/v2/capture", "")
		if options.status != 204 || options.header.Get("Allow") != "POST, GET, OPTIONS" || options.header.Get("GS1-EPCIS-Capture-Limit") != "10000" {
			t.Errorf("%d %v", options.status, options.header)
		}
		if head := c.epcisDo("HEAD", "/epcis/v2/events", ""); head.status != 200 || head.body != "" || head.header.Get("GS1-EPCIS-Version") != "2.0.0" {
			t.Errorf("%d %q %v", head.status, head.body, head.header)
		}
		h.keptQueries(t, c)
		if r := h.signIn("vera").epcisDo("POST", "/epcis/v2/events", event(4, "receiving")); r.status != http.StatusForbidden {
			t.Errorf("a viewer captures: %d", r.status)
		}
	})
}

// What the hub's own readers decided is told as events too, made of the movements when they are asked for.
func TestOwnMovementsAreEvents(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(t *testing.T) *hub) {
		h := open(t)
		h.catalogue()
		c := h.signIn("otto")
		var ids []string
		for _, tag := range []string{"epc:303978a1b8cce5d900000001", "uid:04a1b2c3", "epc:303978a1b8cce5d900000002"} {
			ids = append(ids, h.receive(tag, "SZ1-A-01"))
		}
		path := "/epcis/v2/events?tallydock:movements=true"
		got := c.query(path + "&perPage=1")
		if len(got) != 3 {
			t.Fatalf("%d events of 3 movements", len(got))
		}
		for _, id := range ids {
			e := got["urn:uuid:"+id]
			if e.Type != epcis.ObjectEvent || len(e.EPCs) != 1 || e.BizLocation.ID != "urn:tallydock:location:SZ1-A-01" || e.Disposition != "in_progress" ||
				!e.Time.Equal(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)) {
				t.Errorf("movement %s is told as %+v", id, e)
			}
		}
		for more, n := range map[string]int{
			"&orderBy=recordTime&orderDirection=DESC&perPage=2": 3, "&LT_eventTime=2026-11-22T08:00:00Z": 0, "&GE_recordTime=2020-01-01T00:00:00Z": 3,
			"&LT_recordTime=2020-01-01T00:00:00Z": 0, "&EQ_bizLocation=urn:tallydock:location:SZ1-A-01": 3, "&MATCH_epc=urn:tallydock:tag:uid:04a1b2c3": 1,
		} {
			if got := c.query(path + more); len(got) != n {
				t.Errorf("%s: %d events, want %d", more, len(got), n)
			}
		}
		if r := c.epcisDo("GET", path+"&orderBy=eventTime", ""); r.status != 400 {
			t.Errorf("by event time: %d %s", r.status, r.body)
		}
		if r := c.epcisDo("GET", "/epcis/v2/events/urn:uuid:"+ids[0], ""); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if len(c.query("/epcis/v2/events")) != 0 {
			t.Error("they are among the captured ones too")
		}
	})
}

func (h *hub) keptQueries(t *testing.T, c *client) {
	t.Helper()
	const kept = `{"name":"shipped","query":{"EQ_bizStep":["shipping"],"eventType":"ObjectEvent"}}`
	for _, s := range []int{201, 409} {
		if r := c.epcisDo("POST", "/epcis/v2/queries", kept); r.status != s {
			t.Errorf("%d %s, want %d", r.status, r.body, s)
		}
	}
	if r := c.epcisDo("POST", "/epcis/v2/queries", `{"name":"x","query":{"EQ_nothing":1}}`); r.status != 400 {
		t.Errorf("a query that nobody understands: %d %s", r.status, r.body)
	}
	if got := c.query("/epcis/v2/queries/shipped/events"); len(got) != 1 {
		t.Errorf("it gives %d events", len(got))
	}
	for _, path := range []string{"/epcis/v2/queries", "/epcis/v2/queries/shipped"} {
		if r := c.epcisDo("GET", path, ""); r.status != 200 || !strings.Contains(r.body, `"EQ_bizStep":["shipping"]`) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	for _, s := range []int{204, 404} {
		if r := c.epcisDo("DELETE", "/epcis/v2/queries/shipped", ""); r.status != s {
			t.Errorf("%d, want %d", r.status, s)
		}
	}
}
