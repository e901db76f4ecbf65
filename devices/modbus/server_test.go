package modbus_test

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
)

// server is a unit behind a TCP port.
type server struct {
	framing modbus.Framing
	host    string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	mute     bool
	unit     *registers
	before   []byte // said before each answer
	hangUp   bool   // after each answer
	asked    int
	wg       sync.WaitGroup
}

func newServer(t *testing.T, framing modbus.Framing, u *registers) *server {
	t.Helper()
	s := &server{framing: framing, host: "127.0.0.1:0", unit: u}
	s.plug(t)
	t.Cleanup(s.unplug)
	return s
}

func (s *server) plug(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", s.host)
	if err != nil {
		t.Fatal(err)
	}
	s.set(func() { s.listener, s.host, s.conns = l, l.Addr().String(), map[net.Conn]bool{} })
	s.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.set(func() { s.conns[conn] = true })
			s.wg.Go(func() { s.serve(conn) })
		}
	})
}

func (s *server) unplug() {
	s.set(func() {
		_ = s.listener.Close()
		for conn := range s.conns {
			_ = conn.Close()
		}
	})
	s.wg.Wait()
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	var got []byte
	b := make([]byte, 512)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		got = append(got, b[:n]...)
		for len(got) > 0 {
			transaction, r, n, err := s.decode(got)
			if errors.Is(err, modbus.ErrShort) {
				break
			}
			if err != nil {
				got = got[1:]
				continue
			}
			got = got[n:]
			s.answer(conn, transaction, r)
		}
	}
}

func (s *server) decode(b []byte) (transaction uint16, r modbus.Request, n int, err error) {
	if s.framing == modbus.TCP {
		return modbus.DecodeTCPRequest(b)
	}
	r, n, err = modbus.DecodeRequest(b)
	return 0, r, n, err
}

func (s *server) answer(conn net.Conn, transaction uint16, r modbus.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.mute {
		return
	}
	a := s.unit.answer(r)
	frame, err := modbus.EncodeResponse(a)
	if s.framing == modbus.TCP {
		frame, err = modbus.EncodeTCPResponse(transaction, a)
	}
	if err != nil {
		frame = nil
	}
	_, _ = conn.Write(append(append([]byte(nil), s.before...), frame...))
	if s.hangUp {
		_ = conn.Close()
	}
}

func (s *server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// say sends what nobody asked for, to all who are connected.
func (s *server) say(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_, _ = conn.Write(b)
	}
}

func (s *server) address(t *testing.T) port.Address {
	t.Helper()
	a, err := port.ParseAddress("tcp:" + s.host)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *server) config(t *testing.T) modbus.Config {
	t.Helper()
	opener, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opener.Close() })
	return modbus.Config{
		ID: "probe-r", Model: model(t), Poll: 5 * time.Millisecond, Timeout: 500 * time.Millisecond, Framing: s.framing,
		Opener: opener, Address: s.address(t),
	}
}

func testOverTCP(t *testing.T, framing modbus.Framing) {
	devicetest.Run(t, func(t *testing.T) devicetest.Bench {
		u := probe()
		s := newServer(t, framing, u)
		s.set(func() { s.mute = true })
		return devicetest.Bench{
			Driver: driver(t, s.config(t)),
			Answer: func() { s.set(func() { s.mute = false }) },
			Report: func(n int) (keys []string) {
				s.set(func() {
					for i := range n {
						u.next = append(u.next, uint16(100+i))
						keys = append(keys, unit.Milli((100+i)*100).String())
					}
				})
				return keys
			},
			Babble: s.say,
			Unplug: s.unplug,
			Replug: func() {
				s.set(func() { s.mute = true })
				s.plug(t)
			},
		}
	})
}

func TestDriverOverTCP(t *testing.T)      { testOverTCP(t, modbus.TCP) }
func TestDriverOverRTUInTCP(t *testing.T) { testOverTCP(t, modbus.RTU) }

// Many servers close connections that were idle for a while.
func TestAConnectionThatWasClosedIsOpenedAgain(t *testing.T) {
	s := newServer(t, modbus.TCP, probe())
	s.set(func() { s.hangUp = true })
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, s.config(t)), sink)
	sink.Wait(t, "20 samples", func() bool { return len(sink.Samples()) >= 20 })
	for _, h := range sink.Healths() {
		if h.State != devices.Up {
			t.Errorf("health was %+v", h)
		}
	}
}

func TestUnit255IsForTCP(t *testing.T) {
	s := newServer(t, modbus.TCP, probe())
	c := s.config(t)
	c.Unit = 255
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, c), sink)
	sink.WaitState(t, devices.Up)
	c.Framing = modbus.RTU
	if _, err := modbus.New(c); err == nil {
		t.Error("a driver of RTU frames was made for unit 255")
	}
}
