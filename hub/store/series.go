package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

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
	r, err := tx.ExecContext(tx.ctx, `INSERT INTO sample (sensor, at, value, quality, reason) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		num, stamp(s.At), value, uint8(s.Quality), s.Reason)
	if err != nil {
		return sensor, fmt.Errorf("cannot store a sample of sensor %s: %w", sensor, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return sensor, err
	}
	if err := tx.putHour(num, s.At, value); err != nil {
		return sensor, fmt.Errorf("cannot store the hour of a sample of sensor %s: %w", sensor, err)
	}
	return sensor, tx.exec(`UPDATE sensor SET last_at = ?, last_value = ?, location = ? WHERE num = ? AND last_at <= ?`,
		stamp(s.At), value, s.Location, num, stamp(s.At))
}

// putHour widens the lowest and the highest value of a sample's hour to it.
func (tx *Tx) putHour(sensor int64, at time.Time, value sql.NullInt64) error {
	if !value.Valid {
		return nil
	}
	return tx.exec(`INSERT INTO sample_hour (sensor, hour, low, low_at, high, high_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (sensor, hour) DO UPDATE SET
		low_at = CASE WHEN excluded.low < sample_hour.low THEN excluded.low_at ELSE sample_hour.low_at END,
		low = CASE WHEN excluded.low < sample_hour.low THEN excluded.low ELSE sample_hour.low END,
		high_at = CASE WHEN excluded.high > sample_hour.high THEN excluded.high_at ELSE sample_hour.high_at END,
		high = CASE WHEN excluded.high > sample_hour.high THEN excluded.high ELSE sample_hour.high END`,
		sensor, stamp(at.Truncate(time.Hour)), value.Int64, stamp(at), value.Int64, stamp(at))
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

// rawSpan is the longest span of time that Query reads sample by sample: a week, and a day to move it by. Of a longer one
// it reads what each hour came to, which is a sixtieth of that where a probe is asked every half minute.
const rawSpan = 8 * 24 * time.Hour

// Query gives the sensors asked for, by id, each with its points thinned by series.Thin.
func (s Series) Query(ctx context.Context, q series.Query) ([]series.Series, error) {
	sensors, err := s.sensors(ctx, q.Sensor)
	if err != nil {
		return nil, err
	}
	all := make([]series.Series, 0, len(sensors))
	for _, n := range sensors {
		points, err := s.points(ctx, n.num, q.From, q.To)
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

// points reads a sensor's points of From ≤ t < To, rising in time.
func (s Series) points(ctx context.Context, sensor int64, from, to time.Time) ([]series.Point, error) {
	if to.Sub(from) <= rawSpan {
		return list(ctx, s.read, `SELECT at, value FROM sample WHERE sensor = ? AND at >= ? AND at < ? ORDER BY at`,
			scanPoint, sensor, stamp(from), stamp(to))
	}
	return list(ctx, s.read, `SELECT low_at, low FROM sample_hour WHERE sensor = ? AND hour >= ? AND hour < ? AND low_at >= ? AND low_at < ?
		UNION SELECT high_at, high FROM sample_hour WHERE sensor = ? AND hour >= ? AND hour < ? AND high_at >= ? AND high_at < ?
		ORDER BY 1`, scanPoint,
		sensor, stamp(from.Truncate(time.Hour)), stamp(to), stamp(from), stamp(to),
		sensor, stamp(from.Truncate(time.Hour)), stamp(to), stamp(from), stamp(to))
}

// trimAtOnce is how many rows of a sensor one transaction of Trim removes at most, so that what edges send need not wait.
const trimAtOnce = 10_000

// Trim forgets samples from before a time, and gives how many those were.
func (s Series) Trim(ctx context.Context, before time.Time) (gone int64, err error) {
	sensors, err := s.sensors(ctx, "")
	if err != nil {
		return 0, err
	}
	for _, n := range sensors {
		for most := int64(trimAtOnce); most == trimAtOnce; gone += most {
			if most, err = s.trim(ctx, n.num, before); err != nil {
				return gone, fmt.Errorf("cannot trim the samples of sensor %s: %w", n.ID, err)
			}
		}
	}
	return gone, nil
}

func (s Series) trim(ctx context.Context, sensor int64, before time.Time) (gone int64, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM sample WHERE sensor = ? AND at IN
			(SELECT at FROM sample WHERE sensor = ? AND at < ? ORDER BY at LIMIT ?)`, sensor, sensor, stamp(before), trimAtOnce)
		if err != nil {
			return err
		}
		if gone, err = r.RowsAffected(); err != nil {
			return err
		}
		return tx.exec(`DELETE FROM sample_hour WHERE sensor = ? AND hour < ?`, sensor, stamp(before.Truncate(time.Hour)))
	})
	return gone, err
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
