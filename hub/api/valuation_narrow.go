package api

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/valuation"
)

// boundValuation shows the values of sites within reach. Values on their way between sites, and at places of no site, are for
// those who see all.
type boundValuation struct {
	Valuation
	bounds bounds
}

// Worth is of sites within reach.
func (v boundValuation) Worth(ctx context.Context, item string, known valuation.Known) ([]valuation.Worth, error) {
	all, err := v.Valuation.Worth(ctx, item, known)
	return keep(ctx, v.bounds, all, err, func(r reach, w valuation.Worth) bool { return r.site(w.Area) })
}

// Layers are of sites within reach.
func (v boundValuation) Layers(ctx context.Context, item string, known valuation.Known) ([]valuation.LayerLeft, error) {
	all, err := v.Valuation.Layers(ctx, item, known)
	return keep(ctx, v.bounds, all, err, func(r reach, l valuation.LayerLeft) bool { return r.site(l.Area) })
}

// Entries are of sites within reach.
func (v boundValuation) Entries(ctx context.Context, f valuation.EntryFilter) ([]valuation.Recorded, string, error) {
	return page(ctx, v.bounds, f.Before, func(before string) ([]valuation.Recorded, string, error) {
		f.Before = before
		return v.Valuation.Entries(ctx, f)
	}, func(r reach, e valuation.Recorded) bool { return r.site(e.Area) })
}

// Costs are of sites within reach.
func (v boundValuation) Costs(ctx context.Context, f valuation.CostFilter) ([]valuation.Cost, error) {
	all, err := v.Valuation.Costs(ctx, f)
	return keep(ctx, v.bounds, all, err, func(r reach, c valuation.Cost) bool { return r.site(c.Area) })
}

// Explain is of sites within reach.
func (v boundValuation) Explain(ctx context.Context, movement string) ([]valuation.Explanation, error) {
	all, err := v.Valuation.Explain(ctx, movement)
	all, err = keep(ctx, v.bounds, all, err, func(r reach, x valuation.Explanation) bool { return r.site(x.Area) })
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("valuation of movement %s: %w", movement, fault.NotFound)
	}
	return all, err
}
