package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Bounds of what is remembered of a room.
const (
	MaxExcursions = 32   // excursions kept in each room, the newest
	MaxPresent    = 5000 // tags followed in a room at once
	MaxLeft       = 256  // stays kept that ended
	MaxTold       = 500  // tags that one Excursion lists, the longest there
)

// Excursion is a time outside a rule's limit that was long enough for an alarm. Shorter ones are in Cumulative.
//
// It begins with the first value outside, before its alarm was raised, and ends with the first value of those that made
// the alarm return. For a rule that sums, it begins with the first violation of the sum.
type Excursion struct {
	ID         string
	Alarm      string // the alarm's occurrence
	Rule       string
	Source     string
	Location   string
	Quantity   unit.Quantity
	Kind       Kind
	Limit      unit.Milli
	Begin, End time.Time // End is zero while it lasts
	Worst      unit.Milli
	WorstAt    time.Time
	Outside    time.Duration // measured outside the limit
	Cumulative time.Duration // all that was measured outside it, short times and earlier excursions too, since a reset
	MKT        unit.Milli    // mean kinetic temperature from Begin, where HasMKT
	HasMKT     bool
	Gap        time.Duration // of which nothing is known; Outside and MKT are without it
	Gaps       int
	Correction string // how values were corrected; "" = not
	Present    []Presence
	More       int  // tags that were there too and are not listed
	Incomplete bool // more tags came and went than are remembered: somebody may be missing
}

// Presence is a tag that was in the room during an excursion.
type Presence struct {
	Tag     devices.Tag
	Exposed time.Duration // how long of the excursion, all its stays together
	Still   bool          // it was there at the end, or is
}

// track follows values outside a limit from the first.
type track struct {
	Begin   time.Time
	In      time.Time // since when values are inside again; zero = they are not
	Worst   unit.Milli
	WorstAt time.Time
	Outside time.Duration
	Gap     time.Duration
	Gaps    int
	Kin     Kinetic
	ID      string // once it is an excursion
	Alarm   string
}

// outside follows a value of a limit rule in clock time.
func (m *Machine) outside(p *point, x look, side int8) {
	if p.Rec != nil {
		m.note(p, x.at, x.v)
	}
	if p.Track == nil && side == violating && p.rule.Location != "" {
		p.Track = &track{Begin: x.at, Worst: x.v, WorstAt: x.at}
		if p.Rec == nil {
			p.Rec = &record{At: x.at, V: x.v}
		}
	}
	if p.Track == nil {
		return
	}
	p.Track.see(x, side, p.rule.Kind)
	m.drop(p, x.at)
}

// see notes where a value is.
func (t *track) see(x look, side int8, k Kind) {
	if side != violating {
		if t.In.IsZero() {
			t.In = x.at
		}
		return
	}
	t.In = time.Time{}
	if k == High && x.v > t.Worst || k == Low && x.v < t.Worst {
		t.Worst, t.WorstAt = x.v, x.at
	}
}

// drop ends a track that never became an excursion.
func (m *Machine) drop(p *point, at time.Time) {
	if p.Alarm.Active || p.Track.In.IsZero() || p.rule.Cumulative && p.win.total(at).Out > 0 {
		return
	}
	m.untrack(p)
}

func (m *Machine) untrack(p *point) {
	p.Track = nil
	if p.win == nil {
		p.Rec = nil
	}
	m.dirty[p] = true
}

// note brings a value into a point's record, and what that makes known into its sums.
func (m *Machine) note(p *point, at time.Time, v unit.Milli) {
	fills := at.Before(p.Rec.At)
	pieces, lost := p.Rec.take(at, v, p.rule.maxGap(), m.pieces[:0])
	m.pieces = pieces
	for _, pc := range pieces {
		out := p.rule.limits() && p.rule.side(pc.V) == violating
		if out {
			p.Total += pc.length()
		}
		if p.win != nil {
			p.win.add(pc.From, pc.To, pc.V, out)
		}
		if p.Track != nil {
			p.Track.count(pc, out, fills)
		}
	}
	if t := p.Track; t != nil && lost > 0 {
		t.Gap, t.Gaps = t.Gap+lost, t.Gaps+1
	}
	m.dirty[p] = true
}

// count brings a piece of time into an excursion. fills: it was a gap before.
func (t *track) count(pc piece, out, fills bool) {
	pc.span = pc.and(span{t.Begin, pc.To})
	d := pc.length()
	if out {
		t.Outside += d
	}
	if fills {
		t.Gap = max(t.Gap-d, 0)
	}
	t.Kin.Add(pc.V, d, 0)
}

// excursionBegins makes a track an excursion, because its alarm is raised.
func (m *Machine) excursionBegins(p *point, occurrence string) {
	t := p.Track
	if t == nil || t.ID != "" {
		return
	}
	t.ID, t.Alarm = m.spec.Occurrence(t.Begin, "excursion", p.key.rule, p.key.source), occurrence
	m.dirty[p] = true
	x := m.excursion(p, time.Time{})
	m.out = append(m.out, Event{Excursion: &x})
}

// excursionEnds tells an excursion, because its alarm returned.
func (m *Machine) excursionEnds(p *point, now time.Time) {
	t := p.Track
	if t == nil || t.ID == "" {
		return
	}
	end := t.In
	if end.IsZero() {
		end = now
	}
	x := m.excursion(p, end)
	if r := m.rooms[p.Location]; r != nil {
		r.keep(x)
	}
	m.untrack(p)
	m.out = append(m.out, Event{Excursion: &x})
}

// excursion describes a track; end is zero while it lasts.
func (m *Machine) excursion(p *point, end time.Time) Excursion {
	t := p.Track
	x := Excursion{
		ID: t.ID, Alarm: t.Alarm, Rule: p.key.rule, Source: p.key.source, Location: p.Location, Quantity: p.Quantity,
		Limit: p.Limit, Begin: t.Begin, End: end, Worst: t.Worst, WorstAt: t.WorstAt, Outside: t.Outside,
		Cumulative: p.Total, Gap: t.Gap, Gaps: t.Gaps, Correction: p.cal.String(),
	}
	if p.rule != nil {
		x.Kind = p.rule.Kind
	}
	if p.Quantity == unit.Temperature {
		x.MKT, x.HasMKT = t.Kin.Milli(0)
	}
	if r := m.rooms[p.Location]; r != nil {
		r.present(&x, maxTime(end, m.now))
	}
	return x
}

// Excursions lists what is kept of a room: excursions that ended, the oldest first, then those that last.
func (m *Machine) Excursions(location string) []Excursion {
	r := m.rooms[location]
	if r == nil {
		return nil
	}
	out := r.ended()
	for _, p := range m.order {
		if p.Location == location && p.Track != nil && p.Track.ID != "" {
			out = append(out, m.excursion(p, time.Time{}))
		}
	}
	return out
}
