package api

import (
	"cmp"
	"net/http"
	"runtime/metrics"
	"time"
)

// gateway is the program and its machine.
type gateway struct {
	Edge      string        `json:"edge"`
	Site      string        `json:"site"`
	Software  string        `json:"software"`
	Status    string        `json:"status"`
	Reasons   []reason      `json:"reasons"`
	Started   time.Time     `json:"started"`  // machine time
	Uptime    float64       `json:"uptime_s"` // machine time
	Memory    uint64        `json:"memory_bytes"`
	MemoryCap uint64        `json:"memory_limit_bytes"` // soft; 0 = none
	Clock     clock         `json:"clock"`
	Config    configuration `json:"config"`
	Recovered string        `json:"recovered"` // what the store had lost when the gateway started
	Strange   uint64        `json:"samples_not_followed"`
}

// clock is the gateway's time.
type clock struct {
	Now    time.Time `json:"now"` // business time
	Synced bool      `json:"synced"`
	Speed  float64   `json:"speed"`    // of the business time; 1 but in demonstrations
	Offset *float64  `json:"offset_s"` // business time less the machine's clock; null where Speed is not 1
}

// configuration is which one the gateway works by.
type configuration struct {
	Source  string `json:"source"`  // file, or hub
	Version uint64 `json:"version"` // of the hub's that runs; 0 = none
	State   string `json:"state"`   // applied: the file's alone; else what became of the one offered last: trial, confirmed, refused or reverted
	Offered uint64 `json:"offered"` // its version
	Reason  string `json:"reason"`  // why it was refused or reverted
}

func (s *Server) gateway(r *http.Request) (gateway, error) {
	if err := known(r); err != nil {
		return gateway{}, err
	}
	return s.gatewayNow(), nil
}

func (s *Server) gatewayNow() gateway {
	h, up := s.health(), time.Since(s.began)
	g := gateway{
		Edge: s.Edge, Site: s.Site, Software: s.Version, Status: h.Status, Reasons: listOf(h.Reasons, "").Items,
		Started: time.Now().Add(-up).UTC(), Uptime: up.Seconds(), Recovered: s.Recovered, Clock: s.clock(), Config: s.configuration(),
	}
	g.Memory, g.MemoryCap = memory()
	if s.Recording != nil {
		g.Strange = s.Recording.Crowded()
	}
	return g
}

func (s *Server) clock() clock {
	now := s.Now()
	c := clock{Now: now.UTC(), Synced: !s.Unsynced(), Speed: s.Speed}
	if s.Speed == 1 {
		offset := time.Until(now).Seconds()
		c.Offset = &offset
	}
	return c
}

func (s *Server) configuration() configuration {
	c := configuration{Source: "file", State: "applied"}
	if s.Rooms.Config == nil {
		return c
	}
	k := s.Rooms.Config()
	if k.Version != 0 {
		c.Source = "hub"
	}
	c.Version, c.Offered, c.Reason = k.Version, k.Offered, k.Reason
	c.State = cmp.Or(string(k.State), c.State)
	return c
}

// memory is how much the program holds, and its soft limit, in bytes.
func memory() (held, limit uint64) {
	m := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/gomemlimit:bytes"},
	}
	metrics.Read(m)
	held, limit = m[0].Value.Uint64()-m[1].Value.Uint64(), m[2].Value.Uint64()
	if limit >= 1<<62 {
		limit = 0
	}
	return held, limit
}
