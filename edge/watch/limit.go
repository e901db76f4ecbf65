package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// judge takes a good value to a limit rule.
func (m *Machine) judge(r *Rule, s *devices.Sample, now time.Time) {
	p := m.point(pointKey{r.ID, source(s.Device, s.Channel)}, face{
		Class: r.Class, Location: r.Location, Priority: uint8(r.Priority), Device: r.Device, Quantity: r.Quantity,
		HasLimit: true, Limit: r.Limit,
	})
	at := s.HostTime
	if at.IsZero() {
		at = now
	}
	if at.Before(p.Last) {
		return
	}
	was, credit := p.Side, p.credit(at, r.maxGap())
	p.Side, p.Last, p.Broken = r.side(s.Value), at, false
	p.Reason, p.Value, p.HasValue = r.reason(), s.Value, true
	m.dirty[p.key] = true
	p.On, p.Off = run(p.Side, was, violating, p.On, credit), run(p.Side, was, back, p.Off, credit)
	switch {
	case p.Side == violating && p.On >= r.OnDelay:
		m.raise(p, now)
	case p.Side == back && p.Off >= r.OffDelay:
		m.calm(p, now)
	}
}

// run lengthens the evidence of one side, or ends it.
func run(is, was, side int8, so time.Duration, credit time.Duration) time.Duration {
	switch {
	case is != side:
		return 0
	case was != side:
		return 0
	default:
		return so + credit
	}
}

// credit is how much of the time since the last value counts as evidence: all of it, or none where it was a gap.
func (p *point) credit(at time.Time, most time.Duration) time.Duration {
	gap := at.Sub(p.Last)
	if p.Last.IsZero() || p.Broken || gap > most {
		return 0
	}
	return gap
}

// side tells on which side of the rule's limit a value is. The limit itself violates.
func (r *Rule) side(v unit.Milli) int8 {
	over := v - r.Limit // how far beyond the limit
	if r.Kind == Low {
		over = -over
	}
	switch {
	case over >= 0:
		return violating
	case over <= -r.Deadband:
		return back
	default:
		return between
	}
}
