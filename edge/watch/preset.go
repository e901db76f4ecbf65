package watch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

// Preset is a set of rules that goes by a name in the field. Its rules are plain ones: what it does can be read, and
// written out by hand.
//
// A limit that a text words as "above 8 °C" is 8.001 here, because a limit itself is in alarm and a thousandth is the
// least step of a value.
type Preset struct {
	Name string
	Says string // what it watches, in a sentence
	// Source is where the figures were found. All were taken from pages that report the text named first, not from that
	// text: check them against your own copy before you rely on them.
	Source string
	Rules  []Rule // without device and place; ID is what is appended to the id that the configuration gives
}

// above and below make the least alarm limit beyond a figure that is still allowed.
func above(v unit.Milli) unit.Milli { return v + 1 }
func below(v unit.Milli) unit.Milli { return v - 1 }

func limit(id string, k Kind, at unit.Milli, delay time.Duration, p alarm.Priority) Rule {
	return Rule{ID: id, Kind: k, Limit: at, OnDelay: delay, Priority: p, Quantity: unit.Temperature}
}

func sum(r Rule) Rule { r.Cumulative = true; return r }

func kinetic(at unit.Milli, window time.Duration) Rule {
	return Rule{ID: "mkt", Kind: MKT, Limit: at, Window: window, Priority: alarm.Critical, Quantity: unit.Temperature}
}

func quiet(after time.Duration) Rule {
	return Rule{ID: "silent", Kind: NoData, Silence: after, Priority: alarm.High, Quantity: unit.Temperature}
}

const day = 24 * time.Hour

// Presets lists the rule sets that can be named.
func Presets() []Preset { return slices.Clone(presets) }

var presets = []Preset{
	{
		Name:   "who-pqs-type1",
		Says:   "WHO PQS shipping indicator, type 1: 45 °C for 1 h, 30 °C for 10 h in sum, -0.5 °C for 1 h; sums run until they are reset.",
		Source: "WHO PQS E006/TR07, as the LogTag USRID-16 manual and the Q-tag 2 plus guide for WHO report it",
		Rules: []Rule{
			limit("hot", High, 45000, time.Hour, alarm.Critical),
			sum(limit("warm", High, 30000, 10*time.Hour, alarm.Critical)),
			limit("freeze", Low, -500, time.Hour, alarm.Critical),
		},
	},
	{
		Name:   "who-pqs-type2",
		Says:   "WHO PQS shipping indicator, type 2: 45 °C for 1 h, 30 °C for 10 h in sum, 10 °C for 20 h in sum; sums run until they are reset.",
		Source: "WHO PQS E006/TR07, as the LogTag USRID-16 manual and the Q-tag 2 plus guide for WHO report it",
		Rules: []Rule{
			limit("hot", High, 45000, time.Hour, alarm.Critical),
			sum(limit("warm", High, 30000, 10*time.Hour, alarm.Critical)),
			sum(limit("mild", High, 10000, 20*time.Hour, alarm.Critical)),
		},
	},
	{
		Name: "usp-cct",
		Says: "Controlled cold temperature: 2 to 8 °C, excursions between 2 and 15 °C for at most 24 h, and a mean kinetic " +
			"temperature of at most 8 °C over 24 h with the excursion in it. Not for what is frozen. Add a rule of your own for an early word.",
		Source: "USP <1079.2> and <659>, as eupry.com, gmp-compliance.org and naplexstudy.com report them",
		Rules: []Rule{
			limit("hot", High, above(15000), 0, alarm.Critical),
			limit("warm", High, above(8000), day, alarm.Critical),
			limit("cold", Low, below(2000), 0, alarm.Critical),
			kinetic(above(8000), day),
		},
	},
	{
		Name: "usp-crt",
		Says: "Controlled room temperature: 20 to 25 °C, excursions between 15 and 30 °C for at most 24 h, and a mean kinetic " +
			"temperature of at most 25 °C over 30 days with the excursion in it.",
		Source: "USP <1079.2> and <659>, as eupry.com, gmp-compliance.org and naplexstudy.com report them",
		Rules: []Rule{
			limit("hot", High, above(30000), 0, alarm.Critical),
			limit("warm", High, above(25000), day, alarm.High),
			limit("cool", Low, below(20000), day, alarm.High),
			limit("cold", Low, below(15000), 0, alarm.Critical),
			kinetic(above(25000), 30*day),
		},
	},
	{
		Name:   "frozen",
		Says:   "Freezer store: -25 to -15 °C. No mean kinetic temperature: it is not meant for what is frozen.",
		Source: "the usual range of frozen goods around -20 °C; USP has -25 to -10 °C for a freezer (naplexstudy.com): choose by the label of the goods",
		Rules: []Rule{
			limit("warm", High, above(-15000), 0, alarm.Critical),
			limit("cold", Low, below(-25000), 0, alarm.High),
		},
	},
	{
		Name:   "deep-frozen",
		Says:   "Deep freeze: -15 °C or colder, without a lower limit.",
		Source: "European Pharmacopoeia 1.2, as industrialpharmacist.com reports it",
		Rules:  []Rule{limit("warm", High, above(-15000), 0, alarm.Critical)},
	},
	{
		Name:   "en-12830",
		Says:   "Recorder for chilled and frozen goods: a value at least each 15 minutes, else no data is raised. Limits are the goods' own.",
		Source: "EU 37/2005 and EN 12830, the usual interval as secondary pages have it",
		Rules:  []Rule{quiet(15 * time.Minute)},
	},
	{
		Name:   "cdc-vfc-refrigerator",
		Says:   "Vaccine refrigerator: 2 to 8 °C, a value at least each 30 minutes (some states ask for 15).",
		Source: "CDC Vaccine Storage and Handling Toolkit, as immunize.org and vendors report it",
		Rules: []Rule{
			limit("warm", High, above(8000), 0, alarm.Critical), limit("cold", Low, below(2000), 0, alarm.Critical),
			quiet(30 * time.Minute),
		},
	},
	{
		Name:   "cdc-vfc-freezer",
		Says:   "Vaccine freezer: -50 to -15 °C, a value at least each 30 minutes (some states ask for 15).",
		Source: "CDC Vaccine Storage and Handling Toolkit, as mediproducts.net reports it",
		Rules: []Rule{
			limit("warm", High, above(-15000), 0, alarm.Critical), limit("cold", Low, below(-50000), 0, alarm.Critical),
			quiet(30 * time.Minute),
		},
	},
}

// Expand makes a preset's rules for a probe. base names the probe, the place and the alarm's class, and gives what the
// preset leaves open: MaxGap, OffDelay, Deadband, Door, Suppress, Recovering, Latch and Escalation; its Priority, where it
// is set, goes before the preset's. The rules' ids are base's with a dot and what the preset calls them.
func Expand(name string, base Rule) ([]Rule, error) {
	i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("preset %q is not known; use %s", name, strings.Join(presetNames(), ", "))
	}
	var out []Rule
	for _, t := range presets[i].Rules {
		out = append(out, t.on(base))
	}
	return out, nil
}

func presetNames() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.Name)
	}
	return names
}

// on puts a preset's rule on a probe.
func (r Rule) on(base Rule) Rule {
	r.ID = base.ID + "." + r.ID
	r.Class, r.Location, r.Device, r.Channel = base.Class, base.Location, base.Device, base.Channel
	if base.Priority != 0 {
		r.Priority = base.Priority
	}
	r.MaxGap, r.Latch, r.Escalation, r.Suppress = base.MaxGap, base.Latch, base.Escalation, base.Suppress
	if r.Kind == NoData {
		return r
	}
	r.OffDelay, r.Deadband = base.OffDelay, base.Deadband
	if r.limits() {
		r.Recovering = base.Recovering
		if !r.Cumulative {
			r.Door = base.Door
		}
	}
	return r
}
