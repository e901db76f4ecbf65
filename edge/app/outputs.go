package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/output"
	"github.com/tallydock/tallydock/edge/watch"
)

// outputAgain is how often an output of a device is set anew, machine time: a relay that lost its power is off.
const outputAgain = 10 * time.Second

// outputRule is the rule of the alarms about outputs that cannot be set.
const outputRule = "gateway-output"

// makeOutputs makes the outputs; what switches them comes later, with the fleet and the broker.
func (a *App) makeOutputs() {
	var specs []output.Spec
	for _, o := range a.conf.Outputs {
		s := output.Spec{Name: o.Name}
		switch {
		case o.Topic != "":
			s.Set = a.publisher(o.Drive)
		case o.Device != "":
			s.Device, s.Again = o.Device, outputAgain
			s.Set = func(ctx context.Context, on bool) error { return a.fleet.SetOutput(ctx, o.Device, o.Port, on) }
		}
		specs = append(specs, s)
	}
	a.outputs = output.New(specs, a.opt.Log.With("part", "outputs"), a.registry)
}

func (a *App) publisher(d config.Drive) func(context.Context, bool) error {
	return func(ctx context.Context, on bool) error {
		payload := d.Off
		if on {
			payload = d.On
		}
		return a.site.Publish(ctx, d.Topic, []byte(payload), d.Retain)
	}
}

// startOutputs starts the switching, once all is there that switches.
func (a *App) startOutputs() error {
	var errs []error
	for i, o := range a.conf.Outputs {
		if o.Device == "" {
			continue
		}
		if err := a.fleet.HasOutputs(o.Device); err != nil {
			errs = append(errs, fmt.Errorf("outputs[%d].device: %w", i, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	a.stage.start("outputs", a.outputs.Run)
	return nil
}

// publishes tells whether an output speaks by the site's broker.
func (a *App) publishes() bool {
	return slices.ContainsFunc(a.conf.Outputs, func(o config.Output) bool { return o.Topic != "" })
}

// doorIDs lists the doors.
func (a *App) doorIDs() []string {
	var ids []string
	for _, d := range a.conf.Doors {
		ids = append(ids, d.ID)
	}
	return ids
}

// outputConditions are the alarms about outputs that cannot be set; that of one that is no longer configured ends.
func (a *App) outputConditions(standing []watch.Standing) []watch.Condition {
	var out []watch.Condition
	known := map[string]bool{}
	add := func(name string, active bool) {
		known[name] = true
		out = append(out, watch.Condition{
			Rule: outputRule, Source: name, Class: "device", Reason: "output_failed", Priority: uint8(alarm.High), Active: active,
		})
	}
	for _, s := range a.outputs.States() {
		add(s.Name, s.Failing)
	}
	for _, s := range standing {
		if s.Rule == outputRule && !known[s.Source] {
			add(s.Source, false)
		}
	}
	return out
}
