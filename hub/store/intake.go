package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/series"
)

// Intake keeps what edges send; it is an intake.Store.
type Intake struct {
	*DB
	Spooled bool // samples go to the Spool
}

var _ intake.Store = Intake{}

// Take runs f in one transaction.
func (s Intake) Take(ctx context.Context, f func(intake.Tx) error) error {
	return s.take(ctx, func(tx *intakeTx) error { return f(tx) })
}

func (s Intake) take(ctx context.Context, f func(*intakeTx) error) error {
	return s.Write(ctx, func(tx *Tx) error {
		tx.field.spooled = s.Spooled
		t := newIntakeTx(tx)
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
		streams, err := tx.Streams([]string{status.Edge})
		if err != nil {
			return err
		}
		stream = streams[0]
		pending, err = tx.pending(status.Edge)
		return err
	})
	return stream, pending, err
}

// Silent notes that each edge is offline for which silent holds, and tells of those that were online.
func (s Intake) Silent(ctx context.Context, silent func(edge string) bool) error {
	return s.Write(ctx, func(tx *Tx) error {
		online, err := list(ctx, tx, `SELECT id FROM edge WHERE online ORDER BY id`,
			func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
		if err != nil {
			return err
		}
		for _, id := range online {
			if !silent(id) {
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

// Streams reads the streams of these edges, and keeps others from moving them on; one with Epoch 0 where an edge was never
// heard.
func (tx *Tx) Streams(edges []string) ([]intake.Stream, error) {
	found := map[string]intake.Stream{}
	for _, part := range lists(slices.Sorted(slices.Values(edges))) {
		err := each(tx.ctx, tx, tx.lock(streamColumns+`WHERE edge IN (`+marks(len(part), "?")+`) ORDER BY edge`), func(scan func(...any) error) error {
			s, err := scanStream(scan)
			found[s.Edge] = s
			return err
		}, anys(part)...)
		if err != nil {
			return nil, fmt.Errorf("cannot read the streams of edges: %w", err)
		}
	}
	all := make([]intake.Stream, len(edges))
	for i, edge := range edges {
		all[i] = found[edge]
		all[i].Edge = edge
	}
	return all, nil
}

// intakeTx is an intake.Tx: a transaction that remembers what it will have to tell.
type intakeTx struct {
	*Tx
	known          map[string]bool // locations that were asked for
	tagged         map[devices.Tag]intake.Tagged
	parents        map[devices.Tag]bool        // whether something is in them, as far as was asked
	named          map[devices.Tag]devices.Tag // by which tags the ledger has things whose own it never had; zero for none
	policies       []intake.Policy
	passes, alarms []string
	samples        [][3]any
	parked         bool
}

var _ intake.Tx = (*intakeTx)(nil)

func newIntakeTx(tx *Tx) *intakeTx {
	return &intakeTx{
		Tx: tx, known: map[string]bool{}, tagged: map[devices.Tag]intake.Tagged{}, parents: map[devices.Tag]bool{},
		named: map[devices.Tag]devices.Tag{},
	}
}

// PutStream stores an edge's stream.
func (t *intakeTx) PutStream(s intake.Stream) error {
	return t.exec(`INSERT INTO edge_stream (edge, epoch, epoch_start, upto, hash, samples_epoch, samples_upto)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (edge) DO UPDATE SET epoch = excluded.epoch,
		epoch_start = excluded.epoch_start, upto = excluded.upto, hash = excluded.hash,
		samples_epoch = excluded.samples_epoch, samples_upto = excluded.samples_upto`,
		s.Edge, s.Epoch, s.EpochStart, s.Upto, hex.EncodeToString(s.Hash[:]), s.SamplesEpoch, s.SamplesUpto)
}

// Expect reads what a batch will ask for: what its tags are on and where they are, and its locations.
func (t *intakeTx) Expect(tags []devices.Tag, locations []string) error {
	if err := t.books.fetch(t.Tx, tags); err != nil {
		return err
	}
	// What a tag is on that the ledger has, the ledger knows.
	fresh := slices.DeleteFunc(slices.Clone(tags), func(tag devices.Tag) bool { return t.books.places[tag] != nil })
	if err := t.resolveTags(fresh, t.tagged); err != nil {
		return err
	}
	if err := t.findParents(tags); err != nil {
		return err
	}
	if err := t.findNamed(tags); err != nil {
		return err
	}
	for _, part := range lists(distinct(locations)) {
		err := each(t.ctx, t, `SELECT code FROM location WHERE code IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			code, err := scanText(scan)
			t.known[code] = true
			return err
		}, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot read the locations: %w", err)
		}
	}
	return nil
}

func (t *intakeTx) findParents(tags []devices.Tag) error {
	var ask []devices.Tag
	for _, tag := range tags {
		if _, asked := t.parents[tag]; !asked {
			t.parents[tag] = false
			ask = append(ask, tag)
		}
	}
	for _, part := range lists(ask) {
		err := each(t.ctx, t, `SELECT DISTINCT parent FROM contained WHERE parent IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			p, err := scanTag(scan)
			t.parents[p] = true
			return err
		}, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot find out what is packed in what: %w", err)
		}
	}
	return nil
}

// findNamed finds, of things that the ledger never had by the tag that was read, the tag by which it has them: an event of
// EPCIS has named them before a reader saw them.
func (t *intakeTx) findNamed(tags []devices.Tag) error {
	names := map[string]devices.Tag{}
	for _, tag := range tags {
		if _, asked := t.named[tag]; asked || t.books.places[tag] != nil || t.parents[tag] {
			continue
		}
		t.named[tag] = devices.Tag{}
		if name := capture.Name(tag); name != "" {
			names[name] = tag
		}
	}
	kept, err := t.namedTags(slices.Sorted(maps.Keys(names)))
	if err != nil {
		return err
	}
	var others []devices.Tag
	for name, other := range kept {
		if other != names[name] {
			t.named[names[name]] = other
			others = append(others, other)
		}
	}
	if err := t.books.fetch(t.Tx, others); err != nil {
		return err
	}
	return t.findParents(others)
}

// own gives the tag by which the ledger has a thing.
func (t *intakeTx) own(tag devices.Tag) (devices.Tag, error) {
	if err := t.findNamed([]devices.Tag{tag}); err != nil {
		return tag, err
	}
	if other := t.named[tag]; !other.IsZero() {
		return other, nil
	}
	return tag, nil
}

// Position gives where a thing is, which may have another tag in the ledger than was read of it; nil where it never was.
func (t *intakeTx) Position(tag devices.Tag) (*ledger.Position, error) {
	at, err := t.Tx.Position(tag)
	if err != nil || at != nil {
		return at, err
	}
	other, err := t.own(tag)
	if err != nil || other == tag {
		return nil, err
	}
	return t.Tx.Position(other)
}

// Packed gives all that is in a tag, at any depth.
func (t *intakeTx) Packed(in devices.Tag) ([]devices.Tag, error) {
	in, err := t.own(in)
	if err != nil {
		return nil, err
	}
	if err := t.findParents([]devices.Tag{in}); err != nil || !t.parents[in] {
		return nil, err
	}
	return t.Within(in)
}

// KnownItem reports whether the catalogue has an item.
func (t *intakeTx) KnownItem(item string) (bool, error) {
	var there int
	return t.row(`SELECT 1 FROM item WHERE id = ?`, []any{item}, &there)
}

// Tagged tells what a tag is on.
func (t *intakeTx) Tagged(tag devices.Tag) (intake.Tagged, error) {
	if p := t.books.places[tag]; p != nil {
		return intake.Tagged{Item: p.Item, Lot: p.Lot, Quantity: p.Quantity}, nil
	}
	if err := t.resolveTags([]devices.Tag{tag}, t.tagged); err != nil {
		return intake.Tagged{}, err
	}
	return t.tagged[tag], nil
}

// Post records m, which the stream says is new, on its edge's chain.
func (t *intakeTx) Post(edge string, m ledger.Movement) error {
	if err := t.post(m, edge); err != nil || audit.From(t.ctx) == nil {
		return err
	}
	return t.changed(t.ctx, "movement", m.ID, nil, movementFacts(m))
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
	p := t.books.places[at.Tag]
	if p == nil {
		return fmt.Errorf("%s was never anywhere", at.Tag)
	}
	t.books.add(balanceKey{at.Item, at.Location, at.Lot, at.State}, 0, when)
	p.SeenAt = when
	t.books.put(p)
	return nil
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
	of := series.Of(edge, s)
	if err := t.field.put(of); err != nil {
		return err
	}
	var value any
	if of.HasValue {
		value = of.Value.Float()
	}
	t.samples = append(t.samples, [3]any{of.ID(), s.At.UnixMilli(), value})
	return nil
}

// tell emits what happened, each thing once and as it is now.
func (t *intakeTx) tell() error {
	for _, id := range distinct(t.passes) {
		found, err := list(t.ctx, t.Tx, passColumns+`WHERE id = ?`, scanPass, id)
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
	found, err := list(t.ctx, t.Tx, entryColumns+`WHERE id = ?`, scanQuarantine, id)
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
	err := t.exec(`UPDATE quarantine SET state = ?, closed_by = ?, note = ?, closed_at = ? WHERE id = ? AND state = 'open'`,
		string(state), by, note, stamp(at), id)
	if err != nil {
		return err
	}
	return t.changed(t.ctx, "discrepancy", id, facts{"state": intake.Open}, facts{"state": state, "closed_by": by, "note": note})
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
