package store

import (
	"encoding/binary"
	"sync"
	"time"

	badger "github.com/dgraph-io/badger/v4"
)

// commandAge is how long a done command's id is remembered; a hub gives an unanswered command up sooner.
const commandAge = 30 * 24 * time.Hour

// doneCommands remembers the ids of commands that were done.
type doneCommands struct {
	mu sync.RWMutex
	at map[string]time.Time
}

// Done tells whether a batch with this command id was committed.
func (s *Store) Done(command string) bool {
	s.done.mu.RLock()
	defer s.done.mu.RUnlock()
	_, ok := s.done.at[command]
	return ok
}

func (d *doneCommands) add(ids []string, at time.Time) {
	if len(ids) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		d.at[id] = at
	}
}

func (d *doneCommands) load(s *Store) error {
	d.at = make(map[string]time.Time)
	return s.reading(func(txn *badger.Txn) error {
		return eachValue(txn, []byte{commandPrefix}, func(key, b []byte) error {
			v, err := unseal(key, b)
			if err == nil && len(v) == 8 {
				d.at[string(key[1:])] = time.UnixMicro(int64(binary.BigEndian.Uint64(v)))
			}
			return nil
		})
	})
}

// forgetCommands lets ids go that are older than any command can be.
func (w *writer) forgetCommands() {
	old := w.done.before(w.opt.Now().Add(-commandAge), w.chunk())
	if len(old) == 0 {
		return
	}
	st := w.stage()
	for _, id := range old {
		st.remove(prefixed(commandPrefix, []byte(id)))
	}
	if w.commit(st) != nil {
		return
	}
	w.done.mu.Lock()
	defer w.done.mu.Unlock()
	for _, id := range old {
		delete(w.done.at, id)
	}
}

func (d *doneCommands) before(deadline time.Time, most int) (ids []string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for id, at := range d.at {
		if at.Before(deadline) && len(ids) < most {
			ids = append(ids, id)
		}
	}
	return ids
}

func timeBytes(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro()))
}
