package output_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/output"
)

// relay is what an output switches.
type relay struct {
	mu   sync.Mutex
	did  []bool
	err  error
	slow chan struct{} // what an attempt waits for; nil = nothing
}

func (r *relay) set(ctx context.Context, on bool) error {
	r.mu.Lock()
	slow, err := r.slow, r.err
	r.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.did = append(r.did, on)
	return nil
}

// after gives what was done since the last call.
func (r *relay) after() []bool {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	did := r.did
	r.did = nil
	return did
}

func (r *relay) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func outputs(specs ...output.Spec) *output.Outputs {
	return output.New(specs, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

// run runs o until the test's end.
func run(t *testing.T, o *output.Outputs) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func same(t *testing.T, what string, got []bool, want ...bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: switched %v, want %v", what, got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: switched %v, want %v", what, got, want)
		}
	}
}

func TestOutputIsOnWhileAnybodyWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{}
		o := outputs(output.Spec{Name: "lamp", Set: r.set})
		o.Want("alarms", "lamp", true, "cold room") // before it runs
		o.Want("alarms", "no such lamp", true, "x")
		run(t, o)
		same(t, "at the start", r.after(), true)
		o.Want("door D1", "lamp", true, "missing")
		o.Want("alarms", "lamp", false, "")
		same(t, "one of two wants it no more", r.after())
		if s := o.States()[0]; !s.On || s.Why != "missing" || !s.Known || s.Err != nil {
			t.Errorf("state %+v", s)
		}
		o.Want("door D1", "lamp", false, "")
		same(t, "nobody wants it", r.after(), false)
	})
}

func TestOutputThatNobodyWantsIsSwitchedOffAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{}
		run(t, outputs(output.Spec{Name: "lamp", Set: r.set}, output.Spec{Name: "shown only"}))
		same(t, "at the start", r.after(), false)
	})
}

func TestTheLastStateWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{slow: make(chan struct{})}
		o := outputs(output.Spec{Name: "lamp", Set: r.set})
		run(t, o)
		synctest.Wait() // it is switching off, slowly
		for _, on := range []bool{true, false, true, false, true} {
			o.Want("alarms", "lamp", on, "x")
		}
		close(r.slow)
		same(t, "what came meanwhile is one", r.after(), false, true)
	})
}

func TestOutputIsTriedUntilItIsDoneAndFailingIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{err: errors.New("no answer")}
		o := outputs(output.Spec{Name: "lamp", Set: r.set})
		run(t, o)
		o.Want("alarms", "lamp", true, "x")
		time.Sleep(output.Patience - time.Second)
		if s := o.States()[0]; s.Err == nil || s.Failing || s.Known {
			t.Errorf("soon %+v", s)
		}
		time.Sleep(2 * time.Second)
		if s := o.States()[0]; !s.Failing {
			t.Errorf("later %+v", s)
		}
		r.fail(nil)
		time.Sleep(10 * time.Second)
		same(t, "once it answers", r.after(), true)
		if s := o.States()[0]; s.Err != nil || s.Failing || !s.Known {
			t.Errorf("at last %+v", s)
		}
	})
}

func TestOutputThatHangsIsGivenUpAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{slow: make(chan struct{})}
		o := outputs(output.Spec{Name: "lamp", Set: r.set})
		run(t, o)
		time.Sleep(11 * time.Second)
		if s := o.States()[0]; !errors.Is(s.Err, context.DeadlineExceeded) {
			t.Errorf("state %+v", s)
		}
	})
}

func TestOutputIsSetAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		coil, topic := &relay{}, &relay{}
		o := outputs(output.Spec{Name: "coil", Set: coil.set, Device: "r", Again: time.Minute}, output.Spec{Name: "topic", Set: topic.set})
		run(t, o)
		coil.after()
		topic.after()
		o.Health(devices.Health{Device: "r", State: devices.Up})
		same(t, "its device is there", coil.after(), false)
		o.Health(devices.Health{Device: "r", State: devices.Degraded})
		o.Health(devices.Health{Device: "other", State: devices.Up})
		same(t, "nothing new", coil.after())
		o.Health(devices.Health{Device: "r", State: devices.Down})
		o.Health(devices.Health{Device: "r", State: devices.Up})
		same(t, "its device came back", coil.after(), false)
		o.Renew()
		same(t, "the broker came back", topic.after(), false)
		same(t, "which is nothing to a device", coil.after())
		time.Sleep(61 * time.Second)
		same(t, "a minute later", coil.after(), false)
		same(t, "a topic is not repeated", topic.after())
	})
}
