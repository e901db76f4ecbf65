package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
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

// Bounds of one part: half of what a transaction of the store takes.
const (
	partKeys  = 2000
	partBytes = 240 << 10
)

// Bounds of what a key costs beside its value, in bytes: of the state, and of a record, which is kept with its chain.
const (
	keyBytes    = 16
	recordBytes = 128
)

// parts splits a batch that may be too large for one transaction of the store, which only thousands of tags make.
// Records go before the state that says that they were told: after a crash between them they are told again,
// which moves goods to where they are already; the other way round they would be lost.
func parts(b store.Batch) []store.Batch {
	s := splitter{out: make([]store.Batch, 1)}
	for _, r := range b.Records {
		to := s.room(recordSize(r))
		to.Records = append(to.Records, r)
	}
	for _, r := range b.Samples {
		to := s.room(recordSize(r))
		to.Samples = append(to.Samples, r)
	}
	for _, kv := range b.Put {
		to := s.room(len(kv.Key) + len(kv.Value) + keyBytes)
		to.Put = append(to.Put, kv)
	}
	for _, key := range b.Delete {
		to := s.room(len(key) + keyBytes)
		to.Delete = append(to.Delete, key)
	}
	to := s.room(0)
	to.Commands = b.Commands
	return s.out
}

// recordSize is about how many bytes a record takes; of one that cannot be encoded, which the store refuses, it does not matter.
func recordSize(r wire.Record) int {
	raw, _ := wire.EncodeRecord(r)
	return len(raw) + recordBytes
}

// splitter fills one part after the other.
type splitter struct {
	out         []store.Batch
	keys, bytes int // of the last one
}

// room gives the part that takes a key of so many bytes.
func (s *splitter) room(bytes int) *store.Batch {
	if s.keys > 0 && (s.keys == partKeys || s.bytes+bytes > partBytes) {
		s.out = append(s.out, store.Batch{})
		s.keys, s.bytes = 0, 0
	}
	s.keys++
	s.bytes += bytes
	return &s.out[len(s.out)-1]
}
