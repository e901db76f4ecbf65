package load

import (
	"sync"
	"sync/atomic"
	"time"
)

// counts is what all edges of a run count together. It is safe for concurrent use.
type counts struct {
	connected      atomic.Int64
	joined         atomic.Int64 // edges that were connected at least once
	idleEdges      atomic.Int64 // edges to which nothing more will happen
	waiting        atomic.Int64 // main records that the hub has not acked
	mostWaiting    atomic.Int64
	samplesWaiting atomic.Int64 // samples that it has not acked

	made, acked           atomic.Uint64 // movements
	records, recordsAcked atomic.Uint64 // main records
	samplesAcked          atomic.Uint64
	samplesThinned        atomic.Uint64
	envelopes             atomic.Uint64
	resent                atomic.Uint64 // main records sent again
	doubled               atomic.Uint64 // envelopes sent twice on purpose
	sessions              atomic.Uint64 // connections that were made
	cuts                  atomic.Uint64 // connections that were cut on purpose
	statuses              atomic.Uint64
	acks                  atomic.Uint64 // heard
	rewinds               atomic.Uint64 // acks that went back
	epochs                atomic.Uint64 // that began because the histories had parted
	gone                  atomic.Uint64 // records that the hub asked for and that were no longer kept
	commands              atomic.Uint64

	latency latencies // from when a movement was due to the hub's ack, in one connection
	broken  latencies // the same of those for which the edge had to connect first
	late    latencies // from when something was due to when it was made: how far the load itself is behind

	problems problems
}

// queued notes that main records wait for the hub's ack, or no longer do.
func (c *counts) queued(n int) {
	now := c.waiting.Add(int64(n))
	for {
		most := c.mostWaiting.Load()
		if now <= most || c.mostWaiting.CompareAndSwap(most, now) {
			return
		}
	}
}

// problems counts what went wrong by its text, and keeps the first few texts with the edge that had each first.
type problems struct {
	mu    sync.Mutex
	total uint64
	by    map[string]*problem
}

type problem struct {
	edge  string
	times uint64
}

const mostProblems = 20

func (p *problems) add(edge string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[string]*problem{}
	}
	p.total++
	text := err.Error()
	if p.by[text] == nil && len(p.by) >= mostProblems {
		text = "others"
	}
	if p.by[text] == nil {
		p.by[text] = &problem{edge: edge}
	}
	p.by[text].times++
}

// list gives how often each thing went wrong.
func (p *problems) list() (total uint64, by map[string]uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	by = map[string]uint64{}
	for text, one := range p.by {
		by[text+" (first of edge "+one.edge+")"] = one.times
	}
	return p.total, by
}

// times are the moments of a run that its edges wait for, as time since the run began. It is safe for concurrent use.
type times struct {
	began time.Time
	start atomic.Int64 // of the load; 0 = not yet
	end   atomic.Int64 // nothing new happens from here on; 0 = not yet known
}

func (t *times) now() time.Duration { return time.Since(t.began) }
