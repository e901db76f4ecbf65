package api

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/series"
)

func (s *server) edges(ctx context.Context, in *SiteInput) (list[fleet.Edge], error) {
	all, err := s.Fleet.Edges(ctx, in.Site)
	for i := range all {
		all[i].Devices = listOf(all[i].Devices, "").Items
	}
	return listOf(all, ""), err
}

type seriesInput struct {
	SiteInput
	From     time.Time `query:"from" doc:"default: 4 hours before to"`
	To       time.Time `query:"to" doc:"default: now"`
	Sensor   string    `query:"sensor" maxLength:"1000" doc:"default: all"`
	Quantity string    `query:"quantity" maxLength:"100" doc:"what is measured, such as temperature; default: all"`
	After    string    `query:"after" maxLength:"1000" doc:"cursor: next of the page before"`
	Limit    int       `query:"limit" minimum:"1" maximum:"500" default:"100"`
	// Resolution is what is asked for; the answer says which it is in.
	Resolution string `query:"resolution" enum:"auto,raw,1m,15m,1h" doc:"as they came, or the lowest and the highest value of each minute, quarter of an hour or hour; default: auto, by the length of the span and the number of sensors. What is no longer kept so finely, or would be too much, comes in the finest resolution that is possible"`
}

// SeriesList has the sensors asked for.
type SeriesList struct {
	Sensors []series.Series `json:"sensors"`
	Next    string          `json:"next" doc:"cursor of the page after; empty at the end"`
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
	of := series.Choice{ID: in.Sensor, Site: in.Site, Quantity: in.Quantity, After: in.After, Limit: in.Limit}
	all, err := s.Series.Query(ctx, series.Query{From: in.From, To: in.To, Sensors: of, Resolution: res})
	for i := range all {
		all[i].Points = listOf(all[i].Points, "").Items
	}
	next := ""
	if len(all) == in.Limit {
		next = all[len(all)-1].ID
	}
	return SeriesList{listOf(all, "").Items, next}, err
}
