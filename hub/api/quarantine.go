package api

import (
	"context"

	"github.com/tallydock/tallydock/hub/intake"
)

// Parked lists what could not be applied; an intake.Store is one.
type Parked interface {
	Quarantine(ctx context.Context, state intake.EntryState) ([]intake.Entry, error)
}

// Settler applies or gives up what could not be applied; *intake.Intake is one.
type Settler interface {
	Retry(ctx context.Context, id, actor string) (intake.Entry, error)
	Discard(ctx context.Context, id, actor, reason string) (intake.Entry, error)
	Correct(ctx context.Context, id, actor string, c intake.Correction) (intake.Entry, error)
}

type quarantineInput struct {
	LongPageInput
	State string `query:"state" enum:"open,resolved,discarded" default:"open"`
}

// QuarantineEntry is one record that could not be applied.
type QuarantineEntry struct{ intake.Entry }

func (s *server) quarantine(ctx context.Context, in *quarantineInput) (list[QuarantineEntry], error) {
	all, err := s.Parked.Quarantine(ctx, intake.EntryState(in.State))
	if err != nil {
		return list[QuarantineEntry]{}, err
	}
	entries := bodies(all, func(e intake.Entry) QuarantineEntry { return QuarantineEntry{e} })
	return cut(entries, func(e QuarantineEntry) string { return e.ID }, in.LongPageInput)
}

func (s *server) retryQuarantine(ctx context.Context, in *nothingInput) (QuarantineEntry, error) {
	e, err := s.Settler.Retry(ctx, in.ID, sessionFrom(ctx).User)
	return QuarantineEntry{e}, err
}

func (s *server) discardQuarantine(ctx context.Context, in *reasonInput) (QuarantineEntry, error) {
	e, err := s.Settler.Discard(ctx, in.ID, sessionFrom(ctx).User, in.Body.Reason)
	return QuarantineEntry{e}, err
}
