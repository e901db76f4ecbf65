package store_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/store"
)

const crashDir = "TALLYDOCK_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashChild(dir)
	}
	os.Exit(m.Run())
}

// crashChild commits from several goroutines until it is killed, and says each commit once it was answered.
func crashChild(dir string) {
	s, r, err := store.Open(context.Background(), small(dir))
	if err != nil || !r.Clean() {
		fmt.Println("bad", r, err)
		os.Exit(1)
	}
	p := s.Position()
	fmt.Println("open", p.Epoch, p.Head, p.Acked)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				n := g*1_000_000 + i
				c, err := s.Commit(context.Background(), store.Batch{
					Records: records(1+i%3, n, movement), Samples: records(i%2, n, sample),
					Put: []store.KV{{Key: fmt.Appendf(nil, "last/%d", g), Value: fmt.Append(nil, i)}},
				})
				if err != nil {
					fmt.Println("bad", err)
					os.Exit(1)
				}
				if i%50 == 49 {
					ackHead(s)
				}
				mu.Lock()
				fmt.Println("done", g, i, c.First, c.Last)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// ackHead plays a hub that has all but the last few records.
func ackHead(s *store.Store) {
	run, err := s.ReadMain(s.Position().Acked+1, 40, 1<<20)
	if err != nil || len(run.Records) == 0 {
		return
	}
	last := run.Records[len(run.Records)-1]
	a := wire.Ack{Edge: edgeID, Epoch: run.Epoch, Upto: last.Seq, Hash: last.Hash}
	if r, err := s.Ack(a, outbox.Live); err != nil || (r != outbox.Forward && r != outbox.Rewound && r != outbox.Same) {
		fmt.Println("bad ack", r, err)
		os.Exit(1)
	}
}

// promised is what the children said.
type promised struct {
	hashes map[uint64]string // of the records found after earlier kills
	last   map[int]int       // last answered step of each goroutine of the last child
	seqs   map[uint64]bool   // answered, over all children
}

func TestKilledAtAnyMomentNothingAnsweredIsLost(t *testing.T) {
	kills := 24
	if testing.Short() {
		kills = 4
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	p := promised{hashes: map[uint64]string{}, seqs: map[uint64]bool{}}
	for kill := range kills {
		p.last = map[int]int{}
		lifetime := time.Duration(5+rng.IntN(250)) * time.Millisecond
		if kill%4 == 3 {
			lifetime = time.Duration(rng.IntN(3000)) * time.Microsecond // while it opens
		}
		runAndKill(t, dir, lifetime, &p)
		checkPromises(t, dir, kill, &p)
	}
	t.Logf("%d kills, %d records", kills, len(p.hashes))
	if len(p.seqs) < 10*kills {
		t.Fatalf("only %d records were answered: the test tests nothing", len(p.seqs))
	}
}

// runAndKill lets a child live so long after its store is open, or, below 5 ms, after its start.
func runAndKill(t *testing.T, dir string, lifetime time.Duration, p *promised) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if lifetime < 5*time.Millisecond {
		lifetime *= 20 // a process needs some time until it opens anything
		time.AfterFunc(lifetime, func() { _ = cmd.Process.Kill() })
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch f[0] {
		case "open":
			time.AfterFunc(lifetime, func() { _ = cmd.Process.Kill() })
		case "done":
			if len(f) == 5 {
				p.note(f)
			}
		default:
			t.Errorf("child: %s", lines.Text())
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
}

func (p *promised) note(f []string) {
	n := make([]int, 4)
	for i := range n {
		n[i], _ = strconv.Atoi(f[i+1])
	}
	p.last[n[0]] = n[1]
	for seq := n[2]; seq <= n[3]; seq++ {
		p.seqs[uint64(seq)] = true
	}
}

func checkPromises(t *testing.T, dir string, kill int, p *promised) {
	t.Helper()
	s, r, err := store.Open(t.Context(), small(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !r.Clean() {
		t.Fatalf("kill %d: %s", kill, r)
	}
	if e := s.Position().Epoch; e != 1 {
		t.Fatalf("kill %d: epoch %d began without need", kill, e)
	}
	got := map[uint64]bool{}
	next := uint64(1)
	for _, rec := range readAll(t, s, 1) {
		if rec.Seq != next {
			t.Fatalf("kill %d: record %d comes where %d should", kill, rec.Seq, next)
		}
		next++
		hash := hex.EncodeToString(rec.Hash[:])
		if old, known := p.hashes[rec.Seq]; known && old != hash {
			t.Fatalf("kill %d: record %d is another than before", kill, rec.Seq)
		}
		p.hashes[rec.Seq] = hash
		got[rec.Seq] = true
	}
	for seq := range p.seqs {
		if !got[seq] {
			t.Fatalf("kill %d: record %d was answered and is gone", kill, seq)
		}
	}
	state := loadAll(t, s, "last/")
	for g, i := range p.last {
		if at, _ := strconv.Atoi(state[fmt.Sprintf("last/%d", g)]); at < i {
			t.Fatalf("kill %d: state of %d is at step %d, %d was answered", kill, g, at, i)
		}
	}
}
