package valuationtest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/valuation"
)

// Day is the first day of drawn events.
var Day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// ID is the nth id, in the order of recording.
func ID(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012x", n) }

// Draw draws what may be heard of one item, in the order in which it is recorded: flows of all kinds, often late, into few
// areas, that go out before they came in, are taken back, even by a clock that is behind, and under changing methods and costs.
func Draw(t *rapid.T, most int) (events []valuation.Event) {
	sides := []valuation.Side{
		{Outside: ledger.Supplier}, {Outside: ledger.Customer}, {Outside: ledger.Loss}, {Area: "A"}, {Area: "A"}, {Area: "B"},
	}
	var movements [][]valuation.Event
	taken := map[int]bool{}
	for n := range rapid.IntRange(1, most).Draw(t, "movements") {
		at := Day.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "hour")) * time.Hour)
		var made []valuation.Event
		switch kind := rapid.IntRange(0, 11).Draw(t, "kind"); {
		case kind == 0:
			made = append(made, valuation.Event{
				Moment: valuation.Moment{At: at, Key: valuation.Key{Movement: ID(n)}},
				Method: rapid.SampledFrom([]valuation.Method{valuation.Average, valuation.FIFO}).Draw(t, "method"),
			})
		case kind == 1 && len(movements) > 0:
			made = say(t, movements[rapid.IntRange(0, len(movements)-1).Draw(t, "costed")], n)
		case kind <= 3 && len(movements) > 0:
			which := rapid.IntRange(0, len(movements)-1).Draw(t, "reversed")
			if of := movements[which]; !taken[which] && of[0].Method == "" && of[0].Reverses.Movement == "" && of[0].Costs.Movement == "" {
				taken[which] = true
				made = reverse(of, n, at)
			}
		default:
			for line := range rapid.IntRange(1, 3).Draw(t, "lines") {
				from, to := rapid.SampledFrom(sides).Draw(t, "from"), rapid.SampledFrom(sides).Draw(t, "to")
				if from == to || !from.Inside() && !to.Inside() {
					continue
				}
				made = append(made, valuation.Event{
					Moment: valuation.Moment{At: at, Key: valuation.Key{Movement: ID(n), Line: line}}, From: from, To: to,
					Quantity: rapid.Int64Range(1, 12).Draw(t, "quantity"), Value: max(0, rapid.Int64Range(-50, 500).Draw(t, "value")),
					Cost: rapid.Int64Range(0, 40).Draw(t, "cost"),
				})
			}
		}
		for i := range made {
			made[i].Item = "SKU-1"
		}
		if movements = append(movements, made); len(made) == 0 {
			movements = movements[:len(movements)-1]
		}
		events = append(events, made...)
	}
	return events
}

// say says what some of the lines of a movement that came from outside cost.
func say(t *rapid.T, of []valuation.Event, n int) (made []valuation.Event) {
	for i, e := range of {
		if e.From.Inside() || !e.To.Inside() || e.Reverses.Movement != "" || rapid.Bool().Draw(t, "unsaid") {
			continue
		}
		made = append(made, valuation.Event{
			Moment: valuation.Moment{At: e.At, Key: valuation.Key{Movement: ID(n), Line: i}}, Costs: e.Moment,
			Value: max(0, rapid.Int64Range(-50, 500).Draw(t, "cost said")),
		})
	}
	return made
}

func reverse(of []valuation.Event, n int, at time.Time) (made []valuation.Event) {
	for i := len(of) - 1; i >= 0; i-- {
		e := of[i]
		e.Reverses = e.Moment
		e.Moment = valuation.Moment{At: at, Key: valuation.Key{Movement: ID(n), Line: 2 - of[i].Line}}
		e.From, e.To = e.To, e.From
		made = append(made, e)
	}
	return made
}
