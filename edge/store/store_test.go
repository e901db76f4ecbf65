package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/store"
)

const edgeID = "SZ1-E1"

var moment = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// small are options for a store that suits a test.
func small(dir string) store.Options {
	return store.Options{Dir: dir, Edge: edgeID, MemTable: 1 << 20, BallastBytes: -1}
}

func open(t testing.TB, opt store.Options) (*store.Store, store.Recovery) {
	t.Helper()
	s, r, err := store.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, r
}

func movement(n int) wire.Record {
	tag, err := devices.NewTag(devices.TagEPC, fmt.Appendf(nil, "tag-%08d", n))
	if err != nil {
		panic(err)
	}
	return wire.Record{Movement: &wire.Movement{
		Tag: tag, To: fmt.Sprintf("SZ1-A-%02d", n%99), BizStep: wire.Storing, EventTime: moment, Reads: uint32(n), Confidence: 990,
	}}
}

func sample(n int) wire.Record {
	return wire.Record{Sample: &wire.Sample{Device: "probe-r", Quantity: 1, Value: unit.Milli(n), At: moment}}
}

func records(n int, from int, of func(int) wire.Record) (rs []wire.Record) {
	for i := range n {
		rs = append(rs, of(from+i))
	}
	return rs
}

func commit(t testing.TB, s *store.Store, b store.Batch) store.Committed {
	t.Helper()
	c, err := s.Commit(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readAll gives every main record from seq on, and checks what a hub would check.
func readAll(t testing.TB, s *store.Store, from uint64) (all []outbox.Stored) {
	t.Helper()
	for {
		run, err := s.ReadMain(from, 100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Records) == 0 {
			return all
		}
		hash := run.Before
		for _, r := range run.Records {
			hash = wire.Chain(hash, run.Epoch, r.Seq, r.Bytes)
			if hash != r.Hash {
				t.Fatalf("chain of record %d is broken", r.Seq)
			}
			d, err := wire.DecodeRecord(r.Bytes)
			if err != nil || d.Seq != r.Seq {
				t.Fatalf("record %d says it is %d: %v", r.Seq, d.Seq, err)
			}
		}
		all = append(all, run.Records...)
		from = run.Last() + 1
	}
}

func seqs(rs []outbox.Stored) (out []uint64) {
	for _, r := range rs {
		out = append(out, r.Seq)
	}
	return out
}

func loadAll(t testing.TB, s *store.Store, prefix string) map[string]string {
	t.Helper()
	got := map[string]string{}
	if err := s.Load([]byte(prefix), func(k, v []byte) error {
		got[string(k)] = string(v)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCommitIsThereAfterReopening(t *testing.T) {
	dir := t.TempDir()
	s, r := open(t, small(dir))
	if !r.Fresh || !r.Clean() {
		t.Fatalf("a new store says %+v", r)
	}
	c := commit(t, s, store.Batch{
		Records: records(3, 1, movement), Samples: records(2, 1, sample),
		Put:      []store.KV{{Key: []byte("tag/a"), Value: []byte("1")}, {Key: []byte("door/x"), Value: nil}},
		Commands: []string{"c1"},
	})
	if want := (store.Committed{First: 1, Last: 3, FirstSample: 1, LastSample: 2}); c != want {
		t.Fatalf("committed %+v, want %+v", c, want)
	}
	commit(t, s, store.Batch{Put: []store.KV{{Key: []byte("tag/a"), Value: []byte("2")}}, Delete: [][]byte{[]byte("door/x")}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, r = open(t, small(dir))
	if r.Fresh || !r.Clean() || r.String() != "" {
		t.Fatalf("a sound store says %+v: %s", r, r)
	}
	if got := readAll(t, s, 1); len(got) != 3 {
		t.Fatalf("%d records are there, want 3", len(got))
	}
	if got, err := s.ReadSamples(1, 10, 1<<20); err != nil || len(got) != 2 || got[1].Seq != 2 {
		t.Fatalf("samples %v, %v", seqs(got), err)
	}
	if got := loadAll(t, s, ""); len(got) != 1 || got["tag/a"] != "2" {
		t.Fatalf("state %v", got)
	}
	if !s.Done("c1") || s.Done("c2") {
		t.Fatal("done commands are not remembered")
	}
	if c := commit(t, s, store.Batch{Records: records(1, 4, movement)}); c.First != 4 {
		t.Fatalf("next seq is %d, want 4", c.First)
	}
}

func TestReadMainKeepsToItsBounds(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	commit(t, s, store.Batch{Records: records(10, 1, movement)})
	run, err := s.ReadMain(4, 3, 1<<20)
	if err != nil || len(run.Records) != 3 || run.First() != 4 || run.Last() != 6 {
		t.Fatalf("run %v, %v", seqs(run.Records), err)
	}
	before, err := s.ReadMain(3, 1, 1<<20)
	if err != nil || run.Before != before.Records[0].Hash {
		t.Fatalf("a run does not join the one before: %v", err)
	}
	if run, err = s.ReadMain(4, 100, 1); err != nil || len(run.Records) != 1 {
		t.Fatalf("a run of one byte has %d records, want 1: %v", len(run.Records), err)
	}
	if run, err = s.ReadMain(11, 100, 1<<20); err != nil || len(run.Records) != 0 {
		t.Fatalf("a run behind the head has %d records: %v", len(run.Records), err)
	}
}

func TestBatchIsRefusedWhole(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	big := make([]store.KV, 20)
	for i := range big {
		big[i] = store.KV{Key: []byte{byte(i + 1)}, Value: make([]byte, 50<<10)}
	}
	cases := map[string]store.Batch{
		"sample among records": {Records: []wire.Record{movement(1), sample(1)}},
		"empty record":         {Records: []wire.Record{movement(1), {}}},
		"record as sample":     {Samples: []wire.Record{movement(1)}},
		"empty key":            {Records: []wire.Record{movement(1)}, Put: []store.KV{{}}},
		"empty command":        {Commands: []string{""}},
		"too large":            {Records: []wire.Record{movement(1)}, Put: big},
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Commit(t.Context(), b); err == nil {
				t.Fatal("it was taken")
			}
		})
	}
	if _, err := s.Commit(t.Context(), store.Batch{Put: big}); !errors.Is(err, store.ErrTooLarge) {
		t.Fatalf("too large a batch gives %v", err)
	}
	commit(t, s, store.Batch{Records: records(1, 1, movement), Put: []store.KV{{Key: []byte{1}, Value: []byte("x")}}})
	if got := readAll(t, s, 1); len(got) != 1 {
		t.Fatalf("refused batches left %d records", len(got)-1)
	}
	if got := loadAll(t, s, ""); len(got) != 1 {
		t.Fatalf("refused batches left %d keys", len(got)-1)
	}
}

func TestSubmittedBatchesKeepTheirOrder(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			var last uint64
			for i := range 50 {
				pending, err := s.Submit(t.Context(), store.Batch{Records: records(1+i%3, p*1000+i*10, movement)})
				if err != nil {
					t.Error(err)
					return
				}
				c, err := pending.Result()
				if err != nil || c.First <= last {
					t.Errorf("batch got %+v after %d: %v", c, last, err)
				}
				last = c.Last
			}
		})
	}
	wg.Wait()
	got := readAll(t, s, 1)
	for i, r := range got {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d has seq %d", i+1, r.Seq)
		}
	}
	if want := 8 * (17*1 + 17*2 + 16*3); len(got) != want {
		t.Fatalf("%d records, want %d", len(got), want)
	}
}

func TestCloseAnswersEveryone(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	var pending []*store.Pending
	for i := range 100 {
		p, err := s.Submit(t.Context(), store.Batch{Records: records(1, i, movement)})
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range pending {
		if _, err := p.Result(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Commit(t.Context(), store.Batch{Records: records(1, 1, movement)}); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("a closed store says %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLoadGivesOnlyThePrefix(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	var put []store.KV
	for i := range 500 {
		put = append(put, store.KV{Key: fmt.Appendf(nil, "%c/%04d", 'a'+i%3, i), Value: bytes.Repeat([]byte{byte(i)}, i%60)})
	}
	commit(t, s, store.Batch{Put: put})
	if got := loadAll(t, s, "b/"); len(got) != 167 {
		t.Fatalf("%d keys under b/, want 167", len(got))
	}
}

func TestChangedSignalsACommit(t *testing.T) {
	s, _ := open(t, small(t.TempDir()))
	select {
	case <-s.Changed():
	default:
	}
	commit(t, s, store.Batch{Records: records(1, 1, movement)})
	select {
	case <-s.Changed():
	case <-time.After(5 * time.Second):
		t.Fatal("no signal came")
	}
}
