package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	gs1 "github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

// repository is a hub that events are captured into.
type repository struct {
	testing.TB
	db      *store.DB
	capture *capture.Service
	n       int
}

func newRepository(t *testing.T, open Open) *repository {
	t.Helper()
	db := openAt(t, open, nil)
	load := importer(t, db)
	for _, f := range [][2]string{
		{"items", "id,name_en,gtin,unit\nMILK,Milk,80614141123458,EA\nOIL,Oil,10614141073464,KGM\n"},
		{"packs", "item,code,units,gtin\nMILK,CS,12,90614141123455\n"},
		{"locations", "code,site,kind,name_en\nS1,S1,site,Site\nDOCK,S1,dock,Dock\nBAY,S1,bay,Bay\n"},
		{"glns", "gln,location\n0614141007776,DOCK\nurn:epc:id:sgln:0614141.00888.0,BAY\n"},
	} {
		if _, err := load(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	return &repository{t, db, capture.New(capture.Config{Now: func() time.Time { return noon }, NewID: newID}, store.Captures{DB: db}), 0}
}

// event is an event of a type, so many minutes before noon.
func (r *repository) event(kind string, before int, members string) string {
	r.n++
	return fmt.Sprintf(`{"type":%q,"eventID":"urn:uuid:%d","eventTime":%q,"eventTimeZoneOffset":"+00:00",%s}`, kind, r.n,
		noon.Add(-time.Duration(before)*time.Minute).Format("2006-01-02T15:04:05Z07:00"), members)
}

func document(events ...string) string {
	return `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"EPCISDocument","schemaVersion":"2.0",
		"creationDate":"2026-03-02T09:30:00Z","epcisBody":{"eventList":[` + strings.Join(events, ",") + `]}}`
}

// take captures events, and gives what became of them.
func (r *repository) take(b capture.Behaviour, events ...string) capture.Job {
	r.Helper()
	job, err := r.capture.Capture(r.Context(), strings.NewReader(document(events...)), b, "lin")
	if err != nil {
		r.Fatal(err)
	}
	return job
}

// parked gives the reasons of the discrepancies that are open.
func (r *repository) parked() (reasons []string) {
	r.Helper()
	all, err := store.Intake{DB: r.db}.Quarantine(r.Context(), intake.Open)
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range all {
		reasons = append(reasons, string(e.Reason))
	}
	slices.Sort(reasons)
	return reasons
}

// has checks the balances of an item by place, and that the books agree.
func (r *repository) has(when, item string, want map[string]int64) {
	r.Helper()
	for place, n := range want {
		if have, _ := sum(balances(r, r.db, item, place)); have != n {
			r.Errorf("%s: %d of %s at %s, want %d", when, have, item, place, n)
		}
	}
	if wrong, err := (store.Ledger{DB: r.db}).Check(r.Context()); err != nil || len(wrong) > 0 {
		r.Errorf("%s: books: %+v, %v", when, wrong, err)
	}
}

const (
	atDock = `"readPoint":{"id":"urn:epc:id:sgln:0614141.00777.0"}`
	inBay  = `"bizLocation":{"id":"https://id.gs1.org/414/0614141008889"}`
	three  = `"epcList":["urn:epc:id:sgtin:0614141.812345.1","urn:epc:id:sgtin:0614141.812345.2","urn:epc:id:sgtin:0614141.812345.3"]`
	pallet = "urn:epc:id:sscc:0614141.1234567890"
)

func quantity(class, n, uom string) string {
	if uom != "" {
		uom = `,"uom":"` + uom + `"`
	}
	return `"quantityList":[{"epcClass":"` + class + `","quantity":` + n + uom + `}]`
}

// testStockIsAsEventsSay: the life of goods from their making to the customer, packed and unpacked, and taken back.
func testStockIsAsEventsSay(t *testing.T, open Open) {
	r := newRepository(t, open)
	made := r.event("ObjectEvent", 60, `"action":"ADD","bizStep":"commissioning","disposition":"active",`+atDock+`,`+inBay+`,`+three)
	lots := r.event("ObjectEvent", 59, `"action":"OBSERVE","bizStep":"receiving","disposition":"in_progress",`+atDock+`,`+
		quantity("urn:epc:class:lgtin:0614141.812345.L1", "10", ""))
	cases := r.event("ObjectEvent", 58, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.912345.*", "2", "EA"))
	packed := r.event("AggregationEvent", 50, `"action":"ADD","parentID":"`+pallet+`",`+atDock+`,"bizLocation":{"id":"urn:tallydock:location:DOCK"},`+
		`"childEPCs":["urn:epc:id:sgtin:0614141.812345.1","https://example.com/01/80614141123458/21/2"]`)
	// The order in the document is not that of what happened.
	if job := r.take(capture.Rollback, packed, cases, lots, made); !job.Success || job.Captured != 4 || job.Parked != 0 {
		t.Fatalf("%+v, %v", job, r.parked())
	}
	r.has("in stock", "MILK", map[string]int64{"BAY": 1, "DOCK": 2 + 10 + 24, ledger.Production: -3, ledger.Supplier: -34})
	if job := r.take(capture.Rollback, made, packed); !job.Success || job.Captured != 0 || job.Known != 2 {
		t.Errorf("the same again: %+v", job)
	}
	spoilt := r.event("ObjectEvent", 45, `"action":"OBSERVE","bizStep":"inspecting","disposition":"damaged",`+atDock+`,`+inBay+`,"epcList":["urn:epc:id:sgtin:0614141.812345.3"]`)
	shipped := r.event("ObjectEvent", 40, `"action":"OBSERVE","bizStep":"shipping","disposition":"in_transit",`+atDock+`,"epcList":["`+pallet+`"],`+
		quantity("urn:epc:class:lgtin:0614141.812345.L1", "4", ""))
	if job := r.take(capture.Proceed, spoilt, shipped); job.Parked != 0 || job.Captured != 2 {
		t.Fatalf("%+v, %v", job, r.parked())
	}
	r.has("shipped", "MILK", map[string]int64{"BAY": 1, "DOCK": 30, ledger.Customer: 6})
	for _, b := range balances(t, r.db, "MILK", "BAY") {
		if b.Quantity != 0 && b.State != ledger.Quarantined {
			t.Errorf("what is damaged is %s", b.State)
		}
	}
	wrong := strings.Replace(shipped, `"action"`, `"errorDeclaration":{"declarationTime":"2026-03-02T11:50:00Z","reason":"did_not_occur"},"action"`, 1)
	if job := r.take(capture.Rollback, wrong); !job.Success || job.Parked != 0 {
		t.Fatalf("%+v, %v", job, r.parked())
	}
	r.has("taken back", "MILK", map[string]int64{"BAY": 1, "DOCK": 36, ledger.Customer: 0})
	if job := r.take(capture.Rollback, wrong); job.Known != 1 {
		t.Errorf("the declaration again: %+v", job)
	}
	unpacked := r.event("AggregationEvent", 0, `"action":"DELETE","parentID":"`+pallet+`","childEPCs":[],`+atDock+`,`+inBay)
	if job := r.take(capture.Rollback, unpacked); !job.Success || job.Parked != 0 {
		t.Fatalf("%+v, %v", job, r.parked())
	}
	parent, _ := gs1.ParseURI(pallet)
	memory, _ := gs1.Tag{Identity: parent, Coding: gs1.SSCC96, Filter: 1}.Encode()
	tag, _ := devices.NewTag(devices.TagEPC, memory)
	if u, err := (store.Ledger{DB: r.db}).Unit(t.Context(), tag); err != nil || len(u.Contents) != 0 {
		t.Errorf("in the pallet are %v, %v", u.Contents, err)
	}
	if v, err := (store.Ledger{DB: r.db}).Verify(t.Context(), nil); err != nil || len(v.Wrong) > 0 {
		t.Errorf("chains: %+v, %v", v, err)
	}
}

// testWhatCannotBeBookedWaits: whole, with its reason, and what comes after it goes on.
func testWhatCannotBeBookedWaits(t *testing.T, open Open) {
	r := newRepository(t, open)
	receive(t, store.Ledger{DB: r.db}, "MILK", "", "DOCK", 5)
	good := r.event("ObjectEvent", 10, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "1", ""))
	for reason, e := range map[string]string{
		"unknown_item": r.event("ObjectEvent", 30, `"action":"ADD","bizStep":"commissioning",`+atDock+`,"epcList":["urn:epc:id:sgtin:0614141.812345.9","urn:epc:id:sgtin:0614141.055555.1"]`),
		"unknown_tag":  r.event("ObjectEvent", 30, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,"epcList":["https://example.com/things/1"]`),
		"not_in_stock": r.event("ObjectEvent", 30, `"action":"OBSERVE","bizStep":"shipping",`+atDock+`,"epcList":["urn:epc:id:sgtin:0614141.812345.8"]`),
		"short": r.event("ObjectEvent", 30, `"action":"OBSERVE","bizStep":"shipping",`+atDock+`,"epcList":[],"quantityList":[
			{"epcClass":"urn:epc:idpat:sgtin:0614141.812345.*","quantity":4},{"epcClass":"urn:epc:idpat:sgtin:0614141.812345.*","quantity":4}]`),
		"unit":          r.event("ObjectEvent", 30, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "1.5", "")),
		"place_unknown": r.event("ObjectEvent", 30, `"action":"OBSERVE","bizStep":"storing",`+inBay+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "1", "")),
		"count_differs": r.event("ObjectEvent", 30, `"action":"OBSERVE","bizStep":"cycle_counting",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "99", "")),
		"ahead":         r.event("ObjectEvent", -60, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "1", "")),
		"inconsistent":  r.event("AggregationEvent", 30, `"action":"DELETE","parentID":"`+pallet+`","childEPCs":["urn:epc:id:sgtin:0614141.812345.7"]`),
	} {
		before := r.parked()
		if job := r.take(capture.Proceed, e); job.Parked != 1 || job.Captured != 1 || !job.Success {
			t.Errorf("%s: %+v", reason, job)
		}
		if after := r.parked(); len(after) != len(before)+1 || !slices.Contains(after, reason) {
			t.Errorf("%s: the discrepancies are %v", reason, after)
		}
	}
	r.has("after what waits", "MILK", map[string]int64{"DOCK": 5, "BAY": 0, ledger.Customer: 0, ledger.Production: 0})
	if job := r.take(capture.Rollback, good); job.Parked != 0 {
		t.Errorf("%+v", job)
	}
	r.has("after a good one", "MILK", map[string]int64{"DOCK": 6})
	r.settle(t)
}

// settle has people make right what waits.
func (r *repository) settle(t *testing.T) {
	all, err := store.Intake{DB: r.db}.Quarantine(t.Context(), intake.Open)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b intake.Entry) int { return strings.Compare(string(b.Reason), string(a.Reason)) }) // a count brings goods
	for _, e := range all {
		_, err := r.capture.Retry(t.Context(), e.ID, "lin")
		switch e.Reason {
		case capture.CountDiffers, capture.PlaceUnknown, capture.Ahead, capture.NotThere:
			if err != nil {
				t.Errorf("%s: %v", e.Reason, err)
			}
		default:
			if !errors.Is(err, fault.Conflict) {
				t.Errorf("%s is booked though nothing was made right: %v", e.Reason, err)
			}
			if _, err := r.capture.Discard(t.Context(), e.ID, "lin", "no"); err != nil {
				t.Errorf("%s: %v", e.Reason, err)
			}
		}
		if _, err := r.capture.Retry(t.Context(), e.ID, "lin"); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s, closed, tried again: %v", e.Reason, err)
		}
	}
	if left := r.parked(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	r.has("settled", "MILK", map[string]int64{})
}

// testADocumentIsTakenWhole: or, where the sender says so, as far as it is right.
func testADocumentIsTakenWhole(t *testing.T, open Open) {
	r := newRepository(t, open)
	first := r.event("ObjectEvent", 10, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "1", ""))
	other := strings.Replace(first, `"quantity":1`, `"quantity":7`, 1)
	second := r.event("ObjectEvent", 9, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "2", ""))
	r.take(capture.Rollback, first)
	if job := r.take(capture.Rollback, second, other); job.Success || job.Captured != 0 || len(job.Errors) != 1 || job.Errors[0].Status != 409 {
		t.Errorf("%+v", job)
	}
	r.has("after the rollback", "MILK", map[string]int64{"DOCK": 1})
	job := r.take(capture.Proceed, second, other)
	if job.Success || job.Captured != 1 || len(job.Errors) != 1 {
		t.Errorf("%+v", job)
	}
	r.has("after what was right", "MILK", map[string]int64{"DOCK": 3})
	if kept, err := r.capture.Job(t.Context(), job.ID); err != nil || fmt.Sprint(kept) != fmt.Sprint(job) {
		t.Errorf("kept is %+v, %v\nwant %+v", kept, err, job)
	}
	if all, err := r.capture.Jobs(t.Context(), "", 10); err != nil || len(all) != 3 || all[0].ID != job.ID {
		t.Errorf("jobs %+v, %v", all, err)
	}
	if _, err := r.capture.Job(t.Context(), "none"); !errors.Is(err, fault.NotFound) {
		t.Errorf("no job: %v", err)
	}
	bad := strings.Replace(second, "OBSERVE", "LOOK", 1)
	if _, err := r.capture.Capture(t.Context(), strings.NewReader(document(first, bad)), capture.Rollback, "lin"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a bad one: %v", err)
	}
	if job := r.take(capture.Proceed, first, bad); job.Success || job.Known != 1 || len(job.Errors) != 1 {
		t.Errorf("a bad one beside a good one: %+v", job)
	}
	if _, err := (store.Ledger{DB: r.db}).ClosePeriod(t.Context(), noon.Add(-5*time.Minute), "lin", ""); err != nil {
		t.Fatal(err)
	}
	late := r.event("ObjectEvent", 9, `"action":"OBSERVE","bizStep":"receiving",`+atDock+`,`+quantity("urn:epc:idpat:sgtin:0614141.812345.*", "2", ""))
	if r.take(capture.Rollback, late); !slices.Equal(r.parked(), []string{"period_closed"}) {
		t.Errorf("of a closed period: %v", r.parked())
	}
}

// testATagAndItsNameAreOneThing: whichever of a reader and an event speaks of it first.
func testATagAndItsNameAreOneThing(t *testing.T, open Open) {
	r := newRepository(t, open)
	tag, err := gs1.EncodeSGTIN96("80614141123458", 7, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := gs1.EncodeSGTIN96("80614141123458", 7, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	in := intake.New(intake.Config{Hub: "h", Now: func() time.Time { return noon }, NewID: newID}, store.Intake{DB: r.db})
	readers := &site{t: t, db: r.db, in: in}
	sees := func(tag devices.Tag, before int) {
		t.Helper()
		readers.say(wire.Movement{
			Tag: tag, To: "BAY", BizStep: wire.Storing, Disposition: wire.Accessible, ReadPoint: "a", EventTime: noon.Add(-time.Duration(before) * time.Minute), Confidence: 1000,
		})
	}
	sees(tag, 30) // a reader first
	named := r.event("ObjectEvent", 20, `"action":"OBSERVE","bizStep":"storing",`+atDock+`,"epcList":["https://example.com/01/80614141123458/21/1","urn:epc:id:sgtin:0614141.812345.2"]`)
	if job := r.take(capture.Rollback, named); job.Parked != 0 {
		t.Fatalf("%+v, %v", job, r.parked())
	}
	r.has("named", "MILK", map[string]int64{"BAY": 0, "DOCK": 2, ledger.Loss: -2})
	sees(other, 10) // of which an event has spoken
	r.has("seen", "MILK", map[string]int64{"BAY": 1, "DOCK": 1, ledger.Loss: -2})
}
