package series

import (
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// Reading is what a sensor said at a time.
type Reading struct {
	At       time.Time // in UTC, whole microseconds
	Value    unit.Milli
	HasValue bool // where not, Value is 0
}

// Bucket is what the readings with a value of a stretch of time came to. All of it is exact.
type Bucket struct {
	Start       time.Time // a multiple of the width since year 1, in UTC
	Count       int64
	Sum         int64   // in thousandths
	Low, High   Reading // the lowest and the highest; of equal ones the earliest
	First, Last Reading
}

// BucketOf is the bucket of a width that r is in, with r alone. r has a value.
func BucketOf(r Reading, width time.Duration) Bucket {
	return Bucket{Start: r.At.Truncate(width), Count: 1, Sum: int64(r.Value), Low: r, High: r, First: r, Last: r}
}

// Merge is the bucket of the readings of both, which have none in common. It does not matter in which order buckets are
// merged; the Bucket without readings changes nothing.
func (b Bucket) Merge(o Bucket) Bucket {
	switch {
	case b.Count == 0:
		return o
	case o.Count == 0:
		return b
	}
	if o.Start.Before(b.Start) {
		b.Start = o.Start
	}
	b.Count += o.Count
	b.Sum += o.Sum
	b.Low = pick(b.Low, o.Low, lower)
	b.High = pick(b.High, o.High, higher)
	b.First = pick(b.First, o.First, earlier)
	b.Last = pick(b.Last, o.Last, later)
	return b
}

// Mean is the mean value, rounded to the nearest thousandth, half away from zero.
func (b Bucket) Mean() unit.Milli {
	if b.Count == 0 {
		return 0
	}
	mean, rest := b.Sum/b.Count, b.Sum%b.Count
	switch {
	case rest >= b.Count-rest:
		mean++
	case -rest >= b.Count+rest:
		mean--
	}
	return unit.Milli(mean)
}

// pick gives the one of a and b that comes before the other.
func pick(a, b Reading, before func(a, b Reading) bool) Reading {
	if before(b, a) {
		return b
	}
	return a
}

func lower(a, b Reading) bool {
	return a.Value < b.Value || a.Value == b.Value && a.At.Before(b.At)
}

func higher(a, b Reading) bool {
	return a.Value > b.Value || a.Value == b.Value && a.At.Before(b.At)
}

func earlier(a, b Reading) bool {
	return a.At.Before(b.At) || a.At.Equal(b.At) && a.Value < b.Value
}

func later(a, b Reading) bool {
	return a.At.After(b.At) || a.At.Equal(b.At) && a.Value > b.Value
}

// Rollup makes buckets of a width, rising in time, of readings that rise in time. Readings without value are in none.
func Rollup(readings []Reading, width time.Duration) []Bucket {
	var all []Bucket
	for _, r := range readings {
		if !r.HasValue {
			continue
		}
		b := BucketOf(r, width)
		if n := len(all); n > 0 && all[n-1].Start.Equal(b.Start) {
			all[n-1] = all[n-1].Merge(b)
		} else {
			all = append(all, b)
		}
	}
	return all
}
