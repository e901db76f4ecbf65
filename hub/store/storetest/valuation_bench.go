package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/valuation/valuationtest"
)

// BenchmarkValuation values a year of n events from the queue: of one item and of a thousand, heard of in their order, and
// with one of a hundred a month late. Its peer is the fold of the same events in memory, valuation's BenchmarkFold. Each run
// takes a database of its own: use -benchtime=1x.
func BenchmarkValuation(b *testing.B, open Open, n int) {
	for _, m := range []valuation.Method{valuation.Average, valuation.FIFO} {
		for _, c := range []struct {
			name        string
			items, late int
		}{{"one item in order", 1, 0}, {"one item late", 1, 10}, {"many items in order", 1000, 0}, {"many items late", 1000, 10}} {
			b.Run(string(m)+"/"+c.name, func(b *testing.B) {
				b.StopTimer()
				db := openAt(b, open, nil)
				s := valuation.New(valuation.Config{Method: m}, store.Valuation{DB: db}, clock.Clock{})
				events, rows, slowest, work := 0, 0, time.Duration(0), time.Duration(0)
				for range b.N {
					postYear(b, db, valuationtest.Year(n, c.items, c.late))
					b.StartTimer()
					before := used()
					for more := true; more; {
						begin := time.Now()
						r, err := s.Once(context.Background())
						if err != nil {
							b.Fatal(err)
						}
						events, rows, more = events+r.Events, rows+r.Rows, r.More
						slowest = max(slowest, time.Since(begin))
					}
					work += used() - before
					b.StopTimer()
				}
				b.ReportMetric(float64(work.Microseconds())/float64(events), "cpu-µs/event")
				b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64(rows)/float64(events), "rows/event")
				b.ReportMetric(float64(slowest.Milliseconds()), "slowest-round-ms")
			})
		}
	}
}

// postYear posts what brings the events about.
func postYear(b *testing.B, db *store.DB, events []valuation.Event) {
	const atOnce = 2000
	location := func(s valuation.Side) ledger.Location {
		if s.Inside() {
			return "A1"
		}
		return s.Outside
	}
	for len(events) > 0 {
		n := min(atOnce, len(events))
		all := make([]ledger.Movement, n)
		for i, e := range events[:n] {
			all[i] = oneLine(e.Item, location(e.From), location(e.To), e.Quantity, e.Value, e.At)
		}
		takeAll(b, db, all)
		events = events[n:]
	}
}

func oneLine(item string, from, to ledger.Location, quantity, value int64, at time.Time) ledger.Movement {
	return ledger.Movement{
		ID: newID(), Kind: ledger.Move, Source: "edge:E", EffectiveAt: at, RecordedAt: noon, Key: "bench",
		Lines: []ledger.Line{{
			Item: item, From: from, FromState: ledger.Available, To: to, ToState: ledger.Available, Quantity: quantity, Value: value,
		}},
	}
}

func takeAll(b *testing.B, db *store.DB, all []ledger.Movement) {
	b.Helper()
	err := store.Intake{DB: db}.Take(context.Background(), func(tx intake.Tx) error {
		for _, m := range all {
			if err := tx.Post("E", m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPosting posts batches of 500 movements: within an area, which has nothing to value, and across its border.
func BenchmarkPosting(b *testing.B, open Open) {
	const batch = 500
	for _, c := range []struct {
		name     string
		from, to ledger.Location
	}{{"within an area", "A1", "A2"}, {"across a border", ledger.Supplier, "A1"}} {
		b.Run(c.name, func(b *testing.B) {
			db := openAt(b, open, nil)
			for b.Loop() {
				all := make([]ledger.Movement, batch)
				for i := range all {
					all[i] = oneLine(fmt.Sprint("SKU-", i%50), c.from, c.to, 1, 0, noon)
				}
				takeAll(b, db, all)
			}
			b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "movements/s")
		})
	}
}
