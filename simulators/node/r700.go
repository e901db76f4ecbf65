// Package node pretends to be devices that speak MQTT: UHF readers (Impinj R700, Zebra IoT Connector, RFD40 handhelds),
// Tasmota nodes with a probe or a card reader, and other sensors.
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

// Input changes an input, counted from 1.
func (r *R700) Input(at time.Time, port uint8, high bool) {
	transition := "high-to-low"
	if high {
		transition = "low-to-high"
	}
	r.offer(event(mqttnode.R700Event{
		Timestamp: stamp(at), EventType: mqttnode.R700GPITransition,
		GPITransition: &mqttnode.R700GPI{GPI: int(port), Transition: transition},
	}))
}

// Antenna takes an antenna's cable off, or puts it on.
func (r *R700) Antenna(at time.Time, port uint8, connected bool) {
	e := mqttnode.R700Event{Timestamp: stamp(at), EventType: mqttnode.R700AntennaDisconnected}
	antenna := &mqttnode.R700Antenna{Port: int(port)}
	if connected {
		e.EventType, e.AntennaConnected = mqttnode.R700AntennaConnected, antenna
	} else {
		e.AntennaDisconnected = antenna
	}
	r.offer(event(e))
}

// Inventory tells what the reader's inventory is: "running", "armed" or "idle".
func (r *R700) Inventory(at time.Time, status string) {
	r.offer(event(mqttnode.R700Event{
		Timestamp: stamp(at), EventType: mqttnode.R700InventoryStatus, InventoryStatus: &mqttnode.R700Inventory{Status: status},
	}))
}

// Overflow tells that the reader's buffer was full and n events were thrown away.
func (r *R700) Overflow(at time.Time, n uint64) {
	r.offer(event(mqttnode.R700Event{
		Timestamp: stamp(at), EventType: mqttnode.R700Overflow, Overflow: &mqttnode.R700Lost{EventsPurged: n},
	}))
}

// KeepAlive sends what the reader sends while it has nothing to tell.
func (r *R700) KeepAlive() { r.offer([]byte("\r\n")) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// event encodes an event; the types that it is made of always can be.
func event(e mqttnode.R700Event) []byte {
	b, err := mqttnode.EncodeR700(e)
	if err != nil {
		return nil
	}
	return b
}
