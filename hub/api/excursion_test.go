package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
)

func TestExcursionsShowTheirGoods(t *testing.T) {
	h := start(t)
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	stranger, err := devices.ParseTag("uid:01020304")
	if err != nil {
		t.Fatal(err)
	}
	h.take(func(tx intake.Tx) error {
		return tx.PutExcursion("SZ1-E1", wire.Excursion{
			ID: "x1", Rule: "cold-r-high", Source: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature, Kind: "high",
			Limit: 8000, Began: began, Worst: 9250, WorstAt: began, Goods: []wire.Goods{{Tag: stranger, Exposed: time.Minute}},
		})
	})
	c := h.signIn("vera")
	r := c.do("GET", "/api/v1/excursions?location=SZ1-R", "")
	if r.status != 200 || r.at("items", 0, "id") != "x1" || r.at("items", 0, "ended_at") != nil || r.at("items", 0, "worst") != 9.25 || r.at("items", 0, "goods") != 1.0 {
		t.Errorf("list: %d %s", r.status, r.body)
	}
	r = c.do("GET", "/api/v1/excursions/x1", "")
	if r.status != 200 || r.at("tags", 0, "tag") != "uid:01020304" || r.at("lots", 0, "tags") != 1.0 || r.at("tags", 0, "exposed_s") != 60.0 {
		t.Errorf("detail: %d %s", r.status, r.body)
	}
	refused(t, c.do("GET", "/api/v1/excursions/x2", ""), 404, "not_found")
}

func TestAListIsSentToTheEdgeOfItsDoor(t *testing.T) {
	h := start(t)
	opened := time.Now().Add(-time.Minute)
	h.take(func(tx intake.Tx) error {
		if err := tx.PutVerdict("SZ1-E1", wire.Verdict{Door: "SZ1-D1", Pass: "p1", List: "ASN-1", Signal: "ok", At: opened, Matched: 3}); err != nil {
			return err
		}
		return tx.PutPass("SZ1-E1", wire.Pass{ID: "p1", Door: "SZ1-D1", Direction: wire.In, Opened: opened, Closed: opened, Tags: 3})
	})
	c := h.signIn("otto")
	list := `{"id":"ASN-1","direction":"in","tags":["urn:epc:tag:sgtin-96:3.0614141.812345.6789","epc:3034257bf7194e4000001a85"],"items":[{"gtin":"09521234543213","quantity":4}]}`
	if r := c.do("POST", "/api/v1/doors/SZ1-D1/expected", list); r.status != 200 || r.at("edge") != "SZ1-E1" {
		t.Errorf("list: %d %s", r.status, r.body)
	}
	if r := c.do("POST", "/api/v1/doors/SZ1-D1/expected", `{"id":"ASN-1"}`); r.status != 200 {
		t.Errorf("no list any more: %d %s", r.status, r.body)
	}
	refused(t, c.do("POST", "/api/v1/doors/SZ1-D9/expected", list), 404, "not_found")
	refused(t, c.do("POST", "/api/v1/doors/SZ1-D1/expected", strings.Replace(list, "urn:epc:tag:sgtin-96:3.", "urn:epc:tag:sgtin-96:9.", 1)), 422, "invalid")
	refused(t, c.do("POST", "/api/v1/doors/SZ1-D1/expected", strings.Replace(list, "09521234543213", "1", 1)), 422, "invalid")
	r := c.do("GET", "/api/v1/doors/SZ1-D1/verdicts", "")
	if r.status != 200 || r.at("items", 0, "signal") != "ok" || r.at("items", 0, "matched") != 3.0 || len(r.at("items", 0, "missing_tags").([]any)) != 0 {
		t.Errorf("verdicts: %d %s", r.status, r.body)
	}
}
