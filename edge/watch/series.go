package watch

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// lateness is by how much a sample may come after a newer one and is just late. More, twice in a row and going forward,
// is a clock that was put back.
const lateness = time.Minute

type seriesKey struct {
	device, channel string
	quantity        unit.Quantity
}

// series is one measured quantity of one probe, with the rules that look at it.
type series struct {
	key          seriesKey
	points       []*point
	calibrations []Calibration // of this probe, the oldest first
	marks

	broken bool // the device was down since the last sample
	dirty  bool
}

// marks are what is stored of a series.
type marks struct {
	Last    time.Time  // of the newest live sample
	V       unit.Milli // it, corrected
	Heard   time.Time  // of the newest live sample, whatever its quality
	Suspect time.Time  // of a sample long before Last; another one after it proves that the clock was put back
	Stepped uint32     // how often it was
}

// sample takes a value to the rules. A live one says something of now; a Historical one, and a live one that is late,
// only complete the records.
func (m *Machine) sample(s *devices.Sample, now time.Time) {
	if !m.admit(s, now) {
		return
	}
	at := measuredAt(s, now)
	se := m.seriesOf(seriesKey{s.Device, s.Channel, s.Quantity})
	if s.Historical {
		if se != nil && s.Quality.Measured() {
			v, _ := se.correct(at, s.Value)
			m.history(se, at, v, now)
		}
		return
	}
	late := se != nil && se.late(at)
	if !late {
		m.quality(s, now)
	}
	if !s.Quality.Measured() {
		return
	}
	if se != nil {
		v, c := se.correct(at, s.Value)
		m.live(se, at, v, c, s.Quality == devices.Stuck, now)
	}
	if !late {
		m.heard(s, now)
	}
}

// late tells whether a live sample is an old one that comes after a newer, and notes one that is not.
func (se *series) late(at time.Time) bool {
	if by := se.Heard.Sub(at); by > 0 && by <= lateness {
		return true
	}
	se.Heard, se.dirty = at, true
	return false
}

// measuredAt is when a sample was measured, as far as anybody knows.
func measuredAt(s *devices.Sample, now time.Time) time.Time {
	at := s.HostTime
	if s.Historical {
		at = s.DeviceTime
	}
	if at.IsZero() {
		return now
	}
	return at
}

// admit bounds what one device can make the machine remember.
func (m *Machine) admit(s *devices.Sample, now time.Time) bool {
	known := m.channels[s.Device]
	if known == nil {
		known = map[string]bool{}
		m.channels[s.Device] = known
	}
	if known[s.Channel] {
		return true
	}
	if len(known) >= MaxChannels {
		m.fault(SensorQuality, s.Device, "", "too_many_channels", s, now)
		return false
	}
	known[s.Channel] = true
	return true
}

// live judges a value as what is now.
func (m *Machine) live(se *series, at time.Time, v unit.Milli, c Calibration, stuck bool, now time.Time) {
	fresh, stepped := se.order(at)
	se.dirty = true
	if !fresh {
		m.history(se, at, v, now)
		return
	}
	x := look{at: at, v: v, gap: at.Sub(se.Last), first: se.Last.IsZero() || se.broken, cal: c}
	if stepped {
		m.metrics.stepped()
		for _, p := range se.points {
			p.Trend.clear()
		}
	}
	for _, p := range se.points {
		y := x
		y.stuck = stuck || se.stuck()
		m.judge(p, y, now)
	}
	se.Last, se.V, se.broken = at, v, false
}

// stuck tells whether a Stuck rule holds: the value is then no evidence of being back.
func (se *series) stuck() bool {
	for _, p := range se.points { // Stuck rules come first
		if p.rule.Kind != Stuck {
			return false
		}
		if p.Alarm.Active {
			return true
		}
	}
	return false
}

// history completes the records of a series with a value from before now.
func (m *Machine) history(se *series, at time.Time, v unit.Milli, now time.Time) {
	if at.After(now) {
		return
	}
	for _, p := range se.points {
		if p.Rec != nil {
			m.note(p, at, v)
		}
	}
}

// order tells whether a live sample is newer than the last. stepped: it is not, but the clock was put back, and time
// goes on from here.
func (se *series) order(at time.Time) (fresh, stepped bool) {
	late := se.Last.Sub(at)
	switch {
	case se.Last.IsZero() || late <= 0:
		se.Suspect = time.Time{}
		return true, false
	case late <= lateness:
		return false, false
	case se.Suspect.IsZero() || !at.After(se.Suspect):
		se.Suspect = at
		return false, false
	}
	se.Last, se.Suspect = se.Suspect, time.Time{}
	se.Stepped++
	return true, true
}

// seriesOf finds or makes a series; nil where no rule looks at it.
func (m *Machine) seriesOf(k seriesKey) *series {
	se := m.series[k]
	if se != nil && se.points != nil {
		return se
	}
	var rules []*Rule
	for _, r := range m.rules[seriesRule{k.device, k.quantity}] {
		if r.Channel == "" || r.Channel == k.channel {
			rules = append(rules, r)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	if se == nil { // else it was loaded
		se = &series{key: k, dirty: true}
		m.series[k] = se
	}
	for _, r := range rules {
		se.points = append(se.points, m.pointOf(r, source(k.device, k.channel)))
	}
	for _, c := range m.spec.Calibrations {
		if c.Device == k.device && c.Quantity == k.quantity && (c.Channel == "" || c.Channel == k.channel) {
			se.calibrations = append(se.calibrations, c)
		}
	}
	slices.SortStableFunc(se.calibrations, func(a, b Calibration) int { return a.From.Compare(b.From) })
	return se
}

// quality raises the sensor's own alarm for a value that is none, and returns it with the next that is one.
func (m *Machine) quality(s *devices.Sample, now time.Time) {
	if s.Quality == devices.Good || s.Quality == devices.ClockUnsynced {
		if p := m.points[pointKey{SensorQuality, source(s.Device, s.Channel)}]; p != nil {
			m.calm(p, now)
		}
		return
	}
	m.fault(SensorQuality, s.Device, s.Channel, s.Quality.String(), s, now)
}

// fault raises an alarm about a probe.
func (m *Machine) fault(rule, device, channel, reason string, s *devices.Sample, now time.Time) {
	p := m.point(pointKey{rule, source(device, channel)}, face{
		Class: "device", Location: m.locationOf(device), Priority: 9, Quantity: s.Quantity, Device: device,
	})
	v := s.Value
	if s.Quality == devices.NoData {
		v = 0
	}
	m.show(p, reason, v, s.Quality != devices.NoData)
	m.raise(p, now)
}

// Corrected gives a sample as the rules judge it: with the offset that was valid when it was measured, and as stuck where
// a rule has found that. The Calibration is the zero one where the probe has none.
func (m *Machine) Corrected(s devices.Sample) (devices.Sample, Calibration) {
	if !s.Quality.Measured() {
		return s, Calibration{}
	}
	se := m.seriesOf(seriesKey{s.Device, s.Channel, s.Quantity})
	if se == nil {
		c := m.calibrationOf(s.Device, s.Channel, s.Quantity, measuredAt(&s, m.now))
		s.Value += c.Offset
		return s, c
	}
	var c Calibration
	s.Value, c = se.correct(measuredAt(&s, m.now), s.Value)
	if se.stuck() && s.Quality == devices.Good {
		s.Quality, s.Reason = devices.Stuck, "unchanged"
	}
	return s, c
}
