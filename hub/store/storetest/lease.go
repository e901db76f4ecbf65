package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/lease"
	"github.com/tallydock/tallydock/hub/store"
)

// long and over are how long replicas live that live, and that are dead already.
const (
	long = time.Hour
	over = -time.Second
)

func join(t *testing.T, s store.Leases, id string, lives time.Duration) lease.Replica {
	t.Helper()
	r := lease.Replica{ID: id, Name: "hub " + id, Ready: true}
	if err := s.Join(t.Context(), r, lives); err != nil {
		t.Fatal(err)
	}
	return r
}

// look gives what the database says to a replica that lives.
func look(t *testing.T, s store.Leases, r lease.Replica) lease.View {
	t.Helper()
	v, err := s.Beat(t.Context(), r, long)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func take(t *testing.T, s store.Leases, me string, seen ...lease.Lease) []lease.Lease {
	t.Helper()
	taken, err := s.Act(t.Context(), me, lease.Actions{Take: seen})
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

var work = lease.Lease{Name: "partition/00", Shared: true}

// testALeaseHasOneHolder: it is made by whoever takes it first, stays with a holder that lives, and is free when that one
// gives it up, leaves, or is struck off; each holder has a higher term.
func testALeaseHasOneHolder(t *testing.T, open Open) {
	s := store.Leases{DB: openAt(t, open, nil)}
	a, b := join(t, s, "a", long), join(t, s, "b", long)
	first := take(t, s, "a", work)
	if len(first) != 1 || first[0].Term != 1 || first[0].Holder != "a" || !first[0].Shared {
		t.Fatalf("got %+v", first)
	}
	seen := look(t, s, b).Leases
	if len(seen) != 1 || seen[0] != first[0] {
		t.Fatalf("the other sees %+v", seen)
	}
	if got := take(t, s, "b", seen...); len(got) > 0 {
		t.Fatalf("taken from a holder that lives: %+v", got)
	}
	if _, err := s.Act(t.Context(), "b", lease.Actions{Strike: []string{"a"}, Give: seen}); err != nil {
		t.Fatal(err)
	}
	if v := look(t, s, a); len(v.Replicas) != 2 || v.Leases[0].Holder != "a" {
		t.Fatalf("a replica that lives was struck off, or its lease given up by another: %+v", v)
	}
	if _, err := s.Act(t.Context(), "a", lease.Actions{Give: first}); err != nil {
		t.Fatal(err)
	}
	if got := take(t, s, "b", seen...); len(got) != 1 || got[0].Term != 2 {
		t.Fatalf("given up, and then %+v", got)
	}
	if err := s.Leave(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if got := take(t, s, "a", first...); len(got) > 0 {
		t.Fatalf("taken as it was two terms before: %+v", got)
	}
	if got := take(t, s, "a", look(t, s, a).Leases...); len(got) != 1 || got[0].Term != 3 {
		t.Fatalf("after its holder left: %+v", got)
	}
}

func testWhoWasStruckOffBeginsAnew(t *testing.T, open Open) {
	s := store.Leases{DB: openAt(t, open, nil)}
	a := join(t, s, "a", long)
	join(t, s, "b", long)
	take(t, s, "a", work)
	if _, err := s.Beat(t.Context(), a, over); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Act(t.Context(), "b", lease.Actions{Strike: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Beat(t.Context(), a, long); !errors.Is(err, fault.NotFound) || len(v.Replicas) != 1 {
		t.Errorf("it lives again: %+v, %v", v, err)
	}
	if _, err := s.Act(t.Context(), "a", lease.Actions{Take: []lease.Lease{work}}); !errors.Is(err, fault.NotFound) {
		t.Errorf("it acts: %v", err)
	}
	again := lease.Replica{ID: "c", Name: "hub b"} // of the same name as b
	if err := s.Join(t.Context(), again, long); err != nil {
		t.Fatal(err)
	}
	if v := look(t, s, again); len(v.Replicas) != 1 || v.Replicas[0].ID != "c" || v.Replicas[0].Ready || v.Replicas[0].Until.Before(v.Now) {
		t.Errorf("got %+v", v)
	}
}

// testALateWriterIsFenced: what is written under a lease commits while it holds, and not after another took it over, not
// even where the writer was there before.
func testALateWriterIsFenced(t *testing.T, open Open) {
	s := store.Leases{DB: openAt(t, open, nil)}
	join(t, s, "a", long)
	join(t, s, "b", long)
	first := take(t, s, "a", work)[0]
	claim := lease.Claim{Name: first.Name, Holder: "a", Term: 1}
	write := func(c ...lease.Claim) error {
		return s.Write(lease.With(t.Context(), c...), func(tx *store.Tx) error {
			return tx.Emit(event.Quarantine, map[string]int{"open": 1})
		})
	}
	written := func(want int64) {
		t.Helper()
		if _, last, err := store.Events(s).Bounds(t.Context()); err != nil || last != want {
			t.Errorf("%d writes, want %d (%v)", last, want, err)
		}
	}
	if err := write(claim); err != nil {
		t.Fatal(err)
	}
	written(1)
	if err := s.Leave(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := write(claim); err != nil {
		t.Errorf("nobody took it over: %v", err)
	}
	written(2)
	if !s.Alone() { // b comes while a transaction of a's is under way
		err := s.Write(lease.With(t.Context(), claim), func(tx *store.Tx) error {
			if got := take(t, s, "b", first); len(got) > 0 {
				t.Errorf("taken over in the middle of a transaction: %+v", got)
			}
			return tx.Emit(event.Quarantine, map[string]int{"open": 1})
		})
		if err != nil {
			t.Fatal(err)
		}
	} else if err := write(claim); err != nil {
		t.Fatal(err)
	}
	written(3)
	if got := take(t, s, "b", first); len(got) != 1 {
		t.Fatal("not taken over")
	}
	var fenced *lease.ErrFenced
	if err := write(claim, lease.Claim{Name: "once/x", Holder: "a", Term: 1}); !errors.As(err, &fenced) || len(fenced.Names) != 2 {
		t.Errorf("a late writer: %v", err)
	}
	for _, c := range []lease.Claim{{Name: first.Name, Holder: "b", Term: 1}, {Name: first.Name, Holder: "a", Term: 2}, {Name: first.Name, Holder: "b", Term: 3}} {
		if err := write(c); !errors.As(err, &fenced) {
			t.Errorf("claim %+v: %v", c, err)
		}
	}
	written(3)
	if err := write(lease.Claim{Name: first.Name, Holder: "b", Term: 2}); err != nil {
		t.Error(err)
	}
	written(4)
}

// testManyReplicasTakeTheSameLeases: at the same time, and none is taken twice.
func testManyReplicasTakeTheSameLeases(t *testing.T, open Open) {
	const hubs, leases = 8, 64
	s := store.Leases{DB: openAt(t, open, nil)}
	var all []lease.Lease
	for i := range leases {
		all = append(all, lease.Lease{Name: lease.Partition(i), Shared: true})
	}
	for h := range hubs {
		join(t, s, fmt.Sprint(h), long)
	}
	got := make([][]lease.Lease, hubs)
	var group sync.WaitGroup
	for h := range hubs {
		group.Go(func() {
			var err error
			if got[h], err = s.Act(context.Background(), fmt.Sprint(h), lease.Actions{Take: all}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	holder := map[string]string{}
	for _, taken := range got {
		for _, l := range taken {
			if other, twice := holder[l.Name]; twice {
				t.Errorf("%s has %s and %s", l.Name, other, l.Holder)
			}
			holder[l.Name] = l.Holder
		}
	}
	v := look(t, s, lease.Replica{ID: "0"})
	for _, l := range v.Leases {
		if l.Holder != holder[l.Name] || l.Term > 1 {
			t.Errorf("the database says %+v", l)
		}
	}
	if len(v.Leases) != leases || len(holder) == 0 {
		t.Errorf("%d leases, %d taken", len(v.Leases), len(holder))
	}
}
