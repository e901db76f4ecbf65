package api

import (
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
)

// serveRecording streams what the devices say as a recording, package recording, until the caller goes. It begins with the
// state of each device. Trailer Tallydock-Lost tells how many entries the caller was too slow for.
func (s *Server) serveRecording(w http.ResponseWriter, r *http.Request) {
	if err := known(r); err != nil {
		refuse(w, problemOf(err))
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	l := s.Recording.Listen(recordHold)
	defer l.Close()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Trailer", "Tallydock-Lost")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	text := states(s.Devices.Snapshot(), s.Now())
	flush := time.NewTicker(recordFlush)
	defer flush.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.stopping:
			w.Header().Set("Tallydock-Lost", strconv.FormatUint(l.Lost(), 10))
			return
		case e := <-l.C:
			if text = e.Append(text); len(text) < 32<<10 {
				continue
			}
		case <-flush.C:
		}
		_ = out.SetWriteDeadline(time.Now().Add(recordWrite))
		if _, err := w.Write(text); err != nil || out.Flush() != nil {
			return
		}
		text = text[:0]
	}
}

func states(list []wire.Device, now time.Time) []byte {
	var text []byte
	for _, d := range list {
		e := recording.Entry{At: now, Health: &devices.Health{Device: d.ID, State: d.State, Reason: d.Reason}}
		text = e.Append(text)
	}
	return text
}
