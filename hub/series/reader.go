package series

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Source is a database of samples, as a Reader needs it. Its methods are safe for concurrent use; where the database is
// away they fail with fault.Unavailable.
type Source interface {
	// Sensors gives the sensors of a choice, the first by id where it has a limit; none where there is none.
	Sensors(ctx context.Context, of Choice) ([]Sensor, error)
	// Readings gives what s said at from ≤ t < to, each time once, rising in time.
	Readings(ctx context.Context, s Sensor, from, to time.Time) ([]Reading, error)
	// Buckets gives the whole buckets of s of one of Rollups, rising in time, that have a part in from ≤ t < to. There is
	// none without a reading that has a value.
	Buckets(ctx context.Context, s Sensor, from, to time.Time, res Resolution) ([]Bucket, error)
}

// Reader answers queries from a Source; it is a Store.
type Reader struct {
	source Source
	keep   Retention
	now    func() time.Time
}

// NewReader makes a Reader; now is the time that samples are of.
func NewReader(source Source, keep Retention, now func() time.Time) *Reader {
	return &Reader{source, keep, now}
}

// Query is as Store says.
func (r *Reader) Query(ctx context.Context, q Query) ([]Series, error) {
	now := r.now()
	return each(ctx, r, q, func(ctx context.Context, s Sensor, of int) (Series, error) {
		q := q
		if q.Resolution == Auto && of > fewSensors {
			q.Resolution = Minute
		}
		res := q.Pick(r.keep, now)
		if res == Raw {
			readings, err := r.source.Readings(ctx, s, q.From, q.To)
			return Series{s, res, Thin(points(readings), MaxPoints)}, err
		}
		buckets, err := r.source.Buckets(ctx, s, q.From, q.To, res)
		return Series{s, res, fit(extremePoints(buckets, q.From, q.To), MaxPoints)}, err
	})
}

// Rolled is a sensor with its buckets, rising in time.
type Rolled struct {
	Sensor
	Resolution Resolution // never Raw
	Buckets    []Bucket
}

// Buckets gives every sensor asked for, by id, with all buckets that have a part in the span: for reports, which count and
// average. Raw is answered in Minute.
func (r *Reader) Buckets(ctx context.Context, q Query) ([]Rolled, error) {
	res := q.Pick(r.keep, r.now())
	if res == Raw {
		res = Minute
	}
	return each(ctx, r, q, func(ctx context.Context, s Sensor, _ int) (Rolled, error) {
		buckets, err := r.source.Buckets(ctx, s, q.From, q.To, res)
		return Rolled{s, res, buckets}, err
	})
}

// atOnce is how many sensors of a query are read at the same time.
const atOnce = 4

// fewSensors is of how many sensors at once Auto reads samples; of more it reads minutes, so that the answer does not take long.
const fewSensors = 8

// each reads every sensor of a query, and tells of how many that is; the answer is by id. The first error ends it.
func each[T any](ctx context.Context, r *Reader, q Query, read func(ctx context.Context, s Sensor, of int) (T, error)) ([]T, error) {
	if !q.From.Before(q.To) {
		return nil, fmt.Errorf("%w: a span from %s to %s has no time in it; from must be before to", fault.Invalid,
			q.From.UTC().Format(time.RFC3339), q.To.UTC().Format(time.RFC3339))
	}
	sensors, err := r.source.Sensors(ctx, q.Sensors)
	if err != nil {
		return nil, fmt.Errorf("cannot list sensors: %w", err)
	}
	slices.SortFunc(sensors, func(a, b Sensor) int { return strings.Compare(a.ID, b.ID) })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	all := make([]T, len(sensors))
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, s := range sensors {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			var err error
			if all[i], err = read(ctx, s, len(sensors)); err != nil {
				cancel(fmt.Errorf("cannot read the samples of sensor %s: %w", s.ID, err))
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return all, nil
}

func points(readings []Reading) []Point {
	all, values := make([]Point, len(readings)), make([]float64, len(readings))
	for i, r := range readings {
		all[i].At = r.At
		if r.HasValue {
			values[i] = r.Value.Float()
			all[i].Value = &values[i]
		}
	}
	return all
}

// extremePoints are the lowest and the highest reading of each bucket, where they are within the span, and the gaps.
func extremePoints(buckets []Bucket, from, to time.Time) []Point {
	var readings []Reading
	usual := spacing(len(buckets), func(i int) time.Time { return buckets[i].Start })
	for i, b := range buckets {
		if i > 0 && usual > 0 && b.Start.Sub(buckets[i-1].Start) > 3*usual {
			readings = append(readings, Reading{At: buckets[i-1].Start.Add(usual)})
		}
		one, two := b.Low, b.High
		if two.At.Before(one.At) {
			one, two = two, one
		}
		readings = append(readings, one)
		if two.At.After(one.At) {
			readings = append(readings, two)
		}
	}
	return points(slices.DeleteFunc(readings, func(r Reading) bool { return r.At.Before(from) || !r.At.Before(to) }))
}
