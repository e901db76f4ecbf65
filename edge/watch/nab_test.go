package watch_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/watch"
)

// reading is one line of a NAB log, in °C.
type reading struct {
	at time.Time
	v  unit.Milli
}

const nabTime = "2006-01-02 15:04:05"

// ambient reads the log of a room's temperature, hourly and in °F, and the windows in which its owners say that the
// system failed.
func ambient(t *testing.T) (log []reading, windows [][2]time.Time) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(shared(t, "nab/ambient_temperature_system_failure.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		at, err1 := time.Parse(nabTime, row[0])
		f, err2 := strconv.ParseFloat(row[1], 64)
		if err1 != nil || err2 != nil {
			t.Fatal(row, err1, err2)
		}
		log = append(log, reading{at, unit.Milli(math.Round((f - 32) / 1.8 * 1000))})
	}
	var labels map[string][][2]string
	sharedJSON(t, "nab/label_windows.json", &labels)
	for _, w := range labels["realKnownCause/ambient_temperature_system_failure.csv"] {
		from, err1 := time.Parse(nabTime, w[0][:len(nabTime)])
		to, err2 := time.Parse(nabTime, w[1][:len(nabTime)])
		if err1 != nil || err2 != nil {
			t.Fatal(w, err1, err2)
		}
		windows = append(windows, [2]time.Time{from, to})
	}
	return log, windows
}

// outsideRange is the lowest and highest value outside the windows.
func outsideRange(log []reading, windows [][2]time.Time) (low, high unit.Milli) {
	low, high = math.MaxInt64, math.MinInt64
	for _, r := range log {
		if windowOf(r.at, windows) < 0 {
			low, high = min(low, r.v), max(high, r.v)
		}
	}
	return low, high
}

func windowOf(at time.Time, windows [][2]time.Time) int {
	for i, w := range windows {
		if !at.Before(w[0]) && !at.After(w[1]) {
			return i
		}
	}
	return -1
}

// What must come of the ambient log. The limits are the first tenth of a degree that never occurs outside the labelled
// windows, so the log without its windows raises neither; readings are hourly, so that a value may stand for 90 minutes and
// 3 hours without one are silence. The windows in which each alarm must stand were written down before the first run:
// the log's largest value is in the first window and its smallest in the second.
var ambientAlarms = []struct {
	rule    string
	windows map[int]bool // label windows with a raise; -1 is outside all
}{
	{"high", map[int]bool{0: true}},
	{"low", map[int]bool{1: true}},
}

// The gaps of the log of more than 3 hours: its end and its length. Each must raise silent once, whatever else it does.
// The one of 3 hours is just none.
var ambientGaps = []struct {
	end   string
	hours int
}{
	{"2013-07-29 12:00:00", 32},
	{"2013-08-29 11:00:00", 48},
	{"2013-09-16 12:00:00", 160},
	{"2013-10-01 12:00:00", 96},
	{"2013-10-14 19:00:00", 71},
	{"2014-03-03 09:00:00", 30},
	{"2014-03-24 19:00:00", 15},
	{"2014-04-10 15:00:00", 174},
}

func TestAmbientLogRaisesInItsLabelledWindowsOnly(t *testing.T) {
	log, windows := ambient(t)
	low, high := outsideRange(log, windows)
	got := map[string]map[int]bool{"high": {}, "low": {}}
	silent := map[string]bool{}
	for _, a := range replay(t, log, ambientRules(low-100, high+100)) {
		switch {
		case a.Action != "raise":
		case a.Rule == "silent":
			silent[nextAfter(log, a.At).Format(nabTime)] = true
		default:
			got[a.Rule][windowOf(a.At, windows)] = true
		}
	}
	for _, want := range ambientAlarms {
		if fmt.Sprint(got[want.rule]) != fmt.Sprint(want.windows) {
			t.Errorf("%s was raised in windows %v, want %v", want.rule, got[want.rule], want.windows)
		}
	}
	for _, g := range ambientGaps {
		if !silent[g.end] {
			t.Errorf("the gap of %d h that ends at %s raised nothing", g.hours, g.end)
		}
		delete(silent, g.end)
	}
	if len(silent) != 0 {
		t.Errorf("silence was raised also before %v", silent)
	}
}

func ambientRules(low, high unit.Milli) []watch.Rule {
	const hourly = 90 * time.Minute
	return []watch.Rule{
		{ID: "high", Kind: watch.High, Limit: high, MaxGap: hourly},
		{ID: "low", Kind: watch.Low, Limit: low, MaxGap: hourly},
		{ID: "silent", Kind: watch.NoData, Silence: 3*time.Hour + time.Minute},
	}
}

// replay gives a log to a machine, with a tick every ten minutes in between, and the alarms that came of it.
func replay(t *testing.T, log []reading, rules []watch.Rule) []wire.Alarm {
	t.Helper()
	spec := one(rules...)
	spec.Occurrence, spec.Devices = coldRoom().Occurrence, nil
	m := watch.New(spec)
	var out []wire.Alarm
	step := func(in watch.Input, now time.Time) {
		for _, e := range m.Step(in, now) {
			if e.Alarm != nil {
				out = append(out, *e.Alarm)
			}
		}
	}
	now := log[0].at
	for _, r := range log {
		for ; now.Before(r.at); now = now.Add(10 * time.Minute) {
			step(watch.Input{}, now)
		}
		step(watch.Input{Sample: &devices.Sample{Device: "probe", Quantity: unit.Temperature, Value: r.v, HostTime: r.at}}, now)
	}
	return out
}

func nextAfter(log []reading, at time.Time) time.Time {
	for _, r := range log {
		if r.at.After(at) {
			return r.at
		}
	}
	return time.Time{}
}

// No gap may end an alarm that stood before it: a limit low enough that every value violates is raised once and for ever.
func TestGapsOfTheAmbientLogEndNothing(t *testing.T) {
	log, _ := ambient(t)
	limits := 0
	for _, a := range replay(t, log, ambientRules(-50_000, -49_000)) {
		if a.Rule == "high" {
			limits++
			if a.Action != "raise" {
				t.Errorf("%s at %s", a.Action, a.At)
			}
		}
	}
	if limits != 1 {
		t.Errorf("%d transitions, want the one raise", limits)
	}
}

// What is known of the log is its readings, an interval each, and 90 minutes where a gap follows; the gaps are not.
func TestGapsOfTheAmbientLogCountForNothing(t *testing.T) {
	log, _ := ambient(t)
	want := time.Duration(0)
	for i := range log[1:] {
		want += min(log[i+1].at.Sub(log[i].at), 90*time.Minute)
	}
	for _, c := range []struct {
		need time.Duration
		want int
	}{{want, 1}, {want + time.Second, 0}} {
		raised := replay(t, log, []watch.Rule{{ID: "sum", Kind: watch.High, Limit: -50_000, Cumulative: true, OnDelay: c.need, MaxGap: 90 * time.Minute}})
		if len(raised) != c.want {
			t.Errorf("a sum of %s was raised %d times, want %d", c.need, len(raised), c.want)
		}
	}
}

// The machine log of the same collection has a reading each 5 minutes and one step back of 3,300 s: after 01:55 comes 01:00
// once more. Here it is by that fact, at 30 °C: the sum over clock time is that of the clock, not of the readings.
func TestBackwardStepOfTheMachineLogIsNotCountedTwice(t *testing.T) {
	at := time.Date(2014, 1, 7, 0, 0, 0, 0, time.UTC)
	var log []reading
	add := func(n int) {
		for range n {
			log = append(log, reading{at, 30_000})
			at = at.Add(5 * time.Minute)
		}
	}
	add(24) // 00:00 to 01:55
	at = at.Add(-5*time.Minute - 3300*time.Second)
	add(24) // 01:00 to 02:55
	clock := log[len(log)-1].at.Sub(log[0].at)
	for _, c := range []struct {
		need time.Duration
		want int
	}{{clock, 1}, {clock + time.Second, 0}} {
		raised := replay(t, log, []watch.Rule{{ID: "sum", Kind: watch.High, Limit: 30_000, Cumulative: true, OnDelay: c.need}})
		if len(raised) != c.want {
			t.Errorf("a sum of %s was raised %d times, want %d", c.need, len(raised), c.want)
		}
	}
}
