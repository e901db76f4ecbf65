// Package stock is the fold of the ledger: how much of what is where, now.
package stock

import "time"

// Row is the stock of one item at one location.
type Row struct {
	Item     string
	Location string
	OnHand   int64     // available + unseen + quarantine
	Unseen   int64     // of OnHand: not seen for longer than its readers allow
	SeenAt   time.Time // last movement or sighting that touched the row
}
