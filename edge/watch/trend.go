package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// trendLength is how many values a trend keeps for its span.
const trendLength = 16

// trend remembers values over a span, to say how a value moved. A gap empties it.
type trend struct {
	At []int64      `json:"t,omitempty"` // µs since 1970, ascending
	V  []unit.Milli `json:"v,omitempty"`
}

// move notes a value and tells how far it has moved since a value at least span ago, and since when; false where none is
// that old.
func (t *trend) move(at time.Time, v unit.Milli, span time.Duration) (by unit.Milli, since time.Duration, ok bool) {
	now := at.UnixMicro()
	for len(t.At) > 1 && now-t.At[1] >= span.Microseconds() {
		t.At, t.V = t.At[:copy(t.At, t.At[1:])], t.V[:copy(t.V, t.V[1:])]
	}
	if len(t.At) > 0 && now-t.At[0] >= span.Microseconds() {
		by, since, ok = v-t.V[0], time.Duration(now-t.At[0])*time.Microsecond, true
	}
	if n := len(t.At); n == 0 || now-t.At[n-1] >= span.Microseconds()/trendLength && now > t.At[n-1] {
		t.At, t.V = append(t.At, now), append(t.V, v)
	}
	return by, since, ok
}

func (t *trend) clear() { t.At, t.V = t.At[:0], t.V[:0] }

// perMinute is a rate in thousandths per minute, away from zero at the half.
func perMinute(by unit.Milli, since time.Duration) unit.Milli {
	us := since.Microseconds()
	if us <= 0 {
		return 0
	}
	return unit.Milli(float64(by) * 60e6 / float64(us))
}
