package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/line"
	"github.com/tallydock/tallydock/simulators/probe"
)

func models(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newUnit(t *testing.T, model string, address byte) *probe.Unit {
	t.Helper()
	m, err := models(t).Modbus(model)
	if err != nil {
		t.Fatal(err)
	}
	return probe.NewUnit(m, address)
}

func until(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the bus ended with %v", err)
		}
	})
}

// onLine puts a bus on a pseudo terminal and gives its address.
func onLine(t *testing.T, b *probe.Bus) string {
	t.Helper()
	l, err := line.Open(filepath.Join(t.TempDir(), "tty-bus"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	until(t, func(ctx context.Context) error { return b.Serve(ctx, l) })
	return "serial:" + l.Where() + "?baud=19200&parity=N&stop=1"
}

// onTCP puts a bus behind a TCP port and gives its address.
func onTCP(t *testing.T, b *probe.Bus, framing modbus.Framing) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	until(t, func(ctx context.Context) error { return b.Listen(ctx, l, framing) })
	return "tcp:" + l.Addr().String()
}

// gateway has what drivers of one gateway share.
func gateway(t *testing.T) all.Env {
	t.Helper()
	ports, err := port.NewOpener(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ports.Close() })
	fast, err := clock.Scaled(time.Now(), time.Now(), 300)
	if err != nil {
		t.Fatal(err)
	}
	return all.Env{Ports: ports, Clock: fast}
}

func device(t *testing.T, env all.Env, s devices.Settings) devices.Driver {
	t.Helper()
	s.Driver = "modbus"
	d, err := all.New(s, env)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// airOf is what every model can measure, and hold in tenths.
var airOf = map[unit.Quantity]unit.Milli{unit.Temperature: -7_500, unit.Humidity: 43_200, unit.Pressure: 998_400}

func TestEveryModelOfTheCatalogueIsMeasuredOverEveryFraming(t *testing.T) {
	c := models(t)
	names := c.Names(func(m catalog.Model) bool { return m.Modbus != nil && len(m.Modbus.Values) > 0 })
	if len(names) < 9 {
		t.Fatalf("models are %v", names)
	}
	framings := map[string]func(*testing.T, *probe.Bus) string{
		"line":         onLine,
		"tcp":          func(t *testing.T, b *probe.Bus) string { return onTCP(t, b, modbus.TCP) },
		"rtu over tcp": func(t *testing.T, b *probe.Bus) string { return onTCP(t, b, modbus.RTU) },
	}
	for framing, connect := range framings {
		for _, name := range names {
			t.Run(name+" "+framing, func(t *testing.T) {
				t.Parallel()
				u := newUnit(t, name, 0)
				for q, v := range airOf {
					u.Set(q, v)
				}
				options := map[string]string{"pause_after_connect": "0s"}
				if framing == "rtu over tcp" {
					options["framing"] = "rtu"
				}
				address := connect(t, probe.NewBus(u))
				d := device(t, gateway(t), devices.Settings{ID: "p", Model: name, Address: address, Options: options})
				sink := &devicetest.Sink{}
				devicetest.Start(t, d, sink)
				sink.WaitState(t, devices.Up)
				m, err := c.Modbus(name)
				if err != nil {
					t.Fatal(err)
				}
				got := sink.Samples()
				if len(got) < len(m.Values) {
					t.Fatalf("samples are %+v", got)
				}
				for _, s := range got {
					if s.Value != airOf[s.Quantity] || s.Quality != devices.Good {
						t.Errorf("%s is %s %s %s, want %s", s.Quantity, s.Value, s.Quality, s.Reason, airOf[s.Quantity])
					}
				}
			})
		}
	}
}

func TestUnitsOfSeveralModelsShareALine(t *testing.T) {
	t.Parallel()
	first, second, third := newUnit(t, "xy-md02", 1), newUnit(t, "ee160", 2), newUnit(t, "relay-8", 3)
	first.Set(unit.Temperature, 4_500)
	second.Set(unit.Temperature, -18_250)
	bus := probe.NewBus(first, second, third)
	address, env := onLine(t, bus), gateway(t)
	sink := &devicetest.Sink{}
	for i, model := range []string{"xy-md02", "ee160", "relay-8"} {
		devicetest.Start(t, device(t, env, devices.Settings{
			ID: model, Model: model, Address: address, Poll: 10 * time.Second, Options: map[string]string{"unit": fmt.Sprint(i + 1)},
		}), sink)
	}
	sink.Wait(t, "ten samples of each, and the inputs", func() bool {
		n := map[string]int{}
		for _, s := range sink.Samples() {
			n[s.Device]++
		}
		return n["xy-md02"] >= 20 && n["ee160"] >= 20 && len(sink.GPIs()) == 8
	})
	want := map[string]unit.Milli{"xy-md02": 4_500, "ee160": -18_250}
	for _, s := range sink.Samples() {
		if s.Quantity == unit.Temperature && s.Value != want[s.Device] {
			t.Errorf("%s gave %s", s.Device, s.Value)
		}
	}
}

func TestContactsAreReportedWhenTheyChange(t *testing.T) {
	for framing, connect := range map[string]func(*testing.T, *probe.Bus) string{
		"line": onLine, "tcp": func(t *testing.T, b *probe.Bus) string { return onTCP(t, b, modbus.TCP) },
	} {
		t.Run(framing, func(t *testing.T) {
			u := newUnit(t, "relay-8", 0)
			u.SetInput(3, true)
			d := device(t, gateway(t), devices.Settings{ID: "io", Model: "relay-8", Address: connect(t, probe.NewBus(u))})
			sink := &devicetest.Sink{}
			running := devicetest.Start(t, d, sink)
			sink.Wait(t, "how all stand at first", func() bool { return len(sink.GPIs()) == 8 })
			for _, g := range sink.GPIs() {
				if g.High != (g.Port == 3) || g.Device != "io" || g.HostTime.IsZero() {
					t.Errorf("at first: %+v", g)
				}
			}
			for i, high := range []bool{true, false, true} {
				u.SetInput(8, high)
				sink.Wait(t, "the change", func() bool { return len(sink.GPIs()) == 9+i })
				if g := sink.GPIs()[8+i]; g.Port != 8 || g.High != high {
					t.Errorf("change %d is %+v", i, g)
				}
			}
			running.Stop(t)
			u.SetInput(1, true)
			again := &devicetest.Sink{}
			devicetest.Start(t, d, again)
			again.Wait(t, "what changed meanwhile", func() bool { return len(again.GPIs()) > 0 })
			if g := again.GPIs()[0]; g.Port != 1 || !g.High {
				t.Errorf("after a pause: %+v", again.GPIs())
			}
		})
	}
}

func TestOutputsAreSwitchedBetweenPolls(t *testing.T) {
	t.Parallel()
	for framing, connect := range map[string]func(*testing.T, *probe.Bus) string{
		"line": onLine, "tcp": func(t *testing.T, b *probe.Bus) string { return onTCP(t, b, modbus.TCP) },
	} {
		t.Run(framing, func(t *testing.T) {
			u, air := newUnit(t, "relay-8", 1), newUnit(t, "xy-md02", 2)
			air.Set(unit.Temperature, 5_000)
			bus := probe.NewBus(u, air)
			address, env := connect(t, bus), gateway(t)
			sink := &devicetest.Sink{}
			lamp := device(t, env, devices.Settings{ID: "lamp", Model: "relay-8", Address: address}).(devices.Outputs)
			if err := lamp.SetOutput(t.Context(), 2, true); err != nil || !u.Output(2) {
				t.Errorf("without Run: %v, output is %v", err, u.Output(2))
			}
			devicetest.Start(t, lamp.(devices.Driver), sink)
			devicetest.Start(t, device(t, env, devices.Settings{
				ID: "air", Model: "xy-md02", Address: address, Poll: 5 * time.Second, Options: map[string]string{"unit": "2"},
			}), sink)
			var users sync.WaitGroup
			for port := uint8(1); port <= 4; port++ {
				users.Go(func() {
					for i := range 6 {
						if err := lamp.SetOutput(t.Context(), port, i%2 == 0 == (port%2 == 0)); err != nil {
							t.Errorf("output %d: %v", port, err)
						}
					}
				})
			}
			users.Wait()
			for port := uint8(1); port <= 8; port++ {
				if want := port < 5 && port%2 == 1; u.Output(port) != want {
					t.Errorf("output %d is %v, want %v", port, u.Output(port), want)
				}
			}
			if err := lamp.SetOutput(t.Context(), 9, true); err == nil || !strings.Contains(err.Error(), "no output 9") {
				t.Errorf("output 9: %v", err)
			}
			sink.Wait(t, "the polls go on", func() bool { return len(sink.Samples()) >= 4 && len(sink.GPIs()) == 8 })
			for _, h := range sink.Healths() {
				if h.State != devices.Up {
					t.Errorf("health was %+v", h)
				}
			}
		})
	}
}

func TestAnOutputThatDoesNotSwitchIsAnError(t *testing.T) {
	u := newUnit(t, "relay-8", 0)
	lamp := device(t, gateway(t), devices.Settings{
		ID: "lamp", Model: "relay-8", Address: onTCP(t, probe.NewBus(u), modbus.TCP),
		Options: map[string]string{"timeout": "500ms", "retries": "0", "busy_retries": "1"},
	}).(devices.Outputs)
	u.Fail(probe.Busy, 1)
	if err := lamp.SetOutput(t.Context(), 1, true); err != nil || !u.Output(1) {
		t.Errorf("after a busy answer: %v", err)
	}
	u.Fail(probe.Busy, 2)
	if err := lamp.SetOutput(t.Context(), 1, false); !errors.Is(err, modbus.DeviceBusy) || !strings.Contains(err.Error(), "SlaveDeviceBusy") {
		t.Errorf("of a unit that stays busy: %v", err)
	}
	u.Fail(probe.Idle, 1)
	if err := lamp.SetOutput(t.Context(), 1, false); !errors.Is(err, modbus.ErrOutput) || !u.Output(1) {
		t.Errorf("of a relay that does not switch: %v", err)
	}
	u.Silence(true)
	if err := lamp.SetOutput(t.Context(), 1, false); !errors.Is(err, modbus.ErrNoAnswer) {
		t.Errorf("of a silent unit: %v", err)
	}
}

func TestFaultsDoNotReachTheValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   probe.Fault
		framing modbus.Framing
	}{
		{"busy", probe.Busy, modbus.RTU},
		{"busy over tcp", probe.Busy, modbus.TCP},
		{"wrong checksum", probe.WrongSum, modbus.RTU},
		{"foreign transaction", probe.WrongSum, modbus.TCP},
		{"text before the frame", probe.Babble, modbus.RTU},
		{"text before the frame over tcp", probe.Babble, modbus.TCP},
		{"no answer", probe.Mute, modbus.RTU},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newUnit(t, "xy-md02", 0)
			u.Set(unit.Temperature, 6_100)
			bus := probe.NewBus(u)
			options := map[string]string{"framing": "rtu", "timeout": "300ms"}
			if c.framing == modbus.TCP {
				options["framing"] = "tcp"
			}
			address, sink := onTCP(t, bus, c.framing), &devicetest.Sink{}
			devicetest.Start(t, device(t, gateway(t), devices.Settings{
				ID: "p", Model: "xy-md02", Address: address, Poll: time.Second, Options: options,
			}), sink)
			sink.WaitState(t, devices.Up)
			asked, seen := u.Asked(), len(sink.Samples())
			for range 5 {
				u.Fail(c.fault, 2)
				seen += 4
				sink.Wait(t, "samples go on", func() bool { return len(sink.Samples()) >= seen })
			}
			if u.Asked() < asked+10 {
				t.Errorf("%d requests were made", u.Asked()-asked)
			}
			for _, s := range sink.Samples() {
				if s.Quantity == unit.Temperature && s.Value != 6_100 || s.Quality != devices.Good {
					t.Errorf("sample is %+v", s)
				}
			}
		})
	}
}

func TestABrokenSensorIsNoDataAndTheDeviceStaysInTouch(t *testing.T) {
	u := newUnit(t, "ee160", 0)
	u.Fail(probe.Broken, 1)
	sink := &devicetest.Sink{}
	devicetest.Start(t, device(t, gateway(t), devices.Settings{
		ID: "p", Model: "ee160", Address: onTCP(t, probe.NewBus(u), modbus.TCP), Poll: 10 * time.Second,
	}), sink)
	sink.WaitState(t, devices.Up)
	for _, s := range sink.Samples()[:2] {
		if s.Quality != devices.NoData || s.Reason != "slave_device_failure" {
			t.Errorf("sample is %+v", s)
		}
	}
	if h := sink.Healths()[0]; h.State != devices.Degraded || !strings.Contains(h.Reason, "SlaveDeviceFailure") {
		t.Errorf("health was %+v", h)
	}
}

func TestCodesAndStatusesOfDevicesAreQualities(t *testing.T) {
	for _, c := range []struct {
		model   string
		spoil   func(*probe.Unit)
		quality devices.Quality
		reason  string
	}{
		{"xy-md02", func(u *probe.Unit) { u.Poke(catalog.Input, 1, 0x7FFF) }, devices.Sentinel, "code_7fff"},
		{"rs-ws-n01", func(u *probe.Unit) { u.Poke(catalog.Holding, 1, 0x8000) }, devices.Sentinel, "code_8000"},
		{"rs-ws-n01", func(u *probe.Unit) { u.Poke(catalog.Holding, 1, 900) }, devices.OutOfRange, "out_of_range"},
		{"vaisala-hmp110", func(u *probe.Unit) { u.Poke(catalog.Holding, 2, 0, 0x7FC0) }, devices.NoData, "not_a_number"},
		{"ee160", func(u *probe.Unit) { u.Poke(catalog.Holding, 0x19, 0, 0xFF80) }, devices.NoData, "infinite"},
		{"siemens-qfa31", func(u *probe.Unit) { u.Poke(catalog.Holding, 1, 1) }, devices.NoData, "status_1"},
		{"sensecap-one", func(u *probe.Unit) { u.Poke(catalog.Input, 0, 0x7FFF, 0xFFFF) }, devices.Sentinel, "code_7fffffff"},
	} {
		t.Run(c.model+" "+c.reason, func(t *testing.T) {
			u := newUnit(t, c.model, 0)
			u.Set(unit.Temperature, 20_000)
			c.spoil(u)
			sink := &devicetest.Sink{}
			devicetest.Start(t, device(t, gateway(t), devices.Settings{
				ID: "p", Model: c.model, Address: onTCP(t, probe.NewBus(u), modbus.TCP), Poll: time.Hour,
			}), sink)
			sink.WaitState(t, devices.Up)
			for _, s := range sink.Samples() {
				if s.Quantity == unit.Temperature && (s.Quality != c.quality || s.Reason != c.reason) {
					t.Errorf("sample is %+v, want %s %s", s, c.quality, c.reason)
				}
			}
		})
	}
}

func TestAnotherDeviceThanExpectedIsShown(t *testing.T) {
	u := newUnit(t, "comet-t3411", 0)
	u.Poke(catalog.Holding, 0x1034, 0x1096, 0x0042)
	address, env := onTCP(t, probe.NewBus(u), modbus.TCP), gateway(t)
	for expected, want := range map[string]devices.HealthState{"10960042": devices.Up, "10960043": devices.Degraded} {
		sink := &devicetest.Sink{}
		devicetest.Start(t, device(t, env, devices.Settings{
			ID: "p", Model: "comet-t3411", Address: address,
			Options: map[string]string{"serial_number": expected, "pause_after_connect": "0s"},
		}), sink)
		sink.WaitState(t, want)
		if h := sink.Healths()[0]; want == devices.Degraded && !strings.Contains(h.Reason, `serial_number of the device is "10960042"`) {
			t.Errorf("health is %+v", h)
		}
	}
}
