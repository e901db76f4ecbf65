package planner_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/planner"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

const (
	item = "MILK-1L"
	site = "SZ1"
	bay  = "SZ1-A-01"
)

// house is a planner over a real database with one item, one site and one supplier.
type house struct {
	*planner.Service
	db  *store.DB
	now time.Time
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), func() time.Time { return h.now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	clk, err := clock.Scaled(h.now, time.Now(), 1)
	if err != nil {
		t.Fatal(err)
	}
	h.db = db
	h.Service = planner.New(planner.Config{ServiceLevel: 0.95, ReviewDays: 7}, store.Planning{DB: db}, clk, slog.New(slog.DiscardHandler))
	h.load(t, "items", "id,name_en,name_zh,gtin,cost\n"+item+",Milk 1 L,牛奶 1 L,04006381333931,0.9\n")
	h.load(t, "locations", "code,site,kind,parent\nSZ1,SZ1,site,\nSZ1-A-01,SZ1,bay,SZ1\n")
	h.load(t, "suppliers", "id,name_en\nACME,Acme Dairy\nSLOW,Slow Dairy\n")
	h.load(t, "sources", "item,supplier,lead_time_days,lead_time_sd_days,moq,pack_multiple,price\n"+
		item+",ACME,3,1,20,12,0.8\n"+item+",SLOW,9,1,1,1,0.5\n")
	return h
}

func (h *house) load(t testing.TB, kind, csv string) {
	t.Helper()
	if _, err := catalog.NewImporter(store.Catalog{DB: h.db}).Import(t.Context(), kind, strings.NewReader(csv)); err != nil {
		t.Fatal(err)
	}
}

// post books quantity from one place to another.
func (h *house) post(t testing.TB, kind ledger.Kind, from, to string, quantity int64, at time.Time) {
	t.Helper()
	err := store.Ledger{DB: h.db}.Post(t.Context(), ledger.Movement{
		ID: uuid.NewString(), Kind: kind, Source: "test", EffectiveAt: at, RecordedAt: at, Key: uuid.NewString(),
		Lines: []ledger.Line{
			{Item: item, From: from, FromState: ledger.Available, To: to, ToState: ledger.Available, Quantity: quantity},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sell ships quantity on each of the last days before today.
func (h *house) sell(t testing.TB, days int, quantity int64) {
	t.Helper()
	for d := 1; d <= days; d++ {
		h.post(t, ledger.Ship, bay, ledger.Customer, quantity, h.now.AddDate(0, 0, -d))
	}
}

func (h *house) run(t testing.TB) []planner.Proposal {
	t.Helper()
	if _, err := h.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, _, err := h.Proposals(t.Context(), planner.Filter{State: planner.Proposed})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestProposalFollowsFromItsExplanation(t *testing.T) {
	h := open(t)
	h.post(t, ledger.Receive, ledger.Supplier, bay, 1000, h.now.AddDate(0, 0, -61))
	h.sell(t, 60, 16) // 960 gone, 40 left
	all := h.run(t)
	if len(all) != 1 {
		t.Fatalf("%d proposals; want 1", len(all))
	}
	p, e := all[0], all[0].Explain
	if p.Supplier != "ACME" || p.ItemName.ZH != "牛奶 1 L" || p.SupplierName.EN != "Acme Dairy" || p.State != planner.Proposed {
		t.Errorf("proposal %+v", p)
	}
	if e.Position != 40 || e.OnHand != 40 || math.Abs(e.MeanDaily-16) > 1e-9 || e.HistoryDays != 60 || e.DemandClass != "smooth" {
		t.Errorf("explanation %+v", e)
	}
	// Every figure must follow from the others, as a planner would check with a pocket calculator.
	cover := e.LeadTime + e.ReviewDays
	sigma := math.Sqrt(cover*e.ErrorDailySD*e.ErrorDailySD + e.MeanDaily*e.MeanDaily*e.LeadTimeSD*e.LeadTimeSD)
	for name, pair := range map[string][2]float64{
		"sigma":         {e.SigmaDL, sigma},
		"safety stock":  {e.SafetyStock, e.Z * sigma},
		"reorder point": {e.ReorderPoint, e.MeanDaily*cover + e.Z*sigma},
		"order up to":   {e.OrderUpTo, e.ReorderPoint + e.MeanDaily*e.ReviewDays},
		"cover":         {e.CoverDays, float64(e.Position) / e.MeanDaily},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%s is %v; the explanation gives %v", name, pair[0], pair[1])
		}
	}
	need := int64(math.Ceil(e.OrderUpTo - float64(e.Position)))
	if want := (max(need, e.MOQ) + e.PackMultiple - 1) / e.PackMultiple * e.PackMultiple; p.Quantity != want {
		t.Errorf("quantity %d; the explanation gives %d", p.Quantity, want)
	}
	if len(e.Forecast) != 28 || len(e.Demand) != 56 || e.Demand[55].Day != "2026-03-01" || e.Demand[55].Quantity != 16 {
		t.Errorf("%d days of forecast, %d of demand, last %+v", len(e.Forecast), len(e.Demand), e.Demand[len(e.Demand)-1])
	}
}

func TestWhatIsOnOrderIsNotAskedForAgain(t *testing.T) {
	h := open(t)
	h.post(t, ledger.Receive, ledger.Supplier, bay, 1000, h.now.AddDate(0, 0, -61))
	h.sell(t, 60, 16)
	first := h.run(t)[0]
	if again := h.run(t); len(again) != 1 || again[0].ID == first.ID || again[0].Quantity != first.Quantity {
		t.Fatalf("a second run leaves %+v open; want one proposal, newly made", again)
	}
	open := h.run(t)[0]
	approved, err := h.Approve(t.Context(), open.ID, nil, "ann", "")
	if err != nil || approved.State != planner.Approved || approved.DecidedBy != "ann" {
		t.Fatalf("%+v, %v", approved, err)
	}
	if after := h.run(t); len(after) != 0 {
		t.Errorf("the order is placed, and the next run proposes %+v", after)
	}
	orders, err := h.Orders(t.Context())
	if err != nil || len(orders) != 1 || orders[0].Quantity != open.Quantity || orders[0].Received != 0 {
		t.Fatalf("orders %+v, %v", orders, err)
	}
	h.post(t, ledger.Receive, ledger.Supplier, bay, 50, h.now.Add(time.Hour))
	if orders, err = h.Orders(t.Context()); err != nil || orders[0].Received != 50 {
		t.Errorf("after a receipt of 50: %+v, %v", orders, err)
	}
}

func TestVerdictsThatCannotBeAreRefused(t *testing.T) {
	h := open(t)
	h.post(t, ledger.Receive, ledger.Supplier, bay, 1000, h.now.AddDate(0, 0, -61))
	h.sell(t, 60, 16)
	id := h.run(t)[0].ID
	odd := int64(25)
	ctx := t.Context()
	for name, test := range map[string]struct {
		do   func() error
		kind error
		says string
	}{
		"half a pack":     {func() error { return second(h.Approve(ctx, id, &odd, "ann", "")) }, fault.Invalid, "next that does is 36"},
		"no reason":       {func() error { return second(h.Reject(ctx, id, "ann", "")) }, fault.Invalid, "say why"},
		"unknown":         {func() error { return second(h.Reject(ctx, "x", "ann", "no")) }, fault.NotFound, "x"},
		"unknown approve": {func() error { return second(h.Approve(ctx, "x", nil, "ann", "")) }, fault.NotFound, "x"},
	} {
		if err := test.do(); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Reject(ctx, id, "ann", "season is over"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Approve(ctx, id, nil, "bob", ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("a rejected proposal is approved: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestImportedDemandCountsUntilTheLedgerBegins(t *testing.T) {
	h := open(t)
	var csv strings.Builder
	csv.WriteString("item,site,day,quantity\n")
	for d := 90; d >= 1; d-- {
		fmt.Fprintf(&csv, "%s,%s,%s,5\n", item, site, h.now.AddDate(0, 0, -d).Format(time.DateOnly))
	}
	h.load(t, "demand", csv.String())
	h.post(t, ledger.Receive, ledger.Supplier, bay, 100, h.now.AddDate(0, 0, -10))
	h.sell(t, 10, 5)
	e := h.run(t)[0].Explain
	if e.HistoryDays != 90 || math.Abs(e.MeanDaily-5) > 1e-9 {
		t.Errorf("history of %d days with mean %v; want 90 days of 5, none counted twice", e.HistoryDays, e.MeanDaily)
	}
}

func TestReceiptsFillTheOldestOrderFirst(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 1, 1, h, 0, 0, 0, time.UTC) }
	orders := []planner.Order{
		{ID: "new", Quantity: 10, OrderedAt: at(5)},
		{ID: "gone", Quantity: 10, OrderedAt: at(0), Cancelled: true},
		{ID: "old", Quantity: 10, OrderedAt: at(1)},
	}
	planner.Receive(orders, []planner.Receipt{{at(6), 4}, {at(0), 99}, {at(3), 8}, {at(7), 20}})
	got := map[string]int64{}
	for _, o := range orders {
		got[o.ID] = o.Received
	}
	if got["old"] != 10 || got["new"] != 10 || got["gone"] != 0 {
		t.Errorf("received %v", got)
	}
	planner.Receive(orders, []planner.Receipt{{at(6), 4}, {at(3), 8}})
	if n := planner.Outstanding(orders); n != 8 {
		t.Errorf("%d outstanding; want 8", n)
	}
}

func BenchmarkRun1000ItemsOf120Days(b *testing.B) {
	h := open(b)
	var items, sources, demand strings.Builder
	items.WriteString("id,name_en\n")
	sources.WriteString("item,supplier,lead_time_days\n")
	demand.WriteString("item,site,day,quantity\n")
	for i := range 1000 {
		fmt.Fprintf(&items, "I%d,Item %d\n", i, i)
		fmt.Fprintf(&sources, "I%d,ACME,3\n", i)
		for d := 1; d <= 120; d++ {
			fmt.Fprintf(&demand, "I%d,%s,%s,%d\n", i, site, h.now.AddDate(0, 0, -d).Format(time.DateOnly), (i+d)%9)
		}
	}
	h.load(b, "items", items.String())
	h.load(b, "sources", sources.String())
	h.load(b, "demand", demand.String())
	for b.Loop() {
		if _, err := h.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLoopKeepsItsTimeOverARestart(t *testing.T) {
	h := open(t)
	fast, err := clock.Scaled(h.now, time.Now(), 7200) // an hour in half a second
	if err != nil {
		t.Fatal(err)
	}
	store := store.Planning{DB: h.db}
	plan := func(until time.Duration) time.Time {
		ctx, cancel := context.WithTimeout(t.Context(), fast.Wall(until))
		defer cancel()
		s := planner.New(planner.Config{ServiceLevel: 0.95, ReviewDays: 7, Every: 24 * time.Hour}, store, fast, slog.New(slog.DiscardHandler))
		if err := s.Loop(ctx); err != nil {
			t.Fatal(err)
		}
		last, err := store.LastRun(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return last
	}
	if last := plan(30 * time.Minute); !last.IsZero() {
		t.Errorf("planned at %v, before gateways could tell what there is", last)
	}
	first := plan(10 * time.Hour)
	if first.IsZero() {
		t.Fatal("no plan within ten hours of the start")
	}
	if again := plan(5 * time.Hour); !again.Equal(first) {
		t.Errorf("a restart planned again at %v, five hours after %v", again, first)
	}
}
