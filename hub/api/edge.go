package api

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/series"
)

func (s *server) edges(ctx context.Context, _ *empty) (list[fleet.Edge], error) {
	all, err := s.Fleet.Edges(ctx)
	for i := range all {
		all[i].Devices = listOf(all[i].Devices, "").Items
	}
	return listOf(all, ""), err
}

type seriesInput struct {
	From   time.Time `query:"from" doc:"default: 4 hours before to"`
	To     time.Time `query:"to" doc:"default: now"`
	Sensor string    `query:"sensor" maxLength:"300" doc:"default: all"`
}

// SeriesList has the sensors asked for.
type SeriesList struct {
	Sensors []series.Series `json:"sensors"`
}

func (s *server) series(ctx context.Context, in *seriesInput) (SeriesList, error) {
	if in.To.IsZero() {
		in.To = s.Clock.Now()
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-4 * time.Hour)
	}
	if !in.From.Before(in.To) {
		return SeriesList{}, fmt.Errorf("%w: from is not before to", fault.Invalid)
	}
	all, err := s.Series.Query(ctx, series.Query{From: in.From, To: in.To, Sensor: in.Sensor})
	for i := range all {
		all[i].Points = listOf(all[i].Points, "").Items
	}
	return SeriesList{listOf(all, "").Items}, err
}
