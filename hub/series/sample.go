package series

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
)

// Sample is what a sensor said at a time. Key and At, to the microsecond, tell it from all others.
type Sample struct {
	Key
	At       time.Time
	Value    unit.Milli
	HasValue bool // false: the sensor said that it has no value, or none that can be trusted
	Quality  devices.Quality
	Reason   string // why, where Quality is not Good
	Location string // where the sensor was
}

// Of is an edge's sample as it is stored.
func Of(edge string, s wire.Sample) Sample {
	return Sample{
		Key: Key{Edge: edge, Device: s.Device, Channel: s.Channel, Quantity: s.Quantity},
		At:  s.At, Value: s.Value, HasValue: s.Quality == devices.Good,
		Quality: s.Quality, Reason: s.Reason, Location: s.Location,
	}
}

// Reading is the sample without what it shares with others of its sensor.
func (s Sample) Reading() Reading {
	r := Reading{At: s.At.Truncate(time.Microsecond).UTC(), HasValue: s.HasValue}
	if s.HasValue {
		r.Value = s.Value
	}
	return r
}

// MaxValue is the largest value of a Sample, and -MaxValue the lowest. The sum of a bucket stays below 2^63 even of an hour
// with a sample in each millisecond.
const MaxValue unit.Milli = 1e12

// The longest texts of a Sample, in bytes.
const (
	MaxName   = 256 // edge, device, channel and location
	MaxReason = 4096
)

// The times that a Sample may have: after earliest, before latest. A clock that was never set is at the beginning of 1970.
var (
	earliest = time.Unix(0, 0)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Validate tells what keeps s from being stored.
func (s Sample) Validate() error {
	switch {
	case s.Edge == "" || s.Device == "":
		return s.invalid("it lacks the name of its edge or its device")
	case strings.Contains(s.Edge+s.Device, "/"):
		return s.invalid("the name of its edge or its device has a slash")
	case s.Quantity == 0:
		return s.invalid("it does not say what was measured")
	case !s.At.Truncate(time.Microsecond).After(earliest) || !s.At.Before(latest):
		return s.invalid("a time between 1970 and 2200 is wanted")
	case s.HasValue && (s.Value > MaxValue || s.Value < -MaxValue):
		return s.invalid(fmt.Sprintf("value %v is beyond ±%v", s.Value, MaxValue))
	}
	for _, name := range []string{s.Edge, s.Device, s.Channel, s.Location} {
		if !storable(name, MaxName) {
			return s.invalid(fmt.Sprintf("name %.40q is not UTF-8 of at most %d bytes without a NUL", name, MaxName))
		}
	}
	if !storable(s.Reason, MaxReason) {
		return s.invalid(fmt.Sprintf("reason %.40q is not UTF-8 of at most %d bytes without a NUL", s.Reason, MaxReason))
	}
	return nil
}

func storable(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

func (s Sample) invalid(why string) error {
	return fmt.Errorf("sample of sensor %.300q at %s is %w: %s", s.ID(), s.At.UTC().Format(time.RFC3339Nano), fault.Invalid, why)
}

// Validate tells the first of the samples that cannot be stored.
func Validate(samples []Sample) error {
	for _, s := range samples {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Sink takes samples.
type Sink interface {
	// Write stores samples, of any order and any number of sensors, and returns when they are durable. A sample that is
	// there already changes nothing; of two that differ in more than their key one stays. Where one of them is
	// fault.Invalid nothing is stored. After another error some may be stored: write them again. It is safe for
	// concurrent use.
	Write(ctx context.Context, samples []Sample) error
}
