package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
)

// Service answers alarms for people.
type Service struct {
	Store    Store
	Commands Commands
	Edges    Commander
	Now      func() time.Time // business time
	NewID    func() string    // UUIDv7
	Log      *slog.Logger
}

// Acknowledge asks the edge to take note of an alarm. The alarm that it gives is pending until the edge has answered.
// Errors: fault.NotFound; fault.Conflict where the alarm's state does not allow it.
func (s Service) Acknowledge(ctx context.Context, id, actor, comment string) (Alarm, error) {
	c := s.command(actor)
	c.Acknowledge = &wire.AlarmAcknowledge{Alarm: id, Comment: comment}
	return s.ask(ctx, id, c)
}

// Shelve asks the edge to hide an alarm for so long, for a reason. Errors: fault.Invalid without a reason or for longer
// than alarm.MaxShelving; fault.NotFound; fault.Conflict.
func (s Service) Shelve(ctx context.Context, id, actor string, d time.Duration, reason string) (Alarm, error) {
	if reason == "" {
		return Alarm{}, fmt.Errorf("%w: say why the alarm is shelved", fault.Invalid)
	}
	if d <= 0 || d > alarm.MaxShelving {
		return Alarm{}, fmt.Errorf("%w: an alarm can be shelved for up to %s, not for %s", fault.Invalid, alarm.MaxShelving, d)
	}
	c := s.command(actor)
	c.Shelve = &wire.AlarmShelve{Alarm: id, Until: c.At.Add(d), Reason: reason}
	return s.ask(ctx, id, c)
}

// Unshelve asks the edge to show a shelved alarm again. Errors: fault.NotFound, fault.Conflict.
func (s Service) Unshelve(ctx context.Context, id, actor string) (Alarm, error) {
	c := s.command(actor)
	c.Unshelve = &wire.AlarmUnshelve{Alarm: id}
	return s.ask(ctx, id, c)
}

// RemoveFromService asks the edge to take an alarm out for maintenance, for a reason. Errors: fault.Invalid without one;
// fault.NotFound, fault.Conflict.
func (s Service) RemoveFromService(ctx context.Context, id, actor, reason string) (Alarm, error) {
	if reason == "" {
		return Alarm{}, fmt.Errorf("%w: say why the alarm is taken out of service", fault.Invalid)
	}
	c := s.command(actor)
	c.RemoveFromService = &wire.AlarmOutOfService{Alarm: id, Reason: reason}
	return s.ask(ctx, id, c)
}

// ReturnToService asks the edge to bring an alarm back from maintenance. Errors: fault.NotFound, fault.Conflict.
func (s Service) ReturnToService(ctx context.Context, id, actor, comment string) (Alarm, error) {
	c := s.command(actor)
	c.ReturnToService = &wire.AlarmInService{Alarm: id, Comment: comment}
	return s.ask(ctx, id, c)
}

// Reset asks the edge to end a latched alarm. Errors: fault.NotFound, fault.Conflict.
func (s Service) Reset(ctx context.Context, id, actor, comment string) (Alarm, error) {
	c := s.command(actor)
	c.Reset = &wire.AlarmReset{Alarm: id, Comment: comment}
	return s.ask(ctx, id, c)
}

// ResetSum asks an edge to begin a new recording period of a rule on a source, for a reason. Errors: fault.Invalid.
func (s Service) ResetSum(ctx context.Context, edge, rule, source, actor, reason string) error {
	if reason == "" || rule == "" || source == "" {
		return fmt.Errorf("%w: say which rule's sum on which source is set back, and why", fault.Invalid)
	}
	c := s.command(actor)
	c.ResetSum = &wire.ResetSum{Rule: rule, Source: source, Reason: reason}
	return s.order(ctx, edge, "", c)
}

// Expect asks an edge to put a list at one of its doors. Errors: fault.Invalid for a list that cannot be.
func (s Service) Expect(ctx context.Context, edge, actor string, list wire.Expect) error {
	if err := list.Check(); err != nil {
		return fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	c := s.command(actor)
	c.Expect = &list
	return s.order(ctx, edge, "", c)
}

func (s Service) command(actor string) wire.Command {
	return wire.Command{ID: s.NewID(), At: s.Now().UTC(), Actor: actor}
}

// ask checks that a command is possible now, stores it, and sends it. That it could not be sent is no error: it goes again
// with the edge's next status.
func (s Service) ask(ctx context.Context, id string, c wire.Command) (Alarm, error) {
	a, _, err := s.Store.Alarm(ctx, id)
	if err != nil {
		return Alarm{}, err
	}
	state, err := alarm.ParseState(a.State)
	if err != nil {
		return Alarm{}, fmt.Errorf("alarm %s: %w", id, err)
	}
	if action := ActionOf(c); !Possible(state, action) {
		return Alarm{}, fmt.Errorf("%w: cannot %s an alarm that is %s", fault.Conflict, action, a.State)
	}
	if err := s.order(ctx, a.Edge, id, c); err != nil {
		return Alarm{}, err
	}
	a, _, err = s.Store.Alarm(ctx, id)
	return a, err
}

func (s Service) order(ctx context.Context, edge, alarmID string, c wire.Command) error {
	if err := s.Commands.PutCommand(ctx, edge, alarmID, c); err != nil {
		return err
	}
	if err := s.Edges.Send(ctx, edge, c); err != nil {
		s.Log.Warn("command waits for its edge", "edge", edge, "command", c.ID, "error", err)
	}
	return nil
}

// ActionOf tells what a command does to its alarm; "" for one that does nothing to an alarm.
func ActionOf(c wire.Command) alarm.Action {
	switch {
	case c.Acknowledge != nil:
		return alarm.Acknowledge
	case c.Shelve != nil:
		return alarm.Shelve
	case c.Unshelve != nil:
		return alarm.Unshelve
	case c.RemoveFromService != nil:
		return alarm.RemoveFromService
	case c.ReturnToService != nil:
		return alarm.ReturnToService
	case c.Reset != nil:
		return alarm.Reset
	}
	return ""
}

// Actions are those that a person may ask for.
var Actions = []alarm.Action{
	alarm.Acknowledge, alarm.Shelve, alarm.Unshelve, alarm.RemoveFromService, alarm.ReturnToService, alarm.Reset,
}

// Possible reports whether a person's action is possible on an alarm in this state.
func Possible(s alarm.State, action alarm.Action) bool {
	switch action {
	case alarm.Acknowledge:
		return s == alarm.Unacked || s == alarm.RTNUnacked
	case alarm.Shelve:
		return s == alarm.Unacked || s == alarm.Acked || s == alarm.RTNUnacked || s == alarm.Shelved || s == alarm.Latched
	case alarm.Unshelve:
		return s == alarm.Shelved
	case alarm.RemoveFromService:
		return s != alarm.Normal && s != alarm.OutOfService
	case alarm.ReturnToService:
		return s == alarm.OutOfService
	case alarm.Reset:
		return s == alarm.Latched
	}
	return false
}
