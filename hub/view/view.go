// Package view is what the console reads across rooms: stock beside its levels, names and places, and movements by what
// they touched. Each answer comes from one consistent state of the database.
package view

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/ledger"
)

// MaxMovements is the longest page of movements.
const MaxMovements = 500

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

// Snapshot is all stock at one moment. Events after Seq bring it up to date.
type Snapshot struct {
	Seq       int64
	Places    []Place
	Doors     []Door
	Items     []catalog.Item
	StockRows []StockRow // with stock or a level, by item and location
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
	Tags      []TagAt
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
	Snapshot(ctx context.Context) (Snapshot, error)
	// Stock explains a row. Error: fault.NotFound where there never was stock and no level is set.
	Stock(ctx context.Context, item, location string) (StockDetail, error)
	// Movements lists movements, newest first; next is the cursor of the page after, "" at the end.
	Movements(ctx context.Context, f MovementFilter) (page []ledger.Movement, next string, err error)
	// PassMovements lists what a pass of a door moved, in order.
	PassMovements(ctx context.Context, pass string) ([]ledger.Movement, error)
}
