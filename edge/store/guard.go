package store

import (
	"bytes"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"
)

// guarded runs a read and makes an error of Badger's panics, of which damaged tables cause several.
func guarded(read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("database is damaged: %v", p)
		}
	}()
	return read()
}

// reading reads at the state of the last commit.
func (s *Store) reading(fn func(*badger.Txn) error) error {
	return guarded(func() error { return s.db.View(fn) })
}

// viewing is reading by the writer where every single row has its own error.
func (s *Store) viewing(fn func(*badger.Txn)) {
	err := s.reading(func(txn *badger.Txn) error {
		fn(txn)
		return nil
	})
	if err != nil {
		s.opt.Log.Error("cannot read", "dir", s.opt.Dir, "err", err)
	}
}

// rows is an iterator that ends where Badger's would panic.
type rows struct {
	it   *badger.Iterator
	dead bool
}

func newRows(txn *badger.Txn, prefetch int, prefix byte) *rows {
	r := &rows{}
	r.try(func() {
		r.it = txn.NewIterator(badger.IteratorOptions{
			PrefetchValues: prefetch > 0, PrefetchSize: max(prefetch, 1), Prefix: []byte{prefix},
		})
	})
	return r
}

func (r *rows) try(step func()) {
	if r.dead {
		return
	}
	r.dead = guarded(func() error { step(); return nil }) != nil
}

func (r *rows) seek(key []byte) { r.try(func() { r.it.Seek(key) }) }
func (r *rows) next()           { r.try(func() { r.it.Next() }) }

func (r *rows) close() {
	if r.it != nil {
		_ = guarded(func() error { r.it.Close(); return nil })
	}
}

// item gives the current row, or nil at the end.
func (r *rows) item() *badger.Item {
	var item *badger.Item
	r.try(func() {
		if r.it.Valid() {
			item = r.it.Item()
		}
	})
	return item
}

// at gives the current row where its key is this one, or nil.
func (r *rows) at(key []byte) *badger.Item {
	if item := r.item(); item != nil && bytes.Equal(item.Key(), key) {
		return item
	}
	return nil
}

// eachValue visits every key under a prefix that can be read. The slices are good until visit returns.
func eachValue(txn *badger.Txn, prefix []byte, visit func(key, value []byte) error) error {
	it := newRows(txn, 100, prefix[0])
	defer it.close()
	it.seek(prefix)
	for item := it.item(); item != nil && bytes.HasPrefix(item.Key(), prefix); item = it.item() {
		var found error
		err := guarded(func() error {
			return item.Value(func(b []byte) error {
				found = visit(item.Key(), b)
				return nil
			})
		})
		if err != nil {
			found = visit(item.Key(), nil) // no value passes its checksum
		}
		if found != nil {
			return found
		}
		it.next()
	}
	return nil
}

// getItem is txn.Get without its panics.
func getItem(txn *badger.Txn, key []byte) (item *badger.Item, err error) {
	err = guarded(func() error {
		item, err = txn.Get(key)
		return err
	})
	return item, err
}
