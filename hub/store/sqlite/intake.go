package sqlite

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Intake keeps what edges send; it is an intake.Store.
type Intake struct{ *DB }

var _ intake.Store = Intake{}

// Take runs f in one transaction.
func (s Intake) Take(ctx context.Context, f func(intake.Tx) error) error {
	return s.Write(ctx, func(tx *Tx) error {
		t := &intakeTx{Tx: tx, known: map[string]bool{}}
		if err := f(t); err != nil {
			return err
		}
		return t.tell()
	})
}

// Status stores what an edge says of itself, and gives its stream and the commands that it has not answered.
func (s Intake) Status(ctx context.Context, status wire.Status) (stream intake.Stream, pending []wire.Command, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		if status.Online {
			err = tx.putStatus(status)
		} else {
			err = tx.putWill(status)
		}
		if err != nil {
			return err
		}
		if stream, err = tx.stream(status.Edge); err != nil {
			return err
		}
		pending, err = tx.pending(status.Edge)
		return err
	})
	return stream, pending, err
}

// Silent notes that every edge but these is offline, and tells of each that was online.
func (s Intake) Silent(ctx context.Context, heard []string) error {
	return s.Write(ctx, func(tx *Tx) error {
		online, err := list(ctx, tx.Tx, `SELECT id FROM edge WHERE online ORDER BY id`,
			func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
		if err != nil {
			return err
		}
		for _, id := range online {
			if slices.Contains(heard, id) {
				continue
			}
			if err := tx.exec(`UPDATE edge SET online = false WHERE id = ?`, id); err != nil {
				return err
			}
			if err := tx.tellEdge(id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Streams gives the streams of every edge that was heard.
func (s Intake) Streams(ctx context.Context) ([]intake.Stream, error) {
	return list(ctx, s.read, streamColumns+`ORDER BY edge`, scanStream)
}

const streamColumns = `SELECT edge, epoch, epoch_start, upto, hash, samples_epoch, samples_upto FROM edge_stream `

func scanStream(scan func(...any) error) (st intake.Stream, err error) {
	var hash string
	if err = scan(&st.Edge, &st.Epoch, &st.EpochStart, &st.Upto, &hash, &st.SamplesEpoch, &st.SamplesUpto); err != nil {
		return st, err
	}
	b, err := hex.DecodeString(hash)
	if err != nil || len(b) != len(st.Hash) {
		return st, fmt.Errorf("chain hash %q of edge %s is not readable", hash, st.Edge)
	}
	copy(st.Hash[:], b)
	return st, nil
}

func (tx *Tx) stream(edge string) (intake.Stream, error) {
	found, err := list(tx.ctx, tx.Tx, streamColumns+`WHERE edge = ?`, scanStream, edge)
	if err != nil || len(found) == 0 {
		return intake.Stream{Edge: edge}, err
	}
	return found[0], nil
}

// intakeTx is an intake.Tx: a transaction that remembers what it will have to tell.
type intakeTx struct {
	*Tx
	known          map[string]bool // locations that were asked for
	passes, alarms []string
	samples        [][3]any
	parked         bool
}

var _ intake.Tx = (*intakeTx)(nil)

// Stream reads an edge's stream; one with Epoch 0 where the edge was never heard.
func (t *intakeTx) Stream(edge string) (intake.Stream, error) { return t.stream(edge) }

// PutStream stores an edge's stream.
func (t *intakeTx) PutStream(s intake.Stream) error {
	return t.exec(`INSERT INTO edge_stream (edge, epoch, epoch_start, upto, hash, samples_epoch, samples_upto)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (edge) DO UPDATE SET epoch = excluded.epoch,
		epoch_start = excluded.epoch_start, upto = excluded.upto, hash = excluded.hash,
		samples_epoch = excluded.samples_epoch, samples_upto = excluded.samples_upto`,
		s.Edge, s.Epoch, s.EpochStart, s.Upto, hex.EncodeToString(s.Hash[:]), s.SamplesEpoch, s.SamplesUpto)
}

// Tagged tells what a tag is on.
func (t *intakeTx) Tagged(tag devices.Tag) (intake.Tagged, error) {
	item, lot, err := t.ResolveTag(tag)
	switch {
	case err == nil:
		return intake.Tagged{Item: item, Lot: lot}, nil
	case !errors.Is(err, ErrUnknownTag):
		return intake.Tagged{}, fmt.Errorf("cannot find what %s is on: %w", tag, refused(err))
	}
	unknown := intake.UnknownTag
	if _, ok := epc.GTIN14(tag); ok {
		unknown = intake.UnknownItem
	}
	return intake.Tagged{Unknown: unknown, Detail: err.Error()}, nil
}

// KnownLocation reports whether goods can be at this place: a location of the catalogue, or a virtual one.
func (t *intakeTx) KnownLocation(code string) (bool, error) {
	if ledger.IsVirtual(code) {
		return true, nil
	}
	if known, asked := t.known[code]; asked {
		return known, nil
	}
	var one int
	known, err := t.row(`SELECT 1 FROM location WHERE code = ?`, []any{code}, &one)
	if err == nil {
		t.known[code] = known
	}
	return known, err
}

// Seen notes that a tag was seen where the ledger has it.
func (t *intakeTx) Seen(at ledger.Position, when time.Time) error {
	if !when.After(at.SeenAt) {
		return nil
	}
	t.addBalance(balanceKey{at.Item, at.Location, at.Lot, at.State}, 0, when)
	return t.exec(`UPDATE tag_position SET seen_at = ? WHERE tag = ?`, stamp(when), at.Tag.String())
}

// PutPass stores a pass.
func (t *intakeTx) PutPass(edge string, p wire.Pass) error {
	t.passes = append(t.passes, p.ID)
	return t.putPass(edge, p)
}

// PutAlarm stores a transition of an alarm.
func (t *intakeTx) PutAlarm(edge string, epoch, seq uint64, a wire.Alarm) error {
	t.alarms = append(t.alarms, a.ID)
	return t.putAlarm(edge, epoch, seq, a)
}

// PutSample stores a sample.
func (t *intakeTx) PutSample(edge string, s wire.Sample) error {
	sensor, err := t.putSample(edge, s)
	if err != nil {
		return err
	}
	var value any
	if s.Quality == devices.Good {
		value = s.Value.Float()
	}
	t.samples = append(t.samples, [3]any{sensor, s.At.UnixMilli(), value})
	return nil
}

// tell emits what happened, each thing once and as it is now.
func (t *intakeTx) tell() error {
	for _, id := range distinct(t.passes) {
		found, err := list(t.ctx, t.Tx.Tx, passColumns+`WHERE id = ?`, scanPass, id)
		if err != nil {
			return err
		}
		for _, p := range found {
			if err := t.Emit(event.Pass, p); err != nil {
				return err
			}
		}
	}
	for _, id := range distinct(t.alarms) {
		if err := t.tellAlarm(id); err != nil {
			return err
		}
	}
	if len(t.samples) > 0 {
		if err := t.Emit(event.Sample, t.samples); err != nil {
			return err
		}
	}
	if t.parked {
		return t.tellQuarantine()
	}
	return nil
}

func (t *intakeTx) tellQuarantine() error {
	var open int
	if _, err := t.row(`SELECT count(*) FROM quarantine WHERE state = 'open'`, nil, &open); err != nil {
		return err
	}
	return t.Emit(event.Quarantine, map[string]int{"open": open})
}

// Park puts an entry into the quarantine; it does nothing where one of the same key is there.
func (t *intakeTx) Park(e intake.Entry) error {
	t.parked = true
	return t.exec(`INSERT INTO quarantine (id, key, edge, epoch, seq, at, reason, detail, record, raw, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
		e.ID, e.Key, e.Edge, e.Epoch, e.Seq, stamp(e.At), string(e.Reason), e.Detail, string(e.Record), nonNil(e.Raw),
		string(e.State))
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

const entryColumns = `SELECT id, key, edge, epoch, seq, at, reason, detail, record, raw, state, closed_by, note FROM quarantine `

func scanQuarantine(scan func(...any) error) (e intake.Entry, err error) {
	var at int64
	var record string
	err = scan(&e.ID, &e.Key, &e.Edge, &e.Epoch, &e.Seq, &at, &e.Reason, &e.Detail, &record, &e.Raw, &e.State, &e.By, &e.Note)
	e.At, e.Record = timeOf(at), json.RawMessage(record)
	return e, err
}

// Entry reads one entry. Errors: fault.NotFound.
func (t *intakeTx) Entry(id string) (intake.Entry, error) {
	found, err := list(t.ctx, t.Tx.Tx, entryColumns+`WHERE id = ?`, scanQuarantine, id)
	if err != nil {
		return intake.Entry{}, err
	}
	if len(found) == 0 {
		return intake.Entry{}, fmt.Errorf("quarantine entry %s: %w", id, fault.NotFound)
	}
	return found[0], nil
}

// CloseEntry ends an entry.
func (t *intakeTx) CloseEntry(id string, state intake.EntryState, by, note string, at time.Time) error {
	t.parked = true
	return t.exec(`UPDATE quarantine SET state = ?, closed_by = ?, note = ?, closed_at = ? WHERE id = ? AND state = 'open'`,
		string(state), by, note, stamp(at), id)
}

// Reason says why an entry is still open.
func (t *intakeTx) Reason(id string, why intake.Reason, detail string) error {
	return t.exec(`UPDATE quarantine SET reason = ?, detail = ? WHERE id = ?`, string(why), detail, id)
}

// Quarantine lists entries of a state ("" = open), newest first, at most 500.
func (s Intake) Quarantine(ctx context.Context, state intake.EntryState) ([]intake.Entry, error) {
	if state == "" {
		state = intake.Open
	}
	return list(ctx, s.read, entryColumns+`WHERE state = ? ORDER BY id DESC LIMIT ?`, scanQuarantine, string(state), maxPage)
}
