package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestPartsStopInTheOppositeOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLifecycle(quiet())
		ctx, cancel := context.WithCancel(t.Context())
		var stopped []string
		for _, name := range []string{"database", "broker", "api"} {
			ready := make(chan struct{})
			err := l.start(ctx, part{name, func(ctx context.Context) error {
				close(ready)
				<-ctx.Done()
				stopped = append(stopped, name)
				return nil
			}, ready})
			if err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := errors.Join(l.wait(ctx), l.stop()); err != nil {
			t.Error(err)
		}
		if !slices.Equal(stopped, []string{"api", "broker", "database"}) {
			t.Errorf("stopped %v", stopped)
		}
	})
}

func TestPartThatFailsStopsTheHub(t *testing.T) {
	for name, err := range map[string]error{"with an error": errors.New("port is taken"), "by ending": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLifecycle(quiet())
				l.start(t.Context(), part{name: "steady", run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
				l.start(t.Context(), part{name: "broker", run: func(context.Context) error { return err }})
				if got := l.wait(t.Context()); got == nil || !strings.HasPrefix(got.Error(), "broker: ") {
					t.Errorf("got %v", got)
				}
				l.stop()
			})
		})
	}
}

func TestPartThatFailsBeforeItIsReadyEndsTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLifecycle(quiet())
		err := l.start(t.Context(), part{"api", func(context.Context) error { return errors.New("port is taken") }, make(chan struct{})})
		if err == nil || !strings.Contains(err.Error(), "api: port is taken") {
			t.Errorf("got %v", err)
		}
		l.stop()
	})
}

func TestPartThatDoesNotStopIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLifecycle(quiet())
		release := make(chan struct{})
		l.start(t.Context(), part{name: "stuck", run: func(context.Context) error { <-release; return nil }})
		if err := l.stop(); err == nil || !strings.Contains(err.Error(), "stuck did not stop within 10s") {
			t.Errorf("got %v", err)
		}
		close(release)
	})
}
