package app

import (
	"os"
	"runtime/debug"
	"testing"
)

// standard makes the collector's settings those before the test again, when it ends.
func standard(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	t.Cleanup(func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	})
}

func without(t *testing.T, name string) {
	t.Setenv(name, "") // so that it comes back
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

func TestEnvironmentsMemoryLimitWins(t *testing.T) {
	standard(t)
	t.Setenv("GOMEMLIMIT", "123MiB")
	t.Setenv("GOGC", "77")
	debug.SetMemoryLimit(123 << 20) // as the runtime has read it
	debug.SetGCPercent(77)
	limitMemory(Memory)
	if got := debug.SetMemoryLimit(-1); got != 123<<20 {
		t.Errorf("the limit is %d", got)
	}
	if got := debug.SetGCPercent(100); got != 77 {
		t.Errorf("the collector's percentage is %d", got)
	}
}

func TestSmallMachineGetsALimit(t *testing.T) {
	standard(t)
	without(t, "GOMEMLIMIT")
	without(t, "GOGC")
	debug.SetMemoryLimit(1 << 40)
	limitMemory(0)
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("no limit was asked for; it is %d", got)
	}
	limitMemory(Memory)
	if got := debug.SetMemoryLimit(-1); got != Memory {
		t.Errorf("the limit is %d", got)
	}
	if got := debug.SetGCPercent(100); got != 50 {
		t.Errorf("the collector's percentage is %d", got)
	}
}
