package app

import (
	"context"
	"errors"

	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
)

// settler settles discrepancies, each by the room that it is of: those of events, and those of edges' records.
type settler struct {
	edges  *intake.Intake
	events *capture.Service
}

// Retry applies what could not be applied.
func (s settler) Retry(ctx context.Context, id, actor string) (intake.Entry, error) {
	e, err := s.events.Retry(ctx, id, actor)
	if errors.Is(err, fault.NotFound) {
		return s.edges.Retry(ctx, id, actor)
	}
	return e, err
}

// Discard gives it up.
func (s settler) Discard(ctx context.Context, id, actor, reason string) (intake.Entry, error) {
	e, err := s.events.Discard(ctx, id, actor, reason)
	if errors.Is(err, fault.NotFound) {
		return s.edges.Discard(ctx, id, actor, reason)
	}
	return e, err
}

// Correct applies what a reader saw with what a person knows better. Discrepancies of events are not corrected: their sender
// declares them wrong and sends what is right.
func (s settler) Correct(ctx context.Context, id, actor string, c intake.Correction) (intake.Entry, error) {
	return s.edges.Correct(ctx, id, actor, c)
}
