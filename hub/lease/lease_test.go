package lease_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/lease"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func leases(holders ...string) (all []lease.Lease) {
	for i, h := range holders {
		all = append(all, lease.Lease{Name: lease.Partition(i), Holder: h, Term: 1, Shared: true})
	}
	return all
}

func replicas(ids ...string) (all []lease.Replica) {
	for _, id := range ids {
		r := lease.Replica{ID: id, Name: id, Until: noon.Add(time.Second), Ready: true}
		switch id[0] {
		case '!': // silent
			r.ID, r.Until = id[1:], noon
		case '~': // not ready
			r.ID, r.Ready = id[1:], false
		}
		all = append(all, r)
	}
	return all
}

func names(all []lease.Lease) (n []string) {
	for _, l := range all {
		n = append(n, l.Name[len("partition/0"):])
	}
	return n
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		name               string
		replicas           []lease.Replica
		leases             []lease.Lease
		strike, take, give []string
	}{
		{"the first hub takes all", replicas("a"), leases("", "", "", ""), nil, []string{"0", "1", "2", "3"}, nil},
		{"a hub that has its part does nothing", replicas("a", "b"), leases("a", "a", "b", "b"), nil, nil, nil},
		{"what is too much is given up, the last first", replicas("a", "b"), leases("a", "a", "a", "a"), nil, nil, []string{"2", "3"}},
		{"the one that is left over is the first one's", replicas("a", "b"), leases("a", "a", "b"), nil, nil, nil},
		{"and not the last one's", replicas("a", "0"), leases("a", "a", "0"), nil, nil, []string{"1"}},
		{"what is free is taken up to the part", replicas("a", "b"), leases("a", "", "", ""), nil, []string{"1"}, nil},
		{"who was silent is struck off, and its leases are free", replicas("a", "!b"), leases("a", "b", "b"), []string{"b"}, []string{"1", "2"}, nil},
		{"who is not there has nothing", replicas("a"), leases("a", "gone"), nil, []string{"1"}, nil},
		{"who is not ready gets nothing", replicas("a", "~b"), leases("a", "", ""), nil, []string{"1", "2"}, nil},
		{"who is no longer ready gives all up", replicas("~a", "b"), leases("a", "b"), nil, nil, []string{"0"}},
		{"where nobody is ready all have their part", replicas("~a", "~b"), leases("a", "b"), nil, nil, nil},
		{"who was struck off does nothing", replicas("b"), leases("", ""), nil, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := lease.Step("a", lease.View{Now: noon, Replicas: c.replicas, Leases: c.leases})
			if !slices.Equal(got.Strike, c.strike) || !slices.Equal(names(got.Take), c.take) || !slices.Equal(names(got.Give), c.give) {
				t.Errorf("strike %v, take %v, give %v", got.Strike, names(got.Take), names(got.Give))
			}
		})
	}
}

func TestWhatIsDoneOnceIsTakenByWhoeverComesFirst(t *testing.T) {
	v := lease.View{Now: noon, Replicas: replicas("a", "~b"), Leases: []lease.Lease{{Name: "once/x"}, {Name: "once/y", Holder: "a"}}}
	if got := lease.Step("b", v); len(got.Take) != 1 || got.Take[0].Name != "once/x" || len(got.Give) > 0 {
		t.Errorf("got %+v", got)
	}
}

// world is a database with replicas that look at it from time to time and act on what they saw a while ago.
type world struct {
	now      time.Time
	replicas map[string]time.Time // until
	asleep   map[string]bool
	leases   []lease.Lease
	free     map[string]time.Time // since when nobody who is awake has it, or the last one came, fell asleep or woke up
	moves    int
}

const (
	lives = 10 * time.Second
	every = 3 * time.Second
)

func (w *world) view() (v lease.View) {
	v = lease.View{Now: w.now, Leases: slices.Clone(w.leases)}
	for id, until := range w.replicas {
		v.Replicas = append(v.Replicas, lease.Replica{ID: id, Name: id, Until: until, Ready: true})
	}
	return v
}

// act does what the database would do, and fails where two would have a lease.
func (w *world) act(t *rapid.T, me string, a lease.Actions) {
	if _, alive := w.replicas[me]; !alive {
		return
	}
	for _, id := range a.Strike {
		if until, there := w.replicas[id]; there && !until.After(w.now) {
			delete(w.replicas, id)
		}
	}
	for i := range w.leases {
		l := &w.leases[i]
		_, held := w.replicas[l.Holder]
		same := func(o lease.Lease) bool { return o.Name == l.Name && o.Term == l.Term }
		switch {
		case slices.ContainsFunc(a.Give, same) && l.Holder == me:
			l.Holder = ""
			w.moves++
		case slices.ContainsFunc(a.Take, same) && !held:
			l.Holder, l.Term = me, l.Term+1
			w.moves++
		}
	}
}

// TestLawsOfSharing: hubs come, stop, fall asleep and wake up at any time, and act late on what they saw.
//
// After the last of that no lease stays without a living holder for longer than a dead one is believed in and two looks of a living one; when
// nothing happens any more, all have the same number, give or take one; and then nothing moves.
func TestLawsOfSharing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: noon, replicas: map[string]time.Time{}, asleep: map[string]bool{}, free: map[string]time.Time{}}
		w.leases = leases(make([]string, rapid.IntRange(1, 64).Draw(t, "leases"))...)
		looks := map[string]time.Time{} // when each looks again
		born := 0
		second := func() {
			w.now = w.now.Add(time.Second)
			for id := range looks {
				if w.asleep[id] || w.now.Before(looks[id]) {
					continue
				}
				if _, alive := w.replicas[id]; !alive { // struck off: begins anew
					delete(looks, id)
					continue
				}
				w.replicas[id] = w.now.Add(lives)
				w.act(t, id, lease.Step(id, w.view()))
				looks[id] = w.now.Add(every)
			}
			w.check(t)
		}
		come := func() {
			clear(w.free)
			born++
			id := fmt.Sprintf("hub-%d", (born*7)%10*100+born)
			w.replicas[id], looks[id] = w.now.Add(lives), w.now
		}
		come()
		for range rapid.IntRange(0, 60).Draw(t, "seconds") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if len(looks) < 5 {
					come()
				}
			case 1, 2: // falls asleep for ever, or for a while
				if id := rapid.SampledFrom(sorted(looks)).Draw(t, "who"); len(looks) > 1 {
					clear(w.free)
					w.asleep[id] = !w.asleep[id]
				}
			case 3: // acts on what it saw, later
				id := rapid.SampledFrom(sorted(looks)).Draw(t, "who")
				late := lease.Step(id, w.view())
				second()
				second()
				w.act(t, id, late)
			}
			second()
		}
		if !slices.ContainsFunc(sorted(looks), func(id string) bool { return !w.asleep[id] }) {
			come()
		}
		for range 3 * int(lives/time.Second) {
			second()
		}
		w.even(t)
		moves := w.moves
		for range 60 {
			second()
		}
		if w.moves != moves {
			t.Fatalf("%d leases moved while nothing happened", w.moves-moves)
		}
	})
}

func sorted(m map[string]time.Time) (all []string) {
	for id := range m {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// check looks that no lease is without a living holder for too long.
func (w *world) check(t *rapid.T) {
	working := false
	for id := range w.replicas {
		working = working || !w.asleep[id]
	}
	for _, l := range w.leases {
		_, alive := w.replicas[l.Holder]
		if alive && !w.asleep[l.Holder] || !working {
			w.free[l.Name] = w.now
			continue
		}
		since, known := w.free[l.Name]
		if !known {
			w.free[l.Name] = w.now
		} else if w.now.Sub(since) > lives+2*every+2*time.Second {
			t.Fatalf("%s has had no living holder for %s", l.Name, w.now.Sub(since))
		}
	}
}

func (w *world) even(t *rapid.T) {
	count := map[string]int{}
	for id := range w.replicas {
		count[id] = 0
	}
	for _, l := range w.leases {
		if _, there := count[l.Holder]; !there {
			t.Fatalf("%s has no holder", l.Name)
		}
		count[l.Holder]++
	}
	least, most := len(w.leases), 0
	for _, n := range count {
		least, most = min(least, n), max(most, n)
	}
	if most-least > 1 {
		t.Fatalf("shared out unevenly: %v", count)
	}
}
