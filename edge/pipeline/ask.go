package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/watch"
)

// Ask runs fn between two steps, when the machine may be looked at; fn must be short.
func (p *Pipeline) Ask(ctx context.Context, fn func(*reconcile.Machine)) error {
	return p.between(ctx, nil, func() { fn(p.conf.Reconcile) })
}

// AskWatch is Ask of the watching. It must only be looked at: what changes it goes by Local, Switch or Command.
func (p *Pipeline) AskWatch(ctx context.Context, fn func(*watch.Machine)) error {
	return p.between(ctx, nil, func() { fn(p.conf.Watch) })
}

// Local does what a person asks at the gateway, and returns once it is kept, or why it changed nothing.
func (p *Pipeline) Local(ctx context.Context, c watch.Local) error {
	return p.change(ctx, func(now time.Time) error {
		events := p.conf.Watch.Step(watch.Input{Local: &c}, now)
		err := refusalOf(events)
		p.alarms(events)
		return err
	})
}

// Switch turns a named input on or off, and returns once it is kept, or why it changed nothing.
func (p *Pipeline) Switch(ctx context.Context, s watch.Switch) error {
	return p.change(ctx, func(now time.Time) error {
		events := p.conf.Watch.Step(watch.Input{Switch: &s}, now)
		err := refusalOf(events)
		p.alarms(events)
		return err
	})
}

// Expect puts a list at its door, in the place of the one before, and returns once it is kept; one without tags and items
// takes the list away. The error says why it cannot be.
func (p *Pipeline) Expect(ctx context.Context, e reconcile.Expected) error {
	return p.change(ctx, func(now time.Time) error { return p.expect(e, now) })
}

// expectedBytes is how much of a list, with what passed of it, fits into a value of the store.
const expectedBytes = store.MaxValueBytes - 8<<10

func (p *Pipeline) expect(e reconcile.Expected, now time.Time) error {
	w := wire.Expect{ID: e.ID, Door: e.Door, Direction: e.Direction, Tags: e.Tags}
	for _, it := range e.Items {
		w.Items = append(w.Items, wire.ItemCount(it))
	}
	if err := w.Check(); err != nil {
		return err
	}
	if !slices.Contains(p.conf.Doors, e.Door) {
		return fmt.Errorf("door %q is none of this gateway's; they are %q", e.Door, p.conf.Doors)
	}
	size := len(e.ID) + 120*len(e.Items)
	for _, t := range e.Tags {
		size += 2 * (len(t.String()) + 3)
	}
	if size > expectedBytes {
		return fmt.Errorf("list %s is too long to be kept: name items with quantities instead of tags, or cut it", e.ID)
	}
	p.decided(p.conf.Reconcile.Step(reconcile.Input{Expect: &e}, now))
	p.conf.Log.Info("list for a door", "door", e.Door, "list", e.ID, "tags", len(e.Tags), "items", len(e.Items))
	return nil
}

// command does what the hub asks. What no transition of an alarm answers gets an Answer, so that the hub asks no more.
func (p *Pipeline) command(c *wire.Command) {
	now := p.step(p.conf.Now())
	p.batch.Commands = append(p.batch.Commands, c.ID)
	switch {
	case c.Expect != nil:
		p.answer(c.ID, p.expect(expectedOf(c.Expect), now), now)
	case c.ResetSum != nil:
		x := c.ResetSum
		events := p.conf.Watch.Step(watch.Input{Local: &watch.Local{
			Do: watch.ResetSum, Rule: x.Rule, Source: x.Source, Actor: c.Actor, Reason: x.Reason,
		}}, now)
		err := refusalOf(events)
		p.alarms(events)
		p.answer(c.ID, err, now)
	default:
		events := p.conf.Watch.Step(watch.Input{Command: c}, now)
		err := refusalOf(events)
		answered := slices.ContainsFunc(events, func(e watch.Event) bool { return e.Alarm != nil && e.Alarm.Command == c.ID })
		p.alarms(events)
		if err != nil && !answered {
			p.answer(c.ID, err, now)
		}
	}
}

func (p *Pipeline) answer(command string, err error, now time.Time) {
	a := &wire.Answer{Command: command, At: now}
	if err != nil {
		a.Error = err.Error()
	}
	p.record(wire.Record{Answer: a})
}

func expectedOf(x *wire.Expect) reconcile.Expected {
	e := reconcile.Expected{ID: x.ID, Door: x.Door, Direction: x.Direction, Tags: x.Tags}
	for _, it := range x.Items {
		e.Items = append(e.Items, reconcile.ExpectedItem(it))
	}
	return e
}

// refusalOf finds why something that was asked for changed nothing; nil where it did.
func refusalOf(events []watch.Event) error {
	for _, e := range events {
		if e.Refused != nil {
			return e.Refused.Err
		}
	}
	return nil
}

// change runs fn as a step, and returns what it returned once it is kept.
func (p *Pipeline) change(ctx context.Context, fn func(now time.Time) error) error {
	var refused error
	kept := make(chan struct{})
	if err := p.between(ctx, kept, func() { refused = fn(p.step(p.conf.Now())) }); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	select {
	case <-kept:
		return nil
	case <-p.stopped:
		return nil // the end of Run kept it
	case <-ctx.Done():
		return fmt.Errorf("it is done, but it cannot be kept yet: %w", ctx.Err())
	}
}

// between runs fn between two steps; kept is closed when what came of it is durable, unless it is nil.
func (p *Pipeline) between(ctx context.Context, kept chan struct{}, fn func()) error {
	var once sync.Once
	done := make(chan struct{})
	it := item{kept: kept, ask: func() { once.Do(func() { fn(); close(done) }) }}
	select {
	case p.queue <- it:
	case <-p.stopped:
		return errStopped
	case <-ctx.Done():
		return fmt.Errorf("the gateway is too busy to answer: %w", ctx.Err())
	}
	why := errStopped
	select {
	case <-done:
		return nil
	case <-p.stopped:
	case <-ctx.Done():
		why = fmt.Errorf("the gateway is too busy to answer: %w", ctx.Err())
	}
	once.Do(func() {}) // nobody waits any more: fn must not run later
	select {
	case <-done: // it ran at the last moment
		return nil
	default:
		return why
	}
}
