package handheld

import (
	"slices"
	"time"
)

// rounds is what readers have in common that are asked for each round: what was seen waits for its antenna's turn.
type rounds struct {
	*session
	waiting []sighting
	asked   time.Time // when a round was asked for last
}

// ask says that a round was asked for.
func (r *rounds) ask() {
	r.asked = time.Now()
	r.begin()
}

// keep keeps a sighting until its antenna's turn.
func (r *rounds) keep(v sighting) {
	if len(r.waiting) >= heard {
		r.missed.Add(1)
		return
	}
	r.waiting = append(r.waiting, v)
}

// turn gives what antennas have seen.
func (r *rounds) turn(antennas ...uint8) (seen []sighting) {
	r.waiting = slices.DeleteFunc(r.waiting, func(v sighting) bool {
		mine := slices.Contains(antennas, v.antenna)
		if mine {
			seen = append(seen, v)
		}
		return mine
	})
	return seen
}

// idle ends the reading of a reader that nobody asks.
func (r *rounds) idle(now time.Time) {
	if r.polling.Load() && now.Sub(r.asked) > idleTime {
		r.waiting = nil
		r.end()
	}
}
