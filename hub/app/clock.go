package app

import "syscall"

// unsynced is the bit of the kernel's clock status that says that no time service holds the clock (STA_UNSYNC of adjtimex(2)).
const unsynced = 0x40

// ClockSynced reports whether a time service holds this machine's clock; known says whether the kernel tells.
func ClockSynced() (synced, known bool) {
	var t syscall.Timex
	if _, err := syscall.Adjtimex(&t); err != nil {
		return false, false
	}
	return t.Status&unsynced == 0, true
}
