package load

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Durations are counted in microseconds: exactly below 2^subBits, above in half steps to each power of two, so that a
// quantile is at most 1/256 off.
const (
	subBits   = 8
	half      = 1 << (subBits - 1)
	octaves   = 40 - subBits // up to 2^40 µs, which is 12 days
	histogram = (octaves + 2) * half
)

// latencies counts how long things took. It is safe for concurrent use.
type latencies struct {
	counts [histogram]atomic.Uint64
}

func (l *latencies) add(d time.Duration) { l.counts[slot(uint64(max(d.Microseconds(), 0)))].Add(1) }

// slot is the place of a number of microseconds.
func slot(us uint64) int {
	shift := max(bits.Len64(us)-subBits, 0)
	return min(shift*half+int(us>>shift), histogram-1)
}

// middle is the duration that stands for all that are counted in a slot.
func middle(slot int) time.Duration {
	if slot < 2*half {
		return time.Duration(slot) * time.Microsecond
	}
	shift := slot/half - 1
	low := uint64(slot-shift*half) << shift
	return time.Duration(low+(1<<shift)/2) * time.Microsecond
}

// counted is what latencies had counted at some moment.
type counted struct {
	counts [histogram]uint64
	total  uint64
}

func (l *latencies) counted() *counted {
	c := &counted{}
	for i := range l.counts {
		c.counts[i] = l.counts[i].Load()
		c.total += c.counts[i]
	}
	return c
}

// since is what was counted after an earlier moment.
func (c *counted) since(earlier *counted) *counted {
	d := &counted{total: c.total - earlier.total}
	for i := range d.counts {
		d.counts[i] = c.counts[i] - earlier.counts[i]
	}
	return d
}

// quantile is the duration that a share q of all were not above; 0 where there are none.
func (c *counted) quantile(q float64) time.Duration {
	if c.total == 0 {
		return 0
	}
	rank := uint64(max(math.Ceil(q*float64(c.total)), 1)) - 1
	for i, n := range c.counts {
		if rank < n {
			return middle(i)
		}
		rank -= n
	}
	return 0
}

// most is the longest.
func (c *counted) most() time.Duration {
	for i := histogram - 1; i >= 0; i-- {
		if c.counts[i] > 0 {
			return middle(i)
		}
	}
	return 0
}
