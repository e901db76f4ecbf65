package world

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tallydock/tallydock/simulators/scenario"
)

// planDay plans what the day of now brings, and the planning of the next one. What lies before now is left out.
func (w *World) planDay() {
	day := w.now
	plan := func(t scenario.TimeOfDay, do func()) {
		if at := t.On(day); !at.Before(w.now) {
			w.agenda.add(at, do)
		}
	}
	w.planPicking(plan)
	for _, d := range w.s.Deliveries {
		plan(d.At, func() { w.deliver(d) })
	}
	for _, v := range w.s.Inspections {
		plan(v.At, func() { w.inspect(v.Pad) })
	}
	for i := range w.s.Work.Relocations {
		rng := w.dice(fmt.Sprintf("relocation %d of %s", i, day.Format(time.DateOnly)))
		plan(w.workTime(rng), func() { w.relocate(rng) })
	}
	for _, f := range w.s.Faults {
		plan(f.From, func() { w.trouble(f, true) })
		plan(f.To, func() { w.trouble(f, false) })
	}
	w.agenda.add(scenario.TimeOfDay(24*time.Hour).On(day), w.planDay)
}

// workTime draws a moment of the working day.
func (w *World) workTime(rng *rand.Rand) scenario.TimeOfDay {
	from, to := time.Duration(w.s.Work.From), time.Duration(w.s.Work.To)
	return scenario.TimeOfDay(between(rng, from, to))
}

func (w *World) trouble(f scenario.Fault, on bool) {
	w.out.Troubles = append(w.out.Troubles, Trouble{At: w.now, Device: f.Device, Kind: f.Kind, On: on})
}

// want is a part of an order.
type want struct {
	item *item
	n    int
}

// planPicking spreads the day's demand over the picking rounds.
func (w *World) planPicking(plan func(scenario.TimeOfDay, func())) {
	work := w.s.Work
	if len(work.Doors) == 0 {
		return
	}
	rng := w.dice("demand of " + w.now.Format(time.DateOnly))
	rounds := make([][]want, max(1, int(time.Duration(work.To-work.From)/work.Wave)))
	for _, it := range w.items {
		for left := DailyDemand(rng, it.Demand); left > 0; {
			n := min(left, 1+rng.IntN(3))
			r := rng.IntN(len(rounds))
			rounds[r] = append(rounds[r], want{it, n})
			left -= n
		}
	}
	for r, wants := range rounds {
		plan(work.From+scenario.TimeOfDay(time.Duration(r)*work.Wave), func() { w.pick(wants) })
	}
}

// pick takes what is wanted from the bays in the first half of the round, and then to a door.
func (w *World) pick(wants []want) {
	if w.over() {
		return
	}
	half := w.s.Work.Wave / 2
	rng := w.dice("picking at " + w.now.Format(time.RFC3339))
	var goods []*good
	for _, o := range wants {
		got := o.item.reserve(o.n)
		o.item.owned -= len(got)
		for _, g := range got {
			w.after(between(rng, 0, half), func() { w.put(g, Hand) })
		}
		goods = append(goods, got...)
	}
	if len(goods) == 0 {
		return
	}
	door := w.s.Work.Doors[w.turn%len(w.s.Work.Doors)]
	w.turn++
	turnsBack := rng.IntN(1000) < w.s.Work.TurnBack
	w.after(half+time.Minute, func() { w.send(door, Out, goods, turnsBack, func(*load) {}) })
}

// deliver brings what the supplier's bays lack, in packs.
func (w *World) deliver(d scenario.Delivery) {
	if w.over() {
		return
	}
	lot := fmt.Sprintf("L%s-%s", w.now.Format("20060102"), d.Supplier)
	var goods []*good
	for _, it := range w.items {
		if it.Supplier != d.Supplier || it.GTIN == "" {
			continue
		}
		lacks := (it.Max*d.Fill/100 - it.owned) / it.Pack * it.Pack
		for range min(lacks, d.Most-len(goods)) {
			g, err := w.make(it, lot)
			if err != nil {
				break // the serial numbers of the item's tags are used up: nothing more of it comes
			}
			w.put(g, Supplier)
			goods = append(goods, g)
		}
	}
	w.send(d.Door, In, goods, false, w.putAway)
}

// putAway carries a load from the dock floor to its home bays, a bay at a time.
func (w *World) putAway(l *load) {
	trips := map[string][]*good{}
	var order []string
	for _, g := range l.units {
		bay := g.item.Bays[0]
		if trips[bay] == nil {
			order = append(order, bay)
		}
		trips[bay] = append(trips[bay], g)
	}
	for _, bay := range order {
		rng := w.dice("putting away " + trips[bay][0].tag.String())
		w.after(between(rng, 3*time.Minute, 10*time.Minute), func() { w.carry(rng, trips[bay], bay) })
	}
}

// carry takes goods up and puts them in a bay some minutes later.
func (w *World) carry(rng *rand.Rand, goods []*good, bay string) {
	for _, g := range goods {
		w.put(g, Hand)
	}
	w.after(between(rng, 2*time.Minute, 4*time.Minute), func() {
		for _, g := range goods {
			w.shelve(g, bay)
		}
	})
}

// relocate moves some units of an item from one of its bays to another.
func (w *World) relocate(rng *rand.Rand) {
	if w.over() || len(w.items) == 0 {
		return
	}
	it := w.items[rng.IntN(len(w.items))]
	if len(it.Bays) < 2 {
		return
	}
	from := rng.IntN(len(it.Bays))
	to := (from + 1 + rng.IntN(len(it.Bays)-1)) % len(it.Bays)
	if goods := it.reserveAt(it.Bays[from], 2+rng.IntN(4)); len(goods) > 0 {
		w.carry(rng, goods, it.Bays[to])
	}
}
