package app

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
)

func TestTimeNeverFallsBelowWhatIsKnown(t *testing.T) {
	mono := time.Now()
	floor := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	s := &steady{clk: clock.Clock{}, latest: floor, at: mono}
	at := func(clockTime time.Time, later time.Duration) time.Time { return s.show(clockTime, mono.Add(later)) }

	epoch := time.Date(1970, 1, 1, 0, 0, 5, 0, time.UTC) // a machine without a battery
	if got := at(epoch, time.Minute); !got.Equal(floor.Add(time.Minute)) || !s.unsynced {
		t.Errorf("without a clock: %s, unsynced %v", got, s.unsynced)
	}
	real := floor.Add(72 * time.Hour) // NTP has answered
	if got := at(real, 2*time.Minute); !got.Equal(real) || s.unsynced {
		t.Errorf("once the clock is set: %s, unsynced %v", got, s.unsynced)
	}
	if got := at(real.Add(-time.Hour), 3*time.Minute); !got.Equal(real.Add(time.Minute)) || !s.unsynced {
		t.Errorf("after a step back: %s, unsynced %v", got, s.unsynced)
	}
	if got := at(real.Add(59*time.Second+500*time.Millisecond), 3*time.Minute); got.Before(real.Add(time.Minute)) || s.unsynced {
		t.Errorf("trimmed by half a second: %s, unsynced %v", got, s.unsynced)
	}
}
