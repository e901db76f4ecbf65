package devices

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// Read is one report of one tag by one antenna.
type Read struct {
	Device  string // the reader's id in the gateway's configuration
	Antenna uint8  // 1, 2, …; 0 where the reader has one antenna and does not say
	Tag     Tag
	RSSI    unit.DBm // signal strength, where HasRSSI
	HasRSSI bool
	// RSSIRelative: RSSI is on the reader's own scale, its steps taken for dB: good to compare reads of one reader, not dBm.
	RSSIRelative bool
	// ReaderTime is the reader's own clock; zero where it has none. Its offset to the gateway is not known here.
	ReaderTime time.Time
	HostTime   time.Time // the gateway's clock when the report had arrived
	Seq        uint64    // the reader's own event number, for finding gaps; 0 where it has none
	Count      uint32    // how many sightings the reader folded into this report; at least 1
	Phase      unit.Phase
	HasPhase   bool
	ChannelKHz uint32 // the radio channel's frequency; 0 where the reader does not say
	Text       string // what a card carries beside its identity: its first NDEF record's URI or text; "" where none was read
}

// GPI is a change of a reader's or an I/O module's general purpose input: a photocell, a door contact, a push button.
type GPI struct {
	Device     string
	Port       uint8 // 1, 2, …
	High       bool
	ReaderTime time.Time // as a Read's
	HostTime   time.Time
}

// Quality says how far a Sample may be trusted.
type Quality uint8

// The qualities of a sample.
const (
	// Good is a measured value.
	Good Quality = iota
	// Sentinel is a code by which the probe says that it has no value, such as 85.0 °C of a DS18B20 after power-on.
	// The Sample's Value is that code and must not be judged against limits.
	Sentinel
	// OutOfRange is a value beyond what the device model can measure.
	OutOfRange
	// NoData is a report that says there is no value: a null, or a probe that is gone. Value means nothing.
	NoData
	// Stuck is a value that has not changed for longer than a working probe's would.
	Stuck
	// ClockUnsynced is a measured value whose time is a guess, because the clock behind it was not set.
	ClockUnsynced
)

// Qualities is how many qualities there are.
const Qualities = int(ClockUnsynced) + 1

var qualityNames = [Qualities]string{"good", "sentinel", "out_of_range", "no_data", "stuck", "clock_unsynced"}

// String gives the quality's name in lower case.
func (q Quality) String() string { return qualityNames[min(q, ClockUnsynced)] }

// ParseQuality reads what String wrote; "" is good.
func ParseQuality(s string) (Quality, error) {
	for i, name := range qualityNames {
		if s == name {
			return Quality(i), nil
		}
	}
	if s == "" {
		return Good, nil
	}
	return 0, fmt.Errorf("quality %q is not known; known are %s", s, strings.Join(qualityNames[:], ", "))
}

// Measured reports whether the sample's value was measured, however doubtful its time or its probe are.
func (q Quality) Measured() bool { return q == Good || q == Stuck || q == ClockUnsynced }

// Sample is one measured value.
type Sample struct {
	Device     string        // the sensor's id in the gateway's configuration
	Channel    string        // which probe of the device, e.g. the 1-Wire id of a DS18B20; "" where there is one
	Quantity   unit.Quantity // what was measured, and so its unit
	Value      unit.Milli    // the value in thousandths of the quantity's unit
	Quality    Quality
	Reason     string    // why, where Quality is not Good: e.g. "ds18b20_power_on_reset"
	DeviceTime time.Time // the device's own clock; zero where it has none
	HostTime   time.Time // the gateway's clock when the value had arrived
	// Historical: the device had kept the value and sends it later; DeviceTime says when it was measured, and it says
	// nothing of now.
	Historical bool
}

// HealthState says whether a device does its work.
type HealthState uint8

// The states of a device.
const (
	// Down: no connection, or it does not answer. Nothing may be concluded from its silence.
	Down HealthState = iota
	// Degraded: it works, but something was lost or a part of it fails; Reason says what.
	Degraded
	// Up: it answers and reads.
	Up
)

// String gives the state's name in lower case.
func (s HealthState) String() string { return [...]string{"down", "degraded", "up"}[min(s, Up)] }

// Health is one report of a device's state.
type Health struct {
	Device string
	State  HealthState
	Reason string // one sentence for a technician: what is wrong and what to do; "" while Up
	Lost   uint64 // reports that the device itself says it dropped since the last Health
	At     time.Time
}

// Sink takes what a driver reports. Its methods may block while the gateway is busy, which is how the pressure
// reaches the device; they are safe for use by several drivers at once and keep the order of each caller.
type Sink interface {
	Read(Read)
	GPI(GPI)
	Sample(Sample)
	Health(Health)
}

// Driver speaks with one device.
//
// Run opens the connection, works until ctx ends or the connection fails, closes it, and returns: nil when ctx
// ended, else what failed. It reports Health Up once the device has answered; the caller reports Down from the
// returned error and runs it again later. Run never panics on what a device sends; all its goroutines have ended
// when it returns. A Driver is run by one goroutine at a time and may be run again after it returned.
type Driver interface {
	Run(ctx context.Context, sink Sink) error
}

// Outputs is a Driver that can also switch lamps and relays, numbered from 1. SetOutput may be called from any goroutine,
// while Run is at work or not, and returns once the device has done it; an error says that this is not certain.
type Outputs interface {
	SetOutput(ctx context.Context, port uint8, on bool) error
}

// Settings is what a gateway's configuration says of one device.
type Settings struct {
	ID      string            // unique in the gateway
	Driver  string            // a name of devices/all, e.g. "uhf"
	Address string            // "serial:/dev/ttyUSB0?baud=115200", "tcp:host:port" or "mqtt:topic-filter"
	Model   string            // a name of devices/catalog, where the driver wants one, e.g. "xy-md02"
	Poll    time.Duration     // time between two requests; 0 = the driver's default
	Options map[string]string // what else the driver knows; an unknown key is an error
}
