package webhook

import (
	"context"
	"fmt"
	"time"
)

// Retention is how much is kept.
type Retention struct {
	Delivered time.Duration // after the end
	Failed    time.Duration // after the end
	Waiting   time.Duration // after what a message tells of: it is sent no more
	Backlog   int           // messages that wait for one endpoint
}

// DefaultRetention is what a hub keeps where nothing else is said.
func DefaultRetention() Retention {
	const day = 24 * time.Hour
	return Retention{Delivered: 14 * day, Failed: 30 * day, Waiting: 14 * day, Backlog: 100_000}
}

// Horizon is a Retention at a moment.
type Horizon struct {
	Now       time.Time
	Delivered time.Time // Delivered that ended before go
	Failed    time.Time // Failed that ended before go
	Waiting   time.Time // Pending with an older At fail
	Backlog   int       // Pending that are not among the newest so many of their endpoint fail
	Note      string    // why they do
}

// At gives the horizon at a moment.
func (r Retention) At(now time.Time) Horizon {
	return Horizon{
		Now: now, Delivered: now.Add(-r.Delivered), Failed: now.Add(-r.Failed), Waiting: now.Add(-r.Waiting), Backlog: r.Backlog,
		Note: fmt.Sprintf("it waited longer than %v, or behind more than %d others", r.Waiting, r.Backlog),
	}
}

// Keeps reports whether an ended delivery stays.
func (h Horizon) Keeps(d Delivery) bool {
	return !d.Ended.Before(map[DeliveryState]time.Time{Delivered: h.Delivered, Failed: h.Failed}[d.State])
}

// GiveUp makes a Pending delivery Failed where the horizon does not let it wait on, and says whether. place is its place
// among the Pending of its endpoint by ID, 1 the newest.
func (h Horizon) GiveUp(d Delivery, place int) (Delivery, bool) {
	if d.State != Pending || d.Lease.Until.After(h.Now) || !d.At.Before(h.Waiting) && place <= h.Backlog {
		return d, false
	}
	d.Lease = d.Lease.ended()
	return d.end(Failed, h.Note, h.Now), true
}

// forgetBatch is how many deliveries one transaction of Forget touches.
const forgetBatch = 1000

// Forget does away with what the retention no longer keeps, in small transactions, and says how many deliveries it touched.
func Forget(ctx context.Context, store Forgetter, r Retention, now time.Time) (int, error) {
	total := 0
	for {
		n, err := store.Forget(ctx, r.At(now), forgetBatch)
		total += n
		if err != nil {
			return total, fmt.Errorf("cannot forget old webhook deliveries: %w", err)
		}
		if n < forgetBatch {
			return total, nil
		}
	}
}
