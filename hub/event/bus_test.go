package event_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
)

// table is a Store in a slice.
type table struct{ rows []event.Event }

func (t *table) Since(_ context.Context, seq int64, limit int) ([]event.Event, error) {
	i := slices.IndexFunc(t.rows, func(e event.Event) bool { return e.Seq > seq })
	if i < 0 {
		return nil, nil
	}
	return t.rows[i:min(len(t.rows), i+limit)], nil
}

func (t *table) Bounds(context.Context) (first, last int64, err error) {
	if len(t.rows) == 0 {
		return 0, 0, nil
	}
	return t.rows[0].Seq, t.rows[len(t.rows)-1].Seq, nil
}

func (t *table) Trim(context.Context, int, time.Time) error { return nil }

// events gives the events from first to last.
func events(first, last int64) []event.Event {
	var all []event.Event
	for seq := first; seq <= last; seq++ {
		all = append(all, event.Event{Seq: seq, Type: event.Stock})
	}
	return all
}

func seqs(all []event.Event) []int64 {
	var s []int64
	for _, e := range all {
		s = append(s, e.Seq)
	}
	return s
}

// drain takes what waits.
func drain(s *event.Subscription) []event.Event {
	var all []event.Event
	for {
		select {
		case e, open := <-s.Events:
			if !open {
				return all
			}
			all = append(all, e)
		default:
			return all
		}
	}
}

func TestSubscribe(t *testing.T) {
	for _, c := range []struct {
		name        string
		kept        []event.Event // in the table
		published   []event.Event // since the bus was made
		ring        int
		since       int64
		first, last int64 // the backlog's; 0, 0 = none
		resync      bool
	}{
		{"from now on", events(1, 9), events(5, 9), 10, -1, 0, 0, false},
		{"from the ring", nil, events(5, 9), 10, 6, 7, 9, false},
		{"the ring reaches back just far enough", nil, events(5, 9), 10, 4, 5, 9, false},
		{"from the table and the ring", events(1, 9), events(5, 9), 10, 2, 3, 9, false},
		{"from the table after a restart", events(1, 9), nil, 10, 2, 3, 9, false},
		{"nothing new", events(1, 9), events(5, 9), 10, 9, 0, 0, false},
		{"nothing new after a restart", events(1, 9), nil, 10, 9, 0, 0, false},
		{"nothing ever", nil, nil, 10, 0, 0, 0, false},
		{"all of it", events(1, 9), nil, 10, 0, 1, 9, false},
		{"trimmed just so far that nothing is missed", events(4, 9), nil, 10, 3, 4, 9, false},
		{"trimmed too far", events(4, 9), nil, 10, 2, 0, 0, true},
		{"trimmed too far, with a ring", events(4, 9), events(7, 9), 10, 2, 0, 0, true},
		{"ahead of a database that was restored", events(1, 9), nil, 10, 12, 0, 0, true},
		{"ahead of the ring", events(1, 9), events(5, 9), 10, 12, 0, 0, true},
		{"ahead of an empty database", nil, nil, 10, 12, 0, 0, true},
		{"too far behind", events(1, event.MaxBacklog+1), nil, 10, 0, 0, 0, true},
		{"just not too far behind", events(1, event.MaxBacklog), nil, 10, 0, 1, event.MaxBacklog, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bus := event.New(c.ring)
			bus.Publish(c.published)
			s, resync, err := bus.Subscribe(context.Background(), &table{c.kept}, c.since)
			if err != nil {
				t.Fatal(err)
			}
			var want []int64
			if c.first > 0 {
				want = seqs(events(c.first, c.last))
			}
			if resync != c.resync || !slices.Equal(seqs(s.Backlog), want) {
				t.Errorf("resync %v, backlog %v; want %v, %v", resync, seqs(s.Backlog), c.resync, want)
			}
			bus.Publish(events(20_000, 20_001))
			if got := seqs(drain(s)); !slices.Equal(got, []int64{20_000, 20_001}) {
				t.Errorf("then came %v", got)
			}
		})
	}
}

// late is a table to which events come, and are told, while it is read.
type late struct {
	table
	bus *event.Bus
}

func (l *late) Since(ctx context.Context, seq int64, limit int) ([]event.Event, error) {
	more := events(4, 6)
	l.rows = append(l.rows, more...)
	l.bus.Publish(more)
	return l.table.Since(ctx, seq, limit)
}

func TestWhatComesWhileTheBacklogIsReadComesOnce(t *testing.T) {
	bus := event.New(10)
	s, _, err := bus.Subscribe(context.Background(), &late{table{events(1, 3)}, bus}, 1)
	if err != nil {
		t.Fatal(err)
	}
	bus.Publish(events(7, 8))
	got := append(seqs(s.Backlog), seqs(drain(s))...)
	if want := seqs(events(2, 8)); !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
}

func TestASlowListenerIsDroppedAndTheOthersAreNot(t *testing.T) {
	bus := event.New(10)
	slow, _, _ := bus.Subscribe(context.Background(), &table{}, -1)
	quick, _, _ := bus.Subscribe(context.Background(), &table{}, -1)
	var heard []event.Event
	for seq := int64(1); seq <= event.QueueSize+5; seq++ {
		bus.Publish(events(seq, seq))
		heard = append(heard, drain(quick)...)
	}
	if len(heard) != event.QueueSize+5 {
		t.Errorf("the quick one heard %d events", len(heard))
	}
	if got := drain(slow); len(got) != event.QueueSize {
		t.Errorf("the slow one heard %d events", len(got))
	}
	if _, open := <-slow.Events; open {
		t.Error("the slow one was not dropped")
	}
	slow.Close()
	quick.Close()
	quick.Close()
	bus.Publish(events(5000, 5000))
}

func TestTheRingForgetsTheOldest(t *testing.T) {
	bus := event.New(3)
	for seq := int64(1); seq <= 50; seq++ {
		bus.Publish(events(seq, seq))
	}
	s, resync, err := bus.Subscribe(context.Background(), &table{events(40, 50)}, 47)
	if err != nil || resync || !slices.Equal(seqs(s.Backlog), []int64{48, 49, 50}) {
		t.Errorf("backlog %v, resync %v, %v", seqs(s.Backlog), resync, err)
	}
	if _, resync, _ := bus.Subscribe(context.Background(), &table{events(40, 50)}, 3); !resync {
		t.Error("what nobody remembers was not said to be missing")
	}
}
