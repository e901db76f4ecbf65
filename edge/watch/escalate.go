package watch

import (
	"cmp"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
)

// Escalation says that an alarm reached a level of its rule's escalation, or is told again there.
type Escalation struct {
	Alarm    string // the occurrence
	Rule     string
	Source   string
	Location string
	Priority alarm.Priority
	Level    int    // 1, 2, …
	Notify   string // as the rule has it
	Repeat   int    // 0 = the first time, 1 = told again once, …
	At       time.Time
}

// Signal says that a local output is to go on or off.
type Signal struct {
	Name   string
	On     bool
	Reason string // which alarm wants it, in words
	At     time.Time
}

// escalating is where a point's escalation stands.
type escalating struct {
	Since  time.Time // present and unacknowledged since; zero = not
	Level  int       // levels reached
	Told   time.Time // when the last level was last told
	Repeat int
	Hold   time.Time     // since when the value is on its way back; zero = it is not
	Held   time.Duration // how long the escalation waited for that before
}

// waited is how long an escalation has waited for a value on its way back, at most as long as it may.
func (e *escalating) waited(most time.Duration, now time.Time) time.Duration {
	d := e.Held
	if !e.Hold.IsZero() {
		d += max(now.Sub(e.Hold), 0)
	}
	return min(d, most)
}

func (r *Rule) hold() time.Duration {
	switch {
	case r.Recovering == nil:
		return 0
	case r.Recovering.AtMost > 0:
		return r.Recovering.AtMost
	}
	return DefaultHold
}

// ease notes whether a value is on its way back.
func (m *Machine) ease(p *point, x look, now time.Time) {
	r := p.rule.Recovering
	if r == nil {
		return
	}
	by, _, ok := p.Trend.move(x.at, x.v, r.Over)
	if p.rule.Kind == High {
		by = -by
	}
	is := ok && by >= r.By && p.Side != back
	switch {
	case is && p.Esc.Hold.IsZero():
		p.Esc.Hold = now
		if !p.Esc.Since.IsZero() {
			m.dirty[p] = true
		}
	case !is && !p.Esc.Hold.IsZero():
		p.Esc.settle(now)
		m.dirty[p] = true
	}
}

// settle ends a wait.
func (e *escalating) settle(now time.Time) {
	if !e.Since.IsZero() {
		e.Held += max(now.Sub(maxTime(e.Hold, e.Since)), 0)
	}
	e.Hold = time.Time{}
}

// rest begins and ends a point's escalation with the transitions of its alarm.
func (m *Machine) rest(p *point, s alarm.Transition) {
	if s.To != alarm.Unacked {
		p.Esc = escalating{Hold: p.Esc.Hold}
		return
	}
	if p.Esc.Since.IsZero() {
		p.Esc.Since = s.At
		if !p.Esc.Hold.IsZero() {
			p.Esc.Hold = s.At
		}
	}
}

// escalate goes on to the levels whose time has come, and tells the last again.
func (m *Machine) escalate(p *point, now time.Time) {
	if p.rule == nil || len(p.rule.Escalation) == 0 || p.Esc.Since.IsZero() {
		return
	}
	e, levels := &p.Esc, p.rule.Escalation
	open := now.Sub(e.Since) - e.waited(p.rule.hold(), now)
	for e.Level < len(levels) && open >= levels[e.Level].After {
		e.Level, e.Repeat, e.Told = e.Level+1, 0, now
		m.tell(p, now)
	}
	if e.Level == 0 {
		return
	}
	if every := levels[min(e.Level, len(levels))-1].Every; every > 0 && now.Sub(e.Told) >= every {
		e.Repeat, e.Told = e.Repeat+1, now
		m.tell(p, now)
	}
}

func (m *Machine) tell(p *point, now time.Time) {
	m.dirty[p], m.moved = true, true
	m.out = append(m.out, Event{Escalation: &Escalation{
		Alarm: p.Alarm.Occurrence, Rule: p.key.rule, Source: p.key.source, Location: p.Location,
		Priority: alarm.Priority(p.Priority), Level: p.Esc.Level, Notify: p.rule.Escalation[p.Esc.Level-1].Notify,
		Repeat: p.Esc.Repeat, At: now,
	}})
}

// output is a local output and whether it is on.
type output struct {
	Output
	on bool
}

// wireOutputs gathers the outputs of the configuration and those that only escalations name.
func (m *Machine) wireOutputs() {
	for _, o := range m.spec.Outputs {
		m.outputs = append(m.outputs, &output{Output: o})
	}
	for _, r := range m.spec.Rules {
		for _, l := range r.Escalation {
			for _, name := range l.Outputs {
				if !slices.ContainsFunc(m.outputs, func(o *output) bool { return o.Name == name }) {
					m.outputs = append(m.outputs, &output{Output: Output{Name: name}})
				}
			}
		}
	}
}

// drive switches the outputs to what the alarms ask for.
func (m *Machine) drive(now time.Time) {
	for _, o := range m.outputs {
		why := m.wanted(o)
		if (why != "") == o.on {
			continue
		}
		o.on = why != ""
		m.signal(o, why, now)
	}
}

func (m *Machine) signal(o *output, why string, now time.Time) {
	if why == "" {
		why = "no alarm asks for it"
	}
	m.out = append(m.out, Event{Output: &Signal{Name: o.Name, On: o.on, Reason: why, At: now}})
}

// wanted tells which alarm wants an output on, the most urgent of them; "" where none does.
func (m *Machine) wanted(o *output) string {
	var first *point
	for _, p := range m.order {
		if (o.follows(p) || p.reached(o.Name)) && (first == nil || p.before(first)) {
			first = p
		}
	}
	if first == nil {
		return ""
	}
	return first.key.rule + " on " + first.key.source + " is " + first.Alarm.State.String()
}

func (p *point) before(o *point) bool {
	return cmp.Or(cmp.Compare(p.Priority, o.Priority), cmp.Compare(p.key.rule, o.key.rule), cmp.Compare(p.key.source, o.key.source)) < 0
}

// follows tells whether an alarm as it stands makes an output go on.
func (o *output) follows(p *point) bool {
	if o.Class != "" && o.Class != p.Class || o.Location != "" && o.Location != p.Location || alarm.Priority(p.Priority) > o.Priority {
		return false
	}
	s := p.Alarm.State
	switch o.While {
	case Unacked:
		return s == alarm.Unacked || s == alarm.RTNUnacked
	case Active:
		return s == alarm.Unacked || s == alarm.Acked
	case ActiveUnacked:
		return s == alarm.Unacked
	}
	return false
}

// reached tells whether a level that the point's escalation has reached names an output.
func (p *point) reached(name string) bool {
	if p.rule == nil {
		return false
	}
	for _, l := range p.rule.Escalation[:min(p.Esc.Level, len(p.rule.Escalation))] {
		if slices.Contains(l.Outputs, name) {
			return true
		}
	}
	return false
}

// Outputs tells the local outputs by name, and whether each is on.
func (m *Machine) Outputs() map[string]bool {
	all := make(map[string]bool, len(m.outputs))
	for _, o := range m.outputs {
		all[o.Name] = o.on
	}
	return all
}
