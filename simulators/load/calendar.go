package load

import (
	"math"
	"math/rand/v2"
	"time"
)

// Kinds of things that happen at an edge.
type kind uint8

const (
	moving  kind = iota
	closing      // before opening: one load at a time is in a door
	opening
	alarming
	sampling
	kinds
)

// never is later than all that happens.
const never = time.Duration(math.MaxInt64)

// passTime is how long a load is in a door, unless the next one comes.
const passTime = 3 * time.Second

// calendar says when the next thing of each kind happens, as time since the load began. What it says is fixed by its seed.
type calendar struct {
	next   [kinds]time.Duration
	every  [kinds]time.Duration // mean, of what is random
	sensor int                  // whose sample is next
	step   time.Duration        // between the samples of two sensors
	end    time.Duration        // nothing begins from here on
	rng    *rand.Rand
}

func newCalendar(p Plan, edge int) *calendar {
	c := &calendar{end: p.Duration, rng: rand.New(rand.NewPCG(p.Seed, uint64(edge)<<8|'c'))}
	c.next[closing] = never
	rate := p.ratePerEdge()
	c.every[moving] = mean(rate * (1 - p.Passes.Share))
	c.every[opening] = mean(rate * p.Passes.Share / float64(p.Passes.Tags))
	c.every[alarming] = mean(p.Alarms / 60)
	for _, k := range []kind{moving, opening, alarming} {
		c.draw(k)
	}
	c.next[sampling] = never
	if p.Sensors > 0 {
		c.step = p.SampleEvery / time.Duration(p.Sensors)
		c.next[sampling] = time.Duration(c.rng.Int64N(int64(c.step) + 1))
	}
	return c
}

// mean is the time between two things that happen so often in a second; 0 = they never do.
func mean(rate float64) time.Duration {
	if rate <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / rate)
}

// draw sets when the next thing of a kind happens after the last one: the gaps of a Poisson process.
func (c *calendar) draw(k kind) {
	if c.every[k] == 0 {
		c.next[k] = never
		return
	}
	c.next[k] += time.Duration(c.rng.ExpFloat64() * float64(c.every[k]))
}

// due is what happens next and when; never where nothing does. A pass that is open ends, at the latest when the load does.
func (c *calendar) due() (kind, time.Duration) {
	k := moving
	for i := range kinds {
		if c.next[i] < c.next[k] {
			k = i
		}
	}
	if c.next[k] < c.end {
		return k, c.next[k]
	}
	if c.next[closing] != never {
		return closing, c.end
	}
	return k, never
}

// took notes that what was due has happened at its time.
func (c *calendar) took(k kind, at time.Duration) {
	switch k {
	case opening:
		c.draw(k)
		c.next[closing] = min(at+passTime, c.next[k])
	case closing:
		c.next[k] = never
	case sampling:
		c.sensor++
		c.next[k] += c.step
	default:
		c.draw(k)
	}
}
