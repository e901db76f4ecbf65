package valuation

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tallydock/tallydock/hub/fault"
)

// State is an item after some of its events.
type State struct {
	At     Moment           `json:"at"` // of the last event; zero before the first
	Method Method           `json:"method"`
	Pools  map[string]*Pool `json:"pools"`           // by area
	Early  []Key            `json:"early,omitempty"` // what was taken back, and is yet to come
	Since  int              `json:"since,omitempty"` // events since Fold marked a state last
}

func (s State) clone() State {
	pools := make(map[string]*Pool, len(s.Pools))
	for area, p := range s.Pools {
		pools[area] = p.clone()
	}
	s.Pools, s.Early = pools, slices.Clone(s.Early)
	return s
}

// Size is about how much there is to keep of s.
func (s State) Size() (n int) {
	for _, p := range s.Pools {
		n += len(p.Layers) + len(p.Debts)
	}
	return n
}

func (s *State) pool(area string) *Pool {
	if s.Pools == nil {
		s.Pools = map[string]*Pool{}
	}
	p := s.Pools[area]
	if p == nil {
		p = &Pool{}
		s.Pools[area] = p
	}
	return p
}

// step takes the next event, which is no reversal.
func (s *State) step(e *Event, w *writer) (err error) {
	w.step, s.At = e.Moment, e.Moment
	if e.Method != "" {
		return s.change(e, w)
	}
	if e.Quantity <= 0 || e.Quantity > most || e.Value > most || e.said && e.Value < 0 {
		return fmt.Errorf("%w: movement %s, line %d: quantity %d and value %d cannot be valued", fault.Invalid, e.Movement, e.Line,
			e.Quantity, e.Value)
	}
	value := e.Value
	if e.From.Inside() {
		w.area = e.From.Area
		from := len(w.entries)
		w.stock(e.Key, e.To.Outside, -e.Quantity, 0)
		if value, err = s.pool(w.area).take(e, w); err != nil {
			return err
		}
		w.entries[from].Value = -value
	}
	if !e.To.Inside() {
		return nil
	}
	w.area = e.To.Area
	p := s.pool(w.area)
	if !e.From.Inside() && value <= 0 && !e.said {
		if value, err = p.unit(e.Cost).of(e.Quantity); err != nil {
			return err
		}
	}
	w.stock(e.Key, e.From.Outside, e.Quantity, value)
	return p.put(s.Method, Layer{e.Key, e.Quantity, value}, w)
}

// change takes over another method.
func (s *State) change(e *Event, w *writer) error {
	if e.Method != Average && e.Method != FIFO {
		return fmt.Errorf("%w: method %q; %s and %s are known", fault.Invalid, e.Method, Average, FIFO)
	}
	for _, area := range slices.Sorted(maps.Keys(s.Pools)) {
		w.area = area
		s.Pools[area].change(s.Method, e.Method, e, w)
	}
	s.Method = e.Method
	return nil
}
