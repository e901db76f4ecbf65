package valuationtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/valuation"
)

// Year makes n events over a year, in the order in which they are recorded: receipts at changing prices and sales of some
// items, with some hundred units of each in stock. late of each thousand took effect a month before they were recorded.
func Year(n, items, late int) []valuation.Event {
	random := rand.New(rand.NewPCG(11, uint64(n)))
	apart := 365 * 24 * time.Hour / time.Duration(n)
	events := make([]valuation.Event, n)
	stocks := make([]int64, items)
	for i := range events {
		stock := &stocks[i%items]
		e := valuation.Event{
			Moment: valuation.Moment{At: Day.Add(time.Duration(i) * apart).Truncate(time.Microsecond), Key: valuation.Key{Movement: ID(i)}},
			Item:   fmt.Sprint("SKU-", 1+i%items), Cost: 10_0000,
		}
		if random.IntN(1000) < late {
			e.At = e.At.AddDate(0, -1, 0)
		}
		if *stock < 300+random.Int64N(400) {
			e.From, e.To = valuation.Side{Outside: ledger.Supplier}, valuation.Side{}
			e.Quantity = 20 + random.Int64N(40)
			e.Value = e.Quantity * (9_0000 + random.Int64N(2_0000))
			*stock += e.Quantity
		} else {
			e.From, e.To = valuation.Side{}, valuation.Side{Outside: ledger.Customer}
			e.Quantity = 1 + random.Int64N(5)
			*stock -= e.Quantity
		}
		events[i] = e
	}
	return events
}
