package app

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
)

const (
	// reportEvery is how often the service manager is told how the gateway is, where no watchdog wants it more often.
	reportEvery = 15 * time.Second
	// between is how long one gateway may take to stop and the next to start.
	between = 2 * time.Minute
)

// report feeds the service manager's watchdog for as long as the gateway does its work, and tells people what it does.
func (k *Keeper) report(ctx context.Context) {
	every := reportEvery
	if w := k.opt.Manager.Watchdog(); w > 0 {
		every = min(every, w/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !k.alive(time.Now()) {
			k.log.Error("the gateway is stuck; the service manager's watchdog is not fed")
			continue
		}
		_ = k.opt.Manager.Alive() // a manager that is away does not watch
		if a := k.app.Load(); a != nil {
			_ = k.opt.Manager.Status(a.summary())
		}
	}
}

// alive tells whether the gateway does its work, or is on its way to the next.
func (k *Keeper) alive(now time.Time) bool {
	if a := k.app.Load(); a != nil {
		return !a.stuck()
	}
	return now.Sub(time.Unix(0, k.changed.Load())) < between
}

// stuck tells whether nothing is kept any more though there is room: to wait on a full disk is the gateway's duty, and to
// start again would not make room.
func (a *App) stuck() bool {
	return a.pipeline.Stalled() > stallLimit && !a.store.Position().LowSpace
}

// summary is the gateway's state in a line for people.
func (a *App) summary() string {
	list := a.fleet.Snapshot()
	up := 0
	for _, d := range list {
		if d.State == devices.Up {
			up++
		}
	}
	hub := "no connection to the hub"
	if a.uplink.State().Connected {
		hub = "connected to the hub"
	}
	return fmt.Sprintf("%s, %d of %d devices at work", hub, up, len(list))
}
