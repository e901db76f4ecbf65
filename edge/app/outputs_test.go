package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/output"
	"github.com/tallydock/tallydock/edge/watch"
)

// relays is a module with eight relays behind a TCP port.
type relays struct {
	t    *testing.T
	addr string

	mu    sync.Mutex
	coils [8]bool
	l     net.Listener
	conns []net.Conn
	wg    sync.WaitGroup
}

func newRelays(t *testing.T) *relays {
	m := &relays{t: t, addr: "127.0.0.1:0"}
	m.power()
	t.Cleanup(m.cut)
	return m
}

// power switches it on; its relays are off then.
func (m *relays) power() {
	m.t.Helper()
	l, err := net.Listen("tcp", m.addr)
	if err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	m.l, m.addr, m.coils, m.conns = l, l.Addr().String(), [8]bool{}, nil
	m.mu.Unlock()
	m.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.conns = append(m.conns, c)
			m.mu.Unlock()
			m.wg.Go(func() { m.serve(c) })
		}
	})
}

// cut takes its power away.
func (m *relays) cut() {
	m.mu.Lock()
	_ = m.l.Close()
	for _, c := range m.conns {
		_ = c.Close()
	}
	m.mu.Unlock()
	m.wg.Wait()
}

func (m *relays) serve(c net.Conn) {
	defer c.Close()
	var have []byte
	b := make([]byte, 512)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		have = append(have, b[:n]...)
		for {
			transaction, req, length, err := modbus.DecodeTCPRequest(have)
			if errors.Is(err, modbus.ErrShort) {
				break
			}
			if err != nil {
				m.t.Errorf("the gateway sent %x: %v", have, err)
				return
			}
			have = have[length:]
			if answer, err := modbus.EncodeTCPResponse(transaction, m.answer(req)); err == nil {
				_, _ = c.Write(answer)
			}
		}
	}
}

func (m *relays) answer(r modbus.Request) modbus.Response {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := modbus.Response{Unit: r.Unit, Function: r.Function}
	switch r.Function {
	case modbus.ReadDiscrete:
		a.Bits = make([]bool, 8*((int(r.Count)+7)/8))
	case modbus.ReadCoils:
		a.Bits = make([]bool, 8*((int(r.Count)+7)/8))
		copy(a.Bits, m.coils[min(int(r.Register), 8):min(int(r.Register+r.Count), 8)])
	case modbus.WriteCoil:
		m.coils[r.Register%8] = r.Value == modbus.CoilOn
		a.Registers = []uint16{r.Register, r.Value}
	default:
		a.Exception = modbus.IllegalFunction
	}
	return a
}

func (m *relays) on(port int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.coils[port-1]
}

// said notes what is published on a topic.
type said struct {
	mu   sync.Mutex
	last string
	n    int
}

func (p *post) hear(topic string) *said {
	p.t.Helper()
	s := &said{}
	p.done(p.client.Subscribe(topic, 1, func(_ mqtt.Client, m mqtt.Message) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.last, s.n = string(m.Payload()), s.n+1
	}))
	return s
}

func (s *said) is(text string) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.last == text
	}
}

// run runs a gateway of a configuration's text until stop is called, or the test's end.
func runText(t *testing.T, text string) (a *App, stop func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if a, err = New(c, Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil))}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	eventually(t, "the gateway", func() bool {
		select {
		case <-a.Ready():
			return true
		default:
			return false
		}
	})
	return a, stop
}

func TestAlarmSwitchesARelayAndATopicAndKeepsThemOn(t *testing.T) {
	p, m := newPost(t), newRelays(t)
	data := t.TempDir()
	text := fmt.Sprintf(`
edge: E1
site: S1
data: %s
hub: {broker: "tcp://127.0.0.1:1"}
mqtt: {broker: %q}
api: {listen: "127.0.0.1:0"}
space: {min_free: 1, ballast: -1}
devices:
  - {id: io, driver: modbus, model: relay-8, address: "tcp:%s"}
  - {id: node, driver: tasmota, address: "mqtt:tele/node/SENSOR", location: R}
rules: [{id: hot, device: node, quantity: temperature, high: "8"}]
outputs:
  - {name: lamp, while: active, device: io, port: 3}
  - {name: siren, while: active, topic: cmnd/siren/POWER, retain: true}
`, data, p.url, m.addr)
	node := func(celsius float64) {
		p.say("tele/node/SENSOR", true, fmt.Appendf(nil, `{"Time":"2026-11-22T12:00:00","DS18B20":{"Id":"0316A2795F3C","Temperature":%.1f},"TempUnit":"C"}`, celsius))
	}
	siren := p.hear("cmnd/siren/POWER")
	a, stop := runText(t, text)
	eventually(t, "the siren is off", siren.is("OFF"))
	node(9)
	eventually(t, "the siren is on", siren.is("ON"))
	eventually(t, "the lamp is on", func() bool { return m.on(3) })
	eventually(t, "both are known", func() bool { return a.outputs.States()[0].Known && a.outputs.States()[1].Known })
	m.cut()
	m.power()
	eventually(t, "the lamp is on again after its module had no power", func() bool { return m.on(3) })
	p.shut()
	p.open() // a broker that forgot all
	siren = p.hear("cmnd/siren/POWER")
	eventually(t, "the new broker knows the siren", siren.is("ON"))
	stop()
	m.cut()
	m.power()
	_, _ = runText(t, text)
	eventually(t, "the lamp is on again after the gateway was off", func() bool { return m.on(3) })
	node(4)
	eventually(t, "the lamp is off", func() bool { return !m.on(3) })
	eventually(t, "the siren is off", siren.is("OFF"))
}

func TestOutputOfADeviceWithoutOutputsIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edge.yaml")
	text := `
edge: E1
site: S1
hub: {broker: "tcp://127.0.0.1:1"}
api: {listen: "127.0.0.1:0"}
data: data
space: {min_free: 1, ballast: -1}
devices: [{id: pad, driver: pn532, address: "serial:/dev/nowhere"}]
outputs: [{name: lamp, device: pad, port: 1}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "outputs[0].device: device pad, of driver pn532, has no outputs that could be switched"
	if err := a.Run(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOutputThatCannotBeSetIsAnAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := func(context.Context, bool) error { return errors.New("no answer") }
		a := &App{outputs: output.New([]output.Spec{{Name: "lamp", Set: fails}, {Name: "shown"}}, slog.New(slog.DiscardHandler), nil)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.outputs.Run(ctx) }()
		active := func(standing ...watch.Standing) (names []string) {
			for _, c := range a.outputConditions(standing) {
				names = append(names, fmt.Sprint(c.Rule, " ", c.Source, " ", c.Active))
			}
			return names
		}
		time.Sleep(output.Patience + time.Second)
		got := active(watch.Standing{Rule: outputRule, Source: "lamp"}, watch.Standing{Rule: outputRule, Source: "lamp of before"})
		want := []string{"gateway-output lamp true", "gateway-output shown false", "gateway-output lamp of before false"}
		if !slices.Equal(got, want) {
			t.Errorf("conditions %q, want %q", got, want)
		}
		cancel()
		<-done
	})
}
