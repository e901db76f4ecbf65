package watch_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/watch"
)

// shared gives a file that others collected, or skips the test.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	for dir, err := os.Getwd(); err == nil; dir = filepath.Dir(dir) {
		if b, err := os.ReadFile(filepath.Join(dir, "shared", "data", "sensors", name)); err == nil {
			return b
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	t.Skipf("shared/data/sensors/%s is not beside the checkout; it is not part of it", name)
	return nil
}

func sharedJSON(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(shared(t, name), into); err != nil {
		t.Fatal(err)
	}
}

// one is a spec of one rule on the probe.
func one(rules ...watch.Rule) watch.Spec {
	for i := range rules {
		r := &rules[i]
		r.Device, r.Quantity, r.Class = "probe", unit.Temperature, "cold_chain"
		if r.ID == "" {
			r.ID = "rule"
		}
		if r.Priority == 0 {
			r.Priority = alarm.High
		}
	}
	return watch.Spec{Rules: rules, Devices: []watch.Device{{ID: "probe", Location: "R"}}}
}

// every gives one value each interval for d, and one more interval passes after the last.
func (r *rig) every(interval, d time.Duration, celsius float64) {
	for end := r.now.Add(d); r.now.Before(end); r.now = r.now.Add(interval) {
		r.sample(celsius, devices.Good)
	}
}

func (r *rig) raised(rule string) bool {
	for _, s := range r.m.Standing() {
		if s.Rule == rule && s.Active {
			return true
		}
	}
	return false
}

// published is one line of alarm_rules.json.
type published struct {
	Op      string
	C       float64
	Kind    string
	Minutes int
}

func TestWHOPresetsAreThePublishedRules(t *testing.T) {
	var file map[string]json.RawMessage
	sharedJSON(t, "coldchain/alarm_rules.json", &file)
	for preset, key := range map[string]string{
		"who-pqs-type1": "who_pqs_tr07_shipping_type1", "who-pqs-type2": "who_pqs_tr07_shipping_type2",
	} {
		var lines []published
		if err := json.Unmarshal(file[key], &lines); err != nil {
			t.Fatal(err)
		}
		rules, err := watch.Expand(preset, watch.Rule{ID: "who", Device: "probe", Class: "cold_chain"})
		if err != nil || len(rules) != len(lines) || len(lines) != 3 {
			t.Fatalf("%s: %d rules for %d lines, %v", preset, len(rules), len(lines), err)
		}
		for i, line := range lines {
			t.Run(preset+" "+rules[i].ID, func(t *testing.T) { checkLine(t, preset, rules[i].ID, line) })
		}
	}
}

// checkLine holds a preset to one published rule: at the threshold itself for the time, it is in alarm; a tenth of a degree
// inside, or one interval less, it is not; and an interruption matters for consecutive times only.
func checkLine(t *testing.T, preset, rule string, line published) {
	const interval = time.Minute
	inside, normal := line.C-0.1, 5.0
	if line.Op == "<=" {
		inside = line.C + 0.1
	}
	long := time.Duration(line.Minutes) * time.Minute
	half := long / 2
	for _, c := range []struct {
		name string
		runs []span
		want bool
	}{
		{"the threshold itself for the whole time", []span{{long + interval, line.C}}, true},
		{"one interval less", []span{{long, line.C}}, false},
		{"a tenth inside", []span{{2 * long, inside}}, false},
		{"interrupted", []span{{half, line.C}, {3 * interval, normal}, {half, line.C}, {interval, normal}}, line.Kind == "cumulative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := watch.Expand(preset, watch.Rule{ID: "who", Device: "probe", Class: "cold_chain"})
			if err != nil {
				t.Fatal(err)
			}
			r := newRigOf(t, watch.Spec{Rules: rules, Devices: []watch.Device{{ID: "probe"}}})
			for _, s := range c.runs {
				r.every(interval, s.d, s.celsius)
			}
			if r.raised(rule) != c.want {
				t.Errorf("in alarm %v, want %v", !c.want, c.want)
			}
		})
	}
}

// span is a time at a temperature.
type span struct {
	d       time.Duration
	celsius float64
}

// The readings of the manuals, one each 5 minutes.
func TestCountingExamplesOfTheManuals(t *testing.T) {
	var file struct {
		Examples []json.RawMessage `json:"counting_examples"`
	}
	sharedJSON(t, "coldchain/alarm_rules.json", &file)
	if len(file.Examples) != 3 {
		t.Fatalf("the file has %d examples, this test knows 3", len(file.Examples))
	}
	const each = 5 * time.Minute
	readings := func(n int, c float64) span { return span{time.Duration(n) * each, c} }
	fiveOrSeven := one(
		watch.Rule{ID: "consecutive", Kind: watch.High, Limit: 20001, OnDelay: 5 * each},
		watch.Rule{ID: "total", Kind: watch.High, Limit: 20001, OnDelay: 7 * each, Cumulative: true},
	)
	for _, c := range []struct {
		name string
		spec watch.Spec
		runs []span
		want map[string]bool
	}{
		{
			"LogTag: 2 above, normal, 8 below 0, normal, 4 above", fiveOrSeven,
			[]span{readings(2, 21), readings(1, 10), readings(8, -1), readings(1, 10), readings(4, 21), readings(1, 10)},
			map[string]bool{"consecutive": false, "total": false},
		},
		{
			"LogTag: 4 above, normal, 4 above", fiveOrSeven,
			[]span{readings(4, 21), readings(1, 10), readings(4, 21), readings(1, 10)},
			map[string]bool{"consecutive": false, "total": true},
		},
		{
			"Fridge-tag: dips of less than an hour, 3.5 h in the day",
			one(watch.Rule{ID: "freeze", Kind: watch.Low, Limit: -501, OnDelay: time.Hour}),
			[]span{
				readings(10, -2), readings(6, 3), readings(11, -2), readings(6, 3), readings(10, -2), readings(6, 3), readings(11, -2),
				readings(3, 3),
			},
			map[string]bool{"freeze": false},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRigOf(t, c.spec)
			for _, s := range c.runs {
				r.every(each, s.d, s.celsius)
			}
			for rule, want := range c.want {
				if r.raised(rule) != want {
					t.Errorf("%s in alarm %v, want %v", rule, !want, want)
				}
			}
		})
	}
}

func TestProbeUnpluggedForTenMinutesRaisesNoData(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{ID: "silent", Kind: watch.NoData, Silence: 10 * time.Minute}))
	r.every(time.Minute, 30*time.Minute, 5)
	r.wait(8 * time.Minute)
	r.want()
	r.sample(0, devices.NoData) // a report that there is no value is no value
	r.wait(time.Minute)
	r.want("sensor-quality raise normal>unacked", "silent raise normal>unacked")
}

func TestUSPColdPreset(t *testing.T) {
	for name, c := range map[string]struct {
		runs []span
		want []string
	}{
		"20 h at 5 and 4 h at 15 pass":           {[]span{{20 * time.Hour, 5}, {4 * time.Hour, 15}}, nil},
		"18 h at 5 and 6 h at 14 fail":           {[]span{{18 * time.Hour, 5}, {6 * time.Hour, 14}}, []string{"p.mkt"}},
		"more than 15 is no excursion to be had": {[]span{{23 * time.Hour, 3}, {10 * time.Minute, 15.001}}, []string{"p.hot"}},
		"below 2":                                {[]span{{time.Hour, 2}, {5 * time.Minute, 1.999}}, []string{"p.cold"}},
		"8 is allowed for ever":                  {[]span{{60 * time.Hour, 8}}, nil},
		"above 8 for a day": {
			[]span{{24*time.Hour + 5*time.Minute, 8.001}}, []string{"p.warm", "p.mkt"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := watch.Expand("usp-cct", watch.Rule{ID: "p", Device: "probe", Class: "cold_chain"})
			if err != nil {
				t.Fatal(err)
			}
			r := newRigOf(t, watch.Spec{Rules: rules, Devices: []watch.Device{{ID: "probe"}}})
			for _, s := range c.runs {
				r.every(5*time.Minute, s.d, s.celsius)
			}
			r.sample(c.runs[len(c.runs)-1].celsius, devices.Good) // the end of the last interval
			for _, rule := range rules {
				want := false
				for _, w := range c.want {
					want = want || w == rule.ID
				}
				if r.raised(rule.ID) != want {
					t.Errorf("%s in alarm %v, want %v", rule.ID, !want, want)
				}
			}
		})
	}
}

func TestPresetsSayWhereTheyComeFrom(t *testing.T) {
	for _, p := range watch.Presets() {
		if p.Says == "" || p.Source == "" || len(p.Rules) == 0 {
			t.Errorf("preset %q: %+v", p.Name, p)
		}
	}
	if _, err := watch.Expand("usp-ctt", watch.Rule{}); err == nil {
		t.Error("a preset that there is not was expanded")
	}
}
