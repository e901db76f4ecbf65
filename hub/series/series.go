// Package series is what sensors measured over time.
//
// A Sink takes samples, and a Source gives them back: as they came, or rolled up into the buckets of a Resolution. What
// an answer looks like (which resolution, where the gaps are, how many points at most) is the Reader's to say, so that
// it is the same from every database; seriestest is the contract of those. Where samples go to a database that may be
// away, a Spool in the hub's own holds them meanwhile.
package series

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// MaxPoints is how many points of one sensor a Query gives at most.
const MaxPoints = 2000

// Key names a sensor: one quantity, measured by one probe of a device.
type Key struct {
	Edge     string
	Device   string
	Channel  string // "" where the device has one probe
	Quantity unit.Quantity
}

// ID is the key as one text. No two keys have the same, because edge, device and quantity are without slashes.
func (k Key) ID() string { return SensorID(k.Edge, k.Device, k.Channel, k.Quantity.String()) }

// Sensor is one measured quantity of one probe.
type Sensor struct {
	ID       string   `json:"id"` // EDGE/DEVICE/CHANNEL/QUANTITY
	Edge     string   `json:"edge"`
	Device   string   `json:"device"`
	Channel  string   `json:"channel"`
	Location string   `json:"location"`
	Quantity string   `json:"quantity"` // as devices/unit names it
	Unit     string   `json:"unit"`
	Low      *float64 `json:"low"`  // what its edges hold the quantity to at its location; nil where they do not
	High     *float64 `json:"high"` //
}

// SensorID names a sensor.
func SensorID(edge, device, channel, quantity string) string {
	return edge + "/" + device + "/" + channel + "/" + quantity
}

// SensorOf is the sensor of a key, at a location.
func SensorOf(k Key, location string) Sensor {
	return Sensor{
		ID: k.ID(), Edge: k.Edge, Device: k.Device, Channel: k.Channel, Location: location,
		Quantity: k.Quantity.String(), Unit: k.Quantity.Symbol(),
	}
}

// Point is one value at a time; without a value it is a gap, or a probe that said it has none.
type Point struct {
	At    time.Time
	Value *float64
}

// MarshalJSON writes [unix milliseconds, value or null].
func (p Point) MarshalJSON() ([]byte, error) {
	b := strconv.AppendInt([]byte{'['}, p.At.UnixMilli(), 10)
	b = append(b, ',')
	if p.Value == nil {
		return append(b, "null]"...), nil
	}
	v, err := json.Marshal(*p.Value)
	if err != nil {
		return nil, err
	}
	return append(append(b, v...), ']'), nil
}

// Series is a sensor with its points, rising in time.
type Series struct {
	Sensor
	Resolution Resolution `json:"resolution"` // never Auto
	Points     []Point    `json:"points"`
}

// Choice chooses sensors; an empty field chooses all.
type Choice struct {
	ID       string
	Site     string // of the edge
	Quantity string // as devices/unit names it
	After    string // only those whose id is after this one, so that a list can be read in pages
	Limit    int    // 0 = all
}

// Query asks for a span of time of some sensors.
type Query struct {
	From, To   time.Time // From ≤ t < To
	Sensors    Choice
	Resolution Resolution
}

// Store reads series for charts.
type Store interface {
	// Query gives every sensor asked for, by id, with at most MaxPoints points each: more than those become the lowest
	// and the highest of each stretch of time. In a resolution other than Raw the points are the lowest and the highest
	// of each bucket. A silence longer than three times the usual spacing, of samples or of buckets, has a Point without
	// value in it. A sensor that nobody knows is no error; one that was silent has no points.
	Query(ctx context.Context, q Query) ([]Series, error)
}
