package valuation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/valuation/valuationtest"
)

// BenchmarkFold folds a year of 100,000 events of one item; beside it the least that says what sales cost: a loop that
// keeps a quantity and a value, or a list of layers, and writes nothing down.
func BenchmarkFold(b *testing.B) {
	events := valuationtest.Year(100_000, 1, 0)
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "events/s")
		})
	}
	run("plain average", func() { plainAverage(events) })
	run("plain layers", func() { plainLayers(events) })
	for _, m := range []valuation.Method{valuation.Average, valuation.FIFO} {
		run(string(m), func() {
			if _, err := valuation.Fold(valuation.State{Method: m}, events, 256); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func plainAverage(events []valuation.Event) (cost int64) {
	var quantity, value int64
	for i := range events {
		e := &events[i]
		if e.To.Inside() {
			quantity, value = quantity+e.Quantity, value+e.Value
			continue
		}
		v := value * e.Quantity / quantity
		quantity, value, cost = quantity-e.Quantity, value-v, cost+v
	}
	return cost
}

func plainLayers(events []valuation.Event) (cost int64) {
	var layers [][2]int64
	for i := range events {
		e := &events[i]
		if e.To.Inside() {
			layers = append(layers, [2]int64{e.Quantity, e.Value})
			continue
		}
		for left := e.Quantity; left > 0; {
			l := &layers[0]
			n := min(left, l[0])
			v := l[1] * n / l[0]
			left, cost = left-n, cost+v
			if l[0], l[1] = l[0]-n, l[1]-v; l[0] == 0 {
				layers = layers[1:]
			}
		}
	}
	return cost
}

// BenchmarkALateEvent revalues the last month of a year for one event that took effect a month ago.
func BenchmarkALateEvent(b *testing.B) {
	for _, m := range []valuation.Method{valuation.Average, valuation.FIFO} {
		b.Run(string(m), func(b *testing.B) {
			events := valuationtest.Year(100_000, 1, 0)
			cut := len(events) * 11 / 12
			before, err := valuation.Fold(valuation.State{Method: m}, events[:cut], 1<<30)
			if err != nil {
				b.Fatal(err)
			}
			h := valuation.History{Base: before.End, Events: events[cut:]}
			booked := valuation.Booked{}
			known, err := valuation.Fold(h.Base, h.Events, 256)
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range known.Entries {
				booked[e.Slot] = e
			}
			late := events[cut]
			late.Movement, late.Quantity, late.Value = valuationtest.ID(1<<30), 7, 99_0000
			late.From, late.To = valuation.Side{Outside: ledger.Supplier}, valuation.Side{}
			rows := 0
			for b.Loop() {
				b.StopTimer()
				again := make(valuation.Booked, len(booked))
				for k, v := range booked {
					again[k] = v
				}
				b.StartTimer()
				c, err := valuation.Revalue("SKU-1", h, []valuation.Event{late}, late.Moment, again, 256)
				if err != nil {
					b.Fatal(err)
				}
				rows = len(c.Rows)
			}
			b.ReportMetric(float64(len(h.Events)), "events")
			b.ReportMetric(float64(rows), "rows")
		})
	}
}

// BenchmarkAMoveWithinAnArea is what a posting pays for valuation where none is needed.
func BenchmarkAMoveWithinAnArea(b *testing.B) {
	m := inHouse()
	var events []valuation.Event
	for b.Loop() {
		events = valuation.Append(events, &m, valuation.Company, time.Time{})
	}
}

func inHouse() ledger.Movement {
	return ledger.Movement{ID: "m", Lines: []ledger.Line{{Item: "SKU-1", From: "SZ1-A-01", To: "SZ1-B-02", Quantity: 1}}}
}

func TestAMoveWithinAnAreaAllocatesNothing(t *testing.T) {
	m := inHouse()
	events := slices.Grow([]valuation.Event{}, 1)
	n := testing.AllocsPerRun(100, func() { events = valuation.Append(events, &m, valuation.Company, time.Time{}) })
	if n != 0 || len(events) != 0 {
		t.Errorf("%v allocations, %d events", n, len(events))
	}
}
