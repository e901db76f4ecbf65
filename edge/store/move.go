package store

import (
	"bytes"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/tallydock/tallydock/devices/wire"
)

// move carries rows into new epochs. Rows keep their seqs, or get new ones from renumber on where that is not 0. Where the
// row before is missing or damaged, another epoch begins. Nothing of it is seen before the last of its commits; rows
// that a crash leaves outside of every epoch are removed when the store is opened.
type move struct {
	*writer
	st       *stage
	renumber uint64
	number   uint64    // of the epoch that is open
	opened   []epoch   // in order; the last one is open
	hash     wire.Hash // of the last row
	parked   []write
	damaged  uint64
}

// move begins a new epoch, with a number above most, and takes the rows of all epochs from seq on along. start is the
// least seq that a later record may have. closed are the epochs as they are to be afterwards.
func (w *writer) move(from, renumber, most, start uint64, closed epochs) error {
	if !w.roomy() {
		return fmt.Errorf("cannot begin a new epoch: %w", w.space.err())
	}
	m := &move{writer: w, renumber: renumber, number: max(most, w.epoch)}
	if err := m.begin(); err != nil {
		return err
	}
	err := m.rows(from)
	if err != nil {
		return err
	}
	if err := m.finish(start, closed); err != nil {
		return err
	}
	return w.removeOrphans()
}

func (m *move) begin() error {
	m.st = m.stage()
	m.st.moving = 1
	return m.flush()
}

func (m *move) flush() error {
	if err := m.commit(m.st); err != nil {
		return err
	}
	m.st = m.stage()
	return nil
}

func (m *move) rows(from uint64) error {
	v := m.view.Load()
	var failed error
	for {
		e, first, ok := v.epochs.next(from, v.floor)
		if !ok {
			return nil
		}
		err := m.reading(func(txn *badger.Txn) error {
			key := func(seq uint64) []byte { return mainKey(e.number, seq) }
			eachRow(txn, key, first, e.last, func(seq uint64, r row, err error) bool {
				failed = m.row(txn, e.number, seq, r, err)
				return failed == nil
			})
			return nil
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		from = e.last + 1
	}
}

func (m *move) row(txn *badger.Txn, number, seq uint64, r row, err error) error {
	record := r.record
	if err == nil && m.renumber != 0 {
		record, err = renumbered(r.record, m.renumber)
	}
	if err != nil {
		m.park(txn, number, seq, err)
		return nil
	}
	if m.renumber != 0 {
		seq = m.renumber
		m.renumber++
	}
	m.openAt(seq)
	open := &m.opened[len(m.opened)-1]
	r.before, r.record = m.hash, record
	key := mainKey(open.number, seq)
	m.st.set(key, encodeRow(key, r))
	m.hash = wire.Chain(m.hash, open.number, seq, record)
	open.last, open.lost = seq, seq
	if len(m.st.writes) >= m.chunk() || m.st.bytes >= min(maxGroupBytes, m.most.bytes/2) {
		return m.flush()
	}
	return nil
}

// openAt opens a new epoch at seq unless the open one goes on there.
func (m *move) openAt(seq uint64) {
	if n := len(m.opened); n > 0 && m.opened[n-1].last+1 == seq {
		return
	}
	m.number++
	m.opened = append(m.opened, epoch{number: m.number, start: seq, last: seq - 1, lost: seq - 1})
	m.hash = wire.Hash{}
}

func (m *move) park(txn *badger.Txn, number, seq uint64, why error) {
	m.damaged++
	m.opt.Log.Error("record is damaged and parked", "epoch", number, "seq", seq, "err", why)
	item, err := getItem(txn, mainKey(number, seq))
	if err != nil || len(m.parked) >= expireChunk {
		return
	}
	if b, err := item.ValueCopy(nil); err == nil {
		m.parked = append(m.parked, write{parkedKey(wire.MainStream, number, seq), b})
	}
}

func renumbered(record []byte, seq uint64) ([]byte, error) {
	r, err := wire.DecodeRecord(record)
	if err != nil {
		return nil, err
	}
	r.Seq = seq
	return wire.EncodeRecord(r)
}

// finish makes the new epochs the store's.
func (m *move) finish(start uint64, closed epochs) error {
	n := len(m.opened)
	if n == 0 || m.opened[n-1].last+1 < start {
		m.openAt(start)
		n = len(m.opened)
	}
	open := m.opened[n-1]
	closed = append(closed, m.opened[:n-1]...)
	st := m.st
	for _, e := range m.epochs {
		st.remove(epochKey(e.number))
	}
	for _, e := range closed {
		st.set(epochKey(e.number), encodeEpoch(e))
	}
	for _, p := range m.parked {
		if st.bytes+len(p.value) < m.most.bytes/2 {
			st.set(p.key, bytes.Clone(p.value))
		}
	}
	st.epoch, st.epochStart, st.head, st.headHash = open.number, open.start, open.last, m.hash
	st.damaged += m.damaged
	if err := m.commit(st); err != nil {
		return err
	}
	m.writer.epochs = closed
	m.publish()
	m.opt.Log.Warn("new epoch", "epoch", open.number, "start", open.start, "head", open.last)
	return nil
}

// cut gives the epochs as they are when the rows from seq on have moved on. An epoch remembers how far it once went.
func (es epochs) cut(from uint64) epochs {
	out := make(epochs, 0, len(es)+2)
	for _, e := range es {
		if e.last >= from {
			e.lost = max(e.lost, e.last)
			e.last = max(from, e.start) - 1
		}
		out = append(out, e)
	}
	return out
}

// repair parks the damaged record seq and begins a new epoch behind it.
func (w *writer) repair(seq uint64) error {
	v := w.view.Load()
	e, at, ok := v.epochs.next(seq, v.floor)
	if !ok || at != seq {
		return nil // it has gone in the meantime
	}
	var r row
	var err error
	w.viewing(func(txn *badger.Txn) { r, err = getRow(txn, mainKey(e.number, seq)) })
	if err == nil && (seq != e.start || r.before == wire.Hash{}) {
		return nil
	}
	return w.move(seq, 0, w.epoch, w.cursor.head+1, v.epochs.cut(seq))
}

// dropSamples lets the named samples go, which are damaged.
func (w *writer) dropSamples(seqs []uint64) error {
	for len(seqs) > 0 {
		n := min(len(seqs), w.chunk())
		st := w.stage()
		for _, seq := range seqs[:n] {
			st.remove(sampleKey(seq))
		}
		st.damaged += uint64(n)
		if err := w.commit(st); err != nil {
			return err
		}
		w.opt.Log.Error("samples are damaged and left out", "count", n, "first", seqs[0])
		seqs = seqs[n:]
	}
	return nil
}

// removeOrphans deletes main rows that are of no epoch, which a move leaves.
func (w *writer) removeOrphans() error {
	from := []byte{mainPrefix}
	for {
		st := w.stage()
		w.viewing(func(txn *badger.Txn) { from = w.orphans(txn, from, st) })
		if from == nil {
			st.moving = 0
		}
		if err := w.commit(st); err != nil || from == nil {
			return err
		}
	}
}

// orphans stages deletions from a key on, and gives the key to go on from, or nil at the end.
func (w *writer) orphans(txn *badger.Txn, from []byte, st *stage) []byte {
	all := w.all()
	it := newRows(txn, 0, mainPrefix)
	defer it.close()
	it.seek(from)
	for item := it.item(); item != nil; item = it.item() {
		key := item.Key()
		if len(st.writes) >= w.chunk() {
			return bytes.Clone(key)
		}
		if !all.owns(key, w.floor) {
			st.remove(bytes.Clone(key))
		}
		it.next()
	}
	return nil
}
