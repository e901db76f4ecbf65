// Package webhooktest is what every webhook.Store must do, as a test suite, and the plainest Store that does it. A store's
// own test says how to make an empty one and how it inserts outgoing messages, and calls Run:
//
//	webhooktest.Run(t, func(t *testing.T) webhooktest.Parts { … })
//
// Every test of the suite gets Parts of its own.
package webhooktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

// Parts is a store without endpoints or deliveries. Times need to be kept to the millisecond.
type Parts struct {
	Store webhook.Store
	// Enqueue inserts messages with their deliveries, as the store does in the transaction of an event.
	Enqueue func(ctx context.Context, all []webhook.Outgoing) error
}

// Run runs the suite.
func Run(t *testing.T, setup func(t *testing.T) Parts) {
	for _, c := range []struct {
		name string
		test func(*bench)
	}{
		{"endpoints are kept whole", endpointsAreKept},
		{"endpoints change in one transaction", endpointsChange},
		{"an endpoint is removed with its deliveries", endpointsGo},
		{"changes at once are not lost", changesAreNotLost},
		{"a claim has the whole of it", claimIsWhole},
		{"nothing is claimed before its time", claimWaits},
		{"an endpoint that rests or is disabled is left alone", claimLeavesAlone},
		{"a claim keeps to its bounds", claimIsBounded},
		{"a claim is fair", claimIsFair},
		{"a message is enqueued once for an endpoint", enqueuedOnce},
		{"claimers at once never get the same", claimsExclude},
		{"a lease ends, and who comes late is refused", leasesFence},
		{"a lease that ended and that nobody took still settles", lateButFirst},
		{"an outcome is written whole", outcomeIsWritten},
		{"a release leaves no trace", releaseIsSilent},
		{"an endpoint is disabled by what its attempts say", outcomesDisable},
		{"workers that crash lose nothing, and nothing is settled twice", crashesLoseNothing},
		{"the log is read in pages", logInPages},
		{"the log shows the newest attempts", logShowsNewest},
		{"one delivery is made due again", redeliverOne},
		{"what failed since is made due again", redeliverSince},
		{"what is old is forgotten", oldIsForgotten},
		{"what waits too long is given up", waitingIsGivenUp},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(&bench{T: t, Parts: setup(t), ctx: t.Context(), now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)})
		})
	}
}

// bench is one test's store with a clock that the test moves.
type bench struct {
	*testing.T
	Parts
	ctx context.Context
	now time.Time
	ids atomic.Int64
}

const hour = time.Hour

var source = webhook.Source{Hub: "0192f000-0000-7000-8000-00000000aaaa"}

// id gives UUIDs that rise.
func (b *bench) id() string { return fmt.Sprintf("0192f000-0000-7000-8000-%012x", b.ids.Add(1)) }

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// is fails the test unless err is of a kind.
func (b *bench) is(what string, err error, kind fault.Kind) {
	b.Helper()
	if !errors.Is(err, kind) {
		b.Errorf("%s: %v; want %v", what, err, kind)
	}
}

// endpoint adds one that hears of stock.
func (b *bench) endpoint() webhook.Endpoint {
	b.Helper()
	e := webhook.Endpoint{
		ID: b.id(), URL: "https://erp.example.com/hook", Description: "ERP", Events: []event.Type{event.Stock},
		Secrets: webhook.Secrets{Current: secret(b.T, 1)}, State: webhook.Enabled,
		Turned: webhook.Turned{By: "alice", At: b.now}, Created: b.now, CreatedBy: "alice", Updated: b.now, Revision: 1,
	}
	b.must(b.Store.AddEndpoint(b.ctx, e))
	return e
}

func secret(t *testing.T, fill byte) webhook.Secret {
	t.Helper()
	s, err := webhook.NewSecret(constant(fill))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// constant reads as the same byte for ever.
type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// enqueue inserts a message about stock for endpoints, and gives its deliveries.
func (b *bench) enqueue(endpoints ...webhook.Endpoint) []webhook.Delivery {
	b.Helper()
	seq := b.ids.Add(1)
	o := webhook.Occurrence{Event: event.Event{
		Seq: seq, At: b.now, Type: event.Stock, Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, seq)),
	}}
	all := source.Fan(endpoints, o, b.now, b.id)
	b.must(b.Enqueue(b.ctx, all))
	return all[0].Deliveries
}

// claim takes up to n, with a lease of a minute.
func (b *bench) claim(worker string, n int) []webhook.Claimed {
	b.Helper()
	all, err := b.Store.Claim(b.ctx, webhook.Claim{Worker: worker, Now: b.now, Lease: time.Minute, N: n, PerEndpoint: 1000})
	b.must(err)
	return all
}

// one claims what must be the only delivery that is due.
func (b *bench) one(worker string) webhook.Claimed {
	b.Helper()
	all := b.claim(worker, 10)
	if len(all) != 1 {
		b.Fatalf("%s claimed %d deliveries, want 1", worker, len(all))
	}
	return all[0]
}

// settlement is what an answer of a status means, made now.
func (b *bench) settlement(c webhook.Claimed, status int) webhook.Settlement {
	b.Helper()
	next, change, err := webhook.Step(c.Delivery, webhook.Outcome{Status: status}, b.now, 0.5)
	b.must(err)
	a := webhook.Attempt{At: b.now, Took: 80 * time.Millisecond, Status: status, Error: "as it is", Excerpt: "sö\nit is", Worker: c.Delivery.Lease.Worker}
	return webhook.Settlement{Delivery: next, Attempt: &a, Change: change}
}

func (b *bench) settle(c webhook.Claimed, status int) webhook.Endpoint {
	b.Helper()
	e, err := b.Store.Settle(b.ctx, b.settlement(c, status))
	b.must(err)
	return e
}

func (b *bench) delivery(id string) webhook.Entry {
	b.Helper()
	e, _, err := b.Store.Delivery(b.ctx, id)
	b.must(err)
	return e
}

func (b *bench) find(id string) webhook.Endpoint {
	b.Helper()
	all, err := b.Store.Endpoints(b.ctx)
	b.must(err)
	i := slices.IndexFunc(all, func(e webhook.Endpoint) bool { return e.ID == id })
	if i < 0 {
		b.Fatalf("endpoint %s is not there", id)
	}
	return all[i]
}

// endpointText is all of an endpoint, to compare.
func endpointText(e webhook.Endpoint) string {
	s := e.Secrets
	return fmt.Sprintf("%s %s %q %v %v | %s %s %s | %s %s %s %s | %s %s %s | %s %s %s %d",
		e.ID, e.URL, e.Description, e.Events, e.Sites, s.Current.Reveal(), s.Previous.Reveal(), when(s.Until),
		e.State, e.Turned.By, e.Turned.Why, when(e.Turned.At), when(e.Health.Failing), when(e.Health.Failed), when(e.Health.Paused),
		when(e.Created), e.CreatedBy, when(e.Updated), e.Revision)
}

// deliveryText is all of a delivery, to compare.
func deliveryText(d webhook.Delivery) string {
	return fmt.Sprintf("%s %s %s %s %s | %s %d %s %s %q | %s %d %s", d.ID, d.Endpoint, d.Message, d.Type, when(d.At),
		d.State, d.Tries, when(d.Due), when(d.Ended), d.Note, d.Lease.Worker, d.Lease.Term, when(d.Lease.Until))
}

func attemptText(a webhook.Attempt) string {
	return fmt.Sprintf("%s %v %d %q %q %s", when(a.At), a.Took, a.Status, a.Error, a.Excerpt, a.Worker)
}

// when is a moment to the millisecond, in whatever zone it came.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000")
}

func (b *bench) same(what, got, want string) {
	b.Helper()
	if got != want {
		b.Errorf("%s is\n%s\nwant\n%s", what, got, want)
	}
}
