package watch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/watch"
)

func hot() watch.Rule {
	return watch.Rule{ID: "hot", Kind: watch.High, Limit: 8000, Deadband: 500, OnDelay: 5 * time.Minute, Priority: alarm.Critical}
}

func (r *rig) turn(name string, on bool) {
	r.step(watch.Input{Switch: &watch.Switch{Name: name, On: on}})
}

func TestOpenDoorProlongsTheDelay(t *testing.T) {
	rule := hot()
	rule.Door = &watch.Context{Inputs: []string{"door"}, OnDelay: 20 * time.Minute, After: 10 * time.Minute}
	spec := one(rule)
	spec.Contacts = []watch.Contact{{Name: "door", Device: "io", Port: 2, ActiveLow: true}}
	spec.Devices = append(spec.Devices, watch.Device{ID: "io"})
	door := func(r *rig, open bool) {
		r.step(watch.Input{GPI: &devices.GPI{Device: "io", Port: 2, High: !open, HostTime: r.now}})
	}
	for name, c := range map[string]struct {
		do   func(*rig)
		want []string
	}{
		"it stays open for 20 minutes": {func(r *rig) {
			r.run(20*time.Minute, 9)
			r.want()
			r.run(30*time.Second, 9)
		}, []string{"hot raise normal>unacked"}},
		"10 minutes after it was closed the short delay holds": {func(r *rig) {
			r.run(5*time.Minute, 9)
			door(r, false)
			r.run(9*time.Minute+30*time.Second, 9)
			r.want()
			r.run(time.Minute, 9)
		}, []string{"hot raise normal>unacked"}},
		"a contact that is lost counts as closed": {func(r *rig) {
			r.run(6*time.Minute, 9)
			r.want()
			r.step(watch.Input{Health: &devices.Health{Device: "io", State: devices.Down}})
			r.run(30*time.Second, 9)
		}, []string{"hot raise normal>unacked"}},
		"other ports are nothing to it": {func(r *rig) {
			r.step(watch.Input{GPI: &devices.GPI{Device: "io", Port: 1, High: true}})
			r.run(19*time.Minute, 9)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigOf(t, spec)
			r.step(watch.Input{Health: &devices.Health{Device: "io", State: devices.Up}})
			door(r, true)
			c.do(r)
			r.want(c.want...)
		})
	}
}

func TestSuppressedByDesignHidesAndStillJudges(t *testing.T) {
	rule := hot()
	rule.Suppress = &watch.Context{Inputs: []string{"defrost"}, After: 5 * time.Minute, AtMost: time.Hour}
	r := newRigOf(t, one(rule))
	r.turn("defrost", true)
	r.want() // nothing stands: there is nothing to hide
	r.run(6*time.Minute, 9)
	r.want("hot suppress normal>suppressed", "hot raise suppressed>suppressed")
	if c := r.got[0].Comment; c != "input defrost" {
		t.Errorf("suppressed because of %q", c)
	}
	r.turn("defrost", false)
	r.run(4*time.Minute, 9)
	r.want()
	r.run(2*time.Minute, 9)
	r.want("hot unsuppress suppressed>unacked")
	r.turn("defrost", true)
	r.want("hot suppress unacked>suppressed")
	r.run(time.Minute, 5)
	r.want("hot return suppressed>suppressed")
	r.turn("defrost", false)
	r.run(6*time.Minute, 5)
	r.want("hot unsuppress suppressed>normal")
	r.turn("defrost", true)
	r.run(65*time.Minute, 9) // an input that stays on does not hide for ever
	r.want("hot suppress normal>suppressed", "hot raise suppressed>suppressed", "hot unsuppress suppressed>unacked")
	r.turn("nonsense", true)
	if len(r.refs) != 1 || !strings.Contains(r.refs[0].Err.Error(), "nonsense") {
		t.Errorf("an input that nobody names: %+v", r.refs)
	}
}

func TestSuppressionSurvivesARestart(t *testing.T) {
	rule := hot()
	rule.Suppress = &watch.Context{Inputs: []string{"defrost"}}
	r := newRigOf(t, one(rule))
	r.turn("defrost", true)
	r.run(6*time.Minute, 9)
	r.said = nil
	r.restart(time.Minute)
	r.wait(time.Minute)
	r.want()
	r.turn("defrost", false)
	r.want("hot unsuppress suppressed>unacked")
}

func TestGapIsNoEvidenceForReturning(t *testing.T) {
	rule := hot()
	rule.OffDelay = 30 * time.Minute
	r := newRigOf(t, one(rule))
	r.run(6*time.Minute, 9)
	r.want("hot raise normal>unacked")
	for range 10 { // ten values inside, hours apart
		r.now = r.now.Add(3 * time.Hour)
		r.sample(5, devices.Good)
	}
	r.want()
	r.now = r.now.Add(30 * time.Second)
	r.run(30*time.Minute, 5)
	r.want("hot return unacked>rtn_unacked")
}

func TestRateOfChange(t *testing.T) {
	rise := watch.Rule{ID: "rise", Kind: watch.Rise, Limit: 500, Span: 10 * time.Minute, Deadband: 100}
	fall := watch.Rule{ID: "fall", Kind: watch.Fall, Limit: 500, Span: 10 * time.Minute}
	for name, c := range map[string]struct {
		perMinute float64
		want      []string
	}{
		"0.5 a minute is in alarm":   {0.5, []string{"rise raise normal>unacked", "rise return unacked>rtn_unacked"}},
		"0.49 is not":                {0.49, nil},
		"falling by 0.5":             {-0.5, []string{"fall raise normal>unacked", "fall return unacked>rtn_unacked"}},
		"a value that does not move": {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigOf(t, one(rise, fall))
			v := 5.0
			for range 40 { // 20 minutes
				r.sample(v, devices.Good)
				v += c.perMinute / 2
				r.wait(30 * time.Second)
			}
			r.run(15*time.Minute, v)
			r.want(c.want...)
		})
	}
	r := newRigOf(t, one(rise))
	r.run(15*time.Minute, 5)
	r.now = r.now.Add(20 * time.Minute)
	r.run(15*time.Minute, 25) // a step across a gap is no rate
	r.want()
}

func TestStuckProbe(t *testing.T) {
	stuck := watch.Rule{ID: "stuck", Kind: watch.Stuck, Span: 6 * time.Hour, Deadband: 50, Peers: []string{"other"}, Priority: alarm.Quality}
	spec := one(stuck, hot())
	spec.Rules = append(spec.Rules, watch.Rule{
		ID: "other", Kind: watch.High, Device: "other", Quantity: unit.Temperature, Limit: 100_000, Priority: alarm.Medium,
	})
	both := func(r *rig, d time.Duration, celsius float64, other unit.Milli) {
		for end := r.now.Add(d); r.now.Before(end); r.wait(5 * time.Minute) {
			r.sample(celsius, devices.Good)
			r.step(watch.Input{Sample: &devices.Sample{Device: "other", Quantity: unit.Temperature, Value: other, HostTime: r.now}})
		}
	}
	r := newRigOf(t, spec)
	both(r, 8*time.Hour, 5, 4000)
	r.want() // the other one stands too: the room is quiet
	both(r, time.Hour, 5, 4200)
	r.want("stuck raise normal>unacked")
	if s, _ := r.m.Corrected(devices.Sample{Device: "probe", Quantity: unit.Temperature, Value: 5000}); s.Quality != devices.Stuck {
		t.Errorf("a stuck probe's value is %s", s.Quality)
	}
	both(r, 10*time.Minute, 5.1, 4200)
	r.want("stuck return unacked>rtn_unacked")
}

func TestStuckValueIsNoProofOfBeingBack(t *testing.T) {
	r := newRigOf(t, one(hot()))
	r.run(6*time.Minute, 9)
	r.want("hot raise normal>unacked")
	for range 20 {
		r.sample(5, devices.Stuck)
		r.wait(30 * time.Second)
	}
	r.want("sensor-quality raise normal>unacked")
	r.run(30*time.Second, 5)
	r.want("sensor-quality return unacked>rtn_unacked", "hot return unacked>rtn_unacked")
	if a := r.got[1]; a.Reason != "stuck" {
		t.Errorf("reason %q", a.Reason)
	}
}

func TestSamplesAreJudgedWithTheOffsetOfTheirTime(t *testing.T) {
	spec := one(watch.Rule{ID: "hot", Kind: watch.High, Limit: 8000})
	cal := func(from time.Duration, offset unit.Milli, certificate string) watch.Calibration {
		return watch.Calibration{Device: "probe", Quantity: unit.Temperature, From: start.Add(from), Offset: offset, Certificate: certificate}
	}
	spec.Calibrations = []watch.Calibration{cal(time.Hour, 400, "K-2"), cal(0, -300, "K-1")}
	r := newRigOf(t, spec)
	r.sample(8.2, devices.Good)
	r.want()
	r.sample(8.3, devices.Good)
	r.want("hot raise normal>unacked")
	if a := r.got[0]; a.Value != 8000 || a.Comment != "corrected by -0.3 °C, certificate K-1" {
		t.Errorf("raised %+v", a)
	}
	if s := r.m.Standing()[0]; s.Calibration.Certificate != "K-1" {
		t.Errorf("standing %+v", s)
	}
	r.now = start.Add(time.Hour)
	r.sample(7.6, devices.Good)
	if s := r.m.Standing()[0]; s.Value != 8000 || s.Calibration.Certificate != "K-2" {
		t.Errorf("standing %+v", s)
	}
	for _, c := range []struct {
		at   time.Duration
		want unit.Milli
	}{{-time.Hour, 5000}, {30 * time.Minute, 4700}, {2 * time.Hour, 5400}} {
		s := devices.Sample{Device: "probe", Quantity: unit.Temperature, Value: 5000, HostTime: start.Add(c.at)}
		if got, _ := r.m.Corrected(s); got.Value != c.want {
			t.Errorf("at %s it is %s, want %s", c.at, got.Value, c.want)
		}
	}
	sentinel := devices.Sample{Device: "probe", Quantity: unit.Temperature, Value: 85000, Quality: devices.Sentinel, HostTime: start}
	if got, c := r.m.Corrected(sentinel); got.Value != 85000 || c.Certificate != "" {
		t.Errorf("a code of the probe was corrected to %s", got.Value)
	}
}

func TestHiddenSecondCalibrationRaises(t *testing.T) {
	spec := one(hot())
	spec.Calibrations = []watch.Calibration{{
		Device: "probe", Quantity: unit.Temperature, From: start, Offset: -300, Certificate: "K-1", DeviceOffset: 100,
		Due: start.Add(24 * time.Hour),
	}}
	r := newRigOf(t, spec)
	told := func(v unit.Milli) {
		r.step(watch.Input{Correction: &watch.Correction{Device: "probe", Quantity: unit.Temperature, Offset: v}})
	}
	told(100)
	r.want()
	told(0)
	r.want("sensor-calibration raise normal>unacked")
	if a := r.got[0]; a.Reason != "device_offset" || a.Value != 0 || a.Limit != 100 || a.Priority != alarm.Quality {
		t.Errorf("raised %+v", a)
	}
	told(100)
	r.want("sensor-calibration return unacked>rtn_unacked")
	r.now = start.Add(24 * time.Hour)
	r.step(watch.Input{})
	r.want("calibration-due raise normal>unacked")
}

func TestHistoryCompletesTheRecordAndRaisesNothing(t *testing.T) {
	rules := one(
		hot(), watch.Rule{ID: "low", Kind: watch.Low, Limit: 2000},
		watch.Rule{ID: "sum", Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: time.Hour},
		watch.Rule{ID: "silent", Kind: watch.NoData, Silence: 15 * time.Minute},
	)
	r := newRigOf(t, rules)
	history := func(from, d time.Duration, celsius float64) {
		for at := from; at <= from+d; at += 5 * time.Minute {
			r.step(watch.Input{Sample: &devices.Sample{
				Device: "probe", Quantity: unit.Temperature, Value: unit.Milli(celsius * 1000), Historical: true,
				DeviceTime: start.Add(at), HostTime: r.now,
			}})
		}
	}
	r.every(5*time.Minute, 30*time.Minute, 5)
	r.wait(4 * time.Hour)
	r.want("silent raise normal>unacked")
	history(time.Hour, 40*time.Minute, 9)
	history(2*time.Hour, 10*time.Minute, 1)
	r.want() // neither an alarm of now nor a sign that the probe is there
	r.sample(5, devices.Good)
	r.want("silent return unacked>rtn_unacked")
	history(time.Hour, 40*time.Minute, 9) // once more: it is known already
	r.wait(5 * time.Minute)
	r.sample(5, devices.Good)
	r.want()
	history(3*time.Hour, 30*time.Minute, 9) // now it is more than an hour in all
	r.want()
	r.wait(5 * time.Minute)
	r.sample(5, devices.Good)
	r.want("sum raise normal>unacked")
}

func TestHistoryFromTheFutureIsIgnored(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{ID: "sum", Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: time.Minute}))
	for h := range 10 {
		r.step(watch.Input{Sample: &devices.Sample{
			Device: "probe", Quantity: unit.Temperature, Value: 9000, Historical: true, DeviceTime: start.Add(time.Duration(1+h) * time.Hour),
		}})
	}
	r.sample(5, devices.Good)
	r.want()
}

func TestClockPutBackIsCountedOnceAndBlindsNobody(t *testing.T) {
	r := newRigOf(t, one(hot(), watch.Rule{ID: "sum", Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: 100 * time.Minute}))
	r.every(5*time.Minute, time.Hour, 9)
	r.want("hot raise normal>unacked")
	r.now = r.now.Add(-3600 * time.Second) // the last sample was 55 minutes after this
	r.every(5*time.Minute, time.Hour, 9)
	r.want() // the second run of the same hour adds nothing to the sum
	r.every(5*time.Minute, 40*time.Minute, 9)
	r.want()
	r.sample(9, devices.Good)
	r.want("sum raise normal>unacked") // 100 minutes of clock time
	if n := r.m.Metrics().SteppedBack; n != 1 {
		t.Errorf("the clock was put back %d times", n)
	}
	r = newRigOf(t, one(hot()))
	r.every(5*time.Minute, time.Hour, 5)
	r.now = r.now.Add(-3600 * time.Second)
	r.every(5*time.Minute, 20*time.Minute, 9) // an excursion right then is noticed, a sample later
	r.want("hot raise normal>unacked")
}

func TestLateSamplesChangeNothingOfNow(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{ID: "hot", Kind: watch.High, Limit: 8000}))
	at := func(d time.Duration, v unit.Milli) {
		r.step(watch.Input{Sample: &devices.Sample{Device: "probe", Quantity: unit.Temperature, Value: v, HostTime: start.Add(d)}})
	}
	at(time.Minute, 5000)
	at(30*time.Second, 9000)
	at(2*time.Minute, 5000)
	at(time.Second, 9000) // long before, but only one
	at(3*time.Minute, 5000)
	r.want()
}

func TestOneDeviceCannotFillTheMemory(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{ID: "hot", Kind: watch.High, Limit: 8000}))
	for i := range 200 {
		r.step(watch.Input{Sample: &devices.Sample{
			Device: "probe", Channel: fmt.Sprint(i), Quantity: unit.Temperature, Value: 9000, HostTime: start,
		}})
	}
	if n := len(r.m.Standing()); n != watch.MaxChannels+1 || r.got[n-1].Reason != "too_many_channels" {
		t.Errorf("%d alarms, the last %+v", n, r.got[len(r.got)-1])
	}
}

// outcome is what an action by a person leads to; "" is refused.
func TestPeopleMayDoInEachStateWhatTheLifeAllows(t *testing.T) {
	latching := hot()
	latching.Latch, latching.Suppress = true, &watch.Context{Inputs: []string{"defrost"}}
	bring := map[alarm.State]func(*rig){
		alarm.Normal:  func(r *rig) { r.run(time.Minute, 5) },
		alarm.Unacked: func(r *rig) { r.run(6*time.Minute, 9) },
		alarm.Acked: func(r *rig) {
			r.run(6*time.Minute, 9)
			r.person(alarm.Acknowledge)
		},
		alarm.RTNUnacked: func(r *rig) {
			r.run(6*time.Minute, 9)
			r.run(time.Minute, 5)
		},
		alarm.Shelved: func(r *rig) {
			r.run(6*time.Minute, 9)
			r.person(alarm.Shelve)
		},
		alarm.SuppressedByDesign: func(r *rig) {
			r.run(6*time.Minute, 9)
			r.turn("defrost", true)
		},
		alarm.OutOfService: func(r *rig) {
			r.run(6*time.Minute, 9)
			r.person(alarm.RemoveFromService)
		},
		alarm.Latched: func(r *rig) {
			r.run(6*time.Minute, 9)
			r.person(alarm.Acknowledge)
			r.run(time.Minute, 5)
		},
	}
	actions := []alarm.Action{
		alarm.Acknowledge, alarm.Shelve, alarm.Unshelve, alarm.RemoveFromService, alarm.ReturnToService, alarm.Reset,
		alarm.Raise, alarm.Return, alarm.Suppress, alarm.Unsuppress, "explode",
	}
	const u, k, s, o, l, n = alarm.Unacked, alarm.Acked, alarm.Shelved, alarm.OutOfService, alarm.Latched, alarm.Normal
	table := map[alarm.State][6]alarm.State{ // 0 is refused; the last five actions always are
		alarm.Normal:             {0, 0, 0, o, 0, 0},
		alarm.Unacked:            {k, s, 0, o, 0, 0},
		alarm.Acked:              {0, s, 0, o, 0, 0},
		alarm.RTNUnacked:         {l, s, 0, o, 0, 0},
		alarm.Shelved:            {0, s, u, o, 0, 0},
		alarm.SuppressedByDesign: {0, 0, 0, o, 0, 0},
		alarm.OutOfService:       {0, 0, 0, 0, u, 0},
		alarm.Latched:            {0, s, 0, o, 0, n},
	}
	for from, row := range table {
		for i, do := range actions {
			t.Run(fmt.Sprintf("%s %s", from, do), func(t *testing.T) {
				r := newRigOf(t, one(latching))
				bring[from](r)
				if got := r.state("hot"); got != from {
					t.Fatalf("it was brought to %s", got)
				}
				want := from
				if i < len(row) && row[i] != 0 {
					want = row[i]
				}
				refused := i >= len(row) || row[i] == 0
				r.got, r.refs = nil, nil
				r.person(do)
				if got := r.state("hot"); got != want || refused != (len(r.refs) == 1) || refused == (len(r.got) > 0) {
					t.Fatalf("led to %s with refusals %v and transitions %+v", got, r.refs, r.got)
				}
				if !refused && (r.got[0].Actor != "li" || r.got[0].Comment != "because") {
					t.Errorf("told as %+v", r.got[0])
				}
			})
		}
	}
}

// person does something to the alarm hot at the gateway's page.
func (r *rig) person(do alarm.Action) {
	r.step(watch.Input{Local: &watch.Local{
		Do: do, Rule: "hot", Source: "probe", Actor: "li", Reason: "because", Until: r.now.Add(time.Hour),
	}})
}

func (r *rig) state(rule string) alarm.State {
	for _, s := range r.m.Standing() {
		if s.Rule == rule {
			return s.State
		}
	}
	return alarm.Normal
}

func TestLocalCommandsNeedAPersonAReasonAndAnAlarm(t *testing.T) {
	r := newRigOf(t, one(hot()))
	r.run(6*time.Minute, 9)
	id := r.got[0].ID
	for name, c := range map[string]watch.Local{
		"nobody":            {Do: alarm.Acknowledge, Alarm: id},
		"no such alarm":     {Do: alarm.Acknowledge, Alarm: "gone", Actor: "li"},
		"no such rule":      {Do: alarm.RemoveFromService, Rule: "cold", Source: "probe", Actor: "li", Reason: "x"},
		"no reason":         {Do: alarm.RemoveFromService, Alarm: id, Actor: "li"},
		"shelved for ever":  {Do: alarm.Shelve, Alarm: id, Actor: "li", Reason: "x"},
		"nothing is summed": {Do: watch.ResetSum, Alarm: id, Actor: "li", Reason: "x"},
	} {
		r.refs, r.said = nil, nil
		r.step(watch.Input{Local: &c})
		if len(r.refs) != 1 {
			t.Errorf("%s: %v", name, r.refs)
		}
		r.want()
	}
	r.step(watch.Input{Local: &watch.Local{Do: alarm.Acknowledge, Alarm: id, Actor: "li"}})
	r.want("hot acknowledge unacked>acked")
}

func TestOutOfServiceAlarmIsJudgedUntilItIsReturned(t *testing.T) {
	r := newRigOf(t, one(hot()))
	r.run(time.Minute, 5)
	r.person(alarm.RemoveFromService)
	r.run(6*time.Minute, 9)
	r.want("hot remove_from_service normal>out_of_service", "hot raise out_of_service>out_of_service")
	r.restart(10 * 24 * time.Hour)
	r.wait(time.Minute)
	r.said = nil
	r.person(alarm.ReturnToService)
	r.want("hot return_to_service out_of_service>unacked")
}

func TestSumIsResetByAPerson(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{ID: "sum", Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: time.Hour}))
	r.every(5*time.Minute, 65*time.Minute, 9)
	r.want("sum raise normal>unacked")
	r.every(5*time.Minute, 30*time.Hour, 5)
	r.want() // a sum does not go away by itself
	r.other = nil
	r.step(watch.Input{Local: &watch.Local{Do: watch.ResetSum, Rule: "sum", Source: "probe", Actor: "li", Reason: "new goods"}})
	r.want("sum return unacked>rtn_unacked")
	if len(r.other) != 1 || r.other[0].Reset == nil || r.other[0].Reset.Out != 65*time.Minute || r.other[0].Reset.Actor != "li" {
		t.Fatalf("told %+v", r.other)
	}
	r.restart(0)
	r.every(5*time.Minute, time.Hour, 9)
	r.want()
	r.sample(9, devices.Good)
	r.want("sum raise rtn_unacked>unacked")
}

func TestRollingSumReturnsWhenItsWindowIsCleanAndKnown(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{ID: "sum", Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: time.Hour, Window: 6 * time.Hour}))
	r.every(5*time.Minute, 2*time.Hour, 9)
	r.want("sum raise normal>unacked")
	r.now = r.now.Add(5 * time.Hour)
	r.every(5*time.Minute, 4*time.Hour, 5)
	r.want() // of the last six hours two are unknown: they may have been hot
	r.every(5*time.Minute, 2*time.Hour, 5)
	r.want("sum return unacked>rtn_unacked")
}

func TestAlarmOfARemovedRuleEndsWhereverItStood(t *testing.T) {
	for _, do := range []alarm.Action{alarm.Acknowledge, alarm.Shelve, alarm.RemoveFromService} {
		r := newRigOf(t, one(hot()))
		r.run(6*time.Minute, 9)
		r.person(do)
		r.said = nil
		r.spec.Rules = nil
		r.restart(time.Minute)
		r.wait(2 * time.Hour)
		if s := r.state("hot"); s != alarm.Normal || len(r.said) == 0 {
			t.Errorf("after %s it is %s: %q", do, s, r.said)
		}
	}
	r := newRigOf(t, one(hot()))
	r.run(6*time.Minute, 9)
	r.spec.Rules = nil
	r.restart(time.Minute)
	r.command("c1", wire.Command{Acknowledge: &wire.AlarmAcknowledge{Alarm: r.got[0].ID}})
	if s := r.state("hot"); s != alarm.Normal {
		t.Errorf("acknowledged it is %s", s)
	}
}
