package node

import (
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

// powerOn is what a DS18B20 reports after power-on, before its first measurement.
const powerOn unit.Milli = 85_000

// Tasmota is one simulated node with one DS18B20 probe.
type Tasmota struct {
	*outlet
	channel string
	silent  atomic.Bool
	fresh   atomic.Bool
}

// NewTasmota makes a node whose probe has the 1-Wire id channel; Run makes it work.
func NewTasmota(c Config, channel string) *Tasmota {
	return &Tasmota{outlet: newOutlet(c), channel: channel}
}

// Silence keeps the node from reporting, while it stays connected.
func (t *Tasmota) Silence(on bool) { t.silent.Store(on) }

// PowerOn makes the probe report 85 °C, as if its power came and went.
func (t *Tasmota) PowerOn(on bool) { t.fresh.Store(on) }

// Report sends the probe's value, in steps of 0.1 °C as Tasmota rounds it. at is the node's clock.
func (t *Tasmota) Report(at time.Time, temperature unit.Milli) {
	if t.silent.Load() {
		return
	}
	if t.fresh.Load() {
		temperature = powerOn
	}
	b, err := mqttnode.EncodeTasmota(at, mqttnode.TasmotaProbe{
		Name: "DS18B20", ID: t.channel, Values: map[string]unit.Milli{"Temperature": temperature / 100 * 100},
	})
	if err != nil {
		return // no value of these types fails to be written
	}
	t.offer(b)
}
