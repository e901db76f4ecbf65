package watch

import (
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/wire"
)

// Local is what a person asks at the gateway's own page. The alarm is named by its occurrence, or, also where it is
// normal, by rule and source.
type Local struct {
	Do     alarm.Action // Acknowledge, Shelve, Unshelve, RemoveFromService, ReturnToService, Reset or ResetSum
	Alarm  string
	Rule   string
	Source string
	Until  time.Time // for Shelve
	Actor  string    // who asks; needed
	Reason string    // a comment; needed for Shelve, RemoveFromService and ResetSum
}

// ResetSum sets the sum of a Cumulative rule, its window, or the kinetic temperature back to nothing: a new recording
// period begins. An alarm that came of it returns to normal.
const ResetSum alarm.Action = "reset_sum"

// Reset tells that a person set a sum back.
type Reset struct {
	Rule, Source, Location string
	Actor, Reason          string
	Out                    time.Duration // the sum of violations until then
	At                     time.Time
}

// local does what a person at the gateway asks, or tells why not.
func (m *Machine) local(c *Local, now time.Time) {
	p := m.points[pointKey{c.Rule, c.Source}]
	if c.Alarm != "" {
		p = m.running(c.Alarm)
	}
	if err := m.localError(p, c); err != nil {
		m.refuse("", c.Alarm, err)
		return
	}
	if c.Do == ResetSum {
		m.resetSum(p, c, now)
		return
	}
	in := alarm.Input{Action: c.Do, Until: c.Until, Reason: c.Reason, Occurrence: m.occurrence(p, now)}
	if err := m.ask(p, in, wire.Alarm{Actor: c.Actor, Comment: c.Reason}, now); err != nil {
		m.refuse("", p.Alarm.Occurrence, err)
	}
}

func (m *Machine) localError(p *point, c *Local) error {
	switch c.Do {
	case alarm.Raise, alarm.Return, alarm.Suppress, alarm.Unsuppress:
		return fmt.Errorf("cannot %s an alarm by hand: only values and inputs do", c.Do)
	}
	switch {
	case c.Actor == "":
		return fmt.Errorf("cannot %s an alarm for nobody: say who asks", c.Do)
	case p == nil && c.Alarm != "":
		return errNotRunning
	case p == nil:
		return fmt.Errorf("there is no alarm of rule %q on %q; it appears with the first value", c.Rule, c.Source)
	case c.Do == ResetSum && (p.win == nil || p.rule == nil):
		return fmt.Errorf("rule %s sums nothing that could be set back", p.key.rule)
	case c.Do == ResetSum && c.Reason == "":
		return errors.New("cannot set a sum back without a reason")
	}
	return nil
}

// resetSum begins a new recording period.
func (m *Machine) resetSum(p *point, c *Local, now time.Time) {
	m.out = append(m.out, Event{Reset: &Reset{
		Rule: p.key.rule, Source: p.key.source, Location: p.Location, Actor: c.Actor, Reason: c.Reason,
		Out: p.win.total(p.Rec.At).Out, At: now,
	}})
	a, steps, _ := p.Alarm.Step(alarm.Input{Action: alarm.Return}, now)
	was := p.Alarm.Active
	p.Alarm = a
	m.told(p, steps, wire.Alarm{Actor: c.Actor, Comment: c.Reason})
	if was {
		m.excursionEnds(p, now)
	}
	p.win = newWindow(p.rule.Window, p.win.heat)
	for i := range p.win.stale {
		p.win.stale[i] = true
	}
	p.Rec, p.Total, p.Track, p.proof = &record{}, 0, nil, proof{}
	m.dirty[p] = true
}
