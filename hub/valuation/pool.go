package valuation

import (
	"slices"

	"github.com/tallydock/tallydock/hub/ledger"
)

// Layer is what is left of goods that came in at one cost. The average goods of an area are one of no Key.
type Layer struct {
	Key
	Quantity int64 `json:"q"`
	Value    int64 `json:"v"`
}

// Debt is goods that went out and are yet to come in, at the cost that they have for the time being.
type Debt struct {
	Key
	Outside  ledger.Location `json:"o,omitempty"`
	Quantity int64           `json:"q"`
	Value    int64           `json:"v"`
}

// Pool is the goods of an item in an area: layers, the oldest first, or debts, the oldest first, but never both.
type Pool struct {
	Layers   []Layer `json:"layers,omitempty"`
	Debts    []Debt  `json:"debts,omitempty"`
	Quantity int64   `json:"q"` // of all of them; less than 0 with Debts
	Value    int64   `json:"v"`
	Last     ratio   `json:"last"` // what goods cost when there were some
}

func (p *Pool) clone() *Pool {
	c := *p
	c.Layers, c.Debts = slices.Clone(p.Layers), slices.Clone(p.Debts)
	return &c
}

// unit is what a unit costs where nobody says it: as the goods that are there, as the last ones did, or as the catalogue has it.
func (p *Pool) unit(catalogue int64) ratio {
	switch {
	case p.Quantity > 0 && p.Value > 0:
		return ratio{p.Value, p.Quantity}
	case p.Last.Value > 0:
		return p.Last
	}
	return ratio{max(catalogue, 0), 1}
}

// check fails where the pool has become too great to be worked with.
func (p *Pool) check() error {
	if err := within("stock", p.Quantity); err != nil {
		return err
	}
	return within("value", p.Value)
}

// take takes goods out for e and gives their cost.
func (p *Pool) take(e *Event, w *writer) (cost int64, err error) {
	unit := p.unit(e.Cost)
	if p.Quantity > 0 {
		p.Last = unit
	}
	left := e.Quantity
	for left > 0 && len(p.Layers) > 0 {
		l := &p.Layers[0]
		n := min(left, l.Quantity)
		v := share(l.Value, n, l.Quantity)
		w.use(e.Key, l.Key, n, v)
		cost, left = cost+v, left-n
		if l.Quantity, l.Value = l.Quantity-n, l.Value-v; l.Quantity == 0 {
			p.Layers = p.Layers[1:]
		}
	}
	if left > 0 {
		v, err := unit.of(left)
		if err != nil {
			return 0, err
		}
		p.Debts = append(p.Debts, Debt{e.Key, e.To.Outside, left, v})
		w.owe(e.Key, left, v)
		cost += v
	}
	p.Quantity, p.Value = p.Quantity-e.Quantity, p.Value-cost
	return cost, p.check()
}

// put brings goods in, which make up for debts first.
func (p *Pool) put(method Method, l Layer, w *writer) error {
	if l.Value > 0 {
		p.Last = ratio{l.Value, l.Quantity}
	}
	p.Quantity, p.Value = p.Quantity+l.Quantity, p.Value+l.Value
	if method != FIFO {
		l.Key = Key{}
	}
	w.layer(l)
	for len(p.Debts) > 0 && l.Quantity > 0 {
		p.settle(&l, w)
	}
	switch {
	case l.Quantity == 0:
	case method != FIFO && len(p.Layers) > 0:
		p.Layers[0].Quantity += l.Quantity
		p.Layers[0].Value += l.Value
	default:
		p.Layers = append(p.Layers, l)
	}
	return p.check()
}

// settle makes up for the oldest debt, or for a part of it.
func (p *Pool) settle(l *Layer, w *writer) {
	d := &p.Debts[0]
	n := min(d.Quantity, l.Quantity)
	is, was := share(l.Value, n, l.Quantity), share(d.Value, n, d.Quantity)
	w.stock(d.Key, d.Outside, 0, was-is)
	w.owe(d.Key, -n, -was)
	w.use(d.Key, l.Key, n, is)
	p.Value += was - is
	l.Quantity, l.Value = l.Quantity-n, l.Value-is
	if d.Quantity, d.Value = d.Quantity-n, d.Value-was; d.Quantity == 0 {
		p.Debts = p.Debts[1:]
	}
}

// change makes one layer of the goods that are there, as a method's change asks for.
func (p *Pool) change(from, to Method, e *Event, w *writer) {
	w.stock(e.Key, "", 0, 0)
	if from == to || len(p.Layers) == 0 {
		return
	}
	one := Layer{Quantity: p.Quantity, Value: p.Value}
	for _, l := range p.Layers {
		w.use(e.Key, l.Key, l.Quantity, l.Value)
	}
	if to == FIFO {
		one.Key = e.Key
	}
	w.layer(one)
	p.Layers = []Layer{one}
}

// writer writes the entries of one step.
type writer struct {
	step    Moment
	area    string
	entries []Entry
}

func (w *writer) put(book Book, of, layer Key, outside ledger.Location, quantity, value int64) {
	w.entries = append(w.entries, Entry{Slot{book, w.step.Key, of, w.area, layer}, w.step.At, outside, quantity, value})
}

func (w *writer) stock(of Key, outside ledger.Location, quantity, value int64) {
	w.put(Stock, of, Key{}, outside, quantity, value)
}

// layer notes goods that came in, where they are kept apart from others.
func (w *writer) layer(l Layer) {
	if l.Key != (Key{}) {
		w.put(Layers, l.Key, Key{}, "", l.Quantity, l.Value)
	}
}

// use notes of which layer goods are, where layers are kept.
func (w *writer) use(of, layer Key, quantity, value int64) {
	if layer != (Key{}) {
		w.put(Uses, of, layer, "", quantity, value)
	}
}

// owe notes goods that are yet to come.
func (w *writer) owe(of Key, quantity, value int64) { w.put(Uses, of, Key{}, "", quantity, value) }
