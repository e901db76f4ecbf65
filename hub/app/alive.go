package app

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/devices/systemd"
	"github.com/tallydock/tallydock/hub/store"
)

// feedsPerWatch is how often the watchdog is fed in the time after whose silence it bites.
const feedsPerWatch = 3

// work runs the hub until ctx ends or a part fails. Then it says that it stops, and goes on serving for as long as those who
// send people and edges here need to hear of that.
func (h *house) work(ctx context.Context) error {
	manager := h.manager()
	if err := manager.Ready("serving " + h.url); err != nil {
		h.opt.Log.Warn("the service manager does not hear", "err", err)
	}
	err := h.life.wait(ctx)
	h.draining.Store(true)
	_ = manager.Stopping() // a manager that is away does not wait
	if err == nil && h.opt.Drain > 0 {
		h.opt.Log.Info("stopping; serving on until others send nobody here", "for", h.opt.Drain)
		drain, done := context.WithTimeout(context.WithoutCancel(ctx), h.opt.Drain)
		defer done()
		err = h.life.wait(drain)
	}
	return err
}

func (h *house) manager() *systemd.Manager {
	if h.opt.Manager == nil {
		return &systemd.Manager{}
	}
	return h.opt.Manager
}

// startWatchdog feeds the service manager's watchdog, where there is one, for as long as the database can be written or says
// why not. A hub whose writing hangs is started again; one whose database is away waits for it.
func (h *house) startWatchdog(ctx context.Context) error {
	silence := h.manager().Watchdog()
	if silence == 0 {
		return nil
	}
	return h.life.start(ctx, part{name: "watchdog", run: func(ctx context.Context) error {
		tick := time.NewTicker(silence / feedsPerWatch)
		defer tick.Stop()
		for {
			if err := h.db.Write(ctx, func(*store.Tx) error { return nil }); err != nil && ctx.Err() == nil {
				h.opt.Log.Warn("the database cannot be written", "err", err)
			}
			_ = h.manager().Alive() // a manager that is away does not watch
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}})
}
