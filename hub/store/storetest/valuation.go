package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/valuation/valuationtest"
)

func valuer(db *store.DB, batch int) *valuation.Service {
	return valuation.New(valuation.Config{Batch: batch, Apart: 3}, store.Valuation{DB: db}, clock.Clock{})
}

// areasBySite has an area for each letter that a location begins with, as the catalogue of sites has.
var areasBySite = valuation.BySite(func(l ledger.Location) string { return l[:1] })

// valuedWorld is a database with the events that its valuer should know of.
type valuedWorld struct {
	t      testing.TB
	db     *store.DB
	books  store.Valuation
	now    time.Time
	events map[string][]valuation.Event // by item
	posted []ledger.Movement
	closed time.Time
}

func newValuedWorld(t testing.TB, open Open) *valuedWorld {
	w := &valuedWorld{t: t, now: noon, events: map[string][]valuation.Event{}}
	w.db = open(t, func() time.Time { return w.now }, nil)
	w.books = store.Valuation{DB: w.db}
	sites(t, w.db)
	return w
}

// sites are two sites with two places each.
func sites(t testing.TB, db *store.DB) {
	t.Helper()
	const places = "code,site,parent,kind,name_en\nA,A,,site,A\nB,B,,site,B\nA1,A,A,zone,A1\nA2,A,A,zone,A2\nB1,B,B,zone,B1\nB2,B,B,zone,B2\n"
	if _, err := catalog.NewImporter(store.Catalog{DB: db}).Import(context.Background(), "locations", strings.NewReader(places)); err != nil {
		t.Fatal(err)
	}
}

func (w *valuedWorld) note(m ledger.Movement, reversed time.Time) {
	for _, e := range valuation.Append(nil, &m, areasBySite, reversed) {
		w.events[e.Item] = append(w.events[e.Item], e)
	}
	w.posted = append(w.posted, m)
}

// post moves goods; value 0 = not said.
func (w *valuedWorld) post(item string, quantity, value int64, from, to ledger.Location, at time.Time) ledger.Movement {
	w.t.Helper()
	m := ledger.Movement{
		ID: newID(), Kind: ledger.Move, Source: "test", Actor: "lin", Key: newID(), EffectiveAt: at, RecordedAt: w.now,
		Lines: []ledger.Line{{
			Item: item, From: from, FromState: ledger.Available, To: to, ToState: ledger.Available, Quantity: quantity, Value: value,
		}},
	}
	w.put(m)
	return m
}

func (w *valuedWorld) put(m ledger.Movement) {
	w.t.Helper()
	if err := (store.Ledger{DB: w.db}).Post(context.Background(), m); err != nil {
		w.t.Fatal(err)
	}
	w.note(m, time.Time{})
}

// value values until nothing waits.
func (w *valuedWorld) value(batch int) {
	w.t.Helper()
	for s := valuer(w.db, batch); ; {
		r, err := s.Once(context.Background())
		if err != nil || len(r.Stuck) > 0 {
			w.t.Fatal(r, err)
		}
		if r.Events == 0 {
			return
		}
	}
}

func (w *valuedWorld) worth(item string, known valuation.Known) map[string]valuationtest.Amount {
	w.t.Helper()
	all, err := w.books.Worth(context.Background(), item, known)
	if err != nil {
		w.t.Fatal(err)
	}
	areas := map[string]valuationtest.Amount{}
	for _, v := range all {
		areas[v.Area] = valuationtest.Amount{Quantity: v.Quantity, Value: v.Value}
	}
	return areas
}

// drawn is a Movement of up to three lines between places of two sites and the outside.
func (w *valuedWorld) drawn(t *rapid.T, item string) (m ledger.Movement, ok bool) {
	places := []ledger.Location{ledger.Supplier, ledger.Customer, ledger.Loss, ledger.InTransit, "A1", "A2", "A1", "B1"}
	m = ledger.Movement{
		ID: newID(), Kind: ledger.Move, Source: "test", Actor: "lin", Key: newID(), RecordedAt: w.now,
		EffectiveAt: w.now.Add(time.Duration(rapid.IntRange(-600, 30).Draw(t, "minutes ago")) * time.Minute),
	}
	for range rapid.IntRange(1, 3).Draw(t, "lines") {
		l := ledger.Line{
			Item: item, From: rapid.SampledFrom(places).Draw(t, "from"), To: rapid.SampledFrom(places).Draw(t, "to"),
			FromState: ledger.Available, ToState: ledger.Available, Quantity: rapid.Int64Range(1, 9).Draw(t, "quantity"),
			Value: max(0, rapid.Int64Range(-50, 500).Draw(t, "value")),
		}
		if l.From != l.To {
			m.Lines = append(m.Lines, l)
		}
	}
	return m, len(m.Lines) > 0
}

// testValuationLaws: whatever is posted, taken back, ordered and said, for whatever time, and whenever it is valued, the books
// are those of the events in their order, as known now and as known before; and what was closed stays as it was.
func testValuationLaws(t *testing.T, open Open) {
	w := newValuedWorld(t, open)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		item := fmt.Sprint("SKU-", n)
		w.posted = nil
		type past struct {
			at    time.Time
			worth map[string]valuationtest.Amount
		}
		var known, closed []past
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			w.now = w.now.Add(10 * time.Minute)
			switch rapid.IntRange(0, 12).Draw(rt, "step") {
			case 0:
				w.method(rt, item)
			case 4, 5:
				w.say(rt)
			case 6:
				until := w.now.Add(time.Duration(rapid.IntRange(-300, 0).Draw(rt, "closed")) * time.Minute)
				if w.close(rt, until) {
					closed = append(closed, past{until.Add(-time.Microsecond), w.worth(item, valuation.Known{At: until.Add(-time.Microsecond)})})
				}
			case 1, 2:
				w.reverse(rt)
			case 3:
				w.value(rapid.IntRange(1, 5).Draw(rt, "batch"))
				w.now = w.now.Add(time.Minute)
				known = append(known, past{w.now, folded(w.events[item], time.Time{}).Areas})
				w.now = w.now.Add(time.Minute)
			default:
				if m, ok := w.drawn(rt, item); ok && !m.EffectiveAt.Before(w.closed) {
					w.put(m)
				}
			}
		}
		w.now = w.now.Add(time.Minute)
		w.value(3)
		w.compare(rt, item)
		for _, k := range known {
			if got := w.worth(item, valuation.Known{Recorded: k.at}); !sameWorth(got, k.worth) {
				rt.Fatalf("as known then: %v, want %v", got, k.worth)
			}
		}
		for _, k := range closed {
			if got := w.worth(item, valuation.Known{At: k.at}); !sameWorth(got, k.worth) {
				rt.Fatalf("what was closed at %v is worth %v, and was %v", k.at, got, k.worth)
			}
		}
	})
	w.verify(t)
}

// verify checks that all that is kept follows from the ledger.
func (w *valuedWorld) verify(t *testing.T) {
	t.Helper()
	v, err := w.books.Verify(context.Background())
	if err != nil || len(v.Wrong) > 0 {
		t.Errorf("verified %+v, %v", v, err)
	}
}

// say says what some of the lines cost that were posted.
func (w *valuedWorld) say(t *rapid.T) {
	s := valuation.Statement{Reference: "invoice", Actor: "lin"}
	for _, m := range w.posted {
		for i, l := range m.Lines {
			from, to := areasBySite(l.From), areasBySite(l.To)
			if !from.Inside() && to.Inside() && m.Reverses == "" && rapid.IntRange(0, 2).Draw(t, "unsaid") == 0 {
				s.Lines = append(s.Lines, valuation.Said{Movement: m.ID, Line: i, Value: max(0, rapid.Int64Range(-50, 500).Draw(t, "cost"))})
			}
		}
	}
	if len(s.Lines) == 0 {
		return
	}
	s, err := w.books.SetCosts(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range s.Lines {
		m := w.posted[slices.IndexFunc(w.posted, func(m ledger.Movement) bool { return m.ID == l.Movement })]
		e, err := valuation.CostOf(&m, l, areasBySite)
		if err != nil {
			t.Fatal(err)
		}
		e.Key = valuation.Key{Movement: s.ID, Line: i}
		w.events[e.Item] = append(w.events[e.Item], e)
	}
}

// close closes the books, where they are not closed further.
func (w *valuedWorld) close(t *rapid.T, until time.Time) bool {
	if until.Before(w.closed) {
		return false
	}
	if _, err := (store.Ledger{DB: w.db}).ClosePeriod(context.Background(), until, "lin", ""); err != nil {
		t.Fatal(err)
	}
	w.closed = until
	return true
}

func (w *valuedWorld) method(t *rapid.T, item string) {
	m := rapid.SampledFrom([]valuation.Method{valuation.Average, valuation.FIFO}).Draw(t, "method")
	at := w.now.Add(time.Duration(rapid.IntRange(-600, 0).Draw(t, "since")) * time.Minute)
	if at.Before(w.closed) {
		at = w.closed
	}
	if err := w.books.SetMethod(context.Background(), item, m, at, "lin"); err != nil {
		t.Fatal(err)
	}
	changes, err := w.books.Methods(context.Background(), item)
	if err != nil {
		t.Fatal(err)
	}
	c := slices.MaxFunc(changes, func(a, b valuation.MethodChange) int { return strings.Compare(a.ID, b.ID) })
	w.events[item] = append(w.events[item], valuation.Event{
		Moment: valuation.Moment{At: c.At, Key: valuation.Key{Movement: c.ID}}, Item: item, Method: c.Method,
	})
}

func (w *valuedWorld) reverse(t *rapid.T) {
	if len(w.posted) == 0 {
		return
	}
	m := w.posted[rapid.IntRange(0, len(w.posted)-1).Draw(t, "which")]
	r, err := store.Ledger{DB: w.db}.Reverse(context.Background(), m.ID, "lin")
	if errors.Is(err, fault.Conflict) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	w.note(r, m.EffectiveAt)
}

func folded(events []valuation.Event, until time.Time) valuationtest.Books {
	if until.IsZero() {
		until = noon.AddDate(10, 0, 0)
	}
	return valuationtest.Plain(valuationtest.Until(events, until))
}

// sameWorth compares what areas are worth; one that never had anything is like one that has nothing.
func sameWorth(a, b map[string]valuationtest.Amount) bool {
	zero := func(_ string, v valuationtest.Amount) bool { return v == valuationtest.Amount{} }
	a, b = maps.Clone(a), maps.Clone(b)
	maps.DeleteFunc(a, zero)
	maps.DeleteFunc(b, zero)
	return maps.Equal(a, b)
}

// compare compares all books of an item with those of its events.
func (w *valuedWorld) compare(t *rapid.T, item string) {
	ctx := context.Background()
	until := w.now.Add(time.Duration(rapid.IntRange(-700, 40).Draw(t, "until")) * time.Minute)
	for _, at := range []time.Time{{}, until} {
		want := folded(w.events[item], at)
		if got := w.worth(item, valuation.Known{At: at, Basis: valuation.ByEffect}); !sameWorth(got, want.Areas) {
			t.Fatalf("until %v worth %v, want %v", at, got, want.Areas)
		}
		layers, err := w.books.Layers(ctx, item, valuation.Known{At: at, Basis: valuation.ByEffect})
		if err != nil || len(layers) != len(want.Left) {
			t.Fatalf("until %v: layers %+v, %v; want %v", at, layers, err, want.Left)
		}
		for _, l := range layers {
			if a := want.Left[valuationtest.Line{Of: l.Key, Area: l.Area}]; a.Quantity != l.Left || a.Value != l.LeftValue {
				t.Fatalf("until %v: layer %+v, want %+v left", at, l, a)
			}
		}
	}
	want := folded(w.events[item], time.Time{})
	w.compareCosts(t, item, want)
	for _, e := range w.events[item] {
		all, err := w.books.Explain(ctx, e.Movement)
		if err != nil && !errors.Is(err, fault.NotFound) { // where its reversal came before it
			t.Fatal(err)
		}
		for _, x := range all {
			line := valuationtest.Line{Of: x.Key, Area: x.Area}
			if a := want.Lines[line]; a.Quantity != x.Quantity || a.Value != x.Value {
				t.Fatalf("%v: %d at %d, want %+v", line, x.Quantity, x.Value, a)
			}
			for _, u := range x.Uses {
				if a := want.Used[line][u.Layer]; e.Reverses.Movement == "" && (a.Quantity != u.Quantity || a.Value != u.Value) {
					t.Fatalf("%v used %+v, want %+v", line, u, a)
				}
			}
		}
	}
}

// compareCosts compares what went to each place outside with the lines that did.
func (w *valuedWorld) compareCosts(t *rapid.T, item string, books valuationtest.Books) {
	type way struct{ area, outside string }
	want := map[way]int64{}
	for _, e := range w.events[item] {
		for _, s := range [][2]valuation.Side{{e.From, e.To}, {e.To, e.From}} {
			if e.Method == "" && s[0].Inside() && !s[1].Inside() {
				want[way{s[0].Area, s[1].Outside}] -= books.Lines[valuationtest.Line{Of: e.Key, Area: s[0].Area}].Value
			}
		}
	}
	costs, err := w.books.Costs(context.Background(), valuation.CostFilter{Item: item, Basis: valuation.ByEffect})
	if err != nil {
		t.Fatal(err)
	}
	got := map[way]int64{}
	for _, c := range costs {
		got[way{c.Area, c.Outside}] = c.Value
	}
	for k, v := range want {
		if got[k] != v {
			t.Fatalf("to %s from %s: cost %d, want %d", k.outside, k.area, got[k], v)
		}
	}
}

// testPostingsQueueWhatHasACost: moves within an area queue nothing; others one row each.
func testPostingsQueueWhatHasACost(t *testing.T, open Open) {
	w := newValuedWorld(t, open)
	for i, to := range []ledger.Location{"A1", "A2", ledger.InTransit, "B1", "B2", ledger.Customer} {
		from := []ledger.Location{ledger.Supplier, "A1", "A2", ledger.InTransit, "B1", "B2"}[i]
		w.post("SKU-1", 1, 0, from, to, noon)
	}
	due, err := w.books.Due(t.Context(), 100)
	if err != nil || len(due.Events) != 4 {
		t.Fatalf("%d events wait, %v; want 4", len(due.Events), err)
	}
	if b, err := w.books.Behind(t.Context()); err != nil || b.Events != 4 || time.Since(b.Since) > time.Hour {
		t.Errorf("behind %+v, %v", b, err)
	}
}

// testExplainLeadsToWhatWasLate follows the cost of a sale, first in, first out, to a receipt that was booked after it.
func testExplainLeadsToWhatWasLate(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	if err := w.books.SetMethod(ctx, "SKU-1", valuation.FIFO, hour(-100), "lin"); err != nil {
		t.Fatal(err)
	}
	dear := w.post("SKU-1", 10, 50_0000, ledger.Supplier, "A1", hour(2))
	sale := w.post("SKU-1", 4, 0, "A1", ledger.Customer, hour(3))
	w.value(10)
	first := w.now
	w.now = hour(24)
	cheap := w.post("SKU-1", 3, 6_0000, ledger.Supplier, "A1", hour(1))
	w.value(10)

	all, err := w.books.Explain(ctx, sale.ID)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	x := all[0]
	if x.Quantity != -4 || x.Value != -(6_0000+5_0000) || x.Before.Quantity != 13 || x.Before.Value != 56_0000 || x.Item != "SKU-1" {
		t.Errorf("it came to %d at %d, with %+v before", x.Quantity, x.Value, x.Before)
	}
	if len(x.Rows) != 2 || x.Rows[0].Kind != valuation.Issue || x.Rows[0].Value != -20_0000 ||
		x.Rows[1].Kind != valuation.Adjust || x.Rows[1].Value != 9_0000 || x.Rows[1].CausedBy != cheap.ID ||
		!x.Rows[1].RecordedAt.Equal(w.now) {
		t.Errorf("rows %+v", x.Rows)
	}
	if len(x.Late) != 1 || x.Late[0].Movement != cheap.ID {
		t.Errorf("late was %+v", x.Late)
	}
	want := []valuation.Used{
		{Of: x.Key, Layer: valuation.Key{Movement: dear.ID}, Quantity: 1, Value: 5_0000},
		{Of: x.Key, Layer: valuation.Key{Movement: cheap.ID}, Quantity: 3, Value: 6_0000},
	}
	if !slices.Equal(x.Uses, want) {
		t.Errorf("it used %+v, want %+v", x.Uses, want)
	}
	if all, err = w.books.Explain(ctx, cheap.ID); err != nil || len(all) != 1 || !slices.Equal(all[0].UsedBy, want[1:]) {
		t.Errorf("the late receipt: %+v, %v", all, err)
	}
	if _, err := w.books.Explain(ctx, newID()); !errors.Is(err, fault.NotFound) {
		t.Errorf("a movement that there is not: %v", err)
	}

	if _, err := w.books.Costs(ctx, valuation.CostFilter{Basis: "sideways"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a basis that there is not: %v", err)
	}
	layers, err := w.books.Layers(ctx, "SKU-1", valuation.Known{Recorded: first.Add(time.Minute)})
	if err != nil || len(layers) != 1 || layers[0].Left != 6 || layers[0].LeftValue != 30_0000 || !layers[0].At.Equal(hour(2)) {
		t.Errorf("layers as known on the first day: %+v, %v", layers, err)
	}
}

// testWhatIsSaidOfAClosedPeriodIsBookedInTheOpenOne: an invoice that comes after the books were closed changes nothing in them,
// and what was sold meanwhile is adjusted at the first open moment.
func testWhatIsSaidOfAClosedPeriodIsBookedInTheOpenOne(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	if err := w.books.SetMethod(ctx, "SKU-1", valuation.FIFO, time.Time{}, "lin"); err != nil {
		t.Fatal(err)
	}
	receipt := w.post("SKU-1", 10, 50_0000, ledger.Supplier, "A1", hour(2))
	sale := w.post("SKU-1", 4, 0, "A1", ledger.Customer, hour(3))
	w.value(10)
	w.now = hour(24)
	if _, err := (store.Ledger{DB: w.db}).ClosePeriod(ctx, hour(12), "lin", ""); err != nil {
		t.Fatal(err)
	}
	invoice, err := w.books.SetCosts(ctx, valuation.Statement{
		Reference: "invoice 7", Actor: "fritz", Lines: []valuation.Said{{Movement: receipt.ID, Value: 30_0000}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.value(10)
	for _, c := range []struct {
		name            string
		filter          valuation.CostFilter
		value, adjusted int64
	}{
		{"the closed day, as it was reported", valuation.CostFilter{From: noon, To: hour(12)}, 20_0000, 0},
		{"the open day has the difference", valuation.CostFilter{From: hour(12)}, -8_0000, -8_0000},
		{"the closed day, by what is known now", valuation.CostFilter{From: noon, To: hour(12), Basis: valuation.ByEffect}, 12_0000, -8_0000},
	} {
		c.filter.Outside = ledger.Customer
		got, err := w.books.Costs(ctx, c.filter)
		if err != nil || len(got) != 1 || got[0].Value != c.value || got[0].Adjusted != c.adjusted {
			t.Errorf("%s: %+v, %v; want %d", c.name, got, err, c.value)
		}
	}
	for at, value := range map[time.Time]int64{hour(11): 30_0000, hour(12): 18_0000} {
		worth := w.worth("SKU-1", valuation.Known{At: at})["A"]
		layers, err := w.books.Layers(ctx, "SKU-1", valuation.Known{At: at})
		if err != nil || worth.Value != value || len(layers) != 1 || layers[0].Left != 6 || layers[0].LeftValue != value {
			t.Errorf("at %v: worth %+v by layers %+v, %v; want %d", at, worth, layers, err, value)
		}
	}
	page, _, err := w.books.Entries(ctx, valuation.EntryFilter{Item: "SKU-1", From: hour(12)})
	if err != nil || len(page) != 2 || page[0].Of.Movement != sale.ID || page[0].Value != 8_0000 || page[1].Value != -20_0000 {
		t.Fatalf("entries of the open period: %+v, %v", page, err)
	}
	for _, r := range page {
		if r.Kind != valuation.Adjust || r.CausedBy != invoice.ID || !r.BookedAt.Equal(hour(12)) || !r.RecordedAt.Equal(w.now) {
			t.Errorf("an entry of it is %+v", r)
		}
	}
	said, err := w.books.Statements(ctx, receipt.ID)
	if err != nil || len(said) != 1 || said[0].Reference != "invoice 7" || said[0].Lines[0].Value != 30_0000 || said[0].Actor != "fritz" {
		t.Errorf("said was %+v, %v", said, err)
	}
	w.verify(t)
}

// testCostsAreOfWhatCameIn: of nothing else, whole or not at all.
func testCostsAreOfWhatCameIn(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	receipt := w.post("SKU-1", 10, 0, ledger.Supplier, "A1", noon)
	sale := w.post("SKU-1", 4, 0, "A1", ledger.Customer, noon)
	back, err := store.Ledger{DB: w.db}.Reverse(ctx, sale.ID, "lin")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		said valuation.Said
		want error
	}{
		"no movement":      {valuation.Said{Movement: "x"}, fault.NotFound},
		"none that is":     {valuation.Said{Movement: newID()}, fault.NotFound},
		"a sale":           {valuation.Said{Movement: sale.ID}, fault.Invalid},
		"a reversal":       {valuation.Said{Movement: back.ID}, fault.Invalid},
		"a line too many":  {valuation.Said{Movement: receipt.ID, Line: 1}, fault.Invalid},
		"less than 0":      {valuation.Said{Movement: receipt.ID, Value: -1}, fault.Invalid},
		"more than can be": {valuation.Said{Movement: receipt.ID, Value: 1 << 62}, fault.Invalid},
	} {
		lines := []valuation.Said{{Movement: receipt.ID, Value: 7}, c.said}
		if _, err := w.books.SetCosts(ctx, valuation.Statement{Lines: lines}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := w.books.SetCosts(ctx, valuation.Statement{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("nothing: %v", err)
	}
	w.value(10)
	if got := w.worth("SKU-1", valuation.Known{}); got["A"].Value != 0 {
		t.Errorf("after that it is worth %v", got)
	}
	for _, value := range []int64{500, 0, 80} { // the last word counts, and 0 is a word
		if _, err := w.books.SetCosts(ctx, valuation.Statement{Lines: []valuation.Said{{Movement: receipt.ID, Value: value}}}); err != nil {
			t.Fatal(err)
		}
		w.value(10)
		if got := w.worth("SKU-1", valuation.Known{}); got["A"] != (valuationtest.Amount{Quantity: 10, Value: value}) {
			t.Errorf("after %d was said it is worth %v", value, got)
		}
	}
	w.verify(t)
}

// testTheCostOfAnItemIsOfWhatComes, and not of what was there.
func testTheCostOfAnItemIsOfWhatComes(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	_, err := catalog.NewImporter(store.Catalog{DB: w.db}).Import(ctx, "items", strings.NewReader("id,name_en,cost\nSKU-1,Milk,2\n"))
	if err != nil {
		t.Fatal(err)
	}
	w.post("SKU-1", 3, 0, ledger.Supplier, "A1", noon)
	w.value(10)
	if err := w.books.SetItemCost(ctx, "SKU-1", 5_0000); err != nil {
		t.Fatal(err)
	}
	w.post("SKU-1", 3, 0, "A1", ledger.Customer, noon.Add(time.Hour))
	w.post("SKU-1", 1, 0, ledger.Supplier, "B1", noon.Add(2*time.Hour))
	w.value(10)
	if got := w.worth("SKU-1", valuation.Known{}); got["A"].Value != 0 || got["B"].Value != 5_0000 {
		t.Errorf("worth %v", got)
	}
	if got := w.worth("SKU-1", valuation.Known{At: noon}); got["A"].Value != 6_0000 {
		t.Errorf("before that it was worth %v", got)
	}
	if err := w.books.SetItemCost(ctx, "SKU-2", 5); !errors.Is(err, fault.NotFound) {
		t.Errorf("an item that there is not: %v", err)
	}
	if err := w.books.SetItemCost(ctx, "SKU-1", -5); !errors.Is(err, fault.Invalid) {
		t.Errorf("less than nothing: %v", err)
	}
	w.verify(t)
}

// testAPlaceStaysInItsArea: what came in at a place goes out of the area that it came into, whatever the catalogue says since.
func testAPlaceStaysInItsArea(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	w.post("SKU-1", 3, 30, ledger.Supplier, "A1", noon)
	w.post("SKU-1", 1, 9, ledger.Supplier, "NOWHERE", noon)
	_, err := catalog.NewImporter(store.Catalog{DB: w.db}).Import(ctx, "locations", strings.NewReader("code,site,parent,kind,name_en\nA1,B,B,zone,A1\nNOWHERE,B,B,zone,N\n"))
	if err != nil {
		t.Fatal(err)
	}
	w.post("SKU-1", 2, 0, "A1", "B1", noon.Add(time.Hour))
	w.post("SKU-1", 1, 0, "NOWHERE", "B1", noon.Add(time.Hour))
	w.value(10)
	want := map[string]valuationtest.Amount{"A": {Quantity: 1, Value: 10}, "B": {Quantity: 3, Value: 29}, "": {}}
	if got := w.worth("SKU-1", valuation.Known{}); !sameWorth(got, want) {
		t.Errorf("worth %v, want %v", got, want)
	}
	w.verify(t)
}

// testEntriesArePaged, the latest first, in whatever pages.
func testEntriesArePaged(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	for i := range 5 {
		w.post("SKU-1", 5, int64(10*i), ledger.Supplier, "A1", noon.Add(time.Duration(i)*time.Hour))
		w.post("SKU-1", 2, 0, "A1", "B1", noon.Add(time.Duration(7-i)*time.Hour))
		w.value(10)
	}
	whole, next, err := w.books.Entries(ctx, valuation.EntryFilter{Item: "SKU-1"})
	if err != nil || len(whole) < 15 || next != "" {
		t.Fatalf("%d entries, %q, %v", len(whole), next, err)
	}
	sum := map[string]int64{}
	for _, r := range whole {
		sum[r.Area] += r.Value
	}
	for area, a := range w.worth("SKU-1", valuation.Known{}) {
		if sum[area] != a.Value {
			t.Errorf("the entries of %s add up to %d, and it is worth %d", area, sum[area], a.Value)
		}
	}
	for limit := 1; limit < 5; limit++ {
		var got []valuation.Recorded
		for f := (valuation.EntryFilter{Item: "SKU-1", Limit: limit}); ; {
			page, next, err := w.books.Entries(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); next == "" {
				break
			}
			f.Before = next
		}
		if !slices.Equal(got, whole) {
			t.Errorf("in pages of %d: %+v\nwant %+v", limit, got, whole)
		}
	}
	area := "B"
	only, _, err := w.books.Entries(ctx, valuation.EntryFilter{Item: "SKU-1", Area: &area, From: noon, To: noon.Add(5 * time.Hour)})
	if err != nil || len(only) == 0 || slices.ContainsFunc(only, func(r valuation.Recorded) bool { return r.Area != "B" }) {
		t.Errorf("of an area: %+v, %v", only, err)
	}
	for _, f := range []valuation.EntryFilter{{Item: "SKU-1", Before: "x"}, {Item: "SKU-1", Before: "e30"}, {Item: "SKU-1", Basis: "sideways"}} {
		if _, _, err := w.books.Entries(ctx, f); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// testVerifyFindsWhatWasChangedOfTheValuation, and that it was.
func testVerifyFindsWhatWasChangedOfTheValuation(t *testing.T, open Open) {
	ctx := t.Context()
	for name, c := range map[string]struct{ strike, want string }{
		"an entry":          {`UPDATE valuation SET value = value - 3 WHERE kind = 'issue'`, "are missing"},
		"a layer":           {`UPDATE layer SET value = value + 1`, "are missing"},
		"the use of one":    {`DELETE FROM layer_use`, "are missing"},
		"an event":          {`UPDATE cost_event SET quantity = quantity + 1 WHERE kind = 'flow'`, "valued as what it is not"},
		"an event too few":  {`DELETE FROM cost_event WHERE kind = 'flow' AND outside = 'CUSTOMER'`, "is not valued"},
		"an event too many": {`DELETE FROM movement`, "valued as what it is not"},
		"what was said":     {`UPDATE cost_statement SET value = 1`, "not valued as it was said"},
		"a method":          {`UPDATE method_change SET method = 'average'`, "not valued as it was said"},
		"a total":           {`UPDATE valuation_total SET value = 1`, "its entries add up to"},
		"a state":           {`UPDATE valuation_head SET state = '{}'`, "its last state"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newValuedWorld(t, open)
			if err := w.books.SetMethod(ctx, "SKU-1", valuation.FIFO, time.Time{}, "lin"); err != nil {
				t.Fatal(err)
			}
			receipt := w.post("SKU-1", 5, 50, ledger.Supplier, "A1", noon)
			if _, err := w.books.SetCosts(ctx, valuation.Statement{Lines: []valuation.Said{{Movement: receipt.ID, Value: 60}}}); err != nil {
				t.Fatal(err)
			}
			w.post("SKU-1", 2, 0, "A1", ledger.Customer, noon.Add(time.Hour))
			w.value(10)
			w.post("SKU-1", 1, 0, "A1", ledger.Loss, noon.Add(time.Hour))
			if v, err := w.books.Verify(ctx); err != nil || len(v.Wrong) > 0 || v.Items != 1 || v.Events != 3 || v.Waiting != 1 {
				t.Fatalf("before it: %+v, %v", v, err)
			}
			if err := w.db.Write(ctx, func(tx *store.Tx) error { return tx.Strike(c.strike) }); err != nil {
				t.Fatal(err)
			}
			v, err := w.books.Verify(ctx)
			if err != nil || !slices.ContainsFunc(v.Wrong, func(s string) bool { return strings.Contains(s, c.want) }) {
				t.Errorf("found %q, %v", v.Wrong, err)
			}
		})
	}
}

// testAMethodIsChangedInTheOpenPeriod, to one that there is.
func testAMethodIsChangedInTheOpenPeriod(t *testing.T, open Open) {
	w := newValuedWorld(t, open)
	if _, err := (store.Ledger{DB: w.db}).ClosePeriod(t.Context(), noon.Add(-time.Hour), "lin", ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		item   string
		method valuation.Method
		at     time.Time
		want   error
	}{
		{"SKU-1", valuation.FIFO, noon.Add(-2 * time.Hour), fault.Conflict},
		{"SKU-1", valuation.FIFO, time.Time{}, fault.Conflict},
		{"SKU-1", "guess", noon, fault.Invalid},
		{"", valuation.FIFO, noon, fault.Invalid},
		{"SKU-1", valuation.FIFO, noon, nil},
	} {
		if err := w.books.SetMethod(t.Context(), c.item, c.method, c.at, "lin"); !errors.Is(err, c.want) {
			t.Errorf("item %q by %q at %v: %v, want %v", c.item, c.method, c.at, err, c.want)
		}
	}
	all, err := w.books.Methods(t.Context(), "SKU-1")
	if err != nil || len(all) != 1 || all[0].Method != valuation.FIFO || !all[0].At.Equal(noon) || all[0].Actor != "lin" {
		t.Errorf("methods %+v, %v", all, err)
	}
}

// testAnItemThatCannotBeValuedStopsNoOther: it is named with the reason, and goes on when that is gone.
func testAnItemThatCannotBeValuedStopsNoOther(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	w.post("BAD", 1, 1<<62, ledger.Supplier, "A1", noon)
	w.post("GOOD", 5, 50, ledger.Supplier, "A1", noon)
	s := valuer(w.db, 10)
	if r, err := s.Once(ctx); err != nil || !slices.Equal(r.Stuck, []string{"BAD"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err := s.Once(ctx); err != nil || r.Events != 0 {
		t.Errorf("a second round did %+v, %v", r, err)
	}
	if got := w.worth("GOOD", valuation.Known{}); got["A"] != (valuationtest.Amount{Quantity: 5, Value: 50}) {
		t.Errorf("the other item is worth %v", got)
	}
	stuck, err := w.books.Stuck(ctx)
	if err != nil || len(stuck) != 1 || stuck[0].Item != "BAD" || !strings.Contains(stuck[0].Reason, w.posted[0].ID) {
		t.Errorf("stuck: %+v, %v", stuck, err)
	}
	if wrong, err := w.books.Check(ctx); err != nil || len(wrong) != 0 {
		t.Errorf("what waits is no mismatch: %+v, %v", wrong, err)
	}
	err = w.db.Write(ctx, func(tx *store.Tx) error { return tx.Strike(`UPDATE cost_due SET value = 7 WHERE item = 'BAD'`) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Again(ctx, "BAD"); err != nil {
		t.Fatal(err)
	}
	w.value(10)
	if got := w.worth("BAD", valuation.Known{}); got["A"] != (valuationtest.Amount{Quantity: 1, Value: 7}) {
		t.Errorf("after that it is worth %v", got)
	}
}

// testCheckFindsWrongValues and Again mends what rows do not say.
func testCheckFindsWrongValues(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	w.post("SKU-1", 5, 50, ledger.Supplier, "A1", noon)
	w.post("SKU-1", 2, 0, "A1", ledger.Customer, noon.Add(time.Hour))
	w.value(10)
	err := w.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Strike(`UPDATE valuation SET value = value - 3 WHERE kind = 'issue'`)
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := w.books.Check(ctx)
	if err != nil || len(wrong) != 1 || wrong[0].Value != 30 || wrong[0].RowsValue != 27 || wrong[0].LedgerQuantity != 3 {
		t.Fatalf("found %+v, %v", wrong, err)
	}
	if n, err := valuer(w.db, 10).Again(ctx, "SKU-1"); err != nil || n != 1 {
		t.Errorf("valuing again made %d rows, %v", n, err)
	}
	if wrong, err := w.books.Check(ctx); err != nil || len(wrong) != 0 {
		t.Errorf("after that %+v, %v", wrong, err)
	}
}

// testHistoryBeforeValuationIsValued: a database that has movements already queues them when it learns to value.
func testHistoryBeforeValuationIsValued(t *testing.T, open Open) {
	ctx := t.Context()
	w := newValuedWorld(t, open)
	receipt := w.post("SKU-1", 5, 50, ledger.Supplier, "A1", noon)
	w.post("SKU-1", 5, 0, "A1", "B1", noon.Add(time.Hour))
	w.post("SKU-1", 2, 0, "B1", ledger.Customer, noon.Add(2*time.Hour))
	if _, err := (store.Ledger{DB: w.db}).Reverse(ctx, receipt.ID, "lin"); err != nil {
		t.Fatal(err)
	}
	before, err := w.books.Due(ctx, 100)
	if err != nil || len(before.Events) != 4 {
		t.Fatalf("%d events wait, %v", len(before.Events), err)
	}
	steps, err := w.db.Migrations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(steps, func(m store.Migration) bool { return strings.HasSuffix(m.Name, "_valuation") })
	for _, version := range []int{at, store.Newest} {
		if err := w.db.Migrate(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	after, err := w.books.Due(ctx, 100)
	if err != nil || !slices.Equal(before.Events, after.Events) {
		t.Errorf("after the upgrade there wait, %v,\n%+v\nbefore\n%+v", err, after.Events, before.Events)
	}
}

// testACopyHasTheValuation, with what waits, and goes on from there.
func testACopyHasTheValuation(t *testing.T, open Open) {
	w := newValuedWorld(t, open)
	if err := w.books.SetMethod(t.Context(), "SKU-1", valuation.FIFO, time.Time{}, "lin"); err != nil {
		t.Fatal(err)
	}
	w.post("SKU-1", 5, 50, ledger.Supplier, "A1", noon)
	w.post("SKU-1", 3, 0, "A1", "B1", noon.Add(time.Hour))
	w.value(10)
	w.post("SKU-1", 4, 0, "A1", ledger.Customer, noon.Add(2*time.Hour))
	other := &valuedWorld{t: t, now: noon, db: openAt(t, open, nil)}
	other.books = store.Valuation{DB: other.db}
	if err := store.Copy(t.Context(), w.db, other.db, nil); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*valuedWorld{w, other} {
		w.value(10)
		w.verify(t)
	}
	if a, b := w.worth("SKU-1", valuation.Known{}), other.worth("SKU-1", valuation.Known{}); !sameWorth(a, b) || a["A"].Value != -20 {
		t.Errorf("worth %v, and in the copy %v", a, b)
	}
}

// testManyHubsValueAndPost: postings go on while two valuers do the same work; nothing is valued twice.
func testManyHubsValueAndPost(t *testing.T, open Open) {
	const posters, each = 4, 30
	w := newValuedWorld(t, open)
	var posting, valuing sync.WaitGroup
	var mu sync.Mutex
	posted := make(chan struct{}, posters*each)
	for p := range posters {
		posting.Go(func() {
			for i := range each {
				m := someMovement(p, i)
				if err := (store.Ledger{DB: w.db}).Post(t.Context(), m); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				w.note(m, time.Time{})
				mu.Unlock()
				posted <- struct{}{}
			}
		})
	}
	for range 2 {
		valuing.Go(func() {
			s := valuer(w.db, 7)
			for range posted {
				if _, err := s.Once(t.Context()); err != nil && !errors.Is(err, fault.Conflict) {
					t.Error(err)
				}
			}
		})
	}
	posting.Wait()
	close(posted)
	valuing.Wait()
	w.value(7)
	for item, events := range w.events {
		if got, want := w.worth(item, valuation.Known{}), folded(events, time.Time{}).Areas; !sameWorth(got, want) {
			t.Errorf("item %s is worth %v, want %v", item, got, want)
		}
	}
	if wrong, err := w.books.Check(t.Context()); err != nil || len(wrong) > 0 {
		t.Errorf("figures that differ: %+v, %v", wrong, err)
	}
}

// someMovement is the ith of a poster: receipts and sales of few items, at times that are not in order.
func someMovement(poster, i int) ledger.Movement {
	l := ledger.Line{
		Item: fmt.Sprint("SKU-", i%3), From: ledger.Supplier, FromState: ledger.Available, To: "A1", ToState: ledger.Available,
		Quantity: int64(1 + i%4), Value: int64(i * 7),
	}
	if i%2 == 1 {
		l.From, l.To = l.To, ledger.Customer
	}
	return ledger.Movement{
		ID: newID(), Kind: ledger.Move, Source: "test", Actor: fmt.Sprint("user", poster), Key: newID(), RecordedAt: noon,
		EffectiveAt: noon.Add(time.Duration((i*37+poster*11)%50) * time.Minute), Lines: []ledger.Line{l},
	}
}
