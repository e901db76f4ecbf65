package load

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Truth is where everything is at the end of a run, for what this run has moved.
type Truth struct {
	Movements uint64            `json:"movements"` // that were sent, each counted once
	Stock     []Count           `json:"stock"`     // by item and location, in order; what customers have is not in it
	Tags      map[string]string `json:"tags"`      // location code, or CUSTOMER, by tag
}

// Count is how many units of an item are at a location.
type Count struct {
	Item     string `json:"item"`
	Location string `json:"location"`
	Quantity int64  `json:"quantity"`
}

// truthOf adds up what the goods of all edges say.
func truthOf(w World, all []*goods, movements uint64) Truth {
	t := Truth{Movements: movements, Tags: map[string]string{}}
	type key struct{ item, location string }
	sum := map[key]int64{}
	for _, g := range all {
		for n, at := range g.at {
			if at == nowhere {
				continue
			}
			place := g.place(at)
			t.Tags[g.tag(n).String()] = place
			if at != outside {
				sum[key{w.Item(w.ItemOf(g.edge, n)), place}]++
			}
		}
	}
	for k, n := range sum {
		t.Stock = append(t.Stock, Count{k.item, k.location, n})
	}
	slices.SortFunc(t.Stock, Count.compare)
	return t
}

func (c Count) compare(o Count) int {
	return cmp.Or(cmp.Compare(c.Item, o.Item), cmp.Compare(c.Location, o.Location))
}

// Write writes the truth as JSON to a file.
func (t Truth) Write(file string) error {
	text, err := json.Marshal(t)
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write the truth: %w", err)
	}
	return nil
}

// Difference is a place where somebody's stock is not the truth.
type Difference struct {
	Count
	Have int64 `json:"have"`
}

// Compare tells where stock differs from the truth, of the locations of this world.
func (t Truth) Compare(w World, stock []Count) []Difference {
	ours := map[string]bool{}
	for s := range w.Sites() {
		for n := range w.Bays + 1 {
			ours[w.Place(s, n)] = true
		}
	}
	type key struct{ item, location string }
	have := map[key]int64{}
	for _, c := range stock {
		if ours[c.Location] {
			have[key{c.Item, c.Location}] += c.Quantity
		}
	}
	var list []Difference
	for _, c := range t.Stock {
		k := key{c.Item, c.Location}
		if have[k] != c.Quantity {
			list = append(list, Difference{c, have[k]})
		}
		delete(have, k)
	}
	for k, n := range have {
		if n != 0 {
			list = append(list, Difference{Count{k.item, k.location, 0}, n})
		}
	}
	slices.SortFunc(list, func(a, b Difference) int { return a.Count.compare(b.Count) })
	return list
}
