// Package series is what sensors measured over time.
package series

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// MaxPoints is how many points of one sensor a Query gives at most.
const MaxPoints = 2000

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
	Points []Point `json:"points"`
}

// Query asks for a span of time, of one sensor or ("") of all.
type Query struct {
	From, To time.Time // From ≤ t < To
	Sensor   string
}

// Store reads series.
type Store interface {
	// Query gives every sensor asked for, by id, with at most MaxPoints points each: more than those become the lowest
	// and the highest of each stretch of time. A silence longer than three times the usual spacing has a Point without
	// value in it. Of a span of more than eight days the points are the lowest and the highest of each hour, so that
	// silences of a few hours do not show, nor single samples without value.
	Query(ctx context.Context, q Query) ([]Series, error)
}
