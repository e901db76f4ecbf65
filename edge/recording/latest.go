package recording

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Latest is the newest sample of one channel, and what was measured there in the last hour.
type Latest struct {
	devices.Sample
	Trend []Span // the oldest first; none where nothing was measured
}

// Span is what a channel measured in SpanLength of time.
type Span struct {
	From      time.Time
	Low, High unit.Milli
}

// Bounds of what is kept of samples.
const (
	SpanLength = 30 * time.Second
	trendSpans = int(time.Hour / SpanLength)
	// maxChannels is how many channels are followed; a device may name ever new ones.
	maxChannels = 512
)

type channelKey struct {
	device, channel string
	quantity        unit.Quantity
}

// latest follows the samples of all channels. Values that a device had kept and sends later say nothing of now.
type latest struct {
	mu      sync.Mutex
	by      map[channelKey]*Latest
	crowded uint64
}

func (l *latest) take(s devices.Sample, at time.Time) {
	if s.Historical {
		return
	}
	s.HostTime = at
	l.mu.Lock()
	defer l.mu.Unlock()
	k := channelKey{s.Device, s.Channel, s.Quantity}
	c := l.by[k]
	switch {
	case c == nil && len(l.by) >= maxChannels:
		l.crowded++
		return
	case c == nil:
		c = &Latest{}
		l.by[k] = c
	}
	c.Sample = s
	if s.Quality.Measured() {
		c.extend(at.Truncate(SpanLength), s.Value)
	}
}

func (c *Latest) extend(from time.Time, v unit.Milli) {
	if n := len(c.Trend); n > 0 && !c.Trend[n-1].From.Before(from) {
		last := &c.Trend[n-1]
		last.Low, last.High = min(last.Low, v), max(last.High, v)
		return
	}
	if len(c.Trend) == trendSpans {
		c.Trend = append(c.Trend[:0], c.Trend[1:]...)
	}
	c.Trend = append(c.Trend, Span{from, v, v})
}

// Latest gives the newest sample of each channel, by device, channel and quantity. Any goroutine may ask.
func (t *Tap) Latest() []Latest {
	now := t.now()
	l := &t.samples
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Latest, 0, len(l.by))
	for _, c := range l.by {
		fresh, _ := slices.BinarySearchFunc(c.Trend, now.Add(-time.Hour), func(s Span, t time.Time) int { return s.From.Compare(t) })
		out = append(out, Latest{c.Sample, slices.Clone(c.Trend[fresh:])})
	}
	slices.SortFunc(out, func(a, b Latest) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Quantity, b.Quantity))
	})
	return out
}

// Crowded tells how many samples were not followed, because there are too many channels already.
func (t *Tap) Crowded() uint64 {
	t.samples.mu.Lock()
	defer t.samples.mu.Unlock()
	return t.samples.crowded
}
