package devicetest

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Sink keeps what a driver reports. Its zero value is ready; it is safe for use by several goroutines.
type Sink struct {
	Slow time.Duration // how long each Read and Sample takes

	mu      sync.Mutex
	changed chan struct{}
	reads   []devices.Read
	inputs  []devices.GPI
	samples []devices.Sample
	health  []devices.Health
	keys    []string
}

// Read implements devices.Sink.
func (s *Sink) Read(r devices.Read) {
	time.Sleep(s.Slow)
	s.note(func() { s.reads, s.keys = append(s.reads, r), append(s.keys, r.Tag.String()) })
}

// GPI implements devices.Sink.
func (s *Sink) GPI(g devices.GPI) { s.note(func() { s.inputs = append(s.inputs, g) }) }

// Sample implements devices.Sink.
func (s *Sink) Sample(v devices.Sample) {
	time.Sleep(s.Slow)
	s.note(func() { s.samples, s.keys = append(s.samples, v), append(s.keys, v.Value.String()) })
}

// Health implements devices.Sink.
func (s *Sink) Health(h devices.Health) { s.note(func() { s.health = append(s.health, h) }) }

func (s *Sink) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Reads gives a copy of what was read so far.
func (s *Sink) Reads() []devices.Read {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reads)
}

// GPIs gives a copy of the inputs' changes so far.
func (s *Sink) GPIs() []devices.GPI {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.inputs)
}

// Samples gives a copy of what was measured so far.
func (s *Sink) Samples() []devices.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.samples)
}

// Healths gives a copy of the health reports so far.
func (s *Sink) Healths() []devices.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.health)
}

// Keys gives what was read and measured so far, as Bench.Report names it.
func (s *Sink) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys)
}

// State gives the health that was reported last; Down before the first.
func (s *Sink) State() devices.HealthState {
	h := s.Healths()
	if len(h) == 0 {
		return devices.Down
	}
	return h[len(h)-1].State
}

// Wait waits until ok, which is asked after each report, and fails the test after a while.
func (s *Sink) Wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !s.within(patience, ok) {
		t.Fatalf("%s: not within %s; health reports are %+v, reads and samples are %v", what, patience, s.Healths(), s.Keys())
	}
}

// WaitState waits until the last health report has a state.
func (s *Sink) WaitState(t *testing.T, state devices.HealthState) {
	t.Helper()
	s.Wait(t, "the device is "+state.String(), func() bool { return len(s.Healths()) > 0 && s.State() == state })
}

func (s *Sink) within(d time.Duration, ok func() bool) bool {
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return true
		}
		select {
		case <-changed:
		case <-deadline.C:
			return ok()
		}
	}
}

// Running is a driver at work.
type Running struct {
	sink   *Sink
	cancel context.CancelFunc
	result chan error
	before map[string]bool
}

// Start runs a driver until Stop or the test's end.
func Start(t *testing.T, d devices.Driver, sink *Sink) *Running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Running{sink: sink, cancel: cancel, result: make(chan error, 1), before: goroutines()}
	go func() { r.result <- d.Run(ctx, sink) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.result:
		case <-time.After(patience):
		}
	})
	return r
}

// Stop ends the driver and fails the test unless it returns nil soon.
func (r *Running) Stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := r.End(t); err != nil {
		t.Errorf("Run returned %v after its context ended; want nil", err)
	}
}

// End waits for the driver to return and gives its error.
func (r *Running) End(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.result:
		r.result <- nil // for the clean-up
		return err
	case <-time.After(patience):
		t.Fatalf("Run did not return within %s", patience)
		return nil
	}
}

// goroutines gives the ids of the goroutines there are.
func goroutines() map[string]bool {
	ids := map[string]bool{}
	for _, g := range stacks() {
		ids[id(g)] = true
	}
	return ids
}

func stacks() []string {
	b := make([]byte, 1<<20)
	return strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n")
}

func id(stack string) string {
	head, _, _ := strings.Cut(stack, " [")
	return head
}

// ofDriver tells a driver's goroutine from the test's and from the pretend device's, which is in a test package.
func ofDriver(stack string) bool {
	return strings.Contains(stack, "tallydock/devices/") && !strings.Contains(stack, "devicetest.") &&
		!strings.Contains(stack, "_test.")
}

// Leaked gives the stacks of goroutines that the driver started and left behind, after a while of patience.
func (r *Running) Leaked() []string {
	deadline := time.Now().Add(2 * time.Second)
	for {
		var left []string
		for _, g := range stacks() {
			if !r.before[id(g)] && ofDriver(g) {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(5 * time.Millisecond)
	}
}
