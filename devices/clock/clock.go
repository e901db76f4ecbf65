// Package clock is the time a program lives in: the machine's own, or a demonstration's, which starts at a chosen
// moment and runs N times as fast, alike in every program that was given the same Spec.
package clock

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Clock tells the time and waits in it. The zero Clock is the machine's.
type Clock struct {
	origin time.Time // the demonstration's time at wall
	wall   time.Time
	speed  float64 // 0 = the machine's clock
}

// Scaled makes a clock that shows origin at the moment wall and runs speed times as fast.
func Scaled(origin, wall time.Time, speed float64) (Clock, error) {
	if !(speed > 0 && speed <= 100_000) {
		return Clock{}, fmt.Errorf("clock speed %v is not between 0 and 100000", speed)
	}
	return Clock{origin: origin.UTC(), wall: wall.Round(0), speed: speed}, nil
}

// Parse reads a Spec: "" is the machine's clock, "2026-01-05T00:00:00Z@2026-11-22T10:00:00.5Z*60" shows the first
// moment at the second and runs 60 times as fast.
func Parse(spec string) (Clock, error) {
	if spec == "" {
		return Clock{}, nil
	}
	times, speed, ok1 := strings.Cut(spec, "*")
	origin, wall, ok2 := strings.Cut(times, "@")
	if !ok1 || !ok2 {
		return Clock{}, fmt.Errorf("clock %q is not ORIGIN@WALL*SPEED", spec)
	}
	o, err := time.Parse(time.RFC3339Nano, origin)
	if err != nil {
		return Clock{}, fmt.Errorf("clock %q: origin: %w", spec, err)
	}
	w, err := time.Parse(time.RFC3339Nano, wall)
	if err != nil {
		return Clock{}, fmt.Errorf("clock %q: wall: %w", spec, err)
	}
	n, err := strconv.ParseFloat(speed, 64)
	if err != nil {
		return Clock{}, fmt.Errorf("clock %q: speed: %w", spec, err)
	}
	return Scaled(o, w, n)
}

// Spec writes the clock as Parse reads it.
func (c Clock) Spec() string {
	if c.speed == 0 {
		return ""
	}
	return fmt.Sprintf("%s@%s*%s", c.origin.Format(time.RFC3339Nano), c.wall.UTC().Format(time.RFC3339Nano),
		strconv.FormatFloat(c.speed, 'g', -1, 64))
}

// Speed tells how many of this clock's seconds pass in one of the machine's.
func (c Clock) Speed() float64 {
	if c.speed == 0 {
		return 1
	}
	return c.speed
}

// Now is the time on this clock.
func (c Clock) Now() time.Time {
	if c.speed == 0 {
		return time.Now()
	}
	return c.origin.Add(time.Duration(float64(time.Since(c.wall)) * c.speed))
}

// Wall is how long d of this clock takes on the machine's; never less than a tenth of a millisecond for d > 0.
func (c Clock) Wall(d time.Duration) time.Duration {
	if c.speed == 0 || d <= 0 {
		return d
	}
	return max(time.Duration(float64(d)/c.speed), 100*time.Microsecond)
}

// Sleep waits d of this clock, or until ctx ends, whose error it then returns.
func (c Clock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(c.Wall(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
