package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/store"
)

// smallDisk mounts a file system of so many MiB.
func smallDisk(t *testing.T, mib string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+mib+"m"); err != nil {
		t.Skipf("cannot mount a small file system: %v; run the test as root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk leaves so many bytes free and gives a function that frees the rest again.
func fillDisk(t *testing.T, dir string, leave int64) (free func()) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "others")
	if err := os.WriteFile(name, make([]byte, int64(st.Bavail)*st.Bsize-leave), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() { os.Remove(name) }
}

// commitUntilFull commits until the store takes no more, and tells how many batches it answered.
func commitUntilFull(t *testing.T, s *store.Store, from int) (n int) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := s.Commit(ctx, store.Batch{Records: records(20, from+n*20, movement)})
		cancel()
		if errors.Is(err, store.ErrNoSpace) {
			return n
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if n++; n > 100_000 {
			t.Fatal("the disk never fills up")
		}
	}
}

func TestFullDiskStopsTheIntakeAndLosesNothing(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "64")
	opt := small(filepath.Join(disk, "edge"))
	opt.BallastBytes = 4 << 20
	s, _ := open(t, opt)
	commit(t, s, store.Batch{Records: records(20, 0, movement)})
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(disk, "edge", "ballast")); err != nil {
		t.Fatal(err)
	}
	n := 1 + commitUntilFull(t, s, 20)
	if p := s.Position(); !p.LowSpace || p.Free <= 0 {
		t.Fatalf("position %+v", p)
	}
	got := readAll(t, s, 1) // reading goes on
	if len(got) < n*20 {
		t.Fatalf("%d records are there, %d were answered", len(got), n*20)
	}

	// The hub takes all, the rows go, and intake resumes by itself.
	last := got[len(got)-1]
	if _, err := s.Ack(wire.Ack{Edge: edgeID, Epoch: 1, Upto: last.Seq, Hash: last.Hash}, outbox.Live); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c, err := s.Commit(ctx, store.Batch{Records: records(1, 999_999, movement)})
	if err != nil {
		t.Fatalf("%v; %+v", err, s.Position())
	}
	if c.First <= last.Seq {
		t.Fatalf("seq %d was given again", c.First)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDiskFilledByOthers(t *testing.T) {
	disk := smallDisk(t, "64")
	opt := small(filepath.Join(disk, "edge"))
	opt.BallastBytes = 4 << 20
	s, _ := open(t, opt)
	for i := range 50 {
		commit(t, s, store.Batch{Records: records(20, i*20, movement), Samples: records(5, i*5, sample)})
	}
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	free := fillDisk(t, disk, 64<<10) // almost nothing is left
	commitUntilFull(t, s, 1000)
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(disk, "edge", "ballast")); err == nil {
		t.Fatal("the ballast was not released")
	}
	if got := readAll(t, s, 1); len(got) < 1000 {
		t.Fatalf("%d records are there", len(got))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err := store.Open(t.Context(), opt)
	if !errors.Is(err, store.ErrNoSpace) || !strings.Contains(err.Error(), "free space there") {
		t.Fatalf("opening on a full disk says %v", err)
	}
	free()
	s, r := open(t, opt)
	if !r.Clean() {
		t.Fatalf("it says %s", r)
	}
	if got := readAll(t, s, 1); len(got) < 1000 {
		t.Fatalf("%d records are there", len(got))
	}
	commit(t, s, store.Batch{Records: records(1, 5000, movement)})
}

func TestBlockedProducersGoOnWhenSpaceReturns(t *testing.T) {
	disk := smallDisk(t, "64")
	opt := small(filepath.Join(disk, "edge"))
	s, _ := open(t, opt)
	commit(t, s, store.Batch{Records: records(20, 0, movement)})
	free := fillDisk(t, disk, 7<<20)
	p, err := s.Submit(t.Context(), store.Batch{Records: records(1, 77, movement)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		t.Fatal("a batch was committed below the watermark")
	default:
	}
	free()
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	if c, err := p.Result(); err != nil || c.First != 21 {
		t.Fatalf("%+v, %v", c, err)
	}
}
