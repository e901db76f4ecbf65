// Package fleet runs the drivers of a gateway, each in a goroutine of its own: it starts a driver again after it failed,
// with growing pauses, turns the failure into Health, and keeps count of what each device did.
//
// The road: driver -> member, which counts -> the gateway's Sink. Nothing is queued here: while the Sink blocks, so does
// the driver. Of each device the order of its reports is kept, and Down after a failure comes behind what was reported
// before it.
package fleet

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
)

// Config of a Fleet.
type Config struct {
	Devices    []devices.Settings
	Env        all.Env                // what the drivers work with; its Broker is run by whoever made it
	Location   func(id string) string // where a device stands, for people; nil says nowhere
	Log        *slog.Logger           // nil logs nothing
	Clock      clock.Clock            // business time, for Health and Snapshot
	Registerer prometheus.Registerer  // nil: no metrics
}

// Fleet is the devices of a gateway.
type Fleet struct {
	members []*member
}

// New makes the drivers; Run starts them. Call it before the Broker of Env runs. sink gets all that the drivers report,
// from a goroutine per device. The error tells every device of which no driver can be made.
func New(c Config, sink devices.Sink) (*Fleet, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	f := &Fleet{}
	var errs []error
	for _, s := range c.Devices {
		d, err := all.New(s, c.Env)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m := newMember(s, d, c, sink)
		if c.Location != nil {
			m.location = c.Location(s.ID)
		}
		f.members = append(f.members, m)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Registerer != nil {
		if err := c.Registerer.Register(collector{f}); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Run runs every driver until ctx ends and all of them have stopped; it returns nil. Call it once.
func (f *Fleet) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, m := range f.members {
		wg.Go(func() { m.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Snapshot tells how each device is, in the configuration's order. Since is business time. Any goroutine may ask.
func (f *Fleet) Snapshot() []wire.Device {
	out := make([]wire.Device, len(f.members))
	for i, m := range f.members {
		out[i] = m.snapshot()
	}
	return out
}
