package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/watch"
)

// Outputs are the gateway's lamps, sirens and relays. Neither method blocks.
type Outputs interface {
	// Want says that somebody wants an output on, and why, or wants that no more; it is on while anybody wants it.
	Want(by, name string, on bool, why string)
	// Health hears how a device is.
	Health(devices.Health)
}

// byAlarms is who wants an output on because of alarms.
const byAlarms = "alarms"

func (p *Pipeline) want(by, name string, on bool, why string) {
	if p.conf.Outputs != nil {
		p.conf.Outputs.Want(by, name, on, why)
	}
}

// decided does what the reconciling asks for.
func (p *Pipeline) decided(events []reconcile.Event) {
	for _, e := range events {
		switch {
		case e.Movement != nil:
			p.moved(e.Movement)
		case e.Pass != nil:
			p.passed(e.Pass)
		case e.Verdict != nil:
			p.judged(e.Verdict)
		case e.Trace != nil:
			p.traces.add(e.Trace)
		case e.Counted != nil:
			p.counted(e.Counted)
		}
	}
}

func (p *Pipeline) moved(m *wire.Movement) {
	m.ClockUnsynced = p.conf.Unsynced()
	p.metrics.movements.WithLabelValues(string(m.BizStep)).Inc()
	p.conf.Log.Debug("movement", "tag", m.Tag, "from", m.From, "to", m.To, "step", m.BizStep, "confidence", m.Confidence)
	p.record(wire.Record{Movement: m})
	p.alarms(p.conf.Watch.Step(watch.Input{Movement: m}, p.now))
}

func (p *Pipeline) passed(e *wire.Pass) {
	p.metrics.passes.WithLabelValues(string(e.Direction)).Inc()
	p.conf.Log.Debug("pass", "door", e.Door, "direction", e.Direction, "tags", e.Tags, "moved", e.Moved)
	p.record(wire.Record{Pass: e})
	p.lights.Pass(e, p.now)
}

// judged shows a verdict at its door, and tells the hub of the final one.
func (p *Pipeline) judged(v *reconcile.Verdict) {
	p.lights.Verdict(v, p.now)
	if !v.Final {
		return
	}
	p.metrics.verdicts.WithLabelValues(string(v.Signal)).Inc()
	p.conf.Log.Info("verdict", "door", v.Door, "list", v.List, "signal", string(v.Signal), "matched", v.Matched, "missing", v.Missing,
		"unexpected", v.Unexpected)
	p.record(wire.Record{Verdict: &wire.Verdict{
		Door: v.Door, Pass: v.Pass, List: v.List, Direction: v.Direction, Signal: string(v.Signal), At: v.At, Matched: v.Matched,
		Missing: v.Missing, Unexpected: v.Unexpected, MissingTags: v.MissingTags, UnexpectedTags: v.UnexpectedTags,
		MissingItems: counts(v.MissingItems), UnexpectedItems: counts(v.UnexpectedItems),
	}})
}

func counts(items []reconcile.ExpectedItem) []wire.ItemCount {
	var out []wire.ItemCount
	for _, it := range items[:min(len(items), wire.MaxNamed)] {
		out = append(out, wire.ItemCount(it))
	}
	return out
}

func (p *Pipeline) record(r wire.Record) { p.batch.Records = append(p.batch.Records, r) }

// alarms does what the watching asks for.
func (p *Pipeline) alarms(events []watch.Event) {
	for _, e := range events {
		switch {
		case e.Refused != nil:
			p.conf.Log.Warn("a command changed nothing", "reason", e.Refused.Err)
		case e.Alarm != nil:
			p.alarm(e.Alarm)
		case e.Excursion != nil:
			p.excursion(e.Excursion)
		case e.Output != nil:
			p.want(byAlarms, e.Output.Name, e.Output.On, e.Output.Reason)
		case e.Escalation != nil:
			p.escalation(e.Escalation)
		case e.Reset != nil:
			p.sumReset(e.Reset)
		}
	}
	if len(events) > 0 || p.standing.Load() == nil {
		s := p.conf.Watch.Standing()
		p.standing.Store(&s)
	}
}

func (p *Pipeline) alarm(a *wire.Alarm) {
	p.metrics.alarms.WithLabelValues(string(a.Action)).Inc()
	p.conf.Log.Info("alarm", "rule", a.Rule, "source", a.Source, "action", string(a.Action), "state", a.To.String(), "reason", a.Reason)
	p.record(wire.Record{Alarm: a})
}

// sides are the words for the side of a limit on which an excursion is.
var sides = map[watch.Kind]string{watch.High: "high", watch.Low: "low"}

func (p *Pipeline) excursion(x *watch.Excursion) {
	w := &wire.Excursion{
		ID: x.ID, Alarm: x.Alarm, Rule: x.Rule, Source: x.Source, Location: x.Location, Quantity: x.Quantity, Kind: sides[x.Kind],
		Limit: x.Limit, Began: x.Begin, Ended: x.End, Worst: x.Worst, WorstAt: x.WorstAt, Outside: x.Outside,
		Cumulative: x.Cumulative, HasMKT: x.HasMKT, MKT: x.MKT, Gap: x.Gap, Gaps: uint32(x.Gaps), Correction: x.Correction,
		More: uint32(x.More), Incomplete: x.Incomplete,
	}
	for _, g := range x.Present {
		w.Goods = append(w.Goods, wire.Goods(g))
	}
	p.metrics.excursions.WithLabelValues(map[bool]string{true: "began", false: "ended"}[x.End.IsZero()]).Inc()
	p.conf.Log.Info("excursion", "rule", x.Rule, "source", x.Source, "began", x.Begin, "ended", x.End, "worst", x.Worst.String(), "goods", len(x.Present))
	p.record(wire.Record{Excursion: w})
}

func (p *Pipeline) escalation(e *watch.Escalation) {
	p.conf.Log.Info("escalation", "rule", e.Rule, "source", e.Source, "level", e.Level, "notify", e.Notify, "repeat", e.Repeat)
	p.record(wire.Record{Escalation: &wire.Escalation{
		Alarm: e.Alarm, Rule: e.Rule, Source: e.Source, Location: e.Location, Priority: e.Priority,
		Level: uint8(min(e.Level, 255)), Notify: e.Notify, Repeat: uint32(e.Repeat), At: e.At,
	}})
}

func (p *Pipeline) sumReset(r *watch.Reset) {
	p.conf.Log.Info("sum was set back", "rule", r.Rule, "source", r.Source, "actor", r.Actor, "reason", r.Reason)
	p.record(wire.Record{SumReset: &wire.SumReset{
		Rule: r.Rule, Source: r.Source, Location: r.Location, Actor: r.Actor, Reason: r.Reason, Outside: r.Out, At: r.At,
	}})
}

// seedRooms tells the watching who is where. It knows already what it was told before; a room that a rule names for the
// first time has goods in it.
func (p *Pipeline) seedRooms() {
	var all []reconcile.Whereabouts
	p.conf.Reconcile.Each(func(w reconcile.Whereabouts) bool {
		if w.Location != "" {
			all = append(all, w)
		}
		return true
	})
	slices.SortFunc(all, func(a, b reconcile.Whereabouts) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Tag.String(), b.Tag.String()))
	})
	for _, w := range all {
		m := &wire.Movement{Tag: w.Tag, To: w.Location, EventTime: earlier(w.Since, p.now)}
		p.alarms(p.conf.Watch.Step(watch.Input{Movement: m}, p.now))
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
