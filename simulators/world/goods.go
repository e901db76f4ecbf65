package world

import (
	"slices"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/simulators/scenario"
)

// Places that are no locations of the site.
const (
	Supplier = "SUPPLIER" // not yet in the building
	Customer = "CUSTOMER" // has left
	Hand     = "IN_HAND"  // being carried in the building, where no reader looks
)

// item is an article and where its units lie.
type item struct {
	scenario.Item
	serial uint64
	owned  int                // units made and not yet promised to a customer
	shelf  map[string][]*good // bay to the units there that nobody has reserved
}

// good is one thing with a tag.
type good struct {
	tag        devices.Tag
	item       *item
	lot        string
	place      string
	unreadable bool
	strength   float64 // of its tag where it lies, dBm
	spell      uint32  // rises with every move: reads planned before are void
}

// put changes where g is, and says so.
func (w *World) put(g *good, place string) {
	from := g.place
	g.place = place
	g.spell++
	w.fact(Fact{
		Kind: UnitFact, Tag: g.tag, Item: g.item.ID, Lot: g.lot, From: from, Location: place, Unreadable: g.unreadable,
	})
}

// shelve puts g in a bay, free for picking, where readers see it from now on.
func (w *World) shelve(g *good, bay string) {
	w.put(g, bay)
	g.item.shelf[bay] = append(g.item.shelf[bay], g)
	w.watch(g)
}

// reserve takes up to n units from the item's bays, the home bay first, oldest first. They lie there still.
func (it *item) reserve(n int) []*good {
	var got []*good
	for _, bay := range it.Bays {
		got = append(got, it.reserveAt(bay, n-len(got))...)
	}
	return got
}

func (it *item) reserveAt(bay string, n int) []*good {
	have := it.shelf[bay]
	n = max(0, min(n, len(have)))
	got := slices.Clone(have[:n])
	it.shelf[bay] = slices.Delete(have, 0, n)
	return got
}
