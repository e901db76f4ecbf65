// Package devicetest is what every driver must do, as a test suite. A driver's own test makes a Bench, which is the
// driver with a pretend device under the test's control, and calls Run:
//
//	devicetest.Run(t, func(t *testing.T) devicetest.Bench { … })
//
// Every test of the suite gets a Bench of its own.
package devicetest

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Bench is a driver and a pretend device. The device starts plugged in and mute.
type Bench struct {
	Driver devices.Driver
	// Answer lets the device do what it should from now on, also after Replug: answer requests, or say that it is there.
	Answer func()
	// Report makes the device report n different things, one after the other, and returns their keys in that order: the
	// String of a Read's Tag, or of a Sample's Value. It may block until the driver has taken them.
	Report func(n int) []string
	// Babble makes the device send bytes that mean nothing.
	Babble func([]byte)
	// Unplug takes the device, or its connection, away; Replug brings it back, mute. They return once it is so.
	Unplug, Replug func()
}

// patience is how long the suite waits for what must happen, in machine time; quiet is how long it watches for what must
// not happen.
const (
	patience = 15 * time.Second
	quiet    = 150 * time.Millisecond
)

// Run runs the suite.
func Run(t *testing.T, setup func(t *testing.T) Bench) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Bench)
	}{
		{"is up only after the device answered", upOnlyAfterAnswer},
		{"ends with nil soon after its context, and leaves no goroutine", endsWithContext},
		{"ends with its context while the device is mute", endsWhileMute},
		{"survives garbage and still reads", survivesGarbage},
		{"returns an error when the device is unplugged", failsWhenUnplugged},
		{"can be run again after a failure", runsAgain},
		{"keeps the order under a slow sink", keepsOrder},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, setup(t)) })
	}
}
