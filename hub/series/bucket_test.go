package series_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/series"
)

// readings draws readings that rise in time within two hours, some at the same instants as others would be, some without
// value.
func readings(rt *rapid.T) []series.Reading {
	n := rapid.IntRange(0, 60).Draw(rt, "n")
	at := map[int]bool{}
	for range n {
		at[rapid.IntRange(-7200, 7200).Draw(rt, "second")] = true
	}
	var all []series.Reading
	for s := range at {
		r := series.Reading{At: noon.Add(time.Duration(s) * time.Second), HasValue: rapid.IntRange(0, 9).Draw(rt, "has") > 0}
		if r.HasValue {
			r.Value = unit.Milli(rapid.SampledFrom([]int64{-1e12, -3, -1, 0, 1, 2, 1e12}).Draw(rt, "value"))
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b series.Reading) int { return a.At.Compare(b.At) })
	return all
}

func TestMergingBucketsIsBlindToOrderAndGrouping(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var parts []series.Bucket
		for _, r := range readings(rt) {
			if r.HasValue {
				parts = append(parts, series.BucketOf(r, time.Hour))
			}
		}
		if len(parts) == 0 {
			return
		}
		want := series.Bucket{}
		for _, b := range parts {
			want = want.Merge(b)
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		for len(parts) > 1 { // merge any two until one is left
			random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			parts = append(parts[2:], parts[0].Merge(parts[1]))
		}
		if !reflect.DeepEqual(parts[0], want) {
			rt.Fatalf("merged in another order: %+v, want %+v", parts[0], want)
		}
	})
}

func TestFineBucketsMergeToExactlyTheCoarse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := readings(rt)
		want := series.Rollup(all, time.Hour)
		var got []series.Bucket
		for _, b := range series.Rollup(all, time.Minute) {
			b.Start = b.Start.Truncate(time.Hour)
			if n := len(got); n > 0 && got[n-1].Start.Equal(b.Start) {
				got[n-1] = b.Merge(got[n-1])
			} else {
				got = append(got, b)
			}
		}
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestRollupHasEveryValueOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := readings(rt)
		for _, width := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour} {
			checkRollup(rt, all, width)
		}
	})
}

func checkRollup(rt *rapid.T, all []series.Reading, width time.Duration) {
	var before time.Time
	count := 0
	for _, b := range series.Rollup(all, width) {
		var values []unit.Milli
		var sum int64
		for _, r := range all {
			if r.HasValue && !r.At.Before(b.Start) && r.At.Before(b.Start.Add(width)) {
				values = append(values, r.Value)
				sum += int64(r.Value)
			}
		}
		count += len(values)
		switch {
		case !b.Start.After(before) || !b.Start.Equal(b.Start.Truncate(width)):
			rt.Fatalf("bucket begins at %s after %s", b.Start, before)
		case int(b.Count) != len(values) || b.Sum != sum:
			rt.Fatalf("%d readings of sum %d, want %d of %d", b.Count, b.Sum, len(values), sum)
		case b.Low.Value != slices.Min(values) || b.High.Value != slices.Max(values):
			rt.Fatalf("from %d to %d in %v", b.Low.Value, b.High.Value, values)
		case b.First.Value != values[0] || b.Last.Value != values[len(values)-1]:
			rt.Fatalf("first %d, last %d of %v", b.First.Value, b.Last.Value, values)
		case b.Mean() < b.Low.Value || b.Mean() > b.High.Value:
			rt.Fatalf("mean %d is not between %d and %d", b.Mean(), b.Low.Value, b.High.Value)
		}
		before = b.Start
	}
	if want := len(slices.DeleteFunc(slices.Clone(all), func(r series.Reading) bool { return !r.HasValue })); count != want {
		rt.Fatalf("%d readings in buckets, want %d", count, want)
	}
}

func TestMeanIsRoundedHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		sum, count int64
		want       unit.Milli
	}{{0, 0, 0}, {10, 4, 3}, {9, 4, 2}, {-10, 4, -3}, {-9, 4, -2}, {11, 4, 3}, {-11, 4, -3}, {7, 7, 1}, {-1, 3, 0}, {1, 2, 1}} {
		if got := (series.Bucket{Sum: c.sum, Count: c.count}).Mean(); got != c.want {
			t.Errorf("mean of %d in %d is %d, want %d", c.sum, c.count, got, c.want)
		}
	}
}
