package valuationtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/valuation"
)

// Memory is a valuation.Store without a database.
type Memory struct {
	Waiting []valuation.Event
	Events  map[string][]valuation.Event // by item, in their order
	Rows    []Recorded
	States  map[string][]valuation.State
	Heads   map[string]valuation.State
	Stuck   map[string]string
	Round   int64
}

// Recorded is a row with the round that recorded it.
type Recorded struct {
	valuation.Row
	Item  string
	Round int64
}

var _ valuation.Store = (*Memory)(nil)

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{
		Events: map[string][]valuation.Event{}, States: map[string][]valuation.State{}, Heads: map[string]valuation.State{},
		Stuck: map[string]string{},
	}
}

// Due gives the first n events that wait, and every other time what their items were last.
func (m *Memory) Due(_ context.Context, n int) (valuation.Due, error) {
	waiting := slices.DeleteFunc(slices.Clone(m.Waiting), func(e valuation.Event) bool { return m.Stuck[e.Item] != "" })
	slices.SortFunc(waiting, func(a, b valuation.Event) int { return a.Key.Compare(b.Key) })
	due := valuation.Due{Round: m.Round, Events: waiting[:min(n, len(waiting))]}
	if m.Round%2 == 0 {
		due.Heads = m.Heads
	}
	return due, nil
}

// History gives an item from before a moment on.
func (m *Memory) History(_ context.Context, item string, before valuation.Moment) (h valuation.History, err error) {
	for _, s := range m.States[item] {
		if s.At.Before(before) && h.Base.At.Before(s.At) {
			h.Base = s
		}
	}
	for _, e := range m.Events[item] {
		if h.Base.At.Before(e.Moment) || h.Base.Method == "" {
			h.Events = append(h.Events, e)
		}
	}
	return h, nil
}

// Booked sums rows.
func (m *Memory) Booked(_ context.Context, item string, from valuation.Moment) (valuation.Booked, error) {
	sums := valuation.Booked{}
	for _, r := range m.Rows {
		if r.Item == item && !(valuation.Moment{At: r.At, Key: r.Step}).Before(from) {
			sum, ok := sums[r.Slot]
			if !ok {
				sum = r.Entry
				sum.Quantity, sum.Value = 0, 0
			}
			sum.Quantity, sum.Value = sum.Quantity+r.Quantity, sum.Value+r.Value
			sums[r.Slot] = sum
		}
	}
	return sums, nil
}

// Book records a round.
func (m *Memory) Book(_ context.Context, after int64, changes []valuation.Change) error {
	if after != m.Round {
		return fmt.Errorf("%w: round %d is booked", fault.Conflict, after+1)
	}
	m.Round++
	for _, c := range changes {
		delete(m.Stuck, c.Item)
		if c.Stuck != "" {
			m.Stuck[c.Item] = c.Stuck
			continue
		}
		done := map[valuation.Key]bool{}
		for _, e := range c.Events {
			done[e.Key] = true
		}
		m.Waiting = slices.DeleteFunc(m.Waiting, func(e valuation.Event) bool { return done[e.Key] })
		m.Events[c.Item] = append(m.Events[c.Item], c.Events...)
		slices.SortFunc(m.Events[c.Item], func(a, b valuation.Event) int { return a.Compare(b.Moment) })
		m.States[c.Item] = slices.DeleteFunc(m.States[c.Item], func(s valuation.State) bool { return !s.At.Before(c.From) })
		m.States[c.Item] = append(m.States[c.Item], c.Marks...)
		m.Heads[c.Item] = c.End
		for _, r := range c.Rows {
			m.Rows = append(m.Rows, Recorded{r, c.Item, m.Round})
		}
	}
	return nil
}

// Lines sums the rows of steps until a time that were recorded until a round, by line and by area.
func (m *Memory) Lines(item string, at time.Time, round int64) Books {
	b := newBooks()
	f := folder{Books: b}
	for _, r := range m.Rows {
		if r.Item != item || r.At.After(at) || r.Round > round {
			continue
		}
		line := Line{r.Of, r.Area}
		switch r.Book {
		case valuation.Stock:
			f.add(line, r.Quantity, r.Value)
			a := b.Areas[r.Area]
			b.Areas[r.Area] = Amount{a.Quantity + r.Quantity, a.Value + r.Value}
		case valuation.Layers:
			b.Left[line] = Amount{b.Left[line].Quantity + r.Quantity, b.Left[line].Value + r.Value}
		case valuation.Uses:
			f.use(line, r.Layer, r.Quantity, r.Value)
			if l := (Line{r.Layer, r.Area}); r.Layer != (valuation.Key{}) {
				b.Left[l] = Amount{b.Left[l].Quantity - r.Quantity, b.Left[l].Value - r.Value}
			}
		}
	}
	maps.DeleteFunc(b.Left, func(_ Line, a Amount) bool { return a == Amount{} })
	return b
}
