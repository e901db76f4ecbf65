package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// stage is the running parts, in the order in which they were started.
type stage struct {
	log    *slog.Logger
	within time.Duration // how long a part may take to stop
	parts  []part
	failed chan error // the first failure
}

type part struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs a part until it is stopped. A part that ends before has failed.
func (s *stage) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := part{name: name, cancel: cancel, done: make(chan struct{})}
	s.parts = append(s.parts, p)
	go func() {
		defer close(p.done)
		err := run(ctx)
		if err == nil && ctx.Err() == nil {
			err = fmt.Errorf("it ended by itself")
		}
		if err == nil {
			return
		}
		select {
		case s.failed <- fmt.Errorf("%s: %w", name, err):
		default:
			s.log.Error("a part failed", "part", name, "error", err)
		}
	}()
}

// stop stops the parts, the last started first, and waits for each, but not for ever.
func (s *stage) stop() {
	for i := len(s.parts) - 1; i >= 0; i-- {
		p := s.parts[i]
		p.cancel()
		t := time.NewTimer(s.within)
		select {
		case <-p.done:
		case <-t.C:
			s.log.Error("a part does not stop; going on without it", "part", p.name, "waited", s.within)
		}
		t.Stop()
	}
	s.parts = nil
}
