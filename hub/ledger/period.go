package ledger

import "time"

// PeriodClose says until when the books are closed: what happened before cannot be posted any longer. What an edge reports
// late is booked at the first open moment; its evidence keeps when it was seen.
type PeriodClose struct {
	ID     string
	Until  time.Time
	Actor  string
	At     time.Time
	Reason string // needed where Until goes back
}
