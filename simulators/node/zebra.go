package node

import (
	"strconv"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

// Zebra is one simulated fixed reader with an IoT Connector. Its sightings go to the topic of its Config, what it tells of
// itself to another.
type Zebra struct {
	*outlet
	events string

	mu     sync.Mutex
	number uint64 // of the sighting told last
	told   uint64 // of the management event told last
	last   []byte
}

// NewZebra makes a reader; Run makes it work. events is the topic of its management events.
func NewZebra(c Config, events string) *Zebra { return &Zebra{outlet: newOutlet(c), events: events} }

// Sight puts a tag before an antenna, counted from 1, for a moment. at is the reader's clock.
func (z *Zebra) Sight(at time.Time, antenna uint8, tag devices.Tag, rssi unit.DBm) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.number++
	if b, err := mqttnode.EncodeZebra(mqttnode.ZebraRead(at, z.number, tag, int(antenna), rssi)); err == nil {
		z.last = b
		z.offer(b)
	}
}

// Lose makes n sightings go astray: their numbers are missing.
func (z *Zebra) Lose(n uint64) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.number += n
}

// Again sends the last sighting once more, as after a connection that broke before it was acknowledged.
func (z *Zebra) Again() {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.last != nil {
		z.offer(z.last)
	}
}

// Reboot makes the reader count anew.
func (z *Zebra) Reboot() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.number, z.told = 0, 0
}

// Input changes an input, counted from 1.
func (z *Zebra) Input(at time.Time, pin uint8, high bool) {
	state := "LOW"
	if high {
		state = "HIGH"
	}
	z.tell(at, "gpi", mqttnode.ZebraData{Pin: int(pin), State: state})
}

// Heartbeat tells which antennas are connected, of all the reader has ports for, and that the radio is.
func (z *Zebra) Heartbeat(at time.Time, antennas map[uint8]bool) {
	state := map[string]string{}
	for port, connected := range antennas {
		state[strconv.Itoa(int(port))] = map[bool]string{true: "connected", false: "disconnected"}[connected]
	}
	z.tell(at, "heartbeat", mqttnode.ZebraData{RadioControl: &mqttnode.ZebraRadio{Antennas: state, RadioConnection: "connected"}})
}

// Fault tells of an error.
func (z *Zebra) Fault(at time.Time, message string) {
	z.tell(at, "error", mqttnode.ZebraData{Message: message})
}

func (z *Zebra) tell(at time.Time, kind string, data mqttnode.ZebraData) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.told++
	e := mqttnode.ZebraEvent{Type: kind, Timestamp: at.Format(mqttnode.ZebraTime), Component: "RG", EventNum: z.told, Data: data}
	if b, err := mqttnode.EncodeZebra(e); err == nil {
		z.offerTo(z.events, b)
	}
}
