package alarm_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/alarm"
)

var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

var states = []alarm.State{
	alarm.Normal, alarm.Unacked, alarm.Acked, alarm.RTNUnacked, alarm.Shelved, alarm.SuppressedByDesign, alarm.OutOfService,
	alarm.Latched,
}

var actions = []alarm.Action{
	alarm.Raise, alarm.Return, alarm.Acknowledge, alarm.Shelve, alarm.Unshelve, alarm.Suppress, alarm.Unsuppress,
	alarm.RemoveFromService, alarm.ReturnToService, alarm.Reset,
}

// in gives an alarm that stands in state, with or without its condition.
func in(state alarm.State, active bool) alarm.Alarm {
	a := alarm.Alarm{State: state, Active: active}
	if state != alarm.Normal {
		a.Occurrence, a.Was = "o1", true
	}
	if state == alarm.Shelved {
		a.ShelvedUntil = start.Add(time.Hour)
	}
	return a
}

func input(action alarm.Action) alarm.Input {
	return alarm.Input{Action: action, Occurrence: "o2", Until: start.Add(2 * time.Hour), Reason: "defrosting"}
}

// The table of every state with every action. "-" is forbidden, "=" is no transition; else the state it leads to.
func TestEachActionInEachStateLeadsWhereTheTableSays(t *testing.T) {
	const n, u, k, r, s, d, o, l = "normal", "unacked", "acked", "rtn_unacked", "shelved", "suppressed", "out_of_service", "latched"
	table := []struct {
		state   alarm.State
		active  bool
		latches bool
		//    raise return acknowledge shelve unshelve suppress unsuppress remove returnToService reset
		to [10]string
	}{
		{alarm.Normal, false, false, [10]string{u, "=", "-", "-", "-", d, "-", o, "-", "-"}},
		{alarm.Unacked, true, false, [10]string{"=", r, k, s, "-", d, "-", o, "-", "-"}},
		{alarm.Acked, true, false, [10]string{"=", n, "-", s, "-", d, "-", o, "-", "-"}},
		{alarm.RTNUnacked, false, false, [10]string{u, "=", n, s, "-", d, "-", o, "-", "-"}},
		{alarm.Shelved, true, false, [10]string{"=", s, "-", s, u, d, "-", o, "-", "-"}},
		{alarm.Shelved, false, false, [10]string{s, "=", "-", s, n, d, "-", o, "-", "-"}},
		{alarm.SuppressedByDesign, true, false, [10]string{"=", d, "-", "-", "-", "-", u, o, "-", "-"}},
		{alarm.SuppressedByDesign, false, false, [10]string{d, "=", "-", "-", "-", "-", n, o, "-", "-"}},
		{alarm.OutOfService, true, false, [10]string{"=", o, "-", "-", "-", "-", "-", "-", u, "-"}},
		{alarm.OutOfService, false, false, [10]string{o, "=", "-", "-", "-", "-", "-", "-", n, "-"}},
		{alarm.Normal, false, true, [10]string{u, "=", "-", "-", "-", d, "-", o, "-", "-"}},
		{alarm.Unacked, true, true, [10]string{"=", r, k, s, "-", d, "-", o, "-", "-"}},
		{alarm.Acked, true, true, [10]string{"=", l, "-", s, "-", d, "-", o, "-", "-"}},
		{alarm.RTNUnacked, false, true, [10]string{u, "=", l, s, "-", d, "-", o, "-", "-"}},
		{alarm.Latched, false, true, [10]string{u, "=", "-", s, "-", d, "-", o, "-", n}},
		{alarm.Shelved, false, true, [10]string{s, "=", "-", s, l, d, "-", o, "-", "-"}},
		{alarm.SuppressedByDesign, false, true, [10]string{d, "=", "-", "-", "-", "-", l, o, "-", "-"}},
		{alarm.OutOfService, false, true, [10]string{o, "=", "-", "-", "-", "-", "-", "-", l, "-"}},
	}
	for _, row := range table {
		for i, action := range actions {
			before := in(row.state, row.active)
			before.Latching = row.latches
			name := fmt.Sprintf("%s active %v latching %v %s", row.state, row.active, row.latches, action)
			t.Run(name, func(t *testing.T) { checkPair(t, before, action, row.to[i]) })
		}
	}
}

func checkPair(t *testing.T, before alarm.Alarm, action alarm.Action, want string) {
	after, steps, err := before.Step(input(action), start)
	var forbidden *alarm.ForbiddenError
	switch want {
	case "-":
		if !errors.As(err, &forbidden) || forbidden.Action != action || forbidden.State != before.State {
			t.Fatalf("error %v does not forbid %s in %s", err, action, before.State)
		}
		fallthrough
	case "=":
		if after != before || len(steps) != 0 || (want == "=" && err != nil) {
			t.Fatalf("got %+v, %v, %v; want no change", after, steps, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 1 || steps[0].From != before.State || steps[0].To != after.State || steps[0].Action != action ||
		!steps[0].At.Equal(start) {
		t.Fatalf("transitions %+v do not lead from %+v to %+v", steps, before, after)
	}
	if after.State.String() != want {
		t.Fatalf("led to %s, want %s", after.State, want)
	}
}

func TestAnUnknownActionOrStateIsForbidden(t *testing.T) {
	for _, a := range []alarm.Alarm{{}, {State: 99}} {
		if _, _, err := a.Step(alarm.Input{Action: "explode", Occurrence: "o"}, start); err == nil {
			t.Errorf("state %d: no error", a.State)
		}
	}
	if _, _, err := (alarm.Alarm{State: 99}).Step(input(alarm.Raise), start); err == nil {
		t.Error("an alarm in no known state was raised")
	}
}

func TestTheZeroAlarmIsNormal(t *testing.T) {
	a, steps, err := alarm.Alarm{}.Step(input(alarm.Raise), start)
	if err != nil || a.State != alarm.Unacked || len(steps) != 1 || steps[0].From != alarm.Normal {
		t.Fatalf("got %+v %+v %v", a, steps, err)
	}
}

func TestAnOccurrenceKeepsItsIDFromLeavingNormalUntilNormal(t *testing.T) {
	a := alarm.Alarm{}
	for _, step := range []struct {
		action     alarm.Action
		offered    string
		occurrence string // of the transition
		after      string // of the alarm
	}{
		{alarm.Raise, "first", "first", "first"},
		{alarm.Return, "unused", "first", "first"},
		{alarm.Raise, "unused", "first", "first"},
		{alarm.Acknowledge, "unused", "first", "first"},
		{alarm.Return, "unused", "first", ""},
		{alarm.Raise, "second", "second", "second"},
	} {
		next, done, err := a.Step(alarm.Input{Action: step.action, Occurrence: step.offered}, start)
		if err != nil || len(done) != 1 {
			t.Fatalf("%s: %v %v", step.action, done, err)
		}
		if done[0].Occurrence != step.occurrence || next.Occurrence != step.after {
			t.Errorf("%s: transition of %q, alarm with %q; want %q, %q",
				step.action, done[0].Occurrence, next.Occurrence, step.occurrence, step.after)
		}
		a = next
	}
}

func TestAnOccurrenceCannotBeginWithoutAnID(t *testing.T) {
	for _, action := range []alarm.Action{alarm.Raise, alarm.Suppress, alarm.RemoveFromService} {
		a, steps, err := in(alarm.Normal, false).Step(alarm.Input{Action: action}, start)
		if err == nil || a != in(alarm.Normal, false) || len(steps) != 0 {
			t.Errorf("%s: got %+v %v %v", action, a, steps, err)
		}
	}
}

func TestShelvingNeedsAReasonAndATimeThatIsAheadAndNotTooFar(t *testing.T) {
	for name, bad := range map[string]alarm.Input{
		"no reason": {Action: alarm.Shelve, Until: start.Add(time.Hour)},
		"no time":   {Action: alarm.Shelve, Reason: "r"},
		"now":       {Action: alarm.Shelve, Reason: "r", Until: start},
		"past":      {Action: alarm.Shelve, Reason: "r", Until: start.Add(-time.Second)},
		"too far":   {Action: alarm.Shelve, Reason: "r", Until: start.Add(alarm.MaxShelving + 1)},
	} {
		a, steps, err := in(alarm.Unacked, true).Step(bad, start)
		if err == nil || a.State != alarm.Unacked || len(steps) != 0 {
			t.Errorf("%s: got %+v %v %v", name, a, steps, err)
		}
	}
	longest := alarm.Input{Action: alarm.Shelve, Reason: "r", Until: start.Add(alarm.MaxShelving)}
	if _, _, err := in(alarm.Unacked, true).Step(longest, start); err != nil {
		t.Error(err)
	}
}

func TestShelvingEndsByItself(t *testing.T) {
	until := start.Add(time.Hour)
	for _, active := range []bool{true, false} {
		a := in(alarm.Shelved, active)
		if same, steps := a.Expire(until.Add(-1)); same != a || len(steps) != 0 {
			t.Fatalf("it ended before its time: %+v %v", same, steps)
		}
		want := map[bool]alarm.State{true: alarm.Unacked, false: alarm.Normal}[active]
		if there, _ := a.Expire(until); there.State != want {
			t.Fatalf("at its time it is %s", there.State)
		}
		after, steps := a.Expire(until.Add(time.Minute))
		if after.State != want || !after.ShelvedUntil.IsZero() || len(steps) != 1 {
			t.Fatalf("active %v: got %+v %v", active, after, steps)
		}
		if s := steps[0]; !s.Expired || s.Action != alarm.Unshelve || !s.At.Equal(until) || s.Occurrence != "o1" {
			t.Errorf("transition %+v", s)
		}
	}
}

func TestAnInputAfterTheShelvingRanOutComesAfterItsEnd(t *testing.T) {
	later := start.Add(90 * time.Minute)
	a, steps, err := in(alarm.Shelved, true).Step(input(alarm.Acknowledge), later)
	if err != nil || a.State != alarm.Acked || len(steps) != 2 || !steps[0].Expired || steps[1].From != alarm.Unacked {
		t.Fatalf("got %+v %+v %v", a, steps, err)
	}
	a, steps, err = in(alarm.Shelved, true).Step(input(alarm.Unshelve), later)
	if err == nil || a.State != alarm.Unacked || len(steps) != 1 {
		t.Fatalf("an ended shelving must be kept even though the input failed: %+v %+v %v", a, steps, err)
	}
}

func TestShelvingCanBeProlonged(t *testing.T) {
	a, steps, err := in(alarm.Shelved, true).Step(input(alarm.Shelve), start)
	if err != nil || len(steps) != 1 || !a.ShelvedUntil.Equal(start.Add(2*time.Hour)) {
		t.Fatalf("got %+v %v %v", a, steps, err)
	}
}

// laws that hold in every life, however inputs follow one another.
func TestLawsOfEveryLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, now, ids := alarm.Alarm{State: alarm.Normal, Latching: rapid.Bool().Draw(t, "latching")}, start, 0
		for range rapid.IntRange(1, 60).Draw(t, "length") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes")) * time.Minute)
			ids++
			next := alarm.Input{
				Action: rapid.SampledFrom(actions).Draw(t, "action"), Occurrence: strconv.Itoa(ids), Reason: "r",
				Until: now.Add(time.Duration(rapid.IntRange(-1, 200).Draw(t, "until")) * time.Minute),
			}
			after, steps, err := a.Step(next, now)
			checkLaws(t, a, after, steps, next, err)
			a = after
		}
	})
}

func checkLaws(t *rapid.T, before, after alarm.Alarm, steps []alarm.Transition, in alarm.Input, err error) {
	at := before.State
	for _, s := range steps {
		if s.From != at || s.Occurrence == "" {
			t.Fatalf("transition %+v does not go on from %s", s, at)
		}
		at = s.To
	}
	if at != after.State {
		t.Fatalf("transitions end at %s, the alarm is %s", at, after.State)
	}
	switch in.Action {
	case alarm.Raise, alarm.Return:
		if err != nil || after.Active != (in.Action == alarm.Raise) {
			t.Fatalf("the condition must be judged in every state: %+v %v", after, err)
		}
	default:
		if after.Active != before.Active {
			t.Fatal("only Raise and Return change the condition")
		}
	}
	if (after.State == alarm.Normal) != (after.Occurrence == "") {
		t.Fatalf("occurrence %q in %s", after.Occurrence, after.State)
	}
	if (after.State == alarm.Shelved) == after.ShelvedUntil.IsZero() {
		t.Fatalf("shelved until %v in %s", after.ShelvedUntil, after.State)
	}
	shows := map[alarm.State]bool{alarm.Unacked: true, alarm.Acked: true}
	hides := map[alarm.State]bool{alarm.Normal: true, alarm.RTNUnacked: true, alarm.Latched: true}
	if shows[after.State] && !after.Active || hides[after.State] && after.Active {
		t.Fatalf("%s with condition %v", after.State, after.Active)
	}
	if after.State == alarm.Latched && !(after.Latching && after.Was) {
		t.Fatalf("latched, but latching %v and the condition was present %v", after.Latching, after.Was)
	}
	if after.Latching && before.Was && after.State == alarm.Normal && in.Action != alarm.Reset {
		t.Fatalf("a latching alarm whose condition was present ended by %s", in.Action)
	}
}

func TestAnAlarmIsTakenOutOfServiceForAReasonOnly(t *testing.T) {
	for _, before := range []alarm.Alarm{in(alarm.Normal, false), in(alarm.Unacked, true), in(alarm.Shelved, false)} {
		after, steps, err := before.Step(alarm.Input{Action: alarm.RemoveFromService, Occurrence: "o2"}, start)
		if err == nil || after != before || len(steps) != 0 {
			t.Errorf("%s: got %+v %v %v", before.State, after, steps, err)
		}
	}
}

func TestALatchingAlarmThatNeverWasPresentComesBackNormal(t *testing.T) {
	a, _, err := alarm.Alarm{Latching: true}.Step(input(alarm.RemoveFromService), start)
	if err != nil {
		t.Fatal(err)
	}
	if a, _, err = a.Step(input(alarm.ReturnToService), start); err != nil || a.State != alarm.Normal {
		t.Fatalf("got %+v %v", a, err)
	}
}

func TestNamesOfStatesCanBeReadBack(t *testing.T) {
	var names []string
	for _, s := range states {
		back, err := alarm.ParseState(s.String())
		if err != nil || back != s || slices.Contains(names, s.String()) {
			t.Errorf("%d: %v %v", s, back, err)
		}
		names = append(names, s.String())
	}
	if _, err := alarm.ParseState(""); err == nil {
		t.Error("no name was taken for a state")
	}
}
