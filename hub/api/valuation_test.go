package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

var morning = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// move posts goods without tags, the given hours after the morning, and gives the movement's id.
func (h *hub) move(item string, quantity, value int64, from, to ledger.Location, hours int) string {
	h.t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	at := morning.Add(time.Duration(hours) * time.Hour)
	err := store.Ledger{DB: h.db}.Post(h.t.Context(), ledger.Movement{
		ID: id, Kind: ledger.Move, Source: "user:otto", EffectiveAt: at, RecordedAt: at, Key: id,
		Lines: []ledger.Line{{
			Item: item, From: from, FromState: ledger.Available, To: to, ToState: ledger.Available, Quantity: quantity, Value: value,
		}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// get asks for a part of the valuation.
func (c *client) get(path string) response {
	c.t.Helper()
	r := c.do("GET", "/api/v1/valuation"+path, "")
	if r.status != 200 {
		c.t.Fatalf("%s: %d %s", path, r.status, r.body)
	}
	return r
}

func (c *client) post(path, body string, status int) response {
	c.t.Helper()
	r := c.do("POST", "/api/v1/valuation"+path, body)
	if r.status != status {
		c.t.Fatalf("%s: %d %s; want %d", path, r.status, r.body, status)
	}
	return r
}

func TestStockHasAValueThatItsLayersExplain(t *testing.T) {
	h := start(t)
	h.catalogue()
	first := h.move("SKU-1", 10, 50_0000, ledger.Supplier, "SZ1-A-01", 0)
	second := h.move("SKU-1", 10, 80_0000, ledger.Supplier, "SZ1-A-01", 1)
	h.move("SKU-1", 14, 0, "SZ1-A-01", ledger.Customer, 2)
	h.move("SKU-2", 1, 7, ledger.Supplier, "SZ1-A-01", 3)
	h.value()
	c := h.signIn("fritz")
	all := c.get("/stock")
	if len(all.at("items").([]any)) != 2 || all.at("items", 0, "value") != 48_0000.0 || all.at("items", 0, "unit_value") != 8_0000.0 ||
		all.at("items", 0, "site") != "SZ1" || all.at("items", 0, "quantity") != 6.0 || len(all.at("items", 0, "layers").([]any)) != 0 {
		t.Errorf("stock %s", all.body)
	}
	one := c.get("/stock?item=SKU-1")
	if len(one.at("items", 0, "layers").([]any)) != 1 || one.at("items", 0, "layers", 0, "movement") != second ||
		one.at("items", 0, "layers", 0, "left") != 6.0 || one.at("items", 0, "layers", 0, "left_value") != 48_0000.0 ||
		one.at("items", 0, "layers", 0, "quantity") != 10.0 {
		t.Errorf("layers of %s", one.body)
	}
	then := c.get("/stock?item=SKU-1&at=" + morning.Add(90*time.Minute).Format(time.RFC3339))
	if then.at("items", 0, "value") != 130_0000.0 || then.at("items", 0, "layers", 0, "movement") != first || then.at("items", 0, "layers", 1, "movement") != second {
		t.Errorf("before the sale: %s", then.body)
	}
	page := c.get("/stock?limit=1")
	rest := c.get("/stock?limit=1&before=" + page.at("next").(string))
	if page.at("items", 0, "item") != "SKU-1" || rest.at("items", 0, "item") != "SKU-2" || rest.at("next") != "" {
		t.Errorf("pages %s and %s", page.body, rest.body)
	}
	refused(t, c.do("GET", "/api/v1/valuation/stock?before=x", ""), 422, "invalid")
	if r := c.get("/stock?site=SZ2"); len(r.at("items").([]any)) != 0 {
		t.Errorf("at another site: %s", r.body)
	}
}

func TestAnInvoiceChangesWhatGoodsCost(t *testing.T) {
	h := start(t)
	h.catalogue()
	receipt := h.move("SKU-1", 10, 0, ledger.Supplier, "SZ1-A-01", 0)
	sale := h.move("SKU-1", 4, 0, "SZ1-A-01", ledger.Customer, 1)
	h.value()
	c := h.signIn("fritz")
	said := c.post("/costs", fmt.Sprintf(`{"reference":"invoice 7","lines":[{"movement":%q,"value":300000}]}`, receipt), 200)
	if state := c.get("/state"); state.at("waiting") != 1.0 || state.at("since") == nil {
		t.Errorf("state %s", state.body)
	}
	h.value()
	entries := c.get("/entries?item=SKU-1&limit=1")
	if entries.at("items", 0, "movement") != sale || entries.at("items", 0, "kind") != "adjust" || entries.at("items", 0, "value") != -12_0000.0 ||
		entries.at("items", 0, "caused_by") != said.at("id") || entries.at("next") == "" {
		t.Errorf("entries %s", entries.body)
	}
	rest := c.get("/entries?item=SKU-1&before=" + entries.at("next").(string))
	if len(rest.at("items").([]any)) != 3 || rest.at("next") != "" {
		t.Errorf("and then %s", rest.body)
	}
	x := c.get("/movements/" + sale)
	if x.at("lines", 0, "value") != -12_0000.0 || x.at("lines", 0, "uses", 0, "layer") != receipt || x.at("lines", 0, "before", "value") != 30_0000.0 ||
		len(x.at("lines", 0, "entries").([]any)) != 2 || x.at("lines", 0, "late", 0) != said.at("id") {
		t.Errorf("the sale: %s", x.body)
	}
	r := c.get("/movements/" + receipt)
	if r.at("said", 0, "reference") != "invoice 7" || r.at("said", 0, "actor") != "fritz" || r.at("lines", 0, "used_by", 0, "movement") != sale {
		t.Errorf("the receipt: %s", r.body)
	}
	cost := c.get("/cost-of-goods?outside=CUSTOMER")
	if cost.at("items", 0, "value") != 12_0000.0 || cost.at("items", 0, "adjusted") != 12_0000.0 || cost.at("items", 0, "site") != "SZ1" {
		t.Errorf("cost of goods %s", cost.body)
	}
	log := h.signIn("admin").do("GET", "/api/v1/audit?resource=valuation-cost", "")
	if !strings.Contains(log.body, "invoice 7") || !strings.Contains(log.body, "fritz") {
		t.Errorf("the log of changes: %s", log.body)
	}
	refused(t, c.do("POST", "/api/v1/valuation/costs", fmt.Sprintf(`{"reference":"","lines":[{"movement":%q,"value":1}]}`, sale)), 422, "invalid")
	refused(t, c.do("POST", "/api/v1/valuation/costs", `{"reference":"","lines":[{"movement":"x","value":1}]}`), 404, "not_found")
}

func TestCostsAndMethodsAreSetByFinance(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("fritz")
	c.post("/items/SKU-1/cost", `{"cost":20000}`, 204)
	c.post("/items/SKU-1/method", `{"method":"average"}`, 204)
	refused(t, c.do("POST", "/api/v1/valuation/items/SKU-9/cost", `{"cost":1}`), 404, "not_found")
	h.move("SKU-1", 3, 0, ledger.Supplier, "SZ1-A-01", 0)
	h.value()
	if r := c.get("/stock?item=SKU-1"); r.at("items", 0, "value") != 6_0000.0 {
		t.Errorf("by the item's cost: %s", r.body)
	}
	if r := c.get("/items/SKU-1/methods"); r.at("items", 0, "method") != "average" || r.at("items", 0, "from") != nil || r.at("items", 0, "actor") != "fritz" {
		t.Errorf("methods %s", r.body)
	}
	if r := c.post("/items/SKU-1/again", `{}`, 200); r.at("entries") != 0.0 {
		t.Errorf("again: %s", r.body)
	}
	for _, body := range []string{`{"method":"lifo"}`, `{}`} {
		refused(t, c.do("POST", "/api/v1/valuation/items/SKU-1/method", body), 422, "invalid")
	}
	if r := h.signIn("paula").do("POST", "/api/v1/valuation/items/SKU-1/cost", `{"cost":1}`); r.status != 403 {
		t.Errorf("a planner: %d %s", r.status, r.body)
	}
}
