package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// Input is one thing that happened; at most one pointer is set, none is a Tick.
type Input struct {
	Sample     *devices.Sample
	Health     *devices.Health
	GPI        *devices.GPI
	Switch     *Switch
	Command    *wire.Command
	Local      *Local
	Condition  *Condition
	Movement   *wire.Movement // of any tag; those that concern no room with rules cost nothing
	Correction *Correction
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

// Event is something that was decided. Exactly one field is set.
type Event struct {
	Alarm      *wire.Alarm // a transition of an alarm
	Refused    *Refusal    // a command that could not be done
	Excursion  *Excursion  // an excursion began (End zero) or ended
	Output     *Signal     // a local output is to go on or off
	Escalation *Escalation // somebody is to be told
	Reset      *Reset      // a sum was set back by a person
}

// Refusal says why a command changed nothing. It needs no answer to the hub: the alarm's own transitions tell it.
type Refusal struct {
	Command, Alarm string
	Err            error
}

// Machine holds every alarm point. It is for one goroutine.
type Machine struct {
	spec   Spec
	now    time.Time // of the newest Step
	points map[pointKey]*point
	order  []*point          // in the order in which they came to be
	down   map[string]*state // by device

	series   map[seriesKey]*series
	channels map[string]map[string]bool // by device
	rules    map[seriesRule][]*Rule     // that look at values, by what they look at
	silent   []*silent
	listens  map[seriesRule][]*silent
	rooms    map[string]*room
	inputs   map[string]*input
	contacts map[contactKey]Contact
	outputs  []*output
	metrics  metrics

	commands []string // ids done lately
	dirty    map[*point]bool
	moved    bool // an alarm or a level changed in this Step
	pieces   []piece
	out      []Event
}

// seriesRule is what a rule looks at, less the channel.
type seriesRule struct {
	device   string
	quantity unit.Quantity
}

// state is what is known of a device.
type state struct {
	up    bool
	since time.Time // since when it is down; zero = not known yet
}

type pointKey struct{ rule, source string }

// New makes a Machine in which all is normal.
func New(spec Spec) *Machine {
	m := &Machine{
		spec: spec, points: map[pointKey]*point{}, down: map[string]*state{}, dirty: map[*point]bool{},
		series: map[seriesKey]*series{}, channels: map[string]map[string]bool{}, rules: map[seriesRule][]*Rule{},
		rooms: map[string]*room{}, inputs: map[string]*input{}, contacts: map[contactKey]Contact{},
		listens: map[seriesRule][]*silent{},
	}
	for _, d := range spec.Devices {
		m.down[d.ID] = &state{}
	}
	for i := range m.spec.Rules {
		m.know(&m.spec.Rules[i])
	}
	for _, c := range spec.Contacts {
		m.contacts[contactKey{c.Device, c.Port}] = c
		m.input(c.Name)
	}
	m.wireOutputs()
	return m
}

// know enters a rule where it is looked for.
func (m *Machine) know(r *Rule) {
	for _, c := range []*Context{r.Door, r.Suppress} {
		if c != nil {
			for _, name := range c.Inputs {
				m.input(name)
			}
		}
	}
	k := seriesRule{r.Device, r.Quantity}
	if r.Kind == NoData {
		w := &silent{rule: r}
		m.silent, m.listens[k] = append(m.silent, w), append(m.listens[k], w)
		return
	}
	if r.Kind == Stuck { // first, so that the others know what a value is worth
		m.rules[k] = append([]*Rule{r}, m.rules[k]...)
	} else {
		m.rules[k] = append(m.rules[k], r)
	}
	if r.Location != "" && r.limits() {
		m.room(r.Location)
	}
}

// Step takes one input and returns what it decided, in order; the slice is good until the next Step.
func (m *Machine) Step(in Input, now time.Time) []Event {
	m.begin(now)
	switch {
	case in.Sample != nil:
		m.sample(in.Sample, now)
	case in.Health != nil:
		m.health(in.Health, now)
	case in.GPI != nil:
		m.gpi(in.GPI, now)
	case in.Switch != nil:
		m.toggle(in.Switch, now)
	case in.Command != nil:
		m.command(in.Command, now)
	case in.Local != nil:
		m.local(in.Local, now)
	case in.Condition != nil:
		m.condition(in.Condition, now)
	case in.Movement != nil:
		m.movement(in.Movement)
	case in.Correction != nil:
		m.correction(in.Correction, now)
	default:
		m.tick(now)
	}
	m.settle(now)
	return m.out
}

func (m *Machine) begin(now time.Time) {
	m.out = m.out[:0]
	if now.After(m.now) {
		m.now = now
	}
}

// settle brings the local outputs to what the alarms now ask for.
func (m *Machine) settle(now time.Time) {
	if m.moved {
		m.moved = false
		m.drive(now)
	}
}

func (m *Machine) condition(c *Condition, now time.Time) {
	k := pointKey{c.Rule, c.Source}
	if p := m.points[k]; p == nil && !c.Active {
		return
	}
	p := m.point(k, face{Class: c.Class, Location: c.Location, Priority: c.Priority})
	m.show(p, c.Reason, 0, false)
	if c.Active {
		m.raise(p, now)
	} else {
		m.calm(p, now)
	}
}

func (m *Machine) tick(now time.Time) {
	m.silences(now)
	m.calibrationsDue(now)
	for _, p := range m.order {
		if p.Alarm.ShelvedUntil.IsZero() && p.Esc.Since.IsZero() && (p.rule == nil || p.rule.Suppress == nil) {
			continue
		}
		a, steps := p.Alarm.Expire(now)
		if len(steps) > 0 {
			p.Alarm = a
			m.told(p, steps, wire.Alarm{Comment: "the time ran out"})
		}
		m.suppress(p, now)
		m.escalate(p, now)
	}
	m.measure(now)
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
