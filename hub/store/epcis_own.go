package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// OwnEvents tells of the movements that edges decided as EPCIS events, made when they are asked for; it is an epcis.Store
// that takes none. It gives them in the order of their recording only.
type OwnEvents struct{ *DB }

var _ epcis.Store = OwnEvents{}

// Put takes no events: they come from the ledger.
func (OwnEvents) Put(context.Context, []epcis.Event) ([]epcis.Event, error) {
	return nil, fmt.Errorf("%w: own events come from the ledger", fault.Invalid)
}

// Find gives events within a span of recording and, among those, of the steps that are asked for; it may give others too.
// Errors: fault.Invalid where they are wanted by their event time.
func (s OwnEvents) Find(ctx context.Context, b epcis.Bounds, o epcis.Order, after epcis.Cursor, limit int) (events []epcis.Event, err error) {
	if o.ByEventTime {
		return nil, fmt.Errorf("%w: own movements come in the order of their recording: leave orderBy out, or order by recordTime", fault.Invalid)
	}
	c := &clauses{}
	c.add(`source LIKE 'edge:%'`)
	c.in("biz_step", b.BizSteps)
	c.span("effective_at", b.Time)
	if !b.RecordTime.From.IsZero() {
		c.add(`id >= ?`, firstID(b.RecordTime.From))
	}
	if !b.RecordTime.Before.IsZero() {
		c.add(`id < ?`, firstID(b.RecordTime.Before.Add(time.Millisecond)))
	}
	way, beyond := "", ">"
	if o.Falling {
		way, beyond = " DESC", "<"
	}
	if after.Key != "" {
		from, err := capture.MovementOf(after.Key)
		if err != nil {
			return nil, err
		}
		c.add(`id `+beyond+` ?`, uid(from))
	}
	err = s.reading(ctx, func(q reader) error {
		ids, err := list(ctx, q, `SELECT id FROM movement `+c.where()+` ORDER BY id`+way+` LIMIT ?`, scanUID, append(c.args, limit)...)
		if err != nil {
			return err
		}
		events, err = ownEvents(ctx, q, ids)
		return err
	})
	return events, err
}

// firstID is the lowest id of a time.
func firstID(t time.Time) uid {
	var id uuid.UUID
	ms := t.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return uid(id.String())
}

// ByID gives the event of a movement.
func (s OwnEvents) ByID(ctx context.Context, id string) (events []epcis.Event, err error) {
	of, err := capture.MovementOf(id)
	if err != nil {
		return nil, nil
	}
	err = s.reading(ctx, func(q reader) error {
		ids, err := list(ctx, q, `SELECT id FROM movement WHERE id = ? AND source LIKE 'edge:%'`, scanUID, uid(of))
		if err != nil {
			return err
		}
		events, err = ownEvents(ctx, q, ids)
		return err
	})
	return events, err
}

func ownEvents(ctx context.Context, q reader, ids []uid) ([]epcis.Event, error) {
	glns := map[ledger.Location]string{}
	err := each(ctx, q, `SELECT location, min(gln) FROM location_gln GROUP BY location`, func(scan func(...any) error) error {
		var at, gln string
		err := scan(&at, &gln)
		glns[at] = gln
		return err
	})
	if err != nil {
		return nil, err
	}
	all, err := movements(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	events := make([]epcis.Event, 0, len(all))
	for _, m := range all {
		e, err := capture.Own(m, func(at ledger.Location) string { return glns[at] })
		if err != nil {
			return nil, fmt.Errorf("movement %s cannot be told as an event: %w", m.ID, err)
		}
		events = append(events, e)
	}
	return events, nil
}
