package load

import (
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// row is a record of the main stream.
type row struct {
	raw   []byte
	hash  wire.Hash
	due   time.Duration // when it was to be decided, since the run began; uncounted = its latency does not count, or no longer
	alarm bool          // goes on the topic of alarms
	moves bool          // is a movement
}

const uncounted time.Duration = -1

// outbox is the main stream of one edge, in memory: all that the hub has not acked, and some of what it has.
type outbox struct {
	edge   string
	epoch  uint64
	start  uint64    // seq of the epoch's first record
	first  uint64    // seq of rows[0]
	before wire.Hash // of the record before rows[0]
	rows   []row
	acked  uint64
	high   uint64 // highest acked so far of this epoch
	keep   int
}

func newOutbox(edge string, epoch uint64, keep int) outbox {
	return outbox{edge: edge, epoch: epoch, start: 1, first: 1, keep: keep}
}

// head is the last seq; start-1 where there is none.
func (o *outbox) head() uint64 { return o.first + uint64(len(o.rows)) - 1 }

// waiting is how many records the hub has not acked.
func (o *outbox) waiting() int { return int(o.head() - o.acked) }

// add numbers a record and keeps it.
func (o *outbox) add(r wire.Record, due time.Duration) error {
	r.Seq = o.head() + 1
	raw, err := wire.EncodeRecord(r)
	if err != nil {
		return fmt.Errorf("edge %s: %w", o.edge, err)
	}
	o.link(row{raw: raw, due: due, alarm: r.Alarm != nil || r.Answer != nil, moves: r.Movement != nil})
	return nil
}

// link puts a row behind the last one.
func (o *outbox) link(r row) {
	r.hash = wire.Chain(o.hashBefore(o.head()+1), o.epoch, o.head()+1, r.raw)
	o.rows = append(o.rows, r)
}

// hashBefore is the hash of the record before seq, which is here or one behind the last.
func (o *outbox) hashBefore(seq uint64) wire.Hash {
	switch {
	case seq == o.start:
		return wire.Hash{}
	case seq == o.first:
		return o.before
	default:
		return o.rows[seq-1-o.first].hash
	}
}

// read gives at most n rows, and maxBytes of records, from seq on.
func (o *outbox) read(seq uint64, n int) []row {
	if seq < o.first || seq > o.head() {
		return nil
	}
	rows := o.rows[seq-o.first:]
	rows = rows[:min(n, len(rows))]
	bytes := 0
	for i := range rows {
		if bytes += len(rows[i].raw); bytes > maxEnvelopeBytes && i > 0 {
			return rows[:i]
		}
	}
	return rows
}

// result is what an ack changed.
type result uint8

const (
	same     result = iota
	forward         // the hub has more than before
	rewound         // it has less: what it lacks goes again
	stale           // an old word that the broker had kept
	gap             // it wants what is no longer here
	newEpoch        // the histories had parted
)

// ack takes the hub's word. kept: the broker had kept it, so it may be old; insisted: the hub has asked for the same thing
// several times, so it will not be had in any other way. New are the rows that no ack had covered before.
func (o *outbox) ack(a wire.Ack, kept, insisted bool) (res result, fresh []row, err error) {
	if o.parted(a) {
		return newEpoch, nil, o.startAfter(a)
	}
	target := a.Upto
	if a.Epoch < o.epoch {
		target = o.start - 1 // it has nothing of this epoch
	}
	switch {
	case target < o.acked && kept:
		return stale, nil, nil
	case target+1 < o.first && !insisted:
		return gap, nil, nil
	case target+1 < o.first:
		o.startAtFirst()
		return newEpoch, nil, nil
	case target < o.acked:
		o.acked = target
		return rewound, nil, nil
	case target == o.acked:
		return same, nil, nil
	}
	o.acked = target
	if target > o.high {
		fresh = o.rows[max(o.high+1, o.first)-o.first : target+1-o.first]
		o.high = target
	}
	return forward, fresh, nil
}

// parted reports whether the hub knows another history than this one.
func (o *outbox) parted(a wire.Ack) bool {
	switch {
	case a.Epoch > o.epoch, a.Epoch == o.epoch && a.Upto > o.head():
		return true
	case a.Epoch < o.epoch || a.Upto+1 < o.first || a.Upto+1 <= o.start:
		return false
	}
	return o.hashBefore(a.Upto+1) != a.Hash
}

// startAfter begins an epoch above all that the hub has, with what it has not acked under new seqs.
func (o *outbox) startAfter(a wire.Ack) error {
	waiting := o.rows[o.acked+1-o.first:]
	next := outbox{edge: o.edge, epoch: max(a.Epoch, o.epoch) + 1, start: max(o.head(), a.Upto) + 1, keep: o.keep}
	next.first, next.acked, next.high = next.start, next.start-1, next.start-1
	for _, r := range waiting {
		rec, err := wire.DecodeRecord(r.raw)
		if err != nil {
			return fmt.Errorf("edge %s: %w", o.edge, err)
		}
		rec.Seq = next.head() + 1
		if r.raw, err = wire.EncodeRecord(rec); err != nil {
			return fmt.Errorf("edge %s: %w", o.edge, err)
		}
		next.link(r)
	}
	*o = next
	return nil
}

// startAtFirst begins an epoch with the first record that is still here, for a hub that wants older ones.
func (o *outbox) startAtFirst() {
	rows := slices.Clone(o.rows)
	*o = outbox{
		edge: o.edge, epoch: o.epoch + 1, start: o.first, first: o.first, acked: o.first - 1, high: max(o.high, o.first-1), keep: o.keep,
	}
	for _, r := range rows {
		o.link(r)
	}
}

// trim forgets acked rows beyond those that are kept, some at a time.
func (o *outbox) trim() {
	spare := int(o.acked+1-o.first) - o.keep
	if spare <= 0 || spare < o.keep/4 {
		return
	}
	o.before = o.rows[spare-1].hash
	o.first += uint64(spare)
	if left := o.rows[spare:]; cap(o.rows) > 2*len(left)+o.keep {
		o.rows = append(make([]row, 0, len(left)+o.keep/2), left...) // so that a backlog that is over costs nothing
		return
	}
	o.rows = slices.Delete(o.rows, 0, spare)
}

// samples is the sample stream of one edge, in memory: what the hub has not acked, at most maxSamples. Acked ones are
// forgotten, so a hub that was restored from a copy does not get them again.
type samples struct {
	rows    [][]byte
	first   uint64 // seq of rows[0]
	thinned uint64
}

const maxSamples = 1000

func (s *samples) head() uint64 { return s.first + uint64(len(s.rows)) - 1 }

func (s *samples) add(r wire.Record) error {
	r.Seq = s.head() + 1
	raw, err := wire.EncodeRecord(r)
	if err != nil {
		return err
	}
	s.rows = append(s.rows, raw)
	if len(s.rows) > maxSamples {
		s.drop(1)
		s.thinned++
	}
	return nil
}

func (s *samples) drop(n int) {
	s.rows = slices.Delete(s.rows, 0, n)
	s.first += uint64(n)
}

// read gives at most n samples from seq on, or from the first one here, and the seq of the first given.
func (s *samples) read(seq uint64, n int) (uint64, [][]byte) {
	seq = max(seq, s.first)
	rows := s.rows[min(seq-s.first, uint64(len(s.rows))):]
	return seq, rows[:min(n, len(rows))]
}

// ack takes the hub's word and tells how many samples it covered.
func (s *samples) ack(upto uint64) int {
	if upto < s.first || upto > s.head() {
		return 0
	}
	n := int(upto + 1 - s.first)
	s.drop(n)
	return n
}
