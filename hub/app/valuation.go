package app

import (
	"context"
	"errors"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/valuation"
)

// startValuation values what is posted, shortly after it, on one hub of several: posting only notes what is to be valued. It
// looks every second of the machine's clock.
func (h *house) startValuation(ctx context.Context, _ config.Credentials) error {
	log := h.opt.Log.With("part", "valuation")
	h.valuer = valuation.New(valuation.Config{
		Method: valuation.Method(h.cfg.Valuation.Method),
		Told: func(r valuation.Round, err error) {
			if errors.Is(err, fault.Conflict) {
				log.Debug("another hub valued the same", "err", err)
				return
			}
			if err != nil {
				log.Error("cannot value what was posted; it waits and is tried again", "err", err)
				return
			}
			for _, item := range r.Stuck {
				log.Error("an item cannot be valued; GET /api/v1/valuation/state says why", "item", item)
			}
			log.Debug("valued", "round", r.Number, "lines", r.Events, "items", r.Items, "entries", r.Rows, "late", r.Late)
		},
	}, store.Valuation{DB: h.db}, clock.Clock{})
	return h.once(ctx, "valuation", h.valuer.Run)
}
