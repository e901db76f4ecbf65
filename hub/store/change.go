package store

import (
	"context"
	"errors"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/planner"
)

// changed notes what somebody changed, who is in ctx, with what it was before, nil for nothing. What edges report, and what
// the hub does by itself, is told by its own records.
func (tx *Tx) changed(ctx context.Context, resource, id string, before, after any) error {
	if audit.From(ctx) == nil {
		return nil
	}
	return tx.audit(ctx, audit.Entry{Resource: resource, ID: id, Before: audit.State(before), After: audit.State(after)})
}

// facts are a thing as the log of changes has it.
type facts map[string]any

func movementFacts(m ledger.Movement) facts {
	lines := make([]facts, len(m.Lines))
	for i, l := range m.Lines {
		lines[i] = facts{
			"item": l.Item, "lot": l.Lot, "tag": l.Tag.String(), "from": l.From, "from_state": l.FromState, "to": l.To, "to_state": l.ToState,
			"quantity": l.Quantity, "value": l.Value,
		}
	}
	return facts{"id": m.ID, "kind": m.Kind, "source": m.Source, "effective_at": m.EffectiveAt.UTC(), "reverses": m.Reverses, "lines": lines}
}

func reservationFacts(v ledger.Reservation) facts {
	holds := make([]facts, len(v.Holds))
	for i, h := range v.Holds {
		holds[i] = facts{"location": h.Location, "lot": h.Lot, "quantity": h.Quantity, "taken": h.Taken}
	}
	return facts{"item": v.Item, "quantity": v.Quantity, "for": v.For, "state": v.State, "holds": holds}
}

func countFacts(c ledger.Count) facts {
	return facts{
		"state": c.State, "site": c.Site, "locations": c.Locations, "complete": c.Complete, "lines": len(c.Lines), "unknown": len(c.Unknown),
		"variance": c.Variance, "submitted_by": c.SubmittedBy, "decided_by": c.DecidedBy, "reason": c.Reason, "movement": c.Movement,
	}
}

// alarmFacts are what a command changes of an alarm.
func alarmFacts(a fleet.Alarm) facts {
	return facts{"state": a.State, "pending": a.Pending, "shelved_until": a.ShelvedUntil, "comment": a.Comment}
}

// commandFacts are what an edge is asked to do.
func commandFacts(c wire.Command) facts {
	f := facts{"command": c.ID}
	switch {
	case c.Acknowledge != nil:
		f["comment"] = c.Acknowledge.Comment
	case c.Shelve != nil:
		f["until"], f["reason"] = c.Shelve.Until.UTC(), c.Shelve.Reason
	case c.RemoveFromService != nil:
		f["reason"] = c.RemoveFromService.Reason
	case c.ReturnToService != nil:
		f["comment"] = c.ReturnToService.Comment
	case c.Reset != nil:
		f["comment"] = c.Reset.Comment
	case c.ResetSum != nil:
		f["rule"], f["source"], f["reason"] = c.ResetSum.Rule, c.ResetSum.Source, c.ResetSum.Reason
	case c.Expect != nil:
		tags := make([]string, len(c.Expect.Tags))
		for i, t := range c.Expect.Tags {
			tags[i] = t.String()
		}
		f["list"], f["direction"], f["tags"], f["items"] = c.Expect.ID, c.Expect.Direction, tags, c.Expect.Items
	}
	return f
}

func proposalFacts(v planner.Proposal) facts {
	return facts{
		"state": v.State, "item": v.Item, "site": v.Site, "supplier": v.Supplier, "quantity": v.Quantity, "decided_by": v.DecidedBy,
		"reason": v.Reason,
	}
}

// endpointFacts are all of an endpoint but its secrets and its health.
func endpointFacts(e webhook.Endpoint) facts {
	return facts{
		"url": e.URL, "description": e.Description, "events": e.Events, "sites": e.Sites, "state": e.State, "why": e.Turned.Why, "revision": e.Revision,
	}
}

func deliveryFacts(d webhook.Delivery) facts {
	return facts{"endpoint": d.Endpoint, "message": d.Message, "state": d.State, "tries": d.Tries}
}

func jobFacts(j capture.Job) facts {
	return facts{
		"success": j.Success, "behaviour": j.Behaviour, "captured": j.Captured, "known": j.Known, "parked": j.Parked, "errors": len(j.Errors),
	}
}

func policyFacts(p intake.Policy) facts {
	return facts{"read_point": p.ReadPoint, "threshold_permille": p.Threshold}
}

// noting are the books of a command that somebody asked for: what it writes is noted.
type noting struct {
	*Tx
	by context.Context // who asked
}

var _ ledger.Books = noting{}

// Post records a movement.
func (n noting) Post(m ledger.Movement) error {
	if err := n.Tx.Post(m); err != nil {
		return err
	}
	return n.changed(n.by, "movement", m.ID, nil, movementFacts(m))
}

// PutReservation stores a reservation.
func (n noting) PutReservation(v ledger.Reservation) error {
	var before any
	was, err := n.Reservation(v.ID)
	switch {
	case err == nil:
		before = reservationFacts(was)
	case !errors.Is(err, fault.NotFound):
		return err
	}
	if err := n.Tx.PutReservation(v); err != nil {
		return err
	}
	return n.changed(n.by, "reservation", v.ID, before, reservationFacts(v))
}

// PutAggregation packs or unpacks.
func (n noting) PutAggregation(a ledger.Aggregation) error {
	before, err := n.packed(a.Parent)
	if err != nil {
		return err
	}
	if err := n.Tx.PutAggregation(a); err != nil {
		return err
	}
	after, err := n.packed(a.Parent)
	if err != nil {
		return err
	}
	return n.changed(n.by, "unit", a.Parent.String(), before, after)
}

func (n noting) packed(parent devices.Tag) (facts, error) {
	tags, err := n.Contents(parent)
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.String()
	}
	return facts{"contents": names}, err
}
