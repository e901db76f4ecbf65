package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// face is what an alarm point shows of itself; it is kept with the point, so that a point whose rule has gone can still
// be told about.
type face struct {
	Class    string
	Location string
	Priority uint8
	Device   string
	Quantity unit.Quantity
	HasLimit bool
	Limit    unit.Milli
}

// Sides of a limit on which a value can be.
const (
	unknown   int8 = 0
	violating int8 = 1
	between   int8 = 2 // inside the limit, but not by the deadband
	back      int8 = 3
)

// point is one rule on one source.
type point struct {
	key pointKey
	face
	Alarm alarm.Alarm

	Reason   string
	Value    unit.Milli
	HasValue bool

	On, Off time.Duration // evidence of violation, of being back, in a row
	Side    int8
	Last    time.Time // of the last value that was judged, or, for silence, heard
	Broken  bool      // the device was down since
}

// point finds or makes an alarm point and gives it its present face.
func (m *Machine) point(k pointKey, f face) *point {
	p := m.points[k]
	if p == nil {
		p = &point{key: k}
		m.points[k] = p
		m.order = append(m.order, p)
	}
	p.face = f
	return p
}

func (m *Machine) raise(p *point, now time.Time) {
	m.life(p, alarm.Input{Action: alarm.Raise, Occurrence: m.spec.Occurrence(now, "alarm", p.key.rule, p.key.source)}, now)
}

func (m *Machine) calm(p *point, now time.Time) { m.life(p, alarm.Input{Action: alarm.Return}, now) }

func (m *Machine) life(p *point, in alarm.Input, now time.Time) {
	a, steps, err := p.Alarm.Step(in, now)
	p.Alarm = a
	m.told(p, steps, wire.Alarm{})
	if err != nil { // Raise and Return are possible in every state
		m.out = append(m.out, Event{Refused: &Refusal{Alarm: a.Occurrence, Err: err}})
	}
}

// told tells transitions of a point; by carries who and why.
func (m *Machine) told(p *point, steps []alarm.Transition, by wire.Alarm) {
	for _, s := range steps {
		w := by
		w.ID, w.Rule, w.Source, w.Location, w.Class = s.Occurrence, p.key.rule, p.key.source, p.Location, p.Class
		w.Priority, w.From, w.To, w.Action, w.At = alarm.Priority(p.Priority), s.From, s.To, s.Action, s.At
		w.Quantity, w.HasValue, w.Value = p.Quantity, p.HasValue, p.Value
		w.HasLimit, w.Limit, w.Reason = p.HasLimit, p.Limit, p.Reason
		if s.To == alarm.Shelved {
			w.ShelvedUntil = p.Alarm.ShelvedUntil
		}
		m.out = append(m.out, Event{Alarm: &w})
	}
	if len(steps) > 0 {
		m.dirty[p.key] = true
	}
}

// Standing is one alarm as it stands.
type Standing struct {
	ID, Rule, Source, Location, Class, Reason string
	Priority                                  alarm.Priority
	State                                     alarm.State
	Active                                    bool
	ShelvedUntil                              time.Time
	Quantity                                  unit.Quantity
	HasValue, HasLimit                        bool
	Value, Limit                              unit.Milli
}

// Standing lists the alarms that are not normal, in the order in which their points came to be.
func (m *Machine) Standing() []Standing {
	var out []Standing
	for _, p := range m.order {
		if p.Alarm.State == alarm.Normal || p.Alarm.State == 0 {
			continue
		}
		out = append(out, Standing{
			ID: p.Alarm.Occurrence, Rule: p.key.rule, Source: p.key.source, Location: p.Location, Class: p.Class,
			Reason: p.Reason, Priority: alarm.Priority(p.Priority), State: p.Alarm.State, Active: p.Alarm.Active,
			ShelvedUntil: p.Alarm.ShelvedUntil, Quantity: p.Quantity, HasValue: p.HasValue, HasLimit: p.HasLimit,
			Value: p.Value, Limit: p.Limit,
		})
	}
	return out
}
