package node

import (
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

// Handheld is one simulated Zebra RFD40. Its batches go to the topic of its Config, its alerts to another.
type Handheld struct {
	*outlet
	events string

	mu     sync.Mutex
	number uint64 // of the sighting told last
}

// NewHandheld makes a handheld; Run makes it work. events is the topic of its alerts.
func NewHandheld(c Config, events string) *Handheld {
	return &Handheld{outlet: newOutlet(c), events: events}
}

// Pull pulls the trigger while tags are before the handheld: an inventory, which counts from 1.
func (h *Handheld) Pull(at time.Time, tags ...devices.Tag) {
	h.mu.Lock()
	h.number = 0
	h.mu.Unlock()
	h.Go(at, tags...)
}

// Go reads tags while the trigger is still pulled.
func (h *Handheld) Go(at time.Time, tags ...devices.Tag) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, err := mqttnode.EncodeZebra(mqttnode.HandheldBatch(at, h.number+1, tags...))
	if err != nil {
		return // no batch of tags fails to be written
	}
	h.number += uint64(len(tags))
	h.offer(b)
}

// Alert sets ("SET") or clears ("CLEAR") a condition such as BATTERY, of priority CRITICAL, HIGH or LOW.
func (h *Handheld) Alert(at time.Time, id, state, priority string) {
	b, err := mqttnode.EncodeZebra(mqttnode.ZebraEvent{
		Type: "ALERT", Timestamp: at.UTC().Format(time.RFC3339), ID: id, State: state, Priority: priority,
	})
	if err == nil {
		h.offerTo(h.events, b)
	}
}
