package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// Config says how to take.
type Config struct {
	Hub       string           // id of the hub's database, for acks
	Threshold uint16           // confidence in permille from which a movement posts by itself
	Patience  time.Duration    // of the machine's clock: how long an edge is asked for what is missing before its new epoch; 0 = 10 s
	Now       func() time.Time // business time
	NewID     func() string    // UUIDv7
}

// Intake takes envelopes in. Take is for one goroutine; the other methods are safe for concurrent use.
type Intake struct {
	store     Store
	hub       string
	threshold uint16
	patience  time.Duration
	now       func() time.Time
	newID     func() string
	offers    map[string]offer  // by edge: new epochs that leave a gap
	breaks    map[string]string // by edge: the break that was seen last, by its key
}

// offer is a new epoch that would leave a gap after upto.
type offer struct {
	epoch, upto uint64
	since       time.Time
}

// New makes an Intake.
func New(c Config, store Store) *Intake {
	if c.Patience == 0 {
		c.Patience = 10 * time.Second
	}
	return &Intake{
		store: store, hub: c.Hub, threshold: c.Threshold, patience: c.Patience, now: c.Now, newID: c.NewID,
		offers: map[string]offer{}, breaks: map[string]string{},
	}
}

// Result is what became of a batch.
type Result struct {
	Acks     []wire.Ack // to publish now, one for each edge of the batch
	Records  int        // main records taken, parked ones among them
	Samples  int        // samples taken
	Parked   int        // records put into the quarantine
	Skipped  int        // records and samples that had been taken before
	Unfit    int        // envelopes that were not next: gaps, old epochs, broken chains
	Careful  bool       // the database refused a record, which was found and parked
	touched  map[string]*Stream
	order    []string
	accepted map[string]bool // edges whose offer was accepted in this batch
}

// Take takes a batch of envelopes, in order and in one transaction. On an error nothing was taken, and the same batch
// may be taken again.
func (in *Intake) Take(ctx context.Context, batch []wire.Envelope) (Result, error) {
	r, err := in.take(ctx, batch, false)
	if errors.Is(err, ErrRefused) {
		r, err = in.take(ctx, batch, true)
	}
	if err != nil {
		return Result{}, fmt.Errorf("cannot take %d envelopes: %w", len(batch), err)
	}
	for edge := range r.accepted {
		delete(in.offers, edge)
	}
	return r, nil
}

func (in *Intake) take(ctx context.Context, batch []wire.Envelope, careful bool) (Result, error) {
	var r Result
	err := in.store.Take(ctx, func(tx Tx) error {
		r = Result{Careful: careful, touched: map[string]*Stream{}, accepted: map[string]bool{}}
		letters, err := in.open(tx, &r, batch)
		if err != nil {
			return err
		}
		for _, l := range letters {
			if err := in.takeOne(tx, &r, l); err != nil {
				return err
			}
		}
		for _, edge := range r.order {
			s := *r.touched[edge]
			if err := tx.PutStream(s); err != nil {
				return err
			}
			r.Acks = append(r.Acks, s.Ack(in.hub, in.now().UTC()))
		}
		return nil
	})
	return r, err
}

// letter is an envelope with its records read.
type letter struct {
	wire.Envelope
	records []record
}

// open reads the records of a batch, the streams that they belong to, and what the records will ask for.
func (in *Intake) open(tx Tx, r *Result, batch []wire.Envelope) ([]letter, error) {
	letters := make([]letter, len(batch))
	var all []record
	for i, e := range batch {
		begin := len(all)
		for _, raw := range e.Records {
			all = append(all, decode(raw))
		}
		letters[i] = letter{Envelope: e, records: all[begin:len(all):len(all)]}
		if r.touched[e.Edge] == nil {
			r.touched[e.Edge] = &Stream{}
			r.order = append(r.order, e.Edge)
		}
	}
	streams, err := tx.Streams(r.order)
	if err != nil {
		return nil, err
	}
	for i := range streams {
		r.touched[streams[i].Edge] = &streams[i]
	}
	return letters, expect(tx, all)
}

func (in *Intake) takeOne(tx Tx, r *Result, l letter) error {
	s := r.touched[l.Edge]
	if l.Stream == wire.SampleStream {
		return in.takeSamples(tx, r, s, l)
	}
	return in.takeMain(tx, r, s, l)
}

func (in *Intake) takeMain(tx Tx, r *Result, s *Stream, l letter) error {
	e := l.Envelope
	j := s.Judge(e)
	if j.Verdict == EpochGap && in.offeredLongEnough(s, e) {
		r.accepted[e.Edge] = true
		detail := fmt.Sprintf("records %d to %d, between epoch %d and epoch %d, never came: the edge lost them",
			s.Upto+1, e.EpochStart-1, s.Epoch, e.Epoch)
		key := fmt.Sprintf("%s/%d/gap", e.Edge, e.Epoch)
		if err := in.note(tx, key, e.Edge, e.Epoch, s.Upto+1, refusal{GapOfEpochs, detail}, nil); err != nil {
			return err
		}
		j.Verdict = Next
	}
	switch j.Verdict {
	case Next:
		if e.Epoch > s.Epoch {
			s.begin(e)
		}
		r.Skipped += j.Skip
		return in.takeRecords(tx, r, s, l.records[j.Skip:])
	case Known:
		r.Skipped += len(e.Records)
		return nil
	case Broken:
		r.Unfit++
		detail := fmt.Sprintf("at record %d the edge's chain says %x and the hub's says %x: the edge's store was replaced; "+
			"it should begin a new epoch; retry accepts its history from here on", s.Upto, j.Hash, s.Hash)
		key := fmt.Sprintf("%s/%d/%d/chain/%x", e.Edge, e.Epoch, s.Upto, j.Hash)
		if in.breaks[e.Edge] != key {
			in.breaks[e.Edge] = key
			return nil
		}
		return in.note(tx, key, e.Edge, e.Epoch, s.Upto, refusal{ChainBroken, detail}, j.Hash[:])
	default:
		r.Unfit++
		return nil
	}
}

// offeredLongEnough notes that the edge offers a new epoch after a gap, and reports whether it was asked for the missing
// records long enough ago.
func (in *Intake) offeredLongEnough(s *Stream, e wire.Envelope) bool {
	o, ok := in.offers[e.Edge]
	if !ok || o.epoch != e.Epoch || o.upto != s.Upto {
		in.offers[e.Edge] = offer{e.Epoch, s.Upto, time.Now()}
		return false
	}
	return time.Since(o.since) >= in.patience
}

func (in *Intake) takeRecords(tx Tx, r *Result, s *Stream, records []record) error {
	for _, rec := range records {
		o := origin{edge: s.Edge, epoch: s.Epoch, seq: s.Upto + 1}
		why, err := in.applyGuarded(tx, r.Careful, o, rec)
		if err != nil {
			return err
		}
		if why != nil {
			r.Parked++
			if err := in.park(tx, o, rec, *why); err != nil {
				return err
			}
		}
		s.take(rec.raw)
		r.Records++
	}
	return nil
}

// applyGuarded applies a record; when careful, one that the database refuses is undone and refused by itself.
func (in *Intake) applyGuarded(tx Tx, careful bool, o origin, r record) (why *refusal, err error) {
	if !careful {
		return in.apply(tx, o, r)
	}
	err = tx.Savepoint(func() error {
		why, err = in.apply(tx, o, r)
		return err
	})
	if errors.Is(err, ErrRefused) {
		return &refusal{Inapplicable, err.Error()}, nil
	}
	return why, err
}

// takeSamples takes the samples that are new; samples may have gaps.
func (in *Intake) takeSamples(tx Tx, r *Result, s *Stream, e letter) error {
	for _, rec := range e.records {
		if rec.Seq > 0 && !s.takeSample(e.Epoch, rec.Seq) {
			r.Skipped++
			continue
		}
		why := sampleRefusal(rec)
		if why == nil {
			var err error
			if why, err = in.putSample(tx, r.Careful, e.Edge, *rec.Sample); err != nil {
				return err
			}
		}
		if why != nil {
			r.Parked++
			key := fmt.Sprintf("%s/%d/%d/sample/%08x", e.Edge, e.Epoch, rec.Seq, wire.Checksum(rec.raw))
			if err := in.note(tx, key, e.Edge, e.Epoch, rec.Seq, *why, rec.raw); err != nil {
				return err
			}
		}
		r.Samples++
	}
	return nil
}

func sampleRefusal(r record) *refusal {
	switch {
	case r.err != nil:
		return &refusal{Undecodable, r.err.Error()}
	case r.Sample == nil:
		return &refusal{WrongStream, "a record of the main stream among the samples"}
	}
	return nil
}

func (in *Intake) putSample(tx Tx, careful bool, edge string, s wire.Sample) (*refusal, error) {
	put := func() error { return tx.PutSample(edge, s) }
	if !careful {
		return nil, put()
	}
	err := tx.Savepoint(put)
	if errors.Is(err, ErrRefused) {
		return &refusal{Inapplicable, err.Error()}, nil
	}
	return nil, err
}

// BadMessage notes a message that is no envelope, or not one of the edge whose topic it came on. The same bytes are noted
// once.
func (in *Intake) BadMessage(ctx context.Context, edge string, message []byte, cause error) error {
	sum := sha256.Sum256(message)
	key := "message/" + edge + "/" + hex.EncodeToString(sum[:16])
	return in.store.Take(ctx, func(tx Tx) error {
		return in.note(tx, key, edge, 0, 0, refusal{BadMessage, cause.Error()}, message)
	})
}

// Acks gives an ack for every edge that was ever heard.
func (in *Intake) Acks(ctx context.Context) ([]wire.Ack, error) {
	streams, err := in.store.Streams(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read the streams: %w", err)
	}
	acks := make([]wire.Ack, 0, len(streams))
	for _, s := range streams {
		acks = append(acks, s.Ack(in.hub, in.now().UTC()))
	}
	return acks, nil
}

// Status stores what an edge says of itself. It gives the ack to answer with, in which Epoch 0 says that nothing of the
// edge was ever taken, and the commands that the edge has not answered yet.
func (in *Intake) Status(ctx context.Context, s wire.Status) (wire.Ack, []wire.Command, error) {
	stream, pending, err := in.store.Status(ctx, s)
	if err != nil {
		return wire.Ack{}, nil, fmt.Errorf("cannot store the status of edge %s: %w", s.Edge, err)
	}
	return stream.Ack(in.hub, in.now().UTC()), pending, nil
}

// Silent notes that edges are offline of which nothing was heard lately.
func (in *Intake) Silent(ctx context.Context, silent func(edge string) bool) error {
	return in.store.Silent(ctx, silent)
}
