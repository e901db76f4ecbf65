package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/job"
)

// queue is a job.Store of one job in memory; store/storetest shows what the databases do.
type queue struct {
	mu     sync.Mutex
	job    job.Job
	stolen bool
	held   int
	ended  []error
	again  []time.Duration
}

func (q *queue) Claim(_ context.Context, _ []string, _ int, hold time.Duration) ([]job.Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.job.State != job.Waiting || time.Now().Before(q.job.RunAt) {
		return nil, nil
	}
	q.job.State = job.Running
	q.job.Attempts++
	return []job.Job{q.job}, nil
}

func (q *queue) Hold(context.Context, job.Job, time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held++
	if q.stolen {
		return fault.Conflict
	}
	return nil
}

func (q *queue) End(_ context.Context, _ job.Job, failure error, again time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended, q.again = append(q.ended, failure), append(q.again, again)
	switch {
	case failure == nil:
		q.job.State = job.Done
	case again < 0:
		q.job.State = job.Dead
	default:
		q.job.State, q.job.RunAt = job.Waiting, time.Now().Add(again)
	}
	return nil
}

// work runs a worker with a handler for so long.
func work(t *testing.T, q *queue, d time.Duration, h job.Handler) {
	t.Helper()
	q.job = job.Job{ID: "1", Kind: "tell", State: job.Waiting}
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	w := job.NewWorker(job.Config{Handlers: map[string]job.Handler{"tell": h}, Log: slog.New(slog.DiscardHandler)}, q)
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestAJobThatFailsIsTriedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		work(t, q, time.Minute, func(_ context.Context, j job.Job) error {
			switch j.Attempts {
			case 1:
				return errors.New("nobody answers")
			case 2:
				panic("a bug")
			}
			return nil
		})
		if len(q.ended) != 3 || q.job.State != job.Done || q.again[0] != 2*time.Second || q.again[1] != 4*time.Second {
			t.Errorf("ended %v, again %v, now %s", q.ended, q.again, q.job.State)
		}
	})
}

func TestALongJobIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		work(t, q, 10*time.Minute, func(ctx context.Context, _ job.Job) error {
			time.Sleep(5 * time.Minute)
			return ctx.Err()
		})
		if q.held < 25 || q.job.State != job.Done {
			t.Errorf("held %d times, now %s", q.held, q.job.State)
		}
	})
}

func TestAJobThatIsAnothersEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{stolen: true}
		began := time.Now()
		var took time.Duration
		work(t, q, time.Minute, func(ctx context.Context, _ job.Job) error {
			<-ctx.Done()
			took = time.Since(began)
			return nil
		})
		if len(q.ended) > 0 || took != 10*time.Second {
			t.Errorf("ended %v after %s", q.ended, took)
		}
	})
}

func TestAJobThatAHubLeavesUndoneIsNotFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		work(t, q, time.Second, func(ctx context.Context, _ job.Job) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if len(q.ended) > 0 {
			t.Errorf("ended %v", q.ended)
		}
	})
}

func TestBackoff(t *testing.T) {
	wrong := errors.New("no")
	for _, c := range []struct {
		attempts int
		failure  error
		want     time.Duration
	}{
		{1, wrong, 2 * time.Second},
		{2, wrong, 4 * time.Second},
		{11, wrong, 2048 * time.Second},
		{12, wrong, -1},
		{1, job.Final(wrong), -1},
		{1, fmt.Errorf("%w: a letter for a number", fault.Invalid), -1},
	} {
		if got := job.Backoff(c.attempts, c.failure); got != c.want {
			t.Errorf("attempt %d, %v: %s, want %s", c.attempts, c.failure, got, c.want)
		}
	}
}
