package ledger

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// LateAfter is how much older than the ledger's last word on a tag another edge's movement may be and still be taken:
// the clocks of two edges differ by less.
const LateAfter = time.Minute

// Refusal says why an observed movement is not posted by itself and waits for a person.
type Refusal string

// The refusals.
const (
	LowConfidence Refusal = "low_confidence" // the decision is not sure enough
	Late          Refusal = "late"           // another edge has reported the tag elsewhere at a later time
)

// Observation is a movement as an edge decided it, with what the hub knows of its tag.
type Observation struct {
	wire.Movement
	Item, Lot string
	Quantity  int64  // that the tag stands for; 0 = 1
	Source    string // "edge:SZ1-E1"
	Now       *Position
	// Threshold is the confidence in permille from which it posts by itself.
	Threshold uint16
	// Waived: a person has looked at it; neither Threshold nor lateness stop it.
	Waived bool
}

// Placement is what becomes of an Observation.
type Placement struct {
	// Lines are what the ledger records; none where nothing changes.
	Lines []Line
	Kind  Kind
	// Seen: the tag was seen where the ledger has it, so the time of its last sighting moves on.
	Seen    bool
	At      *Position // where the tag was; for the caller to keep
	Refusal Refusal   // set where nothing may be done
	Detail  string    // of the Refusal, for a person
}

// Place decides what an observed movement means for the ledger. The source side is where the ledger has the tag, not
// what the edge says; a tag it never had comes from SUPPLIER at a receiving door and from LOSS elsewhere.
func Place(o Observation) Placement {
	if o.Disposition == wire.Unknown {
		return o.guard(o.unseen())
	}
	state := Available
	if o.Now != nil && o.Now.State == Quarantined {
		state = Quarantined
	}
	from, was := o.from(), Available
	if o.Now != nil {
		was = o.Now.State
	}
	if from == o.To && was == state {
		return Placement{Seen: true}
	}
	return o.guard(Placement{Kind: kindOf(from, o.To, o.BizStep), Seen: true, Lines: o.lines(from, was, o.To, state)})
}

// unseen takes a tag from available to unseen at its place, if the ledger has it there.
func (o Observation) unseen() Placement {
	if o.Now == nil || o.Now.Location != o.To || o.Now.State != Available || IsVirtual(o.To) {
		return Placement{}
	}
	return Placement{Kind: Unseen, Lines: o.lines(o.To, Available, o.To, StateUnseen)}
}

func (o Observation) from() Location {
	switch {
	case o.Now != nil:
		return o.Now.Location
	case o.BizStep == wire.Receiving:
		return Supplier
	default:
		return Loss
	}
}

func (o Observation) lines(from Location, was State, to Location, state State) []Line {
	l := Line{
		Item: o.Item, Lot: o.Lot, Tag: o.Tag, From: from, FromState: was, To: to, ToState: state, Quantity: max(o.Quantity, 1),
	}
	if o.Now != nil {
		// What leaves is what the ledger has there, though the catalogue may say otherwise of the tag by now.
		l.Item, l.Lot, l.Quantity = o.Now.Item, o.Now.Lot, o.Now.Quantity
	}
	return []Line{l}
}

// guard refuses a placement that changes something and that a person must look at first.
func (o Observation) guard(p Placement) Placement {
	if len(p.Lines) == 0 || o.Waived {
		return p
	}
	if o.Confidence < o.Threshold {
		return Placement{Refusal: LowConfidence, Detail: fmt.Sprintf("confidence %d permille is below %d", o.Confidence, o.Threshold)}
	}
	if n := o.Now; n != nil && n.Source != o.Source && o.EventTime.Before(n.Since.Add(-LateAfter)) {
		return Placement{Refusal: Late, Detail: fmt.Sprintf("%s has it at %s since %s", n.Source, n.Location,
			n.Since.UTC().Format(time.RFC3339))}
	}
	return p
}

func kindOf(from, to Location, step wire.BizStep) Kind {
	switch {
	case from == to:
		return Unseen
	case to == Customer:
		return Ship
	case to == Loss:
		return Lost
	case from == Supplier:
		return Receive
	case from == Customer && step == wire.Receiving:
		return Return
	case from == Loss || from == Customer:
		return Found
	default:
		return Move
	}
}
