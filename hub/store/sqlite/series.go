package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/series"
)

// Series keeps samples; it is a series.Store.
type Series struct{ *DB }

var _ series.Store = Series{}

// putSample stores a sample, once, and gives the id of its sensor.
func (tx *Tx) putSample(edge string, s wire.Sample) (sensor string, err error) {
	sensor = series.SensorID(edge, s.Device, s.Channel, s.Quantity.String())
	value := maybe(s.Quality == devices.Good, s.Value)
	num, err := tx.sensor(sensor, edge, s)
	if err != nil {
		return sensor, fmt.Errorf("cannot store sensor %s: %w", sensor, err)
	}
	err = tx.exec(`INSERT INTO sample (sensor, at, value, quality, reason) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		num, stamp(s.At), value, uint8(s.Quality), s.Reason)
	if err != nil {
		return sensor, fmt.Errorf("cannot store a sample of sensor %s: %w", sensor, err)
	}
	return sensor, tx.exec(`UPDATE sensor SET last_at = ?, last_value = ?, location = ? WHERE num = ? AND last_at <= ?`,
		stamp(s.At), value, s.Location, num, stamp(s.At))
}

// sensor gives the number of a sensor and enters one that is new.
func (tx *Tx) sensor(id, edge string, s wire.Sample) (num int64, err error) {
	ok, err := tx.row(`SELECT num FROM sensor WHERE id = ?`, []any{id}, &num)
	if ok || err != nil {
		return num, err
	}
	_, err = tx.row(`INSERT INTO sensor (num, id, edge, device, channel, location, quantity, last_at)
		SELECT coalesce(max(num), 0) + 1, ?, ?, ?, ?, ?, ?, 0 FROM sensor WHERE true RETURNING num`,
		[]any{id, edge, s.Device, s.Channel, s.Location, uint8(s.Quantity)}, &num)
	return num, err
}

// Query gives the sensors asked for, by id, each with its points thinned by series.Thin.
func (s Series) Query(ctx context.Context, q series.Query) ([]series.Series, error) {
	sensors, err := s.sensors(ctx, q.Sensor)
	if err != nil {
		return nil, err
	}
	all := make([]series.Series, 0, len(sensors))
	for _, n := range sensors {
		points, err := list(ctx, s.read, `SELECT at, value FROM sample WHERE sensor = ? AND at >= ? AND at < ? ORDER BY at`,
			scanPoint, n.num, stamp(q.From), stamp(q.To))
		if err != nil {
			return nil, fmt.Errorf("cannot read the samples of sensor %s: %w", n.ID, err)
		}
		if n.Low, n.High, err = limitsOf(ctx, s.read, n.Location, n.quantity); err != nil {
			return nil, err
		}
		all = append(all, series.Series{Sensor: n.Sensor, Points: series.Thin(points, series.MaxPoints)})
	}
	return all, nil
}

type numbered struct {
	series.Sensor
	num      int64
	quantity unit.Quantity
}

func (s Series) sensors(ctx context.Context, id string) ([]numbered, error) {
	return list(ctx, s.read, `SELECT num, id, edge, device, channel, location, quantity FROM sensor
		WHERE id = ? OR ? = '' ORDER BY id`, func(scan func(...any) error) (n numbered, err error) {
		err = scan(&n.num, &n.ID, &n.Edge, &n.Device, &n.Channel, &n.Location, &n.quantity)
		n.Quantity, n.Unit = n.quantity.String(), n.quantity.Symbol()
		return n, err
	}, id, id)
}

func scanPoint(scan func(...any) error) (p series.Point, err error) {
	var at int64
	var value sql.NullInt64
	err = scan(&at, &value)
	p.At, p.Value = timeOf(at), milli(value)
	return p, err
}
