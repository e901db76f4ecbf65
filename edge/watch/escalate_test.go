package watch_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/watch"
)

// told gives what the machine said of escalations and outputs since the last call, a sentence each.
func (r *rig) told() []string {
	var out []string
	for _, e := range r.other {
		switch {
		case e.Escalation != nil:
			out = append(out, fmt.Sprintf("%s level %d %s %d", e.Escalation.Rule, e.Escalation.Level, e.Escalation.Notify, e.Escalation.Repeat))
		case e.Output != nil:
			out = append(out, fmt.Sprintf("%s %v", e.Output.Name, e.Output.On))
		}
	}
	r.other, r.said = nil, nil
	return out
}

func (r *rig) tells(want ...string) {
	r.t.Helper()
	if got := r.told(); !slices.Equal(got, want) {
		r.t.Fatalf("told\n got %q\nwant %q", got, want)
	}
}

func loud() watch.Spec {
	rule := hot()
	rule.Escalation = []watch.Level{
		{After: 0, Notify: "duty"},
		{After: 10 * time.Minute, Notify: "manager", Outputs: []string{"relay"}},
		{After: 30 * time.Minute, Every: 15 * time.Minute, Notify: "director"},
	}
	spec := one(rule, watch.Rule{ID: "warm", Kind: watch.High, Limit: 7000, Priority: alarm.Medium, OnDelay: time.Hour})
	spec.Outputs = []watch.Output{
		{Name: "siren", While: watch.Unacked, Priority: alarm.Critical},
		{Name: "lamp", While: watch.Active, Priority: alarm.Quality},
		{Name: "horn", While: watch.ActiveUnacked, Priority: alarm.Critical, Location: "elsewhere"},
	}
	return spec
}

func TestEscalationClimbsUntilSomebodyAnswers(t *testing.T) {
	r := newRigOf(t, loud())
	r.run(5*time.Minute+30*time.Second, 9)
	r.tells("hot level 1 duty 0", "siren true", "lamp true")
	r.run(9*time.Minute, 9)
	r.tells()
	r.run(time.Minute, 9)
	r.tells("hot level 2 manager 0", "relay true")
	r.run(20*time.Minute, 9)
	r.tells("hot level 3 director 0")
	r.run(31*time.Minute, 9)
	r.tells("hot level 3 director 1", "hot level 3 director 2")
	r.person(alarm.Acknowledge)
	r.tells("siren false", "relay false")
	r.run(2*time.Hour, 9) // warm is raised too: nothing new for the lamp
	r.tells()
	r.run(time.Minute, 5)
	r.tells("lamp false")
}

func TestEscalationSurvivesARestart(t *testing.T) {
	r := newRigOf(t, loud())
	r.run(8*time.Minute, 9)
	r.told()
	r.restart(4 * time.Minute)
	r.tells("siren true", "lamp true", "horn false", "relay false") // the outputs are told as they are to be
	r.wait(2 * time.Minute)
	r.tells()
	r.wait(2 * time.Minute)
	r.tells("hot level 2 manager 0", "relay true")
}

func TestShelvingAndReturnEndAnEscalation(t *testing.T) {
	for _, end := range []func(*rig){
		func(r *rig) { r.person(alarm.Shelve) },
		func(r *rig) { r.person(alarm.RemoveFromService) },
	} {
		r := newRigOf(t, loud())
		r.run(6*time.Minute, 9)
		r.told()
		end(r)
		r.tells("siren false", "lamp false")
		r.run(40*time.Minute, 9)
		r.tells()
	}
	r := newRigOf(t, loud())
	r.run(6*time.Minute, 9)
	r.told()
	r.run(time.Minute, 5)
	r.tells("lamp false") // nobody has answered yet: the siren stays
	r.run(time.Hour, 5)
	r.tells()
	r.person(alarm.Acknowledge)
	r.tells("siren false")
}

func TestWhatRecoversIsRaisedAndNotEscalated(t *testing.T) {
	spec := loud()
	spec.Rules[0].Recovering = &watch.Recovering{By: 500, Over: 5 * time.Minute, AtMost: 12 * time.Minute}
	r := newRigOf(t, spec)
	r.run(7*time.Minute, 14)
	r.tells("hot level 1 duty 0", "siren true", "lamp true") // it is an alarm as ever
	v := 14.0
	cool := func(d time.Duration) {
		for end := r.now.Add(d); r.now.Before(end); r.wait(30 * time.Second) {
			v -= 0.1
			r.sample(v, devices.Good)
		}
	}
	cool(12 * time.Minute)
	r.tells()
	if s := r.m.Standing()[0]; !s.Recovering {
		t.Fatal("it is not seen to recover")
	}
	r.run(10*time.Minute, v) // it has stopped at 11.6
	r.tells("hot level 2 manager 0", "relay true")
	if s := r.m.Standing()[0]; s.Recovering {
		t.Fatal("it is taken to recover still")
	}
	// One that recovers too slowly does not wait for ever.
	r = newRigOf(t, spec)
	r.run(7*time.Minute, 18)
	r.told()
	v = 18
	cool(19 * time.Minute)
	r.tells()
	cool(5 * time.Minute)
	r.tells("hot level 2 manager 0", "relay true")
}

func TestLatchedAlarmNeedsAReset(t *testing.T) {
	rule := hot()
	rule.Latch = true
	r := newRigOf(t, one(rule))
	r.run(6*time.Minute, 9)
	r.run(time.Minute, 5)
	r.person(alarm.Acknowledge)
	r.said = nil
	r.restart(time.Hour)
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Up}})
	r.run(time.Hour, 5)
	r.want()
	r.person(alarm.Reset)
	r.want("hot reset latched>normal")
}

func TestMetrics(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{ID: "hot", Kind: watch.High, Limit: 8000}))
	flap := func(n int, each time.Duration) {
		for range n {
			r.sample(9, devices.Good)
			r.wait(each / 2)
			r.sample(5, devices.Good)
			r.wait(each / 2)
		}
	}
	flap(4, 2*time.Minute)
	x := r.m.Metrics()
	if x.AlarmCount != 4 || x.CurrentAlarmRate != 4 || x.MaximumAlarmRate != 4 || x.Flood || x.MaximumReAlarmCount != 3 ||
		x.MaximumActiveState != time.Minute || x.MaximumUnAck != 8*time.Minute || len(x.Chattering) != 0 || !x.StartTime.Equal(start) {
		t.Fatalf("after four: %+v", x)
	}
	flap(6, 20*time.Second)
	x = r.m.Metrics()
	if !x.Flood || x.Floods != 1 || x.CurrentAlarmRate != 9 || x.MaximumAlarmRate != 10 || !slices.Equal(x.Chattering, []string{"hot probe"}) {
		t.Fatalf("after ten, the first ten minutes ago: %+v", x)
	}
	r.restart(0)
	if y := r.m.Metrics(); y.AlarmCount != x.AlarmCount || y.MaximumAlarmRate != 10 || !y.Flood || len(y.Chattering) != 1 {
		t.Fatalf("after a restart: %+v", y)
	}
	r.wait(11 * time.Minute)
	x = r.m.Metrics()
	if x.Flood || x.CurrentAlarmRate != 1 || x.MaximumAlarmRate != 10 || x.FloodTime < 7*time.Minute || x.FloodTime > 11*time.Minute || len(x.Chattering) != 0 {
		t.Fatalf("when it is over: %+v", x) // the one is device-down: nobody said it is up after the restart
	}
	if want := float64(x.AlarmCount) / (float64(r.now.Sub(start)) / float64(10*time.Minute)); x.AverageAlarmRate < want*0.98 || x.AverageAlarmRate > want*1.02 {
		t.Errorf("average %f, want %f", x.AverageAlarmRate, want)
	}
	r.sample(9, devices.Good)
	r.wait(24*time.Hour + time.Minute)
	if x = r.m.Metrics(); len(x.Stale) != 2 || x.MaximumActiveState < 24*time.Hour {
		t.Errorf("after a day: %+v", x)
	}
}

func tag(t testing.TB, n int) devices.Tag {
	id, err := devices.NewTag(devices.TagEPC, []byte{0x30, byte(n >> 16), byte(n >> 8), byte(n)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func celsius(v float64) unit.Milli { return unit.Milli(v * 1000) }
