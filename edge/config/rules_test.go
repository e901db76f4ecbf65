package config_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/watch"
)

// spec loads a configuration and gives what it watches.
func spec(t *testing.T, file string) watch.Spec {
	t.Helper()
	c, err := config.Load(file, nothing)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := c.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return c.Watch(plan)
}

func TestEveryKeyOfARuleReachesTheMachine(t *testing.T) {
	s := spec(t, "testdata/rules.yaml")
	probe := watch.Rule{Class: "cold_chain", Location: "SZ1-R", Device: "probe-r", Quantity: unit.Temperature, Priority: alarm.High}
	with := func(id string, change func(*watch.Rule)) watch.Rule {
		r := probe
		r.ID = id
		change(&r)
		return r
	}
	want := []watch.Rule{
		with("cct.hot", func(r *watch.Rule) { r.Kind, r.Limit, r.MaxGap = watch.High, 15001, 15*time.Minute }),
		with("cct.warm", func(r *watch.Rule) {
			r.Kind, r.Limit, r.OnDelay, r.MaxGap = watch.High, 8001, 24*time.Hour, 15*time.Minute
		}),
		with("cct.cold", func(r *watch.Rule) { r.Kind, r.Limit, r.MaxGap = watch.Low, 1999, 15*time.Minute }),
		with("cct.mkt", func(r *watch.Rule) {
			r.Kind, r.Limit, r.Window, r.MaxGap = watch.MKT, 8001, 24*time.Hour, 15*time.Minute
		}),
		with("early", func(r *watch.Rule) {
			r.Kind, r.Limit, r.Deadband, r.OnDelay, r.Priority, r.Latch = watch.High, 8000, 500, 5*time.Minute, alarm.Critical, true
			r.Door = &watch.Context{Inputs: []string{"door-r"}, OnDelay: 20 * time.Minute, After: 5 * time.Minute}
			r.Suppress = &watch.Context{Inputs: []string{"defrost-r"}, After: 10 * time.Minute, AtMost: time.Hour}
			r.Recovering = &watch.Recovering{By: 500, Over: 10 * time.Minute}
			r.Escalation = []watch.Level{
				{After: 10 * time.Minute, Notify: "duty"},
				{After: 30 * time.Minute, Every: 15 * time.Minute, Outputs: []string{"siren-yard"}, Notify: "manager"},
			}
		}),
		with("sum", func(r *watch.Rule) {
			r.Kind, r.Limit, r.Cumulative, r.OnDelay, r.Window = watch.High, 10000, true, 20*time.Hour, 720*time.Hour
		}),
		with("fast", func(r *watch.Rule) { r.Kind, r.Limit, r.Span = watch.Rise, 500, 10*time.Minute }),
		with("mkt", func(r *watch.Rule) {
			r.Kind, r.Limit, r.Window, r.Least, r.Heat = watch.MKT, 8001, 24*time.Hour, 6*time.Hour, 100_000
		}),
		with("dead", func(r *watch.Rule) {
			r.Kind, r.Class, r.Span, r.Deadband, r.Peers, r.Priority = watch.Stuck, "device", 12*time.Hour, 50, []string{"node-r"}, alarm.Quality
		}),
	}
	if len(s.Rules) != len(want) {
		t.Fatalf("%d rules, want %d: %+v", len(s.Rules), len(want), s.Rules)
	}
	for i, w := range want {
		if !reflect.DeepEqual(s.Rules[i], w) {
			t.Errorf("rule %s is\n%+v, want\n%+v", w.ID, s.Rules[i], w)
		}
	}
}

func TestWhatRulesReferToReachesTheMachine(t *testing.T) {
	s := spec(t, "testdata/rules.yaml")
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	contacts := []watch.Contact{{Name: "door-r", Device: "pad-qa", Port: 1, ActiveLow: true}}
	outputs := []watch.Output{
		{Name: "siren", While: watch.Unacked, Priority: alarm.Critical},
		{Name: "lamp-r", While: watch.Active, Priority: alarm.Quality, Location: "SZ1-R"},
	}
	calibrations := []watch.Calibration{{
		Device: "probe-r", Quantity: unit.Temperature, From: year(2026), Offset: -300, Certificate: "K-2231", Due: year(2027), DeviceOffset: 100,
	}}
	if !reflect.DeepEqual(s.Contacts, contacts) || !reflect.DeepEqual(s.Outputs, outputs) || !reflect.DeepEqual(s.Calibrations, calibrations) {
		t.Errorf("got %+v %+v %+v", s.Contacts, s.Outputs, s.Calibrations)
	}
}

func TestEveryPresetCanBeConfigured(t *testing.T) {
	for _, p := range watch.Presets() {
		text := "edge: E1\nsite: S\nhub: {broker: \"tcp://127.0.0.1:1883\"}\n" +
			"devices: [{id: p, driver: modbus, model: xy-md02, address: \"serial:/dev/ttyUSB6?baud=9600\"}]\n" +
			"rules: [{id: r, device: p, location: S-R, preset: " + p.Name + "}]\n"
		c, err := config.Parse([]byte(text), nothing)
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		plan, err := c.Plan()
		if err != nil {
			t.Fatal(err)
		}
		rules := c.Watch(plan).Rules
		if len(rules) != len(p.Rules) {
			t.Errorf("%s makes %d rules, want %d", p.Name, len(rules), len(p.Rules))
		}
		for _, r := range rules {
			if r.Location != "S-R" || r.Class != "cold_chain" || r.Priority == 0 || r.Quantity != unit.Temperature {
				t.Errorf("%s: rule %+v", p.Name, r)
			}
		}
	}
}
