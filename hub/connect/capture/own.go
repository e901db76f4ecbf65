package capture

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// The names of what has none outside: ours begin so, and Places finds the locations again.
const (
	ownLocation  = "urn:tallydock:location:"
	ownReadPoint = "urn:tallydock:readpoint:"
	ownTag       = "urn:tallydock:tag:"
	ownMovement  = "urn:uuid:"
)

// OwnID gives the id of the event that tells of a movement.
func OwnID(movement string) string { return ownMovement + movement }

// MovementOf gives the movement that an event tells of, by its id. Errors: fault.Invalid.
func MovementOf(event string) (string, error) {
	id, err := uuid.Parse(event)
	if err != nil || event != ownMovement+id.String() {
		return "", fmt.Errorf("%w: %.64q is no event of a movement", fault.Invalid, event)
	}
	return id.String(), nil
}

// Own tells of a movement that readers decided, as an event: which things were seen where, in which step and state. named
// gives the name that the world outside has for a location, "" for none. The event's time of record is that of the
// movement's id, so events in that order are movements in the order of their ids.
func Own(m ledger.Movement, named func(ledger.Location) string) (epcis.Event, error) {
	e := epcis.Event{
		Type: epcis.ObjectEvent, ID: OwnID(m.ID), Time: m.EffectiveAt.UTC(), TimeZoneOffset: "+00:00", Action: epcis.Observe,
		BizStep: m.Evidence.BizStep,
	}
	if m.Evidence.ReadPoint != "" {
		e.ReadPoint.ID = ownReadPoint + m.Evidence.ReadPoint
	}
	for _, l := range m.Lines {
		if !l.Tag.IsZero() {
			e.EPCs = append(e.EPCs, nameOf(l.Tag))
		}
		e.Disposition = disposition(m.Kind, l)
		if !ledger.IsVirtual(l.To) {
			if e.BizLocation.ID = named(l.To); e.BizLocation.ID == "" {
				e.BizLocation.ID = ownLocation + l.To
			}
		}
	}
	slices.Sort(e.EPCs)
	e.EPCs = slices.Compact(e.EPCs)
	made, err := epcis.New(e, nil)
	if err != nil {
		return made, err
	}
	return made.Recorded(RecordedAt(m.ID)), nil
}

// RecordedAt gives the time in a movement's id.
func RecordedAt(id string) time.Time {
	u, err := uuid.Parse(id)
	if err != nil {
		return time.Time{}
	}
	var ms int64
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}

func nameOf(t devices.Tag) string {
	if name := Name(t); name != "" {
		return name
	}
	return ownTag + t.String()
}

// disposition says in which state a line leaves goods, in the words of CBV.
func disposition(k ledger.Kind, l ledger.Line) string {
	switch {
	case l.ToState == ledger.StateUnseen:
		return "unknown"
	case l.ToState == ledger.Quarantined:
		return "non_sellable_other"
	case l.To == ledger.Customer || l.To == ledger.InTransit:
		return "in_transit"
	case k == ledger.Receive:
		return "in_progress"
	default:
		return "sellable_accessible"
	}
}
