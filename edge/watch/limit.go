package watch

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// look is one live value as a point sees it.
type look struct {
	at    time.Time
	v     unit.Milli
	gap   time.Duration // since the value before
	first bool          // there is none before, or the device was down since
	stuck bool
	cal   Calibration
}

// judge takes a live value to a point.
func (m *Machine) judge(p *point, x look, now time.Time) {
	r := p.rule
	if x.gap > r.maxGap() || x.first {
		p.Trend.clear()
	}
	was := p.proof
	v, side := m.weigh(p, x)
	p.Value, p.HasValue, p.cal = v, true, x.cal
	p.Side = side
	credit := x.credit(r)
	p.On = run(side, was.Side, violating, p.On, credit, r.OnDelay+p.doorDelay())
	p.Off = run(side, was.Side, back, p.Off, credit, r.OffDelay)
	m.ease(p, x, now)
	m.decide(p, x.at, now)
	if p.proof != was || len(p.Trend.At) > 0 || p.Rec != nil {
		m.dirty[p] = true
	}
}

// weigh finds on which side of its limit what a rule looks at is, and that thing's value.
func (m *Machine) weigh(p *point, x look) (unit.Milli, int8) {
	v, side := x.v, unknown
	switch p.rule.Kind {
	case Rise, Fall:
		v, side = p.rate(x)
	case MKT:
		m.note(p, x.at, x.v)
		v, side = p.kinetic(x)
	case Stuck:
		side = m.unmoved(p, x)
	default:
		side = p.rule.side(v)
		m.outside(p, x, side)
	}
	if side == back && x.stuck && p.rule.Kind != Stuck {
		side = between
	}
	return v, side
}

// decide raises or returns a point's alarm, once there is the evidence that its rule asks for.
func (m *Machine) decide(p *point, at, now time.Time) {
	r := p.rule
	if r.Cumulative {
		m.decideSum(p, at, now)
		return
	}
	switch {
	case p.Side == violating && p.On >= m.onDelay(p, now):
		m.raise(p, now)
	case p.Side == back && p.Off >= r.OffDelay:
		m.calm(p, now)
	}
}

// decideSum does it for a sum of violations. It returns to normal only when even the time of which nothing is known would
// not make it up, and a sum since a reset only by a reset.
func (m *Machine) decideSum(p *point, at, now time.Time) {
	r, sum := p.rule, p.win.total(at)
	switch missing := r.Window - sum.Known; {
	case sum.Out >= r.OnDelay && sum.Out > 0:
		m.raise(p, now)
	case r.Window > 0 && p.Side == back && p.Off >= r.OffDelay && sum.Out+max(missing, 0) < r.OnDelay:
		m.calm(p, now)
	}
}

// onDelay is how long a limit must be passed now: longer while a door is open.
func (m *Machine) onDelay(p *point, now time.Time) time.Duration {
	if d := p.rule.Door; d != nil && m.holds(d, now) {
		return max(d.OnDelay, p.rule.OnDelay)
	}
	return p.rule.OnDelay
}

// doorDelay is by how much a door can prolong the evidence that is needed.
func (p *point) doorDelay() time.Duration {
	if d := p.rule.Door; d != nil {
		return max(d.OnDelay-p.rule.OnDelay, 0)
	}
	return 0
}

// run lengthens the evidence of one side, up to what is needed, or ends it.
func run(is, was, side int8, so, credit, most time.Duration) time.Duration {
	if is != side || was != side {
		return 0
	}
	return max(min(so+credit, most), 0)
}

// credit is how much of the time since the last value counts as evidence: all of it, or none where it was a gap.
func (x look) credit(r *Rule) time.Duration {
	if x.first || x.gap > r.maxGap() || x.gap < 0 {
		return 0
	}
	return x.gap
}

// rate tells how fast the value moved over the rule's span; nothing before that much is known.
func (p *point) rate(x look) (unit.Milli, int8) {
	by, since, ok := p.Trend.move(x.at, x.v, p.rule.Span)
	if !ok {
		return 0, unknown
	}
	v := perMinute(by, since)
	toward := v
	if p.rule.Kind == Fall {
		toward = -v
	}
	switch {
	case toward >= p.rule.Limit:
		return v, violating
	case toward <= p.rule.Limit-p.rule.Deadband:
		return v, back
	}
	return v, between
}

// kinetic judges the mean kinetic temperature of the window. Too little known says nothing.
func (p *point) kinetic(x look) (unit.Milli, int8) {
	sum := p.win.total(x.at)
	v, ok := sum.kinetic().Milli(p.win.heat)
	switch {
	case !ok || sum.Known < p.rule.least():
		return v, unknown
	case v >= p.rule.Limit:
		return v, violating
	case p.rule.Window-sum.Known > p.rule.Window/10:
		return v, between // too much is missing to say that it is over
	case v <= p.rule.Limit-p.rule.Deadband:
		return v, back
	}
	return v, between
}

// unmoved judges whether a value has stood still for too long. A gap begins anew: nobody knows what it did.
func (m *Machine) unmoved(p *point, x look) int8 {
	moved := !p.Still.Since.IsZero() && abs(x.v-p.Still.V) > p.rule.Deadband
	if p.Still.Since.IsZero() || moved || x.gap > p.rule.maxGap() || x.first {
		m.dirty[p] = true
		p.Still = still{Since: x.at, V: x.v, Peers: m.values(p.rule.Peers, p.rule.Quantity)}
		if moved {
			return back
		}
		return between
	}
	if x.at.Sub(p.Still.Since) < p.rule.Span || !m.peersMoved(p) {
		return between
	}
	return violating
}

// still is a value that stands, and where its peers were when it began to.
type still struct {
	Since time.Time
	V     unit.Milli
	Peers []unit.Milli // of the rule's Peers, in that order; absentPeer where none was known
	Moved bool
}

// absentPeer stands for no value.
const absentPeer unit.Milli = -1 << 62

// values are the newest values of devices' first channels.
func (m *Machine) values(devices []string, q unit.Quantity) []unit.Milli {
	var out []unit.Milli
	for _, d := range devices {
		out = append(out, m.newest(d, q))
	}
	return out
}

func (m *Machine) newest(device string, q unit.Quantity) unit.Milli {
	if se := m.series[seriesKey{device, "", q}]; se != nil && !se.Last.IsZero() {
		return se.V
	}
	return absentPeer
}

// peersMoved tells whether something moved that should have moved this probe too.
func (m *Machine) peersMoved(p *point) bool {
	if p.Still.Moved || len(p.rule.Peers) == 0 {
		return true
	}
	m.dirty[p] = true
	p.Still.Moved = slices.ContainsFunc(p.rule.Peers, func(d string) bool {
		i := slices.Index(p.rule.Peers, d)
		if i >= len(p.Still.Peers) {
			return false
		}
		is := m.newest(d, p.rule.Quantity)
		if p.Still.Peers[i] == absentPeer {
			p.Still.Peers[i] = is
			return false
		}
		return is != absentPeer && abs(is-p.Still.Peers[i]) > p.rule.Deadband
	})
	return p.Still.Moved
}

func abs(v unit.Milli) unit.Milli { return max(v, -v) }
