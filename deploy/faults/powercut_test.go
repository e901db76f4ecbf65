package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/store"
)

// harmed are options for a store whose memtables, tables and compactions come often.
func harmed(dir string) store.Options {
	return store.Options{Dir: dir, Edge: edgeID, MemTable: 1 << 20, BallastBytes: 4 << 20, Retention: 2 * time.Second}
}

// nest is a disk in a file: an ext4 file system in an image that lies on an XFS file system, which can give an atomic copy
// of the image at any moment (FICLONE), as if the power failed then.
type nest struct {
	t     *testing.T
	disk  string // the XFS's image
	outer string // where the XFS is mounted
	inner string // where the live ext4 is mounted
	leave func() // unmounts the XFS

	controls int // files that were written and not synced
}

const (
	innerMiB = 192
	ficlone  = 0x40049409 // FICLONE of linux/fs.h
)

func newNest(t *testing.T) *nest {
	t.Helper()
	rootOnly(t)
	for _, tool := range []string{"mkfs.xfs", "mkfs.ext4", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing: apt-get install xfsprogs e2fsprogs", tool)
		}
	}
	dir := t.TempDir()
	n := &nest{t: t, disk: filepath.Join(dir, "disk"), outer: filepath.Join(dir, "outer"), inner: filepath.Join(dir, "inner")}
	sparse(t, n.disk, 4<<30)
	if out, err := exec.Command("mkfs.xfs", "-q", "-m", "reflink=1", n.disk).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.xfs: %v: %s", err, out)
	}
	n.leave = mount(t, n.disk, n.outer)
	sparse(t, n.live(), innerMiB<<20)
	if out, err := exec.Command("mkfs.ext4", "-q", n.live()).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	return n
}

func (n *nest) live() string { return filepath.Join(n.outer, "live.img") }

func sparse(t *testing.T, file string, size int64) {
	t.Helper()
	f, err := os.Create(file)
	if err == nil {
		err = errors.Join(f.Truncate(size), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// mount mounts an image until the test ends, or unmount is called.
func mount(t *testing.T, image, at string) (unmount func()) {
	t.Helper()
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Skipf("no loop mount here: %v: %s", err, out)
	}
	var once sync.Once
	unmount = func() {
		once.Do(func() {
			if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
				t.Errorf("umount %s: %v: %s", at, err, strings.TrimSpace(string(out)))
				_ = syscall.Unmount(at, syscall.MNT_DETACH)
			}
		})
	}
	t.Cleanup(unmount)
	return unmount
}

// snapshot copies the live image as it is at one moment.
func (n *nest) snapshot(to string) {
	n.t.Helper()
	if err := clone(n.live(), to); err != nil {
		n.t.Fatalf("cannot clone the image: %v", err)
	}
}

func clone(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	defer dst.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dst.Fd(), ficlone, src.Fd()); errno != 0 {
		return errno
	}
	return nil
}

// unsynced writes a new file beside the store and does not wait for the disk: the control, which a cut must be able to take
// away.
func (n *nest) unsynced() {
	n.t.Helper()
	n.controls++
	if err := os.WriteFile(n.control(), bytes.Repeat([]byte{1}, 64<<10), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

func (n *nest) control() string { return filepath.Join(n.inner, fmt.Sprintf("control-%d", n.controls)) }

// takenAway tells whether a cut took the last control away from a disk that is mounted at dir.
func (n *nest) takenAway(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, filepath.Base(n.control())))
	return err != nil || bytes.Count(b, []byte{1}) < 64<<10
}

// TestPowerCut copies the disk of a busy store at random moments, as a power cut would leave it, and opens each copy. It
// models the loss of what the file system still had in memory, not of what a drive promised to have written and had not;
// TestPowerCutWithTheDrivesCache is about that.
func TestPowerCut(t *testing.T) {
	demanded(t)
	n := newNest(t)
	cuts, lives := number(t, "FAULTS_CUTS", 60), 6
	rng := dice(t, 1)
	o := outcome{fault: "power cut (page cache lost)"}
	kept := promise{hub: newLedger()}
	rows, control := 0, 0
	for life := range lives {
		l := n.begin(kept)
		for i := range (cuts + lives - 1) / lives {
			<-time.After(time.Duration(20+rng.IntN(300)) * time.Millisecond) // the moment of the cut
			p, copied := l.cut()
			f, taken := n.openCopy(copied, p)
			if o.struck++; taken {
				control++
			}
			if i == (cuts+lives-1)/lives-1 {
				o.acked += movementsOf(p.acked) - movementsOf(kept.acked)
			}
			o.lost, o.twice, rows = o.lost+f.lost, o.twice+f.twice, rows+f.rows
			if t.Failed() {
				t.Fatalf("life %d, cut %d", life, i)
			}
			if i == (cuts+lives-1)/lives-1 {
				l.end()
				kept = n.goOnFrom(copied, f)
			}
			if err := os.Remove(copied); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.note("the unsynced control was taken away %d times; %d lives, each goes on from a cut; chain checked over %d rows; %d movements in the last life", control, lives, rows, movementsOf(kept.acked))
	o.tell(t)
	if control == 0 {
		t.Error("no cut took anything away: the test tests nothing")
	}
}

// living is a store at work on the live disk.
type living struct {
	*nest
	s       *store.Store
	load    *load
	hubLock sync.Mutex
	hub     ledger
	end     func()
}

// begin mounts the live disk, opens its store and puts it to work.
func (n *nest) begin(p promise) *living {
	n.t.Helper()
	unmount := mount(n.t, n.live(), n.inner)
	s, r, err := store.Open(n.t.Context(), harmed(filepath.Join(n.inner, "edge")))
	if err != nil {
		n.t.Fatal(err)
	}
	if !r.Clean() {
		n.t.Fatalf("the store says %s", r)
	}
	l := &living{nest: n, s: s, load: newLoad(s, p.acked), hub: p.hub}
	ctx, cancel := context.WithCancel(n.t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := l.load.run(ctx); err != nil {
			n.t.Errorf("the load: %v", err)
		}
	})
	all.Go(func() { l.serve(ctx) })
	for submitted, _ := l.load.look(); submitted == p.acked; submitted, _ = l.load.look() {
		<-time.After(time.Millisecond)
	}
	var once sync.Once
	l.end = func() {
		once.Do(func() {
			cancel()
			all.Wait()
			if err := s.Close(); err != nil {
				n.t.Errorf("closing: %v", err)
			}
			unmount()
		})
	}
	n.t.Cleanup(l.end)
	return l
}

// serve brings the records to the hub, some at a time.
func (l *living) serve(ctx context.Context) {
	for ctx.Err() == nil {
		l.hubLock.Lock()
		err := bring(l.s, &l.hub, 4)
		l.hubLock.Unlock()
		if err != nil && ctx.Err() == nil {
			l.t.Errorf("the hub: %v", err)
			return
		}
		select {
		case <-l.s.Changed():
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// cut copies the disk, and gives what was promised when the copy began, and by the hub while it was made.
func (l *living) cut() (promise, string) {
	l.t.Helper()
	to := filepath.Join(l.outer, "cut.img")
	l.hubLock.Lock()
	defer l.hubLock.Unlock()
	_, acked := l.load.look()
	p := promise{acked: acked, hub: l.hub}
	l.unsynced()
	l.snapshot(to)
	p.submitted, _ = l.load.look()
	return p, to
}

// openCopy opens what a cut left, and verifies it.
func (n *nest) openCopy(image string, p promise) (f found, taken bool) {
	t := n.t
	t.Helper()
	at := filepath.Join(filepath.Dir(filepath.Dir(image)), "copy")
	defer mount(t, image, at)()
	s, r, err := store.Open(t.Context(), harmed(filepath.Join(at, "edge")))
	if err != nil {
		t.Fatal(err)
	}
	taken = n.takenAway(at)
	f, err = verify(t.Context(), s, p)
	if err != nil || !r.Clean() {
		t.Errorf("after the cut: %v; the store says %q", err, r)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return f, taken
}

// goOnFrom makes a copy, on which the store was opened and went on, the live disk.
func (n *nest) goOnFrom(image string, f found) promise {
	n.t.Helper()
	if err := os.Remove(n.live()); err != nil {
		n.t.Fatal(err)
	}
	if err := clone(image, n.live()); err != nil {
		n.t.Fatal(err)
	}
	return promise{submitted: f.batches, acked: f.batches, hub: f.hub}
}
