package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
)

type excursionsInput struct {
	Location string `query:"location" maxLength:"200" doc:"location code; empty = everywhere"`
	Item     string `query:"item" maxLength:"200" doc:"only those that touched this item"`
	Lot      string `query:"lot" maxLength:"200" doc:"and of it this lot"`
	Before   string `query:"before" maxLength:"200" doc:"cursor: next of the page before"`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (s *server) excursions(ctx context.Context, in *excursionsInput) (list[fleet.Excursion], error) {
	page, next, err := s.Fleet.Excursions(ctx, fleet.ExcursionFilter{
		Location: in.Location, Item: in.Item, Lot: in.Lot, Before: in.Before, Limit: in.Limit,
	})
	return listOf(page, next), err
}

func (s *server) excursion(ctx context.Context, in *ByID) (fleet.ExcursionDetail, error) {
	return s.Fleet.Excursion(ctx, in.ID)
}

func (s *server) verdicts(ctx context.Context, in *passesInput) (list[fleet.Verdict], error) {
	page, next, err := s.Fleet.Verdicts(ctx, in.ID, in.Before, in.Limit)
	return listOf(page, next), err
}

type expectInput struct {
	ByID
	Body fleet.Expected
}

// Ordered says to which edge something was sent.
type Ordered struct {
	Edge string `json:"edge"`
}

// expect sends a list to the edge of a door.
func (s *server) expect(ctx context.Context, in *expectInput) (Ordered, error) {
	doors, err := s.Fleet.Doors(ctx, "", dayStart(s.Clock.Now()))
	if err != nil {
		return Ordered{}, err
	}
	i := slices.IndexFunc(doors, func(d fleet.Door) bool { return d.ID == in.ID })
	if i < 0 {
		return Ordered{}, fmt.Errorf("door %s: %w", in.ID, fault.NotFound)
	}
	expected, err := in.Body.List(in.ID)
	if err != nil {
		return Ordered{}, err
	}
	edge := doors[i].Edge
	return Ordered{edge}, s.Alarms.Expect(ctx, edge, sessionFrom(ctx).User, expected)
}

type serviceInput struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" pattern:"\\S" patternDescription:"more than spaces"`
	}
}

func (s *server) removeFromService(ctx context.Context, in *serviceInput) (fleet.Alarm, error) {
	return s.Alarms.RemoveFromService(ctx, in.ID, sessionFrom(ctx).User, in.Body.Reason)
}

func (s *server) returnToService(ctx context.Context, in *acknowledgeInput) (fleet.Alarm, error) {
	return s.Alarms.ReturnToService(ctx, in.ID, sessionFrom(ctx).User, in.Body.Comment)
}

func (s *server) resetAlarm(ctx context.Context, in *acknowledgeInput) (fleet.Alarm, error) {
	return s.Alarms.Reset(ctx, in.ID, sessionFrom(ctx).User, in.Body.Comment)
}
