package store_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/store"
)

func TestRetainedAckNeverMovesTheCursorBack(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	h := &hub{}
	commit(t, s, store.Batch{Records: records(5, 1, movement)})
	h.sync(t, s, 10)
	old := h.ack
	commit(t, s, store.Batch{Records: records(5, 6, movement)})
	h.sync(t, s, 10)
	if r, err := s.Ack(old, outbox.Retained); err != nil || r != outbox.Stale || s.Position().Acked != 10 {
		t.Fatalf("%v, %v, acked %d", r, err, s.Position().Acked)
	}
	if r, err := s.Ack(h.ack, outbox.Retained); err != nil || r != outbox.Same {
		t.Fatalf("%v, %v", r, err)
	}
	if r, err := s.Ack(old, outbox.Live); err != nil || r != outbox.Rewound || s.Position().Acked != 5 {
		t.Fatalf("%v, %v, acked %d", r, err, s.Position().Acked)
	}
}

func TestAckForAnotherEdgeIsRefused(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	if _, err := s.Ack(wire.Ack{Edge: "SZ2-E9", Epoch: 1, Upto: 1}, outbox.Live); err == nil {
		t.Fatal("it was taken")
	}
}

func TestHubRestoredFromABackupGetsWhatItMisses(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, small(dir))
	h := &hub{}
	commit(t, s, store.Batch{Records: records(50, 1, movement)})
	h.sync(t, s, 7)
	backup := h.clone()
	commit(t, s, store.Batch{Records: records(100, 51, movement)})
	h.sync(t, s, 7)
	s.Close()

	s, _ = open(t, small(dir))
	if got := s.Position().Acked; got != 150 {
		t.Fatalf("acked %d after reopening, want 150", got)
	}
	commit(t, s, store.Batch{Records: records(10, 151, movement)})
	backup.sync(t, s, 7)
	if !slices.Equal(backup.ids(), numbers(1, 160)) {
		t.Fatalf("the restored hub has %v", backup.ids())
	}
	if p := s.Position(); p.Epoch != 1 {
		t.Fatalf("epoch %d began without need", p.Epoch)
	}
}

func TestHubRestoredFromBeforeTheRetentionGetsTheRestInANewEpoch(t *testing.T) {
	now := moment
	opt := small(t.TempDir())
	opt.Now = func() time.Time { return now }
	s, _ := open(t, opt)
	h := &hub{}
	commit(t, s, store.Batch{Records: records(20, 1, movement)})
	h.sync(t, s, 7)
	backup := h.clone()
	commit(t, s, store.Batch{Records: records(30, 21, movement)})
	h.sync(t, s, 7)
	now = now.Add(8 * 24 * time.Hour)
	commit(t, s, store.Batch{Records: records(30, 51, movement)})
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	if got := s.Position().Oldest; got != 51 {
		t.Fatalf("the oldest record is %d, want 51", got)
	}
	if r, err := s.Ack(backup.ack, outbox.Live); err != nil || r != outbox.Gap || s.Position().Epoch != 1 {
		t.Fatalf("an ack heard once gives %v, %v, epoch %d", r, err, s.Position().Epoch)
	}
	backup.sync(t, s, 7)
	if want := append(numbers(1, 20), numbers(51, 80)...); !slices.Equal(backup.ids(), want) {
		t.Fatalf("the restored hub has %v", backup.ids())
	}
	if s.Orphans() != 0 {
		t.Fatalf("%d rows are left outside of every epoch", s.Orphans())
	}
	commit(t, s, store.Batch{Records: records(5, 81, movement)})
	backup.sync(t, s, 7)
	if len(backup.taken) != 55 {
		t.Fatalf("the hub has %d records, want 55", len(backup.taken))
	}
}

func TestNewHubGetsAllThatIsStillHere(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	commit(t, s, store.Batch{Records: records(20, 1, movement)})
	(&hub{}).sync(t, s, 7)
	h := &hub{}
	h.sync(t, s, 7)
	if !slices.Equal(h.ids(), numbers(1, 20)) {
		t.Fatalf("the new hub has %v", h.ids())
	}
}

func TestReplacedEdgeGoesOnAboveTheHub(t *testing.T) {
	for name, replaced := range map[string]int{"with less": 10, "with more": 90} {
		t.Run(name, func(t *testing.T) {
			old, _ := open(t, small(t.TempDir()))
			h := &hub{}
			commit(t, old, store.Batch{Records: records(50, 1, movement)})
			h.sync(t, old, 7)

			s, _ := open(t, small(t.TempDir()))
			commit(t, s, store.Batch{Records: records(replaced, 1001, movement), Samples: records(5, 1, sample)})
			h.ack.SamplesUpto = 77
			h.sync(t, s, 7)
			if want := append(numbers(1, 50), numbers(1001, 1000+replaced)...); !slices.Equal(h.ids(), want) {
				t.Fatalf("the hub has %v", h.ids())
			}
			if p := s.Position(); p.Epoch < 2 || p.EpochStart <= 50 || p.SamplesAcked != 77 {
				t.Fatalf("position %+v", p)
			}
			if got, err := s.ReadSamples(78, 100, 1<<20); err != nil || len(got) != 5 || got[0].Seq != 78 {
				t.Fatalf("samples %v, %v", seqs(got), err)
			}
			epoch := s.Position().Epoch
			h.sync(t, s, 7)
			commit(t, s, store.Batch{Records: records(1, 2000, movement)})
			h.sync(t, s, 7)
			if s.Position().Epoch != epoch {
				t.Fatal("the same ack began another epoch")
			}
		})
	}
}

func TestEdgeRestoredFromAnImageGoesOnAboveTheHub(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, small(dir))
	h := &hub{}
	commit(t, s, store.Batch{Records: records(40, 1, movement)})
	h.sync(t, s, 7)
	s.Close()
	image := t.TempDir()
	if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s, _ = open(t, small(dir))
	commit(t, s, store.Batch{Records: records(20, 41, movement)})
	h.sync(t, s, 7)
	s.Close()

	s, r := open(t, small(image))
	if !r.Clean() {
		t.Fatalf("a whole image says %s", r)
	}
	commit(t, s, store.Batch{Records: records(5, 101, movement)})
	h.sync(t, s, 7)
	if want := append(numbers(1, 60), numbers(101, 105)...); !slices.Equal(h.ids(), want) {
		t.Fatalf("the hub has %v", h.ids())
	}
}

func TestSamplesAreThinnedOldestFirstAndCounted(t *testing.T) {
	opt := small(t.TempDir())
	opt.SampleBytes = 10_000
	s, _ := open(t, opt)
	for i := range 10 {
		commit(t, s, store.Batch{Samples: records(50, 50*i+1, sample), Records: records(1, i, movement)})
	}
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	got, err := s.ReadSamples(1, 1000, 1<<20)
	if err != nil || len(got) == 0 {
		t.Fatal(err)
	}
	p := s.Position()
	if got[len(got)-1].Seq != 500 || got[0].Seq != p.Thinned+1 || p.Thinned < 200 {
		t.Fatalf("samples %d to %d are here, %d thinned", got[0].Seq, got[len(got)-1].Seq, p.Thinned)
	}
	if len(readAll(t, s, 1)) != 10 {
		t.Fatal("movements were thinned")
	}
}

func TestAckedSamplesGoAfterTheirTimeUncounted(t *testing.T) {
	now := moment
	opt := small(t.TempDir())
	opt.Now = func() time.Time { return now }
	s, _ := open(t, opt)
	commit(t, s, store.Batch{Samples: records(100, 1, sample)})
	if _, err := s.Ack(wire.Ack{Edge: edgeID, SamplesUpto: 60}, outbox.Live); err != nil {
		t.Fatal(err)
	}
	now = now.Add(8 * 24 * time.Hour)
	if err := s.Housekeep(); err != nil {
		t.Fatal(err)
	}
	got, err := s.ReadSamples(1, 1000, 1<<20)
	if err != nil || len(got) != 40 || got[0].Seq != 61 || s.Position().Thinned != 0 {
		t.Fatalf("samples %v, %v, thinned %d", seqs(got), err, s.Position().Thinned)
	}
}
