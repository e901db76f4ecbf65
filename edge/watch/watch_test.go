package watch_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/watch"
)

var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

func coldRoom() watch.Spec {
	limit := func(id string, k watch.Kind, at unit.Milli) watch.Rule {
		return watch.Rule{
			ID: id, Kind: k, Class: "cold_chain", Location: "R", Device: "probe", Quantity: unit.Temperature, Limit: at,
			Deadband: 500, OnDelay: 5 * time.Minute, OffDelay: 2 * time.Minute, Priority: alarm.Critical,
		}
	}
	return watch.Spec{
		Rules: []watch.Rule{
			limit("high", watch.High, 8000), limit("low", watch.Low, 2000),
			{ID: "silent", Kind: watch.NoData, Class: "cold_chain", Device: "probe", Quantity: unit.Temperature, Silence: 15 * time.Minute, Priority: alarm.High},
		},
		Devices: []watch.Device{{ID: "probe", Location: "R"}},
		Occurrence: func(at time.Time, parts ...string) string {
			return fmt.Sprintf("%s@%d", strings.Join(parts, ":"), at.Sub(start)/time.Second)
		},
	}
}

type rig struct {
	t    testing.TB
	spec watch.Spec
	m    *watch.Machine
	now  time.Time
	got  []wire.Alarm
	said []string
	refs []watch.Refusal
	// other has what is neither.
	other []watch.Event
}

func newRig(t testing.TB) *rig { return newRigOf(t, coldRoom()) }

// newRigOf makes a machine of a spec of which probe is a device, and is up.
func newRigOf(t testing.TB, spec watch.Spec) *rig {
	spec.Occurrence = coldRoom().Occurrence
	r := &rig{t: t, spec: spec, m: watch.New(spec), now: start}
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Up}})
	return r
}

func (r *rig) step(in watch.Input) {
	r.keep(r.m.Step(in, r.now))
}

func (r *rig) keep(events []watch.Event) {
	for _, e := range events {
		if e.Refused != nil {
			r.refs = append(r.refs, *e.Refused)
			continue
		}
		if e.Alarm == nil {
			r.other = append(r.other, e)
			continue
		}
		r.got = append(r.got, *e.Alarm)
		r.said = append(r.said, fmt.Sprintf("%s %s %s>%s", e.Alarm.Rule, e.Alarm.Action, e.Alarm.From, e.Alarm.To))
	}
}

// run gives one value each half minute for d.
func (r *rig) run(d time.Duration, celsius float64) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.sample(celsius, devices.Good)
		r.wait(30 * time.Second)
	}
}

func (r *rig) sample(celsius float64, q devices.Quality) {
	r.step(watch.Input{Sample: &devices.Sample{
		Device: "probe", Quantity: unit.Temperature, Value: unit.Milli(math.Round(celsius * 1000)), Quality: q, HostTime: r.now,
	}})
}

func (r *rig) wait(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(min(10*time.Second, end.Sub(r.now)))
		r.step(watch.Input{})
	}
}

func (r *rig) want(said ...string) {
	r.t.Helper()
	if fmt.Sprint(r.said) != fmt.Sprint(said) {
		r.t.Fatalf("transitions\n got %q\nwant %q", r.said, said)
	}
	r.said = nil
}

func (r *rig) command(id string, c wire.Command) {
	c.ID, c.Actor = id, "li"
	r.step(watch.Input{Command: &c})
}

// restart takes the machine's state to a new one, dark later.
func (r *rig) restart(dark time.Duration) {
	disk := map[string][]byte{}
	r.m.Flush(func(k, v []byte) { disk[string(k)] = v })
	r.m = watch.New(r.spec)
	for k, v := range disk {
		if err := r.m.Load([]byte(k), v); err != nil {
			r.t.Fatal(err)
		}
	}
	r.now = r.now.Add(dark)
	r.keep(r.m.Restarted(r.now))
}

func TestExcursionRaisesIsAcknowledgedAndReturns(t *testing.T) {
	r := newRig(t)
	r.run(10*time.Minute, 5)
	r.run(5*time.Minute, 8) // the limit itself is in alarm
	r.want()
	r.run(30*time.Second, 8)
	r.want("high raise normal>unacked")
	a := r.got[0]
	if a.Value != 8000 || !a.HasLimit || a.Limit != 8000 || a.Reason != "high" || a.Location != "R" || a.Priority != alarm.Critical {
		t.Fatalf("raised %+v", a)
	}
	r.command("c1", wire.Command{Acknowledge: &wire.AlarmAcknowledge{Alarm: a.ID, Comment: "seen"}})
	r.command("c1", wire.Command{Acknowledge: &wire.AlarmAcknowledge{Alarm: a.ID, Comment: "seen"}})
	r.want("high acknowledge unacked>acked")
	if k := r.got[1]; k.Command != "c1" || k.Actor != "li" || k.Comment != "seen" {
		t.Fatalf("acknowledged %+v", k)
	}
	r.run(10*time.Minute, 7.8) // inside the limit, not by the deadband
	r.want()
	r.run(2*time.Minute, 7.5)
	r.want()
	r.run(30*time.Second, 7.5)
	r.want("high return acked>normal")
	if r.got[2].ID != a.ID {
		t.Fatal("the occurrence changed its id")
	}
}

func TestShortDipsRaiseNothing(t *testing.T) {
	r := newRig(t)
	for range 10 {
		r.run(4*time.Minute, 9)
		r.run(time.Minute, 7)
	}
	r.want()
	r.run(6*time.Minute, 1.9)
	r.want("low raise normal>unacked")
}

func TestSentinelRaisesTheSensorsAlarmOnly(t *testing.T) {
	r := newRig(t)
	for range 31 {
		r.sample(85, devices.Sentinel)
		r.wait(30 * time.Second)
	}
	r.want("sensor-quality raise normal>unacked", "silent raise normal>unacked")
	if a := r.got[0]; a.Reason != "sentinel" || a.Class != "device" || a.Priority != alarm.Quality || a.Location != "R" {
		t.Fatalf("raised %+v", a)
	}
	r.sample(5, devices.Good)
	r.want("sensor-quality return unacked>rtn_unacked", "silent return unacked>rtn_unacked")
}

func TestSilentProbeRaisesAndSilenceResolvesNothing(t *testing.T) {
	r := newRig(t)
	r.run(6*time.Minute, 9)
	r.want("high raise normal>unacked")
	r.wait(14 * time.Minute)
	r.want()
	r.wait(time.Minute)
	r.want("silent raise normal>unacked")
	r.wait(48 * time.Hour)
	r.want()
	r.sample(5, devices.Good)
	r.want("silent return unacked>rtn_unacked") // one good value is no proof that the excursion is over
}

func TestGapCountsForNeitherDelay(t *testing.T) {
	r := newRig(t)
	r.run(3*time.Minute, 9)
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Down}})
	r.wait(50 * time.Second)
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Up}})
	r.wait(9 * time.Minute)
	r.sample(9, devices.Good)
	r.want()
	r.run(3*time.Minute, 9)
	r.want("high raise normal>unacked")
}

func TestDeviceThatStaysDownRaises(t *testing.T) {
	r := newRig(t)
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Down}})
	r.wait(50 * time.Second)
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Down}})
	r.want()
	r.wait(10 * time.Second)
	r.want("device-down raise normal>unacked")
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Degraded}})
	r.want("device-down return unacked>rtn_unacked")
}

func TestShelvedAlarmIsJudgedAndComesBack(t *testing.T) {
	r := newRig(t)
	r.run(6*time.Minute, 9)
	id := r.got[0].ID
	r.command("c1", wire.Command{Shelve: &wire.AlarmShelve{Alarm: id, Until: r.now.Add(time.Hour), Reason: "defrost"}})
	r.want("high raise normal>unacked", "high shelve unacked>shelved")
	if a := r.got[1]; !a.ShelvedUntil.Equal(r.now.Add(time.Hour)) || a.Comment != "defrost" {
		t.Fatalf("shelved %+v", a)
	}
	r.run(59*time.Minute, 9)
	r.want()
	r.run(2*time.Minute, 9)
	r.want("high unshelve shelved>unacked")
}

func TestRestartKeepsAlarmsAndEvidence(t *testing.T) {
	r := newRig(t)
	r.run(3*time.Minute, 9)
	r.restart(3 * time.Hour)
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Up}})
	r.run(2*time.Minute, 9)
	r.want() // the dark time was no evidence, the minutes before and after it are
	r.run(time.Minute, 9)
	r.want("high raise normal>unacked")
	r.restart(24 * time.Hour)
	r.step(watch.Input{Health: &devices.Health{Device: "probe", State: devices.Up}})
	r.wait(10 * time.Minute)
	r.want()
	if s := r.m.Standing(); len(s) != 1 || s[0].State != alarm.Unacked || s[0].Rule != "high" || s[0].Limit != 8000 {
		t.Fatalf("standing %+v", s)
	}
	r.command("c9", wire.Command{Acknowledge: &wire.AlarmAcknowledge{Alarm: r.got[0].ID}})
	r.want("high acknowledge unacked>acked")
}

func TestCommandForAnUnknownAlarmIsRefused(t *testing.T) {
	r := newRig(t)
	r.command("c1", wire.Command{Acknowledge: &wire.AlarmAcknowledge{Alarm: "gone"}})
	r.want()
	if len(r.refs) != 1 || r.refs[0].Command != "c1" {
		t.Fatalf("refused %+v", r.refs)
	}
	r.run(6*time.Minute, 9)
	id := r.got[0].ID
	r.command("c2", wire.Command{Unshelve: &wire.AlarmUnshelve{Alarm: id}})
	r.want("high raise normal>unacked", "high unshelve unacked>unacked") // the answer changes nothing but names the command
}

func TestOwnConditionsAreAlarms(t *testing.T) {
	r := newRig(t)
	c := &watch.Condition{Rule: "gateway-low-space", Source: "E1", Class: "store", Reason: "low_space", Priority: 2, Active: false}
	r.step(watch.Input{Condition: c})
	c.Active = true
	r.step(watch.Input{Condition: c})
	r.step(watch.Input{Condition: c})
	r.want("gateway-low-space raise normal>unacked")
	r.restart(time.Minute)
	r.want()
	c.Active = false
	r.step(watch.Input{Condition: c})
	r.want("gateway-low-space return unacked>rtn_unacked")
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("w/high\x00probe"), []byte(`{"v":1,"state":2,"active":true,"id":"x","priority":1}`))
	f.Fuzz(func(t *testing.T, k, v []byte) {
		m := watch.New(coldRoom())
		_ = m.Load(k, v)
		m.Restarted(start)
		m.Step(watch.Input{Sample: &devices.Sample{Device: "probe", Quantity: unit.Temperature, HostTime: start}}, start)
		m.Step(watch.Input{}, start.Add(time.Hour))
		m.Flush(func(_, _ []byte) {})
	})
}
