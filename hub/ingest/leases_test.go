package ingest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/ingest"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/lease"
	"github.com/tallydock/tallydock/hub/replica"
	"github.com/tallydock/tallydock/hub/store"
)

// held are leases that a test gives and takes away.
type held struct {
	mu    sync.Mutex
	share lease.Share
	next  chan struct{}
	unsure,
	unready bool
	settled int64
}

// give makes the share of these partitions under a term.
func (h *held) give(id string, term int64, partitions ...int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := h.next
	h.next = make(chan struct{})
	h.share = lease.Share{ID: id, Number: h.share.Number + 1, Claims: map[string]lease.Claim{}, Changed: h.next}
	for _, p := range partitions {
		h.share.Claims[lease.Partition(p)] = lease.Claim{Name: lease.Partition(p), Holder: id, Term: term}
	}
	if changed != nil {
		close(changed)
	}
}

func (h *held) Share() lease.Share {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.share
}

func (h *held) Settle(s lease.Share) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settled = s.Number
}

func (h *held) Sure() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.unsure
}

func (h *held) Ready(can bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unready = !can
}

// serve starts an ear that serves what leases give it.
func (h *hub) serve(t *testing.T, b *broker.Broker, l ingest.Leases) *ingest.Ingest {
	t.Helper()
	in := intake.New(intake.Config{Hub: "hub-1", Threshold: 600, Now: time.Now, NewID: newID, Patience: 200 * time.Millisecond}, store.Intake{DB: h.DB})
	ear := ingest.New(ingest.Config{Broker: "tcp://" + b.Addr(), User: "hub", Password: "hub-pw", ClientID: "hub", Leases: l, Log: quiet()}, in)
	h.stop = run(t, ear.Run)
	<-ear.Ready()
	return ear
}

var one, two = wire.Partition("SZ1-E1"), wire.Partition("SZ1-E2")

func TestOnlyEdgesOfOwnPartitionsAreServed(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	kept := store.Leases{DB: h.DB}
	if err := kept.Join(ctx, lease.Replica{ID: "x", Name: "x"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	wanted := lease.Actions{Take: []lease.Lease{{Name: lease.Partition(one), Shared: true}, {Name: lease.Partition(two), Shared: true}}}
	if _, err := kept.Act(ctx, "x", wanted); err != nil {
		t.Fatal(err)
	}
	l := &held{}
	l.give("x", 1, one)
	h.serve(t, b, l)
	first, second := newEdge(t, b.Addr(), "SZ1-E1", false), newEdge(t, b.Addr(), "SZ1-E2", false)
	second.put(moves(0, 30)...)
	second.publish([][]byte{second.envelope(1, 30)})
	first.put(moves(30, 60)...)
	first.deliver(ctx)
	if _, last := second.state(); last != 0 {
		t.Fatalf("an edge of another hub's partition is acked up to %d", last)
	}
	l.give("x", 1, one, two) // it is told where it stands, and sends again
	second.deliver(ctx)
	l.give("x", 1, two)
	eventually(t, "the worker has settled", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.settled == 3
	})
	first.put(moves(60, 90)...)
	first.publish([][]byte{first.envelope(31, 30)})
	second.put(moves(90, 120)...)
	second.deliver(ctx)
	if _, last := first.state(); last != 30 {
		t.Errorf("an edge whose partition is given up is acked up to %d", last)
	}
	// A hub that is not told in time that it lost a partition: nothing commits, and nothing is said.
	l.give("x", 1, one, two)
	first.deliver(ctx)
	if err := kept.Leave(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if err := kept.Join(ctx, lease.Replica{ID: "y", Name: "y"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if taken, err := kept.Act(ctx, "y", lease.Actions{Take: []lease.Lease{{Name: lease.Partition(one), Term: 1, Shared: true}}}); err != nil || len(taken) != 1 {
		t.Fatal(taken, err)
	}
	first.put(moves(120, 150)...)
	first.publish([][]byte{first.envelope(61, 30)})
	second.put(moves(150, 180)...)
	second.deliver(ctx)
	if _, last := first.state(); last != 60 {
		t.Errorf("a hub that lost the partition acked up to %d", last)
	}
	streams, err := store.Intake{DB: h.DB}.Streams(ctx)
	if err != nil || len(streams) != 2 || streams[0].Upto != 60 || streams[1].Upto != 90 {
		t.Errorf("streams %+v, %v", streams, err)
	}
}

// state gives how many acks came, and how far the last one went.
func (e *edge) state() (acks int, upto uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.acks, e.ack.Upto
}

func TestAHubThatIsNotSureSaysNothing(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	l := &held{}
	l.give("", 0)
	all := lease.Share{Claims: map[string]lease.Claim{lease.Partition(one): {}, lease.Partition(two): {}}}
	l.share.Claims = all.Claims
	h.serve(t, b, l)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moves(0, 30)...)
	e.deliver(ctx)
	l.mu.Lock()
	l.unsure = true
	l.mu.Unlock()
	e.put(moves(30, 60)...)
	e.publish([][]byte{e.envelope(31, 30)})
	eventually(t, "what it took is stored", func() bool {
		s, err := store.Intake{DB: h.DB}.Streams(ctx)
		return err == nil && len(s) == 1 && s[0].Upto == 60
	})
	if _, upto := e.state(); upto != 30 {
		t.Errorf("it said that it took the edge up to %d", upto)
	}
	l.mu.Lock()
	l.unsure = false
	l.mu.Unlock()
	e.deliver(ctx)
}

// TestHubsComeAndGoWhileEdgesSend: two ears with real leases on one database.
func TestHubsComeAndGoWhileEdgesSend(t *testing.T) {
	b := startBroker(t)
	file := hubFile(t)
	hubs := []*hub{openHub(t, file), openHub(t, file)}
	serve := func(n int) (stop func()) {
		k := replica.New(replica.Config{
			Name: fmt.Sprint("h", n), NewID: newID, Shared: []string{lease.Partition(one), lease.Partition(two)}, Log: quiet(),
			Lives: time.Second, Every: 200 * time.Millisecond,
		}, store.Leases{DB: hubs[n].DB})
		leave := run(t, k.Run)
		hubs[n].serve(t, b, k)
		return func() { hubs[n].stop(); leave() }
	}
	const n = 300
	edges := []*edge{newEdge(t, b.Addr(), "SZ1-E1", false), newEdge(t, b.Addr(), "SZ1-E2", false)}
	var group sync.WaitGroup
	for i, e := range edges {
		e.put(moves(i*n, (i+1)*n)...)
		group.Go(func() { e.deliver(context.Background()) })
	}
	stop := serve(0)
	for round := range 4 {
		next := serve((round + 1) % 2)
		time.Sleep(300 * time.Millisecond)
		stop()
		stop = next
	}
	group.Wait()
	for _, e := range edges {
		if acks, upto := e.state(); upto != n || e.lowered > 0 {
			t.Errorf("edge %s is acked up to %d, by %d acks of which %d went back", e.id, upto, acks, e.lowered)
		}
	}
	if wrong, err := (store.Ledger{DB: hubs[0].DB}).Check(context.Background()); err != nil || len(wrong) > 0 {
		t.Errorf("books do not agree: %+v, %v", wrong, err)
	}
	v, err := store.Ledger{DB: hubs[0].DB}.Verify(context.Background(), nil)
	if err != nil || len(v.Wrong) > 0 {
		t.Errorf("ledger %+v, %v", v, err)
	}
}
