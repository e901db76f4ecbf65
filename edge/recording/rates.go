package recording

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Rate is how much one antenna reads. Rates are of machine time, so a demonstration that runs faster shows more.
type Rate struct {
	Device  string
	Antenna uint8
	Reads   uint64    // since the gateway started
	Second  float64   // reads in the last whole second
	Minute  float64   // reads a second, over the last minute, or since the start where that is shorter
	Last    time.Time // when the last read arrived, business time
}

// Rates tells how much each antenna reads that has read something, by device and antenna. Any goroutine may ask.
func (t *Tap) Rates() []Rate {
	now := t.second()
	meters := *t.meters.Load()
	out := make([]Rate, 0, len(meters))
	for k, m := range meters {
		out = append(out, Rate{
			Device: k.device, Antenna: k.antenna, Reads: m.reads.Load(),
			Second: float64(m.sum(now-1, now)), Minute: float64(m.sum(now-min(minute, now-1), now)) / float64(max(1, min(minute, now-1))),
			Last: time.Unix(0, m.last.Load()).UTC(),
		})
	}
	slices.SortFunc(out, func(a, b Rate) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Antenna, b.Antenna))
	})
	return out
}

// source is one antenna of one reader.
type source struct {
	device  string
	antenna uint8
}

// Seconds of a minute, and of a meter's ring, which must hold a minute and the second that runs.
const (
	minute = 60
	ring   = 64
)

// meter counts the reads of one antenna. Its ring has a place for each of the last seconds: the second's number in the
// upper half and the count in the lower, so that one atomic step counts, or begins a new second.
type meter struct {
	reads atomic.Uint64
	last  atomic.Int64 // ns since 1970
	ring  [ring]atomic.Uint64
}

func (m *meter) add(second uint32) {
	place := &m.ring[second%ring]
	for {
		was := place.Load()
		is := uint64(second)<<32 | 1
		if uint32(was>>32) == second {
			is = was + 1
		}
		if place.CompareAndSwap(was, is) {
			return
		}
	}
}

// sum counts the reads of the seconds from on, before to.
func (m *meter) sum(from, to uint32) uint64 {
	n := uint64(0)
	for s := from; s < to; s++ {
		if v := m.ring[s%ring].Load(); uint32(v>>32) == s {
			n += v & (1<<32 - 1)
		}
	}
	return n
}

// second is the number of the second that runs, from 1 on.
func (t *Tap) second() uint32 { return uint32(time.Since(t.began)/time.Second) + 1 }

func (t *Tap) count(r *devices.Read) {
	m, ok := (*t.meters.Load())[source{r.Device, r.Antenna}]
	if !ok {
		m = t.newMeter(source{r.Device, r.Antenna})
	}
	m.reads.Add(1)
	m.add(t.second())
	at := r.HostTime
	if at.IsZero() {
		at = t.now()
	}
	m.last.Store(at.UnixNano())
}

// newMeter puts a meter into a copy of the table, so that who counts needs no lock. There are as many as antennas.
func (t *Tap) newMeter(k source) *meter {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.meters.Load()
	if m, ok := old[k]; ok {
		return m
	}
	table := make(map[source]*meter, len(old)+1)
	for k, m := range old {
		table[k] = m
	}
	table[k] = &meter{}
	t.meters.Store(&table)
	return table[k]
}
