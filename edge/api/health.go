package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
)

// Health of the gateway. It fails when it cannot do its work, which is to keep what the readers see. It is degraded when
// a part is missing that it can do without for a while: the hub, a device, a clock.
const (
	statusOK       = "ok"
	statusDegraded = "degraded"
	statusFailing  = "failing"
)

// reason is why a gateway is not ok.
type reason struct {
	Code    string `json:"code"`    // for programs, stable
	Subject string `json:"subject"` // what it is about, e.g. a device's id
	Detail  string `json:"detail"`  // for people
	failing bool
}

type health struct {
	Status  string   `json:"status"`
	Reasons []reason `json:"reasons,omitempty"` // for those who may see everything
}

func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	h := s.health()
	status := http.StatusOK
	if h.Status == statusFailing {
		status = http.StatusServiceUnavailable
	}
	if !s.trusts(r) {
		h.Reasons = nil
	}
	write(w, status, "application/json", h)
}

func (s *Server) health() health {
	h := health{Status: statusOK, Reasons: append(s.storeReasons(), s.otherReasons()...)}
	for _, r := range h.Reasons {
		switch {
		case r.failing:
			h.Status = statusFailing
		case h.Status == statusOK:
			h.Status = statusDegraded
		}
	}
	return h
}

// storeReasons are those for which nothing can be kept.
func (s *Server) storeReasons() []reason {
	p := s.Outbox.Position()
	switch stalled := s.Road.Stalled(); {
	case p.Err != nil:
		return []reason{{"store_failed", "", fmt.Sprintf("the store has failed: %v; restart the gateway, and look at the disk", p.Err), true}}
	case p.LowSpace:
		return []reason{{"low_space", "", fmt.Sprintf("too little free space: %s of %s that are needed; free some, readers wait until then",
			bytesOf(p.Free), bytesOf(p.Need)), true}}
	case stalled > stalledAfter:
		return []reason{{"stalled", "", fmt.Sprintf("nothing was kept for %s; look at the disk and the log", stalled.Round(time.Second)), true}}
	}
	return nil
}

func (s *Server) otherReasons() []reason {
	var out []reason
	switch l := s.Hub(); {
	case l.Err != nil:
		out = append(out, reason{Code: "hub_unreachable", Detail: fmt.Sprintf("no connection to the hub: %v; what is read is kept here meanwhile", l.Err)})
	case !l.Connected:
		out = append(out, reason{Code: "hub_unreachable", Detail: "no connection to the hub yet; what is read is kept here meanwhile"})
	}
	if s.Unsynced() {
		out = append(out, reason{Code: "clock_unsynced", Detail: "the clock cannot be right; check the battery and the time service (NTP)"})
	}
	if c := s.configuration(); c.State == string(wire.ConfigRefused) || c.State == string(wire.ConfigReverted) {
		out = append(out, reason{Code: "config_" + c.State, Subject: fmt.Sprint(c.Offered), Detail: c.Reason})
	}
	if s.Recovered != "" {
		out = append(out, reason{Code: "store_recovered", Detail: s.Recovered})
	}
	for _, d := range s.Devices.Snapshot() {
		switch d.State {
		case devices.Down:
			out = append(out, reason{Code: "device_down", Subject: d.ID, Detail: d.Reason})
		case devices.Degraded:
			out = append(out, reason{Code: "device_degraded", Subject: d.ID, Detail: d.Reason})
		}
	}
	return out
}

// bytesOf writes a size for people.
func bytesOf(n int64) string {
	const mib = 1 << 20
	if n < 10*1024*mib {
		return fmt.Sprintf("%d MiB", n/mib)
	}
	return fmt.Sprintf("%d GiB", n/(1024*mib))
}
