package watch

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// record is what was measured when, for what must be exact in clock time: sums over a window, kinetic temperatures,
// excursions. Each moment of clock time is counted at most once, however samples repeat, come late, or come again because
// the clock was put back.
//
// A value stands until the next, but at most for the rule's MaxGap; the rest is a gap, and counts for nothing. History
// that comes later fills gaps, and nothing else.
type record struct {
	At   time.Time  // of the newest value
	V    unit.Milli // it
	Hist time.Time  // of the last value that came after newer ones
	HV   unit.Milli
	Gaps []span // oldest first, at most maxGaps
}

// span is a time from..to.
type span struct{ From, To time.Time }

// piece is a value and the time for which it stood.
type piece struct {
	span
	V unit.Milli
}

// take notes a value, and appends to out what is newly known; lost is the gap that it ends.
func (c *record) take(at time.Time, v unit.Milli, most time.Duration, out []piece) (known []piece, lost time.Duration) {
	switch {
	case c.At.IsZero():
		c.At, c.V = at, v
	case at.After(c.At):
		upto := minTime(at, c.At.Add(most))
		out = append(out, piece{span{c.At, upto}, c.V})
		if at.After(upto) {
			lost = at.Sub(upto)
			c.gap(span{upto, at})
		}
		c.At, c.V = at, v
	case at.Before(c.At):
		out = c.fill(at, v, most, out)
	}
	return out, lost
}

func (c *record) gap(g span) {
	if len(c.Gaps) >= maxGaps {
		c.Gaps = c.Gaps[:copy(c.Gaps, c.Gaps[1:])]
	}
	c.Gaps = append(c.Gaps, g)
}

// fill takes a value from before the newest: with the one before it, it makes known what lies in a gap. What can say
// nothing of a gap, because all of its time is known, is left out: it may be a repeat.
func (c *record) fill(at time.Time, v unit.Milli, most time.Duration, out []piece) []piece {
	reach := most
	if at.Before(c.Hist) {
		reach = 0
	}
	if !slices.ContainsFunc(c.Gaps, func(g span) bool { return at.Before(g.To) && !at.Add(reach).Before(g.From) }) {
		return out
	}
	from, value := c.Hist, c.HV
	c.Hist, c.HV = at, v
	if from.IsZero() || !at.After(from) {
		return out
	}
	is := span{from, minTime(at, from.Add(most))}
	var rest []span
	for _, g := range c.Gaps {
		both := g.and(is)
		if !both.From.Before(both.To) {
			rest = append(rest, g)
			continue
		}
		out = append(out, piece{both, value})
		for _, left := range []span{{g.From, both.From}, {both.To, g.To}} {
			if left.From.Before(left.To) {
				rest = append(rest, left)
			}
		}
	}
	if len(rest) > maxGaps {
		rest = rest[len(rest)-maxGaps:]
	}
	c.Gaps = rest
	return out
}

// and is the time that lies in both.
func (s span) and(o span) span { return span{maxTime(s.From, o.From), minTime(s.To, o.To)} }

func (s span) length() time.Duration { return max(s.To.Sub(s.From), 0) }
