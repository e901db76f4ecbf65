package ingest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/view"
)

func onlineStatus() wire.Status { return wire.Status{Online: true, At: time.Now(), Software: "test"} }

func TestABadRecordIsParkedAndTheStreamGoesOn(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)

	strange, nowhere, doubtful := moved(1), moved(2), moved(3)
	strange.Movement.Tag = tag(9999)
	nowhere.Movement.To = "SZ1-X-99"
	doubtful.Movement.Confidence = 400
	sample := wire.Record{Sample: &wire.Sample{Device: "probe"}}
	e.put(moved(0), strange, nowhere, doubtful, sample)
	e.mu.Lock()
	e.putRaw([]byte("no record at all"))
	wrong, err := wire.EncodeRecord(wire.Record{Seq: 77, Movement: moved(4).Movement})
	if err != nil {
		t.Fatal(err)
	}
	e.putRaw(wrong)
	e.mu.Unlock()
	e.put(moved(5))
	e.deliver(ctx)

	parked := h.open(t)
	slices.Reverse(parked)
	if got, want := reasons(parked), "unknown_tag unknown_location low_confidence wrong_stream undecodable wrong_stream"; got != want {
		t.Fatalf("parked %s, want %s", got, want)
	}
	for i, q := range parked {
		if q.Seq != uint64(i)+2 || q.Edge != "SZ1-E1" || q.Detail == "" || len(q.Record) < 10 {
			t.Errorf("entry %+v", q)
		}
	}
	h.retryAndDiscard(t, parked)
}

func (h *hub) retryAndDiscard(t *testing.T, parked []intake.Entry) {
	t.Helper()
	ctx := context.Background()
	if _, err := h.intake.Retry(ctx, parked[0].ID, "lin"); !errors.Is(err, fault.Conflict) {
		t.Errorf("an unknown tag was applied: %v", err)
	}
	rows := catalog.Rows{Kind: "tags", Tags: []catalog.TagItem{{Tag: tag(9999).String(), Item: "SKU-1"}}}
	if _, err := (store.Catalog{DB: h.DB}).Put(ctx, rows); err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{0, 2} { // the tag is known now; the doubtful one has been looked at
		q, err := h.intake.Retry(ctx, parked[k].ID, "lin")
		if err != nil || q.State != intake.Resolved || q.By != "lin" {
			t.Errorf("retry gave %+v, %v", q, err)
		}
		if _, err := h.intake.Retry(ctx, parked[k].ID, "lin"); !errors.Is(err, fault.Conflict) {
			t.Errorf("applied twice: %v", err)
		}
	}
	for _, k := range []int{3, 4, 5} {
		if _, err := h.intake.Retry(ctx, parked[k].ID, "lin"); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s was applied: %v", parked[k].Reason, err)
		}
	}
	if _, err := h.intake.Discard(ctx, parked[1].ID, "lin", ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("discarded without a reason: %v", err)
	}
	q, err := h.intake.Discard(ctx, parked[1].ID, "lin", "a typing error in the edge's configuration")
	if err != nil || q.State != intake.Discarded || q.Note == "" {
		t.Errorf("discard gave %+v, %v", q, err)
	}
	if _, err := h.intake.Discard(ctx, "nobody", "lin", "x"); !errors.Is(err, fault.NotFound) {
		t.Errorf("an entry that is not there: %v", err)
	}
	if got := reasons(h.open(t)); got != "wrong_stream undecodable wrong_stream" {
		t.Errorf("still open: %s", got)
	}
	var m ledger.Movement
	for _, id := range h.movements(t) {
		if m, err = (store.Ledger{DB: h.DB}).Movement(ctx, id); err == nil && m.Key == "SZ1-E1/1/4" {
			break
		}
	}
	if m.Actor != "lin" || m.Kind != ledger.Found {
		t.Errorf("who applied it is not in the ledger: %+v", m)
	}
}

func (h *hub) movements(t *testing.T) (ids []string) {
	t.Helper()
	page, _, err := store.View{DB: h.DB}.Movements(context.Background(), view.MovementFilter{Limit: view.MaxMovements})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestBadMessagesAreNotedOnceAndTheStreamGoesOn(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	other := newEdge(t, b.Addr(), "SZ1-E2", false)
	other.put(moved(0))
	e.put(moved(0))
	send := func(leaf string, payload []byte) {
		e.client.Publish(wire.Topic("SZ1-E1", leaf), 1, false, payload).WaitTimeout(5 * time.Second)
	}
	future := append([]byte{0x08, 0x63}, e.envelope(1, 1)[2:]...) // version 99
	for range 2 {
		send(wire.UpMovements, []byte("rubbish"))
		send(wire.UpMovements, nil)
		send(wire.UpMovements, future)
		send(wire.UpMovements, other.envelope(1, 1)) // another edge's envelope
		send(wire.UpSamples, e.envelope(1, 1))       // movements on the samples' topic
		send(wire.UpStatus, []byte("rubbish"))
		send("up/gossip", []byte("?"))
	}
	e.deliver(ctx)
	parked := h.open(t)
	if got, want := reasons(parked), strings.TrimSpace(strings.Repeat("bad_message ", 6)); got != want {
		for _, q := range parked {
			t.Log(q.Reason, q.Detail)
		}
		// "rubbish" is the same bytes from the same edge on two topics: noted once.
		t.Fatalf("parked %s", got)
	}
	if !slices.ContainsFunc(parked, func(q intake.Entry) bool { return strings.Contains(q.Detail, "wire version 99") }) {
		t.Error("no entry says that the version is not known")
	}
	if n := len(h.movements(t)); n != 1 {
		t.Errorf("%d movements, want 1", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.ContainsFunc(h.told, func(v event.Event) bool { return v.Type == event.Quarantine && string(v.Data) == `{"open":6}` }) {
		t.Error("nobody was told of the quarantine")
	}
}

func TestANewEpoch(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moves(0, 10)...)
	e.deliver(ctx)

	e.mu.Lock() // the store lost records 11 to 13; a new epoch begins with 14
	for range 3 {
		e.putRaw([]byte("lost"))
	}
	e.epoch, e.start = 2, 14
	e.mu.Unlock()
	e.put(moves(13, 20)...)
	deadline := time.Now().Add(20 * time.Second)
	for e.ackedEpoch() != 2 {
		e.client.Publish(wire.Topic(e.id, wire.UpMovements), 1, false, e.envelope(14, 4)).WaitTimeout(5 * time.Second)
		time.Sleep(20 * time.Millisecond)
		if time.Now().After(deadline) {
			t.Fatal("the new epoch was never taken")
		}
	}
	e.deliver(ctx)
	parked := h.open(t)
	if len(parked) != 1 || parked[0].Reason != intake.GapOfEpochs || !strings.Contains(parked[0].Detail, "records 11 to 13") {
		t.Fatalf("parked %+v", parked)
	}
	if n := len(h.movements(t)); n != 17 {
		t.Errorf("%d movements, want 17", n)
	}
	if _, err := h.intake.Discard(ctx, parked[0].ID, "lin", "known: power cut on Monday"); err != nil {
		t.Error(err)
	}
}

func (e *edge) ackedEpoch() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ack.Epoch
}

func TestABrokenChain(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moves(0, 10)...)
	e.deliver(ctx)

	e.mu.Lock() // the gateway was put back from an image: the same numbers, another history
	e.records, e.hashes = nil, nil
	e.mu.Unlock()
	e.put(moves(100, 112)...)
	for range 3 {
		e.client.Publish(wire.Topic(e.id, wire.UpMovements), 1, false, e.envelope(11, 2)).WaitTimeout(5 * time.Second)
	}
	eventually(t, "the break was noted", func() bool { return len(h.open(t)) > 0 })
	parked := h.open(t)
	if reasons(parked) != "chain_broken" || len(h.movements(t)) != 10 {
		t.Fatalf("parked %s, %d movements", reasons(parked), len(h.movements(t)))
	}
	if _, err := h.intake.Retry(ctx, parked[0].ID, "lin"); err != nil {
		t.Fatal(err)
	}
	e.deliver(ctx)
	if n := len(h.movements(t)); n != 12 {
		t.Errorf("%d movements after the edge's history was accepted, want 12", n)
	}
	if _, err := h.intake.Retry(ctx, parked[0].ID, "lin"); !errors.Is(err, fault.Conflict) {
		t.Errorf("accepted twice: %v", err)
	}
}
