package fleet

import "time"

// Pauses between two runs of a driver, machine time. They double from the first to the longest, and begin anew once the
// device had been up for settled. Jitter takes or adds up to a fifth, so that devices that failed together, on one hub
// or one broker, do not come back together; it never passes the two bounds.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
	settled      = 10 * time.Second
	jitter       = 0.2
)

// pauses counts them. The zero value begins with the first.
type pauses struct{ last time.Duration }

// next gives the pause after a run in which the device had been up for so long; random is in [0, 1).
func (p *pauses) next(up time.Duration, random float64) time.Duration {
	if up >= settled {
		p.last = 0
	}
	p.last = min(max(2*p.last, firstPause), longestPause)
	shaken := time.Duration(float64(p.last) * (1 - jitter + 2*jitter*random))
	return min(max(shaken, firstPause), longestPause)
}
