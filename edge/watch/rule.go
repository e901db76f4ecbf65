package watch

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

// Kind is what a rule looks at.
type Kind uint8

// The kinds of rules. The numbers are part of stored data.
const (
	High   Kind = 1 // a value at or above the limit
	Low    Kind = 2 // a value at or below the limit
	NoData Kind = 3 // no usable value for a time
	Rise   Kind = 4 // the value rises by Limit per minute or faster
	Fall   Kind = 5 // the value falls by Limit per minute or faster; Limit is positive
	MKT    Kind = 6 // the mean kinetic temperature over Window is at or above the limit
	Stuck  Kind = 7 // the value has not changed for Span
)

// Rule is one rule of the configuration. A preset is a set of such rules (preset.go); there is no other kind.
type Rule struct {
	ID       string
	Kind     Kind
	Class    string // cold_chain, device, store, door
	Location string // the room: excursions and who was in it are kept for rooms
	Device   string
	Channel  string // "" means every channel, each with an alarm of its own; for NoData any of them
	Quantity unit.Quantity
	Limit    unit.Milli // of the quantity's unit; of it per minute for Rise and Fall
	Deadband unit.Milli
	OnDelay  time.Duration // evidence of violation needed to raise: in a row, or in sum where Cumulative
	OffDelay time.Duration // evidence of being back needed to return
	MaxGap   time.Duration // longest time between two values that counts as evidence; 0 = DefaultMaxGap
	Silence  time.Duration // for NoData
	Priority alarm.Priority

	Cumulative bool          // High, Low: OnDelay is the sum of all violations in Window, not the length of one
	Window     time.Duration // Cumulative, MKT: the rolling time that counts; 0 = since the last Reset (the recording period)
	Span       time.Duration // Rise, Fall: the time over which the rate is taken; Stuck: how long a value may stay the same
	Heat       int64         // MKT: heat of activation in J/mol; 0 = DefaultHeat
	Least      time.Duration // MKT: known time in Window before which nothing is concluded; 0 = half of Window
	Peers      []string      // Stuck: only while one of these devices has moved by more than Deadband; empty = always

	Door       *Context    // while it holds, OnDelay is Door.OnDelay
	Suppress   *Context    // while it holds, the alarm is SuppressedByDesign
	Recovering *Recovering // what is already getting better is not escalated
	Latch      bool        // the alarm ends only by a Reset
	Escalation []Level     // in the order of After
}

// Context is a state of the plant: one of the named inputs is on, or was until a short time ago.
type Context struct {
	Inputs  []string
	OnDelay time.Duration // for Rule.Door
	After   time.Duration // how long it holds after the last input went off
	AtMost  time.Duration // how long an input that stays on counts; 0 = for ever
}

// Recovering describes a value that is on its way back: by at least By towards the range within Over. The alarm is
// raised, shown and recorded as ever; only its escalation waits, at most AtMost (0 = DefaultHold) in one occurrence.
type Recovering struct {
	By     unit.Milli
	Over   time.Duration
	AtMost time.Duration
}

// Level is one step of an escalation.
type Level struct {
	After   time.Duration // since the alarm is present and unacknowledged
	Every   time.Duration // how often it is told again; 0 = once
	Outputs []string      // local outputs that are on from here until the alarm is acknowledged or gone
	Notify  string        // who is to be told, in the site's own words; "" = nobody
}

// While says for how long an Output is on.
type While uint8

// What an Output follows.
const (
	Unacked       While = 1 // somebody owes an answer: alarms that are unacked or rtn_unacked
	Active        While = 2 // the condition is present and shown: unacked or acked
	ActiveUnacked While = 3 // present, and nobody has answered
)

// Output is a local output that follows alarms: a siren, a lamp, a relay. It works without the hub.
type Output struct {
	Name     string
	While    While
	Priority alarm.Priority // the least urgent that counts
	Class    string         // "" = each
	Location string         // "" = each
}

// Contact is an input that a device reports (devices.GPI), by the name that rules call it.
type Contact struct {
	Name      string
	Device    string
	Port      uint8
	ActiveLow bool // the input is on while the port is low, e.g. a contact that opens with the door
}

// Calibration is what a certificate says of a probe, valid from a time until the next one of the same probe.
type Calibration struct {
	Device      string
	Channel     string // "" = every channel
	Quantity    unit.Quantity
	From        time.Time
	Offset      unit.Milli // is added to what the device says
	Certificate string
	Due         time.Time // when the next calibration must be done; zero = not said
	// DeviceOffset is the correction that the device itself held when it was calibrated, e.g. register 0x0103 of an
	// XY-MD02. Should it hold another one, Offset would be wrong by the difference: SensorCalibration is raised.
	DeviceOffset unit.Milli
}

// Defaults.
const (
	// DefaultMaxGap is a little more than the usual reporting interval of battery-powered nodes, twice.
	DefaultMaxGap = 11 * time.Minute
	// DefaultHold is how long an escalation waits for a value that is on its way back.
	DefaultHold = 30 * time.Minute
	// DefaultHeat is the heat of activation of USP <1160>, 83.144 kJ/mol: with the gas constant of 8.3144 J/(mol K) it
	// makes 10,000 K.
	DefaultHeat = 83144
)

// Ids of the rules that every gateway has.
const (
	DeviceDown        = "device-down"        // a device has been down for DownAfter
	SensorQuality     = "sensor-quality"     // a probe says that it has no value, or one that cannot be
	SensorCalibration = "sensor-calibration" // a probe corrects its values otherwise than its certificate says
	CalibrationDue    = "calibration-due"    // a probe's calibration has run out
)

// Reserved reports whether an id is one of the rules that a gateway has by itself.
func Reserved(rule string) bool {
	return slices.Contains([]string{DeviceDown, SensorQuality, SensorCalibration, CalibrationDue}, rule)
}

// DownAfter is how long a device may be down before that is an alarm.
const DownAfter = time.Minute

// Bounds of what is remembered.
const (
	MaxChannels = 64 // channels of one device that are judged; more raise SensorQuality
	maxGaps     = 16 // gaps of one record that history can still fill
)

// Device is a device with its place, for the alarms that every device has.
type Device struct{ ID, Location string }

// Spec is what the machine watches.
type Spec struct {
	Rules        []Rule
	Devices      []Device
	Contacts     []Contact
	Outputs      []Output
	Calibrations []Calibration // in any order
	// Occurrence names an alarm's occurrence from when it began and what it is.
	Occurrence func(at time.Time, parts ...string) string
}

func (r *Rule) maxGap() time.Duration {
	if r.MaxGap > 0 {
		return r.MaxGap
	}
	return DefaultMaxGap
}

func (r *Rule) least() time.Duration {
	if r.Least > 0 {
		return r.Least
	}
	return r.Window / 2
}

// reason is the code that alarms of the rule carry.
func (r *Rule) reason() string {
	if r.Cumulative {
		return map[Kind]string{High: "high_cumulative", Low: "low_cumulative"}[r.Kind]
	}
	return map[Kind]string{
		High: "high", Low: "low", NoData: "no_data", Rise: "rising", Fall: "falling", MKT: "mkt", Stuck: "stuck",
	}[r.Kind]
}

// limits reports whether the rule holds values to a limit, so that there are times outside it.
func (r *Rule) limits() bool { return r.Kind == High || r.Kind == Low }

// side tells on which side of the rule's limit a value is. The limit itself violates.
func (r *Rule) side(v unit.Milli) int8 {
	over := v - r.Limit // how far beyond the limit
	if r.Kind == Low {
		over = -over
	}
	switch {
	case over >= 0:
		return violating
	case over <= -r.Deadband:
		return back
	default:
		return between
	}
}
