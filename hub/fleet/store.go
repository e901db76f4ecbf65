package fleet

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// Store reads the fleet. Lists come in the order that a console shows them; next is the cursor of the page after, "" at
// the end. Get-by-id methods fail with fault.NotFound. Safe for concurrent use.
type Store interface {
	// Edges gives every edge of a site ("" = of all) with its devices, by id.
	Edges(ctx context.Context, site string) ([]Edge, error)
	// Doors gives every door of a site ("" = of all) that an edge names or that had a pass, by id; dayStart is when today
	// began.
	Doors(ctx context.Context, site string, dayStart time.Time) ([]Door, error)
	// Passes gives a door's passes, newest first; limit 0 = 100.
	Passes(ctx context.Context, door, before string, limit int) (page []Pass, next string, err error)
	Pass(ctx context.Context, id string) (Pass, error)
	// Alarms gives alarms: unacknowledged first, then by priority, newest first.
	Alarms(ctx context.Context, f AlarmFilter) (page []Alarm, next string, err error)
	Alarm(ctx context.Context, id string) (Alarm, []AlarmEvent, error)
	// Excursions gives excursions, newest first.
	Excursions(ctx context.Context, f ExcursionFilter) (page []Excursion, next string, err error)
	Excursion(ctx context.Context, id string) (ExcursionDetail, error)
	// Verdicts gives the verdicts on a door's passes, newest first; limit 0 = 100.
	Verdicts(ctx context.Context, door, before string, limit int) (page []Verdict, next string, err error)
}

// Commands keeps what people asked of edges.
type Commands interface {
	// PutCommand stores a pending command of the alarm, "" for one that is about none, and tells listeners that the alarm
	// changed.
	PutCommand(ctx context.Context, edge, alarm string, c wire.Command) error
}

// Commander brings a command to its edge. It may fail or lose it: pending commands are sent again whenever the edge
// reports its status.
type Commander interface {
	Send(ctx context.Context, edge string, c wire.Command) error
}
