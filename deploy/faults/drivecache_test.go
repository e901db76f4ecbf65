package faults_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tallydock/tallydock/edge/store"
)

// goingDown is XFS_IOC_GOINGDOWN of linux/xfs_fs.h, and noFlush its flag by which nothing more is written, not even the log.
const (
	goingDown = 0x8004587d
	noFlush   = 2
)

// powerOff stops the outer file system at once: whatever was written to the image and not synced is lost, some of it not,
// in no order, as in the cache of a drive.
func (n *nest) powerOff() {
	n.t.Helper()
	f, err := os.Open(n.outer)
	if err != nil {
		n.t.Fatal(err)
	}
	defer f.Close()
	flag := uint32(noFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), goingDown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		n.t.Fatalf("cannot stop the file system: %v", errno)
	}
}

// TestPowerCutWithTheDrivesCache lets a gateway work on a disk in a file, and takes away all that was written to that file
// and not flushed: what a power cut does to a drive with a cache that keeps its promise of a flush, and no other.
func TestPowerCutWithTheDrivesCache(t *testing.T) {
	demanded(t)
	n := newNest(t)
	rng := dice(t, 5)
	o := outcome{fault: "power cut (drive's cache lost)"}
	hub := newLedger()
	rows, control := 0, 0
	for cut := range number(t, "FAULTS_HARD_CUTS", 10) {
		leaveInner := mount(t, n.live(), n.inner)
		e := startEdge(t, filepath.Join(n.inner, "edge"), "", 4*time.Millisecond)
		e.awaitProgress(30 * time.Second)
		<-time.After(time.Duration(100+rng.IntN(1500)) * time.Millisecond) // the moment of the cut
		n.unsynced()
		acked := e.doom(n.powerOff)
		leaveInner()
		n.leave()
		n.leave = mount(t, n.disk, n.outer)
		f, taken := openAfterCut(t, n, promise{submitted: e.begun(), acked: acked, hub: hub})
		if t.Failed() {
			t.Fatalf("cut %d", cut)
		}
		if o.struck++; taken {
			control++
		}
		o.acked = movementsOf(acked)
		o.lost, o.twice, rows, hub = o.lost+f.lost, o.twice+f.twice, rows+f.rows, f.hub
	}
	o.note("the unsynced control was taken away %d times; each cut goes on from the one before; chain checked over %d rows", control, rows)
	o.tell(t)
	if control == 0 {
		t.Error("no cut took anything away: the test tests nothing")
	}
}

// openAfterCut opens the store on the disk as it is after the power is back, and verifies it.
func openAfterCut(t *testing.T, n *nest, p promise) (f found, taken bool) {
	t.Helper()
	defer mount(t, n.live(), n.inner)()
	s, r, err := store.Open(t.Context(), harmed(filepath.Join(n.inner, "edge")))
	if err != nil {
		t.Fatal(err)
	}
	taken = n.takenAway(n.inner)
	f, err = verify(t.Context(), s, p)
	if err != nil || !r.Clean() {
		t.Errorf("after the cut: %v; the store says %q", err, r)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return f, taken
}
