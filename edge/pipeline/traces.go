package pipeline

import (
	"slices"
	"sync"

	"github.com/tallydock/tallydock/edge/reconcile"
)

// keptTraces is how many passes are remembered as they were read.
const keptTraces = 32

// traces are the last passes as they were read, the latest first. They are safe for many goroutines.
type traces struct {
	mu   sync.Mutex
	list []*reconcile.Trace
}

func (t *traces) add(trace *reconcile.Trace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = slices.Insert(t.list, 0, trace)
	t.list = t.list[:min(len(t.list), keptTraces)]
}

// Passes gives the last passes as they were read, the latest first. It may be called by any goroutine; nobody changes what it
// gives.
func (p *Pipeline) Passes() []*reconcile.Trace {
	p.traces.mu.Lock()
	defer p.traces.mu.Unlock()
	return slices.Clone(p.traces.list)
}
