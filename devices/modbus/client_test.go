package modbus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
)

// patience is longer than a busy machine keeps a test waiting.
const patience = 5 * time.Second

func ask(t *testing.T, s *server) *modbus.Client {
	t.Helper()
	c := s.config(t)
	shared, err := c.Opener.Share(c.Address, port.Options{ReadTimeout: 2 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shared.Leave)
	return &modbus.Client{Line: shared, Framing: s.framing, Timeout: patience, BusyPause: time.Millisecond}
}

var both = modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 1, Count: 2}

func TestABusyUnitIsAskedAgain(t *testing.T) {
	for _, framing := range []modbus.Framing{modbus.RTU, modbus.TCP} {
		u := probe()
		s := newServer(t, framing, u)
		c := ask(t, s)
		c.BusyRetries = 4
		s.set(func() { u.busy = 4 })
		if a, err := c.Ask(t.Context(), both); err != nil || a.Registers[1] != 600 || s.requests() != 5 {
			t.Errorf("%+v, %v after %d requests; want an answer after 5", a, err, s.requests())
		}
		s.set(func() { u.busy = 9 })
		c.BusyRetries = -1
		if _, err := c.Ask(t.Context(), both); !errors.Is(err, modbus.DeviceBusy) || s.requests() != 6 {
			t.Errorf("%v after %d requests; want exception 6 at once", err, s.requests())
		}
	}
}

func TestASilentUnitIsAskedAsOftenAsIsSet(t *testing.T) {
	s := newServer(t, modbus.TCP, probe())
	c := ask(t, s)
	for _, tt := range []struct{ retries, want int }{{0, 3}, {4, 5}, {-1, 1}} {
		s.set(func() { s.mute, s.asked = true, 0 })
		c.Retries, c.Timeout = tt.retries, 20*time.Millisecond
		_, err := c.Ask(t.Context(), both)
		s.set(func() { s.mute = false })
		c.Timeout = patience
		if _, err := c.Ask(t.Context(), both); err != nil { // by its answer all that was asked before has arrived
			t.Fatal(err)
		}
		if !errors.Is(err, modbus.ErrNoAnswer) || s.requests() != tt.want+1 {
			t.Errorf("with %d retries: %v after %d requests, want %d", tt.retries, err, s.requests()-1, tt.want)
		}
	}
}

func TestGarbageAroundAnAnswerDoesNoHarm(t *testing.T) {
	older := sum([]byte{1, 4, 2, 0, 9})
	for name, before := range map[string][]byte{
		"text": []byte("024.6C,058.2%\r\n"), "an answer to another request": older, "a cut frame": {1, 4, 4, 1},
		"of another transaction": {0, 77, 0, 0, 0, 7, 1, 4, 4, 0, 1, 0, 2}, "noise": {0xFF, 0x00, 0x00, 0x13},
	} {
		for _, framing := range []modbus.Framing{modbus.RTU, modbus.TCP} {
			s := newServer(t, framing, probe())
			s.set(func() { s.before = before })
			if a, err := ask(t, s).Ask(t.Context(), both); err != nil || a.Registers[0] != 43 || a.Registers[1] != 600 {
				t.Errorf("%s, framing %d: %+v, %v", name, framing, a, err)
			}
		}
	}
}

func TestAWrongChecksumIsSaid(t *testing.T) {
	s := newServer(t, modbus.RTU, probe())
	bad := sum([]byte{1, 4, 4, 0, 1, 0, 2})
	bad[8] ^= 1
	s.set(func() { s.before, s.unit = bad, &registers{silent: true} })
	c := ask(t, s)
	c.Retries, c.Timeout = -1, time.Minute // it need not wait for the end of that
	if _, err := c.Ask(t.Context(), both); !errors.Is(err, modbus.ErrNoAnswer) || !strings.Contains(err.Error(), "its checksum is wrong") {
		t.Errorf("Ask: %v", err)
	}
}

func TestAGatewaysSilenceIsNoAnswerOfTheUnit(t *testing.T) {
	u := probe()
	s := newServer(t, modbus.TCP, u)
	c := s.config(t)
	s.set(func() { u.refuse = modbus.GatewayNoAnswer })
	err := driver(t, c).Run(t.Context(), nil)
	if !errors.Is(err, modbus.GatewayNoAnswer) || s.requests() != 3 {
		t.Errorf("Run: %v after %d requests", err, s.requests())
	}
	s.set(func() { u.refuse, s.asked = modbus.IllegalAddress, 0 })
	if err := driver(t, c).Run(t.Context(), nil); !errors.Is(err, modbus.IllegalAddress) || s.requests() != 1 || !strings.Contains(err.Error(), "check its model") {
		t.Errorf("Run: %v after %d requests", err, s.requests())
	}
}

// A pause is at least as long as it is set; how much longer says nothing.
func TestPausesAreKept(t *testing.T) {
	const pause = 40 * time.Millisecond
	s := newServer(t, modbus.TCP, probe())
	c := ask(t, s)
	c.PauseAfterConnect, c.PauseBetweenRequests = pause, pause
	began := time.Now()
	for i := range 4 {
		if _, err := c.Ask(t.Context(), both); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Duration(i+1)*pause {
			t.Errorf("answer %d came after %s", i, took)
		}
	}
}
