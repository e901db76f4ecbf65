package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/planner"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/view"
)

// warehouses are two sites whose locations do not stand together in the order of codes, with the virtual ones between them.
type warehouses struct {
	t      *testing.T
	db     *store.DB
	random *rand.Rand
	at     map[string]string // location -> site
	levels map[[2]string]int64
	posted int
}

func openWarehouses(t *testing.T, open Open) *warehouses {
	t.Helper()
	w := &warehouses{
		t: t, db: openAt(t, open, nil), random: rand.New(rand.NewPCG(3, 4)), at: map[string]string{}, levels: map[[2]string]int64{},
	}
	load := importer(t, w.db)
	var items, places, levels strings.Builder
	items.WriteString("id,name_en\n")
	for i := range 12 {
		fmt.Fprintf(&items, "SKU-%02d,Item %d\n", i, i)
	}
	places.WriteString("code,site,kind,parent,name_en\nN,N,site,,North\nS,S,site,,South\n")
	for i, code := range []string{"A1", "A2", "B1", "B2", "B3", "CUTTING", "PROD", "SUPPLIES", "T1", "T2", "T3"} {
		w.at[code] = map[bool]string{true: "N", false: "S"}[i%3 != 1]
		fmt.Fprintf(&places, "%s,%s,bay,%s,%s\n", code, w.at[code], w.at[code], code)
	}
	levels.WriteString("item,location,min,max\n")
	for i, code := range slices.Sorted(maps.Keys(w.at)) {
		for k := range i % 4 {
			item := fmt.Sprintf("SKU-%02d", 3*k+i%3)
			w.levels[[2]string{code, item}] = int64(i + 1)
			fmt.Fprintf(&levels, "%s,%s,%d,99\n", item, code, i+1)
		}
	}
	for kind, text := range map[string]string{"items": items.String(), "locations": places.String()} {
		if _, err := load(kind, text); err != nil {
			t.Fatal(kind, err)
		}
	}
	if _, err := load("levels", levels.String()); err != nil {
		t.Fatal(err)
	}
	return w
}

// move posts movements of goods without tags, some of which bring a row to nothing.
func (w *warehouses) move(n int) {
	w.t.Helper()
	codes := append(slices.Sorted(maps.Keys(w.at)), "LOST") // of which the catalogue knows nothing
	for range n {
		w.posted++
		from, to := ledger.Supplier, codes[w.random.IntN(len(codes))]
		if w.random.IntN(3) == 0 {
			from = codes[w.random.IntN(len(codes))]
		}
		if w.random.IntN(5) == 0 {
			from, to = to, ledger.Customer
		}
		if from == to {
			continue
		}
		state := ledger.Available
		if w.random.IntN(6) == 0 {
			state = ledger.StateUnseen
		}
		err := store.Ledger{DB: w.db}.Post(context.Background(), ledger.Movement{
			ID: newID(), Kind: ledger.Move, Source: "user:lin", EffectiveAt: noon, RecordedAt: noon, Key: fmt.Sprint("k", w.posted),
			Lines: []ledger.Line{{
				Item: fmt.Sprintf("SKU-%02d", w.random.IntN(12)), Lot: fmt.Sprint("L", w.random.IntN(3)), From: from, FromState: ledger.Available,
				To: to, ToState: state, Quantity: int64(1 + w.random.IntN(2)),
			}},
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// row is a row of stock without the time.
type row struct{ onHand, unseen, min int64 }

// truth is the stock of a site by place and item, as the balances say.
func (w *warehouses) truth(site string) map[[2]string]row {
	w.t.Helper()
	all, err := store.Stock{DB: w.db}.Rows(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[[2]string]row{}
	for at, low := range w.levels {
		if w.at[at[0]] == site {
			out[at] = row{min: low}
		}
	}
	for _, r := range all {
		at := [2]string{r.Location, r.Item}
		if w.at[r.Location] == site && (r.OnHand != 0 || r.Unseen != 0 || out[at].min > 0) {
			out[at] = row{r.OnHand, r.Unseen, out[at].min}
		}
	}
	return out
}

// read puts the pages of a site together; between is called after each.
func (w *warehouses) read(f view.PageFilter, between func()) (rows map[[2]string]row, first int64) {
	w.t.Helper()
	rows = map[[2]string]row{}
	last := ""
	for n := 0; ; n++ {
		p, err := store.View{DB: w.db}.StockPage(w.t.Context(), f)
		if err != nil || n > 2000 {
			w.t.Fatal(n, err)
		}
		if n == 0 {
			first = p.Seq
		}
		if named := len(p.Places) > 0; named != (f.After == "" && f.Item == "") {
			w.t.Errorf("page %d has %d places", n, len(p.Places))
		}
		if len(p.Rows) > f.Limit {
			w.t.Errorf("a page of %d rows, which is more than %d", len(p.Rows), f.Limit)
		}
		items := map[string]bool{}
		for _, r := range p.Rows {
			if key := r.Location + "\x00" + r.Item; key <= last {
				w.t.Errorf("%q after %q", key, last)
			} else {
				last = key
			}
			items[r.Item] = true
			rows[[2]string{r.Location, r.Item}] = row{r.OnHand, r.Unseen, r.Min}
		}
		if len(p.Items) != len(items) {
			w.t.Errorf("page %d names %d items of %d", n, len(p.Items), len(items))
		}
		if f.After = p.Next; f.After == "" {
			return rows, first
		}
		between()
	}
}

func testASitesStockComesInPages(t *testing.T, open Open) {
	w := openWarehouses(t, open)
	w.move(250)
	for _, site := range []string{"N", "S"} {
		want := w.truth(site)
		for _, limit := range []int{1, 2, 3, 5, 8, 21, view.MaxRows} {
			got, _ := w.read(view.PageFilter{Site: site, Limit: limit}, func() {})
			if !maps.Equal(got, want) {
				t.Errorf("%s by %d: %v\nwant %v", site, limit, got, want)
			}
		}
		maps.DeleteFunc(want, func(at [2]string, _ row) bool { return at[1] != "SKU-03" })
		if got, _ := w.read(view.PageFilter{Site: site, Item: "SKU-03", Limit: 2}, func() {}); !maps.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s of one item: %v\nwant %v", site, got, want)
		}
	}
	v := store.View{DB: w.db}
	for _, cursor := range []string{"x", "?", "QQ", "QQBCAEM"} {
		if _, err := v.StockPage(t.Context(), view.PageFilter{After: cursor}); !errors.Is(err, fault.Invalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if p, err := v.StockPage(t.Context(), view.PageFilter{Site: "NOWHERE"}); err != nil || len(p.Rows)+len(p.Places) > 0 || p.Next != "" {
		t.Errorf("a site that is not there: %+v, %v", p, err)
	}
	if p, err := v.StockPage(t.Context(), view.PageFilter{}); err != nil || p.Site != "N" {
		t.Errorf("no site: %s, %v", p.Site, err)
	}
	all, err := v.Sites(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != "N" || all[0].Name.EN != "North" || all[0].Places+all[1].Places != 13 {
		t.Errorf("sites %+v, %v", all, err)
	}
	if g, err := v.Ground(t.Context(), []string{"S"}); err != nil || g.Locations["A2"] != "S" || g.Locations["A1"] != "" {
		t.Errorf("ground %+v, %v", g, err)
	}
}

// testEventsBringPagesUpToDate: pages that were read one after the other while goods moved are of no one moment; with the
// events after the first of them they are the stock as it is.
func testEventsBringPagesUpToDate(t *testing.T, open Open) {
	w := openWarehouses(t, open)
	w.move(60)
	for _, limit := range []int{1, 4, 9} {
		got, first := w.read(view.PageFilter{Site: "N", Limit: limit}, func() { w.move(3) })
		w.move(2)
		events, err := store.Events{DB: w.db}.Since(t.Context(), first, 10_000)
		if err != nil || len(events) == 0 {
			t.Fatal(err, len(events))
		}
		for _, e := range events {
			var rows [][]any
			if e.Type != event.Stock {
				continue
			} else if err := json.Unmarshal(e.Data, &rows); err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				at := [2]string{r[1].(string), r[0].(string)}
				if w.at[at[0]] == "N" {
					got[at] = row{int64(r[2].(float64)), int64(r[3].(float64)), w.levels[at]}
				}
			}
		}
		maps.DeleteFunc(got, func(_ [2]string, r row) bool { return r == row{} })
		if want := w.truth("N"); !maps.Equal(got, want) {
			t.Errorf("by %d: %v\nwant %v", limit, got, want)
		}
	}
}

func testProposalsComeNewestFirstPageByPage(t *testing.T, open Open) {
	ctx := t.Context()
	plan := store.Planning{DB: openAt(t, open, nil)}
	for run := range 3 {
		var all []planner.Proposal
		for i := range 7 {
			all = append(all, planner.Proposal{
				ID: fmt.Sprintf("%d-%d", run, i), State: planner.Proposed, CreatedAt: noon.Add(time.Duration(run) * time.Hour),
				Item: fmt.Sprintf("SKU-%d", i/2), Site: map[bool]string{true: "N", false: "S"}[i%2 == 0],
			})
		}
		if err := plan.SaveRun(ctx, planner.Run{ID: fmt.Sprint(run), At: noon}, all); err != nil {
			t.Fatal(err)
		}
	}
	for want, f := range map[string]planner.Filter{
		"2-0 2-1 2-2 2-3 2-4 2-5 2-6":                                     {State: planner.Proposed},
		"2-0 2-2 2-4 2-6":                                                 {State: planner.Proposed, Site: "N"},
		"2-1 2-3 2-5 1-1 1-3 1-5 0-1 0-3 0-5":                             {Site: "S"},
		"1-0 1-1 1-2 1-3 1-4 1-5 1-6 0-0 0-1 0-2 0-3 0-4 0-5 0-6":         {State: planner.Superseded},
		"2-0 2-1 2-2 2-3 2-4 2-5 2-6 1-0 1-1 1-2 1-3 1-4 1-5 1-6 0-0 0-1": {Limit: 16},
	} {
		pages := []int{f.Limit}
		if f.Limit == 0 {
			pages = []int{1, 3, 4, 100}
		}
		for _, f.Limit = range pages {
			var got []string
			for f.Before = ""; ; {
				page, next, err := plan.Proposals(ctx, f)
				if err != nil || len(got) > 30 {
					t.Fatal(err, got)
				}
				for _, p := range page {
					got = append(got, p.ID)
				}
				if f.Before = next; next == "" || f.Limit == 16 {
					break
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%+v: %v, want %s", f, got, want)
			}
		}
	}
	if _, _, err := plan.Proposals(ctx, planner.Filter{Before: "x"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a cursor that is not there: %v", err)
	}
}
