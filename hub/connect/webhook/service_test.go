package webhook_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/connect/webhook/webhooktest"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

// office is a Service over a store, on a clock that stands at noon until moved.
type office struct {
	*webhook.Service
	store *webhooktest.Memory
	now   time.Time
}

func openOffice(s webhook.Sender) *office {
	o := &office{store: webhooktest.NewMemory(), now: noon}
	o.Service = webhook.NewService(webhook.ServiceConfig{
		Policy: webhook.Policy{Types: []event.Type{event.Stock, event.Alarm}}, Source: source, Sender: s,
		Now: func() time.Time { return o.now }, NewID: counter(), Random: rand.Reader,
	}, o.store)
	return o
}

var draft = webhook.Draft{URL: "https://erp.example.com/hook", Description: "ERP", Events: []event.Type{event.Stock}, Sites: []string{"N1"}}

func (o *office) create(t *testing.T) webhook.Endpoint {
	t.Helper()
	e, err := o.Create(t.Context(), draft, "alice")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCreate(t *testing.T) {
	o := openOffice(always(200))
	e := o.create(t)
	if e.State != webhook.Enabled || e.CreatedBy != "alice" || e.Revision != 1 || !e.Created.Equal(noon) || e.Secrets.Current.IsZero() || e.URL != draft.URL {
		t.Errorf("%+v", e)
	}
	if got, err := o.Endpoint(t.Context(), e.ID); err != nil || got.Secrets != e.Secrets {
		t.Errorf("%+v, %v", got, err)
	}
	if other := o.create(t); other.Secrets == e.Secrets || other.ID == e.ID {
		t.Error("two endpoints share a secret or an id")
	}
	_, err := o.Create(t.Context(), webhook.Draft{URL: "http://localhost/"}, "alice")
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("a bad one: %v", err)
	}
	for range webhook.MaxEndpoints - 2 {
		o.create(t)
	}
	if _, err := o.Create(t.Context(), draft, "alice"); !errors.Is(err, fault.Conflict) {
		t.Errorf("one too many: %v", err)
	}
}

func TestEdit(t *testing.T) {
	o := openOffice(always(200))
	e := o.create(t)
	if _, err := o.store.ChangeEndpoint(t.Context(), e.ID, func(e webhook.Endpoint) (webhook.Endpoint, error) {
		e, _ = e.After(webhook.Change{At: noon, Result: webhook.Bad})
		return e, nil
	}); err != nil {
		t.Fatal(err)
	}
	o.now = hours(1)
	next := draft
	next.Description, next.Sites = "WMS", nil
	got, err := o.Edit(t.Context(), e.ID, e.Revision, next)
	if err != nil || got.Description != "WMS" || got.Revision != 2 || !got.Updated.Equal(o.now) || got.Secrets != e.Secrets || got.Health.Failing.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := o.Edit(t.Context(), e.ID, e.Revision, next); !errors.Is(err, fault.Conflict) {
		t.Errorf("an old revision: %v", err)
	}
	next.URL = "https://10.0.0.1/"
	if _, err := o.Edit(t.Context(), e.ID, 2, next); !errors.Is(err, fault.Invalid) {
		t.Errorf("a private address: %v", err)
	}
	next.URL = "https://new.example.com/"
	if got, err = o.Edit(t.Context(), e.ID, 2, next); err != nil || got.Health != (webhook.Health{}) {
		t.Errorf("a new url fails still: %+v, %v", got.Health, err)
	}
	if _, err := o.Edit(t.Context(), "nobody", 1, next); !errors.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestRotate(t *testing.T) {
	o := openOffice(always(200))
	e := o.create(t)
	got, err := o.Rotate(t.Context(), e.ID, 24*time.Hour)
	if err != nil || got.Secrets.Previous != e.Secrets.Current || got.Secrets.Current == e.Secrets.Current || !got.Secrets.Until.Equal(hours(24)) {
		t.Errorf("%+v, %v", got.Secrets, err)
	}
	got, err = o.Rotate(t.Context(), e.ID, 0)
	if err != nil || !got.Secrets.Previous.IsZero() || len(got.Secrets.At(noon)) != 1 || got.Revision != 3 {
		t.Errorf("a leaked one still counts: %+v, %v", got.Secrets, err)
	}
	for _, overlap := range []time.Duration{-1, webhook.MaxOverlap + 1} {
		if _, err := o.Rotate(t.Context(), e.ID, overlap); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", overlap, err)
		}
	}
}

func TestTurn(t *testing.T) {
	o := openOffice(always(200))
	e := o.create(t)
	if _, err := o.Enable(t.Context(), e.ID, "bob"); !errors.Is(err, fault.Conflict) {
		t.Errorf("enabled twice: %v", err)
	}
	o.now = hours(1)
	got, err := o.Disable(t.Context(), e.ID, "bob", "it moves")
	if err != nil || got.State != webhook.Disabled || got.Turned != (webhook.Turned{By: "bob", Why: "it moves", At: o.now}) || got.Revision != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := o.Disable(t.Context(), e.ID, "carol", ""); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "bob") {
		t.Errorf("disabled twice: %v", err)
	}
	if got, err = o.Enable(t.Context(), e.ID, "carol"); err != nil || got.State != webhook.Enabled || got.Turned.By != "carol" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := o.Remove(t.Context(), e.ID); err != nil {
		t.Error(err)
	}
	if _, err := o.Enable(t.Context(), e.ID, "carol"); !errors.Is(err, fault.NotFound) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := false
		var heard webhook.Message
		o := openOffice(newSender(func(ctx context.Context, _ webhook.Endpoint, m webhook.Message) webhook.Outcome {
			if slow {
				return hangs(ctx)
			}
			heard = m
			return webhook.Outcome{Status: 204, Took: time.Millisecond}
		}))
		e := o.create(t)
		if _, err := o.Disable(t.Context(), e.ID, "bob", ""); err != nil {
			t.Fatal(err)
		}
		a, err := o.Ping(t.Context(), e.ID)
		if err != nil || a.Status != 204 || !a.At.Equal(noon) || heard.Type != "com.tallydock.ping.v1" || !strings.Contains(string(heard.Body), `"data":{"endpoint":"`+e.ID+`"}`) {
			t.Errorf("%+v, %v: %s", a, err, heard.Body)
		}
		if page, err := o.Log(t.Context(), webhook.LogQuery{Endpoint: e.ID, Limit: 10}); err != nil || len(page) != 0 {
			t.Errorf("it is in the log: %v, %v", page, err)
		}
		if _, err := o.Ping(t.Context(), "nobody"); !errors.Is(err, fault.NotFound) {
			t.Errorf("nobody: %v", err)
		}
		slow = true
		results := make(chan error, 6)
		for range 6 {
			go func() {
				_, err := o.Ping(t.Context(), e.ID)
				results <- err
			}()
		}
		refused := 0
		for range 6 {
			if err := <-results; errors.Is(err, fault.Unavailable) {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if refused != 2 {
			t.Errorf("%d of 6 at once were refused, want 2", refused)
		}
	})
}

func TestRedeliverByAPerson(t *testing.T) {
	o := openOffice(always(200))
	e := o.create(t)
	occurs := occurrence(`{}`)
	out := source.Fan([]webhook.Endpoint{e}, occurs, noon, counter())
	if err := o.store.Enqueue(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	id := out[0].Deliveries[0].ID
	entry, m, err := o.Delivery(t.Context(), id)
	if err != nil || entry.ID != id || string(m.Body) != string(out[0].Body) {
		t.Errorf("%+v, %v", entry, err)
	}
	claimed, err := o.store.Claim(t.Context(), webhook.Claim{Worker: "w", Now: noon, Lease: time.Minute, N: 1, PerEndpoint: 1})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed, %v", len(claimed), err)
	}
	if _, err := o.Redeliver(t.Context(), id); !errors.Is(err, fault.Conflict) {
		t.Errorf("while it is sent: %v", err)
	}
	next, change, err := webhook.Step(claimed[0].Delivery, status(410), noon, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.store.Settle(t.Context(), webhook.Settlement{Delivery: next, Change: change}); err != nil {
		t.Fatal(err)
	}
	if d, err := o.Redeliver(t.Context(), id); err != nil || d.State != webhook.Pending {
		t.Errorf("%+v, %v", d, err)
	}
	if n, err := o.RedeliverSince(t.Context(), e.ID, noon); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := o.RedeliverSince(t.Context(), "nobody", noon); !errors.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	for _, limit := range []int{0, -1, 201} {
		if _, err := o.Log(t.Context(), webhook.LogQuery{Endpoint: e.ID, Limit: limit}); !errors.Is(err, fault.Invalid) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

func TestForgetGoesOnUntilAllIsDone(t *testing.T) {
	o := openOffice(always(200))
	e := o.create(t)
	id := counter()
	for range 2500 {
		if err := o.store.Enqueue(t.Context(), source.Fan([]webhook.Endpoint{e}, occurrence(`{}`), noon, id)); err != nil {
			t.Fatal(err)
		}
	}
	r := webhook.DefaultRetention()
	r.Backlog = 100
	if n, err := webhook.Forget(t.Context(), o.store, r, noon); n != 2400 || err != nil {
		t.Errorf("%d given up, %v", n, err)
	}
	if n, err := webhook.Forget(t.Context(), o.store, r, hours(24*31)); n != 2400+100 || err != nil {
		t.Errorf("%d forgotten or given up, %v", n, err)
	}
	if n, err := webhook.Forget(t.Context(), o.store, r, hours(24*62)); n != 100 || err != nil {
		t.Errorf("%d forgotten, %v", n, err)
	}
}
