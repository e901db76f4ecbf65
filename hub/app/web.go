package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of the HTTP server. An event stream sets its own deadline for each write; other answers are bounded by what a
// proxy or the client allows.
const (
	readHeaderWithin = 10 * time.Second
	idleWithin       = 2 * time.Minute
	drainWithin      = 5 * time.Second
)

// serve answers on l until ctx ends. Then event streams end at once, and other requests may finish.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderWithin, IdleTimeout: idleWithin, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what clients do wrong with a connection
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("cannot serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	end()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	err := s.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("requests were cut off at the end", "after", drainWithin)
		err = s.Close()
	}
	<-served
	return err
}
