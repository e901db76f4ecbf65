package load

import (
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
)

// World is how large the simulated company is. Its names follow from these numbers alone, so that a catalogue that was
// written once serves every run of the same size.
type World struct {
	Edges        int `yaml:"edges"`
	EdgesPerSite int `yaml:"edges_per_site"`
	Bays         int `yaml:"bays"`  // of a site; all its edges move goods between them
	Tags         int `yaml:"tags"`  // of an edge
	Items        int `yaml:"items"` // of the company
	// HotItem is the share of the tags, and so of the movements, that are of the first item.
	HotItem float64 `yaml:"hot_item"`
}

// Names of the world.
const (
	customer      = "CUSTOMER" // where goods are that left through a door
	companyPrefix = 7          // digits of the GS1 company prefix in the items' GTINs
)

// Check tells all that is wrong with a world, a line each.
func (w World) Check() error {
	var f findings
	whole(&f, "world.edges", w.Edges, 1, 100_000)
	whole(&f, "world.edges_per_site", w.EdgesPerSite, 1, 100_000)
	whole(&f, "world.bays", w.Bays, 2, 10_000)
	whole(&f, "world.tags", w.Tags, 1, 60_000)
	whole(&f, "world.items", w.Items, 1, 100_000)
	share(&f, "world.hot_item", w.HotItem)
	return errors.Join(f...)
}

// Sites is how many sites there are.
func (w World) Sites() int { return (w.Edges + w.EdgesPerSite - 1) / w.EdgesPerSite }

// SiteOf is the number of the site of edge i.
func (w World) SiteOf(i int) int { return i / w.EdgesPerSite }

// Site is the code of site s.
func (w World) Site(s int) string { return fmt.Sprintf("LD%03d", s+1) }

// Edge is the id of edge i.
func (w World) Edge(i int) string {
	return fmt.Sprintf("%s-E%02d", w.Site(w.SiteOf(i)), i%w.EdgesPerSite+1)
}

// Door is the id of the door of edge i.
func (w World) Door(i int) string {
	return fmt.Sprintf("%s-D%02d", w.Site(w.SiteOf(i)), i%w.EdgesPerSite+1)
}

// Place is the code of place n of a site: its bays, and after them the floor behind its doors.
func (w World) Place(s, n int) string {
	if n == w.Bays {
		return w.Site(s) + "-DOCK"
	}
	return fmt.Sprintf("%s-A-%03d", w.Site(s), n+1)
}

// Item is the id of item n.
func (w World) Item(n int) string { return fmt.Sprintf("LD-%05d", n+1) }

// GTIN is the GTIN of item n, under a prefix that GS1 keeps for examples.
func (w World) GTIN(n int) string {
	body := fmt.Sprintf("09521234%05d", n)
	sum := 0
	for i, d := range body {
		sum += int(d-'0') * (3 - i%2*2)
	}
	return body + fmt.Sprint((10-sum%10)%10)
}

// ItemOf is the item of tag n of edge i.
func (w World) ItemOf(i, n int) int {
	if float64(n) < w.HotItem*float64(w.Tags) {
		return 0
	}
	return (i + n) % w.Items
}

// Tag is tag n of edge i.
func (w World) Tag(i, n int) (devices.Tag, error) {
	return epc.EncodeSGTIN96(w.GTIN(w.ItemOf(i, n)), companyPrefix, 1, uint64(i)*uint64(w.Tags)+uint64(n))
}
