package ingest_test

import (
	"context"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
)

// TestNothingIsLostAndNothingCountsTwice: every message doubled, some swapped, some damaged.
func TestNothingIsLostAndNothingCountsTwice(t *testing.T) {
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", true)
	const n = 2000
	e.put(moves(0, n)...)
	e.deliver(context.Background())
	h.check(t, "SZ1-E1", n)
	for _, q := range h.open(t) {
		if q.Reason != intake.BadMessage {
			t.Errorf("in quarantine: %+v", q)
		}
	}
}

// TestDamageAnywhereInAnEnvelopeIsRefused: one bit of every byte is flipped, the header's among them, and the damaged
// envelopes come before the whole one.
func TestDamageAnywhereInAnEnvelopeIsRefused(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moves(0, 1)...)
	e.deliver(ctx) // so the hub listens
	e.put(moves(1, 3)...)
	whole := e.envelope(2, 2)
	sent := 0
	for i := range whole {
		bad := flipped(whole, 8*i+e.random.IntN(8))
		if same(t, e, whole, bad) {
			continue
		}
		sent++
		e.client.Publish(wire.Topic(e.id, wire.UpMovements), 1, false, bad).WaitTimeout(5 * time.Second)
	}
	if sent < len(whole)*9/10 {
		t.Fatalf("only %d of %d flips were damage", sent, len(whole))
	}
	eventually(t, "every damaged envelope was noted", func() bool { return len(h.open(t)) == sent })
	if acks, err := h.intake.Acks(ctx); err != nil || len(acks) != 1 || acks[0].Upto != 1 {
		t.Fatalf("of damaged envelopes the hub acked %+v, %v", acks, err)
	}
	for _, q := range h.open(t) {
		if q.Reason != intake.BadMessage {
			t.Errorf("in quarantine: %+v", q)
		}
	}
	e.deliver(ctx)
	h.check(t, e.id, 3)
}

// same reports whether a flip hit an encoding that means the same, so that nothing was damaged.
func same(t *testing.T, e *edge, whole, bad []byte) bool {
	t.Helper()
	want, err := e.codec.Decode(whole)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.codec.Decode(bad)
	if err != nil {
		return false
	}
	return reflect.DeepEqual(got, want)
}

// dying is a Store that commits and then never says so, as a hub that is killed at that moment.
type dying struct {
	store.Intake
	after atomic.Int64 // commits until it dies
	dead  chan struct{}
}

func (d *dying) Take(ctx context.Context, f func(intake.Tx) error) error {
	err := d.Intake.Take(ctx, f)
	if d.after.Add(-1) != 0 || err != nil {
		return err
	}
	close(d.dead)
	<-ctx.Done()
	return ctx.Err()
}

func TestKilledBetweenCommitAndAck(t *testing.T) {
	b := startBroker(t)
	file := hubFile(t)
	h := openHub(t, file)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	const n = 1200
	e.put(moves(0, n)...)
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		e.deliver(context.Background())
	}()
	for _, commits := range []int64{1, 2, 1, 3} {
		d := &dying{Intake: store.Intake{DB: h.DB}, dead: make(chan struct{})}
		d.after.Store(commits)
		h.listen(t, b, d)
		select {
		case <-d.dead:
		case <-delivered:
		}
		h.stop()
	}
	h.listen(t, b, nil)
	<-delivered
	h.check(t, "SZ1-E1", n)
	if e.lowered > 0 {
		t.Errorf("acks went back %d times", e.lowered)
	}
}

func TestARestoredHubGetsWhatItMisses(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	file := hubFile(t)
	h := openHub(t, file)
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moves(0, 500)...)
	e.deliver(ctx)
	id, err := h.HubID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "copy.db")
	if err := h.Backup(ctx, backup); err != nil {
		t.Fatal(err)
	}
	e.put(moves(500, 900)...)
	e.deliver(ctx)
	h.stop()
	h.Close()

	old := openHub(t, backup)
	if same, err := old.HubID(ctx); err != nil || same != id {
		t.Errorf("the copy says hub %s, want %s (%v)", same, id, err)
	}
	old.listen(t, b, nil)
	e.put(moves(900, 1000)...)
	eventually(t, "the hub asked for what it misses", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.lowered > 0
	})
	e.deliver(ctx)
	old.check(t, "SZ1-E1", 1000)
}

// TestAnEmptyHubGetsAll: the database was thrown away, the broker still has the old ack.
func TestAnEmptyHubGetsAll(t *testing.T) {
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moves(0, 100)...)
	e.deliver(context.Background())
	h.stop()

	b = startBroker(t) // the broker is the hub's and is as empty
	fresh := openHub(t, hubFile(t))
	fresh.listen(t, b, nil)
	e.mu.Lock()
	acked := e.ack
	e.mu.Unlock()
	e = newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moves(0, 100)...)
	e.mu.Lock()
	e.ack = acked
	e.mu.Unlock()
	e.status(onlineStatus())
	eventually(t, "the hub said that it has nothing", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.ack.Epoch == 0 && e.ack.Upto == 0
	})
	e.deliver(context.Background())
	fresh.check(t, "SZ1-E1", 100)
}
