package load

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// usage is what a process has used, as /proc tells it.
type usage struct {
	cpu  time.Duration // user and system, all threads
	rss  int64         // bytes
	most int64         // the most that rss ever was
}

// clockTick is the unit of the times in /proc/PID/stat; Linux shows 100 a second on every platform.
const clockTick = 10 * time.Millisecond

// usageOf reads a process's usage; pid "self" is this one.
func usageOf(pid string) (u usage, err error) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return u, fmt.Errorf("cannot tell what process %s uses: %w", pid, err)
	}
	// The second field is the program's name in parentheses, which may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var user, system int64
	if len(fields) < 13 {
		return u, fmt.Errorf("cannot tell what process %s uses: its stat has %d fields", pid, len(fields))
	}
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return u, fmt.Errorf("cannot tell what process %s uses: %w", pid, err)
	}
	u.cpu = time.Duration(user+system) * clockTick
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return u, fmt.Errorf("cannot tell what process %s uses: %w", pid, err)
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			u.rss = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			u.most = kib << 10
		}
	}
	return u, nil
}
