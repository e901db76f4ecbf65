package alarm

import (
	"errors"
	"fmt"
	"time"
)

// MaxShelving is the longest time for which an alarm may be shelved; what must stay hidden for longer is out of service.
const MaxShelving = 7 * 24 * time.Hour

// Alarm is one alarm point and where it stands in its life; it is all that must be stored. The zero Alarm is taken for
// Normal.
type Alarm struct {
	State        State
	Active       bool      // the condition is present, whatever the State shows
	Occurrence   string    // id of the running occurrence; "" in Normal
	ShelvedUntil time.Time // when the shelving ends by itself; zero unless Shelved
	// Latching is the rule's wish that the alarm, once its condition was present, ends only by a Reset.
	Latching bool
	// Was: the condition was present at some time of the running occurrence; false in Normal.
	Was bool
}

// Input is what happens to an alarm.
type Input struct {
	Action Action
	// Occurrence is the id for the occurrence that begins where the alarm is Normal: needed then, unused otherwise.
	Occurrence string
	Until      time.Time // for Shelve: when the shelving ends; at most MaxShelving ahead
	Reason     string    // for Shelve and RemoveFromService: why; needed
}

// Transition is one step in an alarm's life. From equals To where the condition changed in a hidden state and where a
// shelving was prolonged.
type Transition struct {
	Occurrence string
	Action     Action
	From, To   State
	At         time.Time
	Expired    bool // an Unshelve because the time had run out; At is then ShelvedUntil
}

// ForbiddenError says that an action is not possible in an alarm's state.
type ForbiddenError struct {
	State  State
	Action Action
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("cannot %s an alarm that is %s", e.Action, e.State)
}

// Step applies in at the time now, after ending a shelving whose time has run out. Raise of a condition that is
// already present and Return of one that is absent change nothing and are no error, so a caller may say at each
// evaluation what it found.
//
// On an error in itself has changed nothing, but a shelving that ran out has still ended: the alarm and the transitions
// given back are to be kept in every case. The error is a *ForbiddenError where the action is not possible in the state.
func (a Alarm) Step(in Input, now time.Time) (Alarm, []Transition, error) {
	if a.State == 0 {
		a.State = Normal
	}
	a, done := a.Expire(now)
	next, ok := life[a.State][in.Action]
	if !ok {
		return a, done, &ForbiddenError{State: a.State, Action: in.Action}
	}
	if in.Action == Raise && a.Active || in.Action == Return && !a.Active {
		return a, done, nil
	}
	if err := a.check(in, now); err != nil {
		return a, done, err
	}
	if in.Action == Raise || in.Action == Return {
		a.Active = in.Action == Raise
		a.Was = a.Was || a.Active
	}
	a, step := a.move(in, next, now)
	return a, append(done, step), nil
}

// Expire ends a shelving whose time has run out. At ShelvedUntil itself it has.
func (a Alarm) Expire(now time.Time) (Alarm, []Transition) {
	if a.State != Shelved || now.Before(a.ShelvedUntil) {
		return a, nil
	}
	until := a.ShelvedUntil
	a, step := a.move(Input{Action: Unshelve}, shown, until)
	step.Expired = true
	return a, []Transition{step}
}

func (a Alarm) check(in Input, now time.Time) error {
	if a.State == Normal && in.Occurrence == "" {
		return fmt.Errorf("cannot %s an alarm: an occurrence begins and was given no id", in.Action)
	}
	if in.Action == RemoveFromService && in.Reason == "" {
		return errors.New("cannot take an alarm out of service without a reason")
	}
	if in.Action != Shelve {
		return nil
	}
	if in.Reason == "" {
		return errors.New("cannot shelve an alarm without a reason")
	}
	if ahead := in.Until.Sub(now); ahead <= 0 || ahead > MaxShelving {
		return fmt.Errorf("cannot shelve an alarm until %s: it must be later than now, %s, by at most %s",
			in.Until.Format(time.RFC3339), now.Format(time.RFC3339), MaxShelving)
	}
	return nil
}

// move carries out what check has allowed.
func (a Alarm) move(in Input, next State, at time.Time) (Alarm, Transition) {
	from := a.State
	if from == Normal {
		a.Occurrence = in.Occurrence
	}
	switch {
	case next == shown && a.Active:
		next = Unacked
	case next == shown, next == over:
		next = Normal
		if a.Latching && a.Was {
			next = Latched
		}
	}
	step := Transition{Occurrence: a.Occurrence, Action: in.Action, From: from, To: next, At: at}
	a.State = next
	switch {
	case next != Shelved:
		a.ShelvedUntil = time.Time{}
	case in.Action == Shelve:
		a.ShelvedUntil = in.Until
	}
	if next == Normal {
		a.Occurrence, a.Was = "", false
	}
	return a, step
}

// Two states of the table depend on more than the state before. shown is that in which an unhidden alarm comes back:
// Unacked where its condition is present, else over. over is the end of an occurrence: Normal, but Latched where the
// alarm is latching and its condition was present.
const (
	shown State = 0
	over  State = 255
)

// life is the machine: for each state the actions that are possible and the state that they lead to.
var life = map[State]map[Action]State{
	Normal: {
		Raise: Unacked, Return: Normal, Suppress: SuppressedByDesign, RemoveFromService: OutOfService,
	},
	Unacked: {
		Raise: Unacked, Return: RTNUnacked, Acknowledge: Acked, Shelve: Shelved,
		Suppress: SuppressedByDesign, RemoveFromService: OutOfService,
	},
	Acked: {
		Raise: Acked, Return: over, Shelve: Shelved,
		Suppress: SuppressedByDesign, RemoveFromService: OutOfService,
	},
	RTNUnacked: {
		Raise: Unacked, Return: RTNUnacked, Acknowledge: over, Shelve: Shelved,
		Suppress: SuppressedByDesign, RemoveFromService: OutOfService,
	},
	Latched: {
		Raise: Unacked, Return: Latched, Reset: Normal, Shelve: Shelved,
		Suppress: SuppressedByDesign, RemoveFromService: OutOfService,
	},
	Shelved: {
		Raise: Shelved, Return: Shelved, Shelve: Shelved, Unshelve: shown,
		Suppress: SuppressedByDesign, RemoveFromService: OutOfService,
	},
	SuppressedByDesign: {
		Raise: SuppressedByDesign, Return: SuppressedByDesign, Unsuppress: shown, RemoveFromService: OutOfService,
	},
	OutOfService: {
		Raise: OutOfService, Return: OutOfService, ReturnToService: shown,
	},
}
