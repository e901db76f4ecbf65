package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/uplink"
)

const edgeID = "SZ1-E1"

func movement(n int) wire.Record {
	tag, err := devices.NewTag(devices.TagEPC, fmt.Appendf(nil, "tag-%08d", n))
	if err != nil {
		panic(err)
	}
	return wire.Record{Movement: &wire.Movement{Tag: tag, To: "SZ1-A-01", Reads: uint32(n), BizStep: wire.Storing}}
}

func alarmed(n int) wire.Record {
	return wire.Record{Alarm: &wire.Alarm{ID: fmt.Sprint(n), From: alarm.Normal, To: alarm.Unacked, Action: alarm.Raise}}
}

func sample(n int) wire.Record {
	return wire.Record{Sample: &wire.Sample{Device: "probe", Quantity: 1, At: time.UnixMicro(int64(n + 1))}}
}

type edge struct {
	*store.Store
	up       *uplink.Uplink
	commands chan wire.Command
	configs  chan wire.Configuration
	catalogs chan []byte
	stop     func()
}

func startEdge(t *testing.T, dir, broker string) *edge {
	t.Helper()
	s, _, err := store.Open(t.Context(), store.Options{Dir: dir, Edge: edgeID, MemTable: 1 << 20, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{Store: s, commands: make(chan wire.Command, 100), configs: make(chan wire.Configuration, 100)}
	e.catalogs = make(chan []byte, 100)
	e.up, err = uplink.New(uplink.Config{
		Edge: edgeID, Site: "SZ1", Broker: "tcp://" + broker, User: edgeID,
		MaxRecords: 20, Resend: 250 * time.Millisecond, RetryFirst: 10 * time.Millisecond, RetryMost: 100 * time.Millisecond,
		Configuration: func(c wire.Configuration) { e.configs <- c },
		Catalog:       func(b []byte) { e.catalogs <- b },
	}, s, func(c wire.Command) { e.commands <- c })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.up.Run(ctx) }()
	e.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(e.stop)
	return e
}

func (e *edge) commit(t testing.TB, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		b := store.Batch{Records: []wire.Record{movement(i)}}
		if i%3 == 0 {
			b.Samples = append(b.Samples, sample(i))
		}
		if _, err := e.Commit(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func numbers(from, to int) (out []int) {
	for i := from; i <= to; i++ {
		out = append(out, i)
	}
	return out
}

func (h *testHub) ids() (out []int) {
	for _, r := range h.taken {
		if r.Movement != nil {
			out = append(out, int(r.Movement.Reads))
		}
	}
	return out
}

// wantExactly waits for the records and samples of 1 to n and checks that each came once and in order.
func (h *testHub) wantExactly(n int) {
	h.t.Helper()
	h.await(fmt.Sprintf("record %d", n), func(h *testHub) bool { return len(h.taken) >= n && len(h.samples) >= n/3 })
	h.set(func(h *testHub) {
		if !slices.Equal(h.ids(), numbers(1, n)) {
			h.t.Fatalf("the hub has %v", h.ids())
		}
		if len(h.samples) != n/3 || len(h.errs) > 0 {
			h.t.Fatalf("%d samples, want %d; errors %v", len(h.samples), n/3, h.errs)
		}
	})
}

func TestRecordsReachTheHubAndTheAckComesBack(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	e := startEdge(t, t.TempDir(), b.addr)
	e.commit(t, 1, 100)
	if _, err := e.Commit(t.Context(), store.Batch{Records: []wire.Record{movement(101), alarmed(1), alarmed(2), movement(102)}}); err != nil {
		t.Fatal(err)
	}
	h.await("all", func(h *testHub) bool { return len(h.taken) == 104 })
	h.await("the ack", func(*testHub) bool { return e.Position().Acked == 104 && e.Position().SamplesAcked == 33 })
	h.set(func(h *testHub) {
		if h.topics[wire.UpAlarms] != 2 || h.topics[wire.UpMovements] < 102 || h.topics[wire.UpSamples] < 33 {
			t.Fatalf("topics %v", h.topics)
		}
	})
	if !e.up.State().Connected {
		t.Fatal("it does not know that it is connected")
	}
	e.stop()
	h.await("good-bye", func(h *testHub) bool { return len(h.status) > 1 && !h.status[len(h.status)-1].Online })
}

func TestBacklogFromBeforeTheBrokerCameUp(t *testing.T) {
	b := startBroker(t)
	b.kill()
	e := startEdge(t, t.TempDir(), b.addr)
	e.commit(t, 1, 300)
	b.start()
	startHub(t, b.addr).wantExactly(300)
}

func TestBrokerIsKilledAndStartedAgain(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	e := startEdge(t, t.TempDir(), b.addr)
	n := 0
	for range 5 {
		e.commit(t, n+1, 120)
		n += 120
		b.kill()
		e.commit(t, n+1, 30)
		n += 30
		b.start()
	}
	h.wantExactly(n)
}

func TestConnectionIsCutFiftyTimes(t *testing.T) {
	b := startBroker(t)
	p := startProxy(t, b.addr)
	h := startHub(t, b.addr)
	e := startEdge(t, t.TempDir(), p.Addr().String())
	n := 0
	for range 50 {
		e.commit(t, n+1, 40)
		n += 40
		p.cut()
	}
	h.wantExactly(n)
}

func TestMessagesAreDoubledDelayedAndSwapped(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	h.set(func(h *testHub) { h.unruly = true })
	e := startEdge(t, t.TempDir(), b.addr)
	e.commit(t, 1, 600)
	h.wantExactly(600)
}

func TestDeafHubGetsEverythingLater(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	h.set(func(h *testHub) { h.deaf = true })
	e := startEdge(t, t.TempDir(), b.addr)
	e.commit(t, 1, 600)
	h.set(func(h *testHub) { h.deaf = false })
	h.wantExactly(600)
}

func TestEdgeIsStartedAgain(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	dir := t.TempDir()
	n := 0
	for range 5 {
		e := startEdge(t, dir, b.addr)
		e.commit(t, n+1, 50)
		n += 50
		e.stop()
	}
	startEdge(t, dir, b.addr)
	h.wantExactly(n)
}

func TestRestoredHubGetsWhatItMisses(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	e := startEdge(t, t.TempDir(), b.addr)
	e.commit(t, 1, 100)
	h.wantExactly(100)
	restore := h.backup()
	e.commit(t, 101, 200)
	h.wantExactly(300)
	restore()
	h.wantExactly(300)
	e.commit(t, 301, 30)
	h.wantExactly(330)
	if p := e.Position(); p.Epoch != 1 {
		t.Fatalf("epoch %d began without need", p.Epoch)
	}
}

func TestNextEpochIsNotSentBeforeTheOneBeforeIsAcked(t *testing.T) {
	b := startBroker(t)
	dir := t.TempDir()
	database, old := filepath.Join(dir, "badger"), filepath.Join(t.TempDir(), "badger")
	e := startEdge(t, dir, "127.0.0.1:1")
	e.commit(t, 1, 300)
	e.stop()
	if err := os.CopyFS(old, os.DirFS(database)); err != nil {
		t.Fatal(err)
	}
	e = startEdge(t, dir, "127.0.0.1:1")
	e.commit(t, 301, 20)
	e.stop()
	if err := errors.Join(os.RemoveAll(database), os.Rename(old, database)); err != nil { // the tail is lost
		t.Fatal(err)
	}
	h := startHub(t, b.addr)
	h.set(func(h *testHub) { h.unruly = true })
	e = startEdge(t, dir, b.addr)
	e.commit(t, 321, 100)
	want := append(numbers(1, 300), numbers(321, 420)...)
	h.await("all", func(h *testHub) bool { return len(h.taken) >= len(want) })
	h.set(func(h *testHub) {
		if !slices.Equal(h.ids(), want) || h.acks[edgeID].Epoch != 2 {
			t.Fatalf("the hub has %v in epoch %d", h.ids(), h.acks[edgeID].Epoch)
		}
	})
}

func TestHubThatKnowsMoreGetsANewEpoch(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	first := startEdge(t, t.TempDir(), b.addr)
	first.commit(t, 1, 100)
	h.wantExactly(100)
	first.stop()
	second := startEdge(t, t.TempDir(), b.addr) // the gateway was replaced
	second.commit(t, 101, 50)
	h.wantExactly(150)
	if p := second.Position(); p.Epoch < 2 || p.EpochStart <= 100 {
		t.Fatalf("position %+v", p)
	}
}

func TestHubOfAnotherDatabaseGetsTheRetainedRest(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	e := startEdge(t, t.TempDir(), b.addr)
	empty := h.backup()
	e.commit(t, 1, 90)
	h.wantExactly(90)
	empty()
	h.set(func(h *testHub) { h.acks = map[string]wire.Ack{}; h.say(edgeID) })
	h.wantExactly(90)
}

func TestCommandIsDoneOnce(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	dir := t.TempDir()
	e := startEdge(t, dir, b.addr)
	h.await("birth", func(h *testHub) bool { return len(h.status) > 0 })
	c := wire.Command{ID: "c1", Actor: "li", Acknowledge: &wire.AlarmAcknowledge{Alarm: "a1"}}
	for range 5 {
		h.command(edgeID, c)
	}
	h.command(edgeID, wire.Command{ID: "c0", Unshelve: &wire.AlarmUnshelve{Alarm: "a0"}})
	got := <-e.commands
	if next := <-e.commands; next.ID != "c0" {
		t.Fatalf("command %s was handed over twice", next.ID)
	}
	if got.ID != "c1" || got.Acknowledge == nil || got.Acknowledge.Alarm != "a1" {
		t.Fatalf("command %+v", got)
	}
	if _, err := e.Commit(t.Context(), store.Batch{Commands: []string{"c1"}}); err != nil {
		t.Fatal(err)
	}
	e.stop()

	online := func(h *testHub) bool { return h.status[len(h.status)-1].Online }
	h.await("good-bye", func(h *testHub) bool { return !online(h) })
	e = startEdge(t, dir, b.addr)
	h.await("birth", online)
	h.command(edgeID, c)
	h.command(edgeID, wire.Command{ID: "c2", Unshelve: &wire.AlarmUnshelve{Alarm: "a1"}})
	if got := <-e.commands; got.ID != "c2" {
		t.Fatalf("command %s was done twice", got.ID)
	}
	if len(e.commands) > 0 {
		t.Fatalf("command %s is one too many", (<-e.commands).ID)
	}
}

func TestSlowCommandHoldsNothingUp(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	dir := t.TempDir()
	s, _, err := store.Open(t.Context(), store.Options{Dir: dir, Edge: edgeID, MemTable: 1 << 20, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	release := make(chan struct{})
	var calls atomic.Int32
	up, err := uplink.New(uplink.Config{Edge: edgeID, Broker: "tcp://" + b.addr}, s, func(wire.Command) {
		calls.Add(1)
		<-release
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- up.Run(ctx) }()
	h.await("birth", func(h *testHub) bool { return len(h.status) > 0 })
	h.command(edgeID, wire.Command{ID: "c1", Unshelve: &wire.AlarmUnshelve{Alarm: "a1"}})
	for i := range 50 {
		if _, err := s.Commit(t.Context(), store.Batch{Records: []wire.Record{movement(i + 1)}}); err != nil {
			t.Fatal(err)
		}
	}
	h.await("all", func(h *testHub) bool { return len(h.taken) == 50 })
	close(release)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 1 {
		t.Fatalf("%d calls", calls.Load())
	}
}

// Who has another certificate connects anew by it: nothing is lost, nothing comes twice, and the hub does not hear that the
// edge goes.
func TestConnectionIsMadeAnewByAnotherLogin(t *testing.T) {
	b := startBroker(t)
	h := startHub(t, b.addr)
	s, _, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Edge: edgeID, MemTable: 1 << 20, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var ids atomic.Int32 // 0 = there is no login yet
	up, err := uplink.New(uplink.Config{
		Edge: edgeID, Resend: 300 * time.Millisecond, RetryFirst: time.Hour, RetryMost: time.Hour, // so that nothing but Redial helps
		Login: func() (uplink.Login, error) {
			if ids.Load() == 0 {
				return uplink.Login{}, errors.New("this gateway is not enrolled")
			}
			return uplink.Login{Broker: "tcp://" + b.addr, ClientID: fmt.Sprint(edgeID, "-", ids.Load())}, nil
		},
	}, s, func(wire.Command) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- up.Run(ctx) }()
	e := &edge{Store: s}
	for n := range 20 {
		e.commit(t, 20*n+1, 20)
		ids.Store(int32(n + 1))
		up.Redial()
		if n == 0 {
			h.await("the first connection", func(h *testHub) bool { return len(h.taken) > 0 })
		}
	}
	h.wantExactly(400)
	h.set(func(h *testHub) {
		for _, st := range h.status {
			if !st.Online {
				t.Error("the hub was told that the edge goes")
			}
		}
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestRefusedConnectionIsSaid(t *testing.T) {
	s, _, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Edge: edgeID, MemTable: 1 << 20, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	up, err := uplink.New(uplink.Config{Edge: edgeID, Broker: "tcp://127.0.0.1:1", RetryFirst: time.Millisecond, RetryMost: 5 * time.Millisecond}, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- up.Run(ctx) }()
	for up.State().Err == nil {
		time.Sleep(time.Millisecond) // a real refusal of the system
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if st := up.State(); st.Connected {
		t.Fatalf("state %+v", st)
	}
}
