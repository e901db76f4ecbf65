package api

import (
	"context"
	"maps"
	"slices"

	"github.com/tallydock/tallydock/hub/catalog"
)

// boundReferences knows the locations within reach; items and suppliers are of no site.
type boundReferences struct {
	References
	bounds bounds
}

// KnownOf tells which of these entries there are.
func (v boundReferences) KnownOf(ctx context.Context, ask catalog.References) (catalog.Known, error) {
	k, err := v.References.KnownOf(ctx, ask)
	if err != nil {
		return k, err
	}
	r, err := v.bounds.of(ctx)
	if err == nil && !r.all {
		maps.DeleteFunc(k.Locations, func(code string, _ bool) bool { return !r.place(code) })
	}
	return k, err
}

// boundLocations are the locations within reach. They are changed by those only who reach all.
type boundLocations struct {
	Documents[catalog.Location]
	bounds bounds
}

func (r reach) location1(l catalog.Location) bool { return r.site(l.Site) }

// Find reads one.
func (v boundLocations) Find(ctx context.Context, key ...string) (catalog.Location, error) {
	l, err := v.Documents.Find(ctx, key...)
	return found(ctx, v.bounds, l, err, reach.location1, "location", key[0])
}

type boundExporter struct {
	Exporter
	bounds bounds
}

// All gives the entries of a kind that are within reach, and those that are of no site.
func (v boundExporter) All(ctx context.Context, kind string) (catalog.Rows, error) {
	rows, err := v.Exporter.All(ctx, kind)
	if err != nil {
		return rows, err
	}
	r, err := v.bounds.of(ctx)
	if err != nil || r.all {
		return rows, err
	}
	rows.Locations = slices.DeleteFunc(rows.Locations, func(l catalog.Location) bool { return !r.site(l.Site) })
	rows.GLNs = slices.DeleteFunc(rows.GLNs, func(g catalog.GLN) bool { return !r.place(g.Location) })
	rows.Levels = slices.DeleteFunc(rows.Levels, func(l catalog.Level) bool { return !r.place(l.Location) })
	rows.Demand = slices.DeleteFunc(rows.Demand, func(d catalog.Demand) bool { return !r.site(d.Site) })
	return rows, nil
}
