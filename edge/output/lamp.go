package output

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// lamp is one output at work.
type lamp struct {
	Spec
	log  *slog.Logger
	wake chan struct{}

	mu      sync.Mutex
	wants   map[string]string // why, by who wants it on
	version uint64            // of what is wanted; counts up when that changes, and when it is to be set anew
	done    uint64            // the version that it was set to
	err     error
	failed  time.Time // machine time since when attempts fail; zero = the last one did not
}

func (l *lamp) want(by string, on bool, why string) {
	l.mu.Lock()
	was := len(l.wants) > 0
	if on {
		l.wants[by] = why
	} else {
		delete(l.wants, by)
	}
	changed := was != (len(l.wants) > 0)
	if changed {
		l.version++
	}
	l.mu.Unlock()
	if changed {
		l.rouse()
	}
}

func (l *lamp) renew() {
	l.mu.Lock()
	l.version++
	l.mu.Unlock()
	l.rouse()
}

func (l *lamp) rouse() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake, and looks at what is wanted last
	}
}

// run brings the output to what is wanted, again and again until ctx ends.
func (l *lamp) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		on, version, due := l.target()
		switch {
		case !due:
			if !l.rest(ctx, l.Again) {
				return
			}
			pause = firstPause
		case l.attempt(ctx, on, version):
			pause = firstPause
		default:
			if !l.rest(ctx, pause) {
				return
			}
			pause = min(2*pause, mostPause)
		}
	}
}

// target tells what is wanted, and whether that has still to be done.
func (l *lamp) target() (on bool, version uint64, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.wants) > 0, l.version, l.done != l.version
}

// rest waits until something else is wanted or d has passed, after which the output is due again; 0 waits for the first
// alone. It reports whether ctx goes on.
func (l *lamp) rest(ctx context.Context, d time.Duration) bool {
	var timeout <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-l.wake:
	case <-timeout:
		l.mu.Lock()
		l.done = 0
		l.mu.Unlock()
	}
	return true
}

// attempt sets the output once and reports whether it went well.
func (l *lamp) attempt(ctx context.Context, on bool, version uint64) bool {
	within, cancel := context.WithTimeout(ctx, setWithin)
	defer cancel()
	err := l.Set(within, on)
	if ctx.Err() != nil {
		return false
	}
	l.note(version, err, time.Now())
	return err == nil
}

func (l *lamp) note(version uint64, err error, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && l.err != nil:
		l.log.Info("output can be set again")
	case err != nil && l.err == nil:
		l.log.Warn("output cannot be set; trying on", "reason", err)
	}
	l.err = err
	switch {
	case err == nil:
		l.done, l.failed = version, time.Time{}
	case l.failed.IsZero():
		l.failed = at
	}
}

func (l *lamp) state(now time.Time) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := State{Name: l.Name, On: len(l.wants) > 0, Known: l.done == l.version && l.Set != nil}
	var why []string
	for _, by := range slices.Sorted(maps.Keys(l.wants)) {
		why = append(why, l.wants[by])
	}
	s.Why = strings.Join(why, "; ")
	if l.err != nil {
		s.Err = fmt.Errorf("output %s cannot be set: %w", l.Name, l.err)
		s.Failing = now.Sub(l.failed) >= Patience
	}
	return s
}
