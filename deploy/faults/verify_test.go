package faults_test

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/edge/store"
)

// promise is what must be true of a store after a fault: these batches were answered, and no others than those that were
// begun can be there; the hub is as it was then.
type promise struct {
	submitted, acked [producers]int
	hub              ledger
}

// found is what there is after a fault.
type found struct {
	batches     [producers]int // whole ones, from the first
	rows        int            // main records that the store still has
	lost, twice int            // movements, of those that were answered; and of all
	hub         ledger         // after all was brought to it
}

// verify compares a store with a promise: the chain is whole, the hub gets all that was answered and nothing twice, no batch
// is torn, state and records are of the same moment, and seqs go on above all that were given. It ends with one more batch
// of each producer.
func verify(ctx context.Context, s *store.Store, p promise) (f found, err error) {
	if f.rows, err = retained(s); err != nil {
		return f, err
	}
	f.hub = p.hub
	given := max(s.Head(), f.hub.ack.Upto)
	if err = bring(s, &f.hub, 0); err != nil {
		return f, err
	}
	if err = f.compare(s, p); err != nil {
		return f, err
	}
	for producer, next := range f.batches {
		c, err := s.Commit(ctx, goods(producer, next))
		if err != nil {
			return f, err
		}
		if c.First <= given {
			return f, fmt.Errorf("seq %d was given again; %d was given before", c.First, given)
		}
		given = c.Last
		f.batches[producer]++
	}
	if err = bring(s, &f.hub, 0); err != nil {
		return f, err
	}
	f.tally(p)
	return f, f.compare(s, promise{f.batches, f.batches, p.hub})
}

// tally counts what was lost and told twice.
func (f *found) tally(p promise) {
	f.lost, f.twice = f.hub.lost, f.hub.twice
	for producer, acked := range p.acked {
		for b := f.batches[producer]; b < acked; b++ {
			f.lost += movementsIn(producer, b)
		}
	}
}

func (f *found) compare(s *store.Store, p promise) error {
	last, err := states(s)
	if err != nil {
		return err
	}
	for producer := range producers {
		next, whole := f.hub.movements[producer].whole(movementsIn)
		if !whole {
			return fmt.Errorf("batch %d of producer %d is torn: %+v", next, producer, f.hub.movements[producer])
		}
		due := row{part{producer, next, 0}}
		due.skip(samplesIn)
		has := f.hub.samples[producer]
		if has.skip(samplesIn); has != due {
			return fmt.Errorf("samples of producer %d end at %+v, its movements at batch %d", producer, has.next, next)
		}
		if last[producer] != next-1 {
			return fmt.Errorf("the state of producer %d is of batch %d, its movements end at %d", producer, last[producer], next-1)
		}
		if next > p.submitted[producer] {
			return fmt.Errorf("producer %d has %d batches; it began %d only", producer, next, p.submitted[producer])
		}
		f.batches[producer] = next
	}
	if f.tally(p); f.lost > 0 || f.twice > 0 || f.hub.damaged > 0 || f.hub.samplesLost > 0 {
		return fmt.Errorf("%d movements lost, %d twice, %d damaged, %d samples lost", f.lost, f.twice, f.hub.damaged, f.hub.samplesLost)
	}
	return nil
}
