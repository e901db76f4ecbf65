package store

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/cespare/xxhash/v2"
	badger "github.com/dgraph-io/badger/v4"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
)

// stage collects the changes of one commit and the cursor that they lead to.
type stage struct {
	cursor
	writes  []write
	records int
	bytes   int
	now     time.Time
	sums    *stateSums
	undo    []sumChange
}

// write is one key to set, or to delete where value is nil.
type write struct{ key, value []byte }

func (st *stage) set(key, value []byte) {
	st.writes = append(st.writes, write{key, value})
	st.bytes += len(key) + len(value) + 16
}

func (st *stage) remove(key []byte) { st.set(key, nil) }

// add stages a batch. When it fails, or when the stage would grow beyond the limits, it is as before.
func (st *stage) add(b Batch, most limits) (Committed, error) {
	before := *st
	c, err := st.addRecords(b)
	if err == nil {
		st.addState(b)
		err = most.check(st)
	}
	if err != nil {
		st.sums.revert(st.undo[len(before.undo):])
		writes := st.writes
		*st = before
		clear(writes[len(st.writes):])
		return Committed{}, err
	}
	st.records += len(b.Records) + len(b.Samples)
	return c, nil
}

func (st *stage) addRecords(b Batch) (Committed, error) {
	var c Committed
	for _, r := range b.Records {
		r.Seq = st.head + 1
		record, err := wire.EncodeRecord(r)
		if err != nil {
			return c, err
		}
		st.addMain(kindOf(r), record)
	}
	for _, r := range b.Samples {
		r.Seq = st.samplesHead + 1
		record, err := wire.EncodeRecord(r)
		if err != nil {
			return c, err
		}
		st.addSample(record)
	}
	if n := uint64(len(b.Records)); n > 0 {
		c.First, c.Last = st.head-n+1, st.head
	}
	if n := uint64(len(b.Samples)); n > 0 {
		c.FirstSample, c.LastSample = st.samplesHead-n+1, st.samplesHead
	}
	return c, nil
}

// addMain puts the next record of the main stream, whose bytes carry the seq head+1.
func (st *stage) addMain(kind outbox.Kind, record []byte) {
	seq := st.head + 1
	r := row{kind: kind, stored: st.now, offset: st.mainBytes, before: st.headHash, record: record}
	key := mainKey(st.epoch, seq)
	st.set(key, encodeRow(key, r))
	st.head, st.headHash = seq, wire.Chain(st.headHash, st.epoch, seq, record)
	st.mainBytes += r.size()
}

func (st *stage) addSample(record []byte) {
	st.samplesHead++
	r := row{kind: outbox.Sample, stored: st.now, offset: st.samplesBytes, record: record}
	key := sampleKey(st.samplesHead)
	st.set(key, encodeRow(key, r))
	st.samplesBytes += r.size()
}

func (st *stage) addState(b Batch) {
	for _, kv := range b.Put {
		key := prefixed(statePrefix, kv.Key)
		st.set(key, sealed(key, kv.Value))
		st.change(key, xxhash.Sum64(kv.Value), true)
	}
	for _, k := range b.Delete {
		key := prefixed(statePrefix, k)
		st.remove(key)
		st.change(key, 0, false)
	}
	for _, id := range b.Commands {
		key := prefixed(commandPrefix, []byte(id))
		st.set(key, sealed(key, timeBytes(st.now)))
	}
}

// change brings the state's count and sum to what they are with the key set, or gone.
func (st *stage) change(key []byte, hash uint64, present bool) {
	id := st.sums.id(key)
	old, had := st.sums.of[id]
	st.undo = append(st.undo, sumChange{id, old, had})
	if had {
		st.stateCount--
		st.stateSum -= old
	}
	if present {
		sum := pairSum(key, hash)
		st.stateCount++
		st.stateSum += sum
		st.sums.of[id] = sum
	} else {
		delete(st.sums.of, id)
	}
}

// pairSum is the share of one key and the hash of its value in the sum of the state.
func pairSum(key []byte, valueHash uint64) uint64 {
	return (xxhash.Sum64(key) ^ (valueHash * 0x9e3779b97f4a7c15)) * 0xff51afd7ed558ccd
}

// stateSums remembers the share of every key, so that a change needs no read.
type stateSums struct {
	seed maphash.Seed
	of   map[uint64]uint64
}

type sumChange struct {
	id, old uint64
	had     bool
}

func newStateSums() *stateSums {
	return &stateSums{seed: maphash.MakeSeed(), of: make(map[uint64]uint64)}
}

func (s *stateSums) id(key []byte) uint64 { return maphash.Bytes(s.seed, key) }

func (s *stateSums) revert(changes []sumChange) {
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		if c.had {
			s.of[c.id] = c.old
		} else {
			delete(s.of, c.id)
		}
	}
}

// limits of one commit: what a group may hold, and what Badger takes in one transaction.
type limits struct{ entries, bytes int }

func limitsOf(db *badger.DB) limits {
	return limits{entries: int(db.MaxBatchCount()) * 3 / 4, bytes: int(db.MaxBatchSize()) * 3 / 4}
}

func (l limits) check(st *stage) error {
	if len(st.writes) >= l.entries || st.bytes >= l.bytes {
		return fmt.Errorf("%w: %d keys and %d bytes; less than %d and %d are possible",
			ErrTooLarge, len(st.writes), st.bytes, l.entries, l.bytes)
	}
	return nil
}
