package webhook

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// Queue is where a Dispatcher gets its work. Package webhooktest has what an implementation must do, as a suite.
type Queue interface {
	// Claim leases deliveries to one worker: Claimable ones of endpoints that are Ready, those that Claim.Pick chooses.
	// What it gives is leased to nobody else until the lease ends, however many claim at once.
	Claim(ctx context.Context, c Claim) ([]Claimed, error)
	// Settle writes down, in one transaction, a delivery as Step or Release gave it, its attempt, and what Endpoint.After
	// makes of the endpoint as it is then. It gives that endpoint. It fails with fault.Conflict, and writes nothing, where
	// the lease of that term is not held any more: it was settled already, was given to another, or the delivery is gone.
	// A lease that ended, but that nobody took since, still counts.
	Settle(ctx context.Context, s Settlement) (Endpoint, error)
}

// Endpoints keeps endpoints with their secrets.
type Endpoints interface {
	// Endpoints gives all, by ID.
	Endpoints(ctx context.Context) ([]Endpoint, error)
	// AddEndpoint fails with fault.Conflict where its ID is there.
	AddEndpoint(ctx context.Context, e Endpoint) error
	// ChangeEndpoint replaces an endpoint by what f makes of it, in one transaction, and gives that. Where f fails nothing
	// changes. f may run more than once. It fails with fault.NotFound.
	ChangeEndpoint(ctx context.Context, id string, f func(Endpoint) (Endpoint, error)) (Endpoint, error)
	// RemoveEndpoint removes an endpoint with its deliveries and their attempts. It fails with fault.NotFound.
	RemoveEndpoint(ctx context.Context, id string) error
}

// Log keeps what became of deliveries.
type Log interface {
	// Log gives an endpoint's deliveries, newest (highest ID) first, with their attempts.
	Log(ctx context.Context, q LogQuery) ([]Entry, error)
	// Delivery gives one, with the message that it sends. It fails with fault.NotFound.
	Delivery(ctx context.Context, id string) (Entry, Message, error)
	// ChangeDelivery replaces a delivery by what f makes of it, in one transaction. Where f fails nothing changes. f may
	// run more than once. It fails with fault.NotFound.
	ChangeDelivery(ctx context.Context, id string, f func(Delivery) (Delivery, error)) (Delivery, error)
	// RedeliverSince does what Redeliver does to every Failed delivery of an endpoint whose At is since or later, and says
	// how many.
	RedeliverSince(ctx context.Context, endpoint string, since, now time.Time) (int, error)
}

// Forgetter keeps the tables small.
type Forgetter interface {
	// Forget takes a step of retention, on at most limit deliveries, and says how many: fewer than limit means that all is
	// done. It makes Failed, with the Note of the Horizon, the Pending that are older than the Horizon allows or not among
	// the newest of their endpoint; it removes the ended that are older, with their attempts, and the messages that no
	// delivery has any more. A delivery with a lease that has not ended is left alone.
	Forget(ctx context.Context, h Horizon, limit int) (int, error)
}

// Store is all that a hub keeps of webhooks. In the transaction of an event it also inserts what Source.Fan gives for it; a
// delivery whose endpoint has that message already is not inserted again.
type Store interface {
	Queue
	Endpoints
	Log
	Forgetter
}

// Claim is what a worker can take.
type Claim struct {
	Worker      string
	Now         time.Time
	Lease       time.Duration
	N           int            // deliveries at most
	PerEndpoint int            // of one endpoint at most, with those that are in hand
	Busy        map[string]int // deliveries in hand, by endpoint
}

// Claimed is a delivery with all that it takes to send it.
type Claimed struct {
	Delivery Delivery
	Message  Message
	Endpoint Endpoint
}

// Settlement is what became of a claimed delivery.
type Settlement struct {
	Delivery Delivery
	Attempt  *Attempt // nil = none was made
	Change   Change
}

// Candidate is a delivery that could be claimed.
type Candidate struct {
	ID, Endpoint string
	Due          time.Time
	Failing      bool // the endpoint's Health.Failing is set
}

// Pick chooses among candidates: those first whose endpoint has least in hand, then the longest due. An endpoint that fails
// counts as having one more in hand than it has, and gets one at a time: however many hang, they take their turn behind those
// that work. A store gives the PerEndpoint longest due of every endpoint; more do no harm.
func (c Claim) Pick(candidates []Candidate) []Candidate {
	candidates = slices.SortedFunc(slices.Values(candidates), func(a, b Candidate) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	inHand := maps.Clone(c.Busy)
	if inHand == nil {
		inHand = map[string]int{}
	}
	type ranked struct {
		Candidate
		rank int
	}
	var all []ranked
	for _, d := range candidates {
		n, most, rank := inHand[d.Endpoint], c.PerEndpoint, inHand[d.Endpoint]
		if d.Failing {
			most, rank = 1, rank+1
		}
		if n < most {
			inHand[d.Endpoint]++
			all = append(all, ranked{d, rank})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	picked := make([]Candidate, min(len(all), max(c.N, 0)))
	for i := range picked {
		picked[i] = all[i].Candidate
	}
	return picked
}

// LogQuery is a page of an endpoint's log.
type LogQuery struct {
	Endpoint string
	State    DeliveryState // "" = all
	Before   string        // the last page's last ID; "" = the newest
	Limit    int
}

// MaxAttempts is how many of a delivery's attempts the log shows: the newest.
const MaxAttempts = 30

// Entry is a delivery with its attempts, oldest first.
type Entry struct {
	Delivery
	Attempts []Attempt
}
