package app

import "github.com/tallydock/tallydock/devices"

// stamper is a Sink that sees to it that nothing carries a time that cannot be right: a driver stamps by the machine's clock,
// which may have jumped. Samples whose time is a guess say so.
type stamper struct {
	next devices.Sink
	time *steady
}

// Read implements devices.Sink.
func (s stamper) Read(r devices.Read) {
	r.HostTime, _ = s.time.mend(r.HostTime)
	s.next.Read(r)
}

// GPI implements devices.Sink.
func (s stamper) GPI(g devices.GPI) {
	g.HostTime, _ = s.time.mend(g.HostTime)
	s.next.GPI(g)
}

// Sample implements devices.Sink.
func (s stamper) Sample(v devices.Sample) {
	var unsynced bool
	v.HostTime, unsynced = s.time.mend(v.HostTime)
	if unsynced && v.Quality == devices.Good {
		v.Quality, v.Reason = devices.ClockUnsynced, "clock_unsynced"
	}
	s.next.Sample(v)
}

// Health implements devices.Sink.
func (s stamper) Health(h devices.Health) { s.next.Health(h) }
