package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/fleet"
)

// Figures are the state of the whole company's database in numbers that cost little to ask for. All hubs on one database
// have the same.
type Figures struct {
	Size        int64         // bytes; without the write-ahead log
	ClockAhead  time.Duration // of the database's clock before this machine's; 0 where they are one
	Movements   int64         // in the ledger
	Quarantined int64         // records that wait for a person
	EventHead   int64         // number of the last event
	Edges       []fleet.Edge  // without their devices
	Devices     []Count       // by state
	Alarms      []Count       // by state and priority, without those that are normal
	Excursions  int64         // that go on
	Sensors     []Sensor      // the first MostSensors of them
	SensorCount int64
}

// Count is how many there are of a kind.
type Count struct {
	State    string
	Priority int64 // of alarms: 1 is the highest
	Number   int64
}

// Sensor is what a sensor last said.
type Sensor struct {
	ID, Edge, Location string
	Quantity           unit.Quantity
	At                 time.Time
	Value              *float64 // in the quantity's unit; nil where the last sample had none
}

// MostSensors bounds what Figures tells of single sensors.
const MostSensors = 2000

// Figures asks for them.
func (db *DB) Figures(ctx context.Context) (f Figures, err error) {
	began := time.Now()
	for _, single := range []struct {
		query string
		to    *int64
	}{
		{db.dialect.Size, &f.Size},
		{`SELECT coalesce(sum(link), 0) FROM chain`, &f.Movements},
		{`SELECT count(*) FROM quarantine WHERE state = 'open'`, &f.Quarantined},
		{`SELECT coalesce(max(seq), 0) FROM event_head`, &f.EventHead},
		{`SELECT count(*) FROM excursion WHERE ended_at = 0`, &f.Excursions},
		{`SELECT count(*) FROM sensor`, &f.SensorCount},
	} {
		if _, err := one(ctx, db.read, single.query, nil, single.to); err != nil {
			return f, fmt.Errorf("cannot read the hub's figures: %w", err)
		}
	}
	if f.ClockAhead, err = db.clockAhead(ctx); err == nil {
		err = db.listed(ctx, &f)
	}
	if err != nil {
		return f, fmt.Errorf("cannot read the hub's figures, %v after they were asked for: %w", time.Since(began).Round(time.Millisecond), err)
	}
	return f, nil
}

func (db *DB) listed(ctx context.Context, f *Figures) (err error) {
	if f.Edges, err = list(ctx, db.read, edgeColumns+`ORDER BY e.id`, scanEdge); err != nil {
		return err
	}
	f.Devices, err = list(ctx, db.read, `SELECT state, count(*) FROM device GROUP BY state ORDER BY state`,
		func(scan func(...any) error) (c Count, err error) { return c, scan(&c.State, &c.Number) })
	if err != nil {
		return err
	}
	f.Alarms, err = list(ctx, db.read, `SELECT state, priority, count(*) FROM alarm WHERE state > ? GROUP BY state, priority ORDER BY state, priority`,
		func(scan func(...any) error) (c Count, err error) {
			var s alarm.State
			err = scan(&s, &c.Priority, &c.Number)
			c.State = s.String()
			return c, err
		}, int(alarm.Normal))
	if err != nil {
		return err
	}
	f.Sensors, err = list(ctx, db.read, `SELECT id, edge, location, quantity, last_at, last_value FROM sensor ORDER BY num LIMIT ?`,
		func(scan func(...any) error) (s Sensor, err error) {
			var at int64
			var value sql.NullInt64
			err = scan(&s.ID, &s.Edge, &s.Location, &s.Quantity, &at, &value)
			s.At, s.Value = timeOf(at), milli(value)
			return s, err
		}, MostSensors)
	return err
}

// clockAhead asks for the database's time. Half the way there and back is taken for the way back.
func (db *DB) clockAhead(ctx context.Context) (time.Duration, error) {
	if db.dialect.Clock == "" || db.dialect.Alone {
		return 0, nil
	}
	began := time.Now()
	var us int64
	if _, err := one(ctx, db.read, `SELECT `+db.dialect.Clock, nil, &us); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return time.UnixMicro(us).Sub(began.Add(took / 2)), nil
}

// Ping asks the database whether it answers.
func (db *DB) Ping(ctx context.Context) error {
	var n int
	if _, err := one(ctx, db.read, `SELECT 1`, nil, &n); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}
