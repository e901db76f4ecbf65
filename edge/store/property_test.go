package store_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/store"
)

// world is a store and a hub, and what must be true of them.
type world struct {
	t       *rapid.T
	opt     store.Options
	s       *store.Store
	now     time.Time
	hub     *hub
	backups []*hub
	made    int // records 1 to made were committed
	acked   int // records 1 to acked were acked, if only by a hub that was restored from an older copy since
	gone    int // records 1 to gone may have been let go, being acked and old
}

func (w *world) open() {
	s, r, err := store.Open(w.t.Context(), w.opt)
	if err != nil {
		w.t.Fatal(err)
	}
	if !r.Clean() {
		w.t.Fatalf("a store that was closed says %s", r)
	}
	w.s = s
}

func (w *world) commit(t *rapid.T) {
	n := rapid.IntRange(1, 30).Draw(t, "records")
	if _, err := w.s.Commit(t.Context(), store.Batch{Records: records(n, w.made+1, movement)}); err != nil {
		t.Fatal(err)
	}
	w.made += n
}

// send brings some records to the hub; its ack may be lost on the way.
func (w *world) send(t *rapid.T) {
	run, err := w.s.ReadMain(w.s.Position().Acked+1, rapid.IntRange(1, 20).Draw(t, "at once"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.hub.take(run); err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "ack arrives") {
		w.ack(t, outbox.Live)
	}
}

func (w *world) ack(t *rapid.T, word outbox.Word) outbox.Result {
	w.hub.ack.Edge = edgeID
	before := w.s.Position().Acked
	r, err := w.s.Ack(w.hub.ack, word)
	if err != nil {
		t.Fatal(err)
	}
	after := w.s.Position().Acked
	if word == outbox.Retained && after < before {
		t.Fatalf("a retained ack moved the cursor from %d to %d", before, after)
	}
	w.acked = max(w.acked, int(after))
	return r
}

// expire lets days pass.
func (w *world) expire(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "days")) * 24 * time.Hour)
	if err := w.s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	p := w.s.Position()
	if int(p.Oldest) > w.acked+1 {
		t.Fatalf("records up to %d were let go, %d were acked", p.Oldest-1, w.acked)
	}
	w.gone = max(w.gone, int(p.Oldest)-1)
}

// settle brings the hub everything and checks it.
func (w *world) settle(t *rapid.T) {
	for range 1000 {
		if r := w.ack(t, outbox.Live); r == outbox.Gap {
			w.ack(t, outbox.Insisted)
		}
		p := w.s.Position()
		run, err := w.s.ReadMain(p.Acked+1, 100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Records) == 0 {
			break
		}
		if err := w.hub.take(run); err != nil {
			t.Fatal(err)
		}
	}
	ids := w.hub.ids()
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Fatalf("the hub has records twice or out of order: %v", ids)
	}
	for n := w.gone + 1; n <= w.made; n++ {
		if _, ok := slices.BinarySearch(ids, n); !ok {
			t.Fatalf("the hub lacks record %d of %d; up to %d may be gone", n, w.made, w.gone)
		}
	}
	if n := w.s.Orphans(); n != 0 {
		t.Fatalf("%d rows are left outside of every epoch", n)
	}
}

func TestHubGetsEachRecordOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "store")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		w := &world{t: t, opt: small(dir), hub: &hub{}, now: moment}
		w.opt.Now = func() time.Time { return w.now }
		w.open()
		defer func() { w.s.Close() }()
		steps := map[string]func(*rapid.T){
			"commit": w.commit, "send": w.send, "expire": w.expire,
			"retained ack": func(t *rapid.T) { w.ack(t, outbox.Retained) },
			"back up":      func(*rapid.T) { w.backups = append(w.backups, w.hub.clone()) },
			"restore": func(t *rapid.T) {
				if n := len(w.backups); n > 0 {
					w.hub = w.backups[rapid.IntRange(0, n-1).Draw(t, "backup")].clone()
				}
			},
			"settle": w.settle,
			"open again": func(t *rapid.T) {
				if err := w.s.Close(); err != nil {
					t.Fatal(err)
				}
				w.open()
			},
		}
		names := []string{"commit", "send", "expire", "retained ack", "back up", "restore", "settle", "open again", "commit", "send", "send"}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			steps[rapid.SampledFrom(names).Draw(t, "step")](t)
		}
		w.settle(t)
	})
}
