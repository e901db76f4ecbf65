// Package systemd is how a program speaks with the service manager that started it: what it is doing, that it is alive, and
// log lines that the journal can sort. Without a service manager all of it does nothing.
//
// Sources: sd_notify(3), sd_watchdog_enabled(3), sd-daemon(3) and systemd.exec(5), JOURNAL_STREAM, of systemd 252.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a message to the service manager may take.
const patience = time.Second

// Manager is the service manager of this program. The zero Manager is none. Its methods may be called by several goroutines
// at once.
type Manager struct {
	conn  *net.UnixConn
	alive time.Duration
}

// Connect gives the manager that the environment names (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID); none where it names
// none.
func Connect(env func(name string) (string, bool)) (*Manager, error) {
	socket, _ := env("NOTIFY_SOCKET")
	if socket == "" {
		return &Manager{}, nil
	}
	if socket[0] != '/' && socket[0] != '@' { // @ is an abstract socket, which package net knows by that sign too
		return &Manager{}, fmt.Errorf("NOTIFY_SOCKET %q is neither a path nor an abstract socket", socket)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return &Manager{}, fmt.Errorf("cannot reach the service manager: %w", err)
	}
	return &Manager{conn: conn, alive: watchdog(env)}, nil
}

// watchdog is after what silence the manager ends this program; 0 = it does not.
func watchdog(env func(name string) (string, bool)) time.Duration {
	pid, forOne := env("WATCHDOG_PID")
	if forOne && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	text, _ := env("WATCHDOG_USEC")
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil || us <= 0 || us > int64(24*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

// Watchdog is after what silence, without Alive, the manager ends this program; 0 = it does not watch.
func (m *Manager) Watchdog() time.Duration { return m.alive }

// Ready tells that the program has started, or has read its configuration again.
func (m *Manager) Ready(status string) error { return m.tell("READY=1", "STATUS="+line(status)) }

// Reloading tells that the program reads its configuration again; Ready ends that.
func (m *Manager) Reloading() error {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return err
	}
	return m.tell("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(t.Nano()/1000, 10))
}

// Stopping tells that the program ends.
func (m *Manager) Stopping() error { return m.tell("STOPPING=1") }

// Status tells people what the program does, in a line.
func (m *Manager) Status(status string) error { return m.tell("STATUS=" + line(status)) }

// Alive feeds the watchdog.
func (m *Manager) Alive() error { return m.tell("WATCHDOG=1") }

// Close ends the connection; the manager is none then.
func (m *Manager) Close() error {
	if m.conn == nil {
		return nil
	}
	return m.conn.Close()
}

// line makes text fit into one assignment.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func (m *Manager) tell(lines ...string) error {
	if m.conn == nil {
		return nil
	}
	_ = m.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := m.conn.Write([]byte(strings.Join(lines, "\n")))
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("cannot tell the service manager %s: %w", lines[0], err)
	}
	return nil
}
