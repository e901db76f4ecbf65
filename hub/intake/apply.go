package intake

import (
	"fmt"
	"strconv"

	"github.com/tallydock/tallydock/devices"
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
	corrected  *Correction
}

// key is the record's name in the books.
func (o origin) key() string {
	return o.edge + "/" + strconv.FormatUint(o.epoch, 10) + "/" + strconv.FormatUint(o.seq, 10)
}

func (o origin) waived() bool { return o.actor != "" }

// record is a record as it came, with what it says.
type record struct {
	wire.Record
	raw []byte
	err error // why it cannot be read
}

func decode(raw []byte) record {
	r, err := wire.DecodeRecord(raw)
	return record{r, raw, err}
}

// expect tells the transaction what records will ask it for.
func expect(tx Tx, all []record) error {
	var tags []devices.Tag
	var locations []string
	for _, r := range all {
		if m := r.Movement; r.err == nil && m != nil {
			tags = append(tags, m.Tag)
			locations = append(locations, m.To)
		}
	}
	if len(tags) == 0 {
		return nil
	}
	return tx.Expect(tags, locations)
}

// apply brings one record of the main stream into the books.
func (in *Intake) apply(tx Tx, o origin, rec record) (*refusal, error) {
	r := rec.Record
	switch {
	case rec.err != nil:
		return &refusal{Undecodable, rec.err.Error()}, nil
	case r.Seq != o.seq:
		return &refusal{WrongStream, fmt.Sprintf("record says seq %d where %d is due", r.Seq, o.seq)}, nil
	case r.Movement != nil:
		m := *r.Movement
		if c := o.corrected; c != nil && c.To != "" {
			m.To = c.To
		}
		return in.applyMovement(tx, o, m)
	case r.Pass != nil:
		return nil, tx.PutPass(o.edge, *r.Pass)
	case r.Alarm != nil:
		return nil, tx.PutAlarm(o.edge, o.epoch, o.seq, *r.Alarm)
	case r.Excursion != nil:
		return nil, tx.PutExcursion(o.edge, *r.Excursion)
	case r.Escalation != nil:
		return nil, tx.PutEscalation(o.edge, o.epoch, o.seq, *r.Escalation)
	case r.Verdict != nil:
		return nil, tx.PutVerdict(o.edge, *r.Verdict)
	case r.SumReset != nil:
		return nil, tx.PutSumReset(o.edge, o.epoch, o.seq, *r.SumReset)
	case r.Answer != nil:
		return nil, tx.PutAnswer(o.edge, *r.Answer)
	default:
		return &refusal{WrongStream, "a sample in the main stream"}, nil
	}
}

func (in *Intake) applyMovement(tx Tx, o origin, m wire.Movement) (*refusal, error) {
	tagged, why, err := in.whatIs(tx, o, m.Tag)
	if err != nil {
		return nil, err
	}
	packed, err := tx.Packed(m.Tag)
	if err != nil {
		return nil, err
	}
	if why != nil && len(packed) == 0 {
		return why, nil
	}
	known, err := tx.KnownLocation(m.To)
	if err != nil {
		return nil, err
	}
	if !known {
		return &refusal{UnknownLocation, fmt.Sprintf("location %q is not in the catalogue: import it and retry", m.To)}, nil
	}
	threshold := in.threshold
	if own, set, err := tx.Threshold(m.ReadPoint); err != nil {
		return nil, err
	} else if set {
		threshold = own
	}
	seen := ledger.Observation{Movement: m, Source: "edge:" + o.edge, Threshold: threshold, Waived: o.waived()}
	var all []ledger.Placement
	if why == nil {
		seen.Item, seen.Lot, seen.Quantity = tagged.Item, tagged.Lot, tagged.Quantity
		if all, err = in.place(tx, seen, all); err != nil {
			return nil, err
		}
	}
	for _, tag := range packed {
		if seen.Tag = tag; tag == m.Tag {
			continue
		}
		if on, err := tx.Tagged(tag); err != nil {
			return nil, err
		} else if seen.Item, seen.Lot, seen.Quantity = on.Item, on.Lot, on.Quantity; on.Unknown != "" {
			continue // a case without an item of its own, say
		}
		if all, err = in.place(tx, seen, all); err != nil {
			return nil, err
		}
	}
	return in.book(tx, o, m, all)
}

// whatIs tells what a tag is on, by the word of a person or else by the catalogue.
func (in *Intake) whatIs(tx Tx, o origin, tag devices.Tag) (Tagged, *refusal, error) {
	if c := o.corrected; c != nil && c.Item != "" {
		known, err := tx.KnownItem(c.Item)
		if err == nil && !known {
			return Tagged{}, &refusal{UnknownItem, fmt.Sprintf("item %q is not in the catalogue", c.Item)}, nil
		}
		return Tagged{Item: c.Item, Lot: c.Lot, Quantity: 1}, nil, err
	}
	tagged, err := tx.Tagged(tag)
	if err == nil && tagged.Unknown != "" {
		return tagged, &refusal{tagged.Unknown, tagged.Detail}, nil
	}
	return tagged, nil, err
}

// place decides what an observation of a tag means, by where the ledger has it.
func (in *Intake) place(tx Tx, seen ledger.Observation, all []ledger.Placement) ([]ledger.Placement, error) {
	at, err := tx.Position(seen.Tag)
	if err != nil {
		return nil, err
	}
	if seen.Now = at; at != nil {
		seen.Tag = at.Tag // which may be another one of the same thing
	}
	p := ledger.Place(seen)
	p.At = at
	return append(all, p), nil
}

// book records what was decided of a tag and of what is packed in it, as one movement; a refusal of any of it refuses all.
func (in *Intake) book(tx Tx, o origin, m wire.Movement, all []ledger.Placement) (*refusal, error) {
	var whole ledger.Placement
	for _, p := range all {
		if p.Refusal != "" {
			return &refusal{Reason(p.Refusal), p.Detail}, nil
		}
		if len(p.Lines) > 0 && whole.Kind == "" {
			whole.Kind = p.Kind
		}
		whole.Lines = append(whole.Lines, p.Lines...)
	}
	if len(whole.Lines) > 0 {
		return nil, tx.Post(o.edge, in.movement(o, m, whole))
	}
	for _, p := range all {
		if p.Seen && p.At != nil {
			if err := tx.Seen(*p.At, m.EventTime); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// movement makes the ledger's movement of what was observed.
func (in *Intake) movement(o origin, m wire.Movement, p ledger.Placement) ledger.Movement {
	lm := ledger.Movement{
		ID: in.newID(), Kind: p.Kind, Source: "edge:" + o.edge, EffectiveAt: m.EventTime, RecordedAt: in.now().UTC(),
		Actor: o.actor, Key: o.key(), Lines: p.Lines,
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
func (in *Intake) park(tx Tx, o origin, r record, why refusal) error {
	return tx.Park(Entry{
		ID: in.newID(), Key: o.key(), Edge: o.edge, Epoch: o.epoch, Seq: o.seq, At: in.now().UTC(), Reason: why.why,
		Detail: why.detail, Record: readable(r.Record, r.raw), State: Open, Raw: r.raw,
	})
}

// note puts something into the quarantine that no single record is behind.
func (in *Intake) note(tx Tx, key, edge string, epoch, seq uint64, why refusal, raw []byte) error {
	return tx.Park(Entry{
		ID: in.newID(), Key: key, Edge: edge, Epoch: epoch, Seq: seq, At: in.now().UTC(), Reason: why.why,
		Detail: why.detail, Record: readable(wire.Record{}, raw), State: Open, Raw: raw[:min(len(raw), MaxRaw)],
	})
}
