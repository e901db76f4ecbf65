package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// face is what an alarm point shows of itself; it is kept with the point, so that a point whose rule has gone can still
// be told about.
type face struct {
	Class    string
	Location string
	Priority uint8
	Device   string
	Quantity unit.Quantity
	HasLimit bool
	Limit    unit.Milli
}

// Sides of a limit on which a value can be.
const (
	unknown   int8 = 0
	violating int8 = 1
	between   int8 = 2 // inside the limit, but not by the deadband
	back      int8 = 3
)

// proof is the evidence for and against a point's condition.
type proof struct {
	On, Off time.Duration // of violation, of being back, in a row
	Side    int8
}

// point is one rule on one source.
type point struct {
	key pointKey
	face
	rule  *Rule // nil for the alarms that every gateway has, and where the rule has gone
	Alarm alarm.Alarm

	Reason   string
	Value    unit.Milli
	HasValue bool
	cal      Calibration

	proof
	Last  time.Time // for NoData: when a value was last heard
	Trend trend     // Rise, Fall, Recovering
	Still still     // Stuck
	Rec   *record   // what must be exact in clock time; nil where nothing must
	win   *window   // Cumulative, MKT
	Total time.Duration
	Track *track // the excursion that is, or may become one
	Esc   escalating
	Tally tally
}

// point finds or makes an alarm point and gives it its present face.
func (m *Machine) point(k pointKey, f face) *point {
	p := m.points[k]
	if p == nil {
		p = &point{key: k}
		m.points[k] = p
		m.order = append(m.order, p)
	}
	p.face = f
	return p
}

// show gives a point what it says of the present.
func (m *Machine) show(p *point, reason string, v unit.Milli, has bool) {
	if p.Reason != reason || p.Value != v || p.HasValue != has {
		p.Reason, p.Value, p.HasValue = reason, v, has
		m.dirty[p] = true
	}
}

// pointOf finds or makes the point of a rule on a source.
func (m *Machine) pointOf(r *Rule, source string) *point {
	p := m.point(pointKey{r.ID, source}, face{
		Class: r.Class, Location: r.Location, Priority: uint8(r.Priority), Device: r.Device, Quantity: r.Quantity,
		HasLimit: r.Kind != NoData && r.Kind != Stuck, Limit: r.Limit,
	})
	p.rule, p.Reason, p.Alarm.Latching = r, r.reason(), r.Latch
	if r.Cumulative || r.Kind == MKT {
		p.sums(r)
	}
	return p
}

// sums gives a point that sums its record and window, with what was loaded of them.
func (p *point) sums(r *Rule) {
	heat := int64(0)
	if r.Kind == MKT {
		heat = heatOr(r.Heat)
	}
	w := newWindow(r.Window, heat)
	if p.win != nil && p.win.size == w.size {
		w.ring, w.top = p.win.ring, p.win.top
	}
	p.win = w
	if p.Rec == nil {
		p.Rec = &record{}
	}
}

func (m *Machine) raise(p *point, now time.Time) {
	if p.Alarm.Active && p.Alarm.State != alarm.Shelved {
		return
	}
	if r := p.rule; r != nil && r.Suppress != nil && m.holds(r.Suppress, now) {
		m.hide(p, now)
	}
	m.life(p, alarm.Input{Action: alarm.Raise, Occurrence: m.occurrence(p, now)}, now)
}

func (m *Machine) calm(p *point, now time.Time) {
	if !p.Alarm.Active && p.Alarm.State != alarm.Shelved {
		return
	}
	m.life(p, alarm.Input{Action: alarm.Return}, now)
}

// occurrence names what begins; it is needed where a point is normal, or may be after a shelving that ran out.
func (m *Machine) occurrence(p *point, now time.Time) string {
	if p.Alarm.State > alarm.Normal && p.Alarm.State != alarm.Shelved {
		return ""
	}
	return m.spec.Occurrence(now, "alarm", p.key.rule, p.key.source)
}

func (m *Machine) life(p *point, in alarm.Input, now time.Time) {
	a, steps, err := p.Alarm.Step(in, now)
	was := p.Alarm.Active
	p.Alarm = a
	if a.Active && !was {
		m.excursionBegins(p, a.Occurrence)
	}
	m.told(p, steps, wire.Alarm{})
	if !a.Active && was {
		m.excursionEnds(p, now)
	}
	if err != nil { // Raise, Return and the plant's own actions are asked for only where they are possible
		m.out = append(m.out, Event{Refused: &Refusal{Alarm: a.Occurrence, Err: err}})
	}
}

// told tells transitions of a point; by carries who and why.
func (m *Machine) told(p *point, steps []alarm.Transition, by wire.Alarm) {
	for _, s := range steps {
		w := by
		w.ID, w.Rule, w.Source, w.Location, w.Class = s.Occurrence, p.key.rule, p.key.source, p.Location, p.Class
		w.Priority, w.From, w.To, w.Action, w.At = alarm.Priority(p.Priority), s.From, s.To, s.Action, s.At
		w.Quantity, w.HasValue, w.Value = p.Quantity, p.HasValue, p.Value
		w.HasLimit, w.Limit, w.Reason = p.HasLimit, p.Limit, p.Reason
		if s.To == alarm.Shelved {
			w.ShelvedUntil = p.Alarm.ShelvedUntil
		}
		if s.Action == alarm.Raise && w.Comment == "" {
			w.Comment = p.remark()
		}
		m.out = append(m.out, Event{Alarm: &w})
		m.tally(p, s)
		m.rest(p, s)
	}
	if len(steps) > 0 {
		m.dirty[p], m.moved = true, true
		m.escalate(p, steps[len(steps)-1].At)
	}
}

// Standing is one alarm as it stands.
type Standing struct {
	ID, Rule, Source, Location, Class, Reason string
	Priority                                  alarm.Priority
	State                                     alarm.State
	Active                                    bool
	ShelvedUntil                              time.Time
	Quantity                                  unit.Quantity
	HasValue, HasLimit                        bool
	Value, Limit                              unit.Milli
	Since                                     time.Time   // when its condition was last raised; zero = not known
	Level                                     int         // how many levels of its escalation were reached
	Recovering                                bool        // the value is on its way back, and the escalation waits for it
	Calibration                               Calibration // that Value was corrected by; zero = none
}

// Standing lists the alarms that are not normal, in the order in which their points came to be.
func (m *Machine) Standing() []Standing {
	var out []Standing
	for _, p := range m.order {
		if p.Alarm.State == alarm.Normal || p.Alarm.State == 0 {
			continue
		}
		out = append(out, Standing{
			ID: p.Alarm.Occurrence, Rule: p.key.rule, Source: p.key.source, Location: p.Location, Class: p.Class,
			Reason: p.Reason, Priority: alarm.Priority(p.Priority), State: p.Alarm.State, Active: p.Alarm.Active,
			ShelvedUntil: p.Alarm.ShelvedUntil, Quantity: p.Quantity, HasValue: p.HasValue, HasLimit: p.HasLimit,
			Value: p.Value, Limit: p.Limit, Since: p.Tally.Raised(), Level: p.Esc.Level,
			Recovering: !p.Esc.Hold.IsZero(), Calibration: p.cal,
		})
	}
	return out
}
