package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/fleet"
)

func (s *server) doors(ctx context.Context, in *SiteInput) (list[fleet.Door], error) {
	all, err := s.Fleet.Doors(ctx, in.Site, dayStart(s.Clock.Now()))
	return listOf(all, ""), err
}

// dayStart is the midnight before now, where the hub stands.
func dayStart(now time.Time) time.Time {
	y, m, d := now.Local().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.Local)
}

type passesInput struct {
	ByID
	Before string `query:"before" maxLength:"200" doc:"cursor: next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

func (s *server) passes(ctx context.Context, in *passesInput) (list[fleet.Pass], error) {
	page, next, err := s.Fleet.Passes(ctx, in.ID, in.Before, in.Limit)
	return listOf(page, next), err
}

// PassDetail is a pass with what it moved.
type PassDetail struct {
	fleet.Pass
	Movements []Movement `json:"movements" doc:"the first 500"`
}

func (s *server) pass(ctx context.Context, in *ByID) (PassDetail, error) {
	p, err := s.Fleet.Pass(ctx, in.ID)
	if err != nil {
		return PassDetail{}, err
	}
	moved, err := s.View.PassMovements(ctx, in.ID)
	return PassDetail{p, movementBodies(moved)}, err
}
