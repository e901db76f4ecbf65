package replica_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/lease"
	"github.com/tallydock/tallydock/hub/replica"
)

// table is what hub/store keeps of leases, in memory; store/storetest shows that the databases do the same.
type table struct {
	mu       sync.Mutex
	replicas map[string]lease.Replica
	leases   map[string]lease.Lease
	gone     map[string]bool // names of hubs that do not reach it
}

func newTable() *table {
	return &table{replicas: map[string]lease.Replica{}, leases: map[string]lease.Lease{}, gone: map[string]bool{}}
}

var errAway = errors.New("the database is away")

func (d *table) reach(id string) (unlock func(), err error) {
	d.mu.Lock()
	for name, gone := range d.gone {
		if gone && len(id) > len(name) && id[:len(name)] == name {
			d.mu.Unlock()
			return nil, errAway
		}
	}
	return d.mu.Unlock, nil
}

func (d *table) Join(_ context.Context, r lease.Replica, lives time.Duration) error {
	unlock, err := d.reach(r.ID)
	if err != nil {
		return err
	}
	defer unlock()
	for id, o := range d.replicas {
		if o.Name == r.Name {
			delete(d.replicas, id)
		}
	}
	r.Until = time.Now().Add(lives)
	d.replicas[r.ID] = r
	return nil
}

func (d *table) Beat(_ context.Context, r lease.Replica, lives time.Duration) (v lease.View, err error) {
	unlock, err := d.reach(r.ID)
	if err != nil {
		return v, err
	}
	defer unlock()
	_, there := d.replicas[r.ID]
	if there {
		r.Until = time.Now().Add(lives)
		d.replicas[r.ID] = r
	} else {
		err = fault.NotFound
	}
	v.Now = time.Now()
	for _, r := range d.replicas {
		v.Replicas = append(v.Replicas, r)
	}
	for _, l := range d.leases {
		v.Leases = append(v.Leases, l)
	}
	return v, err
}

func (d *table) Act(_ context.Context, me string, a lease.Actions) (taken []lease.Lease, err error) {
	unlock, err := d.reach(me)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, there := d.replicas[me]; !there {
		return nil, fault.NotFound
	}
	for _, id := range a.Strike {
		if !d.replicas[id].Until.After(time.Now()) {
			delete(d.replicas, id)
		}
	}
	for _, l := range a.Give {
		if kept := d.leases[l.Name]; kept.Holder == me {
			kept.Holder = ""
			d.leases[l.Name] = kept
		}
	}
	for _, l := range a.Take {
		kept := d.leases[l.Name]
		if _, held := d.replicas[kept.Holder]; held || kept.Term != l.Term {
			continue
		}
		l.Holder, l.Term = me, l.Term+1
		d.leases[l.Name] = l
		taken = append(taken, l)
	}
	return taken, nil
}

func (d *table) Leave(_ context.Context, me string) error {
	unlock, err := d.reach(me)
	if err == nil {
		delete(d.replicas, me)
		unlock()
	}
	return err
}

// hub is a replica in a test, with somebody who works by its share.
type hub struct {
	*replica.Keeper
	stop func() error
}

var count atomic.Int64

func keeper(d *table, name string, alone bool) *replica.Keeper {
	var shared []string
	for p := range 8 {
		shared = append(shared, lease.Partition(p))
	}
	return replica.New(replica.Config{
		Name: name, NewID: func() string { return fmt.Sprint(count.Add(1)) }, Shared: shared, Alone: alone, Log: slog.New(slog.DiscardHandler),
	}, d)
}

func open(t *testing.T, d *table, name string, alone bool) *hub {
	k := keeper(d, name, alone)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	go func() { // works by the share, and has nothing under way when it changes
		for {
			s := k.Share()
			k.Settle(s)
			select {
			case <-ctx.Done():
				return
			case <-s.Changed:
			}
		}
	}()
	k.Ready(true)
	return &hub{k, func() error { cancel(); return <-done }}
}

func (h *hub) has() (names []string) {
	for name := range h.Share().Claims {
		names = append(names, name[len("partition/0"):])
	}
	slices.Sort(names)
	return names
}

func expect(t *testing.T, what string, h *hub, want ...string) {
	t.Helper()
	if got := h.has(); !slices.Equal(got, want) {
		t.Errorf("%s it has %v, want %v", what, got, want)
	}
}

func TestWorkMovesAsHubsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTable()
		a := open(t, d, "a", false)
		time.Sleep(time.Second)
		expect(t, "alone", a, "0", "1", "2", "3", "4", "5", "6", "7")
		b := open(t, d, "b", false)
		time.Sleep(replica.Every + time.Second)
		expect(t, "with another, the first", a, "0", "1", "2", "3")
		expect(t, "with another, the second", b, "4", "5", "6", "7")
		if deposed := b.Share().Deposed; len(deposed) > 0 {
			t.Errorf("what was given up was taken from %v", deposed)
		}
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		time.Sleep(replica.Every + time.Second)
		expect(t, "after the other left", b, "0", "1", "2", "3", "4", "5", "6", "7")
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAHubThatDoesNotReachTheDatabaseStopsBeforeOthersTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTable()
		a, b := open(t, d, "a", false), open(t, d, "b", false)
		time.Sleep(10 * time.Second)
		before := a.Share().ID
		d.mu.Lock()
		d.gone["a"] = true
		d.mu.Unlock()
		for range 200 {
			time.Sleep(100 * time.Millisecond)
			if len(b.has()) > 4 && a.Sure() {
				t.Fatal("one hub has taken over, and the other is still sure of itself")
			}
		}
		expect(t, "after that", b, "0", "1", "2", "3", "4", "5", "6", "7")
		if deposed := b.Share().Deposed; !slices.Equal(deposed, []string{before}) {
			t.Errorf("taken from %v, want %s", deposed, before)
		}
		d.mu.Lock()
		d.gone["a"] = false
		d.mu.Unlock()
		time.Sleep(10 * time.Second)
		if !a.Sure() || a.Share().ID == before {
			t.Errorf("it did not begin anew: %s, before %s", a.Share().ID, before)
		}
		expect(t, "back again, it", a, "4", "5", "6", "7")
		expect(t, "with the first back again, the second", b, "0", "1", "2", "3")
		a.stop()
		b.stop()
	})
}

func TestAHubThatCannotHearEdgesGivesThemUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTable()
		a, b := open(t, d, "a", false), open(t, d, "b", false)
		time.Sleep(10 * time.Second)
		a.Ready(false)
		time.Sleep(10 * time.Second)
		expect(t, "deaf", a)
		expect(t, "the other", b, "0", "1", "2", "3", "4", "5", "6", "7")
		a.stop()
		b.stop()
	})
}

// TestWhatIsUnderWayIsNotGivenUp: nobody settles, so what is too much stays.
func TestWhatIsUnderWayIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTable()
		k := keeper(d, "a", false)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(time.Second)
		b := open(t, d, "b", false)
		k.Ready(true)
		time.Sleep(20 * time.Second)
		s := k.Share()
		if len(s.Claims) != 4 || len(b.has()) > 0 {
			t.Errorf("it works by %v, and the other has %v", s.Claims, b.has())
		}
		k.Settle(s)
		time.Sleep(2 * time.Second)
		expect(t, "settled, the other", b, "4", "5", "6", "7")
		cancel()
		<-done
		b.stop()
	})
}

func TestTwoHubsOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTable()
		a := open(t, d, "a", false)
		time.Sleep(time.Second)
		b := open(t, d, "a", false)
		time.Sleep(5 * time.Second)
		if err := a.stop(); !errors.Is(err, fault.Conflict) {
			t.Errorf("the first ends with %v", err)
		}
		expect(t, "the second", b, "0", "1", "2", "3", "4", "5", "6", "7")
		b.stop()
	})
}

func TestAHubWithABrokerOfItsOwnIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTable()
		a := open(t, d, "a", false)
		time.Sleep(time.Second)
		b := open(t, d, "b", true)
		time.Sleep(time.Second)
		if err := b.stop(); !errors.Is(err, fault.Conflict) {
			t.Errorf("it ends with %v", err)
		}
		a.stop()
	})
}

// TestOnceIsOnce: on one hub at a time, on another when that one is gone, and under its lease.
func TestOnceIsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTable()
		var running atomic.Int64
		var terms []int64
		work := func(ctx context.Context) error {
			if running.Add(1) > 1 {
				t.Error("two do it")
			}
			defer running.Add(-1)
			terms = append(terms, lease.Claims(ctx)[0].Term)
			<-ctx.Done()
			return ctx.Err()
		}
		a, b := open(t, d, "a", false), open(t, d, "b", false)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, h := range []*hub{a, b} {
			group.Go(func() {
				if err := h.Once(ctx, "plan", work); err != nil {
					t.Error(err)
				}
			})
		}
		for range 6 { // each of them is away for a while, in turn
			for _, name := range []string{"a", "b"} {
				d.mu.Lock()
				d.gone[name] = true
				d.mu.Unlock()
				time.Sleep(15 * time.Second)
				d.mu.Lock()
				d.gone[name] = false
				d.mu.Unlock()
				time.Sleep(10 * time.Second)
				if running.Load() != 1 {
					t.Errorf("%d do it", running.Load())
				}
			}
		}
		cancel()
		group.Wait()
		if len(terms) < 8 || !slices.IsSorted(terms) || len(slices.Compact(terms)) != len(terms) {
			t.Errorf("done under the terms %v", terms)
		}
		a.stop()
		b.stop()
	})
}

func TestWhatFailsOnceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, newTable(), "a", false)
		broken := errors.New("broken")
		if err := a.Once(t.Context(), "plan", func(context.Context) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		a.stop()
	})
}
