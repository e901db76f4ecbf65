package stock

import "context"

// Store reads stock at real locations; the virtual ones have none.
type Store interface {
	// Rows gives every row that ever had stock, by item and location.
	Rows(ctx context.Context) ([]Row, error)
	// Row gives one; a zero Row with Item and Location where there never was stock.
	Row(ctx context.Context, item, location string) (Row, error)
}
