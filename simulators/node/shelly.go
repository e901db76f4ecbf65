package node

import (
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

// Shelly is one simulated Shelly H&T of generation 2 or later. Topic of its Config is DEVICE/events/rpc, Status DEVICE/online.
type Shelly struct {
	*outlet
	deaf atomic.Bool
}

// NewShelly makes a device; Run makes it work.
func NewShelly(c Config) *Shelly {
	s := &Shelly{outlet: newOutlet(c)}
	s.presence = func(there bool) []byte {
		if there {
			return []byte("true")
		}
		return []byte("false")
	}
	return s
}

// Break keeps the device's sensor from answering.
func (s *Shelly) Break(on bool) { s.deaf.Store(on) }

// Wake sends everything, as the device does after a sleep: temperature in steps of 0.1 °C, humidity of 0.1 %, and a battery. at
// is the device's clock.
func (s *Shelly) Wake(at time.Time, temperature, humidity, battery unit.Milli) {
	s.notify(mqttnode.ShellyReading{At: at, Temperature: temperature, Humidity: humidity, Battery: battery, Volts: 5_900, Full: true})
}

// Change sends a temperature alone, as the device does while it is awake.
func (s *Shelly) Change(at time.Time, temperature unit.Milli) {
	s.notify(mqttnode.ShellyReading{At: at, Temperature: temperature})
}

func (s *Shelly) notify(r mqttnode.ShellyReading) {
	r.ID, r.NoSensor = s.cfg.ID, s.deaf.Load()
	r.Temperature, r.Humidity = r.Temperature/100*100, r.Humidity/100*100
	b, err := mqttnode.EncodeShelly(r)
	if err != nil {
		return // no value of these types fails to be written
	}
	s.offer(b)
}
