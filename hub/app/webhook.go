package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
)

// webhookEvents are the types of event that endpoints may hear.
var webhookEvents = []event.Type{
	event.Stock, event.Pass, event.Alarm, event.Edge, event.Device, event.Sample, event.Proposal, event.Quarantine,
}

// startWebhooks sends what is committed to the endpoints that people set up. It goes by the machine's clock, as receivers do.
func (h *house) startWebhooks(ctx context.Context, _ config.Credentials) error {
	private, err := h.cfg.Webhooks.Private()
	if err != nil {
		return err
	}
	proxy, err := h.cfg.Webhooks.ProxyURL()
	if err != nil {
		return fmt.Errorf("webhooks.proxy: %w", err)
	}
	policy := webhook.Policy{Types: webhookEvents, AllowPlain: h.cfg.Webhooks.AllowPlain, AllowPrivate: private}
	for _, p := range h.cfg.Webhooks.Ports {
		policy.Ports = append(policy.Ports, uint16(p))
	}
	client := webhook.NewClient(policy, webhook.ClientConfig{Proxy: proxy})
	h.hooks = store.Webhooks{DB: h.db, Sealer: h.keys}
	h.webhooks = webhook.NewService(webhook.ServiceConfig{
		Policy: policy, Source: webhook.Source{Hub: h.id}, Sender: client, Now: time.Now, NewID: newID, Random: rand.Reader,
	}, h.hooks)
	d := webhook.NewDispatcher(webhook.Config{
		Worker: "hub-" + newID(), Log: h.opt.Log.With("part", "webhooks"), Metrics: h.registry,
	}, h.hooks, client)
	h.wake.Store(d)
	return h.life.start(ctx, part{name: "webhooks", run: func(ctx context.Context) error {
		defer client.Close()
		return d.Run(ctx)
	}})
}

// committed passes on what was committed.
func (a *App) committed(bus *event.Bus) func([]event.Event) {
	return func(events []event.Event) {
		bus.Publish(events)
		if d := a.wake.Load(); d != nil {
			d.Wake()
		}
	}
}

// trimWebhooks forgets what was sent long ago.
func (h *house) trimWebhooks(ctx context.Context) {
	r := h.cfg.Webhooks.Retention
	_, err := webhook.Forget(ctx, h.hooks, webhook.Retention{Delivered: r.Delivered, Failed: r.Failed, Waiting: r.Waiting, Backlog: r.Backlog}, time.Now())
	if err != nil && ctx.Err() == nil {
		h.opt.Log.Error("cannot forget old webhook messages; they grow until this works", "err", err)
	}
}

// WebhookDesk speaks of webhooks in the words of the API.
func WebhookDesk(s *webhook.Service) api.Webhooks { return webhookDesk{s} }

type webhookDesk struct{ *webhook.Service }

func (d webhookDesk) Endpoints(ctx context.Context) ([]api.WebhookEndpoint, error) {
	all, err := d.Service.Endpoints(ctx)
	out := make([]api.WebhookEndpoint, 0, len(all))
	for _, e := range all {
		out = append(out, endpointBody(e))
	}
	return out, err
}

func (d webhookDesk) Endpoint(ctx context.Context, id string) (api.WebhookEndpoint, error) {
	e, err := d.Service.Endpoint(ctx, id)
	return endpointBody(e), err
}

func draft(d api.WebhookDraft) webhook.Draft {
	out := webhook.Draft{URL: d.URL, Description: d.Description, Sites: d.Sites}
	for _, t := range d.Events {
		out.Events = append(out.Events, event.Type(t))
	}
	return out
}

func (d webhookDesk) Create(ctx context.Context, in api.WebhookDraft, by string) (api.WebhookSecret, error) {
	e, err := d.Service.Create(ctx, draft(in), by)
	return shown(e, err)
}

// shown is an endpoint with its secret, for the one time.
func shown(e webhook.Endpoint, err error) (api.WebhookSecret, error) {
	if err != nil {
		return api.WebhookSecret{}, err
	}
	return api.WebhookSecret{Endpoint: endpointBody(e), Secret: e.Secrets.Current.Reveal()}, nil
}

func (d webhookDesk) Edit(ctx context.Context, id string, in api.WebhookEdit) (api.WebhookEndpoint, error) {
	e, err := d.Service.Edit(ctx, id, in.Revision, draft(in.WebhookDraft))
	return endpointBody(e), err
}

func (d webhookDesk) Rotate(ctx context.Context, id string, overlap time.Duration) (api.WebhookSecret, error) {
	e, err := d.Service.Rotate(ctx, id, overlap)
	return shown(e, err)
}

func (d webhookDesk) Turn(ctx context.Context, id string, on bool, by, why string) (api.WebhookEndpoint, error) {
	if on {
		e, err := d.Enable(ctx, id, by)
		return endpointBody(e), err
	}
	e, err := d.Disable(ctx, id, by, why)
	return endpointBody(e), err
}

func (d webhookDesk) Ping(ctx context.Context, id string) (api.WebhookAttempt, error) {
	a, err := d.Service.Ping(ctx, id)
	return attemptBody(a), err
}

func (d webhookDesk) Log(ctx context.Context, endpoint, state, before string, limit int) ([]api.WebhookDelivery, error) {
	all, err := d.Service.Log(ctx, webhook.LogQuery{Endpoint: endpoint, State: webhook.DeliveryState(state), Before: before, Limit: limit})
	out := make([]api.WebhookDelivery, 0, len(all))
	for _, e := range all {
		out = append(out, deliveryBody(e))
	}
	return out, err
}

func (d webhookDesk) Delivery(ctx context.Context, id string) (api.WebhookMessage, error) {
	e, m, err := d.Service.Delivery(ctx, id)
	return api.WebhookMessage{WebhookDelivery: deliveryBody(e), Body: m.Body}, err
}

func (d webhookDesk) Redeliver(ctx context.Context, delivery string) (api.WebhookDelivery, error) {
	again, err := d.Service.Redeliver(ctx, delivery)
	return deliveryBody(webhook.Entry{Delivery: again}), err
}

func endpointBody(e webhook.Endpoint) api.WebhookEndpoint {
	out := api.WebhookEndpoint{
		ID: e.ID, URL: e.URL, Description: e.Description, Events: []string{}, Sites: append([]string{}, e.Sites...), State: string(e.State),
		TurnedBy: e.Turned.By, TurnedWhy: e.Turned.Why, TurnedAt: e.Turned.At, FailingSince: orNull(e.Health.Failing),
		PausedUntil: orNull(e.Health.Paused), Created: e.Created, CreatedBy: e.CreatedBy, Updated: e.Updated, Revision: e.Revision,
	}
	if !e.Secrets.Previous.IsZero() {
		out.PreviousSecretUntil = orNull(e.Secrets.Until)
	}
	for _, t := range e.Events {
		out.Events = append(out.Events, string(t))
	}
	return out
}

func deliveryBody(e webhook.Entry) api.WebhookDelivery {
	out := api.WebhookDelivery{
		ID: e.ID, Endpoint: e.Endpoint, Message: e.Message, Type: e.Type, At: e.At, State: string(e.State), Tries: e.Tries, Ended: orNull(e.Ended),
		Note: e.Note, Attempts: make([]api.WebhookAttempt, 0, len(e.Attempts)),
	}
	if e.State == webhook.Pending {
		out.Due = orNull(e.Due)
	}
	for _, a := range e.Attempts {
		out.Attempts = append(out.Attempts, attemptBody(a))
	}
	return out
}

func attemptBody(a webhook.Attempt) api.WebhookAttempt {
	return api.WebhookAttempt{At: a.At, TookMS: a.Took.Milliseconds(), Status: a.Status, Error: a.Error, Excerpt: a.Excerpt, Worker: a.Worker}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
