package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/fleet"
)

type alarmsInput struct {
	SiteInput
	State  string `query:"state" enum:"active,shelved,rtn,all" default:"active" doc:"active = unacked, acked, rtn_unacked and latched"`
	Before string `query:"before" maxLength:"200" doc:"cursor: next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (s *server) alarms(ctx context.Context, in *alarmsInput) (list[fleet.Alarm], error) {
	page, next, err := s.Fleet.Alarms(ctx, fleet.AlarmFilter{State: in.State, Site: in.Site, Before: in.Before, Limit: in.Limit})
	return listOf(page, next), err
}

// AlarmDetail is an alarm with its life.
type AlarmDetail struct {
	fleet.Alarm
	Events []fleet.AlarmEvent `json:"events"`
}

func (s *server) alarm(ctx context.Context, in *ByID) (AlarmDetail, error) {
	a, events, err := s.Fleet.Alarm(ctx, in.ID)
	return AlarmDetail{a, listOf(events, "").Items}, err
}

type acknowledgeInput struct {
	ByID
	Body struct {
		Comment string `json:"comment,omitempty" maxLength:"1000"`
	}
}

func (s *server) acknowledge(ctx context.Context, in *acknowledgeInput) (fleet.Alarm, error) {
	return s.Alarms.Acknowledge(ctx, in.ID, sessionFrom(ctx).User, in.Body.Comment)
}

type shelveInput struct {
	ByID
	Body struct {
		Minutes int    `json:"minutes" minimum:"1" maximum:"10080" doc:"at most 7 days"`
		Reason  string `json:"reason" minLength:"1" maxLength:"1000" pattern:"\\S" patternDescription:"more than spaces"`
	}
}

func (s *server) shelve(ctx context.Context, in *shelveInput) (fleet.Alarm, error) {
	d := time.Duration(in.Body.Minutes) * time.Minute
	return s.Alarms.Shelve(ctx, in.ID, sessionFrom(ctx).User, d, in.Body.Reason)
}

// nothingInput is a change that needs no more than its path; clients send {} or no body.
type nothingInput struct {
	ByID
	Body *struct{}
}

func (s *server) unshelve(ctx context.Context, in *nothingInput) (fleet.Alarm, error) {
	return s.Alarms.Unshelve(ctx, in.ID, sessionFrom(ctx).User)
}
