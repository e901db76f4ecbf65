// Package view is what the console reads across rooms: stock beside its levels, names and places, and movements by what
// they touched. Each answer comes from one consistent state of the database,
// and none of them is longer or dearer where there is more of everything else.
package view

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/ledger"
)

// The longest lists.
const (
	MaxMovements = 500
	MaxTags      = 500
	MaxRows      = 1000 // of a page of stock
)

// StockRow is the stock of one item at one location beside what should be there.
type StockRow struct {
	Item     string
	Location string
	OnHand   int64
	Unseen   int64 // of OnHand
	Min, Max int64 // 0 where no level is set
	SeenAt   time.Time
}

// Place is a location with the limits of its temperature in °C, where an edge holds it to some.
type Place struct {
	catalog.Location
	TempLow, TempHigh *float64
}

// Door is a portal's name.
type Door struct {
	ID   string
	Name catalog.Text
}

// PageFilter chooses a page of a site's stock.
type PageFilter struct {
	Site  string // "" = the first that there is
	Item  string // "" = every item
	After string // cursor: Next of the page before
	Limit int    // 1 to MaxRows; 0 = MaxRows
}

// StockPage is a page of a site's stock. Events after its Seq bring its rows up to date, and all events of stock say what is,
// not what changed: who has the pages in turn, and every event after the Seq of the first, has the site as it is.
type StockPage struct {
	Seq    int64
	Site   string
	Rows   []StockRow     // with stock or a level, by location and item; there may be none, and yet a page after
	Items  []catalog.Item // that Rows name, by id
	Next   string         // "" at the end
	Places []Place        // of the site, with the first page of all items
	Doors  []Door         // so too
}

// Site is one of a company's, with how much it has of places and of edges.
type Site struct {
	ID     string
	Name   catalog.Text
	Places int
	Edges  int
	Online int // of Edges
}

// Ground says of which sites locations and edges are.
type Ground struct {
	Locations, Edges map[string]string
}

// TagAt is a tag that the ledger has at a place.
type TagAt struct {
	Tag    devices.Tag
	Lot    string
	State  ledger.State
	Since  time.Time
	SeenAt time.Time
}

// StockDetail explains one row of stock.
type StockDetail struct {
	Row       StockRow
	Tags      []TagAt           // the first MaxTags
	Movements []ledger.Movement // the newest 50 that touched it, newest first
}

// MovementFilter chooses movements; an empty field chooses all.
type MovementFilter struct {
	Item, Location, Tag string
	Before              string // movement id; those recorded before it
	Limit               int    // 1 to MaxMovements; 0 = 50
}

// Store reads views. Lists are never nil. Safe for concurrent use.
type Store interface {
	// StockPage reads a page of a site's stock, all of it at one moment; a site that nobody knows has none. Errors:
	// fault.Invalid for a cursor that no page gave.
	StockPage(ctx context.Context, f PageFilter) (StockPage, error)
	// Sites gives the sites, by id.
	Sites(ctx context.Context) ([]Site, error)
	// Ground gives the locations of sites (nil = of all), and every edge.
	Ground(ctx context.Context, sites []string) (Ground, error)
	// Stock explains a row. Error: fault.NotFound where there never was stock and no level is set.
	Stock(ctx context.Context, item, location string) (StockDetail, error)
	// Movements lists movements, newest first; next is the cursor of the page after, "" at the end.
	Movements(ctx context.Context, f MovementFilter) (page []ledger.Movement, next string, err error)
	// PassMovements lists what a pass of a door moved, in order: the first MaxMovements.
	PassMovements(ctx context.Context, pass string) ([]ledger.Movement, error)
}
