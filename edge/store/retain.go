package store

import (
	"time"

	badger "github.com/dgraph-io/badger/v4"
)

const (
	expireChunk  = 1000
	expireRounds = 20 // chunks a second, so that letting go keeps up with any intake
)

// expire lets go of acked records past their retention, of samples beyond theirs, and of old command ids.
func (w *writer) expire() {
	deadline := w.opt.Now().Add(-w.opt.Retention)
	w.letGo(w.pastRetention(deadline))
	w.thin(w.samplesPast(deadline))
	w.forgetCommands()
}

// pastRetention gives the last acked main record that is beyond age or size, or 0.
func (w *writer) pastRetention(deadline time.Time) uint64 {
	last := uint64(0)
	w.eachMain(w.floor, expireChunk*expireRounds, func(seq uint64, r row, err error) bool {
		if seq > w.acked.seq {
			return false
		}
		if err == nil && r.stored.After(deadline) && w.mainBytes-r.offset <= uint64(w.opt.RetentionBytes) {
			return false
		}
		last = seq
		return true
	})
	return last
}

// samplesPast gives the last sample that is acked and beyond its age, or beyond the size that samples may have.
func (w *writer) samplesPast(deadline time.Time) uint64 {
	last := uint64(0)
	to := min(w.samplesHead, w.samplesFloor+expireChunk*expireRounds)
	w.eachSample(w.samplesFloor, to, func(seq uint64, r row, err error) bool {
		tooMany := err == nil && w.samplesBytes-r.offset > uint64(w.opt.SampleBytes)
		tooOld := seq <= w.samplesAcked && (err != nil || !r.stored.After(deadline))
		if !tooMany && !tooOld {
			return false
		}
		last = seq
		return true
	})
	return last
}

// letGo deletes main rows from the oldest up to seq, which must be acked, and tells how many.
func (w *writer) letGo(upto uint64) int {
	total := 0
	for range expireRounds {
		st := w.stage()
		for st.floor <= min(upto, w.acked.seq) && len(st.writes) < w.chunk() {
			e, seq, ok := w.view.Load().epochs.next(st.floor, st.floor)
			if !ok || seq > min(upto, w.acked.seq) {
				break
			}
			st.remove(mainKey(e.number, seq))
			st.floor = seq + 1
			total++
		}
		if !w.finishDeletion(st) {
			break
		}
		w.dropEpochs()
	}
	return total
}

// chunk is how many rows one transaction deletes.
func (w *writer) chunk() int { return min(expireChunk, w.most.entries/2) }

// thin deletes samples from the oldest up to seq and tells how many; those that the hub does not have are counted.
func (w *writer) thin(upto uint64) int {
	total := 0
	upto = min(upto, w.samplesHead)
	for range expireRounds {
		st := w.stage()
		for st.samplesFloor <= upto && len(st.writes) < w.chunk() {
			st.remove(sampleKey(st.samplesFloor))
			if st.samplesFloor > st.samplesAcked {
				st.thinned++
			}
			st.samplesFloor = st.gap.skip(st.samplesFloor + 1)
			total++
		}
		if !w.finishDeletion(st) {
			break
		}
	}
	return total
}

// finishDeletion commits a stage of deletions and tells whether there was something to do.
func (w *writer) finishDeletion(st *stage) bool {
	return len(st.writes) > 0 && w.commit(st) == nil
}

// dropEpochs forgets closed epochs of which no row is left and that no ack can mean any more: all but the last two.
func (w *writer) dropEpochs() {
	for len(w.epochs) > 2 && w.epochs[0].last < w.floor {
		st := w.stage()
		st.remove(epochKey(w.epochs[0].number))
		if w.commit(st) != nil {
			return
		}
		w.epochs = w.epochs[1:]
	}
}

// eachMain visits at most n main rows from seq on, through all epochs; a row that is missing or damaged comes as an error.
func (w *writer) eachMain(from uint64, n int, visit func(seq uint64, r row, err error) bool) {
	v := w.view.Load()
	w.viewing(func(txn *badger.Txn) {
		for n > 0 {
			e, first, ok := v.epochs.next(from, v.floor)
			if !ok {
				return
			}
			last := min(e.last, first+uint64(n)-1)
			going := true
			eachRow(txn, func(seq uint64) []byte { return mainKey(e.number, seq) }, first, last,
				func(seq uint64, r row, err error) bool {
					going = visit(seq, r, err)
					return going
				})
			if !going {
				return
			}
			n -= int(last - first + 1)
			from = last + 1
		}
	})
}

func (w *writer) eachSample(from, to uint64, visit func(seq uint64, r row, err error) bool) {
	w.viewing(func(txn *badger.Txn) { w.cursor.eachSample(txn, from, to, visit) })
}
