package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/clock"
)

var floor = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// bench is a steady whose clocks the test moves.
type bench struct {
	t    *testing.T
	s    *steady
	mono time.Time
	last time.Time
}

func newBench(t *testing.T) *bench {
	mono := time.Now()
	return &bench{t: t, mono: mono, s: &steady{clk: clock.Clock{}, floor: floor, latest: floor, at: mono}}
}

// at shows the time when the clock shows a time, some time later, and checks that it did not go back.
func (b *bench) at(shown time.Time, passes time.Duration, w word) time.Time {
	b.t.Helper()
	b.mono = b.mono.Add(passes)
	got := b.s.show(shown, b.mono, w)
	if got.Before(b.last) || got.Before(floor) {
		b.t.Fatalf("time went back from %s to %s", b.last, got)
	}
	b.last = got
	return got
}

func (b *bench) want(what string, got, want time.Time, unsynced bool) {
	b.t.Helper()
	if !got.Equal(want) || b.s.unsynced != unsynced {
		b.t.Errorf("%s: %s, unsynced %v; want %s, %v", what, got, b.s.unsynced, want, unsynced)
	}
}

func TestTimeNeverFallsBelowWhatIsKnown(t *testing.T) {
	b := newBench(t)
	epoch := time.Unix(5, 0) // a machine without a battery
	b.want("without a clock", b.at(epoch, 10*time.Second, unset), floor.Add(9*time.Second), true)
	real := floor.Add(72 * time.Hour)
	b.want("once a time service has set it", b.at(real, time.Minute, set), real, false)
	b.want("trimmed by half a second", b.at(real.Add(59*time.Second+500*time.Millisecond), time.Minute, set),
		real.Add(59*time.Second+500*time.Millisecond), false)
	b.want("trimmed back by a little", b.at(real.Add(59*time.Second), 0, set), real.Add(59*time.Second+500*time.Millisecond), false)
}

func TestClockWithoutABatteryIsAGuessUntilItIsSet(t *testing.T) {
	b := newBench(t)
	woke := floor.Add(time.Minute) // what the system kept on its card
	b.want("after the start", b.at(woke, 0, unset), woke, true)
	b.want("a minute later", b.at(woke.Add(time.Minute), time.Minute, unset), woke.Add(time.Minute), true)
	b.want("once it is set", b.at(woke.Add(8*time.Hour), 0, set), woke.Add(8*time.Hour), false)
	b.want("after the time service went away", b.at(woke.Add(32*time.Hour), 24*time.Hour, unset), woke.Add(32*time.Hour), false)
}

func TestClockThatIsSetWhileRunning(t *testing.T) {
	for name, moved := range map[string]time.Time{
		"forward":  floor.Add(2 * time.Hour),
		"2100":     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		"backward": floor.Add(-time.Hour),
		"1970":     time.Unix(0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			one := floor.Add(time.Hour)
			b.want("before", b.at(one, 0, silent), one, false)
			got := b.at(moved, 10*time.Second, silent)
			if got.Before(one.Add(9*time.Second)) || got.After(one.Add(10*time.Second)) || !b.s.unsynced {
				t.Fatalf("just after: %s, unsynced %v", got, b.s.unsynced)
			}
			back := b.at(one.Add(20*time.Second), 10*time.Second, silent) // somebody noticed
			b.want("set right", back, one.Add(20*time.Second), false)
		})
	}
}

func TestClockThatStaysAheadIsBelieved(t *testing.T) {
	b := newBench(t)
	b.at(floor, 0, silent)
	ahead := func(after, passes time.Duration) time.Time { return b.at(floor.Add(time.Hour+after), passes, silent) }
	ahead(time.Second, time.Second)
	b.want("at first", ahead(4*time.Minute, 4*time.Minute-time.Second), floor.Add(4*time.Minute), true)
	b.want("in the end", ahead(5*time.Minute+time.Second, time.Minute+time.Second), floor.Add(time.Hour+5*time.Minute+time.Second), false)
}

func TestTimeServiceIsBelievedAtOnceButNotEverything(t *testing.T) {
	b := newBench(t)
	b.at(floor, 0, set)
	b.want("an hour ahead", b.at(floor.Add(time.Hour), 0, set), floor.Add(time.Hour), false)
	far := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	b.want("a lifetime ahead", b.at(far, 10*time.Minute, set), floor.Add(time.Hour+10*time.Minute), true)
	b.want("still there", b.at(far.Add(time.Hour), time.Hour, set), floor.Add(2*time.Hour+10*time.Minute), true)
}

func TestClockThatWasSetBackCatchesUp(t *testing.T) {
	b := newBench(t)
	b.at(floor.Add(time.Hour), 0, set) // an hour too far, as it turns out
	clockTime, hours := floor, 0
	for b.at(clockTime, 0, set); b.s.unsynced; hours++ {
		if hours > 11 {
			t.Fatalf("the clock never catches up: %s and %s", b.last, clockTime)
		}
		for range 3600 {
			clockTime = clockTime.Add(time.Second)
			b.at(clockTime, time.Second, set)
		}
	}
	if hours != 10 {
		t.Errorf("it took %d hours", hours)
	}
}

func TestClockOnTheBenchStartsAtThePast(t *testing.T) {
	b := newBench(t)
	far := floor.Add(11 * 365 * 24 * time.Hour)
	b.want("a clock with a dead battery", b.at(far, 0, silent), floor, true)
}

func TestDemonstrationIsTakenAsItIs(t *testing.T) {
	origin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	clk, err := clock.Scaled(origin, time.Now(), 3600)
	if err != nil {
		t.Fatal(err)
	}
	s := newSteady(clk, floor, func() word { t.Error("the system was asked"); return unset })
	if got, unsynced := s.look(); got.Year() != 2020 || unsynced {
		t.Errorf("got %s, unsynced %v", got, unsynced)
	}
}

func TestKeptTimeOfAWrongClockIsNotAFloor(t *testing.T) {
	for _, c := range []struct {
		built, kept, want time.Time
		believed          bool
	}{
		{floor, time.Time{}, floor, true},
		{time.Time{}, floor, floor, true},
		{time.Time{}, time.Time{}, written, true},
		{floor, floor.Add(time.Hour), floor.Add(time.Hour), true},
		{floor.Add(time.Hour), floor, floor.Add(time.Hour), true},
		{floor, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), floor, false},
	} {
		if got, believed := floorOf(c.built, c.kept); !got.Equal(c.want) || believed != c.believed {
			t.Errorf("%s and %s: got %s, %v", c.built, c.kept, got, believed)
		}
	}
}

func TestSystemsWordOnItsClock(t *testing.T) {
	for _, c := range []struct {
		status int32
		own    bool
		want   word
	}{
		{0, false, set}, {unix.STA_PLL, true, set}, {unix.STA_UNSYNC, true, silent}, {unix.STA_UNSYNC | unix.STA_PLL, false, unset},
	} {
		if got := wordOf(c.status, c.own); got != c.want {
			t.Errorf("status %#x, own clock %v: got %d", c.status, c.own, got)
		}
	}
	systemClock()() // whatever it says, it does say it
}

func TestMachineKnowsTheTimeAtItsStart(t *testing.T) {
	put := func(sys, file, text string) {
		file = filepath.Join(sys, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	none, idle, battery, guest := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	source := "devices/system/clocksource/clocksource0/available_clocksource"
	put(none, source, "arch_sys_counter \n")
	put(idle, "class/rtc/rtc0/hctosys", "0\n")
	put(battery, "class/rtc/rtc0/hctosys", "1\n")
	put(guest, source, "tsc kvm-clock \n")
	for sys, want := range map[string]bool{none: false, idle: false, battery: true, guest: true, filepath.Join(none, "nowhere"): false} {
		if hasClock(sys) != want {
			t.Errorf("%s: got %v", sys, !want)
		}
	}
}

// last keeps what reached it last.
type last struct {
	read   devices.Read
	sample devices.Sample
	gpi    devices.GPI
}

func (l *last) Read(r devices.Read)     { l.read = r }
func (l *last) GPI(g devices.GPI)       { l.gpi = g }
func (l *last) Sample(s devices.Sample) { l.sample = s }
func (l *last) Health(devices.Health)   {}

func TestNothingCarriesATimeThatCannotBeRight(t *testing.T) {
	now := time.Now()
	right := newSteady(clock.Clock{}, now.Add(-24*time.Hour), func() word { return set })
	guess := newSteady(clock.Clock{}, now.Add(24*time.Hour), func() word { return unset }) // the clock is a day behind
	var got last
	sink := stamper{&got, right}
	for name, c := range map[string]struct {
		stamp time.Time
		kept  bool
	}{
		"a little ago": {now.Add(-time.Minute), true}, "none": {time.Time{}, false}, "1970": {time.Unix(0, 0), false},
		"2100": {time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), false}, "an hour ahead": {now.Add(time.Hour), false},
	} {
		sink.Read(devices.Read{HostTime: c.stamp})
		sink.GPI(devices.GPI{HostTime: c.stamp})
		sink.Sample(devices.Sample{HostTime: c.stamp})
		for what, at := range map[string]time.Time{"read": got.read.HostTime, "input": got.gpi.HostTime, "sample": got.sample.HostTime} {
			if at.Equal(c.stamp) != c.kept || at.Before(now.Add(-time.Hour)) || at.After(now.Add(time.Hour-time.Second)) {
				t.Errorf("%s of %s: %s became %s", what, name, c.stamp, at)
			}
		}
		if got.sample.Quality != devices.Good {
			t.Errorf("sample of %s: %s", name, got.sample.Quality)
		}
	}
	sink = stamper{&got, guess}
	sink.Sample(devices.Sample{HostTime: now})
	if got.sample.Quality != devices.ClockUnsynced || got.sample.HostTime.Before(now.Add(23*time.Hour)) {
		t.Errorf("under a guessed time: %+v", got.sample)
	}
	sink.Sample(devices.Sample{HostTime: now, Quality: devices.Sentinel, Reason: "power_on"})
	if got.sample.Quality != devices.Sentinel || got.sample.Reason != "power_on" {
		t.Errorf("a worse quality was covered up: %+v", got.sample)
	}
}
