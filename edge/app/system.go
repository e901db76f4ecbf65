package app

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// written is before the first gateway; the floor where a program does not know when it was made.
var written = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// floorOf is the time that it is at least: when the program was made, or the last that was kept. A time that was kept and is
// a lifetime later than the program is of a clock that was wrong.
func floorOf(built, kept time.Time) (floor time.Time, believed bool) {
	built = later(built, written)
	if kept.Sub(built) > 2*mostAhead {
		return built, false
	}
	return later(built, kept), true
}

// systemClock gives what asks the system about its clock.
func systemClock() func() word {
	own := hasClock("/sys")
	return func() word {
		var t unix.Timex
		if _, err := unix.Adjtimex(&t); err != nil {
			return silent // a sandbox that forbids the question
		}
		return wordOf(t.Status, own)
	}
}

// wordOf reads the kernel's status. On a machine with a clock of its own the kernel's "nobody has synchronised me" does not
// make the clock wrong: many sites have no time service.
func wordOf(status int32, own bool) word {
	switch {
	case status&unix.STA_UNSYNC == 0:
		return set
	case own:
		return silent
	default:
		return unset
	}
}

// hasClock tells whether the machine knew the time when it started: from a clock with a battery that set the system's, or from
// the host of a virtual machine. sys is where the kernel's /sys is.
func hasClock(sys string) bool {
	found, _ := filepath.Glob(filepath.Join(sys, "class/rtc/rtc*/hctosys"))
	for _, file := range found {
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == "1" {
			return true
		}
	}
	b, _ := os.ReadFile(filepath.Join(sys, "devices/system/clocksource/clocksource0/available_clocksource"))
	for _, host := range []string{"kvm-clock", "hyperv", "xen"} {
		if strings.Contains(string(b), host) {
			return true
		}
	}
	return false
}
