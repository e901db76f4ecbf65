package doctor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Machine is what Limits judges.
type Machine struct {
	Files     uint64 // that the process may have open
	Available int64  // bytes of memory that programs can still get; 0 = not known
}

// What a hub needs.
const (
	leastOpen   = 1024
	wishedOpen  = 8192
	leastMemory = 256 << 20
)

// Limits looks at memory and open files.
func Limits() Check {
	return Check{"limits", func(context.Context) []Finding {
		var m Machine
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
			m.Files = limit.Max // Go programs raise the soft limit to it
		}
		if text, err := os.ReadFile("/proc/meminfo"); err == nil {
			m.Available = meminfo(text, "MemAvailable")
		}
		if left, bounded := groupMemory(); bounded && (m.Available == 0 || left < m.Available) {
			m.Available = left
		}
		return m.Judge()
	}}
}

// Judge says what is wrong with a machine.
func (m Machine) Judge() []Finding {
	var found []Finding
	const raise = "raise it: LimitNOFILE in systemctl edit tallydock-hub, or ulimit -n"
	switch {
	case m.Files > 0 && m.Files < leastOpen:
		found = append(found, problem(raise, "%d files may be open; an edge or a console needs one each", m.Files))
	case m.Files > 0 && m.Files < wishedOpen:
		found = append(found, warning(raise, "%d files may be open, which is few for a hub with many edges", m.Files))
	default:
		found = append(found, ok("%d files may be open", m.Files))
	}
	if m.Available > 0 && m.Available < leastMemory {
		return append(found, warning("give the machine more memory, or stop what else runs there", "%d MiB of memory are left", m.Available>>20))
	}
	if m.Available > 0 {
		found = append(found, ok("%d MiB of memory are left", m.Available>>20))
	}
	return found
}

// meminfo reads a line of /proc/meminfo in bytes; 0 where it is not there.
func meminfo(text []byte, name string) int64 {
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if rest, found := strings.CutPrefix(s.Text(), name+":"); found {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// groupMemory is what the control group (version 2) of a container or service still gives, where it has a limit.
func groupMemory() (left int64, bounded bool) {
	limit, err := number("/sys/fs/cgroup/memory.max")
	if err != nil {
		return 0, false
	}
	used, err := number("/sys/fs/cgroup/memory.current")
	return limit - used, err == nil
}

func number(file string) (int64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// mostAhead is how far the database's clock may be from this machine's.
const mostAhead = 2 * time.Second

// Clock looks at whether a time service holds this machine's clock; ask tells that, and whether it is known.
func Clock(ask func() (synced, known bool)) Check {
	return Check{"clock", func(context.Context) []Finding {
		switch synced, known := ask(); {
		case !known:
			return []Finding{skipped("the system does not say whether a time service holds its clock")}
		case !synced:
			return []Finding{warning("install systemd-timesyncd or chrony, and see timedatectl; in a container that is the machine's business",
				"no time service holds this machine's clock, which shows %s", time.Now().UTC().Format(time.RFC3339))}
		}
		return []Finding{ok("a time service holds this machine's clock")}
	}}
}

// What a certificate should have left.
const (
	soonEnds = 21 * 24 * time.Hour
	badEnds  = 3 * 24 * time.Hour
)

// Certificate looks at the console's certificate; "" = there is none.
func Certificate(cert, key, listen string, loopback bool, now time.Time) Check {
	return Check{"certificate", func(context.Context) []Finding {
		if cert == "" {
			if loopback {
				return []Finding{ok("the console answers on this machine only (%s) and needs none", listen)}
			}
			return []Finding{warning("set tls in hub.yaml, or listen on 127.0.0.1 behind a proxy that has a certificate",
				"the console answers on %s without TLS: passwords can be read on the way", listen)}
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return []Finding{problem("put a certificate and its key in PEM there", "tls: %v", err)}
		}
		found := []Finding{ends(pair.Leaf.NotBefore, pair.Leaf.NotAfter, now)}
		if info, err := os.Stat(key); err == nil && info.Mode().Perm()&0o037 != 0 {
			found = append(found, problem("chmod 0640 "+key, "others may read the key %s (mode %04o)", key, info.Mode().Perm()))
		}
		return found
	}}
}

func ends(begin, end, now time.Time) Finding {
	const do = "get a new one and restart the hub"
	left, day := end.Sub(now), end.UTC().Format(time.DateOnly)
	switch {
	case now.Before(begin):
		return problem("set this machine's clock", "the certificate is valid from %s only, and it is %s", begin.UTC().Format(time.RFC3339),
			now.UTC().Format(time.RFC3339))
	case left <= 0:
		return problem(do, "the certificate ended on %s", day)
	case left < badEnds:
		return problem(do, "the certificate ends on %s", day)
	case left < soonEnds:
		return warning(do, "the certificate ends on %s", day)
	}
	return ok("the certificate is valid until %s", day)
}
