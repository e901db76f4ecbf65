package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/ristretto/v2/z"
	"google.golang.org/protobuf/proto"
)

// verifyTables reads every table that belongs to a database, which must be closed, and compares its checksums. Badger must
// not run over a damaged table: its compaction panics, again after each start, or leaves rows out without a word. Tables
// that the manifest does not name are what a crash left of a compaction; Badger removes them.
func verifyTables(dir string) error {
	return eachTable(dir, func(_ *os.File, id uint64) error {
		if err := verifyTable(table.NewFilename(id, dir), options.OnTableRead); err != nil {
			return fmt.Errorf("table %d is damaged: %w", id, err)
		}
		return nil
	})
}

// eachTable visits the tables of a closed database, and gives the manifest, which stands at its end.
func eachTable(dir string, visit func(manifest *os.File, id uint64) error) error {
	manifest, err := os.OpenFile(filepath.Join(dir, badger.ManifestFilename), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // there is no database, or Badger says so
	}
	if err != nil {
		return err
	}
	defer manifest.Close()
	m, end, err := badger.ReplayManifestFile(manifest, 0, badger.DefaultOptions(dir))
	if err != nil {
		return fmt.Errorf("manifest is damaged: %w", err)
	}
	if _, err := manifest.Seek(end, io.SeekStart); err != nil {
		return err
	}
	for id := range m.Tables {
		if err := visit(manifest, id); err != nil {
			return err
		}
	}
	return nil
}

// leaveOutBroken takes the tables that cannot even be opened out of the manifest and sets their files aside. Badger opens
// tables in goroutines of its own and panics there over a damaged footer, which would end the program at every start.
func leaveOutBroken(dir string) error {
	return eachTable(dir, func(manifest *os.File, id uint64) error {
		path := table.NewFilename(id, dir)
		if err := verifyTable(path, options.OnBlockRead); err == nil || !isDamage(err) {
			return err
		}
		if err := os.Rename(path, path+".damaged"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		change, err := proto.Marshal(&pb.ManifestChangeSet{Changes: []*pb.ManifestChange{{Id: id, Op: pb.ManifestChange_DELETE}}})
		if err != nil {
			return err
		}
		entry := binary.BigEndian.AppendUint32(nil, uint32(len(change)))
		entry = binary.BigEndian.AppendUint32(entry, crc32.Checksum(change, crc32.MakeTable(crc32.Castagnoli)))
		if _, err := manifest.Write(append(entry, change...)); err != nil {
			return err
		}
		return manifest.Sync()
	})
}

func verifyTable(path string, mode options.ChecksumVerificationMode) error {
	file, err := z.OpenMmapFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	standard := badger.DefaultOptions("")
	err = guarded(func() error {
		_, err := table.OpenTable(file, table.Options{
			ReadOnly: true, BlockSize: standard.BlockSize, Compression: standard.Compression, ChkMode: mode,
		})
		return err
	})
	_ = guarded(func() error { return file.Close(-1) }) // OpenTable may have closed it
	return err
}

// rebuild copies what can be read of a damaged database into a new one and takes that one's place. A crash on the way
// leaves either the old database or the whole new one.
func (s *Store) rebuild(head headState, aside string) error {
	fresh, whole := s.badgerDir()+".new", s.badgerDir()+".whole"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := leaveOutBroken(s.badgerDir()); err != nil {
		return err
	}
	// No compactor may touch the damaged tables, so none may be waited for either.
	from, err := tryOpen(s.badgerOptions().WithNumCompactors(0).WithNumLevelZeroTables(1000).WithNumLevelZeroTablesStall(2000))
	if err != nil {
		return err
	}
	s.db = from
	err = s.copyTo(fresh, head)
	if err = errors.Join(err, guarded(from.Close)); err != nil {
		return fmt.Errorf("cannot rebuild the database: %w", err)
	}
	if err := errors.Join(os.Rename(fresh, whole), syncDir(s.opt.Dir)); err != nil {
		return err
	}
	if err := os.Rename(s.badgerDir(), aside); err != nil {
		return err
	}
	return s.finishRebuild(aside)
}

// finishRebuild puts a whole new database into the place of the damaged one, also after a crash.
func (s *Store) finishRebuild(aside string) error {
	whole := s.badgerDir() + ".whole"
	if _, err := os.Stat(whole); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(s.badgerDir()); err == nil {
		if err := os.Rename(s.badgerDir(), aside); err != nil {
			return err
		}
	}
	return errors.Join(os.Rename(whole, s.badgerDir()), syncDir(s.opt.Dir))
}

// copyTo copies every row that passes its checksum from s.db into a new database.
func (s *Store) copyTo(dir string, head headState) error {
	to, err := badger.Open(s.badgerOptions().WithDir(dir).WithValueDir(dir))
	if err != nil {
		return err
	}
	v, err := s.whatThereIs(head)
	if err == nil {
		err = s.copyRows(to, v)
	}
	return errors.Join(err, to.Close())
}

// whatThereIs gives the cursor and the epochs of a damaged database as well as they are known.
func (s *Store) whatThereIs(head headState) (view, error) {
	mark, has, _, err := s.readMark()
	if err != nil {
		return view{}, err
	}
	if !has {
		mark = head.newest
	}
	es, err := s.readEpochs()
	return view{mark, append(es, epoch{number: mark.epoch, start: mark.epochStart, last: mark.head, lost: mark.head})}, err
}

func (s *Store) copyRows(to *badger.DB, v view) error {
	batch := to.NewWriteBatch()
	defer batch.Cancel()
	var failed error
	put := func(key []byte, r row, err error) bool {
		if err == nil { // what is missing is found and reported when it is read
			failed = batch.Set(key, encodeRow(key, r))
		}
		return failed == nil
	}
	err := s.reading(func(txn *badger.Txn) error {
		for _, e := range v.epochs {
			key := func(seq uint64) []byte { return mainKey(e.number, seq) }
			eachRow(txn, key, max(e.start, v.floor), e.last, func(seq uint64, r row, err error) bool {
				return put(key(seq), r, err)
			})
		}
		v.eachSample(txn, 0, v.samplesHead, func(seq uint64, r row, err error) bool { return put(sampleKey(seq), r, err) })
		for _, prefix := range [...]byte{statePrefix, commandPrefix, epochPrefix, parkedPrefix, markKey[0]} {
			err := eachValue(txn, []byte{prefix}, func(key, value []byte) error {
				return batch.Set(append([]byte(nil), key...), append([]byte(nil), value...))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, failed, batch.Flush())
}
