// Package valuationtest values the plainest way, for tests to compare with: all events once more from the first for every
// question, with no states, entries or adjustments.
package valuationtest

import (
	"math/big"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/valuation"
)

// Line is what a line did to an area.
type Line struct {
	Of   valuation.Key
	Area string
}

// Amount is a quantity and its value.
type Amount struct{ Quantity, Value int64 }

// Books are what events come to.
type Books struct {
	Lines map[Line]Amount
	Areas map[string]Amount
	// Used says of what goods of lines were, first in, first out: of layers, and of no layer where they are yet to come.
	Used map[Line]map[valuation.Key]Amount
	Left map[Line]Amount // of layers
}

func newBooks() Books {
	return Books{map[Line]Amount{}, map[string]Amount{}, map[Line]map[valuation.Key]Amount{}, map[Line]Amount{}}
}

// Until gives the events until a time, in the order in which they count.
func Until(events []valuation.Event, at time.Time) []valuation.Event {
	var until []valuation.Event
	for _, e := range events {
		if !e.At.After(at) {
			until = append(until, e)
		}
	}
	slices.SortFunc(until, func(a, b valuation.Event) int { return a.Compare(b.Moment) })
	return until
}

// Plain values events of one item, in their order.
func Plain(events []valuation.Event) Books {
	said := map[valuation.Key]int64{}
	for _, e := range events {
		if e.Costs.Movement != "" {
			said[e.Costs.Key] = e.Value
		}
	}
	events = slices.DeleteFunc(slices.Clone(events), func(e valuation.Event) bool { return e.Costs.Movement != "" })
	return plain(events, said)
}

// plain values events for what was said of their costs.
func plain(events []valuation.Event, said map[valuation.Key]int64) Books {
	gone := map[valuation.Key]bool{}
	frozen := map[Line]Amount{}
	first := 0 // of the lines that one movement takes back together
	for i, e := range events {
		if i == 0 || events[i-1].Movement != e.Movement || !gone[events[i-1].Key] {
			first = i
		}
		if e.Reverses.Movement == "" || gone[e.Key] {
			continue
		}
		known := slices.ContainsFunc(events[:i], func(o valuation.Event) bool { return o.Key == e.Reverses.Key })
		if !known && !e.Before(e.Reverses) {
			continue // a flow like others
		}
		for line, a := range plain(events[:first], said).Lines {
			if line.Of == e.Reverses.Key {
				frozen[line] = a
				frozen[Line{e.Key, line.Area}] = Amount{-a.Quantity, -a.Value}
			}
		}
		gone[e.Key], gone[e.Reverses.Key] = true, true
	}
	f := folder{Books: newBooks(), said: said, method: valuation.Average, pools: map[string]*pool{}}
	for _, e := range events {
		if !gone[e.Key] {
			f.event(e)
		}
	}
	for line, a := range frozen {
		f.Lines[line] = a
	}
	for area, p := range f.pools {
		f.finish(area, p)
	}
	return f.Books
}

type folder struct {
	Books
	said   map[valuation.Key]int64
	method valuation.Method
	pools  map[string]*pool
}

type goods struct {
	of  valuation.Key
	out string // area of a debt
	Amount
}

type pool struct{ layers, debts, last []goods }

func (f *folder) pool(area string) *pool {
	if f.pools[area] == nil {
		f.pools[area] = &pool{}
	}
	return f.pools[area]
}

func (f *folder) event(e valuation.Event) {
	if e.Method != "" {
		for area, p := range f.pools {
			f.change(area, p, e)
		}
		f.method = e.Method
		return
	}
	value := e.Value
	if e.From.Inside() {
		value = f.out(f.pool(e.From.Area), e.From.Area, e)
	}
	if e.To.Inside() {
		p := f.pool(e.To.Area)
		if v, ok := f.said[e.Key]; ok && !e.From.Inside() {
			value = v
		} else if !e.From.Inside() && value == 0 {
			value = part(p.price(e.Cost), e.Quantity)
		}
		f.in(p, e.To.Area, e, value)
	}
}

func (f *folder) change(area string, p *pool, e valuation.Event) {
	f.add(Line{e.Key, area}, 0, 0)
	if e.Method == f.method || len(p.layers) == 0 {
		return
	}
	all := sum(p.layers)
	for _, l := range p.layers {
		f.useLayer(Line{e.Key, area}, l.of, l.Amount)
	}
	one := goods{Amount: all}
	if e.Method == valuation.FIFO {
		one.of = e.Key
	}
	p.layers = []goods{one}
}

func (f *folder) out(p *pool, area string, e valuation.Event) int64 {
	price, cost := p.price(e.Cost), int64(0)
	if len(p.layers) > 0 {
		p.last = []goods{{Amount: price}}
	}
	for left := e.Quantity; left > 0; {
		n, v := left, int64(0)
		if len(p.layers) == 0 {
			v = part(price, n)
			p.debts = append(p.debts, goods{e.Key, area, Amount{n, v}})
			f.use(Line{e.Key, area}, valuation.Key{}, n, v)
		} else {
			l := &p.layers[0]
			n = min(n, l.Quantity)
			v = part(l.Amount, n)
			f.useLayer(Line{e.Key, area}, l.of, Amount{n, v})
			if l.Amount = l.minus(n, v); l.Quantity == 0 {
				p.layers = p.layers[1:]
			}
		}
		left, cost = left-n, cost+v
	}
	f.add(Line{e.Key, area}, -e.Quantity, -cost)
	return cost
}

func (f *folder) in(p *pool, area string, e valuation.Event, value int64) {
	f.add(Line{e.Key, area}, e.Quantity, value)
	l := goods{of: e.Key, Amount: Amount{e.Quantity, value}}
	if value > 0 {
		p.last = []goods{l}
	}
	if f.method == valuation.Average {
		l.of = valuation.Key{}
	}
	for len(p.debts) > 0 && l.Quantity > 0 {
		d := &p.debts[0]
		n := min(d.Quantity, l.Quantity)
		is, was := part(l.Amount, n), part(d.Amount, n)
		f.add(Line{d.of, area}, 0, was-is)
		f.use(Line{d.of, area}, valuation.Key{}, -n, -was)
		f.useLayer(Line{d.of, area}, l.of, Amount{n, is})
		l.Amount = l.minus(n, is)
		if d.Amount = d.minus(n, was); d.Quantity == 0 {
			p.debts = p.debts[1:]
		}
	}
	if l.Quantity == 0 {
		return
	}
	if f.method == valuation.Average && len(p.layers) > 0 {
		l.Amount = sum(append(p.layers, l))
		p.layers = nil
	}
	p.layers = append(p.layers, l)
}

func (f *folder) add(line Line, quantity, value int64) {
	a := f.Lines[line]
	f.Lines[line] = Amount{a.Quantity + quantity, a.Value + value}
}

func (f *folder) useLayer(line Line, layer valuation.Key, a Amount) {
	if layer != (valuation.Key{}) {
		f.use(line, layer, a.Quantity, a.Value)
	}
}

func (f *folder) use(line Line, layer valuation.Key, quantity, value int64) {
	if f.Used[line] == nil {
		f.Used[line] = map[valuation.Key]Amount{}
	}
	a := f.Used[line][layer]
	f.Used[line][layer] = Amount{a.Quantity + quantity, a.Value + value}
}

func (f *folder) finish(area string, p *pool) {
	has, owes := sum(p.layers), sum(p.debts)
	f.Areas[area] = Amount{has.Quantity - owes.Quantity, has.Value - owes.Value}
	for _, l := range p.layers {
		if l.of != (valuation.Key{}) {
			f.Left[Line{l.of, area}] = l.Amount
		}
	}
}

// price is what some goods of the pool cost.
func (p *pool) price(catalogue int64) Amount {
	if a := sum(p.layers); a.Value > 0 {
		return a
	}
	if len(p.last) > 0 && p.last[0].Value > 0 {
		return p.last[0].Amount
	}
	return Amount{1, catalogue}
}

func (a Amount) minus(quantity, value int64) Amount {
	return Amount{a.Quantity - quantity, a.Value - value}
}

func sum(all []goods) (a Amount) {
	for _, g := range all {
		a.Quantity += g.Quantity
		a.Value += g.Value
	}
	return a
}

// part is what n of goods cost, rounded half to even.
func part(of Amount, n int64) int64 {
	twice := new(big.Int).Mul(big.NewInt(of.Value), big.NewInt(2*n))
	whole := big.NewInt(of.Quantity)
	halves, rest := new(big.Int).DivMod(twice, whole, new(big.Int))
	q := halves.Int64() / 2
	if halves.Int64()%2 == 1 && (rest.Sign() > 0 || q%2 == 1) {
		q++
	}
	return q
}
