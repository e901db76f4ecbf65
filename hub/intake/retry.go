package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
)

// Retry applies a parked record again, on the word of actor: neither confidence nor lateness stop it now. Where it still
// cannot be applied it stays open with the new reason, and Retry fails with fault.Conflict. Retrying a broken chain accepts
// the edge's history from there on. Errors: fault.NotFound;
// fault.Conflict where the entry is closed or has nothing to apply.
func (in *Intake) Retry(ctx context.Context, id, actor string) (Entry, error) {
	return in.settle(ctx, id, actor, nil)
}

// Correction is what a person knows better than the reader. Empty fields are left as they were read.
type Correction struct {
	Item, Lot string // what the tag is on
	To        string // where it went
	Reason    string
}

// Correct applies a parked movement with what a person says of it. Errors: as Retry; fault.Invalid without a reason or a
// correction.
func (in *Intake) Correct(ctx context.Context, id, actor string, c Correction) (Entry, error) {
	if c.Reason == "" || c.Item == "" && c.To == "" {
		return Entry{}, fmt.Errorf("%w: say what is right, an item or a place, and how you know", fault.Invalid)
	}
	return in.settle(ctx, id, actor, &c)
}

func (in *Intake) settle(ctx context.Context, id, actor string, c *Correction) (Entry, error) {
	var still *refusal
	var after Entry
	err := in.store.Take(ctx, func(tx Tx) error {
		still = nil
		e, err := in.openEntry(tx, id)
		if err != nil {
			return err
		}
		note := ""
		switch {
		case e.Reason == ChainBroken && c == nil:
			err = in.acceptChain(tx, e)
		case c != nil:
			note = c.String()
			still, err = in.retryRecord(tx, e, actor, c)
		default:
			still, err = in.retryRecord(tx, e, actor, nil)
		}
		switch {
		case err != nil:
			return err
		case still != nil:
			err = tx.Reason(id, still.why, still.detail)
		default:
			err = tx.CloseEntry(id, Resolved, actor, note, in.now().UTC())
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

func (in *Intake) retryRecord(tx Tx, e Entry, actor string, c *Correction) (*refusal, error) {
	switch e.Reason {
	case BadMessage, GapOfEpochs, WrongStream:
		return nil, fmt.Errorf("%w: %s has no record to apply: discard it", fault.Conflict, e.Reason)
	}
	r := decode(e.Raw)
	if c != nil && r.Movement == nil {
		return nil, fmt.Errorf("%w: only movements can be corrected", fault.Conflict)
	}
	var why *refusal
	err := tx.Savepoint(func() (err error) {
		if r.err == nil && r.Sample != nil {
			return tx.PutSample(e.Edge, *r.Sample)
		}
		why, err = in.apply(tx, origin{edge: e.Edge, epoch: e.Epoch, seq: e.Seq, actor: actor, corrected: c}, r)
		return err
	})
	if errors.Is(err, ErrRefused) {
		return &refusal{Inapplicable, err.Error()}, nil
	}
	return why, err
}

// String tells a correction for the entry's note.
func (c Correction) String() string {
	s := c.Reason
	if c.To != "" {
		s += "; to " + c.To
	}
	if c.Item != "" {
		s += "; item " + c.Item
	}
	if c.Lot != "" {
		s += "; lot " + c.Lot
	}
	return s
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
