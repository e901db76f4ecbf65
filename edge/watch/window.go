package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// Buckets of a rolling window: one more than makes the window, because the newest is not full and the oldest counts only
// for the part of it that is still inside.
const (
	bucketsPerWindow = 288 // 5 minutes of a day, 2.5 hours of 30 days
	ringLength       = bucketsPerWindow + 1
	chunkLength      = 24 // buckets in one stored value
	chunks           = (ringLength + chunkLength - 1) / chunkLength
)

// bucket is what is known of one slice of time.
type bucket struct {
	N     int64         // number of the slice since 1970
	Known time.Duration // how much of it was measured
	Out   time.Duration // how much of that violated
	Sum   float64       // Kinetic.Sum of it
}

// window sums over a rolling time, or over all time since a reset. Memory is bounded whatever the length, and totals are
// exact where the window's length is a whole number of buckets back; in between, the oldest bucket counts in proportion.
type window struct {
	size  time.Duration // of a bucket; 0 = no rolling: all is in ring[0]
	ring  []bucket
	top   int64         // number of the newest bucket
	stale [chunks]bool  // chunks that changed since they were stored, other than in the newest bucket
	heat  int64         // 0 where no kinetic temperature is wanted
	whole time.Duration // length of the window
}

// newWindow makes an empty one. heat is in J/mol; 0 = none is summed.
func newWindow(length time.Duration, heat int64) *window {
	if length <= 0 {
		return &window{ring: make([]bucket, 1), heat: heat}
	}
	size := max((length+bucketsPerWindow-1)/bucketsPerWindow, time.Second)
	return &window{size: size, ring: make([]bucket, ringLength), heat: heat, whole: length}
}

// add counts a value for the time from..to; out says that it violates.
func (w *window) add(from, to time.Time, v unit.Milli, out bool) {
	rate := 0.0
	if w.heat > 0 {
		rate = harm(v, w.heat)
	}
	if w.size == 0 {
		w.ring[0].count(to.Sub(from), out, rate)
		return
	}
	n, last := w.number(from), w.number(to)
	n = max(n, w.number(to)-bucketsPerWindow) // older than the window cannot count
	w.advance(last)
	for ; n <= last; n++ {
		begin := time.UnixMicro(n * w.size.Microseconds())
		part := minTime(to, begin.Add(w.size)).Sub(maxTime(from, begin))
		if b := w.at(n); b != nil && part > 0 {
			b.count(min(part, w.size-b.Known), out, rate)
			if n != w.top {
				w.stale[w.slot(n)/chunkLength] = true
			}
		}
	}
}

func (b *bucket) count(d time.Duration, out bool, rate float64) {
	b.Known += d
	b.Sum += d.Seconds() * rate
	if out {
		b.Out += d
	}
}

func (w *window) number(t time.Time) int64 { return floorDiv(t.UnixMicro(), w.size.Microseconds()) }

func (w *window) slot(n int64) int { return int(((n % ringLength) + ringLength) % ringLength) }

// at gives a bucket; nil where it is older than the window or newer than the newest.
func (w *window) at(n int64) *bucket {
	if n > w.top || n <= w.top-ringLength {
		return nil
	}
	b := &w.ring[w.slot(n)]
	if b.N != n {
		*b = bucket{N: n}
	}
	return b
}

// advance makes n the newest bucket, if it is newer.
func (w *window) advance(n int64) {
	if w.size == 0 || n <= w.top {
		return
	}
	if w.top != 0 {
		w.stale[w.slot(w.top)/chunkLength] = true
	}
	w.top = n
}

// total sums what lies in the window that ends at now.
func (w *window) total(now time.Time) bucket {
	if w.size == 0 {
		return w.ring[0]
	}
	w.advance(w.number(now))
	var sum bucket
	for i := range w.ring {
		b := &w.ring[i]
		switch age := w.top - b.N; {
		case age < 0 || age >= ringLength || b.Known == 0:
		case age == bucketsPerWindow:
			into := now.UnixMicro() - w.top*w.size.Microseconds()
			sum.plus(b, 1-float64(max(into, 0))/float64(w.size.Microseconds()))
		default:
			sum.plus(b, 1)
		}
	}
	return sum
}

func (b *bucket) plus(o *bucket, part float64) {
	if part >= 1 {
		b.Known, b.Out, b.Sum = b.Known+o.Known, b.Out+o.Out, b.Sum+o.Sum
		return
	}
	part = max(part, 0)
	b.Known += time.Duration(float64(o.Known) * part)
	b.Out += time.Duration(float64(o.Out) * part)
	b.Sum += o.Sum * part
}

func (b bucket) kinetic() Kinetic { return Kinetic{Known: b.Known, Sum: b.Sum} }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
