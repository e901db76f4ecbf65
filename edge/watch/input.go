package watch

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/wire"
)

// Switch turns a named input on or off: a maintenance window, a defrost that another system tells.
type Switch struct {
	Name string
	On   bool
}

// input is the state of a named input. One whose state is not known is off: rules are then as strict as they can be.
type input struct {
	On    bool
	Since time.Time // since when it is on
	Off   time.Time // when it went off; zero = not known
	dirty bool
}

type contactKey struct {
	device string
	port   uint8
}

func (m *Machine) input(name string) *input {
	in := m.inputs[name]
	if in == nil {
		in = &input{}
		m.inputs[name] = in
	}
	return in
}

// gpi takes an input of a device; those that no rule names are ignored.
func (m *Machine) gpi(g *devices.GPI, now time.Time) {
	if c, ok := m.contacts[contactKey{g.Device, g.Port}]; ok {
		m.set(c.Name, g.High != c.ActiveLow, now)
	}
}

func (m *Machine) toggle(s *Switch, now time.Time) {
	if m.inputs[s.Name] == nil {
		err := fmt.Errorf("input %q is named by no rule and no contact; look into the configuration", s.Name)
		m.out = append(m.out, Event{Refused: &Refusal{Err: err}})
		return
	}
	m.set(s.Name, s.On, now)
}

func (m *Machine) set(name string, on bool, now time.Time) {
	in := m.input(name)
	switch {
	case in.On == on:
		return
	case on:
		in.On, in.Since = true, now
	default:
		in.On, in.Off = false, now
	}
	in.dirty = true
	m.suppressAll(now)
}

// lose makes inputs of a device that is down unknown.
func (m *Machine) lose(device string, now time.Time) {
	for k, c := range m.contacts {
		if in := m.inputs[c.Name]; k.device == device && in.On {
			*in = input{dirty: true}
		}
	}
	m.suppressAll(now)
}

// holds tells whether a context holds.
func (m *Machine) holds(c *Context, now time.Time) bool {
	for _, name := range c.Inputs {
		in := m.inputs[name]
		switch {
		case in == nil:
		case in.On && (c.AtMost == 0 || now.Sub(in.Since) < c.AtMost):
			return true
		case !in.On && !in.Off.IsZero() && now.Sub(in.Off) < c.After && (c.AtMost == 0 || in.Off.Sub(in.Since) < c.AtMost):
			return true
		}
	}
	return false
}

func (m *Machine) suppressAll(now time.Time) {
	for _, p := range m.order {
		m.suppress(p, now)
	}
}

// suppress hides a point whose alarm stands while the plant says so, and shows it again after that. Where nothing stands
// there is nothing to hide yet: raise does it then.
func (m *Machine) suppress(p *point, now time.Time) {
	if p.rule == nil || p.rule.Suppress == nil {
		if p.Alarm.State == alarm.SuppressedByDesign { // the rule suppresses no more
			m.plant(p, alarm.Unsuppress, "the rule names no reason for it any more", now)
		}
		return
	}
	switch held := m.holds(p.rule.Suppress, now); {
	case !held && p.Alarm.State == alarm.SuppressedByDesign:
		m.plant(p, alarm.Unsuppress, "the inputs are off", now)
	case held && p.Alarm.State > alarm.Normal:
		m.hide(p, now)
	}
}

func (m *Machine) hide(p *point, now time.Time) {
	if p.Alarm.State == alarm.SuppressedByDesign || p.Alarm.State == alarm.OutOfService {
		return
	}
	for _, name := range p.rule.Suppress.Inputs {
		if m.holds(&Context{Inputs: []string{name}, After: p.rule.Suppress.After, AtMost: p.rule.Suppress.AtMost}, now) {
			m.plant(p, alarm.Suppress, "input "+name, now)
			return
		}
	}
}

// plant does what the plant's own logic wants with an alarm.
func (m *Machine) plant(p *point, do alarm.Action, why string, now time.Time) {
	a, steps, err := p.Alarm.Step(alarm.Input{Action: do, Occurrence: m.occurrence(p, now)}, now)
	p.Alarm = a
	m.told(p, steps, wire.Alarm{Comment: why})
	if err != nil {
		m.out = append(m.out, Event{Refused: &Refusal{Alarm: a.Occurrence, Err: err}})
	}
}
