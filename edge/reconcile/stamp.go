package reconcile

import (
	"time"

	"github.com/tallydock/tallydock/devices"
)

// instant is a moment in microseconds since 1970-01-01 UTC; 0 is never.
type instant int64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixMicro())
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(i)).UTC()
}

func (i instant) sub(j instant) time.Duration   { return time.Duration(i-j) * time.Microsecond }
func (i instant) add(d time.Duration) instant   { return i + instant(d/time.Microsecond) }
func (i instant) seconds(since instant) float64 { return float64(i-since) / 1e6 }

// skew is what is known of a reader's clock: the offset to the gateway's is the smallest difference that was seen, because
// a report can arrive late but not early.
type skew struct {
	cur, prev time.Duration // smallest difference in this window and in the one before
	low       time.Duration // smallest ever
	since     instant       // when this window began; 0 = nothing is known
	newest    instant       // the reader's newest time
	heard     instant       // when that arrived
	behind    instant       // since when all its times are older than newest by more than a second; 0 = they are not
	kept      instant       // newest at the last Flush
	dirty     bool
}

// correct gives a reader's time on the gateway's clock; never later than host. Only a read that is newer than all before
// teaches anything, so that duplicates do not.
func (s *skew) correct(par *Params, reader, host instant) instant {
	if s.since == 0 || reader > s.newest || s.setBack(par, reader, host) {
		s.learn(par, reader, host)
	}
	offset := min(s.cur, s.prev)
	if reader < s.newest { // late or a copy: never later than it was stamped at first
		offset = max(s.low, offset-par.Stall)
	}
	return min(reader.add(offset), host)
}

func (s *skew) learn(par *Params, reader, host instant) {
	d := host.sub(reader)
	switch {
	case s.since == 0 || reader < s.newest:
		s.cur, s.prev, s.low, s.since, s.dirty = d, d, d, host, true
	case host.sub(s.since) > par.SkewWindow:
		s.prev, s.cur, s.since, s.dirty = s.cur, d, host, true
	case d < s.cur:
		s.cur, s.dirty = d, true
	}
	s.low = min(s.low, d)
	s.newest, s.heard, s.behind = reader, host, 0
}

// setBack reports whether the reader's clock was set back: every time for a while is older than one before.
func (s *skew) setBack(par *Params, reader, host instant) bool {
	if s.newest.sub(reader) <= time.Second || host <= s.heard {
		return false
	}
	if s.behind == 0 {
		s.behind = host
	}
	return host.sub(s.behind) >= par.StepBack
}

// stamp gives the time of a read: the reader's own, corrected, else the gateway's.
func (m *Machine) stamp(r *devices.Read, now instant) instant {
	host := instantOf(r.HostTime)
	if host == 0 {
		host = now
	}
	if r.ReaderTime.IsZero() {
		return host
	}
	return m.device(r.Device).skew.correct(&m.par, instantOf(r.ReaderTime), host)
}
