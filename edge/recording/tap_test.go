package recording_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/recording"
)

// counter counts what is handed on.
type counter struct {
	mu             sync.Mutex
	reads, samples int
}

func (c *counter) Read(devices.Read)     { c.mu.Lock(); c.reads++; c.mu.Unlock() }
func (c *counter) Sample(devices.Sample) { c.mu.Lock(); c.samples++; c.mu.Unlock() }
func (c *counter) GPI(devices.GPI)       {}
func (c *counter) Health(devices.Health) {}

func TestRatesAreCountedByAntenna(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &counter{}
		tap := recording.NewTap(out, time.Now)
		read := func(device string, antenna uint8, n int) {
			for range n {
				tap.Read(devices.Read{Device: device, Antenna: antenna, Count: 1, HostTime: time.Now()})
			}
		}
		for range 10 {
			read("dock", 2, 40)
			read("dock", 1, 5)
			time.Sleep(time.Second)
		}
		said := func() string {
			var s string
			for _, r := range tap.Rates() {
				s += fmt.Sprintf("%s/%d %d %g %g; ", r.Device, r.Antenna, r.Reads, r.Second, r.Minute)
			}
			return s
		}
		if got, want := said(), "dock/1 50 5 5; dock/2 400 40 40; "; got != want {
			t.Errorf("after ten seconds %q; want %q", got, want)
		}
		last := tap.Rates()[0].Last
		if want := time.Now().Add(-time.Second); !last.Equal(want) {
			t.Errorf("last read %s; want %s", last, want)
		}
		time.Sleep(50 * time.Second) // the first second is the 60th before now
		if got, want := said(), "dock/1 50 0 0.8333333333333334; dock/2 400 0 6.666666666666667; "; got != want {
			t.Errorf("after a minute %q; want %q", got, want)
		}
		time.Sleep(10 * time.Second)
		if got, want := said(), "dock/1 50 0 0; dock/2 400 0 0; "; got != want {
			t.Errorf("later %q; want %q", got, want)
		}
		if out.reads != 450 {
			t.Errorf("%d reads were handed on; want 450", out.reads)
		}
	})
}

func TestManyReadersCountAtOnce(t *testing.T) {
	tap := recording.NewTap(&counter{}, time.Now)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 1000 {
				tap.Read(devices.Read{Device: "r", Antenna: uint8(i % 2), HostTime: time.Now()})
			}
		})
	}
	wg.Wait()
	rates := tap.Rates()
	if len(rates) != 2 || rates[0].Reads != 4000 || rates[1].Reads != 4000 {
		t.Errorf("got %+v", rates)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	tap := recording.NewTap(quiet{}, time.Now)
	r := devices.Read{Device: "r", Antenna: 1, HostTime: time.Now()}
	if n := testing.AllocsPerRun(100, func() { tap.Read(r) }); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}

type quiet struct{}

func (quiet) Read(devices.Read)     {}
func (quiet) Sample(devices.Sample) {}
func (quiet) GPI(devices.GPI)       {}
func (quiet) Health(devices.Health) {}

func BenchmarkCount(b *testing.B) {
	tap := recording.NewTap(quiet{}, time.Now)
	r := devices.Read{Device: "r", Antenna: 1, HostTime: time.Now()}
	for b.Loop() {
		tap.Read(r)
	}
}

func TestLatestKeepsTheLastHour(t *testing.T) {
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	tap := recording.NewTap(quiet{}, func() time.Time { return now })
	sample := func(v unit.Milli, q devices.Quality) {
		tap.Sample(devices.Sample{Device: "p", Quantity: unit.Temperature, Value: v, Quality: q, HostTime: now})
	}
	for i := range 3 * 60 * 2 { // three hours, twice in each span
		sample(unit.Milli(4000+i), devices.Good)
		now = now.Add(10 * time.Second)
		sample(unit.Milli(3000+i), devices.Good)
		now = now.Add(20 * time.Second)
	}
	sample(85000, devices.Sentinel)
	tap.Sample(devices.Sample{Device: "p", Quantity: unit.Temperature, Value: 1, Historical: true, HostTime: now})
	got := tap.Latest()
	if len(got) != 1 || got[0].Value != 85000 || got[0].Quality != devices.Sentinel || !got[0].HostTime.Equal(now) {
		t.Fatalf("got %+v", got)
	}
	trend := got[0].Trend
	if len(trend) != 120 || !trend[0].From.Equal(now.Add(-time.Hour)) || trend[0].Low != 3240 || trend[0].High != 4240 {
		t.Errorf("%d spans, the first %+v", len(trend), trend[0])
	}
	now = now.Add(59 * time.Minute)
	if trend := tap.Latest()[0].Trend; len(trend) != 2 {
		t.Errorf("%d spans are left after 59 minutes of silence; want 2", len(trend))
	}
}

func TestLatestHasABound(t *testing.T) {
	tap := recording.NewTap(quiet{}, time.Now)
	for i := range 600 {
		tap.Sample(devices.Sample{Device: "p", Channel: fmt.Sprint(i), Quantity: unit.Temperature})
	}
	if n, lost := len(tap.Latest()), tap.Crowded(); n != 512 || lost != 88 {
		t.Errorf("%d channels, %d samples not followed", n, lost)
	}
}
