package modbus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
)

func model(t *testing.T) catalog.Modbus {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Modbus("xy-md02")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func probe() *registers {
	return &registers{
		input:   map[uint16]uint16{1: 43, 2: 600},
		holding: map[uint16]uint16{0x0103: 0, 0x0104: 0},
	}
}

func config(t *testing.T, line *pretend) modbus.Config {
	t.Helper()
	opener, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opener.Close() })
	return modbus.Config{
		ID: "probe-r", Model: model(t), Poll: 5 * time.Millisecond, Timeout: 500 * time.Millisecond,
		Opener: opener, Address: line.address(t),
	}
}

func driver(t *testing.T, c modbus.Config) *modbus.Driver {
	t.Helper()
	d, err := modbus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDriver(t *testing.T) {
	devicetest.Run(t, func(t *testing.T) devicetest.Bench {
		u := probe()
		line := newPretend(t, map[byte]*registers{1: u})
		line.set(func() { line.mute = true })
		return devicetest.Bench{
			Driver: driver(t, config(t, line)),
			Answer: func() { line.set(func() { line.mute = false }) },
			Report: func(n int) (keys []string) {
				line.set(func() {
					for i := range n {
						u.next = append(u.next, uint16(100+i))
						keys = append(keys, unit.Milli((100+i)*100).String())
					}
				})
				return keys
			},
			Babble: line.say,
			Unplug: line.unplug,
			Replug: func() {
				line.set(func() { line.mute = true })
				line.plug(t)
			},
		}
	})
}

func TestSamplesHaveTheModelsUnits(t *testing.T) {
	u := probe()
	u.input = map[uint16]uint16{1: 0xFF33, 2: 0x0222}
	line := newPretend(t, map[byte]*registers{1: u})
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, config(t, line)), sink)
	sink.Wait(t, "two samples", func() bool { return len(sink.Samples()) >= 2 })
	s := sink.Samples()
	if s[0].Quantity != unit.Temperature || s[0].Value != -20500 || s[0].Quality != devices.Good || s[0].Device != "probe-r" {
		t.Errorf("temperature is %+v", s[0])
	}
	if s[1].Quantity != unit.Humidity || s[1].Value != 54600 {
		t.Errorf("humidity is %+v", s[1])
	}
}

func TestImpossibleValuesAreOutOfRange(t *testing.T) {
	u := probe()
	u.input = map[uint16]uint16{1: 900, 2: 1001}
	line := newPretend(t, map[byte]*registers{1: u})
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, config(t, line)), sink)
	sink.Wait(t, "two samples", func() bool { return len(sink.Samples()) >= 2 })
	for _, s := range sink.Samples()[:2] {
		if s.Quality != devices.OutOfRange || s.Reason != catalog.OutOfRangeReason {
			t.Errorf("sample is %+v", s)
		}
	}
}

func TestAnAnswerIsFoundAfterTheASCIIThatTheProbeSends(t *testing.T) {
	line := newPretend(t, map[byte]*registers{1: probe()})
	line.set(func() { line.before = []byte("024.6C,058.2%\r\n") })
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, config(t, line)), sink)
	sink.WaitState(t, devices.Up)
	if n := line.requests(); n > 4 {
		t.Errorf("it took %d requests", n)
	}
}

func TestACorrectionInTheDeviceIsShownUntilItIsExpected(t *testing.T) {
	u := probe()
	u.holding[0x0103] = 0xFFFB // -0.5
	line := newPretend(t, map[byte]*registers{1: u})
	c := config(t, line)
	sink := &devicetest.Sink{}
	r := devicetest.Start(t, driver(t, c), sink)
	sink.WaitState(t, devices.Degraded)
	if h := sink.Healths()[0]; !strings.Contains(h.Reason, "temperature_correction in the device is -0.5 °C, expected is 0") {
		t.Errorf("health is %+v", h)
	}
	r.Stop(t)
	c.Corrections = map[string]unit.Milli{"temperature_correction": -500}
	sink = &devicetest.Sink{}
	devicetest.Start(t, driver(t, c), sink)
	sink.WaitState(t, devices.Up)
}

func TestAProbeWithoutCorrectionRegistersIsUp(t *testing.T) {
	u := probe()
	u.holding = nil
	line := newPretend(t, map[byte]*registers{1: u})
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, config(t, line)), sink)
	sink.WaitState(t, devices.Up)
}

func TestSilenceDegradesAndThenFails(t *testing.T) {
	line := newPretend(t, map[byte]*registers{1: probe()})
	c := config(t, line)
	c.Timeout = 200 * time.Millisecond
	sink := &devicetest.Sink{}
	r := devicetest.Start(t, driver(t, c), sink)
	sink.WaitState(t, devices.Up)
	line.set(func() { line.mute = true })
	sink.WaitState(t, devices.Degraded)
	if err := r.End(t); !errors.Is(err, modbus.ErrNoAnswer) || !strings.Contains(err.Error(), "check its power") {
		t.Errorf("Run returned %v", err)
	}
}

func TestSeveralDevicesShareALine(t *testing.T) {
	first, second := probe(), probe()
	second.input = map[uint16]uint16{1: 77, 2: 500}
	line := newPretend(t, map[byte]*registers{1: first, 2: second})
	c := config(t, line)
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, c), sink)
	c.ID, c.Unit = "probe-2", 2
	devicetest.Start(t, driver(t, c), sink)
	sink.Wait(t, "20 samples of each", func() bool {
		n := map[string]int{}
		for _, s := range sink.Samples() {
			n[s.Device]++
		}
		return n["probe-r"] >= 20 && n["probe-2"] >= 20
	})
	for _, s := range sink.Samples() {
		want := unit.Milli(4300)
		if s.Device == "probe-2" {
			want = 7700
		}
		if s.Quantity == unit.Temperature && s.Value != want {
			t.Errorf("%s gave %s", s.Device, s.Value)
		}
	}
}

func TestARefusalIsNotAskedAgainAndABusyUnitIs(t *testing.T) {
	line := newPretend(t, map[byte]*registers{1: probe()})
	c := config(t, line)
	shared, err := c.Opener.Share(c.Address, modbus.PortOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Leave()
	client := modbus.Client{Line: shared, Timeout: patience}
	_, err = client.Ask(context.Background(), modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 9, Count: 1})
	if !errors.Is(err, modbus.IllegalAddress) || line.requests() != 1 {
		t.Errorf("Ask: %v after %d requests; want the refusal after 1", err, line.requests())
	}
	line.set(func() { line.mute, line.asked = true, 0 })
	client.Timeout = 50 * time.Millisecond
	one := modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 1, Count: 1}
	_, err = client.Ask(context.Background(), one)
	line.set(func() { line.mute = false })
	client.Timeout = patience
	if _, err := client.Ask(context.Background(), one); err != nil { // by its answer all that was asked before has arrived
		t.Fatal(err)
	}
	if !errors.Is(err, modbus.ErrNoAnswer) || line.requests() != 4 {
		t.Errorf("Ask: %v after %d requests; want ErrNoAnswer after 3", err, line.requests()-1)
	}
}

func TestNeighboursAreAskedForTogether(t *testing.T) {
	line := newPretend(t, map[byte]*registers{1: probe()})
	c := config(t, line)
	c.Poll = time.Hour
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver(t, c), sink)
	sink.WaitState(t, devices.Up)
	if line.requests() != 3 { // both values at once, then two corrections
		t.Errorf("%d requests were made", line.requests())
	}
	var q []unit.Quantity
	for _, s := range sink.Samples() {
		q = append(q, s.Quantity)
	}
	if !slices.Equal(q, []unit.Quantity{unit.Temperature, unit.Humidity}) {
		t.Errorf("samples are of %v", q)
	}
}

func TestSilenceBetweenFrames(t *testing.T) {
	for _, c := range []struct {
		address string
		want    time.Duration
	}{
		{"serial:/dev/x?baud=9600", 3645833 * time.Nanosecond},
		{"serial:/dev/x?baud=115200", 1750 * time.Microsecond},
		{"tcp:h:1", 1750 * time.Microsecond},
	} {
		a, err := port.ParseAddress(c.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := modbus.Silence(a); got != c.want {
			t.Errorf("%s: %s, want %s", c.address, got, c.want)
		}
	}
}
