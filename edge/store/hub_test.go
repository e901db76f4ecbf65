package store_test

import (
	"fmt"
	"testing"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/store"
)

// hub follows the rules of package wire: it takes only the record after the last one of an epoch, or the first of a
// later epoch, and answers with what it has.
type hub struct {
	ack   wire.Ack
	taken []wire.Record
}

func (h *hub) clone() *hub {
	c := *h
	c.taken = append([]wire.Record(nil), h.taken...)
	return &c
}

func (h *hub) take(run outbox.Run) error {
	for i, r := range run.Records {
		before := run.Before
		if i > 0 {
			before = run.Records[i-1].Hash
		}
		switch {
		case run.Epoch == h.ack.Epoch && r.Seq <= h.ack.Upto:
			continue
		case run.Epoch == h.ack.Epoch && r.Seq == h.ack.Upto+1:
			if before != h.ack.Hash {
				return fmt.Errorf("chain is broken at %d/%d", run.Epoch, r.Seq)
			}
		case run.Epoch > h.ack.Epoch && r.Seq == run.EpochStart:
			if before != (wire.Hash{}) {
				return fmt.Errorf("the first record of epoch %d joins another", run.Epoch)
			}
		default:
			return nil
		}
		d, err := wire.DecodeRecord(r.Bytes)
		if err != nil {
			return err
		}
		h.taken = append(h.taken, d)
		h.ack.Edge, h.ack.Epoch, h.ack.Upto = edgeID, run.Epoch, r.Seq
		h.ack.Hash = wire.Chain(before, run.Epoch, r.Seq, r.Bytes)
	}
	return nil
}

// ids are the numbers that movement() gave the records.
func (h *hub) ids() (out []int) {
	for _, r := range h.taken {
		out = append(out, int(r.Movement.Reads))
	}
	return out
}

// sync sends until the hub has all, as an uplink does: one epoch at a time, and the hub's word taken after each run.
func (h *hub) sync(t testing.TB, s *store.Store, atOnce int) {
	t.Helper()
	h.ack.Edge = edgeID
	for range 10_000 {
		result, err := s.Ack(h.ack, outbox.Live)
		if err == nil && result == outbox.Gap {
			result, err = s.Ack(h.ack, outbox.Insisted)
		}
		if err != nil {
			t.Fatal(err)
		}
		if result == outbox.Gap {
			t.Fatalf("the hub insists on %d/%d and the store has nothing for it: %+v", h.ack.Epoch, h.ack.Upto, s.Position())
		}
		run, err := s.ReadMain(s.Position().Acked+1, atOnce, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Records) == 0 {
			return
		}
		if err := h.take(run); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the hub never has all")
}

func numbers(from, to int) (out []int) {
	for i := from; i <= to; i++ {
		out = append(out, i)
	}
	return out
}
