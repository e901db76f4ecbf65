package webhooktest

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

func occurrence(b *bench, seq int64) webhook.Occurrence {
	return webhook.Occurrence{Event: event.Event{Seq: seq, At: b.now, Type: event.Stock, Data: json.RawMessage(`{}`)}}
}

// pages reads a log to its end.
func (b *bench) pages(q webhook.LogQuery) (ids []string) {
	b.Helper()
	for {
		page, err := b.Store.Log(b.ctx, q)
		b.must(err)
		if len(page) > q.Limit {
			b.Fatalf("a page of %d, limit %d", len(page), q.Limit)
		}
		for _, e := range page {
			ids = append(ids, e.ID)
			q.Before = e.ID
		}
		if len(page) < q.Limit {
			return ids
		}
	}
}

func logInPages(b *bench) {
	e, other := b.endpoint(), b.endpoint()
	var all, delivered []string
	for i := range 11 {
		d := b.enqueue(e, other)
		all = append(all, d[0].ID)
		for _, c := range b.claim("w", 2) {
			b.end(c, i%2 == 0)
		}
		if i%2 == 1 {
			delivered = append(delivered, d[0].ID)
		}
		b.now = b.now.Add(time.Second)
	}
	slices.Reverse(all)
	slices.Reverse(delivered)
	for _, limit := range []int{1, 4, 11, 50} {
		if got := b.pages(webhook.LogQuery{Endpoint: e.ID, Limit: limit}); !slices.Equal(got, all) {
			b.Errorf("pages of %d gave %v, want %v", limit, got, all)
		}
	}
	if got := b.pages(webhook.LogQuery{Endpoint: e.ID, State: webhook.Delivered, Limit: 2}); !slices.Equal(got, delivered) {
		b.Errorf("the delivered are %v, want %v", got, delivered)
	}
	page, err := b.Store.Log(b.ctx, webhook.LogQuery{Endpoint: e.ID, Limit: 3})
	b.must(err)
	for _, e := range page {
		if want := b.delivery(e.ID); deliveryText(e.Delivery) != deliveryText(want.Delivery) || len(e.Attempts) != len(want.Attempts) || len(e.Attempts) == 0 {
			b.Errorf("in the log %+v, by itself %+v", e, want)
		}
	}
	b.enqueue(e) // what comes meanwhile is above the pages
	if got := b.pages(webhook.LogQuery{Endpoint: e.ID, Before: page[2].ID, Limit: 3}); !slices.Equal(got, all[3:]) {
		b.Errorf("after a new one came the pages went on with %v", got)
	}
	if got := b.pages(webhook.LogQuery{Endpoint: b.id(), Limit: 3}); len(got) != 0 {
		b.Errorf("an endpoint that is not there has %v", got)
	}
}

func logShowsNewest(b *bench) {
	d := b.enqueue(b.endpoint())[0]
	const made = webhook.MaxAttempts + 5
	for i := range made {
		c := b.one("w")
		s := b.settlement(c, 500)
		s.Attempt.Status = 500 + i
		s.Delivery = c.Delivery
		s.Delivery.Lease = webhook.Lease{Term: c.Delivery.Lease.Term}
		_, err := b.Store.Settle(b.ctx, s)
		b.must(err)
		b.now = b.now.Add(time.Second)
	}
	got := b.delivery(d.ID).Attempts
	if len(got) != webhook.MaxAttempts || got[0].Status != 505 || got[len(got)-1].Status != 499+made {
		b.Errorf("%d attempts, from %d to %d", len(got), got[0].Status, got[len(got)-1].Status)
	}
}

func redeliverOne(b *bench) {
	d := b.enqueue(b.endpoint())[0]
	again := func(d webhook.Delivery) (webhook.Delivery, error) { return webhook.Redeliver(d, b.now) }
	_, err := b.Store.ChangeDelivery(b.ctx, b.id(), again)
	b.is("one that is not there", err, fault.NotFound)
	c := b.one("w")
	_, err = b.Store.ChangeDelivery(b.ctx, d.ID, again)
	b.is("one that is being sent", err, fault.Conflict)
	b.settle(c, 200)
	got, err := b.Store.ChangeDelivery(b.ctx, d.ID, again)
	b.must(err)
	b.same("what is there", deliveryText(b.delivery(d.ID).Delivery), deliveryText(got))
	next := b.one("w")
	if next.Message.ID != c.Message.ID || next.Delivery.ID != d.ID || next.Delivery.Tries != 0 {
		b.Errorf("claimed again: %+v", next.Delivery)
	}
	b.now = b.now.Add(hour) // its worker crashed; a person asks again before another claims it
	_, err = b.Store.ChangeDelivery(b.ctx, d.ID, again)
	b.must(err)
	_, err = b.Store.Settle(b.ctx, b.settlement(next, 200))
	b.is("the crashed worker's outcome", err, fault.Conflict)
	if got := b.delivery(d.ID); got.State != webhook.Pending || len(got.Attempts) != 1 {
		b.Errorf("it is %s with %d attempts", got.State, len(got.Attempts))
	}
	no := errors.New("no")
	_, err = b.Store.ChangeDelivery(b.ctx, d.ID, func(d webhook.Delivery) (webhook.Delivery, error) { return d, no })
	if !errors.Is(err, no) {
		b.Errorf("the function's error came as %v", err)
	}
}

func redeliverSince(b *bench) {
	e, other := b.endpoint(), b.endpoint()
	var ids []string
	start := b.now
	for i := range 6 { // 0 to 3 fail, 4 is delivered, 5 waits
		ids = append(ids, b.enqueue(e)[0].ID)
		if i < 5 {
			b.end(b.one("w"), i < 4)
		}
		b.now = b.now.Add(time.Minute)
	}
	_, err := b.Store.Settle(b.ctx, webhook.Settlement{Delivery: webhook.Release(b.one("w").Delivery, b.now.Add(hour))})
	b.must(err)
	b.enqueue(other)
	b.end(b.one("w"), true)
	b.now = b.now.Add(time.Second)
	n, err := b.Store.RedeliverSince(b.ctx, e.ID, start.Add(2*time.Minute), b.now)
	b.must(err)
	if n != 2 {
		b.Errorf("%d are due again, want 2", n)
	}
	got := map[string]bool{}
	for _, c := range b.claim("w", 100) {
		got[c.Delivery.ID] = true
		if c.Delivery.Tries != 0 || c.Delivery.Note != "" || !c.Delivery.Ended.IsZero() {
			b.Errorf("claimed %+v", c.Delivery)
		}
	}
	if len(got) != 2 || !got[ids[2]] || !got[ids[3]] {
		b.Errorf("claimed %v, want %v", got, ids[2:4])
	}
}

// end makes a claimed delivery Failed or Delivered.
func (b *bench) end(c webhook.Claimed, fail bool) {
	b.Helper()
	s := b.settlement(c, 200)
	if fail {
		s.Delivery.State, s.Delivery.Note = webhook.Failed, "as the test wants it"
	}
	_, err := b.Store.Settle(b.ctx, s)
	b.must(err)
}

func (b *bench) forget(h webhook.Horizon, limit, want int) {
	b.Helper()
	n, err := b.Store.Forget(b.ctx, h, limit)
	b.must(err)
	if n != want {
		b.Errorf("touched %d, want %d", n, want)
	}
}

func oldIsForgotten(b *bench) {
	e, e2 := b.endpoint(), b.endpoint()
	start := b.now
	var ids []string
	for i := range 8 { // even fail, odd are delivered; the last is for a second endpoint too, where it waits
		to := []webhook.Endpoint{e}
		if i == 7 {
			to = append(to, e2)
		}
		for _, d := range b.enqueue(to...) {
			ids = append(ids, d.ID)
		}
		for _, c := range b.claim("w", 2) {
			if c.Endpoint.ID == e.ID {
				b.end(c, i%2 == 0)
			}
		}
		b.now = b.now.Add(hour)
	}
	h := webhook.Horizon{Now: b.now, Delivered: start.Add(8 * hour), Failed: start.Add(3 * hour), Backlog: 10}
	b.forget(h, 2, 2)
	b.forget(h, 100, 4)
	b.forget(h, 100, 0)
	var left []string
	for _, id := range ids {
		if _, _, err := b.Store.Delivery(b.ctx, id); err == nil {
			left = append(left, id)
		}
	}
	if want := []string{ids[4], ids[6], ids[8]}; !slices.Equal(left, want) {
		b.Errorf("left are %v, want %v", left, want)
	}
	if c := b.one("w"); len(c.Message.Body) == 0 {
		b.Error("the message that the second endpoint waits for is gone")
	}
}

func waitingIsGivenUp(b *bench) {
	e := b.endpoint()
	var ids []string
	for range 6 {
		ids = append(ids, b.enqueue(e)[0].ID)
		b.now = b.now.Add(hour)
	}
	busy := b.claim("w", 2) // the two oldest
	h := webhook.Horizon{Now: b.now, Waiting: b.now.Add(-4*hour + time.Minute), Backlog: 2, Note: "too many"}
	b.forget(h, 100, 2) // the third and fourth
	for i, id := range ids {
		want := webhook.Pending
		if i == 2 || i == 3 {
			want = webhook.Failed
		}
		got := b.delivery(id)
		if got.State != want {
			b.Errorf("delivery %d is %s, want %s", i, got.State, want)
		}
		if want == webhook.Failed && (got.Note != h.Note || !got.Ended.Equal(b.now)) {
			b.Errorf("delivery %d: note %q, ended %v", i, got.Note, got.Ended)
		}
	}
	b.settle(busy[0], 200)
	b.forget(h, 100, 0)
	h.Now = b.now.Add(time.Minute)
	b.forget(h, 100, 1) // the lease of the second has ended
	_, err := b.Store.Settle(b.ctx, b.settlement(busy[1], 200))
	b.is("who had it", err, fault.Conflict)
}
