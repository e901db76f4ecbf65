package world

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// FactKind says what a Fact is about.
type FactKind string

// The kinds of fact.
const (
	UnitFact      FactKind = "unit"      // a unit is at another place: Tag, Item, Lot, From, Location
	PassFact      FactKind = "pass"      // a load was in a door from Start to At: Door, Direction, Tags, Unseen, Repeat
	VisitFact     FactKind = "visit"     // a card lay on a pad from Start to At: Device, Tag, Location, Repeat
	ExcursionFact FactKind = "excursion" // a room is outside its limits since Start; Over: until At
	StrayFact     FactKind = "stray"     // a foreign tag lies near a door and never moves: Tag, Door
)

// Fact is one line of the ground truth.
type Fact struct {
	At         time.Time     `json:"at"`
	Kind       FactKind      `json:"kind"`
	Tag        devices.Tag   `json:"tag,omitzero"`
	Item       string        `json:"item,omitempty"`
	Lot        string        `json:"lot,omitempty"`
	From       string        `json:"from,omitempty"`
	Location   string        `json:"location,omitempty"`
	Unreadable bool          `json:"unreadable,omitempty"` // no reader ever sees the tag
	Device     string        `json:"device,omitempty"`
	Door       string        `json:"door,omitempty"`
	Direction  Direction     `json:"direction,omitempty"`
	Start      time.Time     `json:"start,omitzero"`
	Tags       []devices.Tag `json:"tags,omitempty"`
	Unseen     []devices.Tag `json:"unseen,omitempty"` // tags of the load that no reader sees
	Repeat     int           `json:"repeat,omitempty"` // how often the staff had done it before, for want of a reader
	Limit      string        `json:"limit,omitempty"`  // high or low
	Worst      unit.Milli    `json:"worst,omitempty"`  // °C, so far
	Over       bool          `json:"over,omitempty"`
}

func (w *World) fact(f Fact) {
	f.At = w.now
	w.out.Facts = append(w.out.Facts, f)
}

// Truth is the fold of facts: where everything is.
type Truth struct {
	At         time.Time
	Units      map[devices.Tag]UnitTruth
	Passes     []Fact
	Visits     []Fact
	Excursions []Fact // each once, as it was told last
	Strays     []devices.Tag
}

// UnitTruth is where one unit is.
type UnitTruth struct {
	Tag        devices.Tag `json:"tag"`
	Item       string      `json:"item"`
	Lot        string      `json:"lot,omitempty"`
	Location   string      `json:"location"`
	From       string      `json:"from,omitempty"` // where it was before
	Since      time.Time   `json:"since"`
	Unreadable bool        `json:"unreadable,omitempty"`
}

// StockTruth is how much of an item is at a location.
type StockTruth struct {
	Item       string `json:"item"`
	Location   string `json:"location"`
	Quantity   int    `json:"quantity"`
	Unreadable int    `json:"unreadable"` // of these, those whose tag no reader sees
}

// Apply takes one more fact. Facts come in the order in which the world told them.
func (t *Truth) Apply(f Fact) error {
	if f.At.Before(t.At) {
		return fmt.Errorf("fact of %s comes after one of %s", f.At.Format(time.RFC3339), t.At.Format(time.RFC3339))
	}
	t.At = f.At
	switch f.Kind {
	case UnitFact:
		if t.Units == nil {
			t.Units = map[devices.Tag]UnitTruth{}
		}
		t.Units[f.Tag] = UnitTruth{
			Tag: f.Tag, Item: f.Item, Lot: f.Lot, Location: f.Location, From: f.From, Since: f.At, Unreadable: f.Unreadable,
		}
	case PassFact:
		t.Passes = append(t.Passes, f)
	case VisitFact:
		t.Visits = append(t.Visits, f)
	case ExcursionFact:
		t.excursion(f)
	case StrayFact:
		t.Strays = append(t.Strays, f.Tag)
	default:
		return fmt.Errorf("fact kind %q is not known", f.Kind)
	}
	return nil
}

func (t *Truth) excursion(f Fact) {
	i := slices.IndexFunc(t.Excursions, func(x Fact) bool {
		return x.Location == f.Location && x.Start.Equal(f.Start) && x.Limit == f.Limit
	})
	if i < 0 {
		t.Excursions = append(t.Excursions, f)
		return
	}
	t.Excursions[i] = f
}

// Stock gives the quantity of each item at each location of the site, in their order; what is at suppliers, with
// customers or in somebody's hand is left out.
func (t *Truth) Stock() []StockTruth {
	type key struct{ item, location string }
	sums := map[key]StockTruth{}
	for _, u := range t.Units {
		if u.Location == Supplier || u.Location == Customer || u.Location == Hand {
			continue
		}
		k := key{u.Item, u.Location}
		s := sums[k]
		s.Item, s.Location = u.Item, u.Location
		s.Quantity++
		if u.Unreadable {
			s.Unreadable++
		}
		sums[k] = s
	}
	lines := make([]StockTruth, 0, len(sums))
	for _, s := range sums {
		lines = append(lines, s)
	}
	slices.SortFunc(lines, func(a, b StockTruth) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Location, b.Location))
	})
	return lines
}

// In gives the units that are at a place, ordered by tag.
func (t *Truth) In(place string) []UnitTruth {
	return t.choose(func(u UnitTruth) bool { return u.Location == place })
}

// Unreadable gives the units in the building whose tag no reader sees, ordered by tag.
func (t *Truth) Unreadable() []UnitTruth {
	return t.choose(func(u UnitTruth) bool {
		return u.Unreadable && u.Location != Supplier && u.Location != Customer
	})
}

func (t *Truth) choose(want func(UnitTruth) bool) []UnitTruth {
	units := []UnitTruth{}
	for _, u := range t.Units {
		if want(u) {
			units = append(units, u)
		}
	}
	slices.SortFunc(units, func(a, b UnitTruth) int { return cmp.Compare(a.Tag.String(), b.Tag.String()) })
	return units
}
