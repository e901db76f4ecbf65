package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stopWithin is how long one part may take to stop.
const stopWithin = 10 * time.Second

// part is one thing that runs while the hub does.
type part struct {
	name  string
	run   func(ctx context.Context) error // blocks until ctx ends; returns nil then
	ready <-chan struct{}                 // closed when it works; nil = at once
}

// lifecycle runs parts. It is used by one goroutine.
type lifecycle struct {
	log     *slog.Logger
	failed  chan error // first failure of a part
	running []running
}

type running struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

func newLifecycle(log *slog.Logger) *lifecycle {
	return &lifecycle{log: log, failed: make(chan error, 1)}
}

// start runs p and waits until it is ready. The part does not end with ctx, but when stop comes to it.
func (l *lifecycle) start(ctx context.Context, p part) error {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := running{p.name, cancel, make(chan error, 1)}
	l.running = append(l.running, r)
	go func() {
		err := p.run(own)
		if own.Err() == nil {
			if err == nil {
				err = errors.New("ended by itself")
			}
			select {
			case l.failed <- fmt.Errorf("%s: %w", p.name, err):
			default: // another part failed first
			}
			err = nil // told
		}
		r.done <- err
	}()
	if p.ready == nil {
		return nil
	}
	select {
	case <-p.ready:
		l.log.Debug("part is ready", "part", p.name)
		return nil
	case err := <-l.failed:
		l.failed <- err
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait blocks until ctx ends (nil) or a part fails.
func (l *lifecycle) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.failed:
		return err
	}
}

// stop ends the parts, the last started first, and tells what went wrong in that.
func (l *lifecycle) stop() error {
	var errs []error
	for len(l.running) > 0 {
		r := l.running[len(l.running)-1]
		l.running = l.running[:len(l.running)-1]
		r.cancel()
		select {
		case err := <-r.done:
			if err != nil && !errors.Is(err, context.Canceled) {
				errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
			}
		case <-time.After(stopWithin):
			errs = append(errs, fmt.Errorf("%s did not stop within %v", r.name, stopWithin))
		}
		l.log.Debug("part stopped", "part", r.name)
	}
	return errors.Join(errs...)
}
