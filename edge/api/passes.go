package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// tracingRoad is a Road that remembers how the last passes were read, the latest first. What it gives is not changed any
// more.
type tracingRoad interface {
	Passes() []*reconcile.Trace
}

func (s *Server) traces() []*reconcile.Trace {
	if road, ok := s.Road.(tracingRoad); ok {
		return road.Passes()
	}
	return nil
}

// pass is one crossing of a door.
type pass struct {
	Pass       string     `json:"pass"`
	Door       string     `json:"door"`
	Direction  string     `json:"direction"` // in, out, turned_back or undecided
	Confidence uint16     `json:"confidence_permille"`
	From       time.Time  `json:"from"`
	To         time.Time  `json:"to"`
	GateOn     *time.Time `json:"gate_on"`  // when the first beam was broken; null without photocells
	GateOff    *time.Time `json:"gate_off"` // when all were free again
	Tags       int        `json:"tags"`     // that count as having passed
	Others     int        `json:"others"`   // that were read, and do not
}

// passDetail is a pass with what was read.
type passDetail struct {
	pass
	Traces []tagTrace `json:"traces"` // those that passed first
}

// tagTrace is how one tag was read in a pass.
type tagTrace struct {
	Tag    string      `json:"tag"`
	Member bool        `json:"member"` // it counts as having passed
	Score  float64     `json:"score"`  // log odds for that
	Why    string      `json:"why"`
	Reads  []traceRead `json:"reads"`
}

type traceRead struct {
	At      time.Time `json:"at"`
	Device  string    `json:"device"`
	Antenna uint8     `json:"antenna"`
	Side    string    `json:"side"`     // inside, outside or middle
	RSSI    *float64  `json:"rssi_dbm"` // null where the reader does not tell
	Foreign bool      `json:"foreign"`  // another door heard the tag better
}

// passes lists the last passes, the latest first. There are few, so they come in one page.
func (s *Server) passes(r *http.Request) (list[pass], error) {
	if err := known(r); err != nil {
		return list[pass]{}, err
	}
	return listOf(s.passList(), ""), nil
}

func (s *Server) passList() []pass {
	var out []pass
	for _, t := range s.traces() {
		out = append(out, passOf(t))
	}
	return out
}

// pass answers with one pass and its reads.
func (s *Server) pass(r *http.Request) (passDetail, error) {
	if err := known(r); err != nil {
		return passDetail{}, err
	}
	t, err := s.trace(r.PathValue("id"))
	if err != nil {
		return passDetail{}, err
	}
	d := passDetail{pass: passOf(t), Traces: []tagTrace{}}
	for i := range t.Tags {
		d.Traces = append(d.Traces, tagTraceOf(&t.Tags[i]))
	}
	return d, nil
}

func (s *Server) trace(id string) (*reconcile.Trace, error) {
	all := s.traces()
	i := slices.IndexFunc(all, func(t *reconcile.Trace) bool { return t.Pass == id })
	if i < 0 {
		return nil, &problem{http.StatusNotFound, "not_found", fmt.Sprintf("pass %q is not among the last ones, which are all that is kept", id)}
	}
	return all[i], nil
}

func passOf(t *reconcile.Trace) pass {
	p := pass{
		Pass: t.Pass, Door: t.Door, Direction: wayName(t.Direction), Confidence: t.Confidence, From: t.From.UTC(), To: t.To.UTC(),
		GateOn: timeOf(t.GateOn), GateOff: timeOf(t.GateOff),
	}
	for i := range t.Tags {
		if t.Tags[i].Member {
			p.Tags++
		}
	}
	p.Others = len(t.Tags) - p.Tags
	return p
}

func wayName(d wire.Direction) string {
	if d == "" {
		return string(wire.Undecided)
	}
	return string(d)
}

// mostScore is where a score is cut off; JSON has no infinity.
const mostScore = 99

func tagTraceOf(t *reconcile.TagTrace) tagTrace {
	out := tagTrace{Tag: t.Tag.String(), Member: t.Member, Score: min(max(t.Score, -mostScore), mostScore), Why: t.Why, Reads: make([]traceRead, 0, len(t.Reads))}
	for _, r := range t.Reads {
		v := traceRead{At: r.At.UTC(), Device: r.Device, Antenna: r.Antenna, Side: r.Side, Foreign: r.Foreign}
		if r.HasRSSI {
			dBm := float64(r.RSSI) / 100
			v.RSSI = &dBm
		}
		out.Reads = append(out.Reads, v)
	}
	return out
}
