package store

import (
	"errors"
	"fmt"
	"time"

	badger "github.com/dgraph-io/badger/v4"
)

// writer is the one goroutine that writes. What it holds is nobody else's.
type writer struct {
	*Store
	cursor
	epochs    epochs // closed ones; the open one is in the cursor
	sums      *stateSums
	most      limits
	unwritten bool     // the head file lacks an ack or the confirmation of the last commit
	carried   *Pending // drained from the queue, but of the next group
	reclaimed bool     // nothing was left to let go at the last try
	idle      *time.Timer
}

func (w *writer) run() {
	defer close(w.stopped)
	defer w.shut()
	beat := time.NewTicker(tick)
	defer beat.Stop()
	for w.failure() == nil {
		queue := w.queue
		switch low := w.space.low.Load(); {
		case low:
			queue = nil
		case w.carried != nil:
			w.commitGroup(w.carried)
			continue
		}
		select {
		case p := <-queue:
			w.commitGroup(p)
		case c := <-w.control:
			c.done <- c.do(w)
		case <-w.idle.C:
			w.confirm()
		case <-beat.C:
			w.housekeep()
		case <-w.quit:
			w.drain()
			return
		}
	}
}

// commitGroup commits first and whatever else waits, up to the size of a group.
func (w *writer) commitGroup(first *Pending) {
	w.carried = nil
	if !w.roomy() {
		w.carried = first
		w.waitForSpace()
		return
	}
	st := w.stage()
	var group []*Pending
	var results []Committed
	for p := first; p != nil; p = w.nextInQueue(st) {
		c, err := st.add(p.batch, w.most)
		switch {
		case err == nil:
			group, results = append(group, p), append(results, c)
		case errors.Is(err, ErrTooLarge) && len(group) > 0:
			w.carried = p
		default:
			p.answer(Committed{}, err)
		}
		if w.carried != nil {
			break
		}
	}
	if len(group) == 0 {
		return
	}
	err := w.commit(st)
	for i, p := range group {
		if err != nil {
			p.answer(Committed{}, err)
			continue
		}
		w.done.add(p.batch.Commands, st.now)
		p.answer(results[i], nil)
	}
	w.metrics.group(st.records)
}

// nextInQueue gives a batch that waits, while the group may grow.
func (w *writer) nextInQueue(st *stage) *Pending {
	if st.records >= maxGroupRecords || st.bytes >= maxGroupBytes {
		return nil
	}
	select {
	case p := <-w.queue:
		return p
	default:
		return nil
	}
}

func (w *writer) stage() *stage { return &stage{cursor: w.cursor, now: w.opt.Now(), sums: w.sums} }

// commit writes a stage to Badger and to the head file and makes its cursor the store's. After an error the store is
// broken: a failed sync must not be tried again.
func (w *writer) commit(st *stage) error {
	if err := w.failure(); err != nil {
		return err
	}
	started := time.Now()
	st.commit++
	w.notes.ask <- headNote{cursor: st.cursor}
	err := w.commitBadger(st)
	if err = errors.Join(err, <-w.notes.done); err != nil {
		return w.fail(err)
	}
	w.cursor = st.cursor
	w.publish()
	w.unwritten = true
	w.idle.Reset(idleConfirm)
	w.metrics.commits.Observe(time.Since(started).Seconds())
	return nil
}

func (w *writer) commitBadger(st *stage) error {
	txn := w.db.NewTransaction(true)
	defer txn.Discard()
	for _, c := range st.writes {
		var err error
		if c.value == nil {
			err = txn.Delete(c.key)
		} else {
			err = txn.SetEntry(badger.NewEntry(c.key, c.value))
		}
		if err != nil {
			return fmt.Errorf("cannot write: %w", err)
		}
	}
	mark := sealed(markKey, st.append(nil))
	if err := txn.SetEntry(badger.NewEntry(markKey, mark)); err != nil {
		return fmt.Errorf("cannot write the mark: %w", err)
	}
	if err := txn.Commit(); err != nil {
		return fmt.Errorf("cannot commit: %w", err)
	}
	return nil
}

// publish shows the writer's cursor to readers and wakes the listener.
func (w *writer) publish() {
	w.view.Store(&view{cursor: w.cursor, epochs: w.all()})
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// all gives the closed epochs and the open one.
func (w *writer) all() epochs {
	open := epoch{number: w.epoch, start: w.epochStart, last: w.cursor.head, lost: w.cursor.head}
	return append(append(make(epochs, 0, len(w.epochs)+1), w.epochs...), open)
}

// confirm notes in the head file that the last commit was answered, and the last ack.
func (w *writer) confirm() {
	if !w.unwritten || w.cursor.commit == 0 {
		return
	}
	w.notes.ask <- headNote{cursor: w.cursor, answered: true}
	if err := <-w.notes.done; err != nil {
		_ = w.fail(err)
		return
	}
	w.unwritten = false
}

// fail makes the store refuse everything from now on.
func (w *writer) fail(err error) error {
	err = fmt.Errorf("%w: %w", ErrBroken, err)
	if w.broken.CompareAndSwap(nil, &err) {
		w.opt.Log.Error("store failed; start the program again", "dir", w.opt.Dir, "err", err)
	}
	return *w.broken.Load()
}

// drain commits what was submitted before Close.
func (w *writer) drain() {
	for w.failure() == nil && !w.space.low.Load() {
		p := w.carried
		if p == nil {
			select {
			case p = <-w.queue:
			default:
				return
			}
		}
		w.commitGroup(p)
	}
}

// shut ends the writer: what still waits is refused, the last note is written, the files are closed.
func (w *writer) shut() {
	why := w.failure()
	if why == nil {
		why = ErrClosed
	}
	w.closing.Do(func() { close(w.quit) })
	w.confirm()
	close(w.notes.ask)
	w.refuseWaiting(why)
	if err := errors.Join(w.db.Close(), w.notes.f.Close()); err != nil && w.failure() == nil {
		_ = w.fail(fmt.Errorf("cannot close: %w", err))
	}
}

func (w *writer) refuseWaiting(why error) {
	w.intake.Lock()
	defer w.intake.Unlock()
	if w.carried != nil {
		w.carried.answer(Committed{}, why)
	}
	for {
		select {
		case p := <-w.queue:
			p.answer(Committed{}, why)
		default:
			return
		}
	}
}
