package seriestest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
)

// Memory keeps samples in maps, in the plainest way: what other stores are compared with. It is a series.Sink and a
// series.Source. Its zero value is empty.
type Memory struct {
	mu      sync.Mutex
	samples map[string]map[int64]series.Sample // by sensor, by microsecond
}

// Write is series.Sink's.
func (m *Memory) Write(ctx context.Context, samples []series.Sample) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := series.Validate(samples); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.samples == nil {
		m.samples = map[string]map[int64]series.Sample{}
	}
	for _, s := range samples {
		of := m.samples[s.ID()]
		if of == nil {
			of = map[int64]series.Sample{}
			m.samples[s.ID()] = of
		}
		if _, there := of[s.At.UnixMicro()]; !there {
			of[s.At.UnixMicro()] = s
		}
	}
	return nil
}

// Sensors is series.Source's; the memory knows of no sites.
func (m *Memory) Sensors(ctx context.Context, choice series.Choice) ([]series.Sensor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []series.Sensor
	for key, of := range m.samples {
		last := of[slices.Max(slices.Collect(maps.Keys(of)))]
		if (choice.ID == "" || choice.ID == key) && key > choice.After && (choice.Quantity == "" || choice.Quantity == last.Quantity.String()) {
			all = append(all, series.SensorOf(last.Key, last.Location))
		}
	}
	slices.SortFunc(all, func(a, b series.Sensor) int { return strings.Compare(a.ID, b.ID) })
	if choice.Limit > 0 && len(all) > choice.Limit {
		all = all[:choice.Limit]
	}
	return all, ctx.Err()
}

// Readings is series.Source's.
func (m *Memory) Readings(ctx context.Context, s series.Sensor, from, to time.Time) ([]series.Reading, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []series.Reading
	for _, sample := range m.samples[s.ID] {
		if r := sample.Reading(); !r.At.Before(from) && r.At.Before(to) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b series.Reading) int { return a.At.Compare(b.At) })
	return all, ctx.Err()
}

// Buckets is series.Source's.
func (m *Memory) Buckets(ctx context.Context, s series.Sensor, from, to time.Time, res series.Resolution) ([]series.Bucket, error) {
	width := res.Width()
	if width == 0 {
		return nil, fmt.Errorf("%w: resolution %q has no buckets", fault.Invalid, res)
	}
	end := to.Truncate(width)
	if end.Before(to) {
		end = end.Add(width)
	}
	readings, err := m.Readings(ctx, s, from.Truncate(width), end)
	return series.Rollup(readings, width), err
}
