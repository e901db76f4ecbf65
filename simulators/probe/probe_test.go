package probe_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/line"
	"github.com/tallydock/tallydock/simulators/probe"
)

func start(t *testing.T) (*probe.Probe, *line.Line) {
	t.Helper()
	l, err := line.Open(filepath.Join(t.TempDir(), "tty-probe"))
	if err != nil {
		t.Fatal(err)
	}
	p := probe.New(probe.Config{Line: l})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the probe ended with %v", err)
		}
		l.Close()
	})
	return p, l
}

// driver is the gateway's driver, as a configuration makes it, polling 60 times as fast.
func driver(t *testing.T, l *line.Line) devices.Driver {
	t.Helper()
	fast, err := clock.Scaled(time.Now(), time.Now(), 300)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := port.NewOpener(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ports.Close() })
	d, err := all.New(devices.Settings{
		ID: "probe-1", Driver: "modbus", Model: "xy-md02", Address: "serial:" + l.Where() + "?baud=9600", Poll: 30 * time.Second,
	}, all.Env{Ports: ports, Clock: fast})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// last gives the newest good value of a quantity.
func last(sink *devicetest.Sink, q unit.Quantity) (v unit.Milli, ok bool) {
	for _, s := range sink.Samples() {
		if s.Quantity == q && s.Quality == devices.Good {
			v, ok = s.Value, true
		}
	}
	return v, ok
}

func TestTheDriverMeasuresTheAir(t *testing.T) {
	p, l := start(t)
	p.Set(4_460, 65_210)
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, l), sink)
	sink.WaitState(t, devices.Up)
	for _, air := range []struct{ t, rh, wantT, wantRH unit.Milli }{
		{4_460, 65_210, 4_500, 65_200}, {-20_540, 30_000, -20_500, 30_000}, {-50, 99_990, -100, 100_000},
	} {
		p.Set(air.t, air.rh)
		sink.Wait(t, "the value", func() bool {
			temperature, _ := last(sink, unit.Temperature)
			humidity, _ := last(sink, unit.Humidity)
			return temperature == air.wantT && humidity == air.wantRH
		})
	}
}

func TestTextBetweenTheFramesDoesNoHarm(t *testing.T) {
	p, l := start(t)
	p.Garbage(true)
	p.Set(7_100, 50_000)
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, l), sink)
	sink.Wait(t, "values", func() bool { return len(sink.Samples()) > 10 })
	if v, ok := last(sink, unit.Temperature); !ok || v != 7_100 {
		t.Errorf("temperature is %v %v", v, ok)
	}
}

func TestASilentProbeIsNoticed(t *testing.T) {
	t.Parallel()
	p, l := start(t)
	sink := &devicetest.Sink{}
	running := devicetest.Start(t, driver(t, l), sink)
	sink.WaitState(t, devices.Up)
	p.Silence(true)
	if err := running.End(t); err == nil {
		t.Error("the driver ended without an error")
	}
	p.Silence(false)
	again := &devicetest.Sink{}
	devicetest.Start(t, driver(t, l), again)
	again.WaitState(t, devices.Up)
	if p.Asked() == 0 {
		t.Error("no request was counted")
	}
}

func TestWhatTheProbeDoesNotHaveIsAnException(t *testing.T) {
	_, l := start(t)
	address, err := port.ParseAddress("serial:" + l.Where() + "?baud=9600")
	if err != nil {
		t.Fatal(err)
	}
	gate, err := port.Open(t.Context(), address, port.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	frame := func(r modbus.Request) []byte {
		b, err := modbus.EncodeRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	file := []byte{1, 0x14, 0, 0, 0, 1}
	crc := modbus.CRC(file)
	tests := []struct {
		name string
		send []byte
		want string
	}{
		{"input register", frame(modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 7, Count: 1}), "\x01\x84\x02\xc2\xc1"},
		{"a register beyond the last", frame(modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 2, Count: 2}), "\x01\x84\x02\xc2\xc1"},
		{"function", append(file, byte(crc), byte(crc>>8)), "\x01\x94\x01\x8f\x00"},
		{"coil", frame(modbus.Request{Unit: 1, Function: modbus.ReadCoils, Count: 1}), "\x01\x81\x02\xc1\x91"},
		{"holding register", frame(modbus.Request{Unit: 1, Function: modbus.ReadHolding, Register: 0x0101, Count: 1}), "\x01\x03\x02\x00\x01\x79\x84"},
		{"write", frame(modbus.Request{Unit: 1, Function: modbus.WriteSingle, Register: 0x0103, Value: 5}), "\x01\x06\x01\x03\x00\x05\xb8\x35"},
		{"another unit", frame(modbus.Request{Unit: 2, Function: modbus.ReadInput, Register: 1, Count: 1}), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := gate.Write(tt.send); err != nil {
				t.Fatal(err)
			}
			var got []byte
			for until := time.Now().Add(300 * time.Millisecond); time.Now().Before(until) && (len(got) < len(tt.want) || tt.want == ""); {
				b := make([]byte, 50)
				n, err := gate.Read(b)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, b[:n]...)
			}
			if string(got) != tt.want {
				t.Errorf("got % x, want % x", got, tt.want)
			}
		})
	}
}
