package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
)

// take runs f as the intake of an edge's record would.
func (h *hub) take(f func(intake.Tx) error) {
	h.t.Helper()
	if err := (store.Intake{DB: h.db}).Take(h.t.Context(), f); err != nil {
		h.t.Fatal(err)
	}
}

// raise has an edge report a cold room that is too warm, and gives the alarm's id.
func (h *hub) raise(seq uint64) string {
	id := uuid.Must(uuid.NewV7()).String()
	h.take(func(tx intake.Tx) error {
		return tx.PutAlarm("SZ1-E1", 1, seq, wire.Alarm{
			ID: id, Rule: "cold-r-high", Source: "probe-r", Location: "SZ1-A", Class: "cold_chain", Priority: alarm.Critical,
			From: alarm.Normal, To: alarm.Unacked, Action: alarm.Raise, At: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
			Quantity: unit.Temperature, HasValue: true, Value: 9250, HasLimit: true, Limit: 8000, Reason: "high",
		})
	})
	return id
}

func TestAlarmIsAnsweredAndPendingUntilItsEdgeConfirms(t *testing.T) {
	h := start(t)
	id := h.raise(1)
	c := h.signIn("otto")
	list := c.do("GET", "/api/v1/alarms", "")
	if list.status != 200 || list.at("items", 0, "id") != id || list.at("items", 0, "value") != 9.25 || list.at("items", 0, "unit") != "°C" ||
		list.at("items", 0, "state") != "unacked" || list.at("items", 0, "acked_at") != nil {
		t.Fatalf("%d %s", list.status, list.body)
	}
	r := c.do("POST", "/api/v1/alarms/"+id+"/acknowledge", `{"comment":"door was open"}`)
	if r.status != 200 || r.at("pending") != "acknowledge" || r.at("state") != "unacked" {
		t.Fatalf("acknowledge: %d %s", r.status, r.body)
	}
	h.take(func(tx intake.Tx) error {
		return tx.PutAlarm("SZ1-E1", 1, 2, wire.Alarm{
			ID: id, Rule: "cold-r-high", Source: "probe-r", Class: "cold_chain", Priority: alarm.Critical, From: alarm.Unacked,
			To: alarm.Acked, Action: alarm.Acknowledge, At: time.Date(2026, 11, 22, 9, 5, 0, 0, time.UTC), Actor: "otto", Comment: "door was open",
		})
	})
	r = c.do("GET", "/api/v1/alarms/"+id, "")
	if r.at("state") != "acked" || r.at("acked_by") != "otto" || len(r.at("events").([]any)) != 2 || r.at("events", 1, "action") != "acknowledge" {
		t.Errorf("after the edge's answer: %s", r.body)
	}
	refused(t, c.do("POST", "/api/v1/alarms/"+id+"/acknowledge", `{}`), 409, "conflict")
}

func TestShelvingNeedsAReasonAndATime(t *testing.T) {
	h := start(t)
	id := h.raise(1)
	c := h.signIn("otto")
	for _, body := range []string{`{}`, `{"minutes":15}`, `{"minutes":15,"reason":"  "}`, `{"minutes":0,"reason":"x"}`, `{"minutes":99999,"reason":"x"}`, `{"minutes":15,"reason":"x","until":"later"}`} {
		refused(t, c.do("POST", "/api/v1/alarms/"+id+"/shelve", body), 422, "invalid")
	}
	r := c.do("POST", "/api/v1/alarms/"+id+"/shelve", `{"minutes":15,"reason":"probe is being changed"}`)
	if r.status != 200 || r.at("pending") != "shelve" {
		t.Errorf("%d %s", r.status, r.body)
	}
	refused(t, c.do("POST", "/api/v1/alarms/"+id+"/unshelve", ""), 409, "conflict")
}

func TestSnapshotShowsTheLimitsAndDoorsThatEdgesName(t *testing.T) {
	h := start(t)
	h.catalogue()
	_, _, err := store.Intake{DB: h.db}.Status(t.Context(), wire.Status{
		Edge: "SZ1-E1", Online: true, At: time.Now(),
		Limits:  []wire.Limit{{Location: "SZ1-A", Quantity: unit.Temperature, HasHigh: true, High: 8000}},
		Doors:   []wire.Door{{ID: "SZ1-D1", Location: "SZ1-DOCK", Devices: []string{"r700-d1"}}},
		Devices: []wire.Device{{ID: "r700-d1", State: devices.Down, Reason: "no answer"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := h.signIn("vera")
	r := c.do("GET", "/api/v1/stock/snapshot", "")
	if r.at("locations", 1, "code") != "SZ1-A" || r.at("locations", 1, "temp_high") != 8.0 || r.at("locations", 1, "temp_low") != nil ||
		r.at("doors", 0, "id") != "SZ1-D1" || r.at("doors", 0, "name", "en") != "SZ1-D1" {
		t.Errorf("%s", r.body)
	}
	r = c.do("GET", "/api/v1/doors", "")
	if r.at("items", 0, "location") != "SZ1-DOCK" || r.at("items", 0, "state") != "down" || r.at("items", 0, "last_pass") != nil {
		t.Errorf("%s", r.body)
	}
}

// demand books 120 days of steady sales of SKU-1, so that the planner has something to say.
func (h *hub) demand() {
	h.catalogue()
	h.importCSV("suppliers", "id,name_en\nS1,Dairy Ltd\n")
	h.importCSV("sources", "item,supplier,lead_time_days,lead_time_sd_days,moq,pack_multiple,price\nSKU-1,S1,3,1,10,5,2.5\n")
	var csv strings.Builder
	csv.WriteString("item,site,day,quantity\n")
	for i := 1; i <= 120; i++ {
		fmt.Fprintf(&csv, "SKU-1,SZ1,%s,%d\n", time.Now().UTC().AddDate(0, 0, -i).Format(time.DateOnly), 8+i%5)
	}
	h.importCSV("demand", csv.String())
}

func TestProposalIsExplainedApprovedAndOrdered(t *testing.T) {
	h := start(t)
	h.demand()
	c := h.signIn("paula")
	r := c.do("POST", "/api/v1/plan", "{}")
	if r.status != 200 || r.at("proposals") != 1.0 || r.at("run") == "" {
		t.Fatalf("plan: %d %s", r.status, r.body)
	}
	list := c.do("GET", "/api/v1/proposals", "")
	p := list.at("items", 0).(map[string]any)
	quantity := p["quantity"].(float64)
	if p["unit_cost"] != 2.5 || p["cost"] != quantity*2.5 || p["decided_at"] != nil || p["supplier_name"].(map[string]any)["en"] != "Dairy Ltd" {
		t.Errorf("proposal %v", p)
	}
	explain := p["explain"].(map[string]any)
	if len(explain["forecast"].([]any)) != 28 || len(explain["demand"].([]any)) != 56 || explain["position"] != 0.0 {
		t.Errorf("explanation %v", explain)
	}
	path := "/api/v1/proposals/" + p["id"].(string)
	refused(t, c.do("POST", path+"/approve", `{"quantity":11}`), 422, "invalid")
	refused(t, c.do("POST", path+"/reject", `{}`), 422, "invalid")
	r = c.do("POST", path+"/approve", `{"quantity":20,"comment":"for the holiday"}`)
	if r.status != 200 || r.at("state") != "approved" || r.at("decided_by") != "paula" || r.at("decided_at") == nil {
		t.Fatalf("approve: %d %s", r.status, r.body)
	}
	refused(t, c.do("POST", path+"/approve", `{}`), 409, "conflict")
	orders := c.do("GET", "/api/v1/orders", "")
	if orders.at("items", 0, "quantity") != 20.0 || orders.at("items", 0, "state") != "open" || orders.at("items", 0, "proposal") != p["id"] {
		t.Errorf("orders %s", orders.body)
	}
	if all := c.do("GET", "/api/v1/proposals?state=approved", ""); len(all.at("items").([]any)) != 1 {
		t.Errorf("approved: %s", all.body)
	}
}

func TestProposalIsRejectedForAReason(t *testing.T) {
	h := start(t)
	h.demand()
	c := h.signIn("paula")
	c.do("POST", "/api/v1/plan", "")
	id := c.do("GET", "/api/v1/proposals", "").at("items", 0, "id").(string)
	r := c.do("POST", "/api/v1/proposals/"+id+"/reject", `{"reason":"item is phased out"}`)
	if r.status != 200 || r.at("state") != "rejected" || r.at("reason") != "item is phased out" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.do("GET", "/api/v1/proposals", ""); len(r.at("items").([]any)) != 0 {
		t.Errorf("still open: %s", r.body)
	}
}

func TestQuarantineIsSettled(t *testing.T) {
	h := start(t)
	id := uuid.Must(uuid.NewV7()).String()
	h.take(func(tx intake.Tx) error {
		return tx.Park(intake.Entry{
			ID: id, Key: "SZ1-E1/1/7", Edge: "SZ1-E1", Epoch: 1, Seq: 7, At: time.Now(), Reason: intake.BadMessage,
			Detail: "no envelope", Record: []byte(`{"bytes":"00"}`), State: intake.Open, Raw: []byte{0},
		})
	})
	c := h.signIn("otto")
	r := c.do("GET", "/api/v1/quarantine", "")
	if r.status != 200 || r.at("items", 0, "reason") != "bad_message" || r.at("items", 0, "record", "bytes") != "00" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	refused(t, c.do("POST", "/api/v1/quarantine/"+id+"/retry", ""), 409, "conflict")
	refused(t, c.do("POST", "/api/v1/quarantine/"+id+"/discard", `{"reason":""}`), 422, "invalid")
	r = c.do("POST", "/api/v1/quarantine/"+id+"/discard", `{"reason":"noise on the line"}`)
	if r.status != 200 || r.at("state") != "discarded" || r.at("closed_by") != "otto" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.do("GET", "/api/v1/quarantine?state=discarded", ""); len(r.at("items").([]any)) != 1 {
		t.Errorf("%s", r.body)
	}
}

func TestDoorsAndPasses(t *testing.T) {
	h := start(t)
	opened := time.Now().Add(-time.Minute)
	h.take(func(tx intake.Tx) error {
		return tx.PutPass("SZ1-E1", wire.Pass{ID: "pass-1", Door: "SZ1-D1", Direction: wire.In, Opened: opened, Closed: opened.Add(9 * time.Second), Tags: 3, Moved: 1, Confidence: 990})
	})
	h.receive("epc:30340000000000000000000a", "SZ1-DOCK")
	c := h.signIn("vera")
	r := c.do("GET", "/api/v1/doors", "")
	if r.status != 200 || r.at("items", 0, "id") != "SZ1-D1" || r.at("items", 0, "open_pass") != nil || r.at("items", 0, "last_pass", "id") != "pass-1" {
		t.Errorf("doors: %d %s", r.status, r.body)
	}
	if r := c.do("GET", "/api/v1/doors/SZ1-D1/passes", ""); r.at("items", 0, "tags") != 3.0 {
		t.Errorf("passes: %s", r.body)
	}
	if r := c.do("GET", "/api/v1/passes/pass-1", ""); r.status != 200 || r.at("direction") != "in" || r.at("movements", 0, "kind") != "receive" {
		t.Errorf("pass: %d %s", r.status, r.body)
	}
}

func TestSeriesHasPointsAsPairs(t *testing.T) {
	h := start(t)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	h.take(func(tx intake.Tx) error {
		for i := range 3 {
			err := tx.PutSample("SZ1-E1", wire.Sample{Device: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature, Value: unit.Milli(4000 + 100*i), At: at.Add(time.Duration(i) * 30 * time.Second)})
			if err != nil {
				return err
			}
		}
		return nil
	})
	c := h.signIn("vera")
	r := c.do("GET", "/api/v1/series?from=2026-11-22T08:00:00Z&to=2026-11-22T10:00:00Z", "")
	if r.status != 200 || r.at("sensors", 0, "device") != "probe-r" || r.at("sensors", 0, "points", 1, 0) != float64(at.UnixMilli()+30_000) || r.at("sensors", 0, "points", 1, 1) != 4.1 {
		t.Errorf("%d %s", r.status, r.body)
	}
	for asked, want := range map[string]string{"": "raw", "&resolution=auto": "raw", "&resolution=raw": "raw", "&resolution=1m": "1m", "&resolution=1h": "1h"} {
		r := c.do("GET", "/api/v1/series?from=2026-11-22T08:00:00Z&to=2026-11-22T10:00:00Z"+asked, "")
		if r.at("sensors", 0, "resolution") != want || want == "1h" && r.at("sensors", 0, "points", 1, 1) != 4.2 {
			t.Errorf("asked for %q: %d %s", asked, r.status, r.body)
		}
	}
	refused(t, c.do("GET", "/api/v1/series?resolution=5m", ""), 422, "invalid")
	refused(t, c.do("GET", "/api/v1/series?from=2026-11-22T10:00:00Z&to=2026-11-22T08:00:00Z", ""), 422, "invalid")
	refused(t, c.do("GET", "/api/v1/series?from=yesterday", ""), 422, "invalid")
}
