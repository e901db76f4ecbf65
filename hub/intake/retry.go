package intake

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
)

// Retry applies a parked record again, on the word of actor: neither confidence nor lateness stop it now. Where it still
// cannot be applied it stays open with the new reason, and Retry fails with fault.Conflict. Retrying a broken chain accepts
// the edge's history from there on. Errors: fault.NotFound;
// fault.Conflict where the entry is closed or has nothing to apply.
func (in *Intake) Retry(ctx context.Context, id, actor string) (Entry, error) {
	var still *refusal
	var after Entry
	err := in.store.Take(ctx, func(tx Tx) error {
		still = nil
		e, err := in.openEntry(tx, id)
		if err != nil {
			return err
		}
		if e.Reason == ChainBroken {
			err = in.acceptChain(tx, e)
		} else {
			still, err = in.retryRecord(tx, e, actor)
		}
		switch {
		case err != nil:
			return err
		case still != nil:
			err = tx.Reason(id, still.why, still.detail)
		default:
			err = tx.CloseEntry(id, Resolved, actor, "", in.now().UTC())
		}
		if err != nil {
			return err
		}
		after, err = tx.Entry(id)
		return err
	})
	if err == nil && still != nil {
		err = fmt.Errorf("%w: %s: %s", fault.Conflict, still.why, still.detail)
	}
	return after, err
}

func (in *Intake) retryRecord(tx Tx, e Entry, actor string) (*refusal, error) {
	switch e.Reason {
	case BadMessage, GapOfEpochs, WrongStream:
		return nil, fmt.Errorf("%w: %s has no record to apply: discard it", fault.Conflict, e.Reason)
	}
	var why *refusal
	err := tx.Savepoint(func() (err error) {
		why, err = in.apply(tx, origin{edge: e.Edge, epoch: e.Epoch, seq: e.Seq, actor: actor}, decode(e.Raw))
		return err
	})
	return why, err
}

func (in *Intake) acceptChain(tx Tx, e Entry) error {
	streams, err := tx.Streams([]string{e.Edge})
	if err != nil {
		return err
	}
	s := streams[0]
	var h wire.Hash
	if s.Epoch != e.Epoch || s.Upto != e.Seq || len(e.Raw) != len(h) {
		return fmt.Errorf("%w: the stream of edge %s has gone on since: discard it", fault.Conflict, e.Edge)
	}
	copy(h[:], e.Raw)
	s.Hash = h
	return tx.PutStream(s)
}

// Discard gives a parked record up, for a reason. Errors: fault.Invalid without one; fault.NotFound;
// fault.Conflict where it is closed.
func (in *Intake) Discard(ctx context.Context, id, actor, reason string) (Entry, error) {
	if reason == "" {
		return Entry{}, fmt.Errorf("%w: say why it is discarded", fault.Invalid)
	}
	var after Entry
	err := in.store.Take(ctx, func(tx Tx) error {
		if _, err := in.openEntry(tx, id); err != nil {
			return err
		}
		if err := tx.CloseEntry(id, Discarded, actor, reason, in.now().UTC()); err != nil {
			return err
		}
		var err error
		after, err = tx.Entry(id)
		return err
	})
	return after, err
}

func (in *Intake) openEntry(tx Tx, id string) (Entry, error) {
	e, err := tx.Entry(id)
	if err != nil {
		return Entry{}, err
	}
	if e.State != Open {
		return Entry{}, fmt.Errorf("%w: it was %s by %s", fault.Conflict, e.State, e.By)
	}
	return e, nil
}
