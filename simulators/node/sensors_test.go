package node_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/node"
)

var dawn = time.Date(2026, 1, 5, 7, 0, 0, 0, time.UTC)

func samplesOf(sink *devicetest.Sink, q unit.Quantity) []devices.Sample {
	return slices.DeleteFunc(sink.Samples(), func(s devices.Sample) bool { return s.Quantity != q })
}

func TestTheDriverMeasuresWhatTheShellyPublishes(t *testing.T) {
	m := broker(t)
	sink := gateway(t, m, devices.Settings{ID: "ht-1", Driver: "shelly", Address: "mqtt:site/SZ1/shellyplusht-1"})
	s := node.NewShelly(node.Config{
		ID: "shellyplusht-1", URL: m.url, Topic: "site/SZ1/shellyplusht-1/events/rpc", Status: "site/SZ1/shellyplusht-1/online",
	})
	stop := run(t, s.Run)
	sink.WaitState(t, devices.Up)
	s.Wake(dawn, 4_260, 55_540, 97_000)
	sink.Wait(t, "four values", func() bool { return len(sink.Samples()) == 4 })
	for _, got := range sink.Samples() {
		want := map[unit.Quantity]unit.Milli{unit.Temperature: 4_200, unit.Humidity: 55_500, unit.Battery: 97_000, unit.Voltage: 5_900}[got.Quantity]
		if got.Value != want || got.Quality != devices.Good || !got.DeviceTime.Equal(dawn) {
			t.Errorf("sample is %+v, want %s", got, want)
		}
	}
	s.Change(dawn, -18_000)
	s.Break(true)
	s.Change(dawn, 0)
	sink.Wait(t, "two more", func() bool { return len(sink.Samples()) == 6 })
	if got := sink.Samples()[4:]; got[0].Value != -18_000 || got[1].Quality != devices.NoData || got[1].Reason != "read" {
		t.Errorf("samples are %+v", got)
	}
	stop() // it says goodbye, as it does before it sleeps, and wakes again
	s.Break(false)
	run(t, s.Run)
	s.Change(dawn, 1_000)
	sink.Wait(t, "the value after the sleep", func() bool { return len(sink.Samples()) == 7 })
	for _, h := range sink.Healths() {
		if h.State == devices.Down {
			t.Errorf("a Shelly that sleeps is called down: %s", h.Reason)
		}
	}
}

func TestTwoGatewaysHearOneRuuviTag(t *testing.T) {
	m := broker(t)
	const tag = "F4:1F:0C:28:CB:D6"
	sink := gateway(t, m, devices.Settings{
		ID: "cold-1", Driver: "ruuvi", Address: "mqtt:ruuvi/+/" + tag, Options: map[string]string{"tag": tag, "status": "ruuvi/+/gw_status"},
	})
	var heard []*node.Ruuvi
	for _, gw := range []string{"C8:25:2D:8E:9C:2C", "C8:25:2D:8E:9C:2D"} {
		r := node.NewRuuvi(node.Config{ID: gw, URL: m.url, Topic: "ruuvi/" + gw + "/" + tag, Status: "ruuvi/" + gw + "/gw_status"}, tag)
		run(t, r.Run)
		heard = append(heard, r)
	}
	sink.WaitState(t, devices.Up)
	for i := range uint16(50) {
		for g, r := range heard {
			if err := r.Hear(dawn.Add(time.Duration(i)*time.Second), i, unit.Milli(4_000+5*int(i)), 55_000); err != nil {
				t.Fatal(err)
			}
			if g == 0 { // several advertisements of one measurement
				_ = r.Hear(dawn, i, unit.Milli(4_000+5*int(i)), 55_000)
			}
		}
		sink.Wait(t, "the measurement", func() bool { return len(samplesOf(sink, unit.Temperature)) == int(i)+1 })
	}
	for _, r := range heard { // and a last one, behind all repetitions
		_ = r.Hear(dawn, 50, 9_000, 55_000)
	}
	sink.Wait(t, "the last", func() bool { return len(samplesOf(sink, unit.Temperature)) >= 51 })
	for i, s := range samplesOf(sink, unit.Temperature) {
		if want := unit.Milli(4_000 + 5*i); i < 50 && (s.Value != want || s.Channel != tag) || i > 50 {
			t.Errorf("sample %d is %+v, want %s", i, s, want)
		}
	}
}

func edgeNode(m *mosquitto) *node.EdgeNode {
	return node.NewEdgeNode(node.EdgeNodeConfig{
		URL: m.url, Group: "Plant", Node: "Line1", Device: "Freezer", Host: "tally", Metrics: map[string]string{"Temp": "Cel", "Hum": "%"},
	})
}

// plant starts the gateway's driver for the edge node, by a clock that runs fast: births may be asked for every ten seconds only.
func plant(t *testing.T, m *mosquitto) *devicetest.Sink {
	t.Helper()
	b, err := mqttnode.New(mqttnode.Config{URL: m.url, ClientID: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ports.Close() })
	fast, err := clock.Scaled(dawn, time.Now(), 20)
	if err != nil {
		t.Fatal(err)
	}
	d, err := all.New(devices.Settings{
		ID: "plant", Driver: "sparkplug", Address: "mqtt:spBv1.0/Plant/+/Line1/#",
		Options: map[string]string{"temperature": "Temp", "humidity": "Hum", "host": "tally", "reorder": "2s"},
	}, all.Env{Ports: ports, MQTT: b, Clock: fast})
	if err != nil {
		t.Fatal(err)
	}
	sink := &devicetest.Sink{}
	run(t, func(ctx context.Context) error { // as a gateway does: again when the connection broke
		for ctx.Err() == nil {
			_ = d.Run(ctx, sink)
		}
		return nil
	})
	return sink
}

// measured gives what was measured of a metric, without the births' nulls.
func measured(sink *devicetest.Sink) (list []string) {
	for _, s := range sink.Samples() {
		if s.Quality == devices.NoData {
			continue
		}
		word := s.Channel + "=" + s.Value.String()
		if s.Historical {
			word += " historical at " + s.DeviceTime.Format(time.TimeOnly)
		}
		list = append(list, word)
	}
	return list
}

func said(sink *devicetest.Sink, want ...string) func() bool {
	return func() bool {
		got := measured(sink)
		return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(got, w) })
	}
}

func TestTheHostHearsTheEdgeNodeThroughDeathAndHistory(t *testing.T) {
	m := broker(t)
	n := edgeNode(m)
	n.Report(dawn, "Temp", -18.5) // before there is a host
	run(t, n.Run)
	sink := plant(t, m)
	sink.WaitState(t, devices.Up)
	sink.Wait(t, "what was kept", said(sink, "Freezer/Temp=-18.5 historical at 07:00:00"))
	eventually(t, "a session", n.Live)
	n.Report(dawn.Add(time.Minute), "Temp", -18)
	n.Report(dawn.Add(time.Minute), "Hum", 55.25)
	n.ReportNull(dawn.Add(2*time.Minute), "Temp")
	sink.Wait(t, "values", said(sink, "Freezer/Temp=-18", "Freezer/Hum=55.25"))
	n.Die()
	sink.WaitState(t, devices.Down)
	sink.Wait(t, "it is there again", func() bool { return sink.State() == devices.Up })
	eventually(t, "a new session", n.Live)
	n.Report(dawn.Add(3*time.Minute), "Temp", -17)
	sink.Wait(t, "a value of the new session", said(sink, "Freezer/Temp=-17"))
	m.stop()
	eventually(t, "no session", func() bool { return !n.Live() })
	for i := range 100 {
		n.Report(dawn.Add(time.Hour+time.Duration(i)*time.Second), "Temp", float64(i))
	}
	m.start(t)
	sink.Wait(t, "the history", said(sink, "Freezer/Temp=0 historical at 08:00:00", "Freezer/Temp=99 historical at 08:01:39"))
	var history []string
	for _, w := range measured(sink) {
		if strings.Contains(w, "historical at 08:") {
			history = append(history, w)
		}
	}
	for i, w := range history {
		if !strings.HasPrefix(w, fmt.Sprintf("Freezer/Temp=%d ", i)) {
			t.Errorf("value %d of the history is %s", i, w)
		}
	}
	if len(history) != 100 {
		t.Errorf("%d values of the history", len(history))
	}
}

func TestTheHostAsksForBirthsAfterAGap(t *testing.T) {
	m := broker(t)
	n := edgeNode(m)
	run(t, n.Run)
	sink := plant(t, m)
	sink.WaitState(t, devices.Up)
	eventually(t, "a session", n.Live)
	n.Report(dawn, "Temp", 1)
	sink.Wait(t, "a value", said(sink, "Freezer/Temp=1"))
	births := n.Births()
	n.Lose(1)
	n.Report(dawn, "Temp", 2)
	eventually(t, "the lost message is gone", func() bool { return n.Idle() })
	n.Report(dawn, "Temp", 3)
	sink.Wait(t, "the value behind the gap", said(sink, "Freezer/Temp=3"))
	if n.Births() <= births {
		t.Error("the host did not ask for births")
	}
	if lost(sink) != 1 || said(sink, "Freezer/Temp=2")() {
		t.Errorf("%d messages are told to be lost; values are %v", lost(sink), measured(sink))
	}
	n.Report(dawn, "Temp", 4)
	sink.Wait(t, "the next", said(sink, "Freezer/Temp=4"))
}
