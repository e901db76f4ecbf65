package intake

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/ledger"
)

// refusal says why a record was not applied; nil where it was.
type refusal struct {
	why    Reason
	detail string
}

// origin is where a record comes from and who answers for it.
type origin struct {
	edge       string
	epoch, seq uint64
	actor      string // who retries it; "" for the stream itself
}

// key is the record's name in the books.
func (o origin) key() string {
	return o.edge + "/" + strconv.FormatUint(o.epoch, 10) + "/" + strconv.FormatUint(o.seq, 10)
}

func (o origin) waived() bool { return o.actor != "" }

// apply brings one record of the main stream into the books.
func (in *Intake) apply(tx Tx, o origin, raw []byte) (wire.Record, *refusal, error) {
	r, err := wire.DecodeRecord(raw)
	switch {
	case err != nil:
		return r, &refusal{Undecodable, err.Error()}, nil
	case r.Seq != o.seq:
		return r, &refusal{WrongStream, fmt.Sprintf("record says seq %d where %d is due", r.Seq, o.seq)}, nil
	case r.Movement != nil:
		why, err := in.applyMovement(tx, o, *r.Movement)
		return r, why, err
	case r.Pass != nil:
		return r, nil, tx.PutPass(o.edge, *r.Pass)
	case r.Alarm != nil:
		return r, nil, tx.PutAlarm(o.edge, o.epoch, o.seq, *r.Alarm)
	case r.Excursion != nil:
		return r, nil, tx.PutExcursion(o.edge, *r.Excursion)
	case r.Escalation != nil:
		return r, nil, tx.PutEscalation(o.edge, o.epoch, o.seq, *r.Escalation)
	case r.Verdict != nil:
		return r, nil, tx.PutVerdict(o.edge, *r.Verdict)
	case r.SumReset != nil:
		return r, nil, tx.PutSumReset(o.edge, o.epoch, o.seq, *r.SumReset)
	case r.Answer != nil:
		return r, nil, tx.PutAnswer(o.edge, *r.Answer)
	default:
		return r, &refusal{WrongStream, "a sample in the main stream"}, nil
	}
}

func (in *Intake) applyMovement(tx Tx, o origin, m wire.Movement) (*refusal, error) {
	tagged, err := tx.Tagged(m.Tag)
	if err != nil {
		return nil, err
	}
	if tagged.Unknown != "" {
		return &refusal{tagged.Unknown, tagged.Detail}, nil
	}
	known, err := tx.KnownLocation(m.To)
	if err != nil {
		return nil, err
	}
	if !known {
		return &refusal{UnknownLocation, fmt.Sprintf("location %q is not in the catalogue: import it and retry", m.To)}, nil
	}
	at, err := tx.Position(m.Tag)
	if err != nil {
		return nil, err
	}
	p := ledger.Place(ledger.Observation{
		Movement: m, Item: tagged.Item, Lot: tagged.Lot, Source: "edge:" + o.edge, Now: at, Threshold: in.threshold,
		Waived: o.waived(),
	})
	switch {
	case p.Refusal != "":
		return &refusal{Reason(p.Refusal), p.Detail}, nil
	case len(p.Entries) > 0:
		err := tx.Post(in.movement(o, m, p))
		if errors.Is(err, ledger.ErrDuplicate) {
			return nil, nil
		}
		return nil, err
	case p.Seen && at != nil:
		return nil, tx.Seen(*at, m.EventTime)
	}
	return nil, nil
}

// movement makes the ledger's movement of what was observed.
func (in *Intake) movement(o origin, m wire.Movement, p ledger.Placement) ledger.Movement {
	lm := ledger.Movement{
		ID: in.newID(), Kind: p.Kind, Source: "edge:" + o.edge, EffectiveAt: m.EventTime, RecordedAt: in.now().UTC(),
		Actor: o.actor, Key: o.key(), Entries: p.Entries,
		Evidence: ledger.Evidence{
			ReadPoint: m.ReadPoint, Pass: m.Pass, BizStep: string(m.BizStep), FirstRead: m.FirstRead, LastRead: m.LastRead,
			Reads: m.Reads, Confidence: m.Confidence,
		},
	}
	if m.EventTime.IsZero() {
		lm.EffectiveAt = lm.RecordedAt
	}
	if m.HasRSSI {
		dbm := float64(m.PeakRSSI) / 100
		lm.Evidence.PeakRSSI = &dbm
	}
	return lm
}

// park puts a record that was not applied into the quarantine.
func (in *Intake) park(tx Tx, o origin, r wire.Record, raw []byte, why refusal) error {
	return tx.Park(Entry{
		ID: in.newID(), Key: o.key(), Edge: o.edge, Epoch: o.epoch, Seq: o.seq, At: in.now().UTC(), Reason: why.why,
		Detail: why.detail, Record: readable(r, raw), State: Open, Raw: raw,
	})
}

// note puts something into the quarantine that no single record is behind.
func (in *Intake) note(tx Tx, key, edge string, epoch, seq uint64, why refusal, raw []byte) error {
	return tx.Park(Entry{
		ID: in.newID(), Key: key, Edge: edge, Epoch: epoch, Seq: seq, At: in.now().UTC(), Reason: why.why,
		Detail: why.detail, Record: readable(wire.Record{}, raw), State: Open, Raw: raw[:min(len(raw), MaxRaw)],
	})
}
