package app

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/once"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
)

// Bounds of what the event table keeps for consoles that come back.
const (
	keepEvents = 100_000
	keepFor    = 24 * time.Hour
)

// forget forgets, every minute of the machine's clock, events that no console will ask for, and every hour of business
// time samples that are older than the configuration keeps them.
func (h *house) forget(ctx context.Context) error {
	events := time.NewTicker(time.Minute)
	defer events.Stop()
	// A demonstration may run so fast that its hours are nothing.
	samples := time.NewTicker(max(h.clock.Wall(time.Hour), time.Second))
	defer samples.Stop()
	webhooks := time.NewTicker(15 * time.Minute)
	defer webhooks.Stop()
	answers := time.NewTicker(10 * time.Minute)
	defer answers.Stop()
	months := time.NewTicker(6 * time.Hour)
	defer months.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-events.C:
			h.trimEvents(ctx)
		case <-samples.C:
			h.trimSamples(ctx)
		case <-webhooks.C:
			h.trimWebhooks(ctx)
		case <-answers.C:
			h.forgetAnswers(ctx)
		case <-months.C:
			h.makeMonths(ctx)
		}
	}
}

func (h *house) makeMonths(ctx context.Context) {
	if err := h.db.MakeMonths(ctx, time.Now()); err != nil && ctx.Err() == nil {
		h.opt.Log.Error("the database has no room of its own for the month to come; its rows lie among others until this works", "err", err)
	}
}

func (h *house) trimEvents(ctx context.Context) {
	err := store.Events{DB: h.db}.Trim(ctx, keepEvents, h.clock.Now().Add(-keepFor))
	if err != nil && ctx.Err() == nil {
		h.opt.Log.Error("cannot trim the event table; it grows until this works", "err", err)
	}
}

// forgetAtOnce is how many answers are forgotten in one transaction.
const forgetAtOnce = 5000

func (h *house) forgetAnswers(ctx context.Context) {
	before := time.Now().Add(-once.Keep)
	for {
		gone, err := store.Idempotency{DB: h.db}.Forget(ctx, before, forgetAtOnce)
		if err != nil && ctx.Err() == nil {
			h.opt.Log.Error("cannot forget old answers; they grow until this works", "err", err)
		}
		if err != nil || gone < forgetAtOnce {
			return
		}
	}
}

func (h *house) trimSamples(ctx context.Context) {
	keep := h.cfg.Series.Retention()
	for _, res := range append(series.Rollups(), series.Raw) {
		before := keep.Start(res, h.clock.Now())
		if before.IsZero() {
			continue
		}
		gone, err := store.Series{DB: h.db}.Trim(ctx, res, before)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			h.opt.Log.Error("cannot trim the samples; they grow until this works", "resolution", res, "err", err)
		case gone > 0:
			h.opt.Log.Info("samples forgotten", "resolution", res, "samples", gone, "from before", before)
		}
	}
}
