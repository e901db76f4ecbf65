package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/edge/store"
)

// copyDir gives a copy of a store that is closed, or as a crash at this moment would leave it.
func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func fill(t testing.TB, s *store.Store, from, n int) {
	t.Helper()
	for i := range n {
		commit(t, s, store.Batch{
			Records: records(1, from+i, movement), Samples: records(1, from+i, sample),
			Put: []store.KV{{Key: fmt.Appendf(nil, "tag/%d", (from+i)%50), Value: fmt.Append(nil, from+i)}},
		})
	}
}

func TestStoreThatLostItsTailIsNoticed(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, small(dir))
	fill(t, s, 1, 40)
	h := &hub{}
	s.Close()
	old := copyDir(t, filepath.Join(dir, "badger"))
	s, _ = open(t, small(dir))
	fill(t, s, 41, 60)
	s.Close()
	if err := os.RemoveAll(filepath.Join(dir, "badger")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(old, filepath.Join(dir, "badger")); err != nil {
		t.Fatal(err)
	}

	s, r := open(t, small(dir))
	if !r.Truncated || r.LostFrom != 41 || r.LostTo != 100 || !strings.Contains(r.String(), "41 to 100") {
		t.Fatalf("it says %+v: %s", r, r)
	}
	if p := s.Position(); p.Epoch != 2 || p.EpochStart != 101 || p.SamplesHead != 100 {
		t.Fatalf("position %+v", p)
	}
	fill(t, s, 101, 5)
	h.sync(t, s, 7)
	if want := append(numbers(1, 40), numbers(101, 105)...); !slices.Equal(h.ids(), want) {
		t.Fatalf("the hub has %v", h.ids())
	}
	if got, err := s.ReadSamples(1, 1000, 1<<20); err != nil || len(got) != 45 || got[40].Seq != 101 {
		t.Fatalf("samples %v: %v", seqs(got), err)
	}
	s.Close()
	if _, r = open(t, small(dir)); !r.Clean() {
		t.Fatalf("opened once more it says %s", r)
	}
}

func TestHubThatHasWhatTheStoreLostNeedsNothingAgain(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, small(dir))
	fill(t, s, 1, 40)
	s.Close()
	old := copyDir(t, filepath.Join(dir, "badger"))
	s, _ = open(t, small(dir))
	fill(t, s, 41, 60)
	h := &hub{}
	h.sync(t, s, 7)
	s.Close()
	os.RemoveAll(filepath.Join(dir, "badger"))
	os.Rename(old, filepath.Join(dir, "badger"))

	s, r := open(t, small(dir))
	if !r.Truncated || r.LostTo >= r.LostFrom {
		t.Fatalf("it says %+v: %s", r, r)
	}
	fill(t, s, 101, 5)
	h.sync(t, s, 7)
	if !slices.Equal(h.ids(), numbers(1, 105)) {
		t.Fatalf("the hub has %v", h.ids())
	}
	if s.Position().Epoch != 2 {
		t.Fatalf("epoch %d", s.Position().Epoch)
	}
}

func TestMissingDatabaseIsNoticed(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, small(dir))
	fill(t, s, 1, 40)
	s.Close()
	os.RemoveAll(filepath.Join(dir, "badger"))
	s, r := open(t, small(dir))
	if !r.Truncated || r.LostFrom != 1 || r.LostTo != 40 || r.Fresh {
		t.Fatalf("it says %+v", r)
	}
	fill(t, s, 41, 3)
	h := &hub{}
	h.sync(t, s, 7)
	if !slices.Equal(h.ids(), numbers(41, 43)) || s.Position().Epoch != 2 {
		t.Fatalf("the hub has %v in epoch %d", h.ids(), s.Position().Epoch)
	}
}

func TestUnreadableDatabaseIsSetAside(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, small(dir))
	fill(t, s, 1, 40)
	s.Close()
	if err := os.WriteFile(filepath.Join(dir, "badger", "MANIFEST"), []byte("this is no manifest at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, r := open(t, small(dir))
	if r.SetAside == "" || !r.Truncated || r.Clean() {
		t.Fatalf("it says %+v", r)
	}
	if _, err := os.Stat(r.SetAside); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 41, 3)
	if p := s.Position(); p.Epoch != 2 || p.Head != 43 {
		t.Fatalf("position %+v", p)
	}
}

func TestHeadFileRots(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, small(dir))
	fill(t, s, 1, 40)
	s.Close()
	flip := func(at ...int64) func(string) {
		return func(path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, off := range at {
				b := make([]byte, 1)
				f.ReadAt(b, off)
				b[0] ^= 4
				f.WriteAt(b, off)
			}
		}
	}
	cases := map[string]struct {
		harm func(string)
		lost bool
	}{
		"not at all":      {func(string) {}, false},
		"in one slot":     {flip(30), false},
		"in the other":    {flip(4096 + 30), false},
		"in both":         {flip(30, 4096+30), true},
		"beside the slot": {flip(3000), false},
		"cut short":       {func(p string) { os.Truncate(p, 100) }, true},
		"emptied":         {func(p string) { os.Truncate(p, 0) }, true},
		"gone":            {func(p string) { os.Remove(p) }, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := copyDir(t, dir)
			c.harm(filepath.Join(d, "head"))
			s, r := open(t, small(d))
			if r.HeadLost != c.lost || r.Truncated || r.StateLost {
				t.Fatalf("it says %+v", r)
			}
			fill(t, s, 41, 3)
			h := &hub{}
			h.sync(t, s, 7)
			if !slices.Equal(h.ids(), numbers(1, 43)) {
				t.Fatalf("the hub has %v", h.ids())
			}
			if p := s.Position(); c.lost != (p.Epoch == 2) || c.lost != (p.Head > 43) {
				t.Fatalf("position %+v", p)
			}
			if got, err := s.ReadSamples(1, 100, 1<<20); err != nil || len(got) != 43 {
				t.Fatalf("%d samples, %v", len(got), err)
			}
			s.Close()
			if _, r = open(t, small(d)); !r.Clean() {
				t.Fatalf("opened once more it says %s", r)
			}
		})
	}
}

func TestDamagedRecordIsParkedAndTheStreamGoesOn(t *testing.T) {
	cases := map[string]struct {
		damaged []uint64
		epoch   uint64 // after it
	}{
		"one":         {[]uint64{5}, 2},
		"two in turn": {[]uint64{5, 6}, 2},
		"two apart":   {[]uint64{5, 9}, 3},
		"the first":   {[]uint64{1}, 2},
		"the last":    {[]uint64{30}, 2},
		"all":         {[]uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := open(t, small(dir))
			commit(t, s, store.Batch{Records: records(30, 1, movement)})
			if err := s.Damage(c.damaged...); err != nil {
				t.Fatal(err)
			}
			h := &hub{}
			h.sync(t, s, 7)
			commit(t, s, store.Batch{Records: records(5, 31, movement)})
			h.sync(t, s, 7)
			want := slices.DeleteFunc(numbers(1, 35), func(n int) bool { return slices.Contains(c.damaged, uint64(n)) })
			if !slices.Equal(h.ids(), want) {
				t.Fatalf("the hub has %v", h.ids())
			}
			if p := s.Position(); p.Damaged != uint64(len(c.damaged)) || s.Parked() != len(c.damaged) || p.Epoch != c.epoch {
				t.Fatalf("position %+v, %d parked", p, s.Parked())
			}
			if s.Orphans() != 0 {
				t.Fatalf("%d rows are left outside of every epoch", s.Orphans())
			}
			s.Close()
			s, r := open(t, small(dir))
			if !r.Clean() || s.Position().Damaged != uint64(len(c.damaged)) {
				t.Fatalf("opened again it says %s", r)
			}
		})
	}
}

func TestRecordDamagedAfterItWasSentIsNotSentTwice(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	commit(t, s, store.Batch{Records: records(30, 1, movement)})
	h := &hub{}
	run, err := s.ReadMain(1, 20, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.take(run); err != nil { // the hub has 20, its ack is lost
		t.Fatal(err)
	}
	if err := s.Damage(5); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadMain(5, 20, 1<<20); err != nil { // sent again, and found damaged
		t.Fatal(err)
	}
	h.sync(t, s, 7)
	if !slices.Equal(h.ids(), numbers(1, 30)) {
		t.Fatalf("the hub has %v", h.ids())
	}
}

// severalTables makes a store of several tables and a log with n records and n samples: live as a crash would leave it,
// closed as it is after Close.
func severalTables(t *testing.T) (live, closed string, n int, state map[string]string) {
	closed = t.TempDir()
	opt := small(closed)
	s, _ := open(t, opt)
	for range 4 {
		fill(t, s, n+1, 150)
		n += 150
		if n < 600 {
			s.Close()
			s, _ = open(t, opt)
		}
	}
	state = loadAll(t, s, "")
	live = copyDir(t, closed)
	s.Close()
	return live, closed, n, state
}

// TestFlippedBitIsNeverSilent flips single bits all over the files of a store. Whatever Badger then does, all that was
// promised is there, or it is said that it is not.
func TestFlippedBitIsNeverSilent(t *testing.T) {
	t.Parallel()
	live, closed, n, state := severalTables(t)
	rng := rand.New(rand.NewPCG(1, 2))
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	for _, from := range []string{live, closed} {
		for range rounds {
			d := copyDir(t, from)
			where := flipSomewhere(t, rng, d)
			checkNothingSilent(t, d, where, n, state)
			os.RemoveAll(d)
		}
	}
}

// TestFlippedFooterCostsItsTableOnly flips bits of the last bytes of tables, over which Badger itself ends the program.
func TestFlippedFooterCostsItsTableOnly(t *testing.T) {
	t.Parallel()
	_, closed, n, state := severalTables(t)
	tables, _ := filepath.Glob(filepath.Join(closed, "badger/*.sst")) // Close left no others than the manifest names
	for i := range 24 {
		d := copyDir(t, closed)
		path := filepath.Join(d, "badger", filepath.Base(tables[i%len(tables)]))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := len(b) - 1 - i
		b[at] ^= 1 << (i % 8)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		where := fmt.Sprintf("%s byte %d of %d", filepath.Base(path), at, len(b))
		r, got := checkNothingSilent(t, d, where, n, state)
		if r.SetAside == "" || (got == 0 && len(tables) > 1) {
			t.Fatalf("%s: %d of %d records are left; recovery says %q", where, got, n, r)
		}
		os.RemoveAll(d)
	}
}

// flipSomewhere flips one bit that is not in an unwritten part of a file.
func flipSomewhere(t *testing.T, rng *rand.Rand, dir string) string {
	var files []string
	for _, pattern := range []string{"badger/*.sst", "badger/*.mem"} {
		m, _ := filepath.Glob(filepath.Join(dir, pattern))
		files = append(files, m...)
	}
	path := files[rng.IntN(len(files))]
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		t.Fatal(err)
	}
	used := len(b)
	for used > 1 && b[used-1] == 0 {
		used--
	}
	at := rng.IntN(used)
	b[at] ^= 1 << rng.IntN(8)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s byte %d of %d", filepath.Base(path), at, used)
}

// checkNothingSilent opens a damaged store and gives what recovery said and how many of n records can be read.
func checkNothingSilent(t *testing.T, dir, where string, n int, state map[string]string) (r store.Recovery, left int) {
	t.Helper()
	s, r, err := store.Open(t.Context(), small(dir))
	if err != nil {
		t.Logf("%s: %v", where, err) // loud enough
		return r, 0
	}
	defer s.Close()
	got := readAll(t, s, 1)
	for _, g := range got {
		if int(g.Seq) > n {
			t.Fatalf("%s: record %d was never made", where, g.Seq)
		}
	}
	samples, err := s.ReadSamples(1, n, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	lost := uint64(2*n - len(got) - len(samples))
	if p := s.Position(); lost > 0 && r.Clean() && p.Damaged != lost {
		t.Fatalf("%s: %d rows are gone; %d are called damaged and Recovery says nothing", where, lost, p.Damaged)
	}
	if now := loadAll(t, s, ""); !maps.Equal(now, state) && !r.StateLost && !r.Truncated {
		t.Fatalf("%s: the state changed silently: %+v", where, r)
	}
	h := &hub{}
	h.sync(t, s, 100)
	if len(h.taken) != len(got) {
		t.Fatalf("%s: the hub got %d of %d records", where, len(h.taken), len(got))
	}
	return r, len(got)
}
