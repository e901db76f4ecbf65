package valuation_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/valuation/valuationtest"
)

const forever = 1 << 40

var end = valuationtest.Day.AddDate(1, 0, 0)

// hear values events, in the order in which they are heard of, in rounds of different sizes.
func hear(t *rapid.T, m *valuationtest.Memory, events []valuation.Event, round func(heard []valuation.Event)) {
	cfg := valuation.Config{Batch: rapid.IntRange(1, 20).Draw(t, "batch"), Apart: rapid.IntRange(1, 5).Draw(t, "apart")}
	s := valuation.New(cfg, m, clock.Clock{})
	for heard := 0; heard < len(events); {
		n := rapid.IntRange(1, len(events)-heard).Draw(t, "heard")
		m.Waiting = append(m.Waiting, events[heard:heard+n]...)
		heard += n
		for more := true; more; {
			r, err := s.Once(t.Context())
			if err != nil || len(r.Stuck) > 0 {
				t.Fatal(r, err, m.Stuck)
			}
			if more = r.Events > 0; more && round != nil {
				round(m.Events["SKU-1"])
			}
		}
	}
}

// TestWhateverIsHeardWhenTheBooksAreThoseOfTheEventsInTheirOrder is the law of the package: whenever and in whatever rounds
// events are heard of, the rows of steps until any time that were recorded until any round add up to what the events until
// then that were known by then come to, folded once in their order.
func TestWhateverIsHeardWhenTheBooksAreThoseOfTheEventsInTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := valuationtest.Draw(t, 25)
		m := valuationtest.NewMemory()
		known := map[int64][]valuation.Event{}
		hear(t, m, shuffled(t, events), func(heard []valuation.Event) { known[m.Round] = slices.Clone(heard) })
		for round, heard := range known {
			at := valuationtest.Day.Add(time.Duration(rapid.IntRange(0, 13).Draw(t, "until")) * time.Hour)
			for _, at := range []time.Time{at, end} {
				same(t, m.Lines("SKU-1", at, round), valuationtest.Plain(valuationtest.Until(heard, at)))
			}
		}
	})
}

func shuffled(t *rapid.T, events []valuation.Event) (all []valuation.Event) {
	order := make([]int, len(events))
	for i := range order {
		order[i] = i
	}
	for _, i := range rapid.Permutation(order).Draw(t, "heard order") {
		all = append(all, events[i])
	}
	return all
}

func same(t *rapid.T, got, want valuationtest.Books) {
	t.Helper()
	maps.DeleteFunc(got.Lines, func(_ valuationtest.Line, a valuationtest.Amount) bool { return a == valuationtest.Amount{} })
	maps.DeleteFunc(want.Lines, func(_ valuationtest.Line, a valuationtest.Amount) bool { return a == valuationtest.Amount{} })
	if !maps.Equal(got.Lines, want.Lines) {
		t.Fatalf("lines\n%v, want\n%v", got.Lines, want.Lines)
	}
	for area, a := range want.Areas {
		if got.Areas[area] != a {
			t.Fatalf("area %q: %+v, want %+v", area, got.Areas[area], a)
		}
		if a.Quantity == 0 && a.Value != 0 || a.Quantity > 0 && a.Value < 0 || a.Quantity < 0 && a.Value > 0 {
			t.Fatalf("area %q: quantity and value do not fit: %+v", area, a)
		}
	}
	if !maps.Equal(got.Left, want.Left) {
		t.Fatalf("layers\n%v, want\n%v", got.Left, want.Left)
	}
	left := map[string]valuationtest.Amount{}
	for line, a := range got.Left {
		if a.Quantity <= 0 || a.Value < 0 {
			t.Fatalf("layer %v has %+v left", line, a)
		}
		left[line.Area] = valuationtest.Amount{Quantity: left[line.Area].Quantity + a.Quantity, Value: left[line.Area].Value + a.Value}
	}
	for area, a := range left {
		if a != want.Areas[area] {
			t.Fatalf("area %q: layers of %+v, and stock of %+v", area, a, want.Areas[area])
		}
	}
	for line, used := range want.Used {
		for layer, a := range used {
			if got.Used[line][layer] != a {
				t.Fatalf("%v used %+v of layer %v, want %+v", line, got.Used[line][layer], layer, a)
			}
		}
	}
}

// TestAReversalLeavesAllElseAsIfNeitherHadBeen compares with a history that has neither.
func TestAReversalLeavesAllElseAsIfNeitherHadBeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := valuationtest.Draw(t, 20)
		var without []valuation.Event
		pairs := map[string]bool{}
		for _, e := range events {
			if e.Reverses.Movement != "" {
				pairs[e.Movement], pairs[e.Reverses.Movement] = true, true
			}
		}
		for _, e := range events {
			if !pairs[e.Movement] {
				without = append(without, e)
			}
		}
		a, b := valuationtest.NewMemory(), valuationtest.NewMemory()
		hear(t, a, events, nil)
		hear(t, b, without, nil)
		with, plain := a.Lines("SKU-1", end, forever), b.Lines("SKU-1", end, forever)
		sums := map[string]int64{}
		for line, v := range with.Lines {
			if pairs[line.Of.Movement] {
				sums[line.Area] += v.Value
			} else if plain.Lines[line] != v {
				t.Fatalf("%v: %+v, and %+v without the reversals", line, v, plain.Lines[line])
			}
		}
		for area, sum := range sums {
			if sum != 0 {
				t.Fatalf("area %q: what was taken back and its reversals add up to %d", area, sum)
			}
		}
		for area, v := range plain.Areas {
			if with.Areas[area] != v {
				t.Fatalf("area %q: %+v, and %+v without the reversals", area, with.Areas[area], v)
			}
		}
	})
}

// failing is a store whose rounds are lost, or are booked and said to be lost, now and then.
type failing struct {
	*valuationtest.Memory
	draw func() int
}

var errLost = errors.New("the line went dead")

func (f failing) Book(ctx context.Context, after int64, changes []valuation.Change) error {
	switch f.draw() {
	case 0:
		return errLost
	case 1:
		return errors.Join(errLost, f.Memory.Book(ctx, after, changes))
	}
	return f.Memory.Book(ctx, after, changes)
}

// TestAValuerThatDiesChangesNothing: rounds that fail before or after they were booked, and another valuer that books in
// between, leave the rows that there would be.
func TestAValuerThatDiesChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := valuationtest.Draw(t, 20)
		m := valuationtest.NewMemory()
		m.Waiting = slices.Clone(events)
		unsure := failing{m, func() int { return rapid.IntRange(0, 3).Draw(t, "luck") }}
		for range 1000 {
			if len(m.Waiting) == 0 {
				break
			}
			s := valuation.New(valuation.Config{Batch: 3, Apart: 2}, unsure, clock.Clock{})
			if _, err := s.Once(t.Context()); err != nil && !errors.Is(err, errLost) {
				t.Fatal(err)
			}
		}
		same(t, m.Lines("SKU-1", end, forever), valuationtest.Plain(valuationtest.Until(events, end)))
		again := valuation.New(valuation.Config{}, m, clock.Clock{})
		if n, err := again.Again(t.Context(), "SKU-1"); err != nil || n != 0 {
			t.Fatalf("valuing again made %d rows, %v", n, err)
		}
	})
}

// TestTwoValuersAtOnce: the round that another one has booked is refused.
func TestTwoValuersAtOnce(t *testing.T) {
	m := valuationtest.NewMemory()
	if err := m.Book(t.Context(), 0, nil); err != nil {
		t.Fatal(err)
	}
	if err := m.Book(t.Context(), 0, nil); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
}
