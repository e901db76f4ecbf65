package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

// Kind is what a rule looks at.
type Kind uint8

// The kinds of rules.
const (
	High   Kind = 1 // a value at or above the limit
	Low    Kind = 2 // a value at or below the limit
	NoData Kind = 3 // no usable value for a time
)

// Rule is one rule of the configuration.
type Rule struct {
	ID       string
	Kind     Kind
	Class    string // cold_chain, device, store, door
	Location string
	Device   string
	Channel  string // "" means every channel, each with an alarm of its own; for NoData any of them
	Quantity unit.Quantity
	Limit    unit.Milli
	Deadband unit.Milli
	OnDelay  time.Duration // evidence of violation needed to raise
	OffDelay time.Duration // evidence of being back needed to return
	MaxGap   time.Duration // longest time between two values that counts as evidence; 0 = DefaultMaxGap
	Silence  time.Duration // for NoData
	Priority alarm.Priority
}

// DefaultMaxGap is a little more than the usual reporting interval of battery-powered nodes, twice.
const DefaultMaxGap = 11 * time.Minute

// Ids of the rules that every gateway has.
const (
	DeviceDown    = "device-down"    // a device has been down for DownAfter
	SensorQuality = "sensor-quality" // a probe says that it has no value, or one that cannot be
)

// DownAfter is how long a device may be down before that is an alarm.
const DownAfter = time.Minute

// Device is a device with its place, for the alarms that every device has.
type Device struct{ ID, Location string }

// Spec is what the machine watches.
type Spec struct {
	Rules   []Rule
	Devices []Device
	// Occurrence names an alarm's occurrence from when it began and what it is.
	Occurrence func(at time.Time, parts ...string) string
}

func (r *Rule) matches(s *devices.Sample) bool {
	return r.Device == s.Device && r.Quantity == s.Quantity && (r.Channel == "" || r.Channel == s.Channel)
}

func (r *Rule) maxGap() time.Duration {
	if r.MaxGap > 0 {
		return r.MaxGap
	}
	return DefaultMaxGap
}

func (r *Rule) reason() string {
	return map[Kind]string{High: "high", Low: "low", NoData: "no_data"}[r.Kind]
}
