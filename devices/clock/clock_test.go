package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
)

func TestScaledClockRunsFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
		c, err := clock.Scaled(origin, time.Now(), 60)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := c.Now(); !got.Equal(origin.Add(time.Hour)) {
			t.Errorf("after a minute it shows %v; want %v", got, origin.Add(time.Hour))
		}
		start := time.Now()
		if err := c.Sleep(t.Context(), time.Hour); err != nil || time.Since(start) != time.Minute {
			t.Errorf("an hour took %v, %v; want 1m", time.Since(start), err)
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (clock.Clock{}).Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSpecIsReadBack(t *testing.T) {
	const spec = "2026-01-05T00:00:00Z@2026-11-22T10:00:00.5Z*240"
	c, err := clock.Parse(spec)
	if err != nil || c.Spec() != spec || c.Speed() != 240 {
		t.Errorf("%q becomes %q at %v, %v", spec, c.Spec(), c.Speed(), err)
	}
	if c, err := clock.Parse(""); err != nil || c.Spec() != "" || c.Speed() != 1 {
		t.Errorf("no spec becomes %q, %v", c.Spec(), err)
	}
	for _, bad := range []string{
		"x", "2026-01-05T00:00:00Z*3", "a@b*3", "2026-01-05T00:00:00Z@b*3",
		"2026-01-05T00:00:00Z@2026-11-22T10:00:00Z*0", "2026-01-05T00:00:00Z@2026-11-22T10:00:00Z*NaN",
	} {
		if _, err := clock.Parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
