package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"

	"github.com/tallydock/tallydock/hub/fault"
)

// webhookAccess is who sets up webhooks: they send to the outside what the whole hub knows.
var webhookAccess = all(tenant.WebhookManage)

// Webhooks sends what happens to endpoints that people set up. by is who does.
type Webhooks interface {
	WebhookEndpoints
	WebhookSecrets
	WebhookSender
	WebhookLog
}

// WebhookEndpoints is where messages go.
type WebhookEndpoints interface {
	Endpoints(ctx context.Context) ([]WebhookEndpoint, error)
	Endpoint(ctx context.Context, id string) (WebhookEndpoint, error)
	Edit(ctx context.Context, id string, d WebhookEdit) (WebhookEndpoint, error)
	Remove(ctx context.Context, id string) error
}

// WebhookSecrets makes endpoints, and secrets for them.
type WebhookSecrets interface {
	Create(ctx context.Context, d WebhookDraft, by string) (WebhookSecret, error)
	Rotate(ctx context.Context, id string, overlap time.Duration) (WebhookSecret, error)
}

// WebhookSender starts and stops what is sent.
type WebhookSender interface {
	Turn(ctx context.Context, id string, on bool, by, why string) (WebhookEndpoint, error)
	Ping(ctx context.Context, id string) (WebhookAttempt, error)
	Redeliver(ctx context.Context, delivery string) (WebhookDelivery, error)
	RedeliverSince(ctx context.Context, endpoint string, since time.Time) (int, error)
}

// WebhookLog is what became of messages.
type WebhookLog interface {
	Log(ctx context.Context, endpoint, state, before string, limit int) ([]WebhookDelivery, error)
	Delivery(ctx context.Context, id string) (WebhookMessage, error)
}

// WebhookDraft is what a person sets of an endpoint.
type WebhookDraft struct {
	URL         string   `json:"url" maxLength:"2048"`
	Description string   `json:"description,omitempty" maxLength:"800"`
	Events      []string `json:"events" minItems:"1" maxItems:"32" doc:"stock, pass, alarm, edge, device, sample, proposal, quarantine"`
	Sites       []string `json:"sites,omitempty" maxItems:"256" doc:"empty = all sites, and what is of the company"`
}

// WebhookEdit is a draft over what is there.
type WebhookEdit struct {
	WebhookDraft
	Revision int64 `json:"revision" doc:"the one that was seen; 409 where it is not the last"`
}

// WebhookEndpoint is a place that messages are sent to. Its secret is shown once, when it is made.
type WebhookEndpoint struct {
	ID                  string     `json:"id"`
	URL                 string     `json:"url"`
	Description         string     `json:"description"`
	Events              []string   `json:"events"`
	Sites               []string   `json:"sites"`
	State               string     `json:"state" doc:"enabled, disabled"`
	TurnedBy            string     `json:"turned_by" doc:"who enabled or disabled it; hub = it failed for five days, or answered 410"`
	TurnedWhy           string     `json:"turned_why"`
	TurnedAt            time.Time  `json:"turned_at"`
	FailingSince        *time.Time `json:"failing_since" doc:"since when every attempt failed"`
	PausedUntil         *time.Time `json:"paused_until" doc:"the receiver asked for a rest"`
	PreviousSecretUntil *time.Time `json:"previous_secret_until" doc:"until when messages are signed with the secret before too"`
	Created             time.Time  `json:"created_at"`
	CreatedBy           string     `json:"created_by"`
	Updated             time.Time  `json:"updated_at"`
	Revision            int64      `json:"revision"`
}

// WebhookSecret is an endpoint with its new secret, which is never shown again.
type WebhookSecret struct {
	Endpoint WebhookEndpoint `json:"endpoint"`
	Secret   string          `json:"secret" doc:"whsec_…: the receiver verifies the signatures of messages with it"`
}

// WebhookDelivery is the sending of a message to an endpoint.
type WebhookDelivery struct {
	ID       string           `json:"id"`
	Endpoint string           `json:"endpoint"`
	Message  string           `json:"message" doc:"webhook-id, the same at every attempt"`
	Type     string           `json:"type"`
	At       time.Time        `json:"at" doc:"when what it tells of happened"`
	State    string           `json:"state" doc:"pending, delivered, failed"`
	Tries    int              `json:"tries"`
	Due      *time.Time       `json:"due" doc:"of the next attempt, while pending"`
	Ended    *time.Time       `json:"ended_at"`
	Note     string           `json:"note" doc:"why it failed"`
	Attempts []WebhookAttempt `json:"attempts" doc:"oldest first, the newest 30"`
}

// WebhookAttempt is one try to send.
type WebhookAttempt struct {
	At      time.Time `json:"at"`
	TookMS  int64     `json:"took_ms"`
	Status  int       `json:"status" doc:"of HTTP; 0 = no answer"`
	Error   string    `json:"error"`
	Excerpt string    `json:"excerpt" doc:"the beginning of the answer"`
	Worker  string    `json:"worker"`
}

// WebhookMessage is a delivery with the message that it sends.
type WebhookMessage struct {
	WebhookDelivery
	Body json.RawMessage `json:"body"`
}

// webhookRoutes is the table of webhooks.
func (s *server) webhookRoutes() []route {
	return []route{
		{"GET", "/webhooks", webhookAccess, "webhooks", "Endpoints of webhooks", answer(s, s.webhooks), 0},
		{"POST", "/webhooks", webhookAccess, "createWebhook", "Set up an endpoint; its secret is shown once", answer(s, s.createWebhook), 0},
		{"GET", "/webhooks/{id}", webhookAccess, "webhook", "An endpoint", answer(s, s.webhook), 0},
		{"PUT", "/webhooks/{id}", webhookAccess, "editWebhook", "Change an endpoint", answer(s, s.editWebhook), 0},
		{"DELETE", "/webhooks/{id}", webhookAccess, "removeWebhook", "Remove an endpoint with its log", answer(s, s.removeWebhook), 0},
		{"POST", "/webhooks/{id}/rotate", webhookAccess, "rotateWebhook", "Give an endpoint a new secret, shown once", answer(s, s.rotateWebhook), 0},
		{"POST", "/webhooks/{id}/enable", webhookAccess, "enableWebhook", "Let messages go to an endpoint, those that wait too", answer(s, s.enableWebhook), 0},
		{"POST", "/webhooks/{id}/disable", webhookAccess, "disableWebhook", "Stop messages to an endpoint", answer(s, s.disableWebhook), 0},
		{"POST", "/webhooks/{id}/ping", webhookAccess, "pingWebhook", "Send a message that tells of nothing, now", answer(s, s.pingWebhook), 0},
		{"GET", "/webhooks/{id}/deliveries", webhookAccess, "webhookLog", "What became of an endpoint's messages, newest first", answer(s, s.webhookLog), 0},
		{"POST", "/webhooks/{id}/redeliver", webhookAccess, "redeliverWebhook", "Send again what failed since a moment", answer(s, s.redeliverSince), 0},
		{"GET", "/webhook-deliveries/{id}", webhookAccess, "webhookDelivery", "A delivery with its message", answer(s, s.webhookDelivery), 0},
		{"POST", "/webhook-deliveries/{id}/redeliver", webhookAccess, "redeliver", "Send a message again", answer(s, s.redeliver), 0},
		{"GET", "/events/{seq}", webhookAccess, "event", "One event by its number, while it is kept", answer(s, s.event), 0},
	}
}

func (s *server) webhooks(ctx context.Context, _ *empty) (list[WebhookEndpoint], error) {
	all, err := s.Webhooks.Endpoints(ctx)
	return listOf(all, ""), err
}

func (s *server) webhook(ctx context.Context, in *ByID) (WebhookEndpoint, error) {
	return s.Webhooks.Endpoint(ctx, in.ID)
}

func (s *server) createWebhook(ctx context.Context, in *body[WebhookDraft]) (WebhookSecret, error) {
	return s.Webhooks.Create(ctx, in.Body, sessionFrom(ctx).User)
}

type webhookEditInput struct {
	ByID
	Body WebhookEdit
}

func (s *server) editWebhook(ctx context.Context, in *webhookEditInput) (WebhookEndpoint, error) {
	return s.Webhooks.Edit(ctx, in.ID, in.Body)
}

// done is the answer to what leaves nothing to tell.
type done struct {
	Done bool `json:"done"`
}

func (s *server) removeWebhook(ctx context.Context, in *ByID) (done, error) {
	return done{true}, s.Webhooks.Remove(ctx, in.ID)
}

type rotateInput struct {
	ByID
	Body struct {
		OverlapSeconds int64 `json:"overlap_seconds" minimum:"0" maximum:"604800" doc:"for how long the secret before still counts; 0 where it has leaked"`
	}
}

func (s *server) rotateWebhook(ctx context.Context, in *rotateInput) (WebhookSecret, error) {
	return s.Webhooks.Rotate(ctx, in.ID, time.Duration(in.Body.OverlapSeconds)*time.Second)
}

func (s *server) enableWebhook(ctx context.Context, in *ByID) (WebhookEndpoint, error) {
	return s.Webhooks.Turn(ctx, in.ID, true, sessionFrom(ctx).User, "")
}

func (s *server) disableWebhook(ctx context.Context, in *reasonInput) (WebhookEndpoint, error) {
	return s.Webhooks.Turn(ctx, in.ID, false, sessionFrom(ctx).User, in.Body.Reason)
}

func (s *server) pingWebhook(ctx context.Context, in *ByID) (WebhookAttempt, error) {
	return s.Webhooks.Ping(ctx, in.ID)
}

type webhookLogInput struct {
	ByID
	State  string `query:"state" enum:"pending,delivered,failed"`
	Before string `query:"before" maxLength:"64" doc:"cursor: next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (s *server) webhookLog(ctx context.Context, in *webhookLogInput) (list[WebhookDelivery], error) {
	if _, err := s.Webhooks.Endpoint(ctx, in.ID); err != nil {
		return list[WebhookDelivery]{}, err
	}
	page, err := s.Webhooks.Log(ctx, in.ID, in.State, in.Before, in.Limit)
	next := ""
	if len(page) == in.Limit {
		next = page[len(page)-1].ID
	}
	return listOf(page, next), err
}

type sinceInput struct {
	ByID
	Body struct {
		Since time.Time `json:"since"`
	}
}

// Redelivered is how many messages are sent again.
type Redelivered struct {
	Messages int `json:"messages"`
}

func (s *server) redeliverSince(ctx context.Context, in *sinceInput) (Redelivered, error) {
	n, err := s.Webhooks.RedeliverSince(ctx, in.ID, in.Body.Since)
	return Redelivered{n}, err
}

func (s *server) webhookDelivery(ctx context.Context, in *ByID) (WebhookMessage, error) {
	return s.Webhooks.Delivery(ctx, in.ID)
}

func (s *server) redeliver(ctx context.Context, in *ByID) (WebhookDelivery, error) {
	return s.Webhooks.Redeliver(ctx, in.ID)
}

// EventBody is one event, as a message of a webhook points to it where it could not have the data itself.
type EventBody struct {
	Seq  int64           `json:"seq"`
	At   time.Time       `json:"at"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

type seqInput struct {
	Seq int64 `path:"seq" minimum:"1"`
}

func (s *server) event(ctx context.Context, in *seqInput) (EventBody, error) {
	all, err := s.Rooms.Events.Since(ctx, in.Seq-1, 1)
	if err == nil && (len(all) == 0 || all[0].Seq != in.Seq) {
		err = fmt.Errorf("%w: event %d; events are kept for a day", fault.NotFound, in.Seq)
	}
	if err != nil {
		return EventBody{}, err
	}
	return EventBody{all[0].Seq, all[0].At.UTC(), string(all[0].Type), all[0].Data}, nil
}
