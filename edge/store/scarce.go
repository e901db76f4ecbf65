package store

import "fmt"

// roomy tells whether the next commit may be written. A file system that cannot be asked counts as roomy: the commit
// itself then fails loudly.
func (w *writer) roomy() bool {
	if err := w.space.look(); err != nil {
		w.opt.Log.Warn("free space unknown", "err", err)
		return true
	}
	return w.space.roomy(0)
}

// waitForSpace stops the intake; housekeep starts it again.
func (w *writer) waitForSpace() {
	w.space.low.Store(true)
	w.opt.Log.Error("intake stopped", "err", w.space.err())
	w.metrics.stops.Inc()
	w.reclaimed = false
}

// housekeep is done each second: watch the space, let go what is past its time.
func (w *writer) housekeep() {
	w.space.largest = largestLevel(w.db)
	roomy := w.roomy()
	switch {
	case !roomy && !w.space.low.Load():
		w.waitForSpace()
	case roomy && w.space.low.Load():
		w.resume()
	}
	if w.space.low.Load() {
		w.reclaim()
		return
	}
	if err := w.space.fill(); err != nil {
		w.opt.Log.Warn("no ballast", "err", err)
	}
	w.expire()
}

// resume starts the intake again. The carried batch is first in line.
func (w *writer) resume() {
	w.space.low.Store(false)
	w.opt.Log.Info("intake resumed", "free", w.space.free.Load())
}

// reclaim lets go of all that may be let go and has Badger give the space back. What it writes itself is small, and
// below half of the watermark it first releases the ballast.
func (w *writer) reclaim() {
	if w.space.free.Load() < w.space.need.Load()/2 && w.space.hasBallast() {
		w.opt.Log.Warn("ballast released", "free", w.space.free.Load())
		if err := w.space.release(); err != nil {
			w.opt.Log.Error("cannot release the ballast", "err", err)
		}
	}
	if w.space.free.Load() < w.space.least/4 {
		return // even a deletion is too much
	}
	deleted := w.letGo(w.acked.seq) + w.thin(w.samplesAcked)
	if deleted == 0 && w.reclaimed { // what may go without loss has gone
		deleted += w.thin(w.samplesFloor + (w.samplesHead-w.samplesFloor)/4)
	}
	if w.failure() != nil || (deleted == 0 && w.reclaimed) {
		return
	}
	if err := w.compact(); err != nil {
		w.opt.Log.Warn("cannot compact", "err", err)
	}
	w.reclaimed = deleted == 0
}

// compact has Badger write its memtable out and merge its tables, which is when deleted rows give their space back.
func (w *writer) compact() error {
	st := w.stage()
	st.set([]byte{scratchPrefix}, []byte{1}) // DropPrefix does nothing without a key to drop
	if err := w.commit(st); err != nil {
		return err
	}
	if err := w.db.DropPrefix([]byte{scratchPrefix}); err != nil {
		return fmt.Errorf("cannot write the memtable out: %w", err)
	}
	if err := w.space.look(); err != nil {
		return err
	}
	if w.space.free.Load() < largestLevel(w.db) {
		return w.space.err()
	}
	if err := w.db.Flatten(1); err != nil {
		return fmt.Errorf("cannot merge the tables: %w", err)
	}
	w.space.largest = largestLevel(w.db)
	return nil
}
