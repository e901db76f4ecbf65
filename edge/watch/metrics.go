package watch

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
)

// Thresholds of ISA-18.2 and its usual practice.
const (
	RateOver      = 10 * time.Minute // rates are alarms in so long
	FloodFrom     = 10               // as many raised in RateOver are a flood,
	FloodUntil    = 5                // which lasts until they are fewer than that
	ChatterFrom   = 3                // as many raises of one alarm in ChatterWithin are chattering
	ChatterWithin = time.Minute
	StaleAfter    = 24 * time.Hour // an alarm that stands longer is stale
)

// Metrics are the figures of OPC UA Part 9 (AlarmMetricsType), with ISA-18.2's three faults of an alarm system: flood,
// chatter and stale alarms. An alarm that is raised while hidden counts when it is shown.
type Metrics struct {
	StartTime           time.Time     // since when is counted
	AlarmCount          uint64        // alarms raised
	CurrentAlarmRate    int           // alarms in the last RateOver, exact to 10 s
	MaximumAlarmRate    int           // the highest of them
	AverageAlarmRate    float64       // alarms per RateOver since StartTime
	MaximumActiveState  time.Duration // longest time that a condition was present
	MaximumUnAck        time.Duration // longest time until somebody acknowledged
	MaximumReAlarmCount int           // how often one alarm was raised again before it was normal
	Flood               bool
	Floods              uint64        // how many there were
	FloodTime           time.Duration // how long they lasted in all
	Chattering          []string      // rule and source, as "cold-r-high probe-r"
	Stale               []string      // occurrences
	SteppedBack         uint64        // how often the clock behind the samples was put back
}

// Slices of RateOver.
const (
	rateSlice  = 10 * time.Second
	rateSlices = int64(RateOver / rateSlice)
)

// metrics is what is stored of them.
type metrics struct {
	Start      time.Time         `json:"start"`
	Count      uint64            `json:"count"`
	Slices     [rateSlices]int32 `json:"slices"` // raises by slice of time, a ring
	Newest     int64             `json:"newest"` // number of the newest slice
	MaxRate    int               `json:"max_rate"`
	MaxActive  time.Duration     `json:"max_active"`
	MaxUnacked time.Duration     `json:"max_unacked"`
	MaxAgain   int               `json:"max_again"`
	FloodSince time.Time         `json:"flood_since"`
	Floods     uint64            `json:"floods"`
	FloodTime  time.Duration     `json:"flood_time"`
	Stepped    uint64            `json:"stepped"`
	dirty      bool
}

// tally is what is counted of one point.
type tally struct {
	Last    [ChatterFrom]time.Time // the last raises, the newest first
	Active  time.Time              // since when the condition is present
	Unacked time.Time              // since when an acknowledgement is owed
	Again   int                    // raises of this occurrence after the first
}

// Raised is when the condition was last raised.
func (t *tally) Raised() time.Time { return t.Last[0] }

func (x *metrics) stepped() { x.Stepped, x.dirty = x.Stepped+1, true }

// tally counts a transition.
func (m *Machine) tally(p *point, s alarm.Transition) {
	t, x := &p.Tally, &m.metrics
	switch {
	case s.Action == alarm.Raise:
		t.Last[2], t.Last[1], t.Last[0] = t.Last[1], t.Last[0], s.At
		t.Active = s.At
	case s.Action == alarm.Return && !t.Active.IsZero():
		x.longest(&x.MaxActive, s.At.Sub(t.Active))
		t.Active = time.Time{}
	}
	if s.To == alarm.Unacked {
		x.raised(s.At)
	}
	if s.Action == alarm.Raise && (s.From == alarm.RTNUnacked || s.From == alarm.Latched) {
		t.Again++
		x.MaxAgain = max(x.MaxAgain, t.Again)
	}
	owes := s.To == alarm.Unacked || s.To == alarm.RTNUnacked
	switch {
	case owes && t.Unacked.IsZero():
		t.Unacked = s.At
	case !owes && !t.Unacked.IsZero():
		x.longest(&x.MaxUnacked, s.At.Sub(t.Unacked))
		t.Unacked = time.Time{}
	}
	if s.To == alarm.Normal {
		t.Again = 0
	}
}

func (x *metrics) longest(of *time.Duration, d time.Duration) { *of, x.dirty = max(*of, d), true }

// raised counts an alarm.
func (x *metrics) raised(at time.Time) {
	x.advance(at)
	x.Count, x.dirty = x.Count+1, true
	x.Slices[x.Newest%rateSlices]++
	rate := x.rate()
	x.MaxRate = max(x.MaxRate, rate)
	if rate >= FloodFrom && x.FloodSince.IsZero() {
		x.FloodSince, x.Floods = at, x.Floods+1
	}
}

// advance moves the ring of slices on to now.
func (x *metrics) advance(now time.Time) {
	if x.Start.IsZero() {
		x.Start, x.dirty = now, true
	}
	n := max(now.UnixMicro()/rateSlice.Microseconds(), 0)
	for range min(n-x.Newest, rateSlices) {
		x.Newest++
		x.Slices[x.Newest%rateSlices] = 0
	}
	if n > x.Newest { // all slices are empty
		x.Newest = n
	}
}

func (x *metrics) rate() int {
	sum := 0
	for _, n := range x.Slices {
		sum += int(n)
	}
	return sum
}

// measure ends a flood that is over.
func (m *Machine) measure(now time.Time) {
	x := &m.metrics
	x.advance(now)
	if !x.FloodSince.IsZero() && x.rate() < FloodUntil {
		x.FloodTime += now.Sub(x.FloodSince)
		x.FloodSince, x.dirty = time.Time{}, true
	}
}

// Metrics gives the figures as of the last Step.
func (m *Machine) Metrics() Metrics {
	x := m.metrics // a copy: nothing changes by looking
	x.advance(m.now)
	out := Metrics{
		StartTime: x.Start, AlarmCount: x.Count, CurrentAlarmRate: x.rate(), MaximumAlarmRate: x.MaxRate,
		MaximumActiveState: x.MaxActive, MaximumUnAck: x.MaxUnacked, MaximumReAlarmCount: x.MaxAgain,
		Flood: !x.FloodSince.IsZero(), Floods: x.Floods, FloodTime: x.FloodTime, SteppedBack: x.Stepped,
	}
	if out.Flood {
		out.FloodTime += m.now.Sub(x.FloodSince)
	}
	if d := m.now.Sub(x.Start); d > 0 {
		out.AverageAlarmRate = float64(x.Count) / max(float64(d)/float64(RateOver), 1)
	}
	for _, p := range m.order {
		out.look(p, m.now)
	}
	slices.Sort(out.Chattering)
	slices.Sort(out.Stale)
	return out
}

// look adds what one point shows now.
func (x *Metrics) look(p *point, now time.Time) {
	t := &p.Tally
	if !t.Active.IsZero() {
		x.MaximumActiveState = max(x.MaximumActiveState, now.Sub(t.Active))
	}
	if !t.Unacked.IsZero() {
		x.MaximumUnAck = max(x.MaximumUnAck, now.Sub(t.Unacked))
	}
	if oldest := t.Last[ChatterFrom-1]; !oldest.IsZero() && now.Sub(oldest) <= ChatterWithin {
		x.Chattering = append(x.Chattering, p.key.rule+" "+p.key.source)
	}
	shown := p.Alarm.State == alarm.Unacked || p.Alarm.State == alarm.Acked
	if shown && !t.Active.IsZero() && now.Sub(t.Active) > StaleAfter {
		x.Stale = append(x.Stale, p.Alarm.Occurrence)
	}
}
