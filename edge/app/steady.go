package app

import (
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
)

const (
	// jump is how far the machine's clock may leave the gateway's own pace before that is called a jump; less is the
	// ordinary trimming by a time service.
	jump = time.Second
	// settle is how long a clock that jumped ahead must stay there to be believed, where the system does not say that a time
	// service set it: a slip of the hand or a bad battery is mended before, a clock set on purpose stays.
	settle = 5 * time.Minute
	// mostAhead is how far ahead of all that is known a clock may be; a clock that lost its battery shows 1970 or 2100.
	mostAhead = 10 * 365 * 24 * time.Hour
	// slow is the part of the machine's pace, in tenths, at which time runs on while it is ahead of the clock.
	slow = 9
	// askAgain is how often the system is asked about its clock.
	askAgain = time.Second
)

// word is what the system says of its clock.
type word int

const (
	silent word = iota // nothing that counts
	unset              // nothing has set the clock since the machine started
	set                // a time service keeps it right
)

// steady is the business time: the given clock's, as far as that can be right.
//
//   - It never goes back, and never lies before a floor: the time when the program was made, or the last that was kept.
//   - A clock that jumps ahead is believed at once when a time service has set it, else when it has stayed there for settle.
//     Until then time runs on at its own pace.
//   - While the clock is behind, because it was set back or has not been set yet, time runs on a tenth slower than the
//     machine, so that the clock catches up.
//
// Whenever the time shown is not the clock's, and on a machine without a clock of its own until a time service has set
// it, the time is called unsynced. A demonstration's clock is taken as it is, but for going back.
type steady struct {
	clk   clock.Clock
	floor time.Time
	ask   func() word

	mu       sync.Mutex
	latest   time.Time // the latest time that was shown
	at       time.Time // when that was, by the machine's monotonic clock
	unsynced bool
	looked   bool // at the clock, once
	asked    time.Time
	said     word
	wasSet   bool          // a time service had the clock since the program started
	away     time.Duration // how far the clock is ahead,
	since    time.Time     // and since when, by the monotonic clock; zero = it is not
}

func newSteady(clk clock.Clock, floor time.Time, ask func() word) *steady {
	s := &steady{clk: clk, floor: floor, latest: floor, at: time.Now(), ask: ask}
	if s.demonstration() {
		s.floor, s.latest = time.Time{}, time.Time{} // it starts where it was told
	}
	s.Now()
	return s
}

func (s *steady) demonstration() bool { return s.clk.Speed() != 1 }

// Now is the business time.
func (s *steady) Now() time.Time {
	now, _ := s.look()
	return now
}

// Unsynced reports whether the time is a guess.
func (s *steady) Unsynced() bool {
	_, unsynced := s.look()
	return unsynced
}

// look gives the business time and whether it is a guess.
func (s *steady) look() (now time.Time, unsynced bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shown, mono := s.clk.Now().Round(0), time.Now()
	if s.demonstration() {
		s.latest = later(shown, s.latest)
		return s.latest.UTC(), false
	}
	if s.asked.IsZero() || mono.Sub(s.asked) >= askAgain {
		s.asked, s.said = mono, s.ask()
	}
	return s.show(shown, mono, s.said), s.unsynced
}

// show decides which time it is when the clock shows shown; mono is the machine's monotonic time, and w what the system
// says of its clock.
func (s *steady) show(shown, mono time.Time, w word) time.Time {
	s.wasSet = s.wasSet || w == set
	elapsed := mono.Sub(s.at)
	pace := s.latest.Add(elapsed)
	ahead := shown.Sub(pace)
	s.unsynced = w == unset && !s.wasSet
	switch {
	case ahead < -jump:
		s.unsynced, s.since = true, time.Time{}
		shown = s.latest.Add(elapsed / 10 * slow)
	case ahead > jump && !s.believes(ahead, mono, w):
		s.unsynced = true
		shown = pace
	default:
		s.since = time.Time{}
	}
	s.looked = true
	s.latest, s.at = later(shown, s.latest), mono
	return s.latest.UTC()
}

// believes tells whether a clock that is so far ahead may be right.
func (s *steady) believes(ahead time.Duration, mono time.Time, w word) bool {
	switch {
	case ahead > mostAhead:
		return false
	case w == set || !s.looked:
		return true
	}
	if moved := ahead - s.away; s.since.IsZero() || moved > jump || moved < -jump {
		s.away, s.since = ahead, mono
	}
	return mono.Sub(s.since) >= settle
}

// mend gives the time of something that a driver has stamped by the clock: as it is, where it can be right, else now.
func (s *steady) mend(stamp time.Time) (at time.Time, unsynced bool) {
	now, unsynced := s.look()
	if unsynced || stamp.IsZero() || stamp.Before(s.floor) || stamp.After(now.Add(jump)) {
		return now, unsynced
	}
	return stamp, false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
