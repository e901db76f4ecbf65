package store

import badger "github.com/dgraph-io/badger/v4"

// Housekeep does at once what the writer does each second.
func (s *Store) Housekeep() error {
	return s.command(func(w *writer) error {
		w.housekeep()
		return w.failure()
	})
}

// Orphans counts the main rows that belong to no epoch.
func (s *Store) Orphans() (n int) {
	_ = s.command(func(w *writer) error {
		st := w.stage()
		txn := w.db.NewTransaction(false)
		defer txn.Discard()
		w.orphans(txn, []byte{mainPrefix}, st)
		n = len(st.writes)
		return nil
	})
	return n
}

// Damage flips a bit in the stored main records of these seqs.
func (s *Store) Damage(seqs ...uint64) error {
	return s.command(func(w *writer) error {
		return w.db.Update(func(txn *badger.Txn) error {
			for _, seq := range seqs {
				e, _, _ := w.all().next(seq, w.floor)
				item, err := txn.Get(mainKey(e.number, seq))
				if err != nil {
					return err
				}
				b, err := item.ValueCopy(nil)
				if err != nil {
					return err
				}
				b[len(b)/2] ^= 1
				if err := txn.Set(mainKey(e.number, seq), b); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Parked counts the damaged records that were put aside.
func (s *Store) Parked() (n int) {
	_ = s.db.View(func(txn *badger.Txn) error {
		return eachValue(txn, []byte{parkedPrefix}, func(_, _ []byte) error {
			n++
			return nil
		})
	})
	return n
}
