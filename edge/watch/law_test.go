package watch_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/watch"
)

// everything is a spec with a rule of each kind.
func everything() watch.Spec {
	esc := []watch.Level{{After: 10 * time.Minute, Every: 20 * time.Minute, Outputs: []string{"relay"}, Notify: "duty"}}
	spec := coldRoomOf(
		watch.Rule{
			ID: "high", Kind: watch.High, Limit: 8000, Deadband: 500, OnDelay: 10 * time.Minute, OffDelay: 5 * time.Minute,
			Door: &watch.Context{Inputs: []string{"door"}, OnDelay: 30 * time.Minute, After: 10 * time.Minute}, Escalation: esc,
			Recovering: &watch.Recovering{By: 1000, Over: 10 * time.Minute}, Latch: true,
		},
		watch.Rule{ID: "low", Kind: watch.Low, Limit: 2000, Suppress: &watch.Context{Inputs: []string{"defrost"}, AtMost: time.Hour}, Escalation: esc},
		watch.Rule{ID: "sum", Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: time.Hour, Window: 5 * time.Hour},
		watch.Rule{ID: "ever", Kind: watch.High, Limit: 10000, Cumulative: true, OnDelay: 90 * time.Minute},
		watch.Rule{ID: "mkt", Kind: watch.MKT, Limit: 7500, Window: 6 * time.Hour, Deadband: 200, Least: 2 * time.Hour},
		watch.Rule{ID: "rise", Kind: watch.Rise, Limit: 300, Span: 20 * time.Minute},
		watch.Rule{ID: "stuck", Kind: watch.Stuck, Span: 15 * time.Minute, Deadband: 1500},
		watch.Rule{ID: "silent", Kind: watch.NoData, Silence: 30 * time.Minute},
	)
	spec.Outputs = []watch.Output{{Name: "siren", While: watch.Unacked, Priority: alarm.Quality}}
	spec.Calibrations = []watch.Calibration{{Device: "probe", Quantity: unit.Temperature, From: start.Add(time.Hour), Offset: -300, Certificate: "K"}}
	spec.Occurrence = coldRoom().Occurrence
	return spec
}

// turn is one thing that happens, at a time after the one before.
type turn struct {
	after time.Duration
	in    func(now time.Time) watch.Input
}

func sampleAt(v unit.Milli, q devices.Quality, late time.Duration, historical bool) func(time.Time) watch.Input {
	return func(now time.Time) watch.Input {
		s := devices.Sample{
			Device: "probe", Quantity: unit.Temperature, Value: v, Quality: q, HostTime: now.Add(-late), Historical: historical,
		}
		if historical {
			s.DeviceTime = s.HostTime
		}
		return watch.Input{Sample: &s}
	}
}

// turns draws a story of a cold room.
func turns(t *rapid.T) []turn {
	v := unit.Milli(5000)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) turn {
		out := turn{after: time.Duration(rapid.IntRange(0, 300).Draw(t, "after")) * time.Second}
		switch rapid.IntRange(0, 19).Draw(t, "what") {
		case 0:
			name, on := rapid.SampledFrom([]string{"door", "defrost"}).Draw(t, "input"), rapid.Bool().Draw(t, "on")
			out.in = func(time.Time) watch.Input { return watch.Input{Switch: &watch.Switch{Name: name, On: on}} }
		case 1:
			state := rapid.SampledFrom([]devices.HealthState{devices.Up, devices.Down}).Draw(t, "state")
			out.in = func(time.Time) watch.Input {
				return watch.Input{Health: &devices.Health{Device: "probe", State: state}}
			}
		case 2:
			rule := rapid.SampledFrom([]string{"high", "low", "sum", "ever", "mkt", "silent"}).Draw(t, "rule")
			do := rapid.SampledFrom([]alarm.Action{
				alarm.Acknowledge, alarm.Shelve, alarm.Unshelve, alarm.RemoveFromService, alarm.ReturnToService, alarm.Reset, watch.ResetSum,
			}).Draw(t, "do")
			out.in = func(now time.Time) watch.Input {
				return watch.Input{Local: &watch.Local{Do: do, Rule: rule, Source: "probe", Actor: "li", Reason: "r", Until: now.Add(time.Hour)}}
			}
		case 3:
			n, to := rapid.IntRange(1, 5).Draw(t, "tag"), rapid.SampledFrom([]string{"R", "A"}).Draw(t, "to")
			out.in = func(now time.Time) watch.Input {
				id, _ := devices.NewTag(devices.TagEPC, []byte{byte(n)})
				return watch.Input{Movement: &wire.Movement{Tag: id, To: to, EventTime: now}}
			}
		case 4:
			out.after = time.Duration(rapid.IntRange(0, 180).Draw(t, "gap")) * time.Minute
			out.in = func(time.Time) watch.Input { return watch.Input{} }
		case 5, 6:
			late := time.Duration(rapid.IntRange(0, 240).Draw(t, "late")) * time.Minute
			out.in = sampleAt(unit.Milli(rapid.IntRange(0, 14000).Draw(t, "old")), devices.Good, late, rapid.Bool().Draw(t, "historical"))
		case 7:
			out.in = sampleAt(85000, rapid.SampledFrom([]devices.Quality{devices.Sentinel, devices.NoData, devices.Stuck}).Draw(t, "quality"), 0, false)
		case 8:
			out.in = func(time.Time) watch.Input { return watch.Input{} }
		default:
			v = max(-5000, min(15000, v+unit.Milli(rapid.IntRange(-1500, 1500).Draw(t, "step"))))
			out.in = sampleAt(v, devices.Good, 0, false)
		}
		return out
	}), 20, 150).Draw(t, "turns")
}

// tell writes events so that they can be compared.
func tell(events []watch.Event) []string {
	var out []string
	for _, e := range events {
		if e.Refused != nil {
			out = append(out, "refused "+e.Refused.Err.Error())
			continue
		}
		b, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		out = append(out, string(b))
	}
	slices.Sort(out) // alarms of one step come in no particular order
	return out
}

// disk is a store that keeps what Flush gives, as the real one does.
type disk map[string][]byte

func (d disk) keep(m *watch.Machine) {
	m.Flush(func(k, v []byte) { d[string(k)] = slices.Clone(v) })
}

func (d disk) load(t *rapid.T, m *watch.Machine) {
	for k, v := range d {
		if err := m.Load([]byte(k), v); err != nil {
			t.Fatalf("%v", err)
		}
	}
}

// Whenever the program is restarted, what it decides afterwards is what it would have decided without; drivers tell anew
// then that devices are up.
func TestRestartChangesNoLaterEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		story := turns(t)
		restarts := rapid.SliceOfN(rapid.IntRange(0, len(story)-1), 1, 4).Draw(t, "restarts")
		kept, through := disk{}, watch.New(everything())
		broken := watch.New(everything())
		now, health := start, &devices.Health{Device: "probe", State: devices.Up}
		through.Restarted(now)
		broken.Restarted(now)
		for i, s := range story {
			now = now.Add(s.after)
			in := s.in(now)
			if slices.Contains(restarts, i) {
				through.Step(watch.Input{}, now) // it ran until now
				broken.Step(watch.Input{}, now)
				kept.keep(broken)
				broken = watch.New(everything())
				kept.load(t, broken)
				broken.Restarted(now)
				broken.Step(watch.Input{Health: health}, now)
				through.Step(watch.Input{Health: health}, now)
			}
			want, got := tell(through.Step(in, now)), tell(broken.Step(in, now))
			if !slices.Equal(want, got) {
				t.Fatalf("turn %d at %s: after a restart\n%q\nwithout\n%q", i, now, got, want)
			}
			kept.keep(broken)
		}
		if a, b := fmt.Sprint(through.Sums()), fmt.Sprint(broken.Sums()); a != b {
			t.Fatalf("sums after a restart\n%s without\n%s", b, a)
		}
		a, b := through.Metrics(), broken.Metrics()
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("metrics after a restart\n%+v without\n%+v", b, a)
		}
	})
}

// However long nothing is heard, and whatever else happens meanwhile, no alarm about a value returns.
func TestSilenceNeverReturnsAnAlarm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, now := watch.New(everything()), start
		step := func(s turn) {
			now = now.Add(s.after)
			in := s.in(now)
			silent := in.Sample == nil || !in.Sample.Quality.Measured() || in.Sample.Historical
			for _, e := range m.Step(in, now) {
				a := e.Alarm
				if a != nil && a.Action == alarm.Return && silent && in.Local == nil && a.Rule != watch.DeviceDown {
					t.Fatalf("%s returned without a value: %+v", a.Rule, in)
				}
			}
		}
		for _, s := range turns(t) {
			step(s)
		}
	})
}

// A sample that comes again, at once or later, changes nothing that is decided.
func TestRepeatedSamplesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once, twice, now := watch.New(everything()), watch.New(everything()), start
		var before *devices.Sample
		var newest time.Time
		for i, s := range turns(t) {
			now = now.Add(s.after)
			in := s.in(now)
			want := tell(once.Step(in, now))
			got := tell(twice.Step(in, now))
			if in.Sample != nil && !in.Sample.Historical && in.Sample.HostTime.After(newest) {
				newest = in.Sample.HostTime
			}
			if in.Sample != nil && in.Sample.Quality.Measured() {
				again := *in.Sample
				got = append(got, tell(twice.Step(watch.Input{Sample: &again}, now))...)
				if before != nil && older(before, &again) && newest.Sub(before.HostTime) <= time.Minute && rapid.Bool().Draw(t, "the one before too") {
					got = append(got, tell(twice.Step(watch.Input{Sample: before}, now))...)
				}
				before = &again
			}
			if in.Sample != nil {
				t.Logf("turn %d at %s: %+v", i, now, in.Sample)
			}
			if !slices.Equal(want, got) {
				t.Fatalf("turn %d: with repeats\n%q\nwithout\n%q", i, got, want)
			}
		}
	})
}

// older tells whether a live sample came just before another.
func older(a, b *devices.Sample) bool {
	by := b.HostTime.Sub(a.HostTime)
	return !a.Historical && !b.Historical && by > 0 && by <= time.Minute
}

func TestTheLimitItselfIsInAlarm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := unit.Milli(rapid.IntRange(-50000, 50000).Draw(t, "limit"))
		kind := rapid.SampledFrom([]watch.Kind{watch.High, watch.Low}).Draw(t, "kind")
		inside := limit - 1
		if kind == watch.Low {
			inside = limit + 1
		}
		spec := one(watch.Rule{Kind: kind, Limit: limit})
		spec.Occurrence = coldRoom().Occurrence
		m := watch.New(spec)
		at := func(v unit.Milli, after time.Duration) int {
			now := start.Add(after)
			return len(m.Step(sampleAt(v, devices.Good, 0, false)(now), now))
		}
		if at(inside, 0) != 0 || at(limit, time.Second) != 1 || at(inside, 2*time.Second) != 1 {
			t.Fatalf("limit %s is not the first value in alarm", limit)
		}
	})
}

// Whatever lies in the store, loading it does not end the program.
func FuzzLoadAnything(f *testing.F) {
	r := newRigOf(f, everything())
	r.run(3*time.Hour, 9)
	r.move(1, "A", "R")
	r.run(time.Hour, 1)
	r.move(1, "R", "A")
	r.run(time.Hour, 5)
	r.m.Flush(func(k, v []byte) { f.Add(k, v) })
	f.Fuzz(func(_ *testing.T, k, v []byte) {
		m := watch.New(everything())
		_ = m.Load(k, v)
		m.Restarted(start)
		for i := range 5 {
			now := start.Add(time.Duration(i) * 10 * time.Minute)
			m.Step(sampleAt(unit.Milli(3000*i), devices.Good, 0, false)(now), now)
			m.Step(sampleAt(unit.Milli(3000*i), devices.Good, time.Hour, true)(now), now)
			m.Step(watch.Input{}, now)
		}
		id, _ := devices.NewTag(devices.TagEPC, []byte{1})
		m.Step(watch.Input{Movement: &wire.Movement{Tag: id, To: "R", EventTime: start}}, start)
		m.Step(watch.Input{Movement: &wire.Movement{Tag: id, To: "A", EventTime: start}}, start)
		for _, rule := range []string{"sum", "high"} {
			m.Step(watch.Input{Local: &watch.Local{Do: watch.ResetSum, Rule: rule, Source: "probe", Actor: "li", Reason: "r"}}, start)
		}
		m.Metrics()
		m.Standing()
		m.Excursions("R")
		m.Flush(func(_, _ []byte) {})
	})
}

func TestStateOfTheFirstVersionIsTakenBack(t *testing.T) {
	r := newRig(t)
	old := `{"v":1,"state":2,"active":true,"id":"o-1","reason":"high","class":"cold_chain","location":"R","device":"probe",` +
		`"priority":1,"quantity":1,"value":9000,"limit":8000,"on":300000000000,"side":1,"last":1767600000000000}`
	if err := r.m.Load([]byte("w/high\x00probe"), []byte(old)); err != nil {
		t.Fatal(err)
	}
	r.keep(r.m.Restarted(r.now))
	if s := r.m.Standing(); len(s) != 1 || s[0].ID != "o-1" || s[0].State != alarm.Unacked || s[0].Value != 9000 || s[0].Limit != 8000 {
		t.Fatalf("standing %+v", s)
	}
	r.run(3*time.Minute, 5)
	r.want("high return unacked>rtn_unacked")
	for _, bad := range []string{`{"v":3,"state":2}`, `{"v":2,"state":9}`, `{`} {
		if err := r.m.Load([]byte("w/high\x00probe"), []byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	for _, key := range []string{"w/high", "w/\x00z/x", "w/\x00s/probe", "w/\x00r/t9999\x00R", "w/\x00w/1/x"} {
		if err := r.m.Load([]byte(key), []byte(`{}`)); err == nil {
			t.Errorf("key %q was taken", key)
		}
	}
}
