package mqttnode_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

var someDay = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

func epc(t *testing.T, i int) devices.Tag {
	t.Helper()
	tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)})
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// dialect is one kind of device: its driver, and what it says as its i-th report.
type dialect struct {
	name   string
	topic  string
	driver func(*testing.T, mqttnode.Device) (*mqttnode.Listener, error)
	report func(t *testing.T, i int) (payload []byte, key string)
}

func dialects(t *testing.T) []dialect {
	models := must[*catalog.Catalog](t)(catalog.Load())
	return []dialect{
		{
			"r700", "site/SZ1/r700-b/events",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) { return mqttnode.NewR700(d) },
			func(t *testing.T, i int) ([]byte, string) {
				return must[[]byte](t)(mqttnode.EncodeR700(mqttnode.R700Read(someDay, epc(t, i).Bytes(), 1, -5500))), epc(t, i).String()
			},
		}, {
			"zebra", "site/SZ1/zebra-x/tags",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) { return mqttnode.NewZebra(d) },
			func(t *testing.T, i int) ([]byte, string) {
				return must[[]byte](t)(mqttnode.EncodeZebra(mqttnode.ZebraRead(someDay, uint64(i+1), epc(t, i), 1, -5500))), epc(t, i).String()
			},
		}, {
			"tasmota", "site/SZ1/node-r/tele/SENSOR",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) {
				return mqttnode.NewTasmota(mqttnode.Tasmota{Device: d, Catalog: models})
			},
			func(t *testing.T, i int) ([]byte, string) {
				v := unit.Milli(1000 + 100*i)
				return must[[]byte](t)(mqttnode.EncodeTasmota(someDay, mqttnode.TasmotaProbe{
					Name: "DS18B20", ID: "00000566CC39", Values: map[string]unit.Milli{"Temperature": v},
				})), v.String()
			},
		}, {
			"zigbee2mqtt", "site/SZ1/z2m-1",
			func(_ *testing.T, d mqttnode.Device) (*mqttnode.Listener, error) {
				return mqttnode.NewZigbee(d, models)
			},
			func(_ *testing.T, i int) ([]byte, string) {
				v := unit.Milli(1000 + 100*i)
				return fmt.Appendf(nil, `{"temperature":%s,"battery":null}`, v), v.String()
			},
		},
	}
}

func TestDrivers(t *testing.T) {
	for _, d := range dialects(t) {
		t.Run(d.name, func(t *testing.T) {
			devicetest.Run(t, func(t *testing.T) devicetest.Bench { return bench(t, d) })
		})
	}
}

func bench(t *testing.T, d dialect) devicetest.Bench {
	m := startMosquitto(t)
	gateway, run := m.gateway(t)
	const status = "site/SZ1/status"
	driver := must[*mqttnode.Listener](t)(d.driver(t, mqttnode.Device{ID: "dev", Topic: d.topic, Status: status, Broker: gateway}))
	run()
	said := 0
	return devicetest.Bench{
		Driver: driver,
		Answer: func() { m.say(t, status, true, mqttnode.EncodePresence(true)) },
		Report: func(n int) (keys []string) {
			var payloads [][]byte
			for range n {
				payload, key := d.report(t, said)
				said++
				payloads, keys = append(payloads, payload), append(keys, key)
			}
			m.say(t, d.topic, false, payloads...)
			return keys
		},
		Babble: func(b []byte) { m.say(t, d.topic, false, b) },
		Unplug: m.stop,
		Replug: func() { m.start(t) },
	}
}

// stuckSink takes nothing until it is released.
type stuckSink struct {
	devicetest.Sink
	reached, release chan struct{}
}

func (s *stuckSink) Read(r devices.Read) {
	s.reached <- struct{}{}
	<-s.release
	s.Sink.Read(r)
}

func TestADriverAcknowledgesOnlyWhatTheSinkTook(t *testing.T) {
	m := startMosquitto(t)
	device := mqttnode.Device{ID: "r700-b", Topic: "site/SZ1/r700-b/events", Status: "status"}
	m.say(t, device.Status, true, mqttnode.EncodePresence(true))
	gateway, run := m.gateway(t)
	device.Broker = gateway
	driver := must[*mqttnode.Listener](t)(mqttnode.NewR700(device))
	stop := run()
	stuck := &stuckSink{reached: make(chan struct{}), release: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- driver.Run(ctx, stuck) }()
	stuck.WaitState(t, devices.Up)
	m.say(t, device.Topic, false, must[[]byte](t)(mqttnode.EncodeR700(mqttnode.R700Read(someDay, epc(t, 7).Bytes(), 1, -5500))))
	<-stuck.reached // the sink has it in hand, and the gateway dies
	stop()
	cancel()
	close(stuck.release)
	if err := <-done; err != nil {
		t.Errorf("Run returned %v", err)
	}
	sink := watch(t, m, mqttnode.NewR700, device)
	sink.Wait(t, "the read comes again", func() bool {
		return len(sink.Reads()) == 1 && sink.Reads()[0].Tag == epc(t, 7)
	})
}

func TestSilenceDegradesInBusinessTime(t *testing.T) {
	m := startMosquitto(t)
	fast := must[clock.Clock](t)(clock.Scaled(someDay, time.Now(), 600))
	device := mqttnode.Device{ID: "r700-b", Topic: "events", Status: "status", Expect: time.Minute, Clock: fast}
	m.say(t, device.Status, true, mqttnode.EncodePresence(true))
	sink := watch(t, m, mqttnode.NewR700, device)
	sink.WaitState(t, devices.Up)
	sink.WaitState(t, devices.Degraded)
	h := sink.Healths()
	if waited := h[1].At.Sub(h[0].At); waited < 2*time.Minute || h[0].At.Before(someDay) {
		t.Errorf("degraded after %s of silence, at %s", waited, h[1].At)
	}
	m.say(t, device.Topic, false, []byte(`{"eventType":"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"running"}}`))
	sink.Wait(t, "it is up again", func() bool { return len(sink.Healths()) >= 3 && sink.Healths()[2].State == devices.Up })
}
