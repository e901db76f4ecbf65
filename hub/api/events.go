package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

const (
	// heartbeat is how often an open stream says that it is, and asks whether its session still is. An open console counts
	// as use, so the session does not end for idleness.
	heartbeat = 2 * time.Second
	// writeWithin is how long a client may take to take what was written; then it is dropped, and comes back.
	writeWithin = 10 * time.Second
)

type eventsInput struct {
	Since  int64 `query:"since" minimum:"-1" default:"-1" doc:"replay what happened after this event; -1 = from now on"`
	LastID int64 `header:"Last-Event-ID" minimum:"-1" default:"-1" doc:"what a browser sends when it comes back; counts more than since"`
}

// events answers a stream that ends when the client leaves, is too slow, signs out, or the hub stops.
func (s *server) events(a huma.API, op huma.Operation) {
	op.Responses = map[string]*huma.Response{"200": {
		Description: "hello, hb every 2 s, stock, pass, alarm, edge, device, sample, proposal, quarantine",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}},
	}}
	huma.Register(a, op, func(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		since := in.Since
		if in.LastID >= 0 {
			since = in.LastID
		}
		sub, resync, err := s.Bus.Subscribe(ctx, s.Events, since)
		if err != nil {
			return nil, s.problem(ctx, op, err)
		}
		_, seq, err := s.Rooms.Events.Bounds(ctx)
		if err != nil {
			sub.Close()
			return nil, s.problem(ctx, op, err)
		}
		ear := &listener{bounds: s.bounds}
		if err := ear.refresh(ctx, sessionFrom(ctx).Principal, time.Now()); err != nil {
			sub.Close()
			return nil, s.problem(ctx, op, err)
		}
		p := passFrom(ctx)
		return &huma.StreamResponse{Body: func(c huma.Context) {
			defer sub.Close()
			req, w := humago.Unwrap(c)
			s.stream(req.Context(), w, sub, hello{seq, resync, s.Clock.Now().UnixMilli()}, p, ear)
		}}, nil
	})
}

type hello struct {
	Seq    int64 `json:"seq"`
	Resync bool  `json:"resync"`
	NowMS  int64 `json:"now_ms"`
}

// stream writes until something ends it; why does not matter, because the client comes back by itself.
func (s *server) stream(ctx context.Context, w http.ResponseWriter, sub *event.Subscription, h hello, p pass, ear *listener) {
	s.count.streams.Inc()
	defer s.count.streams.Dec()
	out := newEventWriter(w)
	out.unnumbered("hello", h)
	tell := func(e event.Event) {
		if e, ok := ear.hears(e); ok {
			out.event(e)
		}
	}
	for _, e := range sub.Backlog {
		tell(e)
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.flush() == nil {
		select {
		case <-ctx.Done():
			return
		case e, open := <-sub.Events:
			if !open {
				s.count.dropped.Inc()
				s.Log.InfoContext(ctx, "event stream dropped: its client is too slow")
				return
			}
			tell(e)
			queued(sub.Events, tell)
		case <-beat.C:
			if !s.stillHere(ctx, p, ear) {
				return
			}
			out.unnumbered("hb", struct {
				NowMS int64 `json:"now_ms"`
			}{s.Clock.Now().UnixMilli()})
		}
	}
}

// stillHere reports whether the listener still may listen, and brings up to date to what. A hub that cannot tell at this
// moment lets it go on.
func (s *server) stillHere(ctx context.Context, p pass, ear *listener) bool {
	session, err := s.recognise(ctx, p)
	if err == nil {
		err = anybody.check(session)
	}
	if err == nil {
		err = ear.refresh(ctx, session.Principal, time.Now())
	}
	if err != nil && !errors.Is(err, fault.Forbidden) {
		s.Log.WarnContext(ctx, "cannot tell who listens to a stream", "err", err)
		return true
	}
	return err == nil
}

// eventWriter writes the text/event-stream form; the first error stays.
type eventWriter struct {
	w    io.Writer
	ctrl *http.ResponseController
	err  error
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := &eventWriter{w: w, ctrl: http.NewResponseController(w)}
	out.deadline()
	out.printf("retry: 1000\n")
	return out
}

func (o *eventWriter) deadline() {
	if err := o.ctrl.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && o.err == nil {
		o.err = err
	}
}

func (o *eventWriter) printf(format string, args ...any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, format, args...)
	}
}

func (o *eventWriter) event(e event.Event) {
	o.printf("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, e.Data)
}

// queued tells what waits already, so that a burst is one write to the network.
func queued(events <-chan event.Event, tell func(event.Event)) {
	for range len(events) {
		e, open := <-events
		if !open {
			return
		}
		tell(e)
	}
}

func (o *eventWriter) unnumbered(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil && o.err == nil {
		o.err = err
	}
	o.printf("event: %s\ndata: %s\n\n", name, text)
}

func (o *eventWriter) flush() error {
	if o.err == nil {
		o.deadline()
		o.err = o.ctrl.Flush()
	}
	return o.err
}
