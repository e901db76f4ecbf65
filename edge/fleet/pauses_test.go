package fleet

import (
	"testing"
	"time"
)

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	var p pauses
	for i, want := range []time.Duration{200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000} {
		if got := p.next(0, 0.5); got != want*time.Millisecond {
			t.Errorf("pause %d is %s; want %s", i, got, want*time.Millisecond)
		}
	}
}

func TestPausesBeginAnewOnceTheDeviceWasUpLongEnough(t *testing.T) {
	for up, want := range map[time.Duration]time.Duration{settled: firstPause, settled - 1: longestPause} {
		p := pauses{last: longestPause}
		if got := p.next(up, 0.5); got != want {
			t.Errorf("after %s up the pause is %s; want %s", up, got, want)
		}
	}
}

func TestJitterStaysNearAndInBounds(t *testing.T) {
	for _, c := range []struct {
		last   time.Duration
		random float64
		want   time.Duration
	}{
		{0, 0, firstPause},
		{0, 1, 240 * time.Millisecond},
		{time.Second, 0, 1600 * time.Millisecond},
		{time.Second, 1, 2400 * time.Millisecond},
		{longestPause, 0, 24 * time.Second},
		{longestPause, 1, longestPause},
	} {
		p := pauses{last: c.last}
		if got := p.next(0, c.random); got != c.want {
			t.Errorf("after %s with %v the pause is %s; want %s", c.last, c.random, got, c.want)
		}
	}
}
