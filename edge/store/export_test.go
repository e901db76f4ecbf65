package store

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
