package app

import (
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
)

// jump is how far the machine's clock may fall behind before that is called unset; less is the ordinary trimming by NTP.
const jump = time.Second

// steady is the business time: the given clock's, but never before floor and never going back. While the machine's clock
// shows an earlier time (a machine without a battery that has just started, or one that was set back) time runs on
// steadily from the latest known, and is called unsynced until the clock has caught up.
type steady struct {
	clk clock.Clock

	mu       sync.Mutex
	latest   time.Time // the latest time that was shown
	at       time.Time // when that was, by the machine's monotonic clock
	unsynced bool
}

func newSteady(clk clock.Clock, floor time.Time) *steady {
	s := &steady{clk: clk, latest: floor, at: time.Now()}
	if clk.Speed() != 1 {
		s.latest = time.Time{} // a demonstration starts where it was told
	}
	s.Now()
	return s
}

// Now is the business time.
func (s *steady) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.show(s.clk.Now().Round(0), time.Now())
}

// show decides between what the clock shows and what must at least be shown; mono is the machine's monotonic time.
func (s *steady) show(clockTime, mono time.Time) time.Time {
	least := s.latest.Add(mono.Sub(s.at))
	s.unsynced = least.Sub(clockTime) > jump
	if s.unsynced {
		clockTime = least
	}
	if clockTime.Before(s.latest) {
		clockTime = s.latest
	}
	s.latest, s.at = clockTime, mono
	return clockTime.UTC()
}

// Unsynced reports whether the time is a guess.
func (s *steady) Unsynced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsynced
}
