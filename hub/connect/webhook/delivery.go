package webhook

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// DeliveryState is how far a delivery has come.
type DeliveryState string

// The states of a delivery; the drawing is in doc.go.
const (
	// Pending: it is sent when it is due and its endpoint enabled. While it has a lease, a worker is at it.
	Pending DeliveryState = "pending"
	// Delivered: its endpoint answered 2xx.
	Delivered DeliveryState = "delivered"
	// Failed: it is not tried any more, for the reason in Note.
	Failed DeliveryState = "failed"
)

// Schedule is how long to wait before each attempt, counted from the one before; the first is made at once.
var Schedule = [...]time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

const (
	// Spread is by how much of it a wait is made shorter or longer, at random.
	Spread = 0.1
	// MaxRetryAfter is the longest rest that a receiver is given when it asks for one.
	MaxRetryAfter = 24 * time.Hour
)

// Delivery is the sending of one message to one endpoint. An endpoint gets a message once: there is one for each pair.
type Delivery struct {
	ID       string // rises with the time at which it was made
	Endpoint string
	Message  string    // its ID
	Type     string    // the message's
	At       time.Time // the message's
	State    DeliveryState
	Tries    int       // attempts since it was made, or since a person asked for it again
	Due      time.Time // of the next attempt, while Pending
	Ended    time.Time // when it became Delivered or Failed; zero = not yet
	Note     string    // why it Failed
	Lease    Lease
}

// Lease gives a delivery to one worker for a time.
type Lease struct {
	Worker string
	Term   int64     // rises with every lease
	Until  time.Time // zero = nobody is at it
}

// Held reports whether somebody has the lease, or had it last and did not settle.
func (l Lease) Held() bool { return !l.Until.IsZero() }

func (l Lease) ended() Lease { return Lease{Term: l.Term} }

// Leased gives the delivery with a lease of the next term.
func (d Delivery) Leased(worker string, until time.Time) Delivery {
	d.Lease = Lease{worker, d.Lease.Term + 1, until}
	return d
}

// Claimable reports whether it may be leased now, as far as its endpoint is Ready.
func (d Delivery) Claimable(now time.Time) bool {
	return d.State == Pending && !d.Due.After(now) && !d.Lease.Until.After(now)
}

// Step says what an outcome means: the delivery after it, and the change for its endpoint. jitter, from 0 to below 1, is
// where in its spread the next wait lies. A delivery that is not leased has no outcome: fault.Conflict.
func Step(d Delivery, o Outcome, now time.Time, jitter float64) (Delivery, Change, error) {
	if d.State != Pending || !d.Lease.Held() {
		return d, Change{}, fmt.Errorf("%w: delivery %s is %s and leased to nobody: it has no outcome", fault.Conflict, d.ID, d.State)
	}
	d.Lease = d.Lease.ended()
	d.Tries++
	c := Change{At: now, Result: Bad}
	rest := min(o.RetryAfter, MaxRetryAfter)
	if rest > 0 {
		c.Pause = now.Add(rest)
	}
	switch {
	case o.OK():
		c.Result, c.Pause = Well, time.Time{}
		return d.end(Delivered, "", now), c, nil
	case o.Status == http.StatusGone:
		c.Disable = "it answered 410 Gone: it wants no more messages"
		return d.end(Failed, c.Disable, now), c, nil
	case d.Tries >= len(Schedule):
		return d.end(Failed, fmt.Sprintf("%d attempts failed", d.Tries), now), c, nil
	}
	d.Due = now.Add(max(spread(Schedule[d.Tries], jitter), rest))
	return d, c, nil
}

func spread(wait time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(wait) * (1 - Spread + 2*Spread*jitter))
}

func (d Delivery) end(s DeliveryState, note string, now time.Time) Delivery {
	d.State, d.Note, d.Ended = s, note, now
	return d
}

// Release gives a lease back with nothing said: the worker stops, and another may send the message at once.
func Release(d Delivery, now time.Time) Delivery {
	d.Lease = d.Lease.ended()
	d.Due = now
	return d
}

// Redeliver makes a delivery due again, with all its tries, on a person's word. Whoever had a lease of it that ended can no
// longer settle. fault.Conflict where a worker is at it.
func Redeliver(d Delivery, now time.Time) (Delivery, error) {
	if d.Lease.Until.After(now) {
		return d, fmt.Errorf("%w: delivery %s is being sent right now; look again in a minute", fault.Conflict, d.ID)
	}
	d.State, d.Tries, d.Due, d.Ended, d.Note = Pending, 0, now, time.Time{}, ""
	d.Lease = d.Lease.ended()
	return d, nil
}
