package webhook

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

const (
	// MaxEndpoints is how many endpoints a hub has: every event asks each of them.
	MaxEndpoints = 200
	// MaxOverlap is how long a secret may count after it was replaced.
	MaxOverlap = 7 * 24 * time.Hour

	mostPings = 4 // under way
)

// Desk is what a Service keeps things in.
type Desk interface {
	Endpoints
	Log
}

// Service is what people do with endpoints. Who may is for its caller to ask; by is who does. Safe for concurrent use.
type Service struct {
	cfg   ServiceConfig
	desk  Desk
	pings chan struct{}
}

// ServiceConfig is what a Service works with; all of it is needed.
type ServiceConfig struct {
	Policy Policy
	Source Source
	Sender Sender
	Now    func() time.Time
	NewID  func() string // UUIDv7
	Random io.Reader     // for secrets
}

// NewService makes a Service.
func NewService(c ServiceConfig, d Desk) *Service {
	return &Service{c, d, make(chan struct{}, mostPings)}
}

// Draft is what a person sets of an endpoint.
type Draft struct {
	URL, Description string
	Events           []event.Type
	Sites            []string
}

func (d Draft) on(e Endpoint) Endpoint {
	e.URL, e.Description, e.Events, e.Sites = d.URL, d.Description, slices.Clone(d.Events), slices.Clone(d.Sites)
	return e
}

// Endpoints gives all of them.
func (s *Service) Endpoints(ctx context.Context) ([]Endpoint, error) { return s.desk.Endpoints(ctx) }

// Endpoint gives one; fault.NotFound.
func (s *Service) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	all, err := s.desk.Endpoints(ctx)
	if err != nil {
		return Endpoint{}, err
	}
	i := slices.IndexFunc(all, func(e Endpoint) bool { return e.ID == id })
	if i < 0 {
		return Endpoint{}, NoEndpoint(id)
	}
	return all[i], nil
}

// NoEndpoint says that there is no such endpoint.
func NoEndpoint(id string) error { return fmt.Errorf("%w: webhook endpoint %.64q", fault.NotFound, id) }

// NoDelivery says that there is no such delivery.
func NoDelivery(id string) error { return fmt.Errorf("%w: webhook delivery %.64q", fault.NotFound, id) }

// Create sets an endpoint up, enabled and with a secret of its own. Errors: fault.Invalid; fault.Conflict
// where there are MaxEndpoints.
func (s *Service) Create(ctx context.Context, d Draft, by string) (Endpoint, error) {
	now := s.cfg.Now().UTC()
	e := d.on(Endpoint{ID: s.cfg.NewID(), State: Enabled, Turned: Turned{By: by, At: now}, Created: now, CreatedBy: by, Updated: now, Revision: 1})
	if err := s.cfg.Policy.Check(e); err != nil {
		return Endpoint{}, err
	}
	all, err := s.desk.Endpoints(ctx)
	if err != nil {
		return Endpoint{}, err
	}
	if len(all) >= MaxEndpoints {
		return Endpoint{}, fmt.Errorf("%w: there are %d webhook endpoints already; remove one", fault.Conflict, len(all))
	}
	if e.Secrets.Current, err = NewSecret(s.cfg.Random); err != nil {
		return Endpoint{}, err
	}
	return e, s.desk.AddEndpoint(ctx, e)
}

// Edit changes what a person set. revision is the one that the person saw: fault.Conflict where it is not the last.
// Messages that wait go to the new URL, which has not failed yet.
func (s *Service) Edit(ctx context.Context, id string, revision int64, d Draft) (Endpoint, error) {
	return s.change(ctx, id, func(e Endpoint) (Endpoint, error) {
		if e.Revision != revision {
			return e, fmt.Errorf("%w: webhook endpoint was changed meanwhile; look again", fault.Conflict)
		}
		if e.URL != d.URL {
			e.Health = Health{}
		}
		e = d.on(e)
		return e, s.cfg.Policy.Check(e)
	})
}

// Rotate gives an endpoint a new secret. The one before still counts for the time that overlap says, up to MaxOverlap; with
// 0 it does not, which is right where it has leaked.
func (s *Service) Rotate(ctx context.Context, id string, overlap time.Duration) (Endpoint, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Endpoint{}, fmt.Errorf("%w: overlap of %v is not between 0 and %v", fault.Invalid, overlap, MaxOverlap)
	}
	next, err := NewSecret(s.cfg.Random)
	if err != nil {
		return Endpoint{}, err
	}
	return s.change(ctx, id, func(e Endpoint) (Endpoint, error) {
		e.Secrets = e.Secrets.Rotate(next, s.cfg.Now().UTC().Add(overlap))
		if overlap == 0 {
			e.Secrets = Secrets{Current: next}
		}
		return e, nil
	})
}

// change changes an endpoint and counts it.
func (s *Service) change(ctx context.Context, id string, f func(Endpoint) (Endpoint, error)) (Endpoint, error) {
	return s.desk.ChangeEndpoint(ctx, id, func(e Endpoint) (Endpoint, error) {
		e, err := f(e)
		e.Updated, e.Revision = s.cfg.Now().UTC(), e.Revision+1
		return e, err
	})
}

// Enable lets messages go to an endpoint, those that wait too, and forgets that it failed. fault.Conflict where it is enabled.
func (s *Service) Enable(ctx context.Context, id, by string) (Endpoint, error) {
	return s.turn(ctx, id, Enabled, by, "")
}

// Disable stops messages to an endpoint; why may be empty. fault.Conflict where it is disabled.
func (s *Service) Disable(ctx context.Context, id, by, why string) (Endpoint, error) {
	return s.turn(ctx, id, Disabled, by, cutText(why, maxDescription))
}

func (s *Service) turn(ctx context.Context, id string, to State, by, why string) (Endpoint, error) {
	return s.desk.ChangeEndpoint(ctx, id, func(e Endpoint) (Endpoint, error) {
		if e.State == to {
			return e, fmt.Errorf("%w: webhook endpoint is %s already, by %s", fault.Conflict, to, e.Turned.By)
		}
		e.Health = Health{}
		return e.turn(to, by, why, s.cfg.Now().UTC()), nil
	})
}

// Remove removes an endpoint with its log.
func (s *Service) Remove(ctx context.Context, id string) error { return s.desk.RemoveEndpoint(ctx, id) }

// Ping sends a message that tells of nothing, now and once, also to an endpoint that is disabled, and gives what came of it.
// It is not in the log. fault.Unavailable where too many do so at once.
func (s *Service) Ping(ctx context.Context, id string) (Attempt, error) {
	e, err := s.Endpoint(ctx, id)
	if err != nil {
		return Attempt{}, err
	}
	select {
	case s.pings <- struct{}{}:
		defer func() { <-s.pings }()
	default:
		return Attempt{}, fmt.Errorf("%w: %d webhook tests are under way; wait for one to end", fault.Unavailable, mostPings)
	}
	now := s.cfg.Now().UTC()
	return s.cfg.Sender.Send(ctx, e, s.cfg.Source.ping(e, now, s.cfg.NewID), now).attempt(now, ""), nil
}

// Log gives a page of an endpoint's log: 1 to 200 deliveries.
func (s *Service) Log(ctx context.Context, q LogQuery) ([]Entry, error) {
	if q.Limit < 1 || q.Limit > 200 {
		return nil, fmt.Errorf("%w: limit %d is not 1 to 200", fault.Invalid, q.Limit)
	}
	return s.desk.Log(ctx, q)
}

// Delivery gives one delivery with the message that it sends; fault.NotFound.
func (s *Service) Delivery(ctx context.Context, id string) (Entry, Message, error) {
	return s.desk.Delivery(ctx, id)
}

// Redeliver sends a message to its endpoint again, whatever became of it. While the endpoint is disabled it waits.
func (s *Service) Redeliver(ctx context.Context, delivery string) (Delivery, error) {
	return s.desk.ChangeDelivery(ctx, delivery, func(d Delivery) (Delivery, error) { return Redeliver(d, s.cfg.Now().UTC()) })
}

// RedeliverSince sends again what failed of what happened since a moment, and says how much that is.
func (s *Service) RedeliverSince(ctx context.Context, endpoint string, since time.Time) (int, error) {
	if _, err := s.Endpoint(ctx, endpoint); err != nil {
		return 0, err
	}
	return s.desk.RedeliverSince(ctx, endpoint, since.UTC(), s.cfg.Now().UTC())
}
