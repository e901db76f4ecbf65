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

func (s Service) command(actor string) wire.Command {
	return wire.Command{ID: s.NewID(), At: s.Now().UTC(), Actor: actor}
}

// ask stores the command, then sends it. That it could not be sent is no error: it goes again with the edge's next status.
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
	if err := s.Commands.PutCommand(ctx, a.Edge, id, c); err != nil {
		return Alarm{}, err
	}
	if err := s.Edges.Send(ctx, a.Edge, c); err != nil {
		s.Log.Warn("command waits for its edge", "edge", a.Edge, "command", c.ID, "error", err)
	}
	a, _, err = s.Store.Alarm(ctx, id)
	return a, err
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
	}
	return ""
}

// Possible reports whether a person's action is possible on an alarm in this state.
func Possible(s alarm.State, action alarm.Action) bool {
	switch action {
	case alarm.Acknowledge:
		return s == alarm.Unacked || s == alarm.RTNUnacked
	case alarm.Shelve:
		return s == alarm.Unacked || s == alarm.Acked || s == alarm.RTNUnacked || s == alarm.Shelved
	case alarm.Unshelve:
		return s == alarm.Shelved
	}
	return false
}
