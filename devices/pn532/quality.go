package pn532

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// qualityEvery is how long noise on the line is counted before it is told.
const qualityEvery = 10 * time.Second

// quality counts what went wrong on the line.
type quality struct {
	since   time.Time // of the counts, machine time
	bytes   uint64    // that belonged to no frame
	repeats uint64    // commands that were sent again
	reason  string    // what was wrong before since; "" for nothing
	quiet   bool      // nothing was, and it was listened to
}

// add notes what happened since it was asked last.
func (q *quality) add(bytes, repeats uint64) {
	q.bytes += bytes
	q.repeats += repeats
}

// turn closes the count when it is time.
func (q *quality) turn(now time.Time) {
	if now.Sub(q.since) < qualityEvery {
		return
	}
	reason := ""
	if q.bytes+q.repeats > 0 {
		reason = fmt.Sprintf("%d bytes on the line were no frame and %d commands had to be sent again: check cable and grounding",
			q.bytes, q.repeats)
	}
	*q = quality{since: now, reason: reason, quiet: reason == ""}
}

// noisy tells whether there was noise on the line lately, or may have been.
func (r *run) noisy() bool {
	r.line.add(r.talk.noise())
	return r.line.bytes+r.line.repeats > 0 || !r.line.quiet
}

// judge reports the pad's health where it is another than was reported last.
func (r *run) judge() {
	r.line.add(r.talk.noise())
	r.line.turn(time.Now())
	reason := r.fault
	switch {
	case reason == "":
		reason = r.line.reason
	case r.line.reason != "":
		reason += "; " + r.line.reason
	}
	state := devices.Up
	if reason != "" {
		state = devices.Degraded
	}
	if state == r.health.State && reason == r.health.Reason {
		return
	}
	r.health = devices.Health{Device: r.ID, State: state, Reason: reason, At: r.Now()}
	r.sink.Health(r.health)
}
