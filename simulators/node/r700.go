// Package node pretends to be devices that speak MQTT: an Impinj R700 reader and a Tasmota node with a DS18B20 probe.
package node

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

// R700 is one simulated reader. It reads whether it is connected or not, as a real one does whose inventory runs.
type R700 struct{ *outlet }

// NewR700 makes a reader; Run makes it work. Now is the reader's clock.
func NewR700(c Config, now func() time.Time) *R700 {
	o := newOutlet(c)
	o.joined = true
	o.hello = func() []byte {
		return event(mqttnode.R700Event{
			Timestamp: stamp(now()), EventType: mqttnode.R700InventoryStatus,
			InventoryStatus: &mqttnode.R700Inventory{Status: "running"},
		})
	}
	o.overflow = func(purged uint64) []byte {
		return event(mqttnode.R700Event{
			Timestamp: stamp(now()), EventType: mqttnode.R700Overflow,
			Overflow: &mqttnode.R700Lost{EventsPurged: purged},
		})
	}
	return &R700{o}
}

// Sight puts a tag before an antenna, counted from 1, for a moment.
func (r *R700) Sight(at time.Time, antenna uint8, tag devices.Tag, rssi unit.DBm) {
	r.offer(event(mqttnode.R700Read(at, tag.Bytes(), int(antenna), rssi)))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// event encodes an event; the types that it is made of always can be.
func event(e mqttnode.R700Event) []byte {
	b, err := mqttnode.EncodeR700(e)
	if err != nil {
		return nil
	}
	return b
}
