package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/job"
	"github.com/tallydock/tallydock/hub/store"
)

func putOff(t *testing.T, s store.Jobs, kind, key string, wait time.Duration) string {
	t.Helper()
	j := job.Job{ID: newID(), Kind: kind, Key: key, Payload: json.RawMessage(`{"n":1}`)}
	if made, err := s.Add(t.Context(), j, wait); err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	return j.ID
}

func claim(t *testing.T, s store.Jobs, limit int, hold time.Duration) []job.Job {
	t.Helper()
	got, err := s.Claim(t.Context(), []string{"export", "tell"}, limit, hold)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// testManyClaimTheSameJobs: sixteen at the same time, and each job is given to one of them.
func testManyClaimTheSameJobs(t *testing.T, open Open) {
	const claimers, jobs = 16, 200
	s := store.Jobs{DB: openAt(t, open, nil)}
	for i := range jobs {
		putOff(t, s, "export", fmt.Sprint(i), 0)
	}
	var mu sync.Mutex
	given := map[string]int{}
	var group sync.WaitGroup
	for range claimers {
		group.Go(func() {
			for {
				got, err := s.Claim(context.Background(), []string{"export"}, 7, time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, j := range got {
					given[j.ID]++
				}
				all := len(given) == jobs
				mu.Unlock()
				if all {
					return
				}
			}
		})
	}
	group.Wait()
	for id, n := range given {
		if n != 1 {
			t.Errorf("job %s was given %d times", id, n)
		}
	}
	if len(given) != jobs {
		t.Errorf("%d of %d jobs were given", len(given), jobs)
	}
}

func testTheLifeOfAJob(t *testing.T, open Open) {
	s := store.Jobs{DB: openAt(t, open, nil)}
	id := putOff(t, s, "export", "report-1", 0)
	if made, err := s.Add(t.Context(), job.Job{ID: newID(), Kind: "export", Key: "report-1"}, 0); err != nil || made {
		t.Errorf("the same is put off twice: %v, %v", made, err)
	}
	putOff(t, s, "export", "later", time.Hour)
	putOff(t, s, "other", "", 0)
	got := claim(t, s, 5, time.Hour)
	if len(got) != 1 || got[0].ID != id || got[0].Attempts != 1 || got[0].State != job.Running || string(got[0].Payload) != `{"n":1}` {
		t.Fatalf("claimed %+v", got)
	}
	if more := claim(t, s, 5, time.Hour); len(more) > 0 {
		t.Fatalf("claimed again: %+v", more)
	}
	if err := s.End(t.Context(), got[0], errors.New("no paper"), 0); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Get(t.Context(), id); err != nil || j.State != job.Waiting || j.Error != "no paper" {
		t.Errorf("after a failure %+v, %v", j, err)
	}
	second := claim(t, s, 5, over) // whose time is over at once
	if len(second) != 1 || second[0].Attempts != 2 {
		t.Fatalf("claimed %+v", second)
	}
	third := claim(t, s, 5, time.Hour)
	if len(third) != 1 || third[0].Attempts != 3 {
		t.Fatalf("whose time is over is not given to another: %+v", third)
	}
	for what, err := range map[string]error{"hold": s.Hold(t.Context(), second[0], time.Hour), "end": s.End(t.Context(), second[0], nil, 0)} {
		if !errors.Is(err, fault.Conflict) {
			t.Errorf("%s by one who lost it: %v", what, err)
		}
	}
	if err := errors.Join(s.Hold(t.Context(), third[0], time.Hour), s.End(t.Context(), third[0], nil, 0)); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Get(t.Context(), id); err != nil || j.State != job.Done {
		t.Errorf("in the end %+v, %v", j, err)
	}
	putOff(t, s, "export", "report-1", 0) // the one before is over
	dying := claim(t, s, 1, time.Hour)[0]
	if err := s.End(t.Context(), dying, errors.New("for good"), -1); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Get(t.Context(), dying.ID); err != nil || j.State != job.Dead || j.Error != "for good" {
		t.Errorf("given up %+v, %v", j, err)
	}
	if err := s.Trim(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Trim(t.Context(), -2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), dying.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("trimmed, and yet %v", err)
	}
}

// testJobsSurviveThoseWhoDoThem: workers die in the middle, fail and break, and every job is done.
func testJobsSurviveThoseWhoDoThem(t *testing.T, open Open) {
	const jobs = 60
	s := store.Jobs{DB: openAt(t, open, nil)}
	for i := range jobs {
		putOff(t, s, "tell", fmt.Sprint(i), 0)
	}
	for range 5 { // claimed by those who are never heard of again
		claim(t, s, 4, over)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var did atomic.Int64
	var group sync.WaitGroup
	for range 3 {
		w := job.NewWorker(job.Config{
			Log: slog.New(slog.DiscardHandler), Look: 5 * time.Millisecond,
			Handlers: map[string]job.Handler{"tell": func(_ context.Context, j job.Job) error {
				if did.Add(1) == jobs {
					defer stop()
				}
				return nil
			}},
		}, s)
		group.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := did.Load(); n != jobs {
		t.Errorf("%d jobs were done, want %d", n, jobs)
	}
	if left := claim(t, s, jobs, time.Hour); len(left) > 0 {
		t.Errorf("%d jobs are still to be done", len(left))
	}
}
