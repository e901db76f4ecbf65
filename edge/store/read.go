package store

import (
	"bytes"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
)

// ReadMain reads main records from seq on, checked against their checksums and their chain: at most maxRecords, and
// maxBytes unless the first record alone is larger, and of one epoch. A run may begin above from, where a new epoch
// begins there. A damaged record is parked and reported on the way; the run then goes on behind it, in a new epoch.
func (s *Store) ReadMain(from uint64, maxRecords, maxBytes int) (outbox.Run, error) {
	for range 100 {
		run, damaged, err := s.readRun(from, maxRecords, maxBytes)
		if err != nil || damaged == 0 || len(run.Records) > 0 {
			return run, err
		}
		if err := s.command(func(w *writer) error { return w.repair(damaged) }); err != nil {
			return outbox.Run{}, fmt.Errorf("cannot go on behind damaged record %d: %w", damaged, err)
		}
	}
	return outbox.Run{}, errors.New("cannot read the outbox: every repair found further damage")
}

func (s *Store) readRun(from uint64, maxRecords, maxBytes int) (run outbox.Run, damaged uint64, err error) {
	v := s.view.Load()
	e, first, ok := v.epochs.next(from, v.floor)
	if !ok || maxRecords <= 0 {
		return outbox.Run{}, 0, s.failure()
	}
	run = outbox.Run{Epoch: e.number, EpochStart: e.start}
	hash, size := wire.Hash{}, 0
	err = s.reading(func(txn *badger.Txn) error {
		last := min(e.last, first+uint64(maxRecords)-1)
		eachRow(txn, func(seq uint64) []byte { return mainKey(e.number, seq) }, first, last,
			func(seq uint64, r row, rowErr error) bool {
				if rowErr == nil && len(run.Records) == 0 {
					run.Before, hash = r.before, r.before
				}
				if rowErr != nil || r.before != hash || (seq == e.start && hash != wire.Hash{}) {
					damaged = seq
					return false
				}
				if size += len(r.record); size > maxBytes && len(run.Records) > 0 {
					return false
				}
				hash = wire.Chain(hash, e.number, seq, r.record)
				run.Records = append(run.Records, outbox.Stored{Seq: seq, Kind: r.kind, Bytes: r.record, Hash: hash})
				return true
			})
		return nil
	})
	return run, damaged, err
}

// ReadSamples reads samples from seq on: at most maxRecords, and maxBytes unless the first alone is larger. Seqs
// rise, with gaps where samples were thinned out or are damaged.
func (s *Store) ReadSamples(from uint64, maxRecords, maxBytes int) ([]outbox.Stored, error) {
	v := s.view.Load()
	var out []outbox.Stored
	var damaged []uint64
	size := 0
	err := s.reading(func(txn *badger.Txn) error {
		v.eachSample(txn, from, v.samplesHead, func(seq uint64, r row, err error) bool {
			if err != nil {
				damaged = append(damaged, seq)
				return len(damaged) < expireChunk
			}
			if size += len(r.record); len(out) >= maxRecords || (size > maxBytes && len(out) > 0) {
				return false
			}
			out = append(out, outbox.Stored{Seq: seq, Kind: r.kind, Bytes: r.record})
			return true
		})
		return nil
	})
	if len(damaged) > 0 && err == nil {
		err = s.command(func(w *writer) error { return w.dropSamples(damaged) })
	}
	return out, err
}

// Load gives every key of the state that starts with prefix, in order; key is without the store's own prefix. Both
// slices are fn's to keep. A damaged value is left out, reported in the log; Open has said so in its Recovery.
func (s *Store) Load(prefix []byte, fn func(key, value []byte) error) error {
	damaged := 0
	err := s.reading(func(txn *badger.Txn) error {
		return eachState(txn, prefix, func(key, value []byte, err error) error {
			if err != nil {
				damaged++
				return nil
			}
			return fn(bytes.Clone(key[1:]), bytes.Clone(value))
		})
	})
	if damaged > 0 {
		s.opt.Log.Error("state values are damaged and left out", "count", damaged, "dir", s.opt.Dir)
	}
	if err != nil {
		return fmt.Errorf("cannot load state %q: %w", prefix, err)
	}
	return nil
}

func eachState(txn *badger.Txn, prefix []byte, visit func(key, value []byte, err error) error) error {
	return eachValue(txn, prefixed(statePrefix, prefix), func(key, b []byte) error {
		value, err := unseal(key, b)
		return visit(key, value, err)
	})
}

// eachRow visits the rows of every seq from first to last. Badger's iterators stop without an error at a damaged block, so a
// row that the iterator leaves out is asked for by its key, and is damaged when it is not there either.
func eachRow(txn *badger.Txn, key func(uint64) []byte, first, last uint64, visit func(uint64, row, error) bool) {
	if last < first {
		return
	}
	size := int(min(last-first+1, 100))
	it := newRows(txn, size, key(first)[0])
	defer it.close()
	it.seek(key(first))
	for seq := first; seq <= last; seq++ {
		k := key(seq)
		var r row
		var err error
		if item := it.at(k); item != nil {
			r, err = itemRow(item, k)
			it.next()
		} else {
			r, err = getRow(txn, k)
		}
		if !visit(seq, r, err) {
			return
		}
	}
}

func itemRow(item *badger.Item, key []byte) (r row, err error) {
	err = guarded(func() error {
		return item.Value(func(b []byte) error {
			r, err = decodeRow(key, bytes.Clone(b))
			return err
		})
	})
	return r, err
}

func getRow(txn *badger.Txn, key []byte) (r row, err error) {
	err = guarded(func() error {
		item, err := txn.Get(key)
		if err != nil {
			return fmt.Errorf("row is missing: %w", err)
		}
		r, err = itemRow(item, key)
		return err
	})
	return r, err
}

// eachSample visits the samples from seq from to seq to, without those that are gone and those that never were.
func (c cursor) eachSample(txn *badger.Txn, from, to uint64, visit func(uint64, row, error) bool) {
	going := true
	watch := func(seq uint64, r row, err error) bool {
		going = visit(seq, r, err)
		return going
	}
	from, to = max(from, c.samplesFloor), min(to, c.samplesHead)
	if c.gap.from > from && c.gap.from <= to {
		eachRow(txn, sampleKey, from, c.gap.from-1, watch)
		from = c.gap.from
	}
	if going {
		eachRow(txn, sampleKey, c.gap.skip(from), to, watch)
	}
}
