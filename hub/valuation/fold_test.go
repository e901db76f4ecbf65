package valuation_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/valuation/valuationtest"
)

// story is a history of one item, an event an hour.
type story struct{ events []valuation.Event }

func (s *story) add(e valuation.Event) *story {
	n := len(s.events)
	e.Movement, e.At = valuationtest.ID(n), valuationtest.Day.Add(time.Duration(n)*time.Hour)
	s.events = append(s.events, e)
	return s
}

func (s *story) method(m valuation.Method) *story { return s.add(valuation.Event{Method: m}) }

func (s *story) flow(from, to valuation.Side, quantity, value int64) *story {
	return s.add(valuation.Event{From: from, To: to, Quantity: quantity, Value: value, Cost: 3})
}

func (s *story) in(quantity, value int64) *story { return s.flow(supplier, areaA, quantity, value) }
func (s *story) out(quantity int64) *story       { return s.flow(areaA, customer, quantity, 0) }
func (s *story) say(n int, value int64) *story {
	s.add(valuation.Event{Costs: s.events[n].Moment, Value: value})
	s.events[len(s.events)-1].At = s.events[n].At
	return s
}

func (s *story) reverse(n int) *story {
	e := s.events[n]
	e.Reverses = e.Moment
	e.From, e.To = e.To, e.From
	return s.add(e)
}

var (
	supplier = valuation.Side{Outside: ledger.Supplier}
	customer = valuation.Side{Outside: ledger.Customer}
	areaA    = valuation.Side{Area: "A"}
	areaB    = valuation.Side{Area: "B"}
)

// TestWhatThingsCost tells histories with the value that each event had when it happened, and what events cost in the end.
func TestWhatThingsCost(t *testing.T) {
	const avg, fifo = valuation.Average, valuation.FIFO
	for _, c := range []struct {
		name  string
		story *story
		worth [][2]int64    // quantity and value of area A after each event
		costs map[int]int64 // of some events in the end
	}{
		{
			"average goods cost alike", new(story).method(avg).in(10, 40).in(10, 60).out(5).in(5, 100).out(20),
			[][2]int64{{}, {10, 40}, {20, 100}, {15, 75}, {20, 175}, {0, 0}},
			map[int]int64{3: -25, 5: -175},
		},
		{
			"the oldest goods go first", new(story).method(fifo).in(10, 40).in(10, 60).out(5).in(5, 100).out(20),
			[][2]int64{{}, {10, 40}, {20, 100}, {15, 80}, {20, 180}, {0, 0}},
			map[int]int64{3: -20, 5: -180},
		},
		{
			"what rounding leaves stays with the goods", new(story).method(avg).in(3, 100).out(1).out(1).out(1),
			[][2]int64{{}, {3, 100}, {2, 67}, {1, 33}, {0, 0}},
			map[int]int64{2: -33, 3: -34, 4: -33},
		},
		{
			"halves are rounded to even", new(story).method(avg).in(2, 5).out(1).in(1, 0).out(2).in(2, 7).out(1),
			[][2]int64{{}, {2, 5}, {1, 3}, {2, 6}, {0, 0}, {2, 7}, {1, 3}},
			map[int]int64{2: -2, 6: -4},
		},
		{
			"without a price it is that of the goods there, of the last ones, of the catalogue",
			new(story).method(avg).in(2, 0).out(2).in(1, 8).in(2, 0).out(3).in(2, 0),
			[][2]int64{{}, {2, 6}, {}, {1, 8}, {3, 24}, {}, {2, 16}},
			nil,
		},
		{
			"sold before it was received: what comes makes up for it", new(story).method(avg).in(1, 5).out(4).in(2, 12).in(4, 28),
			[][2]int64{{}, {1, 5}, {-3, -15}, {-1, -5}, {3, 21}},
			map[int]int64{2: -(5 + 12 + 7)},
		},
		{
			"the same of layers", new(story).method(fifo).in(1, 5).out(4).in(2, 12).in(4, 28).out(1),
			[][2]int64{{}, {1, 5}, {-3, -15}, {-1, -5}, {3, 21}, {2, 14}},
			map[int]int64{2: -(5 + 12 + 7), 5: -7},
		},
		{
			"a method's change takes the value over",
			new(story).method(avg).in(10, 40).in(10, 60).method(fifo).in(10, 100).out(25).method(avg).in(5, 100).out(5),
			[][2]int64{{}, {10, 40}, {20, 100}, {20, 100}, {30, 200}, {5, 50}, {5, 50}, {10, 150}, {5, 75}},
			map[int]int64{3: 0, 5: -150, 6: 0, 8: -75},
		},
		{
			"a receipt taken back: what was sold of it costs as the others", new(story).method(avg).in(10, 40).in(10, 60).out(10).reverse(2),
			[][2]int64{{}, {10, 40}, {20, 100}, {10, 50}, {0, 0}},
			map[int]int64{2: 60, 3: -40, 4: -60},
		},
		{
			"a layer taken back: others are used in its place", new(story).method(fifo).in(5, 10).in(5, 20).out(4).out(3).reverse(1),
			[][2]int64{{}, {5, 10}, {10, 30}, {6, 22}, {3, 12}, {-2, -8}},
			map[int]int64{1: 10, 3: -16, 4: -(4 + 8), 5: -10},
		},
		{
			"a sale taken back: the goods have the age that they had", new(story).method(fifo).in(5, 10).in(5, 20).out(5).reverse(3).out(5),
			[][2]int64{{}, {5, 10}, {10, 30}, {5, 20}, {10, 30}, {5, 20}},
			map[int]int64{3: -10, 4: 10, 5: -10},
		},
		{
			"what an invoice says counts from the receipt on", new(story).method(avg).in(10, 40).out(4).say(1, 80).out(1).say(1, 60),
			[][2]int64{{}, {10, 40}, {6, 24}, {6, 48}, {5, 40}, {5, 30}},
			map[int]int64{1: 60, 2: -24, 4: -6},
		},
		{
			"it may say that goods were free", new(story).method(fifo).in(5, 10).in(5, 30).out(5).say(1, 0).out(5),
			[][2]int64{{}, {5, 10}, {10, 40}, {5, 30}, {5, 30}, {0, 0}},
			map[int]int64{1: 0, 3: 0, 5: -30},
		},
		{
			"it says nothing of what was taken back", new(story).method(fifo).in(5, 10).out(2).reverse(1).say(1, 50).in(5, 15),
			[][2]int64{{}, {5, 10}, {3, 6}, {-2, -6}, {-2, -6}, {3, 9}},
			map[int]int64{2: -6},
		},
		{
			"another area takes goods over at their cost",
			new(story).method(avg).in(10, 40).flow(areaA, areaB, 5, 999).flow(areaB, areaA, 2, 0),
			[][2]int64{{}, {10, 40}, {5, 20}, {7, 28}},
			nil,
		},
		{
			"what another area took over before it was there keeps its first cost",
			new(story).method(avg).in(1, 5).out(1).flow(areaA, areaB, 2, 0).in(2, 14),
			[][2]int64{{}, {1, 5}, {}, {-2, -10}, {}},
			map[int]int64{3: -14},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range c.story.events {
				if got := worth(t, c.story.events[:n+1]); got != c.worth[n] {
					t.Errorf("after event %d: %v, want %v", n, got, c.worth[n])
				}
			}
			costs := costs(t, c.story.events, "A")
			for n, want := range c.costs {
				if got := costs[valuationtest.ID(n)]; got != want {
					t.Errorf("event %d cost %d, want %d", n, got, want)
				}
			}
		})
	}
}

func fold(t *testing.T, events []valuation.Event) valuation.Folded {
	t.Helper()
	events = slices.SortedFunc(slices.Values(events), func(a, b valuation.Event) int { return a.Compare(b.Moment) })
	f, err := valuation.Fold(valuation.State{}, events, 4)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// worth gives quantity and value of area A.
func worth(t *testing.T, events []valuation.Event) (w [2]int64) {
	t.Helper()
	if p := fold(t, events).End.Pools["A"]; p != nil {
		w = [2]int64{p.Quantity, p.Value}
	}
	return w
}

func costs(t *testing.T, events []valuation.Event, area string) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	for _, e := range fold(t, events).Entries {
		if e.Book == valuation.Stock && e.Area == area {
			sums[e.Of.Movement] += e.Value
		}
	}
	return sums
}

// TestVectors follows the worked examples that are kept beside the checkout.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "inventory", "valuation.json"))
	if err != nil {
		t.Skipf("the vectors are not beside the checkout; they are not part of it: %v", err)
	}
	var file struct {
		Vectors []struct {
			ID, Method string
			Inputs     []struct {
				Qty  int64
				Rate float64
			}
			Running []struct {
				Qty         int64
				Value, COGS float64
			} `json:"expected_running"`
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	money := func(f float64) int64 { return int64(math.Round(f * 10_000)) }
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			s := new(story).method(map[string]valuation.Method{"FIFO": valuation.FIFO}[v.Method])
			for i, in := range v.Inputs {
				if in.Qty > 0 {
					s.in(in.Qty, in.Qty*money(in.Rate))
				} else {
					s.out(-in.Qty)
				}
				want := [2]int64{v.Running[i].Qty, money(v.Running[i].Value)}
				if got := worth(t, s.events); got != want {
					t.Errorf("after %d: %v, want %v", i, got, want)
				}
				if cost := money(v.Running[i].COGS); cost != 0 && costs(t, s.events, "A")[valuationtest.ID(i+1)] != -cost {
					t.Errorf("%d cost %v, want %d", i, costs(t, s.events, "A"), cost)
				}
			}
			if left := fold(t, s.events).End.Pools["A"].Layers; len(left) > 0 {
				t.Errorf("layers are left: %+v", left)
			}
		})
	}
}

func TestEventsAreTheLinesThatCrossABorder(t *testing.T) {
	sites := valuation.BySite(func(l ledger.Location) string { return l[:1] })
	outside := func(l ledger.Location) valuation.Side { return valuation.Side{Outside: l} }
	for _, c := range []struct {
		from, to         ledger.Location
		company, bySite  bool
		fromSide, toSide valuation.Side // by site
	}{
		{ledger.Supplier, "A1", true, true, supplier, areaA},
		{"A1", ledger.Customer, true, true, areaA, customer},
		{ledger.Loss, "B1", true, true, outside(ledger.Loss), areaB},
		{"A1", ledger.Production, true, true, areaA, outside(ledger.Production)},
		{"A1", "A2", false, false, areaA, areaA},
		{"A1", "B1", false, true, areaA, areaB},
		{"A1", ledger.InTransit, false, true, areaA, valuation.Side{Area: ledger.InTransit}},
		{ledger.InTransit, "B1", false, true, valuation.Side{Area: ledger.InTransit}, areaB},
		{ledger.Supplier, ledger.InTransit, true, true, supplier, valuation.Side{Area: ledger.InTransit}},
		{ledger.Supplier, ledger.Customer, false, false, supplier, customer},
		{ledger.Loss, ledger.Customer, false, false, outside(ledger.Loss), customer},
	} {
		m := ledger.Movement{ID: "m", Lines: []ledger.Line{{Item: "SKU-1", From: c.from, To: c.to, Quantity: 2, Value: -5}}}
		if got := valuation.Append(nil, &m, valuation.Company, time.Time{}); len(got) == 1 != c.company {
			t.Errorf("of the company, %s to %s: %+v", c.from, c.to, got)
		}
		got := valuation.Append(nil, &m, sites, time.Time{})
		if len(got) == 1 != c.bySite {
			t.Errorf("of sites, %s to %s: %+v", c.from, c.to, got)
		}
		for _, e := range got {
			if e.From != c.fromSide || e.To != c.toSide || e.Quantity != 2 || e.Value != 0 || e.Item != "SKU-1" || e.Movement != "m" {
				t.Errorf("of sites, %s to %s: %+v", c.from, c.to, e)
			}
		}
	}
}

func TestAReversalNamesTheLinesThatItTakesBack(t *testing.T) {
	m := ledger.Movement{ID: "m", EffectiveAt: valuationtest.Day, Lines: []ledger.Line{
		{Item: "SKU-1", From: ledger.Supplier, To: "A", Quantity: 1},
		{Item: "SKU-1", From: "A", To: "B", Quantity: 1},
		{Item: "SKU-1", From: "B", To: ledger.Customer, Quantity: 1},
	}}
	r, err := ledger.Reversal(m, "r", "lin", valuationtest.Day.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var got []valuation.Key
	for _, e := range valuation.Append(nil, &r, valuation.Company, m.EffectiveAt) {
		if got = append(got, e.Reverses.Key); !e.Reverses.At.Equal(m.EffectiveAt) {
			t.Errorf("it takes back what was at %v", e.Reverses.At)
		}
	}
	if want := []valuation.Key{{Movement: "m", Line: 2}, {Movement: "m", Line: 0}}; !slices.Equal(got, want) {
		t.Errorf("it takes back %v, want %v", got, want)
	}
}

func TestFiguresThatAreTooGreatAreRefused(t *testing.T) {
	for name, s := range map[string]*story{
		"a quantity":              new(story).in(1<<62, 1),
		"a value":                 new(story).in(1, 1<<62),
		"a sum of values":         new(story).in(1, 1<<61).in(1, 1<<61),
		"a sum of quantities":     new(story).in(1<<61, 1).in(1<<61, 1),
		"goods that are owed":     new(story).in(1, 1<<60).out(1 << 10),
		"goods without a price":   new(story).in(1, 1<<60).in(1<<61, 0),
		"nothing":                 new(story).in(0, 1),
		"a cost that is said":     new(story).in(1, 1).say(0, 1<<62),
		"a cost below nothing":    new(story).in(1, 1).say(0, -1),
		"a method that is not":    new(story).method("guess"),
		"a catalogue cost by far": new(story).add(valuation.Event{From: supplier, To: areaA, Quantity: 1 << 50, Cost: 1 << 50}),
	} {
		events := slices.SortedFunc(slices.Values(s.events), func(a, b valuation.Event) int { return a.Compare(b.Moment) })
		if _, err := valuation.Fold(valuation.State{}, events, 4); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnitCost(t *testing.T) {
	for want, w := range map[int64]valuation.Worth{
		0: {Quantity: 0, Value: 0}, 33: {Quantity: 3, Value: 100}, 2: {Quantity: 2, Value: 5}, 4: {Quantity: -2, Value: -7},
	} {
		if got := w.Unit(); got != want {
			t.Errorf("%+v: %d, want %d", w, got, want)
		}
	}
}
