package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
)

// Input is one thing that happened; at most one pointer is set, none is a Tick.
type Input struct {
	Sample    *devices.Sample
	Health    *devices.Health
	Command   *wire.Command
	Condition *Condition
}

// Condition is something that the gateway found out about itself, such as a store that is short of space.
type Condition struct {
	Rule     string
	Source   string
	Class    string
	Location string
	Reason   string
	Priority uint8
	Active   bool
}

// Event is one transition of an alarm, or a command that could not be done. Exactly one field is set.
type Event struct {
	Alarm   *wire.Alarm
	Refused *Refusal
}

// Refusal says why a command changed nothing. It needs no answer to the hub: the alarm's own transitions tell it.
type Refusal struct {
	Command, Alarm string
	Err            error
}

// Machine holds every alarm point. It is for one goroutine.
type Machine struct {
	spec     Spec
	points   map[pointKey]*point
	order    []*point          // in the order in which they came to be
	down     map[string]*state // by device
	commands []string          // ids done lately
	dirty    map[pointKey]bool
	out      []Event
}

// state is what is known of a device.
type state struct {
	up    bool
	since time.Time // since when it is down; zero = not known yet
}

type pointKey struct{ rule, source string }

// New makes a Machine in which all is normal.
func New(spec Spec) *Machine {
	m := &Machine{spec: spec, points: map[pointKey]*point{}, down: map[string]*state{}, dirty: map[pointKey]bool{}}
	for _, d := range spec.Devices {
		m.down[d.ID] = &state{}
	}
	return m
}

// Step takes one input and returns what it decided, in order; the slice is good until the next Step.
func (m *Machine) Step(in Input, now time.Time) []Event {
	m.out = m.out[:0]
	switch {
	case in.Sample != nil:
		m.sample(in.Sample, now)
	case in.Health != nil:
		m.health(in.Health, now)
	case in.Command != nil:
		m.command(in.Command, now)
	case in.Condition != nil:
		m.condition(in.Condition, now)
	default:
		m.tick(now)
	}
	return m.out
}

func (m *Machine) sample(s *devices.Sample, now time.Time) {
	m.quality(s, now)
	if s.Quality != devices.Good {
		return
	}
	for i := range m.spec.Rules {
		r := &m.spec.Rules[i]
		switch {
		case !r.matches(s):
		case r.Kind == NoData:
			m.heard(r, now)
		default:
			m.judge(r, s, now)
		}
	}
}

// quality raises the sensor's own alarm for a value that is none, and returns it with the next that is one.
func (m *Machine) quality(s *devices.Sample, now time.Time) {
	k := pointKey{SensorQuality, source(s.Device, s.Channel)}
	if s.Quality == devices.Good {
		if p := m.points[k]; p != nil {
			m.calm(p, now)
		}
		return
	}
	p := m.point(k, face{Class: "device", Location: m.locationOf(s.Device), Priority: 9, Quantity: s.Quantity, Device: s.Device})
	p.Reason = "sentinel"
	if s.Quality == devices.OutOfRange {
		p.Reason = "out_of_range"
	}
	p.Value, p.HasValue = s.Value, true
	m.raise(p, now)
}

func (m *Machine) condition(c *Condition, now time.Time) {
	k := pointKey{c.Rule, c.Source}
	if p := m.points[k]; p == nil && !c.Active {
		return
	}
	p := m.point(k, face{Class: c.Class, Location: c.Location, Priority: c.Priority})
	p.Reason = c.Reason
	if c.Active {
		m.raise(p, now)
	} else {
		m.calm(p, now)
	}
}

func (m *Machine) tick(now time.Time) {
	m.silences(now)
	for _, p := range m.order {
		a, steps := p.Alarm.Expire(now)
		if len(steps) > 0 {
			p.Alarm = a
			m.told(p, steps, wire.Alarm{Comment: "the time ran out"})
		}
	}
}

func (m *Machine) locationOf(device string) string {
	for _, d := range m.spec.Devices {
		if d.ID == device {
			return d.Location
		}
	}
	return ""
}

func source(device, channel string) string {
	if channel == "" {
		return device
	}
	return device + "/" + channel
}
