package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Handler does a job. It ends when ctx does, which happens, too, when the job is another hub's by now.
type Handler func(ctx context.Context, j Job) error

// Config says how to work.
type Config struct {
	Handlers map[string]Handler // by kind
	AtOnce   int                // 0 = 4
	Hold     time.Duration      // how long a job is kept without a word; 0 = 30 s
	Look     time.Duration      // how often to look for jobs; 0 = 1 s
	Log      *slog.Logger
}

// Worker does jobs.
type Worker struct {
	Config
	store Store
}

// NewWorker makes a Worker.
func NewWorker(c Config, store Store) *Worker {
	if c.AtOnce == 0 {
		c.AtOnce = 4
	}
	if c.Hold == 0 {
		c.Hold = 30 * time.Second
	}
	if c.Look == 0 {
		c.Look = time.Second
	}
	return &Worker{c, store}
}

// Run does jobs as they become due, until ctx ends; then it waits for those that are under way, whose contexts end, and
// returns nil. What was not finished is waiting again when its hold is over.
func (w *Worker) Run(ctx context.Context) error {
	kinds := slices.Sorted(maps.Keys(w.Handlers))
	if len(kinds) == 0 {
		<-ctx.Done()
		return nil
	}
	var busy sync.WaitGroup
	defer busy.Wait()
	free := make(chan struct{}, w.AtOnce)
	for range w.AtOnce {
		free <- struct{}{}
	}
	ended := make(chan struct{}, 1)
	for failing := false; ; {
		jobs, err := w.store.Claim(ctx, kinds, len(free), w.Hold)
		if err != nil && ctx.Err() == nil && !failing {
			w.Log.Error("cannot look for jobs; they wait until this works", "error", err)
		}
		failing = err != nil
		for _, j := range jobs {
			<-free
			busy.Go(func() {
				w.do(ctx, j)
				free <- struct{}{}
				select {
				case ended <- struct{}{}:
				default:
				}
			})
		}
		if !w.rest(ctx, ended) {
			return nil
		}
	}
}

// rest waits until there may be something to do.
func (w *Worker) rest(ctx context.Context, ended <-chan struct{}) bool {
	t := time.NewTimer(w.Look)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-ended:
	}
	return true
}

// do does one job, and keeps it meanwhile.
func (w *Worker) do(ctx context.Context, j Job) {
	work, stop := context.WithCancel(ctx)
	defer stop()
	log := w.Log.With("job", j.ID, "kind", j.Kind, "attempt", j.Attempts)
	done := make(chan error, 1)
	go func() { done <- w.handle(work, j) }()
	hold := time.NewTicker(w.Hold / 3)
	defer hold.Stop()
	for {
		select {
		case err := <-done:
			w.end(ctx, log, j, err)
			return
		case <-hold.C:
			if err := w.store.Hold(ctx, j, w.Hold); errors.Is(err, fault.Conflict) {
				log.Warn("a job was not finished in its time, and is another's by now")
				stop()
				<-done
				return
			}
		}
	}
}

// handle has the handler do it; one that panics fails the job, not the hub.
func (w *Worker) handle(ctx context.Context, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler of %s broke: %v", j.Kind, p)
		}
	}()
	return w.Handlers[j.Kind](ctx, j)
}

func (w *Worker) end(ctx context.Context, log *slog.Logger, j Job, failure error) {
	if failure != nil && ctx.Err() != nil {
		return // the hub stops: another goes on
	}
	again := Backoff(j.Attempts, failure)
	if failure != nil {
		log.Warn("a job failed", "again in", again, "error", failure)
	}
	if err := w.store.End(context.WithoutCancel(ctx), j, failure, again); err != nil {
		log.Error("cannot note what became of a job; it is done again", "error", err)
	}
}
