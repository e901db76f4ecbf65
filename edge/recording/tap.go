package recording

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Tap is a Sink that hands everything on, and shows it to listeners on the way. A listener that is too slow loses entries,
// which are counted; the road itself never waits for one. It always counts the reads of each antenna, see Rates, and
// keeps the newest sample of each channel, see Latest.
type Tap struct {
	next  devices.Sink
	now   func() time.Time
	began time.Time   // machine time
	busy  atomic.Bool // somebody listens

	meters  atomic.Pointer[map[source]*meter] // the table is not changed, but replaced
	samples latest

	mu   sync.Mutex
	ears map[*Listener]struct{}
}

// NewTap makes a Tap before next; now is business time, for what carries no time of its own.
func NewTap(next devices.Sink, now func() time.Time) *Tap {
	t := &Tap{next: next, now: now, began: time.Now(), ears: map[*Listener]struct{}{}}
	t.meters.Store(&map[source]*meter{})
	t.samples.by = map[channelKey]*Latest{}
	return t
}

// Listener hears what passes a Tap.
type Listener struct {
	C    <-chan Entry
	tap  *Tap
	c    chan Entry
	lost atomic.Uint64
}

// Listen lets a new listener hear what passes from now on; it holds up to so many entries. Close it.
func (t *Tap) Listen(hold int) *Listener {
	l := &Listener{tap: t, c: make(chan Entry, hold)}
	l.C = l.c
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ears[l] = struct{}{}
	t.busy.Store(true)
	return l
}

// Lost is how many entries the listener was too slow for.
func (l *Listener) Lost() uint64 { return l.lost.Load() }

// Close ends listening.
func (l *Listener) Close() {
	l.tap.mu.Lock()
	defer l.tap.mu.Unlock()
	delete(l.tap.ears, l)
	l.tap.busy.Store(len(l.tap.ears) > 0)
}

func (t *Tap) show(e Entry) {
	if e.At.IsZero() {
		e.At = t.now()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.ears {
		select {
		case l.c <- e:
		default:
			l.lost.Add(1)
		}
	}
}

// Read implements devices.Sink.
func (t *Tap) Read(r devices.Read) {
	t.count(&r)
	if t.busy.Load() {
		c := r // on the heap only while somebody listens
		t.show(Entry{At: firstOf(r.ReaderTime, r.HostTime), Read: &c})
	}
	t.next.Read(r)
}

// GPI implements devices.Sink.
func (t *Tap) GPI(g devices.GPI) {
	if t.busy.Load() {
		t.show(Entry{At: firstOf(g.ReaderTime, g.HostTime), GPI: &g})
	}
	t.next.GPI(g)
}

// Sample implements devices.Sink.
func (t *Tap) Sample(s devices.Sample) {
	at := s.HostTime
	if at.IsZero() {
		at = t.now()
	}
	t.samples.take(s, at)
	if t.busy.Load() {
		c := s
		t.show(Entry{At: firstOf(s.DeviceTime, s.HostTime), Sample: &c})
	}
	t.next.Sample(s)
}

// Health implements devices.Sink.
func (t *Tap) Health(h devices.Health) {
	if t.busy.Load() {
		t.show(Entry{At: h.At, Health: &h})
	}
	t.next.Health(h)
}

func firstOf(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
