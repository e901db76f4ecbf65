package app

import (
	"slices"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/edge/watch"
)

// conditions are the alarms that the gateway raises about itself.
func (a *App) conditions() []watch.Condition {
	pos := a.store.Position()
	own := func(rule, class, reason string, p alarm.Priority, active bool) watch.Condition {
		return watch.Condition{Rule: "gateway-" + rule, Source: a.conf.Edge, Class: class, Reason: reason, Priority: uint8(p), Active: active}
	}
	return slices.Concat([]watch.Condition{
		own("low-space", "store", "low_space", alarm.High, pos.LowSpace),
		own("store-lost", "store", "store_truncated", alarm.Critical, !a.recovery.Clean()),
		own("store-damaged", "store", "store_damaged", alarm.High, pos.Damaged > 0),
		own("clock", "device", "clock_unsynced", alarm.Medium, a.time.Unsynced()),
	}, a.identityConditions(), a.outputConditions(a.pipeline.Standing()))
}
