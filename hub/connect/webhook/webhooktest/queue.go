package webhooktest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/fault"
)

func claimIsWhole(b *bench) {
	e := b.endpoint()
	d := b.enqueue(e)[0]
	c := b.one("w1")
	b.same("the delivery", deliveryText(c.Delivery), deliveryText(d.Leased("w1", b.now.Add(time.Minute))))
	b.same("the endpoint", endpointText(c.Endpoint), endpointText(e))
	_, m, err := b.Store.Delivery(b.ctx, d.ID)
	b.must(err)
	for _, m := range []webhook.Message{c.Message, m} {
		if m.ID != d.Message || m.Type != d.Type || !m.At.Equal(b.now) || len(m.Body) < 100 {
			b.Errorf("the message is %+v", m)
		}
	}
	if string(c.Message.Body) != string(m.Body) {
		b.Error("the body is not the same everywhere")
	}
	b.same("the delivery, asked for", deliveryText(b.delivery(d.ID).Delivery), deliveryText(c.Delivery))
}

func claimWaits(b *bench) {
	b.enqueue(b.endpoint())
	b.now = b.now.Add(-time.Millisecond)
	if got := b.claim("w", 10); len(got) != 0 {
		b.Errorf("%d claimed before they were due", len(got))
	}
	b.now = b.now.Add(time.Millisecond)
	b.settle(b.one("w"), 500)
	b.now = b.now.Add(webhook.Schedule[1] - time.Millisecond)
	if got := b.claim("w", 10); len(got) != 0 {
		b.Errorf("%d claimed before the next attempt was due", len(got))
	}
	b.now = b.now.Add(time.Millisecond)
	if c := b.one("w"); c.Delivery.Tries != 1 || c.Endpoint.Health.Failing.IsZero() {
		b.Errorf("claimed with %d tries, failing since %v", c.Delivery.Tries, c.Endpoint.Health.Failing)
	}
}

func claimLeavesAlone(b *bench) {
	rests, off, on := b.endpoint(), b.endpoint(), b.endpoint()
	b.enqueue(rests, off, on)
	b.change(rests, func(e *webhook.Endpoint) { e.Health.Paused = b.now.Add(hour) })
	b.change(off, func(e *webhook.Endpoint) { e.State = webhook.Disabled })
	if c := b.one("w"); c.Endpoint.ID != on.ID {
		b.Errorf("claimed for %s", c.Endpoint.ID)
	} else {
		b.settle(c, 200)
	}
	b.now = b.now.Add(hour)
	if c := b.one("w"); c.Endpoint.ID != rests.ID {
		b.Errorf("claimed for %s after the rest", c.Endpoint.ID)
	} else {
		b.settle(c, 200)
	}
	b.change(off, func(e *webhook.Endpoint) { e.State = webhook.Enabled })
	if c := b.one("w"); c.Endpoint.ID != off.ID {
		b.Errorf("claimed for %s after it was enabled", c.Endpoint.ID)
	}
}

func (b *bench) change(e webhook.Endpoint, f func(*webhook.Endpoint)) {
	b.Helper()
	_, err := b.Store.ChangeEndpoint(b.ctx, e.ID, func(e webhook.Endpoint) (webhook.Endpoint, error) {
		f(&e)
		return e, nil
	})
	b.must(err)
}

// counts claims and says how many it got for each endpoint.
func (b *bench) counts(c webhook.Claim) map[string]int {
	b.Helper()
	c.Worker, c.Now, c.Lease = "w", b.now, time.Minute
	all, err := b.Store.Claim(b.ctx, c)
	b.must(err)
	n := map[string]int{}
	for _, c := range all {
		n[c.Endpoint.ID]++
	}
	return n
}

func claimIsBounded(b *bench) {
	first, second, failing := b.endpoint(), b.endpoint(), b.endpoint()
	b.change(failing, func(e *webhook.Endpoint) { e.Health.Failing, e.Health.Failed = b.now.Add(-hour), b.now.Add(-hour) })
	for range 8 {
		b.enqueue(first, second, failing)
	}
	got := b.counts(webhook.Claim{N: 100, PerEndpoint: 3, Busy: map[string]int{second.ID: 2}})
	if got[first.ID] != 3 || got[second.ID] != 1 || got[failing.ID] != 1 {
		b.Errorf("claimed %d, %d with two in hand, %d of a failing one; want 3, 1, 1", got[first.ID], got[second.ID], got[failing.ID])
	}
	got = b.counts(webhook.Claim{N: 2, PerEndpoint: 3})
	if got[first.ID]+got[second.ID]+got[failing.ID] != 2 {
		b.Errorf("claimed %v, want 2 in all", got)
	}
	if got := b.counts(webhook.Claim{N: 0, PerEndpoint: 3}); len(got) != 0 {
		b.Errorf("claimed %v without room", got)
	}
}

func claimIsFair(b *bench) {
	flood, quiet := b.endpoint(), b.endpoint()
	var ids []string
	for range 50 {
		ids = append(ids, b.enqueue(flood)[0].ID)
		b.now = b.now.Add(time.Second)
	}
	b.enqueue(quiet)
	got := b.counts(webhook.Claim{N: 1, PerEndpoint: 4, Busy: map[string]int{flood.ID: 2}})
	if got[quiet.ID] != 1 {
		b.Errorf("the one room went to the endpoint that has two in hand: %v", got)
	}
	all, err := b.Store.Claim(b.ctx, webhook.Claim{Worker: "w", Now: b.now, Lease: time.Minute, N: 4, PerEndpoint: 4})
	b.must(err)
	for i, c := range all {
		if c.Delivery.ID != ids[i] {
			b.Errorf("claim %d is not the longest due", i)
		}
	}
}

func enqueuedOnce(b *bench) {
	e := b.endpoint()
	seq := b.ids.Add(1)
	out := source.Fan([]webhook.Endpoint{e}, occurrence(b, seq), b.now, b.id)
	b.must(b.Enqueue(b.ctx, out))
	again := out[0]
	again.Deliveries = []webhook.Delivery{out[0].Deliveries[0]}
	again.Deliveries[0].ID = b.id()
	b.must(b.Enqueue(b.ctx, []webhook.Outgoing{again}))
	if c := b.one("w"); c.Delivery.ID != out[0].Deliveries[0].ID {
		b.Errorf("claimed %s", c.Delivery.ID)
	}
}

func claimsExclude(b *bench) {
	const each, workers = 60, 8
	var endpoints []webhook.Endpoint
	for range 5 {
		endpoints = append(endpoints, b.endpoint())
	}
	for range each {
		b.enqueue(endpoints...)
	}
	var mu sync.Mutex
	times := map[string]int{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for idle, rounds := 0, 0; idle < 20 && rounds < 20*each; idle, rounds = idle+1, rounds+1 { // others may lock what is left for a moment
				all, err := b.Store.Claim(b.ctx, webhook.Claim{Worker: fmt.Sprint(w), Now: b.now, Lease: time.Minute, N: 7, PerEndpoint: 3})
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				for _, c := range all {
					times[c.Delivery.ID]++
					idle = 0
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, n := range times {
		if n != 1 {
			b.Errorf("delivery %s was claimed %d times", id, n)
		}
	}
	if rest := b.claim("rest", 1000); len(times)+len(rest) != each*len(endpoints) {
		b.Errorf("%d claimed and %d left of %d", len(times), len(rest), each*len(endpoints))
	}
}

func leasesFence(b *bench) {
	b.enqueue(b.endpoint())
	slow := b.one("slow")
	if got := b.claim("quick", 10); len(got) != 0 {
		b.Fatal("claimed while it was leased")
	}
	b.now = b.now.Add(time.Minute)
	quick := b.one("quick")
	if quick.Delivery.Lease.Term <= slow.Delivery.Lease.Term || quick.Message.ID != slow.Message.ID {
		b.Errorf("term %d after %d, message %s after %s", quick.Delivery.Lease.Term, slow.Delivery.Lease.Term, quick.Message.ID, slow.Message.ID)
	}
	_, err := b.Store.Settle(b.ctx, b.settlement(slow, 200))
	b.is("the slow one", err, fault.Conflict)
	b.same("after it the delivery", deliveryText(b.delivery(quick.Delivery.ID).Delivery), deliveryText(quick.Delivery))
	b.settle(quick, 500)
	for _, c := range []webhook.Claimed{slow, quick} {
		_, err = b.Store.Settle(b.ctx, b.settlement(c, 410))
		b.is("settled twice", err, fault.Conflict)
	}
	if e := b.find(quick.Endpoint.ID); e.State != webhook.Enabled {
		b.Error("what was refused changed the endpoint")
	}
	if got := b.delivery(quick.Delivery.ID); got.State != webhook.Pending || got.Tries != 1 || len(got.Attempts) != 1 {
		b.Errorf("it is %s with %d tries and %d attempts", got.State, got.Tries, len(got.Attempts))
	}
}

func lateButFirst(b *bench) {
	d := b.enqueue(b.endpoint())[0]
	c := b.one("w")
	b.now = b.now.Add(hour)
	b.settle(c, 200)
	if got := b.delivery(d.ID); got.State != webhook.Delivered {
		b.Errorf("it is %s", got.State)
	}
}

func outcomeIsWritten(b *bench) {
	e := b.endpoint()
	d := b.enqueue(e)[0]
	first := b.settlement(b.one("w1"), 503)
	after, err := b.Store.Settle(b.ctx, first)
	b.must(err)
	b.same("the endpoint that it gave", endpointText(after), endpointText(b.find(e.ID)))
	if !after.Health.Failing.Equal(b.now) || after.Revision != e.Revision {
		b.Errorf("it fails since %v, revision %d", after.Health.Failing, after.Revision)
	}
	b.same("the delivery", deliveryText(b.delivery(d.ID).Delivery), deliveryText(first.Delivery))
	b.now = b.now.Add(webhook.Schedule[1])
	second := b.settlement(b.one("w2"), 204)
	after, err = b.Store.Settle(b.ctx, second)
	b.must(err)
	if !after.Health.Failing.IsZero() || !b.find(e.ID).Health.Failing.IsZero() {
		b.Error("it went well and still fails")
	}
	got := b.delivery(d.ID)
	b.same("the delivery", deliveryText(got.Delivery), deliveryText(second.Delivery))
	if len(got.Attempts) != 2 {
		b.Fatalf("%d attempts", len(got.Attempts))
	}
	b.same("the first attempt", attemptText(got.Attempts[0]), attemptText(*first.Attempt))
	b.same("the second attempt", attemptText(got.Attempts[1]), attemptText(*second.Attempt))
	b.now = b.now.Add(100 * hour)
	if got := b.claim("w", 10); len(got) != 0 {
		b.Error("claimed after it was delivered")
	}
}

func releaseIsSilent(b *bench) {
	e := b.endpoint()
	d := b.enqueue(e)[0]
	c := b.one("w1")
	_, err := b.Store.Settle(b.ctx, webhook.Settlement{Delivery: webhook.Release(c.Delivery, b.now)})
	b.must(err)
	b.same("the endpoint", endpointText(b.find(e.ID)), endpointText(e))
	if got := b.delivery(d.ID); len(got.Attempts) != 0 || got.Tries != 0 {
		b.Errorf("%d attempts, %d tries", len(got.Attempts), got.Tries)
	}
	if again := b.one("w2"); again.Delivery.Lease.Term != 2 {
		b.Errorf("term %d", again.Delivery.Lease.Term)
	}
}

func outcomesDisable(b *bench) {
	gone, failing := b.endpoint(), b.endpoint()
	wanted := b.enqueue(gone)[0]
	if after := b.settle(b.one("w"), 410); after.State != webhook.Disabled || after.Turned.By != webhook.ByHub || b.find(gone.ID).State != webhook.Disabled {
		b.Errorf("after 410 it is %s by %s", after.State, after.Turned.By)
	}
	if got := b.delivery(wanted.ID); got.State != webhook.Failed || got.Note == "" {
		b.Errorf("its delivery is %s: %q", got.State, got.Note)
	}
	for range 7 {
		b.enqueue(failing)
	}
	for day := range 6 {
		if got := b.find(failing.ID); got.State != webhook.Enabled {
			b.Fatalf("disabled on day %d", day)
		}
		b.settle(b.claim("w", 1)[0], 500)
		b.now = b.now.Add(24 * hour)
	}
	if got := b.find(failing.ID); got.State != webhook.Disabled || got.Turned.Why == "" || got.Revision != failing.Revision+1 {
		b.Errorf("after five days of failures it is %s because %q", got.State, got.Turned.Why)
	}
	if got := b.claim("w", 100); len(got) != 0 {
		b.Errorf("claimed %d for endpoints that are disabled", len(got))
	}
}

// crashesLoseNothing lets workers run on one clock that stands, each with a share of crashes: what a crashed one held is
// claimed by others once the clock is past its lease.
func crashesLoseNothing(b *bench) {
	e1, e2 := b.endpoint(), b.endpoint()
	const messages, workers = 40, 6
	for range messages {
		b.enqueue(e1, e2)
	}
	var mu sync.Mutex
	settled := map[string]int{}
	for round := 0; len(settled) < 2*messages && round < 200; round++ {
		now := b.now
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(w)))
				all, err := b.Store.Claim(b.ctx, webhook.Claim{Worker: fmt.Sprint(w), Now: now, Lease: time.Minute, N: 5, PerEndpoint: 5})
				if err != nil {
					b.Error(err)
					return
				}
				for _, c := range all {
					if random.IntN(2) == 0 {
						continue // it crashed after it had sent
					}
					next, change, err := webhook.Step(c.Delivery, webhook.Outcome{Status: 200}, now, 0)
					if err == nil {
						_, err = b.Store.Settle(b.ctx, webhook.Settlement{Delivery: next, Attempt: &webhook.Attempt{At: now, Status: 200}, Change: change})
					}
					if err != nil && !errors.Is(err, fault.Conflict) {
						b.Error(err)
						continue
					}
					mu.Lock()
					if err == nil {
						settled[c.Delivery.ID]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		b.now = b.now.Add(time.Minute)
	}
	if len(settled) != 2*messages {
		b.Errorf("%d of %d were delivered", len(settled), 2*messages)
	}
	for id, n := range settled {
		if got := b.delivery(id); n != 1 || got.State != webhook.Delivered || len(got.Attempts) != 1 {
			b.Errorf("%s was settled %d times, is %s, with %d attempts", id, n, got.State, len(got.Attempts))
		}
	}
}
