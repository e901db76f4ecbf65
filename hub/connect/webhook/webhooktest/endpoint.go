package webhooktest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

func endpointsAreKept(b *bench) {
	plain := b.endpoint()
	full := webhook.Endpoint{
		ID: b.id(), URL: "https://wms.example.com:8443/a?b=c", Description: "仓库 “north”", Events: []event.Type{event.Stock, event.Alarm},
		Sites:   []string{"N1", "N2"},
		Secrets: webhook.Secrets{Current: secret(b.T, 2), Previous: secret(b.T, 3), Until: b.now.Add(hour)},
		State:   webhook.Disabled, Turned: webhook.Turned{By: "bob", Why: "it moves; it's down", At: b.now.Add(1 * time.Millisecond)},
		Health:  webhook.Health{Failing: b.now.Add(2 * time.Millisecond), Failed: b.now.Add(3 * time.Millisecond), Paused: b.now.Add(4 * time.Millisecond)},
		Created: b.now.Add(5 * time.Millisecond), CreatedBy: "carol", Updated: b.now.Add(6 * time.Millisecond), Revision: 7,
	}
	b.must(b.Store.AddEndpoint(b.ctx, full))
	b.is("the same again", b.Store.AddEndpoint(b.ctx, full), fault.Conflict)
	for _, e := range []webhook.Endpoint{plain, full} {
		b.same("the endpoint", endpointText(b.find(e.ID)), endpointText(e))
	}
	all, err := b.Store.Endpoints(b.ctx)
	b.must(err)
	if len(all) != 2 || all[0].ID != plain.ID || all[1].ID != full.ID {
		b.Errorf("%d endpoints, or not by ID", len(all))
	}
}

func endpointsChange(b *bench) {
	e := b.endpoint()
	_, err := b.Store.ChangeEndpoint(b.ctx, b.id(), func(e webhook.Endpoint) (webhook.Endpoint, error) { return e, nil })
	b.is("one that is not there", err, fault.NotFound)

	no := errors.New("no")
	_, err = b.Store.ChangeEndpoint(b.ctx, e.ID, func(e webhook.Endpoint) (webhook.Endpoint, error) {
		e.URL = "https://never.example.com"
		return e, no
	})
	if !errors.Is(err, no) {
		b.Errorf("the function's error came as %v", err)
	}
	b.same("after a change that failed it", endpointText(b.find(e.ID)), endpointText(e))

	want := e
	want.URL, want.Sites, want.Revision = "https://new.example.com", []string{"S"}, 2
	want.Secrets = e.Secrets.Rotate(secret(b.T, 9), b.now.Add(hour))
	got, err := b.Store.ChangeEndpoint(b.ctx, e.ID, func(e webhook.Endpoint) (webhook.Endpoint, error) {
		e.URL, e.Sites, e.Revision, e.Secrets = want.URL, want.Sites, want.Revision, want.Secrets
		return e, nil
	})
	b.must(err)
	b.same("what the change gave", endpointText(got), endpointText(want))
	b.same("what is there", endpointText(b.find(e.ID)), endpointText(want))
}

func endpointsGo(b *bench) {
	gone, stays := b.endpoint(), b.endpoint()
	done := b.enqueue(gone)[0]
	b.settle(b.one("w"), 204)
	waiting := b.enqueue(gone, stays)
	claimed := b.claim("w", 2)
	b.must(b.Store.RemoveEndpoint(b.ctx, gone.ID))
	b.is("removed again", b.Store.RemoveEndpoint(b.ctx, gone.ID), fault.NotFound)
	for _, d := range []webhook.Delivery{done, waiting[0]} {
		_, _, err := b.Store.Delivery(b.ctx, d.ID)
		b.is("a delivery of it", err, fault.NotFound)
	}
	for _, c := range claimed {
		_, err := b.Store.Settle(b.ctx, b.settlement(c, 200))
		if c.Endpoint.ID == gone.ID {
			b.is("settling what is gone", err, fault.Conflict)
		} else {
			b.must(err)
		}
	}
	if got := b.delivery(waiting[1].ID); got.State != webhook.Delivered {
		b.Errorf("the other endpoint's delivery is %s", got.State)
	}
}

func changesAreNotLost(b *bench) {
	e := b.endpoint()
	const each = 25
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range each {
				_, err := b.Store.ChangeEndpoint(b.ctx, e.ID, func(e webhook.Endpoint) (webhook.Endpoint, error) {
					e.Revision++
					e.Description = fmt.Sprint("revision ", e.Revision)
					return e, nil
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := b.find(e.ID); got.Revision != 1+4*each || got.Description != fmt.Sprint("revision ", got.Revision) {
		b.Errorf("after %d changes it is revision %d, %q", 4*each, got.Revision, got.Description)
	}
}
