package faults_test

import (
	"fmt"
	"strconv"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/store"
)

// bring brings what the hub lacks to it without a network, as the uplink does: the hub's word, then a run of records, until
// there are no more. No more than most runs are brought; 0 = all.
func bring(s *store.Store, l *ledger, most int) error {
	for n := 0; most == 0 || n < most; n++ {
		result, err := s.Ack(l.ack, outbox.Live)
		if err == nil && result == outbox.Gap {
			result, err = s.Ack(l.ack, outbox.Insisted)
		}
		if err != nil {
			return err
		}
		if result == outbox.Gap {
			return fmt.Errorf("the hub has %d/%d and the store nothing that follows: %+v", l.ack.Epoch, l.ack.Upto, s.Position())
		}
		more, err := bringRun(s, l)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func bringRun(s *store.Store, l *ledger) (more bool, err error) {
	run, err := s.ReadMain(s.Position().Acked+1, 500, 256<<10)
	if err != nil {
		return false, err
	}
	samples, err := s.ReadSamples(s.Position().SamplesAcked+1, 500, 256<<10)
	if err != nil {
		return false, err
	}
	if len(run.Records) > 0 {
		e := wire.Envelope{
			Edge: edgeID, Stream: wire.MainStream, Epoch: run.Epoch, EpochStart: run.EpochStart, Before: run.Before, FirstSeq: run.First(),
		}
		for _, r := range run.Records {
			e.Records = append(e.Records, r.Bytes)
		}
		was := l.ack
		if l.take(e); l.ack == was {
			return false, fmt.Errorf("the hub has %d/%d and cannot take %d/%d", was.Epoch, was.Upto, run.Epoch, run.First())
		}
	}
	if len(samples) > 0 {
		e := wire.Envelope{Edge: edgeID, Stream: wire.SampleStream, Epoch: 1, FirstSeq: samples[0].Seq}
		for _, r := range samples {
			e.Records = append(e.Records, r.Bytes)
		}
		l.take(e)
	}
	return len(run.Records)+len(samples) > 0, nil
}

// retained reads every main record that is still in a store and checks seqs and chain anew; it gives how many there are.
func retained(s *store.Store) (int, error) {
	n, from := 0, s.Position().Oldest
	var epoch, next uint64
	var hash wire.Hash
	for {
		run, err := s.ReadMain(from, 1000, 1<<20)
		if err != nil || len(run.Records) == 0 {
			return n, err
		}
		for i, r := range run.Records {
			first := i == 0 && (n == 0 || run.Epoch != epoch)
			if first {
				epoch, next, hash = run.Epoch, r.Seq, run.Before
			}
			if r.Seq != next {
				return n, fmt.Errorf("record %d/%d comes where %d should", epoch, r.Seq, next)
			}
			if hash = wire.Chain(hash, epoch, r.Seq, r.Bytes); hash != r.Hash {
				return n, fmt.Errorf("the chain is broken at record %d/%d", epoch, r.Seq)
			}
			if _, err := wire.DecodeRecord(r.Bytes); err != nil {
				return n, fmt.Errorf("record %d/%d: %w", epoch, r.Seq, err)
			}
			next++
			n++
		}
		from = run.Last() + 1
	}
}

// states gives, for each producer, the batch that the store's state says was its last; -1 where it says none.
func states(s *store.Store) (last [producers]int, err error) {
	for p := range last {
		last[p] = -1
	}
	err = s.Load([]byte("goods/"), func(key, value []byte) error {
		p, err1 := strconv.Atoi(string(key[len("goods/"):]))
		n, err2 := strconv.Atoi(string(value))
		if err1 != nil || err2 != nil || p >= producers {
			return fmt.Errorf("state %q is %q", key, value)
		}
		last[p] = n
		return nil
	})
	return last, err
}
