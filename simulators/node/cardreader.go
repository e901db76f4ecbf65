package node

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

// CardReader is one simulated Tasmota node with a PN532 or an RC522.
type CardReader struct {
	*outlet
	sensor string
}

// NewCardReader makes a node with a sensor "PN532" or "RC522"; Run makes it work.
func NewCardReader(c Config, sensor string) *CardReader {
	return &CardReader{outlet: newOutlet(c), sensor: sensor}
}

// Show puts a card before the reader. at is the node's clock, text what the card's memory holds.
func (r *CardReader) Show(at time.Time, card devices.Tag, text string) {
	b, err := mqttnode.EncodeTasmotaTag(at, mqttnode.TasmotaTag{Sensor: r.sensor, Tag: card, Text: text})
	if err == nil {
		r.offer(b)
	}
}
