package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// probeWithin is how long a probe waits for the database.
const probeWithin = 2 * time.Second

// probes answers the questions of service managers and load balancers before anybody else sees them. GET /healthz: does
// this process live; where it does not answer, start it again. GET /readyz: does it do all its work; where it says no, send
// nobody there, and wait.
func (h *house) probes(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { probe(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { probe(w, h.isReady()) })
	mux.Handle("/", next)
	return mux
}

// isReady says why the hub does not do all its work; nil where it does.
func (h *house) isReady() error {
	select {
	case <-h.ready:
	default:
		return errors.New("still starting")
	}
	if h.draining.Load() {
		return errors.New("stopping")
	}
	if !h.uplink.Connected() {
		return errors.New("no connection to the broker")
	}
	ctx, done := context.WithTimeout(context.Background(), probeWithin)
	defer done()
	if h.db.Ping(ctx) != nil {
		return errors.New("the database does not answer")
	}
	return nil
}

// probe answers 200 or 503; why not is one of a few fixed texts, so that it tells strangers nothing.
func probe(w http.ResponseWriter, err error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"status":"unavailable","reason":"`+err.Error()+`"}`+"\n")
		return
	}
	io.WriteString(w, `{"status":"ok"}`+"\n")
}
