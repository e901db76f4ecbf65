package pipeline

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/edge/reconcile"
)

// keptCounts is how many cycle counts are remembered.
const keptCounts = 32

// counted are the last cycle counts, the latest first. They are safe for many goroutines.
type counted struct {
	mu   sync.Mutex
	list []reconcile.Counted
}

func (c *counted) add(one reconcile.Counted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = slices.Insert(c.list, 0, one)
	c.list = c.list[:min(len(c.list), keptCounts)]
}

// Count begins a cycle count of a location, and returns once that is kept, or why there can be none.
func (p *Pipeline) Count(ctx context.Context, c reconcile.Count) error {
	return p.change(ctx, func(now time.Time) error {
		events := p.conf.Reconcile.Step(reconcile.Input{Count: &c}, now)
		for _, e := range events {
			if e.Counted != nil && e.Counted.Refused != "" {
				return errors.New(e.Counted.Refused)
			}
		}
		p.conf.Log.Info("cycle count begins", "location", c.Location, "count", c.ID, "for", c.For)
		p.decided(events)
		return nil
	})
}

// Counts gives the last cycle counts that ended, the latest first. It may be called by any goroutine.
func (p *Pipeline) Counts() []reconcile.Counted {
	p.counts.mu.Lock()
	defer p.counts.mu.Unlock()
	return slices.Clone(p.counts.list)
}

// counted notes the end of a cycle count; what it found missing are movements of their own.
func (p *Pipeline) counted(c *reconcile.Counted) {
	p.conf.Log.Info("cycle count", "location", c.Location, "count", c.ID, "complete", c.Complete, "found", c.Found, "missing", len(c.Missing))
	p.counts.add(*c)
}
