package store

import (
	"fmt"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
)

// Ack takes the hub's word on what it has committed. See outbox.Word for what it may change. When the hub knows records that this
// store never made, or another history, the store was restored or replaced: all that is not acked moves into a new epoch
// with seqs above the hub's, because a record sent twice moves goods to where they are, and one not sent is lost.
func (s *Store) Ack(a wire.Ack, word outbox.Word) (outbox.Result, error) {
	if a.Edge != s.opt.Edge {
		return outbox.Same, fmt.Errorf("ack is for edge %q; this is %s", a.Edge, s.opt.Edge)
	}
	result := outbox.Same
	err := s.command(func(w *writer) error {
		if err := w.failure(); err != nil {
			return err
		}
		var err error
		if result, err = w.ack(a, word); err == nil {
			err = w.ackSamples(a, word)
		}
		return err
	})
	if err != nil {
		return result, fmt.Errorf("cannot take ack %d/%d: %w", a.Epoch, a.Upto, err)
	}
	return result, nil
}

func (w *writer) ack(a wire.Ack, word outbox.Word) (outbox.Result, error) {
	all := w.all()
	e, known := all.find(a.Epoch)
	if a.Epoch > w.epoch || (known && a.Upto > e.lost) {
		return w.parted(a, w.acked.seq)
	}
	if known && !e.empty() && a.Upto >= e.start && a.Upto <= e.last {
		if h, ok := w.hashAt(e, a.Upto); ok && h != a.Hash {
			return w.parted(a, min(w.acked.seq, a.Upto-1))
		}
	}
	target := a.Upto
	if !known {
		target = 0 // an epoch that is forgotten, or a hub that knows nothing
	}
	return w.follow(a, target, word)
}

// follow moves the cursor to target, the last record that the hub has.
func (w *writer) follow(a wire.Ack, target uint64, word outbox.Word) (outbox.Result, error) {
	behind := target < w.acked.seq
	if behind && word == outbox.Retained {
		return outbox.Stale, nil
	}
	to := acked{epoch: a.Epoch, seq: target, hash: a.Hash}
	if next, ok := w.deliverable(a.Epoch, target); !ok {
		if !behind && target > w.acked.seq {
			w.noteAcked(to)
		}
		if word != outbox.Insisted {
			return outbox.Gap, nil
		}
		if err := w.move(next, 0, w.epoch, w.cursor.head+1, w.all().cut(next)); err != nil {
			return outbox.Gap, err
		}
		w.noteAcked(to)
		return outbox.NewEpoch, nil
	}
	switch {
	case behind:
		w.noteAcked(to)
		return outbox.Rewound, nil
	case target > w.acked.seq:
		w.noteAcked(to)
		return outbox.Forward, nil
	default:
		return outbox.Same, nil
	}
}

// deliverable tells whether a hub that has committed up to seq of an epoch will take what comes next here: the next
// seq of its epoch, or the first of a later one. next is the seq that comes.
func (w *writer) deliverable(epoch, seq uint64) (next uint64, ok bool) {
	e, next, there := w.all().next(seq+1, w.floor)
	if !there {
		e, next = epochOf(w), w.cursor.head+1
	}
	return next, (e.number == epoch && next == seq+1) || (e.number > epoch && next == e.start)
}

func epochOf(w *writer) epoch {
	return epoch{number: w.epoch, start: w.epochStart, last: w.cursor.head, lost: w.cursor.head}
}

// parted moves what is not acked into a new epoch above the hub's, because the hub knows another history.
func (w *writer) parted(a wire.Ack, shared uint64) (outbox.Result, error) {
	w.opt.Log.Error("the hub knows another history than this store; a new epoch begins", "hub_epoch", a.Epoch,
		"hub_upto", a.Upto, "epoch", w.epoch, "head", w.cursor.head, "acked", w.acked.seq)
	all := w.all()
	start := max(w.cursor.head, a.Upto) + 1
	closed := all.cut(w.acked.seq + 1)
	for i, e := range closed {
		if e.number == a.Epoch {
			closed[i].last = min(e.last, max(shared, e.start-1))
			closed[i].lost = max(e.lost, a.Upto)
		}
	}
	if _, known := all.find(a.Epoch); !known {
		closed = append(closed, epoch{number: a.Epoch, start: a.Upto + 1, last: a.Upto, lost: a.Upto})
	}
	if err := w.move(w.acked.seq+1, start, max(a.Epoch, w.epoch), start, closed); err != nil {
		return outbox.Same, err
	}
	w.noteAcked(acked{epoch: a.Epoch, seq: start - 1})
	return outbox.NewEpoch, nil
}

func (w *writer) noteAcked(to acked) {
	w.acked = to
	w.noteTurn()
}

// noteTurn has the head file written soon. An ack that a crash loses is heard again.
func (w *writer) noteTurn() {
	w.ackTurn++
	w.unwritten = true
	w.idle.Reset(idleConfirm)
	w.publish()
}

// hashAt gives the chain hash of a record of an epoch, where it is still known.
func (w *writer) hashAt(e epoch, seq uint64) (h wire.Hash, ok bool) {
	switch {
	case e.number == w.epoch && seq == w.cursor.head:
		return w.headHash, true
	case e.number == w.acked.epoch && seq == w.acked.seq && w.acked.hash != wire.Hash{}:
		return w.acked.hash, true
	}
	w.viewing(func(txn *badger.Txn) {
		if r, err := getRow(txn, mainKey(e.number, seq+1)); err == nil && seq < e.last {
			h, ok = r.before, true
		} else if r, err := getRow(txn, mainKey(e.number, seq)); err == nil {
			h, ok = wire.Chain(r.before, e.number, seq, r.record), true
		}
	})
	return h, ok
}

func (w *writer) ackSamples(a wire.Ack, word outbox.Word) error {
	upto := a.SamplesUpto
	switch {
	case upto > w.samplesHead:
		if err := w.renumberSamples(upto); err != nil {
			return err
		}
		w.samplesAcked = upto
	case upto > w.samplesAcked:
		w.samplesAcked = upto
	case upto < w.samplesAcked && word != outbox.Retained && w.samplesFloor <= w.samplesAcked:
		w.samplesAcked = max(upto, w.samplesFloor-1)
	default:
		return nil
	}
	w.noteTurn()
	return nil
}

// renumberSamples gives the samples that are not acked seqs above base, which the hub has from elsewhere.
func (w *writer) renumberSamples(base uint64) error {
	old := w.cursor
	from := max(old.samplesAcked+1, old.samplesFloor)
	for rows := w.chunk() / 2; ; {
		st := w.stage()
		if from <= old.samplesHead {
			from = w.moveSamples(st, old, from, rows, base)
		}
		st.samplesHead, st.gap = max(st.samplesHead, base), gap{from: old.samplesHead + 1, to: base}
		st.samplesFloor = from
		if from > old.samplesHead {
			st.samplesFloor = base + 1
		}
		if err := w.commit(st); err != nil || from > old.samplesHead {
			return err
		}
	}
}

// moveSamples stages at most n of the samples from seq on under new seqs, and gives the seq to go on from.
func (w *writer) moveSamples(st *stage, old cursor, from uint64, n int, base uint64) (next uint64) {
	st.samplesHead = max(st.samplesHead, base)
	next = old.samplesHead + 1
	w.viewing(func(txn *badger.Txn) {
		old.eachSample(txn, from, old.samplesHead, func(seq uint64, r row, err error) bool {
			if n--; n < 0 {
				next = seq
				return false
			}
			var record []byte
			if err == nil {
				record, err = renumbered(r.record, st.samplesHead+1)
			}
			if err != nil {
				st.damaged++
			} else {
				st.addSample(record)
			}
			st.remove(sampleKey(seq))
			return true
		})
	})
	return next
}
