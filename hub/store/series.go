package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
)

// Series keeps samples, and what minutes, quarters of an hour and hours of them came to; it is a series.Source and a series.Sink.
type Series struct{ *DB }

var (
	_ series.Source = Series{}
	_ series.Sink   = Series{}
)

// samplesAtOnce is how many samples one transaction of Write has at most, so that what edges send need not wait.
const samplesAtOnce = 5000

// Write is series.Sink's.
func (s Series) Write(ctx context.Context, samples []series.Sample) error {
	return s.putSamples(ctx, samples, false)
}

func (db *DB) putSamples(ctx context.Context, samples []series.Sample, spooled bool) error {
	if err := series.Validate(samples); err != nil {
		return err
	}
	for part := range slices.Chunk(samples, samplesAtOnce) {
		err := db.Write(ctx, func(tx *Tx) error {
			tx.field = sampling{waiting: part, spooled: spooled}
			return nil
		})
		if err != nil {
			return fmt.Errorf("cannot store %d samples: %w", len(part), err)
		}
	}
	return ctx.Err()
}

// Sensors is series.Source's: with the limits that edges hold them to, the tightest where several name some.
func (s Series) Sensors(ctx context.Context, of series.Choice) ([]series.Sensor, error) {
	query, args := `SELECT id, edge, device, channel, location, quantity,
		(SELECT max(l.low) FROM site_limit l WHERE l.location = s.location AND l.quantity = s.quantity),
		(SELECT min(l.high) FROM site_limit l WHERE l.location = s.location AND l.quantity = s.quantity) FROM sensor s WHERE id > ?`, []any{of.After}
	if of.ID != "" {
		query, args = query+` AND id = ?`, append(args, of.ID)
	}
	if of.Site != "" {
		query, args = query+` AND edge IN (SELECT e.id FROM edge e WHERE e.site = ?)`, append(args, of.Site)
	}
	if of.Quantity != "" {
		q, err := unit.ParseQuantity(of.Quantity)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", fault.Invalid, err)
		}
		query, args = query+` AND quantity = ?`, append(args, uint8(q))
	}
	query += ` ORDER BY id`
	if of.Limit > 0 {
		query, args = query+` LIMIT ?`, append(args, of.Limit)
	}
	return list(ctx, s.read, query, func(scan func(...any) error) (n series.Sensor, err error) {
		var q unit.Quantity
		var low, high sql.NullInt64
		err = scan(&n.ID, &n.Edge, &n.Device, &n.Channel, &n.Location, &q, &low, &high)
		n.Quantity, n.Unit, n.Low, n.High = q.String(), q.Symbol(), milli(low), milli(high)
		return n, err
	}, args...)
}

// Readings is series.Source's.
func (s Series) Readings(ctx context.Context, of series.Sensor, from, to time.Time) ([]series.Reading, error) {
	return list(ctx, s.read, `SELECT at, value FROM sample
		WHERE sensor = (SELECT num FROM sensor WHERE id = ?) AND at >= ? AND at < ? ORDER BY at`,
		func(scan func(...any) error) (series.Reading, error) {
			var at int64
			var value sql.NullInt64
			err := scan(&at, &value)
			return series.Reading{At: timeOf(at), Value: unit.Milli(value.Int64), HasValue: value.Valid}, err
		}, of.ID, stamp(from), stamp(to))
}

// Buckets is series.Source's.
func (s Series) Buckets(ctx context.Context, of series.Sensor, from, to time.Time, res series.Resolution) ([]series.Bucket, error) {
	t := rollups[res]
	if t == nil {
		return nil, fmt.Errorf("%w: resolution %q has no buckets", fault.Invalid, res)
	}
	return list(ctx, s.read, `SELECT bucket, n, sum, low, low_at, high, high_at, first, first_at, last, last_at FROM `+t.name+`
		WHERE sensor = (SELECT num FROM sensor WHERE id = ?) AND bucket >= ? AND bucket < ? ORDER BY bucket`,
		scanBucket, of.ID, stamp(from.Truncate(res.Width())), stamp(to))
}

func scanBucket(scan func(...any) error) (b series.Bucket, err error) {
	var start, low, high, first, last int64
	readings := []*series.Reading{&b.Low, &b.High, &b.First, &b.Last}
	err = scan(&start, &b.Count, &b.Sum, &b.Low.Value, &low, &b.High.Value, &high, &b.First.Value, &first, &b.Last.Value, &last)
	b.Start = time.UnixMicro(start).UTC() // the first one begins with 1970
	for i, at := range []int64{low, high, first, last} {
		readings[i].At, readings[i].HasValue = timeOf(at), true
	}
	return b, err
}

// trimAtOnce is how many rows one transaction of Trim removes at most, so that what edges send need not wait.
const trimAtOnce = 10_000

// OtherMonths ends the name of the table of rows that are of no month, where a table is kept by month.
const OtherMonths = "_other"

// Trim forgets samples, or whole buckets, of a resolution from before a time, and gives about how many those were. Where the
// database keeps samples by month they go a month at a time.
func (s Series) Trim(ctx context.Context, res series.Resolution, before time.Time) (gone int64, err error) {
	name, column := "sample", "at"
	if t := rollups[res]; t != nil {
		name, column = t.name, "bucket"
	} else if s.dialect.DropMonths != nil {
		if gone, err = s.dialect.DropMonths(ctx, s.DB.write, name, before); err != nil {
			return gone, fmt.Errorf("cannot forget months of %s: %w", name, err)
		}
		name += OtherMonths
	}
	old, err := list(ctx, s.read, `SELECT num FROM sensor s
		WHERE EXISTS (SELECT 1 FROM `+name+` t WHERE t.sensor = s.num AND t.`+column+` < ?) ORDER BY num`, scanNum, stamp(before))
	for err == nil && len(old) > 0 {
		var n int64
		n, old, err = s.trim(ctx, name, column, old, before)
		gone += n
	}
	if err != nil {
		return gone, fmt.Errorf("cannot trim %s: %w", name, err)
	}
	return gone, nil
}

// trim removes old rows of sensors, and gives the sensors that it did not come to the end of.
func (s Series) trim(ctx context.Context, name, column string, sensors []int64, before time.Time) (gone int64, rest []int64, err error) {
	text := `DELETE FROM ` + name + ` WHERE sensor = ? AND ` + column + ` IN
		(SELECT ` + column + ` FROM ` + name + ` WHERE sensor = ? AND ` + column + ` < ? ORDER BY 1 LIMIT ?)`
	err = s.DB.Write(ctx, func(tx *Tx) error {
		for gone, rest = 0, sensors; len(rest) > 0 && gone < trimAtOnce; {
			most := trimAtOnce - gone
			r, err := tx.ExecContext(ctx, text, rest[0], rest[0], stamp(before), most)
			if err != nil {
				return err
			}
			n, err := r.RowsAffected()
			if err != nil {
				return err
			}
			if gone += n; n < most {
				rest = rest[1:]
			}
		}
		return nil
	})
	return gone, rest, err
}
