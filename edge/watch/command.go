package watch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/wire"
)

// remembered is how many command ids are kept in memory against a command that comes twice at once; the store keeps
// those that were committed.
const remembered = 256

// command does what the hub asks. A command that was done is not done again.
func (m *Machine) command(c *wire.Command, now time.Time) {
	if slices.Contains(m.commands, c.ID) {
		return
	}
	m.commands = append(m.commands, c.ID)
	if len(m.commands) > remembered {
		m.commands = slices.Delete(m.commands, 0, len(m.commands)-remembered)
	}
	id, in, by := read(c)
	p := m.running(id)
	if p == nil {
		m.refuse(c.ID, id, errNotRunning)
		return
	}
	if err := m.ask(p, in, by, now); err != nil {
		m.answerUnchanged(p, c, in, by, now, err)
	}
}

var errNotRunning = errors.New("no such alarm is running here: it has returned to normal, or is another gateway's")

// ask does what a person asks with an alarm. The error says why nothing was changed.
func (m *Machine) ask(p *point, in alarm.Input, by wire.Alarm, now time.Time) error {
	a, steps, err := p.Alarm.Step(in, now)
	p.Alarm = a
	own := len(steps) - answers(err)
	m.told(p, steps[:own], wire.Alarm{Comment: "the time ran out"})
	m.told(p, steps[own:], by)
	if err == nil { // what the plant hides stays hidden by it
		m.suppress(p, now)
	}
	return err
}

// answers is how many of the transitions are the command's own: the last, unless it failed.
func answers(err error) int {
	if err != nil {
		return 0
	}
	return 1
}

// answerUnchanged tells the hub that the alarm stays as it is, so that the command counts as answered.
func (m *Machine) answerUnchanged(p *point, c *wire.Command, in alarm.Input, by wire.Alarm, now time.Time, err error) {
	m.refuse(c.ID, p.Alarm.Occurrence, err)
	if p.Alarm.Occurrence == "" {
		return
	}
	m.told(p, []alarm.Transition{{
		Occurrence: p.Alarm.Occurrence, Action: in.Action, From: p.Alarm.State, To: p.Alarm.State, At: now,
	}}, wire.Alarm{Command: c.ID, Actor: by.Actor, Comment: err.Error()})
}

func (m *Machine) refuse(command, id string, err error) {
	if command != "" {
		err = fmt.Errorf("cannot do command %s on alarm %s: %w", command, id, err)
	}
	m.out = append(m.out, Event{Refused: &Refusal{Command: command, Alarm: id, Err: err}})
}

// read takes a command apart: which occurrence, what happens to it, and what the transition says of it.
func read(c *wire.Command) (id string, in alarm.Input, by wire.Alarm) {
	by = wire.Alarm{Command: c.ID, Actor: c.Actor}
	switch {
	case c.Acknowledge != nil:
		by.Comment = c.Acknowledge.Comment
		return c.Acknowledge.Alarm, alarm.Input{Action: alarm.Acknowledge}, by
	case c.Shelve != nil:
		by.Comment = c.Shelve.Reason
		return c.Shelve.Alarm, alarm.Input{Action: alarm.Shelve, Until: c.Shelve.Until, Reason: c.Shelve.Reason}, by
	case c.Unshelve != nil:
		return c.Unshelve.Alarm, alarm.Input{Action: alarm.Unshelve}, by
	case c.RemoveFromService != nil:
		by.Comment = c.RemoveFromService.Reason
		return c.RemoveFromService.Alarm, alarm.Input{Action: alarm.RemoveFromService, Reason: by.Comment}, by
	case c.ReturnToService != nil:
		by.Comment = c.ReturnToService.Comment
		return c.ReturnToService.Alarm, alarm.Input{Action: alarm.ReturnToService}, by
	case c.Reset != nil:
		by.Comment = c.Reset.Comment
		return c.Reset.Alarm, alarm.Input{Action: alarm.Reset}, by
	}
	return "", alarm.Input{}, by
}

func (m *Machine) running(id string) *point {
	i := slices.IndexFunc(m.order, func(p *point) bool { return id != "" && p.Alarm.Occurrence == id })
	if i < 0 {
		return nil
	}
	return m.order[i]
}
