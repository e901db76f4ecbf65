package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/wire"
)

// KV is one key of the gateway's state with its value.
type KV struct{ Key, Value []byte }

// Bounds of a KV.
const (
	MaxKeyBytes   = 1 << 10
	MaxValueBytes = 128 << 10
)

// Batch is what one step of the gateway changes; it is committed whole or not at all. The store keeps the slices
// until the batch is answered, so the caller must not change them.
type Batch struct {
	Records  []wire.Record // for the main stream, in order; the store fills Seq
	Samples  []wire.Record // for the sample stream, in order; the store fills Seq
	Put      []KV          // state to set; the last of equal keys wins
	Delete   [][]byte      // state to remove, after Put
	Commands []string      // ids of commands that were done by this step
}

// Committed says which seqs a batch got; zero where it had no records of the stream.
type Committed struct {
	First, Last             uint64
	FirstSample, LastSample uint64
}

// Pending is a batch on its way.
type Pending struct {
	batch  Batch
	result Committed
	err    error
	done   chan struct{}
}

// Done is closed when the batch is durable or has failed.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Result gives the seqs once Done is closed; before, it waits. The error is ErrTooLarge, an invalid record, ErrClosed
// or ErrBroken; nothing of the batch was committed, except that ErrBroken leaves it open.
func (p *Pending) Result() (Committed, error) {
	<-p.done
	return p.result, p.err
}

func (p *Pending) answer(c Committed, err error) {
	p.result, p.err = c, err
	close(p.done)
}

// Submit hands a batch over and returns as soon as it has a place in the queue; it waits for a place while the queue is
// full, which it is while the disk is. Batches are committed in the order in which Submit returned.
func (s *Store) Submit(ctx context.Context, b Batch) (*Pending, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	p := &Pending{batch: b, done: make(chan struct{})}
	s.intake.RLock()
	defer s.intake.RUnlock()
	select {
	case <-s.quit:
		return nil, errors.Join(ErrClosed, s.failure())
	default:
	}
	select {
	case s.queue <- p:
		return p, nil
	case <-s.quit:
		return nil, errors.Join(ErrClosed, s.failure())
	case <-ctx.Done():
		if s.space.low.Load() {
			return nil, fmt.Errorf("%w: %w", s.space.err(), ctx.Err())
		}
		return nil, fmt.Errorf("cannot hand a batch to the store: %w", ctx.Err())
	}
}

// Commit submits a batch and waits until it is durable. When ctx ends while it waits, the batch may still be committed.
func (s *Store) Commit(ctx context.Context, b Batch) (Committed, error) {
	p, err := s.Submit(ctx, b)
	if err != nil {
		return Committed{}, err
	}
	select {
	case <-p.done:
		return p.result, p.err
	case <-ctx.Done():
		if s.space.low.Load() {
			return Committed{}, fmt.Errorf("%w: %w", s.space.err(), ctx.Err())
		}
		return Committed{}, fmt.Errorf("cannot wait for the commit: %w", ctx.Err())
	}
}

func (b Batch) check() error {
	for _, kv := range b.Put {
		if len(kv.Key) == 0 || len(kv.Key) > MaxKeyBytes || len(kv.Value) > MaxValueBytes {
			return fmt.Errorf("state key %q: key of %d and value of %d bytes; 1 to %d and 0 to %d are possible",
				kv.Key[:min(len(kv.Key), 64)], len(kv.Key), len(kv.Value), MaxKeyBytes, MaxValueBytes)
		}
	}
	for _, id := range b.Commands {
		if id == "" || len(id) > MaxKeyBytes {
			return fmt.Errorf("command id of %d bytes; 1 to %d are possible", len(id), MaxKeyBytes)
		}
	}
	for i, r := range b.Records {
		if !r.Main() {
			return fmt.Errorf("record %d of the batch is none of the main stream", i)
		}
	}
	for i, r := range b.Samples {
		if r.Sample == nil {
			return fmt.Errorf("sample %d of the batch is none", i)
		}
	}
	return nil
}
