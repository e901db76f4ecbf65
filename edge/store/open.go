package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/cespare/xxhash/v2"
	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// open opens the files and makes the writer, with its first commit done.
func (s *Store) open(ctx context.Context) (_ *writer, r Recovery, err error) {
	if err := os.MkdirAll(s.opt.Dir, 0o700); err != nil {
		return nil, r, err
	}
	s.space = newSpace(s.opt.Dir, s.ballastFile(), s.opt)
	if err := s.space.beforeOpen(); err != nil {
		return nil, r, err
	}
	notes, head, err := openHeadFile(s.headPath())
	if err != nil {
		return nil, r, err
	}
	s.notes = notes
	defer func() {
		if err != nil {
			err = errors.Join(err, notes.f.Close())
		}
	}()
	aside, why, err := s.openBadger(head)
	if err != nil {
		return nil, r, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.db.Close())
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, r, err
	}
	w, r, err := s.newWriter(head, aside != "")
	if err != nil {
		return nil, r, err
	}
	r.SetAside, r.SetAsideReason = aside, why
	s.space.largest = largestLevel(s.db)
	if !r.Clean() {
		s.opt.Log.Error("store was damaged", "dir", s.opt.Dir, "found", r.String(), "epoch", w.epoch, "start", w.epochStart)
	}
	return w, r, nil
}

// newWriter reads what there is, judges it, and commits where the store goes on.
func (s *Store) newWriter(head headState, aside bool) (*writer, Recovery, error) {
	w := &writer{Store: s, sums: newStateSums(), most: limitsOf(s.db), idle: time.NewTimer(idleConfirm)}
	f := found{head: head, setAside: aside}
	var err error
	if f.mark, f.hasMark, f.hasRows, err = s.readMark(); err != nil {
		return nil, Recovery{}, err
	}
	c, closed, r := judge(f)
	if w.epochs, err = s.readEpochs(); err != nil {
		return nil, r, err
	}
	count, sum, err := w.readState()
	if err != nil {
		return nil, r, err
	}
	r.StateLost = count != c.stateCount || sum != c.stateSum
	c.stateCount, c.stateSum = count, sum
	if err := s.done.load(s); err != nil {
		return nil, r, err
	}
	w.cursor = c
	w.publish()
	go s.notes.run()
	if err := w.firstCommit(closed); err != nil {
		close(s.notes.ask)
		return nil, r, err
	}
	return w, r, nil
}

// firstCommit writes where the store goes on, so that the mark and the head file agree from the start.
func (w *writer) firstCommit(closed *epoch) error {
	st := w.stage()
	if closed != nil {
		w.epochs = append(w.epochs, *closed)
		st.set(epochKey(closed.number), encodeEpoch(*closed))
	}
	if err := w.commit(st); err != nil {
		return err
	}
	w.confirm()
	if w.moving != 0 {
		return w.removeOrphans()
	}
	return w.failure()
}

func (s *Store) readMark() (c cursor, has, rows bool, err error) {
	err = s.reading(func(txn *badger.Txn) error {
		rows = anyKey(txn, mainPrefix) || anyKey(txn, samplePrefix)
		item, err := getItem(txn, markKey)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			rows = true // it was there
			return nil
		}
		return item.Value(func(b []byte) error {
			if v, err := unseal(markKey, b); err == nil {
				c, err = parseCursor(v)
				has = err == nil
			}
			rows = rows || !has
			return nil
		})
	})
	return c, has, rows, err
}

func anyKey(txn *badger.Txn, prefix byte) bool {
	it := newRows(txn, 0, prefix)
	defer it.close()
	it.seek([]byte{prefix})
	return it.item() != nil
}

// readEpochs gives the closed epochs. A damaged entry is left out: its rows count as let go, and the hub's acks show
// what it lacks.
func (s *Store) readEpochs() (es epochs, err error) {
	err = s.reading(func(txn *badger.Txn) error {
		return eachValue(txn, []byte{epochPrefix}, func(key, b []byte) error {
			e, err := decodeEpoch(key, b)
			if err != nil {
				s.opt.Log.Error("epoch is damaged and left out", "err", err)
				return nil
			}
			es = append(es, e)
			return nil
		})
	})
	return es, err
}

// readState counts and sums the state that is whole.
func (w *writer) readState() (count, sum uint64, err error) {
	err = w.reading(func(txn *badger.Txn) error {
		return eachState(txn, nil, func(key, value []byte, err error) error {
			if err != nil {
				return nil
			}
			share := pairSum(key, xxhash.Sum64(value))
			w.sums.of[w.sums.id(key)] = share
			count++
			sum += share
			return nil
		})
	})
	return count, sum, err
}

// openBadger opens the database. A damaged one is moved aside, never deleted, and what can be read of it goes into a
// new one: a gateway that stands still at night loses more.
func (s *Store) openBadger(head headState) (aside, why string, err error) {
	aside = fmt.Sprintf("%s.damaged-%s", s.badgerDir(), s.opt.Now().UTC().Format("20060102T150405.000"))
	if err := s.finishRebuild(aside); err != nil {
		return "", "", err
	}
	damage := verifyTables(s.badgerDir())
	if damage == nil {
		if s.db, damage = tryOpen(s.badgerOptions()); damage == nil {
			return "", "", nil
		}
	}
	if !isDamage(damage) {
		return "", "", fmt.Errorf("cannot open the database: %w", damage)
	}
	s.opt.Log.Error("database is damaged and is rebuilt", "aside", aside, "err", damage)
	if err := s.rebuild(head, aside); err != nil {
		if !isDamage(err) {
			return "", "", fmt.Errorf("cannot rebuild the damaged database (%w): %w", damage, err)
		}
		damage = fmt.Errorf("%w; nothing of it could be saved: %w", damage, err)
		if _, err := os.Stat(s.badgerDir()); err == nil {
			if err := os.Rename(s.badgerDir(), aside); err != nil {
				return "", "", errors.Join(damage, err)
			}
		}
	}
	if s.db, err = tryOpen(s.badgerOptions()); err != nil {
		return aside, damage.Error(), fmt.Errorf("cannot make a new database: %w", err)
	}
	return aside, damage.Error(), nil
}

// isDamage tells a database that is damaged from one that is in use or that the system does not let us have.
func isDamage(err error) bool {
	if strings.Contains(err.Error(), "directory lock") {
		return false
	}
	for _, e := range [...]syscall.Errno{
		syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE,
		syscall.ENOMEM, syscall.EAGAIN, syscall.EBUSY, syscall.EIO,
	} {
		if errors.Is(err, e) {
			return false
		}
	}
	return true
}

// tryOpen turns a panic into an error, because Badger panics over some damaged files.
func tryOpen(opt badger.Options) (db *badger.DB, err error) {
	err = guarded(func() error {
		db, err = badger.Open(opt)
		return err
	})
	return db, err
}

func (s *Store) badgerOptions() badger.Options {
	threshold := min(512<<10, s.opt.MemTable/10)
	opt := badger.DefaultOptions(s.badgerDir()).WithSyncWrites(true).WithMemTableSize(s.opt.MemTable).
		WithNumMemtables(1).WithNumLevelZeroTables(2).WithNumLevelZeroTablesStall(4).
		WithBaseTableSize(1 << 20).WithBaseLevelSize(4 << 20).
		WithValueLogFileSize(16 << 20).WithValueThreshold(threshold).
		WithBlockCacheSize(4 << 20).WithIndexCacheSize(4 << 20).
		WithNumCompactors(2).WithNumGoroutines(2).WithMetricsEnabled(false).WithDetectConflicts(false).
		WithChecksumVerificationMode(options.OnBlockRead). // else Badger panics over damaged blocks
		WithLogger(badgerLog{s.opt.Log})
	opt.TableSizeMultiplier = 1 // a compaction builds several tables at once, each in memory of six times its size
	return opt
}

// largestLevel is the size of the largest level, for which a compaction needs room again.
func largestLevel(db *badger.DB) int64 {
	most := int64(0)
	for _, l := range db.Levels() {
		most = max(most, l.Size)
	}
	return most
}
