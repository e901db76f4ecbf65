package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/store"
)

// rawRate is how many synced writes of a record's size the disk takes in a second: the physical limit beside which
// durable commits are judged, because the same disk is ten times slower when neighbours use it.
func rawRate(b *testing.B, dir string, preallocated bool) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, fmt.Sprint("raw", preallocated)))
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const size = 8 << 20
	if preallocated {
		if _, err := f.Write(make([]byte, size)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	record := make([]byte, 150)
	start, n := time.Now(), int64(0)
	for ; time.Since(start) < 500*time.Millisecond; n++ {
		if _, err := f.WriteAt(record, n*int64(len(record))%(size-4096)); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// BenchmarkCommit measures durable records a second of so many producers, each of which waits for its answer, and its
// ratio to raw synced writes measured before and after.
func BenchmarkCommit(b *testing.B) {
	for _, producers := range []int{1, 16, 64, 512} {
		b.Run(fmt.Sprintf("producers=%d", producers), func(b *testing.B) {
			dir := b.TempDir()
			opt := store.Options{Dir: filepath.Join(dir, "s"), Edge: edgeID, BallastBytes: -1, Queue: 1024}
			s, _, err := store.Open(context.Background(), opt)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			raw, grown := rawRate(b, dir, true), rawRate(b, dir, false)
			b.ResetTimer()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			for range producers {
				wg.Go(func() {
					batch := store.Batch{Records: []wire.Record{movement(1)}}
					for left.Add(-1) >= 0 {
						if _, err := s.Commit(context.Background(), batch); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			rate := float64(b.N) / b.Elapsed().Seconds()
			raw, grown = (raw+rawRate(b, dir, true))/2, (grown+rawRate(b, dir, false))/2
			b.ReportMetric(rate, "records/s")
			b.ReportMetric(rate/raw, "of_raw_preallocated")
			b.ReportMetric(rate/grown, "of_raw_append")
		})
	}
}

// BenchmarkReadMain measures reading a backlog from the cursor, checked and chained.
func BenchmarkReadMain(b *testing.B) {
	s, _, err := store.Open(context.Background(), store.Options{Dir: b.TempDir(), Edge: edgeID, BallastBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range 100 {
		if _, err := s.Commit(context.Background(), store.Batch{Records: records(200, i*200, movement)}); err != nil {
			b.Fatal(err)
		}
	}
	next := uint64(1)
	for b.Loop() {
		run, err := s.ReadMain(next, 500, 1<<20)
		if err != nil || len(run.Records) == 0 {
			b.Fatal(err)
		}
		next = run.Last() + 1
		if next > 20_000 {
			next = 1
		}
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
