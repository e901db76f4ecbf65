package alarm

import "fmt"

// State is where an alarm stands in its life. The numbers are part of the wire and of stored data.
type State uint8

// The states of ISA-18.2.
const (
	Normal             State = 1 // the condition is absent and nobody owes an answer
	Unacked            State = 2 // the condition is present and nobody has acknowledged it
	Acked              State = 3 // present, and somebody has taken note
	RTNUnacked         State = 4 // returned to normal before anybody acknowledged it
	Shelved            State = 5 // hidden by a person, for a limited time and with a reason; still evaluated
	SuppressedByDesign State = 6 // hidden by the plant's own logic; still evaluated
	OutOfService       State = 7 // taken out for maintenance; still evaluated
	Latched            State = 8 // returned to normal and acknowledged, and a person must still look and reset it
)

var stateNames = [...]string{
	"", "normal", "unacked", "acked", "rtn_unacked", "shelved", "suppressed", "out_of_service", "latched",
}

// String gives the state's name as the wire's JSON forms and the API show it.
func (s State) String() string {
	if s.Known() {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Known reports whether s is one of the states.
func (s State) Known() bool { return s >= Normal && s <= Latched }

// ParseState reads what String wrote.
func ParseState(name string) (State, error) {
	for i, n := range stateNames {
		if i > 0 && n == name {
			return State(i), nil
		}
	}
	return 0, fmt.Errorf("alarm state %q is not known", name)
}

// Priority says how fast a person must act. The numbers are part of the wire and of stored data.
type Priority uint8

// The priorities; Quality is a device's or a value's fault, kept apart so that it hides no process alarm.
const (
	Critical Priority = 1
	High     Priority = 2
	Medium   Priority = 3
	Quality  Priority = 9
)

// Action is what moved an alarm from one state to another.
type Action string

// The actions.
const (
	Raise       Action = "raise"
	Return      Action = "return"
	Acknowledge Action = "acknowledge"
	Shelve      Action = "shelve"
	Unshelve    Action = "unshelve" // by a person, or because the time had run out
	Suppress    Action = "suppress"
	Unsuppress  Action = "unsuppress"
	// RemoveFromService and ReturnToService enclose maintenance.
	RemoveFromService Action = "remove_from_service"
	ReturnToService   Action = "return_to_service"
	Reset             Action = "reset" // ends a Latched alarm
)
