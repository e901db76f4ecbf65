package devicetest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
)

func (s *Sink) isUp() bool {
	return slices.ContainsFunc(s.Healths(), func(h devices.Health) bool { return h.State == devices.Up })
}

func (b Bench) up(t *testing.T, sink *Sink) *Running {
	t.Helper()
	r := Start(t, b.Driver, sink)
	b.Answer()
	sink.Wait(t, "the driver is up", sink.isUp)
	return r
}

func upOnlyAfterAnswer(t *testing.T, b Bench) {
	sink := &Sink{}
	r := Start(t, b.Driver, sink)
	if sink.within(quiet, sink.isUp) {
		t.Error("the driver was up before the device answered")
	}
	select {
	case err := <-r.result: // a driver may give a mute device up, and then is run again
		if err == nil {
			t.Fatal("Run returned nil before its context ended")
		}
		r.result <- nil
		b.up(t, sink)
		return
	default:
	}
	b.Answer()
	sink.Wait(t, "the driver is up", sink.isUp)
}

func endsWithContext(t *testing.T, b Bench) {
	r := b.up(t, &Sink{})
	began := time.Now()
	r.Stop(t)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Run took %s to return after its context ended", took)
	}
	for _, stack := range r.Leaked() {
		t.Errorf("a goroutine was left behind:\n%s", stack)
	}
}

func endsWhileMute(t *testing.T, b Bench) {
	r := Start(t, b.Driver, &Sink{})
	r.cancel()
	began := time.Now()
	if err := r.End(t); err != nil {
		t.Errorf("Run returned %v after its context ended; want nil", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Run took %s to return after its context ended", took)
	}
}

func survivesGarbage(t *testing.T, b Bench) {
	sink := &Sink{}
	b.up(t, sink)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 50 {
		junk := make([]byte, 1+random.IntN(40))
		for j := range junk {
			junk[j] = byte(random.Uint32())
		}
		if i%5 == 0 {
			junk = []byte("24.6C,58.2%\r\n{[\"")
		}
		b.Babble(junk)
	}
	want := b.Report(1)
	sink.Wait(t, "what the device reports after garbage arrives", func() bool {
		return slices.Contains(sink.Keys(), want[0])
	})
}

func failsWhenUnplugged(t *testing.T, b Bench) {
	r := b.up(t, &Sink{})
	b.Unplug()
	if err := r.End(t); err == nil {
		t.Error("Run returned nil though the device was unplugged and its context goes on")
	}
	for _, stack := range r.Leaked() {
		t.Errorf("a goroutine was left behind:\n%s", stack)
	}
}

func runsAgain(t *testing.T, b Bench) {
	first := b.up(t, &Sink{})
	b.Unplug()
	if err := first.End(t); err == nil {
		t.Fatal("Run returned nil though the device was unplugged")
	}
	b.Replug()
	sink := &Sink{}
	again := b.up(t, sink)
	want := b.Report(1)
	sink.Wait(t, "what the device reports after it came back arrives", func() bool {
		return slices.Contains(sink.Keys(), want[0])
	})
	again.Stop(t)
}

func keepsOrder(t *testing.T, b Bench) {
	const n = 60
	sink := &Sink{Slow: 2 * time.Millisecond}
	b.up(t, sink)
	want := b.Report(n)
	last := want[n-1]
	sink.Wait(t, "everything that the device reports arrives", func() bool { return slices.Contains(sink.Keys(), last) })
	var got []string
	for _, k := range sink.Keys() {
		if slices.Contains(want, k) && (len(got) == 0 || got[len(got)-1] != k) {
			got = append(got, k)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the reports arrived as\n%v, want\n%v", got, want)
	}
}
