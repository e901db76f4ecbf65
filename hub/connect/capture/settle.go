package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// maxRecord is how much of an event a discrepancy shows; the whole of it is among the events.
const maxRecord = 64 << 10

// park makes a discrepancy of an event.
func (s *Service) park(tx Tx, e epcis.Event, why refusal) error {
	text, err := e.MarshalJSON()
	if err != nil {
		return err
	}
	if len(text) > maxRecord {
		if text, err = json.Marshal(map[string]any{"type": e.Type, "eventID": e.Identity(), "eventTime": e.Time, "bizStep": e.BizStep}); err != nil {
			return err
		}
	}
	record, err := json.Marshal(map[string]json.RawMessage{"epcis": text})
	if err != nil {
		return err
	}
	return tx.Park(intake.Entry{
		ID: s.NewID(), Key: keyOf(e.Key()), At: s.Now().UTC(), Reason: why.why, Detail: why.detail, Record: record, State: intake.Open,
		Raw: []byte(e.Key()),
	})
}

// Ours reports whether a discrepancy is of an event.
func Ours(e intake.Entry) bool {
	return e.Edge == "" && strings.HasPrefix(string(e.Record), `{"epcis":`)
}

// Retry books the event of a discrepancy again, on the word of actor: neither that it is late, nor that a count differs, nor
// that nobody says where an amount came from stop it now. Where it still cannot be booked it stays open with the new reason,
// and Retry fails with fault.Conflict. Errors: fault.NotFound; fault.Conflict where it is closed.
func (s *Service) Retry(ctx context.Context, id, actor string) (intake.Entry, error) {
	var why *refusal
	after, err := s.settle(ctx, id, func(tx Tx, e intake.Entry) (err error) {
		event, err := find(tx, string(e.Raw))
		if err != nil {
			return err
		}
		b := s.booker(tx, actor)
		b.waived = true
		if err := b.expect([]epcis.Event{event}); err != nil {
			return err
		}
		why, err = b.book(event)
		switch {
		case err != nil:
			return err
		case why != nil:
			return tx.Reason(id, why.why, why.detail)
		default:
			return tx.CloseEntry(id, intake.Resolved, actor, "", s.Now().UTC())
		}
	})
	if err == nil && why != nil {
		err = fmt.Errorf("%w: %s: %s", fault.Conflict, why.why, why.detail)
	}
	return after, err
}

// Discard gives a discrepancy up, for a reason: the event stays, and is not booked. Errors: fault.Invalid without a reason;
// fault.NotFound; fault.Conflict where it is closed.
func (s *Service) Discard(ctx context.Context, id, actor, reason string) (intake.Entry, error) {
	if reason == "" {
		return intake.Entry{}, fmt.Errorf("%w: say why it is discarded", fault.Invalid)
	}
	return s.settle(ctx, id, func(tx Tx, _ intake.Entry) error {
		return tx.CloseEntry(id, intake.Discarded, actor, reason, s.Now().UTC())
	})
}

func (s *Service) settle(ctx context.Context, id string, f func(Tx, intake.Entry) error) (after intake.Entry, err error) {
	err = s.store.Capture(ctx, func(tx Tx) error {
		e, err := tx.Entry(id)
		switch {
		case err != nil:
			return err
		case !Ours(e):
			return fmt.Errorf("%w: discrepancy %s is not of an event", fault.NotFound, id)
		case e.State != intake.Open:
			return fmt.Errorf("%w: it was %s by %s", fault.Conflict, e.State, e.By)
		}
		if err := f(tx, e); err != nil {
			return err
		}
		after, err = tx.Entry(id)
		return err
	})
	return after, err
}

// find reads the event of a key.
func find(tx Tx, key string) (epcis.Event, error) {
	id, _, _ := strings.Cut(key, "#error@")
	events, err := tx.EventsByID(id)
	if err != nil {
		return epcis.Event{}, err
	}
	i := slices.IndexFunc(events, func(e epcis.Event) bool { return e.Key() == key })
	if i < 0 {
		return epcis.Event{}, fmt.Errorf("%w: event %s", fault.NotFound, key)
	}
	return events[i], nil
}

// reverse takes back what an event did that is declared wrong. Where it waits as a discrepancy, it waits no longer.
func (b *booker) reverse(i epcis.Intent, e epcis.Event) (*refusal, error) {
	id, err := b.tx.OpenEntry(keyOf(i.EventID))
	if err != nil {
		return nil, err
	}
	source := "epcis:" + e.Identity()
	if id != "" {
		return nil, b.tx.CloseEntry(id, intake.Discarded, source, "declared wrong: "+i.Reason, b.Now().UTC())
	}
	err = b.tx.Savepoint(func() error {
		if err := b.unpack(i, e, source); err != nil {
			return err
		}
		for n := 0; ; n++ {
			made, err := b.tx.Made(movementKey(i.EventID, n))
			if err != nil || made == "" {
				return err
			}
			if err := b.tx.Reverse(made, b.actor, source); err != nil {
				return err
			}
		}
	})
	if errors.Is(err, fault.Conflict) {
		return refuse(MovedSince, "%v", err), nil
	}
	return whyNot(err), justErrors(err)
}

// justErrors gives an error that is no refusal.
func justErrors(err error) error {
	if whyNot(err) != nil {
		return nil
	}
	return err
}

// unpack undoes what an event packed, or packs again what it took out.
func (b *booker) unpack(i epcis.Intent, e epcis.Event, source string) error {
	made, err := b.tx.Made(keyOf(i.EventID) + "/pack")
	if err != nil || made == "" {
		return err
	}
	wrong, err := b.tx.Aggregation(made)
	if err != nil {
		return err
	}
	undo := ledger.Pack{Aggregation: wrong}
	undo.ID, undo.Key, undo.Add = b.NewID(), keyOf(e.Key())+"/pack", !wrong.Add
	undo.At, undo.RecordedAt, undo.Actor, undo.Source = i.EffectiveAt.UTC(), b.Now().UTC(), b.actor, source
	if err := undo.Check(); err != nil {
		return err
	}
	return undo.Do(b.tx)
}
