package faults_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/store"
)

// flipChild makes this program one that opens the store in the folder it names, and says what it found as JSON.
const flipChild = "FAULTS_FLIP_CHILD"

// keeping are options for a store that lets nothing go, so that all of it can be compared.
func keeping(dir string) store.Options {
	opt := harmed(dir)
	opt.Retention = 0
	return opt
}

// opened is what a process found in a store.
type opened struct {
	Refused string         // why it could not be opened; "" where it could
	Found   string         // what Recovery says; "" where it was as it should be
	Damaged uint64         // records that were found damaged and put aside
	Rows    int            // main records, chain checked
	Moved   int            // movements that a hub got
	Sampled int            // samples that a hub got
	Twice   int            // movements that it got twice
	State   uint64         // sum over the state
	Batches [producers]int // of the state
	Wrong   string         // what may never be: a broken chain, a seq given again, a damaged record sent
	Again   string         // what a second opening said
}

// noticed tells whether something was said.
func (o opened) noticed() bool { return o.Refused != "" || o.Found != "" || o.Damaged > 0 }

// sameAs tells whether all is there.
func (o opened) sameAs(w opened) bool {
	return o.Rows == w.Rows && o.Moved == w.Moved && o.Sampled == w.Sampled && o.State == w.State && o.Batches == w.Batches
}

// runFlipChild opens a store, brings what it has to a hub, goes on, and opens it again.
func runFlipChild(dir string) int {
	o := examine(dir)
	if o.Refused == "" && o.Wrong == "" {
		s, r, err := store.Open(context.Background(), keeping(dir))
		switch {
		case err != nil:
			o.Again = err.Error()
		default:
			o.Again = r.String()
			_ = s.Close()
		}
	}
	b, err := json.Marshal(o)
	if err != nil {
		return 1
	}
	fmt.Println(string(b))
	return 0
}

func examine(dir string) (o opened) {
	s, r, err := store.Open(context.Background(), keeping(dir))
	if err != nil {
		o.Refused = err.Error()
		return o
	}
	defer s.Close()
	o.Found = r.String()
	wrong := func(what string, err error) {
		if err != nil && o.Wrong == "" {
			o.Wrong = what + ": " + err.Error()
		}
	}
	given := s.Head()
	l := newLedger()
	wrong("to the hub", bring(s, &l, 0))
	o.Rows, err = retained(s)
	wrong("what is kept", err)
	o.Moved, o.Sampled, o.Twice, o.Damaged = l.moved, l.sampled, l.twice, s.Position().Damaged
	o.State, err = sumOfState(s)
	wrong("state", err)
	o.Batches, err = states(s)
	wrong("state", err)
	if l.damaged > 0 {
		wrong("to the hub", fmt.Errorf("%d records are not readable", l.damaged))
	}
	b := goods(0, 1_000_000)
	c, err := s.Commit(context.Background(), store.Batch{Records: b.Records})
	wrong("the next batch", err)
	if err == nil && c.First <= given {
		wrong("the next batch", fmt.Errorf("seq %d was given again", c.First))
	}
	return o
}

func sumOfState(s *store.Store) (sum uint64, err error) {
	err = s.Load(nil, func(key, value []byte) error {
		h := fnv.New64a()
		_, _ = h.Write(key)
		_, _ = h.Write([]byte{0})
		_, _ = h.Write(value)
		sum += h.Sum64()
		return nil
	})
	return sum, err
}

// examined runs examine in a process of its own on a copy of a store.
func examined(t *testing.T, from string, harm func(dir string)) (o opened, crash string) {
	t.Helper()
	dir := filepath.Join(filepath.Dir(from), "copy")
	copyStore(t, from, dir)
	defer os.RemoveAll(dir)
	harm(dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), flipChild+"="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &o)
	}
	if err != nil {
		first, _, _ := strings.Cut(stderr.String(), "\n\n")
		return o, fmt.Sprintf("%v: %.500s", err, first)
	}
	return o, ""
}

// copyStore copies a folder with its holes.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-r", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// usedStore makes a store of several tables and a log: as a crash leaves it just after it answered a batch, as a crash
// leaves it a moment later, and closed in order.
func usedStore(t *testing.T) (busy, crashed, closed string) {
	t.Helper()
	dir := memory(t, 512) // a thousand copies would wear a disk
	busy, crashed, closed = filepath.Join(dir, "busy"), filepath.Join(dir, "crashed"), filepath.Join(dir, "closed")
	for life := range 4 {
		s, r, err := store.Open(t.Context(), keeping(closed))
		if err != nil || !r.Clean() {
			t.Fatal(r, err)
		}
		for b := life * 150; b < life*150+150; b++ {
			for p := range producers {
				if _, err := s.Commit(t.Context(), goods(p, b)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if life == 3 {
			copyStore(t, closed, busy)
			awaitNote(t, closed)
			copyStore(t, closed, crashed)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return busy, crashed, closed
}

// awaitNote waits until the head file says that the last commit was answered, which it does after 20 ms of idleness.
func awaitNote(t *testing.T, dir string) {
	t.Helper()
	const slot, answered = 4096, 8
	for range 10_000 {
		b, err := os.ReadFile(filepath.Join(dir, "head"))
		if err != nil || len(b) < slot+answered+1 {
			t.Fatalf("head file of %d bytes: %v", len(b), err)
		}
		if b[answered] == 1 || b[slot+answered] == 1 {
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Fatal("the head file never says that the last commit was answered")
}

// filesOf lists the files of a store; a folder of Badger's has one of each of its kinds.
func filesOf(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// kindOf is what a file is, of many of a kind.
func kindOf(file string) string {
	return cmp.Or(strings.TrimPrefix(filepath.Ext(file), "."), filepath.Base(file))
}

// flip turns a bit of a file; nth says where: near its start, near the end of what is used, or anywhere.
func flip(t *testing.T, rng *rand.Rand, file string, nth int) string {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) == 0 {
		return ""
	}
	used := max(len(bytes.TrimRight(b, "\x00")), 1)
	var at int
	switch nth % 6 {
	case 0:
		at = rng.IntN(min(used, 64))
	case 1:
		at = used - 1 - rng.IntN(min(used, 64))
	case 2:
		at = rng.IntN(len(b))
	default:
		at = rng.IntN(used)
	}
	bit := byte(1) << rng.IntN(8)
	if _, err := f.WriteAt([]byte{b[at] ^ bit}, int64(at)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("byte %d of %d (%d used), bit %#02x", at, len(b), used, bit)
}

// tally counts what became of the flips in files of a kind.
type tally struct{ flips, noticed, harmless, silent, crashed, told int }

// TestBitFlip flips single bits in every file of a store's folder. Whatever then happens: it is said, or all is there.
func TestBitFlip(t *testing.T) {
	demanded(t)
	_, crashed, closed := usedStore(t)
	each := number(t, "FAULTS_FLIPS", 10)
	rng := dice(t, 3)
	o := outcome{fault: "single bits flipped"}
	kinds := map[string]*tally{}
	for _, from := range []string{crashed, closed} {
		whole, crash := examined(t, from, func(string) {})
		if crash != "" || whole.noticed() || whole.Wrong != "" || whole.Moved == 0 {
			t.Fatalf("the store is not whole before: %+v %s", whole, crash)
		}
		for _, file := range filesOf(t, from) {
			k := kinds[kindOf(file)]
			if k == nil {
				k = &tally{}
				kinds[kindOf(file)] = k
			}
			for n := range each {
				where := ""
				got, crash := examined(t, from, func(dir string) { where = flip(t, rng, filepath.Join(dir, file), n) })
				if where == "" {
					break // an empty file
				}
				o.struck++
				o.acked = whole.Moved // before each
				k.judge(t, fmt.Sprintf("%s/%s %s", filepath.Base(from), file, where), got, whole, crash, &o)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[name]
		o.note("%s: %d flips, %d noticed, %d harmless, %d silent, %d crashes, %d movements lost and told", name, k.flips, k.noticed, k.harmless, k.silent, k.crashed, k.told)
	}
	o.tell(t)
}

// judge books one flip.
func (k *tally) judge(t *testing.T, where string, got, whole opened, crash string, o *outcome) {
	t.Helper()
	k.flips++
	o.twice += got.Twice
	switch {
	case crash != "":
		k.crashed++
		t.Errorf("%s: the process ends, and will again: %s", where, crash)
	case got.Wrong != "":
		k.silent++
		t.Errorf("%s: %s", where, got.Wrong)
	case got.noticed():
		k.noticed++
		k.told += max(0, whole.Moved-got.Moved)
	case !got.sameAs(whole):
		k.silent++
		o.lost += max(0, whole.Moved-got.Moved)
		t.Errorf("%s: nothing was said, and %+v became %+v", where, whole, got)
	default:
		k.harmless++
	}
	if got.Again != "" {
		t.Errorf("%s: opened again it says %s (before: %s)", where, got.Again, got.Found)
	}
	if got.Refused != "" {
		t.Logf("%s: refused: %s", where, got.Refused)
	}
}

// TestBitFlipInTheLastBatchOfACrash is the limit of what can be noticed: two faults at once. A store that crashes within 20 ms
// of answering a batch, and then a bit flips in just that batch: this looks like a batch that was never answered, because the
// note that it was comes a moment after. No more than that one batch may be gone.
func TestBitFlipInTheLastBatchOfACrash(t *testing.T) {
	demanded(t)
	busy, _, _ := usedStore(t)
	whole, crash := examined(t, busy, func(string) {})
	if crash != "" || whole.noticed() {
		t.Fatalf("the store is not whole before: %+v %s", whole, crash)
	}
	rng := dice(t, 4)
	flips, silent, lost := number(t, "FAULTS_FLIPS", 10), 0, 0
	for range flips {
		got, crash := examined(t, busy, func(dir string) {
			logs, _ := filepath.Glob(filepath.Join(dir, "badger", "*.mem"))
			flip(t, rng, slices.Max(logs), 1)
		})
		if crash != "" || got.Wrong != "" || got.Twice > 0 {
			t.Errorf("%+v %s", got, crash)
		}
		if gone := whole.Moved - got.Moved; gone > 0 && !got.noticed() {
			silent++
			lost = max(lost, gone)
		}
	}
	t.Logf("LIMIT crash within 20 ms of an answer, and a bit flipped in that batch: %d flips, %d silent, at most %d movements each", flips, silent, lost)
	if most := movementsIn(producers-1, 599); lost > most {
		t.Errorf("%d movements are gone without a word; the last batch has %d", lost, most)
	}
}
