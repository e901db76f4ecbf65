package influx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api"
	"github.com/influxdata/influxdb-client-go/v2/api/query"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
)

// Directory knows the sensors that have samples, with what the hub's own database says of them.
type Directory interface {
	// Sensors is as series.Source says.
	Sensors(ctx context.Context, of series.Choice) ([]series.Sensor, error)
}

var (
	_ series.Sink   = (*DB)(nil)
	_ series.Source = (*DB)(nil)
)

// Sensors gives what the Directory knows.
func (db *DB) Sensors(ctx context.Context, of series.Choice) ([]series.Sensor, error) {
	return db.directory.Sensors(ctx, of)
}

// The times that a sample can have, and so a query.
var (
	beginning = time.Unix(0, 0)
	end       = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// within cuts a span to those times.
func within(from, to time.Time) (time.Time, time.Time) {
	if from.Before(beginning) {
		from = beginning
	}
	return from, earlier(to, end)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Readings is as series.Source says.
func (db *DB) Readings(ctx context.Context, s series.Sensor, from, to time.Time) ([]series.Reading, error) {
	if from, to = within(from, to); !from.Before(to) {
		return nil, ctx.Err()
	}
	timed, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	result, err := db.client.QueryAPI(db.org).Query(timed, readingsQuery(db.bucket, s, from, to))
	if err != nil {
		return nil, db.explainQuery(ctx, err)
	}
	readings, err := collect(result, tagValue(s.Channel), from, to)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, db.away(0, "its answer cannot be read: %v", err)
	}
	return sorted(readings), nil
}

// explainQuery is explain of a query: a refusal is none of points.
func (db *DB) explainQuery(ctx context.Context, err error) error {
	err = db.explain(ctx, err)
	if no := (*refusal)(nil); errors.As(err, &no) {
		return db.away(0, "it does not understand the hub's query: %s", no.reason)
	}
	return err
}

// collect takes the readings of a channel and a span from the answer to a readingsQuery, to its end.
func collect(result *api.QueryTableResult, channel string, from, to time.Time) (all []series.Reading, err error) {
	for result.Next() {
		r := result.Record()
		if r == nil { // the client takes an annotation that it does not know for a row
			return nil, errors.New("it has rows before its head")
		}
		if text(r, "channel") != channel {
			continue
		}
		at, ok := r.ValueByKey("_time").(time.Time)
		if !ok {
			return nil, errors.New("it has a point without a time")
		}
		if at.Before(from) || !at.Before(to) { // InfluxDB 1.8 gives what is at the end of a range, too
			continue
		}
		reading := series.Reading{At: at.UTC()}
		if text(r, "_field") == milliField {
			milli, ok := r.Value().(int64)
			if !ok {
				return nil, fmt.Errorf("its field %s is not an integer", milliField)
			}
			reading.Value, reading.HasValue = unit.Milli(milli), true
		}
		all = append(all, reading)
	}
	return all, result.Err()
}

func text(r *query.FluxRecord, column string) string {
	s, _ := r.ValueByKey(column).(string)
	return s
}

// sorted puts readings in order. Of several of one moment, of a sensor that was moved or that had a value and then none,
// it keeps one, always the same.
func sorted(all []series.Reading) []series.Reading {
	slices.SortFunc(all, func(a, b series.Reading) int {
		switch {
		case !a.At.Equal(b.At):
			return a.At.Compare(b.At)
		case a.HasValue != b.HasValue && a.HasValue:
			return -1
		case a.HasValue != b.HasValue:
			return 1
		default:
			return cmp.Compare(a.Value, b.Value)
		}
	})
	return slices.CompactFunc(all, func(a, b series.Reading) bool { return a.At.Equal(b.At) })
}

// firstStep is the time whose readings Buckets holds at once, to begin with; it and its multiples and the days in it are
// multiples of all widths.
const firstStep = 8 * 24 * time.Hour

// nextStep is the step after one that had so many readings.
func nextStep(step time.Duration, readings int) time.Duration {
	switch {
	case readings < 100_000 && step < 1<<12*firstStep:
		return 2 * step
	case readings > 800_000 && step > firstStep/8:
		return step / 2
	default:
		return step
	}
}

// Buckets is as series.Source says.
func (db *DB) Buckets(ctx context.Context, s series.Sensor, from, to time.Time, res series.Resolution) ([]series.Bucket, error) {
	width := res.Width()
	if width == 0 {
		return nil, fmt.Errorf("%w: resolution %q has no buckets", fault.Invalid, res)
	}
	from, to = within(from, to)
	from, to = from.Truncate(width), to.Add(width-1).Truncate(width)
	var all []series.Bucket
	for step := firstStep; from.Before(to); {
		readings, err := db.Readings(ctx, s, from, earlier(from.Add(step), to))
		if err != nil {
			return nil, err
		}
		all = append(all, series.Rollup(readings, width)...)
		from, step = from.Add(step), nextStep(step, len(readings))
	}
	return all, ctx.Err()
}
