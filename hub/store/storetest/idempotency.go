package storetest

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/once"
	"github.com/tallydock/tallydock/hub/store"
)

// testAKeyIsBegunOnceAndThenAnswered follows a key through its life: new, in flight, answered, forgotten; given up and begun
// anew; dropped.
func testAKeyIsBegunOnceAndThenAnswered(t *testing.T, open Open) {
	ctx := t.Context()
	s := store.Idempotency{DB: openAt(t, open, nil)}
	r := once.Request{Principal: "otto", Key: "k-1", Hash: [32]byte{1}}
	begin := func(r once.Request, now time.Time, want error) *once.Answer {
		t.Helper()
		a, err := s.Begin(ctx, r, now)
		if !errors.Is(err, want) {
			t.Fatalf("%v; want %v", err, want)
		}
		return a
	}
	begin(r, noon, nil)
	begin(r, noon.Add(time.Second), once.ErrInFlight)
	begin(once.Request{Principal: "otto", Key: "k-1", Hash: [32]byte{2}}, noon, once.ErrReused)
	begin(once.Request{Principal: "vera", Key: "k-1", Hash: [32]byte{2}}, noon, nil)
	given := once.Answer{Status: 201, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte{'{', 0, 0xff, '}'}}
	if err := s.Finish(ctx, r, noon, given); err != nil {
		t.Fatal(err)
	}
	if a := begin(r, noon.Add(time.Hour), nil); a == nil || !reflect.DeepEqual(*a, given) {
		t.Errorf("answered %+v; want %+v", a, given)
	}
	if err := s.Drop(ctx, r, noon); err != nil { // too late
		t.Fatal(err)
	}
	if a := begin(r, noon.Add(time.Hour), nil); a == nil {
		t.Error("an answer was dropped")
	}
	lost := once.Request{Principal: "otto", Key: "k-2"}
	begin(lost, noon, nil)
	later := noon.Add(once.Lease)
	begin(lost, later, nil) // taken over
	if err := s.Finish(ctx, lost, noon, given); err != nil {
		t.Fatal(err)
	}
	begin(lost, later.Add(time.Second), once.ErrInFlight) // who lost it does not answer it
	if err := s.Drop(ctx, lost, later); err != nil {
		t.Fatal(err)
	}
	begin(lost, later.Add(time.Second), nil)
	if gone, err := s.Forget(ctx, noon.Add(time.Second), 100); err != nil || gone != 2 {
		t.Errorf("forgot %d, %v; want 2", gone, err)
	}
	begin(r, later, nil)
}

// testManyBeginOneKey: of many that begin a key at once one does.
func testManyBeginOneKey(t *testing.T, open Open) {
	s := store.Idempotency{DB: openAt(t, open, nil)}
	var began atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			_, err := s.Begin(t.Context(), once.Request{Principal: "otto", Key: "k"}, noon)
			switch {
			case err == nil:
				began.Add(1)
			case !errors.Is(err, once.ErrInFlight):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if began.Load() != 1 {
		t.Errorf("%d began", began.Load())
	}
}
