package store

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// space watches the file system of a store and owns the ballast file. free, need and low may be read by anyone, the
// rest is the writer's.
type space struct {
	dir     string
	ballast string
	size    int64 // of the ballast
	least   int64 // bytes that must be free whatever the store's size
	largest int64 // bytes of the store's largest level: room for one compaction

	free atomic.Int64
	need atomic.Int64
	low  atomic.Bool
}

func newSpace(dir, ballast string, opt Options) *space {
	s := &space{dir: dir, ballast: ballast, size: opt.BallastBytes, least: opt.MinFree}
	s.need.Store(s.least)
	return s
}

// look measures the free space, in about a microsecond.
func (s *space) look() error {
	var st unix.Statfs_t
	if err := unix.Statfs(s.dir, &st); err != nil {
		return fmt.Errorf("cannot read the free space of %s: %w", s.dir, err)
	}
	s.free.Store(int64(st.Bavail) * st.Bsize)
	s.need.Store(s.least + s.largest)
	return nil
}

// roomy tells whether there is room above the watermark and extra bytes more.
func (s *space) roomy(extra int64) bool { return s.free.Load() >= s.need.Load()+extra }

func (s *space) err() error {
	return fmt.Errorf("%w: %s has %d MiB free and needs %d; free space there, then intake goes on by itself",
		ErrNoSpace, s.dir, s.free.Load()>>20, (s.need.Load()+1<<20-1)>>20)
}

// hasBallast tells whether the ballast file is there.
func (s *space) hasBallast() bool {
	_, err := os.Stat(s.ballast)
	return err == nil
}

// release gives the ballast's space back.
func (s *space) release() error {
	if err := os.Remove(s.ballast); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot release the ballast: %w", err)
	}
	return s.look()
}

// fill makes the ballast file where there is room for it above the watermark.
func (s *space) fill() error {
	if s.size <= 0 || s.hasBallast() || !s.roomy(s.size) {
		return nil
	}
	f, err := os.OpenFile(s.ballast, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot make the ballast: %w", err)
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, s.size)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("cannot allocate the ballast of %d bytes: %w", s.size, err), os.Remove(s.ballast))
	}
	return s.look()
}

// beforeOpen makes sure that Badger can be opened without running into the end of the disk.
func (s *space) beforeOpen() error {
	if err := s.look(); err != nil {
		return err
	}
	if !s.roomy(0) && s.hasBallast() {
		if err := s.release(); err != nil {
			return err
		}
	}
	if !s.roomy(0) {
		return s.err()
	}
	return nil
}
