package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/edge/store"
)

// TimeKey is the state key under which the business time is kept once a minute, as RFC 3339, so that a machine that
// wakes without a clock does not fall behind it.
const TimeKey = "t/now"

// commit submits what was decided, once the batch before it is durable. What could not be submitted waits for the next
// call.
func (p *Pipeline) commit(ctx context.Context) error {
	p.collect()
	if !empty(p.batch) {
		p.waiting = append(p.waiting, parts(p.batch)...)
		p.batch = store.Batch{}
	}
	for len(p.waiting) > 0 {
		if err := p.settle(ctx); err != nil {
			return err
		}
		pending, err := p.conf.Store.Submit(ctx, p.waiting[0])
		if err != nil {
			return fmt.Errorf("cannot keep what was decided: %w", err)
		}
		p.pending, p.waiting = pending, p.waiting[1:]
		if len(p.waiting) == 0 {
			p.sent, p.fresh = p.fresh, nil
		}
	}
	p.fresh = release(p.fresh) // what they brought changed nothing that has to be kept
	if err := p.reap(); err != nil {
		return err
	}
	if p.pending == nil {
		p.progress.Store(time.Now().UnixNano())
	}
	return nil
}

// collect adds to the batch what changed in the state.
func (p *Pipeline) collect() {
	put := func(k, v []byte) { p.batch.Put = append(p.batch.Put, store.KV{Key: k, Value: v}) }
	p.conf.Reconcile.Flush(put, func(k []byte) { p.batch.Delete = append(p.batch.Delete, k) })
	p.conf.Watch.Flush(put)
	if p.now.Sub(p.keptTime) >= time.Minute && !p.conf.Unsynced() {
		p.keptTime = p.now
		put([]byte(TimeKey), []byte(p.now.UTC().Format(time.RFC3339)))
	}
}

// settle waits for the batch that is on its way.
func (p *Pipeline) settle(ctx context.Context) error {
	if p.pending == nil {
		return nil
	}
	select {
	case <-p.pending.Done():
		return p.reap()
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the disk: %w", ctx.Err())
	}
}

// durable is closed when the batch that is on its way is done; nil, which never comes, where none is.
func (p *Pipeline) durable() <-chan struct{} {
	if p.pending == nil {
		return nil
	}
	return p.pending.Done()
}

// release tells those who wait that what they brought is kept.
func release(waiters []chan struct{}) []chan struct{} {
	for _, w := range waiters {
		close(w)
	}
	return waiters[:0]
}

// reap takes the result of a batch that is done; one that is still on its way stays so.
func (p *Pipeline) reap() error {
	if p.pending == nil {
		return nil
	}
	select {
	case <-p.pending.Done():
	default:
		return nil
	}
	_, err := p.pending.Result()
	p.pending = nil
	if err != nil {
		p.metrics.commits.WithLabelValues("failed").Inc()
		return fmt.Errorf("cannot keep what was decided: %w", err)
	}
	p.sent = release(p.sent)
	p.metrics.commits.WithLabelValues("done").Inc()
	p.progress.Store(time.Now().UnixNano())
	return nil
}

func empty(b store.Batch) bool {
	return len(b.Records)+len(b.Samples)+len(b.Put)+len(b.Delete)+len(b.Commands) == 0
}

// Bounds of one transaction of the store, with room to spare.
const (
	partRecords = 1500
	partKeys    = 2500
)

// parts splits a batch that may be too large for one transaction of the store, which only a pass with thousands of tags
// makes. Records go before the state that says that they were told: after a crash between them they are told again,
// which moves goods to where they are already; the other way round they would be lost.
func parts(b store.Batch) []store.Batch {
	if len(b.Records) <= partRecords && len(b.Put)+len(b.Delete) <= partKeys {
		return []store.Batch{b}
	}
	var out []store.Batch
	for len(b.Records) > 0 {
		n := min(len(b.Records), partRecords)
		out = append(out, store.Batch{Records: b.Records[:n]})
		b.Records = b.Records[n:]
	}
	for len(b.Put) > partKeys {
		out = append(out, store.Batch{Put: b.Put[:partKeys]})
		b.Put = b.Put[partKeys:]
	}
	return append(out, b)
}
