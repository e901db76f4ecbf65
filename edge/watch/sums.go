package watch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// Sum is what a rule has summed up: of a Cumulative rule the time outside its limit, of an MKT rule the mean kinetic
// temperature.
type Sum struct {
	Rule, Source, Location string
	Kind                   Kind
	Window                 time.Duration // 0 = since the last reset
	Limit                  unit.Milli
	Out                    time.Duration // measured outside the limit
	Needed                 time.Duration // as much raises
	MKT                    unit.Milli    // where HasMKT
	HasMKT                 bool
	Known                  time.Duration // measured
	Missing                time.Duration // of Window: not measured, be it a gap or before the first value
	Upto                   time.Time     // the newest value; zero = none yet
}

// Sums lists what all rules have summed up to their newest values, by rule and source.
func (m *Machine) Sums() []Sum {
	var out []Sum
	for _, p := range m.order {
		if p.rule != nil && p.win != nil {
			out = append(out, p.sum())
		}
	}
	slices.SortFunc(out, func(a, b Sum) int { return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Source, b.Source)) })
	return out
}

func (p *point) sum() Sum {
	total := p.win.total(p.Rec.At)
	s := Sum{
		Rule: p.key.rule, Source: p.key.source, Location: p.Location, Kind: p.rule.Kind, Window: p.rule.Window, Limit: p.rule.Limit,
		Out: total.Out, Known: total.Known, Missing: max(p.rule.Window-total.Known, 0), Upto: p.Rec.At,
	}
	if p.rule.Kind == MKT {
		s.MKT, s.HasMKT = total.kinetic().Milli(p.win.heat)
	} else {
		s.Needed = p.rule.OnDelay
	}
	return s
}

// remark says with an alarm that is raised how its value came to be: how it was corrected, and what it lacks.
func (p *point) remark() string {
	var parts []string
	if c := p.cal.String(); c != "" {
		parts = append(parts, c)
	}
	if p.rule != nil && p.win != nil && p.rule.Window > 0 {
		if s := p.sum(); s.Missing > 0 {
			parts = append(parts, fmt.Sprintf("%.1f %% of %s not measured", 100*s.Missing.Hours()/s.Window.Hours(), s.Window))
		}
	}
	return strings.Join(parts, "; ")
}
