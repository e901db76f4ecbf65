package event

import (
	"context"
	"sort"
	"sync"
	"time"
)

// Bounds of what a listener may be behind.
const (
	// MaxBacklog is how many events are replayed to a listener that comes back; beyond it must read everything anew.
	MaxBacklog = 10_000
	// QueueSize is how many events wait for a listener before it is dropped as too slow.
	QueueSize = 1024
)

// Store reads the events that were kept.
type Store interface {
	// Since gives events with a Seq above seq, rising, at most limit.
	Since(ctx context.Context, seq int64, limit int) ([]Event, error)
	// Bounds gives the lowest and highest Seq kept; 0, 0 where none is.
	Bounds(ctx context.Context) (first, last int64, err error)
	// Trim forgets events older than before, and all but the newest keep; the newest one stays always, so that numbers
	// are never used again.
	Trim(ctx context.Context, keep int, before time.Time) error
}

// Bus tells events to its listeners. Safe for concurrent use.
type Bus struct {
	mu   sync.Mutex
	ring []Event // the newest events, oldest first; at most twice size
	size int
	subs map[*Subscription]struct{}
}

// New makes a Bus that remembers the newest ring events.
func New(ring int) *Bus {
	return &Bus{size: max(ring, 1), subs: map[*Subscription]struct{}{}}
}

// Subscription is one listener's place. First read Backlog, then Events until it is closed.
type Subscription struct {
	// Backlog has what happened after the Seq asked for and before Events goes on.
	Backlog []Event
	// Events has what happens, in order. It is closed by Close, or by the Bus when QueueSize events wait in it: the
	// listener is too slow and must subscribe again from the last Seq it had.
	Events <-chan Event

	bus    *Bus
	events chan Event
	had    int64 // highest Seq in Backlog: these do not come again
}

// Publish tells events, which must be in order and committed. It never blocks: a listener whose queue is full is dropped.
func (b *Bus) Publish(events []Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ring = append(b.ring, events...)
	if len(b.ring) >= 2*b.size { // twice, so that moving them down is rare
		b.ring = append(b.ring[:0], b.ring[len(b.ring)-b.size:]...)
	}
	for s := range b.subs {
		b.tell(s, events)
	}
}

func (b *Bus) tell(s *Subscription, events []Event) {
	for _, e := range events {
		if e.Seq <= s.had {
			continue
		}
		select {
		case s.events <- e:
		default:
			b.drop(s)
			return
		}
	}
}

func (b *Bus) drop(s *Subscription) {
	if _, ok := b.subs[s]; ok {
		delete(b.subs, s)
		close(s.events)
	}
}

// Close ends the subscription; it may be called more than once.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.bus.drop(s)
}

// Subscribe listens from the event after since on; since < 0 means from now on. What the bus no longer remembers comes
// from kept. resync says that the events asked for cannot be had whole, because they are too many, too old, or of a
// database that was replaced by an older copy: the listener must read its pages anew, and goes on from now.
func (b *Bus) Subscribe(ctx context.Context, kept Store, since int64) (s *Subscription, resync bool, err error) {
	s, ring := b.join()
	if since < 0 {
		return s, false, nil
	}
	s.Backlog, resync, err = backlog(ctx, kept, ring, since)
	if err != nil {
		s.Close()
		return nil, false, err
	}
	s.skipBacklog()
	return s, resync, nil
}

// skipBacklog takes out of the queue what was told while the backlog was read and is in it.
func (s *Subscription) skipBacklog() {
	if len(s.Backlog) == 0 {
		return
	}
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.had = s.Backlog[len(s.Backlog)-1].Seq
	if _, open := s.bus.subs[s]; !open {
		return
	}
	for range len(s.events) {
		if e := <-s.events; e.Seq > s.had {
			s.events <- e
		}
	}
}

// join adds a listener and gives what the ring has at that moment.
func (b *Bus) join() (*Subscription, []Event) {
	c := make(chan Event, QueueSize)
	s := &Subscription{Events: c, events: c, bus: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs[s] = struct{}{}
	return s, append([]Event(nil), b.ring...)
}

// backlog gives the events after since, from the ring where it reaches back far enough, else from kept and the ring.
func backlog(ctx context.Context, kept Store, ring []Event, since int64) (events []Event, resync bool, err error) {
	if len(ring) > 0 && ring[0].Seq <= since+1 {
		if ring[len(ring)-1].Seq < since {
			return nil, true, nil
		}
		return after(ring, since), false, nil
	}
	first, last, err := kept.Bounds(ctx)
	if err != nil {
		return nil, false, err
	}
	if since > last || since+1 < first && since < last {
		return nil, true, nil
	}
	events, err = kept.Since(ctx, since, MaxBacklog+1)
	if err != nil {
		return nil, false, err
	}
	if len(ring) > 0 {
		events = append(before(events, ring[0].Seq), ring...)
	}
	if len(events) > MaxBacklog {
		return nil, true, nil
	}
	return events, false, nil
}

func after(events []Event, seq int64) []Event {
	i := sort.Search(len(events), func(i int) bool { return events[i].Seq > seq })
	return events[i:]
}

// before gives the events below seq.
func before(events []Event, seq int64) []Event {
	i := sort.Search(len(events), func(i int) bool { return events[i].Seq >= seq })
	return events[:i]
}
