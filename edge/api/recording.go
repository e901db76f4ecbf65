package api

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/recording"
)

// Bounds of a recording over HTTP, machine time.
const (
	recordHold  = 16384 // entries that wait for a slow caller
	recordFlush = 200 * time.Millisecond
	recordWrite = 10 * time.Second // after which a caller that takes nothing is cut off

	recordLongest = 10 * time.Minute // of a file to save
)

// serveRecording streams what the devices say as a recording, package recording, until the caller goes, or, with parameter
// for, for so long, as a file to save. It begins with the state of each device. Trailer Tallydock-Lost tells how many
// entries the caller was too slow for.
func (s *Server) serveRecording(w http.ResponseWriter, r *http.Request) {
	length, err := lengthAsked(r)
	if err != nil {
		refuse(w, problemOf(err))
		return
	}
	end := make(<-chan time.Time)
	if length > 0 {
		name := fmt.Sprintf("%s-%s.ndjson", s.Edge, s.Now().UTC().Format("20060102T150405Z"))
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		timer := time.NewTimer(length)
		defer timer.Stop()
		end = timer.C
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if r.Method == http.MethodHead {
		return
	}
	s.stream(w, r, end)
}

// lengthAsked reads how long a recording is to be, machine time; 0 = until the caller goes.
func lengthAsked(r *http.Request) (time.Duration, error) {
	if err := known(r, "for"); err != nil {
		return 0, err
	}
	if !r.URL.Query().Has("for") {
		return 0, nil
	}
	text := r.URL.Query().Get("for")
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > recordLongest {
		return 0, &problem{http.StatusBadRequest, "bad_duration", fmt.Sprintf("for %q is no duration from 1s to %s", text, recordLongest)}
	}
	return d, nil
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request, end <-chan time.Time) {
	l := s.Recording.Listen(recordHold)
	defer l.Close()
	w.Header().Set("Trailer", "Tallydock-Lost")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	text := states(s.Devices.Snapshot(), s.Now())
	flush := time.NewTicker(recordFlush)
	defer flush.Stop()
	for last := false; !last; {
		select {
		case <-r.Context().Done():
			return
		case <-s.stopping:
			last = true
		case <-end:
			last = true
		case e := <-l.C:
			if text = e.Append(text); len(text) < 32<<10 {
				continue
			}
		case <-flush.C:
		}
		if last {
			for range len(l.C) { // what was heard before the end
				e := <-l.C
				text = e.Append(text)
			}
		}
		_ = out.SetWriteDeadline(time.Now().Add(recordWrite))
		if _, err := w.Write(text); err != nil || out.Flush() != nil {
			return
		}
		text = text[:0]
	}
	w.Header().Set("Tallydock-Lost", strconv.FormatUint(l.Lost(), 10))
}

func states(list []wire.Device, now time.Time) []byte {
	var text []byte
	for _, d := range list {
		e := recording.Entry{At: now, Health: &devices.Health{Device: d.ID, State: d.State, Reason: d.Reason}}
		text = e.Append(text)
	}
	return text
}
