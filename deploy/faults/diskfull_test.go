package faults_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/store"
)

// fullMiB is the size of the disk that fills up.
const fullMiB = 96

// memory mounts a file system of so many MiB in memory until the test ends.
func memory(t *testing.T, mib int) string {
	t.Helper()
	rootOnly(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillUp takes all the space of a disk but so many bytes, until free is called.
func fillUp(t *testing.T, dir string, leave int64) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "others")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := make([]byte, 256<<10)
	for {
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err != nil {
			t.Fatal(err)
		}
		left := int64(st.Bavail)*st.Bsize - leave
		if left <= 0 {
			break
		}
		if _, err := f.Write(chunk[:min(left, int64(len(chunk)))]); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// leaves draws how many bytes the others leave: nothing, less than a page of a table, less than the watermark.
func leaves(rng *rand.Rand) int64 {
	switch rng.IntN(3) {
	case 0:
		return 0
	case 1:
		return rng.Int64N(1 << 20)
	default:
		return rng.Int64N(8 << 20)
	}
}

// TestDiskFull fills the disk of a working gateway at random moments, to the last byte or nearly so, and frees it again. The
// gateway is a process of its own, so that a SIGBUS is seen; some are killed while the disk is full, and started again on it
// as a service manager does. One gateway works as a site does, at some 2,000 movements a second; another flat out, so that
// the disk fills up while it writes, which ends it by SIGBUS now and then: Badger writes through memory maps of files with
// holes. That may cost a start, never a record, and no start may end so again.
func TestDiskFull(t *testing.T) {
	demanded(t)
	fills := number(t, "FAULTS_FILLS", 24)
	t.Run("at work", func(t *testing.T) { fillAndFree(t, "disk full and freed, at work", 4*time.Millisecond, (fills+1)/2, 2) })
	t.Run("flat out", func(t *testing.T) { fillAndFree(t, "disk full and freed, flat out", 0, (fills+1)/2, 6) })
}

func fillAndFree(t *testing.T, name string, pause time.Duration, fills int, stream uint64) {
	disk := memory(t, fullMiB)
	address := startBroker(t)
	h := startPeer(t, address, newLedger())
	rng := dice(t, stream)
	o := outcome{fault: name}
	e := startEdge(t, filepath.Join(disk, "edge"), address, pause)
	kills, slowest := 0, time.Duration(0)
	for i := range fills {
		<-time.After(time.Duration(100+rng.IntN(900)) * time.Millisecond) // the moment of the fault
		h.hear(rng.IntN(3) > 0)
		free := fillUp(t, disk, leaves(rng))
		o.struck++
		if i%4 == 3 {
			<-time.After(time.Duration(rng.IntN(300)) * time.Millisecond)
			e.kill()
			kills++
		}
		<-time.After(time.Duration(200+rng.IntN(1500)) * time.Millisecond) // how long it stays full
		h.hear(true)
		freed := time.Now()
		free()
		e.awaitProgress(30 * time.Second)
		slowest = max(slowest, time.Since(freed))
	}
	acked := e.stop()
	f, thinned := e.leftOver(promise{submitted: e.begun(), acked: acked, hub: h.look()})
	o.acked, o.lost, o.twice = movementsOf(acked), f.lost, f.twice
	o.note("killed while full %d, starts refused for want of space %d, ended by itself %d (SIGBUS %d), crash loops %d",
		kills, e.refused, e.crashes, e.sigbus, e.loops)
	o.note("intake stopped %d times; again within %v of the space; %d samples thinned", e.stops, slowest.Round(time.Millisecond), thinned)
	o.tell(t)
	if e.loops > 0 || pause > 0 && e.crashes > 0 {
		t.Errorf("%d crash loops, %d crashes", e.loops, e.crashes)
	}
}

// leftOver opens the store of a child that has ended, and verifies it.
func (c *child) leftOver(p promise) (f found, thinned uint64) {
	c.t.Helper()
	s, r, err := store.Open(c.t.Context(), harmed(c.dir))
	if err != nil {
		c.t.Fatal(err)
	}
	if f, err = verify(c.t.Context(), s, p); err != nil || !r.Clean() {
		c.t.Errorf("in the end: %v; the store says %q", err, r)
	}
	thinned = s.Position().Thinned
	if err := s.Close(); err != nil {
		c.t.Error(err)
	}
	return f, thinned
}
