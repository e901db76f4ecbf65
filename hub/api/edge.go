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
	Sensor string    `query:"sensor" maxLength:"1000" doc:"default: all"`
	// Resolution is what is asked for; the answer says which it is in.
	Resolution string `query:"resolution" enum:"auto,raw,1m,15m,1h" doc:"as they came, or the lowest and the highest value of each minute, quarter of an hour or hour; default: auto, by the length of the span. What is no longer kept so finely, or would be too much, comes in the finest resolution that is possible"`
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
	res, err := series.ParseResolution(in.Resolution)
	if err != nil {
		return SeriesList{}, err
	}
	all, err := s.Series.Query(ctx, series.Query{From: in.From, To: in.To, Sensor: in.Sensor, Resolution: res})
	for i := range all {
		all[i].Points = listOf(all[i].Points, "").Items
	}
	return SeriesList{listOf(all, "").Items}, err
}
